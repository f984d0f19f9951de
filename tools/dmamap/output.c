/* SPDX-License-Identifier: BSD-2-Clause */
/* Y4M, PNG (libpng), SHA-256 (libmd), and files that appear whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <png.h>
#include <sha256.h>

#include "tools/dmamap/output.h"

enum { PIXELS = SOURCE_WIDTH * SOURCE_HEIGHT, PATH_LEN = 4096 };

static const char *const file_names[NR_OUTPUT_FILES] = {
	[OUTPUT_FRAMES] = "frames.y4m",
	[OUTPUT_LAST] = "last.png",
	[OUTPUT_REPORT] = "report.html",
	[OUTPUT_SUMMARY] = "summary.json",
};

struct output {
	char *dir; /* NULL: nothing is written */
	bool made_dir;
	bool written[NR_OUTPUT_FILES];
	FILE *frames;
	uint8_t *planes; /* one frame as 4:4:4 */
	uint8_t *last;
	uint32_t nr_frames;
	int write_errno;
	SHA2_CTX sha;
};

static void file_path(const struct output *o, enum output_file file, bool part, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%s%s", o->dir, file_names[file], part ? ".part" : "");
}

static void free_output(struct output *o)
{
	free(o->dir);
	free(o->planes);
	free(o->last);
	free(o);
}

static bool open_dir(struct output *o, const char *dir, uint32_t rate_num, uint32_t rate_den)
{
	char path[PATH_LEN];

	if (mkdir(dir, 0777) == 0)
		o->made_dir = true;
	else if (errno != EEXIST)
		return false;
	file_path(o, OUTPUT_FRAMES, true, path);
	o->frames = fopen(path, "wb");
	if (o->frames == NULL)
		return false;
	o->written[OUTPUT_FRAMES] = true;
	return fprintf(o->frames, "YUV4MPEG2 W%d H%d F%u:%u Ip A1:1 C444\n", SOURCE_WIDTH,
		       SOURCE_HEIGHT, rate_num, rate_den) > 0;
}

bool output_open(const char *dir, uint32_t rate_num, uint32_t rate_den, struct output **output,
		 char error[ERROR_LEN])
{
	struct output *o = calloc(1, sizeof(*o));

	if (o != NULL) {
		o->planes = malloc((size_t)PIXELS * 3);
		o->last = malloc((size_t)PIXELS * 4);
		o->dir = dir != NULL ? strdup(dir) : NULL;
	}
	if (o == NULL || o->planes == NULL || o->last == NULL || (dir != NULL && o->dir == NULL)) {
		snprintf(error, ERROR_LEN, "out of memory");
		if (o != NULL)
			free_output(o);
		return false;
	}
	SHA256Init(&o->sha);
	if (dir != NULL && !open_dir(o, dir, rate_num, rate_den)) {
		snprintf(error, ERROR_LEN, "%.96s: %s", dir, strerror(errno));
		output_discard(o);
		return false;
	}
	*output = o;
	return true;
}

/* BT.709, limited range, in units of 2^-16. */
static void to_444(const uint8_t *xrgb, uint8_t *planes)
{
	for (size_t i = 0; i < PIXELS; i++) {
		int32_t b = xrgb[4 * i], g = xrgb[4 * i + 1], r = xrgb[4 * i + 2];

		planes[i] = (uint8_t)((11966 * r + 40254 * g + 4064 * b + 1081344) >> 16);
		planes[PIXELS + i] =
			(uint8_t)((-6596 * r - 22189 * g + 28784 * b + 8421376) >> 16);
		planes[2 * (size_t)PIXELS + i] =
			(uint8_t)((28784 * r - 26145 * g - 2639 * b + 8421376) >> 16);
	}
}

void output_frame(struct output *output, const uint8_t *xrgb)
{
	SHA256Update(&output->sha, xrgb, (size_t)PIXELS * 4);
	memcpy(output->last, xrgb, (size_t)PIXELS * 4);
	output->nr_frames++;
	if (output->frames == NULL || output->write_errno != 0)
		return;
	to_444(xrgb, output->planes);
	if (fputs("FRAME\n", output->frames) < 0 ||
	    fwrite(output->planes, 3, PIXELS, output->frames) != PIXELS)
		output->write_errno = errno;
}

uint32_t output_nr_frames(const struct output *output)
{
	return output->nr_frames;
}

void output_sha256(const struct output *output, char hex[SHA256_HEX_LEN])
{
	SHA2_CTX sha = output->sha;

	SHA256End(&sha, hex);
}

bool output_text(struct output *output, enum output_file file, const char *text,
		 char error[ERROR_LEN])
{
	char path[PATH_LEN];
	FILE *f;
	bool ok;

	if (output->dir == NULL)
		return true;
	file_path(output, file, true, path);
	f = fopen(path, "wb");
	output->written[file] = f != NULL;
	ok = f != NULL && fputs(text, f) >= 0;
	ok = f != NULL && fclose(f) == 0 && ok;
	if (!ok)
		snprintf(error, ERROR_LEN, "%.120s: %s", path, strerror(errno));
	return ok;
}

static bool write_last(struct output *o)
{
	png_image png = { .version = PNG_IMAGE_VERSION, .width = SOURCE_WIDTH,
			  .height = SOURCE_HEIGHT, .format = PNG_FORMAT_BGRA };
	char path[PATH_LEN];

	for (size_t i = 0; i < PIXELS; i++)
		o->last[4 * i + 3] = 255;
	file_path(o, OUTPUT_LAST, true, path);
	o->written[OUTPUT_LAST] = true;
	return png_image_write_to_file(&png, path, 0, o->last, 0, NULL) != 0;
}

static bool finish_files(struct output *o, char error[ERROR_LEN])
{
	bool ok = fclose(o->frames) == 0 && o->write_errno == 0;
	int err = o->write_errno != 0 ? o->write_errno : errno;

	o->frames = NULL;
	if (!ok) {
		snprintf(error, ERROR_LEN, "%.96s/frames.y4m: %s", o->dir, strerror(err));
		return false;
	}
	if (o->nr_frames != 0 && !write_last(o)) {
		snprintf(error, ERROR_LEN, "%.96s/last.png: cannot be written", o->dir);
		return false;
	}
	return true;
}

/* All files or none: what has its name already goes again when another cannot get its own. */
static bool name_files(struct output *o, char error[ERROR_LEN])
{
	char part[PATH_LEN], path[PATH_LEN];

	for (int i = 0; i < NR_OUTPUT_FILES; i++) {
		if (!o->written[i])
			continue;
		file_path(o, (enum output_file)i, true, part);
		file_path(o, (enum output_file)i, false, path);
		if (rename(part, path) == 0)
			continue;
		snprintf(error, ERROR_LEN, "%.120s: %s", path, strerror(errno));
		while (i-- > 0) {
			file_path(o, (enum output_file)i, false, path);
			if (o->written[i])
				unlink(path);
		}
		return false;
	}
	return true;
}

bool output_commit(struct output *output, char error[ERROR_LEN])
{
	if (output->dir == NULL) {
		free_output(output);
		return true;
	}
	if (!finish_files(output, error) || !name_files(output, error)) {
		output_discard(output);
		return false;
	}
	free_output(output);
	return true;
}

void output_discard(struct output *output)
{
	char path[PATH_LEN];

	if (output == NULL)
		return;
	if (output->frames != NULL)
		fclose(output->frames);
	for (int i = 0; output->dir != NULL && i < NR_OUTPUT_FILES; i++) {
		if (!output->written[i])
			continue;
		file_path(output, (enum output_file)i, true, path);
		unlink(path);
	}
	if (output->made_dir)
		rmdir(output->dir);
	free_output(output);
}
