/* SPDX-License-Identifier: BSD-2-Clause */
/* The camera: writes the sensor's next frame as NV12 into each buffer. */
#include "sim/video_model.h"

static bool camera_begin(struct sim_video *v, const struct video_job *job)
{
	uint8_t *cbcr = v->picture + (size_t)job->width * job->height;

	return v->sensor(v->ctx, job->width, job->height, v->picture, cbcr);
}

/* Rows come in even numbers, so each step has its own half as many lines of CbCr. */
static bool camera_rows(struct sim_video *v, const struct video_job *job, uint32_t row, uint32_t nr)
{
	uint8_t *cbcr = v->picture + (size_t)job->width * job->height;
	bool ok = true;

	for (uint32_t i = row; ok && i < row + nr; i++) {
		ok = video_dma(v, job->dst_addr[0] + i * job->dst_stride[0], true,
			       v->picture + (size_t)i * job->width, job->width);
	}
	for (uint32_t i = row / 2; ok && i < (row + nr) / 2; i++) {
		ok = video_dma(v, job->dst_addr[1] + i * job->dst_stride[1], true,
			       cbcr + (size_t)i * job->width, job->width);
	}
	return ok;
}

static const struct video_kind camera_kind = {
	.name = "camera",
	.id = 0x43414d31,
	.addr_bits = 32,
	.dst_bytes = { 1, 1 },
	.begin = camera_begin,
	.rows = camera_rows,
};

int sim_camera_new(const struct sim_video_cfg *cfg, sim_camera_sensor_fn sensor, void *ctx,
		   struct sim_video **video)
{
	int err = video_new(cfg, &camera_kind, video);

	if (err == 0) {
		(*video)->sensor = sensor;
		(*video)->ctx = ctx;
	}
	return err;
}

void sim_camera_frame_ready(struct sim_video *camera)
{
	sim_engine_kick(camera->engine);
}
