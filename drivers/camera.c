/* SPDX-License-Identifier: BSD-2-Clause */
/* The camera driver: NV12 frames into buffers. */
#include "drivers/video.h"

int camera_probe(struct video_dev *v, struct dma_platform *p, struct dma_device *dma, uint64_t base)
{
	return video_probe(v, p, dma, base, 0x43414d31); /* "CAM1" */
}

int camera_queue(struct video_dev *v, const struct video_buffer *nv12, uint32_t width,
		 uint32_t height, uint32_t cookie)
{
	uint64_t luma = (uint64_t)width * height;

	if (luma + luma / 2 > nv12->len)
		return -EINVAL;
	video_set_size(v, width, height);
	video_set_plane(v, VIDEO_DST0, nv12->addr, width);
	video_set_plane(v, VIDEO_DST1, nv12->addr + luma, width);
	return video_submit(v, cookie);
}
