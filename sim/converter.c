/* SPDX-License-Identifier: BSD-2-Clause */
/* The converter: NV12 in, XRGB8888 out, in the integers of docs/design/video-devices.md. */
#include "sim/video_model.h"

static uint8_t clip_shift(int64_t value)
{
	/* floor division: right shift of a negative number is not portable */
	int64_t q = value >= 0 ? value / 4194304 : -((4194303 - value) / 4194304);

	return (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
}

static void convert_line(const uint8_t *y, const uint8_t *cbcr, uint8_t *xrgb, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++) {
		int64_t c = 512 * ((int64_t)y[x] - 16) * 9539 + (1 << 21);
		int64_t u = 512 * ((int64_t)cbcr[x & ~1u] - 128);
		int64_t v = 512 * ((int64_t)cbcr[x | 1u] - 128);

		xrgb[4 * x + 0] = clip_shift(c + 17305 * u);
		xrgb[4 * x + 1] = clip_shift(c - 1747 * u - 4366 * v);
		xrgb[4 * x + 2] = clip_shift(c + 14686 * v);
		xrgb[4 * x + 3] = 0;
	}
}

static bool converter_rows(struct sim_video *v, const struct video_job *job, uint32_t row,
			   uint32_t nr)
{
	uint8_t *y = v->lines, *cbcr = y + job->width, *xrgb = cbcr + job->width;

	for (uint32_t i = row; i < row + nr; i++) {
		if (!video_dma(v, job->src_addr[0] + i * job->src_stride[0], false, y, job->width))
			return false;
		if (i % 2 == 0 && !video_dma(v, job->src_addr[1] + i / 2 * job->src_stride[1],
					     false, cbcr, job->width))
			return false;
		convert_line(y, cbcr, xrgb, job->width);
		if (!video_dma(v, job->dst_addr[0] + i * job->dst_stride[0], true, xrgb,
			       job->width * 4))
			return false;
	}
	return true;
}

static const struct video_kind converter_kind = {
	.name = "converter",
	.id = 0x434e5631,
	.addr_bits = 32,
	.src_bytes = { 1, 1 },
	.dst_bytes = { 4, 0 },
	.rows = converter_rows,
};

int sim_converter_new(const struct sim_video_cfg *cfg, struct sim_video **video)
{
	return video_new(cfg, &converter_kind, video);
}
