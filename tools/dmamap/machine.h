/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline's machine: a simulated board with an SMMUv3, three video devices and their drivers,
 * and its buffers. pipeline.c moves frames through it, report.c draws it.
 */
#ifndef DMAMAP_TOOL_MACHINE_H
#define DMAMAP_TOOL_MACHINE_H

#include "drivers/video.h"
#include "platform/sim/sim_platform.h"
#include "sim/video.h"
#include "tools/dmamap/pipeline.h"

enum { CAMERA, CONVERTER, DISPLAY, NR_DEVICES };
enum {
	NR_NV12 = 8,
	NR_XRGB = 12,
	NR_BUFFERS = NR_NV12 + NR_XRGB,
	NV12_BYTES = 4 << 20,
	XRGB_BYTES = 8 << 20,
};

/**
 * struct frame_buffer - one buffer, as each device that uses it sees it
 * @on: by device; kind NONE where the device does not use it
 * @len: bytes
 * @runs: its memory, physically contiguous pieces in order
 * @nr_runs: their number
 */
struct frame_buffer {
	struct video_buffer on[NR_DEVICES];
	size_t len;
	struct dma_phys_run *runs;
	uint32_t nr_runs;
};

/**
 * struct machine - everything that is brought up; zero where it is not yet
 * @nv12: buffers 0 .. NR_NV12 - 1 of @buffers, XRGB buffers follow
 */
struct machine {
	struct sim_machine *sim;
	struct dma_platform *platform;
	struct dma_iommu *iommu;
	struct dma_device *devices[NR_DEVICES];
	struct sim_video *models[NR_DEVICES];
	struct video_dev drivers[NR_DEVICES];
	struct dma_as *program;
	struct frame_buffer buffers[NR_BUFFERS];
	char log[ERROR_LEN];
};

extern const char *const device_names[NR_DEVICES];
extern const uint32_t device_addr_bits[NR_DEVICES];

/* On failure one line in @error; machine_close() takes down what came up. */
int machine_open(struct machine *m, const struct pipeline_opts *opts, sim_camera_sensor_fn sensor,
		 sim_display_panel_fn panel, void *ctx, char error[ERROR_LEN]);
/* Takes everything down; false, and a line in @error, when something was left behind. */
bool machine_close(struct machine *m, char error[ERROR_LEN]);

/* HTML report with the picture of memory; NULL when out of memory. The caller frees it. */
char *report_html(const struct machine *m, const struct pipeline_opts *opts,
		  const struct pipeline_result *r);

#endif
