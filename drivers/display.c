/* SPDX-License-Identifier: BSD-2-Clause */
/* The display driver: XRGB8888 buffers to the panel. */
#include "drivers/video.h"

int display_probe(struct video_dev *v, struct dma_platform *p, struct dma_device *dma,
		  uint64_t base)
{
	return video_probe(v, p, dma, base, 0x44535031); /* "DSP1" */
}

int display_queue(struct video_dev *v, const struct video_buffer *xrgb, uint32_t width,
		  uint32_t height, uint32_t cookie)
{
	if ((uint64_t)width * height * 4 > xrgb->len)
		return -EINVAL;
	video_set_size(v, width, height);
	video_set_plane(v, VIDEO_SRC0, xrgb->addr, width * 4);
	return video_submit(v, cookie);
}
