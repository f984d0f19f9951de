/* SPDX-License-Identifier: BSD-2-Clause */
/* PNG and JPEG pictures, through libpng and libjpeg, as 4:4:4 planes in BT.709 limited range. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "tools/dmamap/source.h"

bool image_alloc(struct image *img, uint32_t width, uint32_t height, uint32_t chroma_width,
		 uint32_t chroma_height)
{
	*img = (struct image){ .width = width, .height = height, .chroma_width = chroma_width,
			       .chroma_height = chroma_height };
	img->plane[0] = malloc((size_t)width * height);
	for (int i = 1; i < 3; i++)
		img->plane[i] = malloc((size_t)chroma_width * chroma_height + 1);
	if (img->plane[0] != NULL && img->plane[1] != NULL && img->plane[2] != NULL)
		return true;
	image_free(img);
	return false;
}

void image_free(struct image *img)
{
	for (int i = 0; i < 3; i++) {
		free(img->plane[i]);
		img->plane[i] = NULL;
	}
}

/* BT.709, limited range, in units of 2^-16. */
static void rgb_to_planes(const uint8_t *rgb, struct image *img, uint32_t row)
{
	for (uint32_t x = 0; x < img->width; x++) {
		int32_t r = rgb[3 * x], g = rgb[3 * x + 1], b = rgb[3 * x + 2];
		size_t i = (size_t)row * img->width + x;

		img->plane[0][i] = (uint8_t)((11966 * r + 40254 * g + 4064 * b + 1081344) >> 16);
		img->plane[1][i] = (uint8_t)((-6596 * r - 22189 * g + 28784 * b + 8421376) >> 16);
		img->plane[2][i] = (uint8_t)((28784 * r - 26145 * g - 2639 * b + 8421376) >> 16);
	}
}

static bool size_ok(const char *path, uint32_t w, uint32_t h, char error[ERROR_LEN])
{
	if (w >= 16 && h >= 16 && w <= SOURCE_MAX_SIZE && h <= SOURCE_MAX_SIZE)
		return true;
	snprintf(error, ERROR_LEN, "%.96s: size %ux%u; need 16x16 to %dx%d", path, w, h,
		 SOURCE_MAX_SIZE, SOURCE_MAX_SIZE);
	return false;
}

static bool png_to_image(png_image *png, const char *path, struct image *img,
			 char error[ERROR_LEN])
{
	uint8_t *rgb;

	if (!size_ok(path, png->width, png->height, error))
		return false;
	png->format = PNG_FORMAT_RGB;
	rgb = malloc(PNG_IMAGE_SIZE(*png));
	if (rgb == NULL || !image_alloc(img, png->width, png->height, png->width, png->height)) {
		free(rgb);
		snprintf(error, ERROR_LEN, "%.96s: out of memory", path);
		return false;
	}
	if (!png_image_finish_read(png, NULL, rgb, 0, NULL)) {
		snprintf(error, ERROR_LEN, "%.96s: %.64s", path, png->message);
		image_free(img);
		free(rgb);
		return false;
	}
	for (uint32_t row = 0; row < img->height; row++)
		rgb_to_planes(rgb + (size_t)row * img->width * 3, img, row);
	free(rgb);
	return true;
}

bool picture_load_png(const char *path, struct image *img, char error[ERROR_LEN])
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	bool ok;

	if (!png_image_begin_read_from_file(&png, path)) {
		snprintf(error, ERROR_LEN, "%.96s: %.64s", path, png.message);
		return false;
	}
	ok = png_to_image(&png, path, img, error);
	png_image_free(&png);
	return ok;
}

struct jpeg_failure {
	struct jpeg_error_mgr mgr;
	jmp_buf back;
	char text[JMSG_LENGTH_MAX];
};

static void jpeg_failed(j_common_ptr cinfo)
{
	struct jpeg_failure *f = (struct jpeg_failure *)cinfo->err;

	cinfo->err->format_message(cinfo, f->text);
	longjmp(f->back, 1);
}

/* A damaged file is an error, not a warning. */
static void jpeg_message(j_common_ptr cinfo, int level)
{
	if (level < 0)
		jpeg_failed(cinfo);
}

/* May leave by longjmp; *row and *img belong to the caller so that they survive it. */
static bool jpeg_to_image(struct jpeg_decompress_struct *jpeg, FILE *f, const char *path,
			  struct image *img, uint8_t **row, char error[ERROR_LEN])
{
	jpeg_stdio_src(jpeg, f);
	jpeg_read_header(jpeg, TRUE);
	if (!size_ok(path, jpeg->image_width, jpeg->image_height, error))
		return false;
	jpeg->out_color_space = JCS_RGB;
	jpeg_start_decompress(jpeg);
	*row = malloc((size_t)jpeg->output_width * 3);
	if (*row == NULL || !image_alloc(img, jpeg->output_width, jpeg->output_height,
					 jpeg->output_width, jpeg->output_height)) {
		snprintf(error, ERROR_LEN, "%.96s: out of memory", path);
		return false;
	}
	while (jpeg->output_scanline < jpeg->output_height) {
		uint32_t n = jpeg->output_scanline;

		jpeg_read_scanlines(jpeg, row, 1);
		rgb_to_planes(*row, img, n);
	}
	jpeg_finish_decompress(jpeg);
	return true;
}

bool picture_load_jpeg(const char *path, struct image *img, char error[ERROR_LEN])
{
	struct jpeg_failure failure = { .text = "" };
	struct jpeg_decompress_struct jpeg = { .err = jpeg_std_error(&failure.mgr) };
	FILE *f = fopen(path, "rb");
	uint8_t *row = NULL;
	volatile bool ok = false;

	if (f == NULL) {
		snprintf(error, ERROR_LEN, "%.96s: %s", path, strerror(errno));
		return false;
	}
	memset(img, 0, sizeof(*img));
	failure.mgr.error_exit = jpeg_failed;
	failure.mgr.emit_message = jpeg_message;
	if (setjmp(failure.back) == 0) {
		jpeg_create_decompress(&jpeg);
		ok = jpeg_to_image(&jpeg, f, path, img, &row, error);
	} else {
		snprintf(error, ERROR_LEN, "%.96s: %.120s", path, failure.text);
	}
	jpeg_destroy_decompress(&jpeg);
	fclose(f);
	free(row);
	if (!ok)
		image_free(img);
	return ok;
}
