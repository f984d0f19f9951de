/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the command line compare with.
 *
 *	oracle frames FILE N	NV12 frames of an input, as the camera's sensor gets them
 *	oracle convert		NV12 frames in, XRGB8888 frames out (libswscale)
 *	oracle png FILE		a PNG picture as XRGB8888
 *
 * Raw 1920x1080 frames on standard input and output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "tests/tool/swscale.h"
#include "tools/dmamap/source.h"

enum { PIXELS = SOURCE_WIDTH * SOURCE_HEIGHT, NV12_BYTES = PIXELS * 3 / 2 };

static int failed(const char *why)
{
	fprintf(stderr, "oracle: %s\n", why);
	return 1;
}

static int frames(const char *path, const char *nr)
{
	uint8_t *nv12 = malloc(NV12_BYTES);
	struct source *source = NULL;
	char error[ERROR_LEN];
	int got = -1;

	if (nv12 != NULL && source_open(path, (uint32_t)strtoul(nr, NULL, 10), &source, error)) {
		do {
			got = source_read(source, nv12, nv12 + PIXELS, error);
			if (got == 1 && fwrite(nv12, NV12_BYTES, 1, stdout) != 1)
				got = -1;
		} while (got == 1);
	}
	source_close(source);
	free(nv12);
	return got == 0 ? 0 : failed(error);
}

static int convert(void)
{
	uint8_t *nv12 = malloc(NV12_BYTES), *xrgb = malloc(4 * (size_t)PIXELS);
	bool ok = nv12 != NULL && xrgb != NULL;

	while (ok && fread(nv12, NV12_BYTES, 1, stdin) == 1) {
		ok = oracle_convert(nv12, SOURCE_WIDTH, SOURCE_HEIGHT, xrgb) &&
		     fwrite(xrgb, 4 * (size_t)PIXELS, 1, stdout) == 1;
	}
	free(nv12);
	free(xrgb);
	return ok ? 0 : failed("cannot convert");
}

static int show_png(const char *path)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	uint8_t *xrgb = malloc(4 * (size_t)PIXELS);
	bool ok = xrgb != NULL && png_image_begin_read_from_file(&png, path) != 0 &&
		  png.width == SOURCE_WIDTH && png.height == SOURCE_HEIGHT;

	png.format = PNG_FORMAT_BGRA;
	ok = ok && png_image_finish_read(&png, NULL, xrgb, 0, NULL) != 0;
	for (size_t i = 0; ok && i < PIXELS; i++) {
		ok = xrgb[4 * i + 3] == 255;
		xrgb[4 * i + 3] = 0;
	}
	ok = ok && fwrite(xrgb, 4 * (size_t)PIXELS, 1, stdout) == 1;
	png_image_free(&png);
	free(xrgb);
	return ok ? 0 : failed("no opaque PNG picture of that size");
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "frames") == 0)
		return frames(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "convert") == 0)
		return convert();
	if (argc == 3 && strcmp(argv[1], "png") == 0)
		return show_png(argv[2]);
	return failed("frames FILE N | convert | png FILE");
}
