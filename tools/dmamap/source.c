/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of 1920x1080 NV12 from any input: streams of another size are letterboxed, pictures are
 * scaled to cover the frame with some to spare, and panned across.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dmamap/source.h"

enum { SPARE_W = 320, SPARE_H = 180 }; /* how far a pan moves at least */
enum { PAN_FRAMES = 60 };

struct source {
	struct y4m *y4m;
	struct image image; /* the stream's frame, or the scaled picture in 4:2:0 */
	uint32_t nr_frames;
	uint32_t nr_read;
};

/* Sample i of n maps to its centre among m; position in units of 1/256. */
static uint32_t scaled_pos(uint32_t i, uint32_t n, uint32_t m)
{
	int64_t pos = ((int64_t)(2 * i + 1) * m * 128) / n - 128;

	if (pos < 0)
		return 0;
	if (pos > (int64_t)(m - 1) * 256)
		return (m - 1) * 256;
	return (uint32_t)pos;
}

void plane_scale(const uint8_t *src, uint32_t src_w, uint32_t src_h, uint8_t *dst, uint32_t dst_w,
		 uint32_t dst_h, uint32_t dst_stride, uint32_t dst_step)
{
	for (uint32_t row = 0; row < dst_h; row++) {
		uint32_t py = scaled_pos(row, dst_h, src_h), fy = py & 255;
		const uint8_t *a = src + (size_t)(py >> 8) * src_w;
		const uint8_t *b = fy ? a + src_w : a;

		for (uint32_t col = 0; col < dst_w; col++) {
			uint32_t px = scaled_pos(col, dst_w, src_w), fx = px & 255, x = px >> 8;
			uint32_t x1 = fx ? x + 1 : x;
			uint32_t top = a[x] * (256 - fx) + a[x1] * fx;
			uint32_t bottom = b[x] * (256 - fx) + b[x1] * fx;

			dst[(size_t)row * dst_stride + col * dst_step] =
				(uint8_t)((top * (256 - fy) + bottom * fy + 32768) >> 16);
		}
	}
}

/* The picture, scaled so that it covers the frame and some more, in 4:2:0. */
static bool cover(const struct image *pic, struct image *out)
{
	uint64_t need_w = SOURCE_WIDTH + SPARE_W, need_h = SOURCE_HEIGHT + SPARE_H;
	uint64_t w = need_w, h = need_w * pic->height / pic->width;

	if (h < need_h) {
		h = need_h;
		w = need_h * pic->width / pic->height;
	}
	w = (w + 1) & ~1ull;
	h = (h + 1) & ~1ull;
	if (w > SOURCE_MAX_SIZE || h > SOURCE_MAX_SIZE)
		return false;
	if (!image_alloc(out, (uint32_t)w, (uint32_t)h, (uint32_t)w / 2, (uint32_t)h / 2))
		return false;
	plane_scale(pic->plane[0], pic->width, pic->height, out->plane[0], out->width, out->height,
		    out->width, 1);
	for (int i = 1; i < 3; i++) {
		plane_scale(pic->plane[i], pic->chroma_width, pic->chroma_height, out->plane[i],
			    out->chroma_width, out->chroma_height, out->chroma_width, 1);
	}
	return true;
}

static bool open_picture(const char *path, bool png, struct source *s, char error[ERROR_LEN])
{
	struct image pic;
	bool ok;

	ok = png ? picture_load_png(path, &pic, error) : picture_load_jpeg(path, &pic, error);
	if (!ok)
		return false;
	ok = cover(&pic, &s->image);
	if (!ok)
		snprintf(error, ERROR_LEN, "%.96s: %ux%u is too narrow to pan across", path,
			 pic.width, pic.height);
	image_free(&pic);
	return ok;
}

static bool open_stream(const char *path, struct source *s, char error[ERROR_LEN])
{
	const struct image *f;

	if (!y4m_open(path, &s->y4m, error))
		return false;
	f = y4m_format(s->y4m);
	if (image_alloc(&s->image, f->width, f->height, f->chroma_width, f->chroma_height))
		return true;
	snprintf(error, ERROR_LEN, "out of memory for frames of %ux%u", f->width, f->height);
	return false;
}

/* What a file is, by its first bytes. */
static bool sniff(const char *path, uint8_t magic[10], char error[ERROR_LEN])
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		snprintf(error, ERROR_LEN, "%.96s: %s", path, strerror(errno));
		return false;
	}
	memset(magic, 0, 10);
	n = fread(magic, 1, 10, f);
	if (n == 0) {
		bool bad = ferror(f) != 0;

		snprintf(error, ERROR_LEN, "%.96s: %s", path, bad ? strerror(errno) : "empty file");
	}
	fclose(f);
	return n != 0;
}

static bool open_any(const char *path, struct source *s, char error[ERROR_LEN])
{
	static const uint8_t png[] = { 0x89, 'P', 'N', 'G' }, jpeg[] = { 0xff, 0xd8, 0xff };
	uint8_t magic[10];

	if (strcmp(path, "-") == 0)
		return open_stream(path, s, error);
	if (!sniff(path, magic, error))
		return false;
	if (memcmp(magic, png, sizeof(png)) == 0)
		return open_picture(path, true, s, error);
	if (memcmp(magic, jpeg, sizeof(jpeg)) == 0)
		return open_picture(path, false, s, error);
	if (memcmp(magic, "YUV4MPEG2", 9) == 0)
		return open_stream(path, s, error);
	snprintf(error, ERROR_LEN, "%.96s: neither a Y4M stream nor a PNG or JPEG picture", path);
	return false;
}

bool source_open(const char *path, uint32_t nr_frames, struct source **source,
		 char error[ERROR_LEN])
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(error, ERROR_LEN, "out of memory");
		return false;
	}
	if (!open_any(path, s, error)) {
		source_close(s);
		return false;
	}
	s->nr_frames = nr_frames;
	if (nr_frames == 0)
		s->nr_frames = s->y4m != NULL ? UINT32_MAX : PAN_FRAMES;
	*source = s;
	return true;
}

/* Scale into the middle; the bars stay black. */
static void letterbox(const struct image *img, uint8_t *y, uint8_t *cbcr)
{
	uint64_t w = SOURCE_WIDTH, h = (uint64_t)SOURCE_WIDTH * img->height / img->width;
	uint32_t left, top;

	if (h > SOURCE_HEIGHT) {
		h = SOURCE_HEIGHT;
		w = (uint64_t)SOURCE_HEIGHT * img->width / img->height;
	}
	w = w < 2 ? 2 : w & ~1ull;
	h = h < 2 ? 2 : h & ~1ull;
	left = (SOURCE_WIDTH - (uint32_t)w) / 4 * 2;
	top = (SOURCE_HEIGHT - (uint32_t)h) / 4 * 2;
	memset(y, 16, SOURCE_WIDTH * SOURCE_HEIGHT);
	memset(cbcr, 128, SOURCE_WIDTH * SOURCE_HEIGHT / 2);
	plane_scale(img->plane[0], img->width, img->height, y + (size_t)top * SOURCE_WIDTH + left,
		    (uint32_t)w, (uint32_t)h, SOURCE_WIDTH, 1);
	for (uint32_t i = 0; i < 2 && img->chroma_width != 0; i++) {
		plane_scale(img->plane[1 + i], img->chroma_width, img->chroma_height,
			    cbcr + (size_t)top / 2 * SOURCE_WIDTH + left + i, (uint32_t)w / 2,
			    (uint32_t)h / 2, SOURCE_WIDTH, 2);
	}
}

/* The window moves there and back once, on a diagonal. */
static void pan(const struct source *s, uint8_t *y, uint8_t *cbcr)
{
	const struct image *img = &s->image;
	uint32_t half = s->nr_frames > 1 ? s->nr_frames / 2 : 1;
	uint32_t k = s->nr_read < half ? s->nr_read : s->nr_frames - 1 - s->nr_read;
	uint32_t left = (uint32_t)((uint64_t)(img->width - SOURCE_WIDTH) * k / half) & ~1u;
	uint32_t top = (uint32_t)((uint64_t)(img->height - SOURCE_HEIGHT) * k / half) & ~1u;

	for (uint32_t row = 0; row < SOURCE_HEIGHT; row++)
		memcpy(y + (size_t)row * SOURCE_WIDTH,
		       img->plane[0] + (size_t)(top + row) * img->width + left, SOURCE_WIDTH);
	for (uint32_t row = 0; row < SOURCE_HEIGHT / 2; row++) {
		size_t at = (size_t)(top / 2 + row) * img->chroma_width + left / 2;
		uint8_t *out = cbcr + (size_t)row * SOURCE_WIDTH;

		for (uint32_t col = 0; col < SOURCE_WIDTH / 2; col++) {
			out[2 * col] = img->plane[1][at + col];
			out[2 * col + 1] = img->plane[2][at + col];
		}
	}
}

int source_read(struct source *source, uint8_t *y, uint8_t *cbcr, char error[ERROR_LEN])
{
	int got;

	if (source->nr_read == source->nr_frames)
		return 0;
	if (source->y4m == NULL) {
		pan(source, y, cbcr);
		source->nr_read++;
		return 1;
	}
	got = y4m_read(source->y4m, &source->image, error);
	if (got == 0 && source->nr_read == 0) {
		snprintf(error, ERROR_LEN, "the stream has no frames");
		return -1;
	}
	if (got == 1) {
		letterbox(&source->image, y, cbcr);
		source->nr_read++;
	}
	return got;
}

uint32_t source_nr_frames(const struct source *source)
{
	return source->y4m == NULL ? source->nr_frames : 0;
}

void source_rate(const struct source *source, uint32_t *num, uint32_t *den)
{
	*num = 30;
	*den = 1;
	if (source->y4m != NULL)
		y4m_rate(source->y4m, num, den);
}

void source_close(struct source *source)
{
	if (source == NULL)
		return;
	y4m_close(source->y4m);
	image_free(&source->image);
	free(source);
}
