/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Models of the video devices of docs/design/video-devices.md: camera, converter, display. What
 * they have in common (registers, queue, errors) is video.c; each has a file for its work.
 *
 * Lock: the device's engine lock, held by register accesses and steps.
 */
#ifndef SIM_VIDEO_H
#define SIM_VIDEO_H

#include <dmamap/types.h>

struct sim_bus;
struct sim_video;

/**
 * struct sim_video_cfg - how a device is wired
 * @bus: bus of the machine
 * @base: physical address of its registers
 * @sid: its stream id
 * @snoop: it snoops the CPU's caches
 * @no_iommu: it is not behind the IOMMU
 */
struct sim_video_cfg {
	struct sim_bus *bus;
	uint64_t base;
	uint32_t sid;
	bool snoop;
	bool no_iommu;
};

/*
 * The sensor: fill @y (width x height bytes) and @cbcr (width x height / 2 bytes) with the next
 * frame; false: there is none now.
 */
typedef bool (*sim_camera_sensor_fn)(void *ctx, uint32_t width, uint32_t height, uint8_t *y,
				     uint8_t *cbcr);
/* The panel: one scanned-out picture, XRGB8888, @width * 4 bytes a line. */
typedef void (*sim_display_panel_fn)(void *ctx, uint32_t width, uint32_t height,
				     const uint8_t *xrgb);

/* 0; -ENOMEM, -EEXIST, -ENOSPC, -EAGAIN as the bus and the engine give them. */
DMA_MUST_CHECK int sim_camera_new(const struct sim_video_cfg *cfg, sim_camera_sensor_fn sensor,
				  void *ctx, struct sim_video **video);
DMA_MUST_CHECK int sim_converter_new(const struct sim_video_cfg *cfg, struct sim_video **video);
DMA_MUST_CHECK int sim_display_new(const struct sim_video_cfg *cfg, sim_display_panel_fn panel,
				   void *ctx, struct sim_video **video);
/* Takes the device off the bus. NULL is ignored. */
void sim_video_free(struct sim_video *video);

/* The sensor has a frame again. */
void sim_camera_frame_ready(struct sim_video *camera);

#endif
