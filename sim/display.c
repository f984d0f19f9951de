/* SPDX-License-Identifier: BSD-2-Clause */
/* The display: reads each XRGB8888 buffer once and shows it on the panel. */
#include "sim/video_model.h"

static bool display_rows(struct sim_video *v, const struct video_job *job, uint32_t row,
			 uint32_t nr)
{
	for (uint32_t i = row; i < row + nr; i++) {
		if (!video_dma(v, job->src_addr[0] + i * job->src_stride[0], false,
			       v->picture + (size_t)i * job->width * 4, job->width * 4))
			return false;
	}
	return true;
}

static void display_end(struct sim_video *v, const struct video_job *job)
{
	v->panel(v->ctx, job->width, job->height, v->picture);
}

static const struct video_kind display_kind = {
	.name = "display",
	.id = 0x44535031,
	.addr_bits = 28,
	.src_bytes = { 4, 0 },
	.rows = display_rows,
	.end = display_end,
};

int sim_display_new(const struct sim_video_cfg *cfg, sim_display_panel_fn panel, void *ctx,
		    struct sim_video **video)
{
	int err = video_new(cfg, &display_kind, video);

	if (err == 0) {
		(*video)->panel = panel;
		(*video)->ctx = ctx;
	}
	return err;
}
