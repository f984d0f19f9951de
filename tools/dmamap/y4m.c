/* SPDX-License-Identifier: BSD-2-Clause */
/* YUV4MPEG2 streams, 8 bits: 4:2:0, 4:2:2, 4:4:4 and mono. Frames are read one at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dmamap/source.h"

enum { HEADER_LEN = 256 };

struct y4m {
	FILE *file;
	bool own_file;
	char name[96];
	struct image format; /* sizes only */
	uint32_t rate_num;
	uint32_t rate_den;
	uint32_t nr_read;
};

/* Does @line consist of, or begin with, this word? */
static bool has_magic(const char *line, const char *magic)
{
	size_t len = strlen(magic);

	return strncmp(line, magic, len) == 0 && (line[len] == '\0' || line[len] == ' ');
}

/* One line without its newline; false at end of file, or when it is longer than the buffer. */
static bool read_line(FILE *f, char *line, size_t len, bool *empty)
{
	size_t n = 0;
	int c = 0;

	while (n + 1 < len && (c = getc(f)) != EOF && c != '\n')
		line[n++] = (char)c;
	line[n] = '\0';
	*empty = n == 0 && c == EOF;
	return c == '\n';
}

static bool parse_size(const char *s, uint32_t *size)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	*size = (uint32_t)v;
	return *end == '\0' && v >= 1 && v <= SOURCE_MAX_SIZE;
}

static bool parse_rate(const char *s, struct y4m *y)
{
	unsigned num, den;

	if (sscanf(s, "%u:%u", &num, &den) != 2 || num == 0 || den == 0)
		return false;
	y->rate_num = num;
	y->rate_den = den;
	return true;
}

/* Chroma planes as a fraction of the luma plane: shifts, or none for grey. */
static bool parse_chroma(const char *s, int *shift_x, int *shift_y)
{
	static const struct {
		const char *name;
		int shift_x, shift_y;
	} known[] = {
		{ "420", 1, 1 },      { "420jpeg", 1, 1 }, { "420mpeg2", 1, 1 },
		{ "420paldv", 1, 1 }, { "422", 1, 0 },	   { "444", 0, 0 },
		{ "mono", -1, -1 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(s, known[i].name) == 0) {
			*shift_x = known[i].shift_x;
			*shift_y = known[i].shift_y;
			return true;
		}
	}
	return false;
}

static bool parse_header(struct y4m *y, char *line, char error[ERROR_LEN])
{
	int shift_x = 1, shift_y = 1;
	char *save = NULL;

	for (char *tok = strtok_r(line + 9, " ", &save); tok; tok = strtok_r(NULL, " ", &save)) {
		bool ok = true;

		if (tok[0] == 'W')
			ok = parse_size(tok + 1, &y->format.width);
		else if (tok[0] == 'H')
			ok = parse_size(tok + 1, &y->format.height);
		else if (tok[0] == 'F')
			ok = parse_rate(tok + 1, y);
		else if (tok[0] == 'C')
			ok = parse_chroma(tok + 1, &shift_x, &shift_y);
		if (!ok) {
			snprintf(error, ERROR_LEN, "%s: header field '%.32s' is not supported",
				 y->name, tok);
			return false;
		}
	}
	if (y->format.width == 0 || y->format.height == 0) {
		snprintf(error, ERROR_LEN, "%s: the header gives no size", y->name);
		return false;
	}
	if (y->format.width % 2 != 0 || y->format.height % 2 != 0) {
		snprintf(error, ERROR_LEN, "%s: odd size %ux%u; width and height must be even",
			 y->name, y->format.width, y->format.height);
		return false;
	}
	if (shift_x >= 0) {
		y->format.chroma_width = y->format.width >> shift_x;
		y->format.chroma_height = y->format.height >> shift_y;
	}
	return true;
}

static bool read_header(struct y4m *y, char error[ERROR_LEN])
{
	char line[HEADER_LEN];
	bool empty;

	if (!read_line(y->file, line, sizeof(line), &empty) || !has_magic(line, "YUV4MPEG2")) {
		snprintf(error, ERROR_LEN, "%s: not a Y4M stream", y->name);
		return false;
	}
	return parse_header(y, line, error);
}

bool y4m_open(const char *path, struct y4m **y4m, char error[ERROR_LEN])
{
	struct y4m *y = calloc(1, sizeof(*y));

	if (y == NULL) {
		snprintf(error, ERROR_LEN, "out of memory");
		return false;
	}
	y->own_file = strcmp(path, "-") != 0;
	snprintf(y->name, sizeof(y->name), "%.95s", y->own_file ? path : "standard input");
	y->file = y->own_file ? fopen(path, "rb") : stdin;
	y->rate_num = 30;
	y->rate_den = 1;
	if (y->file == NULL) {
		snprintf(error, ERROR_LEN, "%s: %s", y->name, strerror(errno));
		free(y);
		return false;
	}
	if (!read_header(y, error)) {
		y4m_close(y);
		return false;
	}
	*y4m = y;
	return true;
}

const struct image *y4m_format(const struct y4m *y4m)
{
	return &y4m->format;
}

void y4m_rate(const struct y4m *y4m, uint32_t *num, uint32_t *den)
{
	*num = y4m->rate_num;
	*den = y4m->rate_den;
}

static bool read_planes(struct y4m *y, struct image *img)
{
	size_t luma = (size_t)img->width * img->height;
	size_t chroma = (size_t)img->chroma_width * img->chroma_height;

	return fread(img->plane[0], 1, luma, y->file) == luma &&
	       (chroma == 0 || (fread(img->plane[1], 1, chroma, y->file) == chroma &&
				fread(img->plane[2], 1, chroma, y->file) == chroma));
}

int y4m_read(struct y4m *y4m, struct image *img, char error[ERROR_LEN])
{
	char line[HEADER_LEN];
	bool empty;

	if (!read_line(y4m->file, line, sizeof(line), &empty)) {
		if (empty && !ferror(y4m->file))
			return 0;
		snprintf(error, ERROR_LEN, "%s: truncated in the header of frame %u", y4m->name,
			 y4m->nr_read);
		return -1;
	}
	if (!has_magic(line, "FRAME")) {
		snprintf(error, ERROR_LEN, "%s: frame %u has no FRAME header", y4m->name,
			 y4m->nr_read);
		return -1;
	}
	if (!read_planes(y4m, img)) {
		snprintf(error, ERROR_LEN, "%s: truncated in frame %u", y4m->name, y4m->nr_read);
		return -1;
	}
	y4m->nr_read++;
	return 1;
}

void y4m_close(struct y4m *y4m)
{
	if (y4m == NULL)
		return;
	if (y4m->own_file)
		fclose(y4m->file);
	free(y4m);
}
