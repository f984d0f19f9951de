/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames through camera, converter and display of a rig by their drivers: the pipeline in small.
 * One NV12 and one XRGB buffer. Inline, because a test may compile it against copies of the
 * drivers.
 */
#ifndef DMAMAP_TESTS_SUPPORT_VIDEO_CHAIN_H
#define DMAMAP_TESTS_SUPPORT_VIDEO_CHAIN_H

#include "drivers/video.h"
#include "tests/support/video_rig.h"

enum { CHAIN_WIDTH = 64, CHAIN_HEIGHT = 48, CHAIN_PIXELS = CHAIN_WIDTH * CHAIN_HEIGHT };
enum { CHAIN_NV12_BYTES = CHAIN_PIXELS * 3 / 2, CHAIN_XRGB_BYTES = CHAIN_PIXELS * 4 };
enum { CHAIN_MAX_POLLS = 100000 };

/**
 * struct video_chain - drivers and buffers
 * @rig: the machine
 * @dev: the drivers
 * @nv12: as the camera and the converter see it
 * @xrgb: as the converter and the display see it
 * @as: the program whose memory it is; NULL: allocated
 * @nv12_uaddr: where in the program
 * @xrgb_uaddr: where in the program
 */
struct video_chain {
	struct video_rig *rig;
	struct video_dev dev[RIG_DEVICES];
	struct video_buffer nv12[2];
	struct video_buffer xrgb[2];
	struct dma_as *as;
	uint64_t nv12_uaddr;
	uint64_t xrgb_uaddr;
};

static inline int chain_probe(struct video_chain *c)
{
	struct video_rig *r = c->rig;
	int err;

	err = camera_probe(&c->dev[CAMERA], r->p, r->dma[CAMERA], video_rig_base(CAMERA));
	if (err == 0)
		err = converter_probe(&c->dev[CONVERTER], r->p, r->dma[CONVERTER],
				      video_rig_base(CONVERTER));
	if (err == 0)
		err = display_probe(&c->dev[DISPLAY], r->p, r->dma[DISPLAY],
				    video_rig_base(DISPLAY));
	return err;
}

/* Buffers in the devices' memory, without a CPU mapping. What is there on error stays. */
static inline int chain_alloc(struct video_chain *c)
{
	int err = video_buffer_alloc(&c->dev[CAMERA], CHAIN_NV12_BYTES, &c->nv12[0]);

	if (err == 0)
		err = video_buffer_import(&c->dev[CONVERTER], &c->nv12[0], DMA_TO_DEVICE,
					  &c->nv12[1]);
	if (err == 0)
		err = video_buffer_alloc(&c->dev[DISPLAY], CHAIN_XRGB_BYTES, &c->xrgb[1]);
	if (err == 0)
		err = video_buffer_import(&c->dev[CONVERTER], &c->xrgb[1], DMA_FROM_DEVICE,
					  &c->xrgb[0]);
	return err;
}

/* A program's memory, @offset bytes inside its first page. */
static inline int chain_program(struct video_chain *c, uint64_t offset)
{
	int err = sim_as_new(c->rig->machine, &c->as);

	if (err == 0)
		err = sim_as_alloc(c->as, CHAIN_NV12_BYTES + offset, 0, &c->nv12_uaddr);
	if (err == 0)
		err = sim_as_alloc(c->as, CHAIN_XRGB_BYTES + offset, 0, &c->xrgb_uaddr);
	c->nv12_uaddr += offset;
	c->xrgb_uaddr += offset;
	return err;
}

static inline int chain_map_program(struct video_chain *c)
{
	int err = video_buffer_user(&c->dev[CAMERA], c->as, c->nv12_uaddr, CHAIN_NV12_BYTES,
				    DMA_FROM_DEVICE, false, &c->nv12[0]);

	if (err == 0)
		err = video_buffer_user(&c->dev[CONVERTER], c->as, c->nv12_uaddr, CHAIN_NV12_BYTES,
					DMA_TO_DEVICE, true, &c->nv12[1]);
	if (err == 0)
		err = video_buffer_user(&c->dev[CONVERTER], c->as, c->xrgb_uaddr, CHAIN_XRGB_BYTES,
					DMA_FROM_DEVICE, false, &c->xrgb[0]);
	if (err == 0)
		err = video_buffer_user(&c->dev[DISPLAY], c->as, c->xrgb_uaddr, CHAIN_XRGB_BYTES,
					DMA_TO_DEVICE, true, &c->xrgb[1]);
	return err;
}

static inline void chain_free_buffers(struct video_chain *c)
{
	video_buffer_free(&c->nv12[1]);
	video_buffer_free(&c->nv12[0]);
	video_buffer_free(&c->xrgb[0]);
	video_buffer_free(&c->xrgb[1]);
}

static inline void chain_end(struct video_chain *c)
{
	for (int d = 0; d < RIG_DEVICES; d++)
		video_stop(&c->dev[d]);
	chain_free_buffers(c);
	if (c->as != NULL)
		sim_as_exit(c->as);
}

/* What is queued at @d is done: 0, or the error of its driver; -ETIMEDOUT never comes. */
static inline int chain_wait(struct video_chain *c, int d)
{
	uint64_t addr;
	uint32_t cookie;
	int got = 0;

	for (int i = 0; got == 0 && i < CHAIN_MAX_POLLS; i++) {
		c->rig->p->relax(c->rig->p);
		got = video_poll(&c->dev[d], &cookie, &addr);
	}
	return got == 1 ? 0 : got == 0 ? -ETIMEDOUT : got;
}

static inline int chain_capture(struct video_chain *c)
{
	int err = camera_queue(&c->dev[CAMERA], &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, 1);

	atomic_store(&c->rig->frames_left, 1);
	sim_camera_frame_ready(c->rig->model[CAMERA]);
	return err != 0 ? err : chain_wait(c, CAMERA);
}

static inline int chain_convert(struct video_chain *c)
{
	int err = converter_queue(&c->dev[CONVERTER], &c->nv12[1], &c->xrgb[0], CHAIN_WIDTH,
				  CHAIN_HEIGHT, 2);

	return err != 0 ? err : chain_wait(c, CONVERTER);
}

static inline int chain_show(struct video_chain *c)
{
	int err = display_queue(&c->dev[DISPLAY], &c->xrgb[1], CHAIN_WIDTH, CHAIN_HEIGHT, 3);

	return err != 0 ? err : chain_wait(c, DISPLAY);
}

static inline void chain_start(struct video_chain *c)
{
	for (int d = 0; d < RIG_DEVICES; d++)
		video_start(&c->dev[d]);
}

/* One frame from the sensor to the panel. */
static inline int chain_frame(struct video_chain *c)
{
	int err = chain_capture(c);

	if (err == 0)
		err = chain_convert(c);
	return err != 0 ? err : chain_show(c);
}

#endif
