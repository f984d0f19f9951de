/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where frames come from: a Y4M stream or a PNG or JPEG picture that is panned across. Every frame
 * comes out as NV12 (BT.709, limited range) of the size asked for.
 */
#ifndef DMAMAP_TOOL_SOURCE_H
#define DMAMAP_TOOL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCE_WIDTH = 1920, SOURCE_HEIGHT = 1080, SOURCE_MAX_SIZE = 16384, ERROR_LEN = 256 };

/**
 * struct image - 8-bit planes: Y, Cb, Cr
 * @width: pixels of the Y plane
 * @height: lines of the Y plane
 * @chroma_width: of the Cb and Cr planes; 0: grey
 * @chroma_height: of the Cb and Cr planes
 * @plane: samples without padding
 */
struct image {
	uint32_t width;
	uint32_t height;
	uint32_t chroma_width;
	uint32_t chroma_height;
	uint8_t *plane[3];
};

bool image_alloc(struct image *img, uint32_t width, uint32_t height, uint32_t chroma_width,
		 uint32_t chroma_height);
void image_free(struct image *img);

/* Bilinear, whole plane to whole plane. */
void plane_scale(const uint8_t *src, uint32_t src_w, uint32_t src_h, uint8_t *dst, uint32_t dst_w,
		 uint32_t dst_h, uint32_t dst_stride, uint32_t dst_step);

struct y4m;
/* On error: false, and one line in @error. @path "-" is standard input. */
bool y4m_open(const char *path, struct y4m **y4m, char error[ERROR_LEN]);
const struct image *y4m_format(const struct y4m *y4m);
void y4m_rate(const struct y4m *y4m, uint32_t *num, uint32_t *den);
/* 1: @img holds the next frame; 0: end of stream; -1: @error. */
int y4m_read(struct y4m *y4m, struct image *img, char error[ERROR_LEN]);
void y4m_close(struct y4m *y4m);

/* A whole picture as 4:4:4 planes. */
bool picture_load_png(const char *path, struct image *img, char error[ERROR_LEN]);
bool picture_load_jpeg(const char *path, struct image *img, char error[ERROR_LEN]);

struct source;

/**
 * source_open() - open an input and read enough of it to know that it is one
 * @path: file, or "-" for a Y4M stream on standard input
 * @nr_frames: frames of a pan across a picture, and the most that are taken of a stream; 0: 60 of
 *	a picture, all of a stream
 * @source: the source
 * @error: one line on failure
 */
bool source_open(const char *path, uint32_t nr_frames, struct source **source,
		 char error[ERROR_LEN]);
/* 1: @y and @cbcr (1920x1080 NV12) hold the next frame; 0: no more; -1: @error. */
int source_read(struct source *source, uint8_t *y, uint8_t *cbcr, char error[ERROR_LEN]);
/* Frames known to come; 0: not known (a stream). */
uint32_t source_nr_frames(const struct source *source);
void source_rate(const struct source *source, uint32_t *num, uint32_t *den);
void source_close(struct source *source);

#endif
