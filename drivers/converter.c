/* SPDX-License-Identifier: BSD-2-Clause */
/* The converter driver: NV12 buffers in, XRGB8888 buffers out. */
#include "drivers/video.h"

int converter_probe(struct video_dev *v, struct dma_platform *p, struct dma_device *dma,
		    uint64_t base)
{
	return video_probe(v, p, dma, base, 0x434e5631); /* "CNV1" */
}

int converter_queue(struct video_dev *v, const struct video_buffer *nv12,
		    const struct video_buffer *xrgb, uint32_t width, uint32_t height,
		    uint32_t cookie)
{
	uint64_t luma = (uint64_t)width * height;

	if (luma + luma / 2 > nv12->len || luma * 4 > xrgb->len)
		return -EINVAL;
	video_set_size(v, width, height);
	video_set_plane(v, VIDEO_SRC0, nv12->addr, width);
	video_set_plane(v, VIDEO_SRC1, nv12->addr + luma, width);
	video_set_plane(v, VIDEO_DST0, xrgb->addr, width * 4);
	return video_submit(v, cookie);
}
