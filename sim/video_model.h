/* SPDX-License-Identifier: BSD-2-Clause */
/* What the video models share among themselves; users include video.h. */
#ifndef SIM_VIDEO_MODEL_H
#define SIM_VIDEO_MODEL_H

#include "sim/bus.h"
#include "sim/engine.h"
#include "sim/video.h"

enum { VIDEO_QUEUE_DEPTH = 4, VIDEO_MAX_SIZE = 4096, VIDEO_ROWS_A_STEP = 16 };

/* One buffer as it stood in the registers when QUEUE was written. */
struct video_job {
	uint32_t width;
	uint32_t height;
	uint32_t src_addr[2];
	uint32_t src_stride[2];
	uint32_t dst_addr[2];
	uint32_t dst_stride[2];
	uint32_t cookie;
};

/**
 * struct video_kind - what distinguishes one device
 * @name: for messages
 * @id: ID register
 * @addr_bits: address lines
 * @src_bytes: bytes a pixel takes in a line of each source plane; 0: plane not used
 * @dst_bytes: the same for destinations
 * @begin: first step of a buffer; false: not now
 * @rows: transfer rows [row, row + nr); false: an access was aborted
 * @end: the last row was transferred; may be NULL
 */
struct video_kind {
	const char *name;
	uint32_t id;
	uint32_t addr_bits;
	uint32_t src_bytes[2];
	uint32_t dst_bytes[2];
	bool (*begin)(struct sim_video *v, const struct video_job *job);
	bool (*rows)(struct sim_video *v, const struct video_job *job, uint32_t row, uint32_t nr);
	void (*end)(struct sim_video *v, const struct video_job *job);
};

struct sim_video {
	const struct video_kind *kind;
	struct sim_video_cfg cfg;
	struct sim_engine *engine;
	uint32_t running;
	uint32_t status;
	uint32_t done_count;
	uint32_t done_cookie;
	uint32_t error_addr;
	uint32_t error_count;
	struct video_job shadow;
	struct video_job queue[VIDEO_QUEUE_DEPTH];
	uint32_t nr_queued;
	bool begun;
	uint32_t row;
	uint8_t *picture;	/* a whole picture: the sensor's, or the panel's */
	uint8_t *lines;		/* VIDEO_ROWS_A_STEP lines in, and as many out */
	sim_camera_sensor_fn sensor;
	sim_display_panel_fn panel;
	void *ctx;
};

DMA_MUST_CHECK int video_new(const struct sim_video_cfg *cfg, const struct video_kind *kind,
			     struct sim_video **video);
/* One access; records the error. */
bool video_dma(struct sim_video *v, uint32_t addr, bool write, void *buf, uint32_t len);

#endif
