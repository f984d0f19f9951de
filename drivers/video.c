/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, queue and buffers of docs/design/video-devices.md: what the video drivers share. */
#include <dmamap/device.h>
#include <dmamap/io.h>

#include "drivers/video.h"

#define VIDEO_ID 0x00u
#define VIDEO_CAPS 0x04u
#define VIDEO_CTRL 0x08u
#define VIDEO_STATUS 0x0cu
#define VIDEO_DONE_COUNT 0x10u
#define VIDEO_ERROR_ADDR 0x18u
#define VIDEO_WIDTH 0x20u
#define VIDEO_HEIGHT 0x24u
#define VIDEO_PLANES 0x28u /* address, stride; four times */
#define VIDEO_COOKIE 0x48u
#define VIDEO_QUEUE 0x4cu

#define CTRL_RUN (1u << 0)
#define CTRL_RESET (1u << 1)

#define STATUS_ERROR (1u << 1)
#define STATUS_OVERFLOW (1u << 2)
#define STATUS_BAD_CONFIG (1u << 3)

static uint32_t video_read(const struct video_dev *v, uint32_t reg)
{
	return dma_readl(v->platform, v->base + reg);
}

static void video_write(const struct video_dev *v, uint32_t reg, uint32_t value)
{
	dma_writel(v->platform, v->base + reg, value);
}

int video_probe(struct video_dev *v, struct dma_platform *p, struct dma_device *dma, uint64_t base,
		uint32_t id)
{
	uint32_t caps;

	*v = (struct video_dev){ .platform = p, .dma = dma, .base = base };
	if (video_read(v, VIDEO_ID) != id)
		return -ENODEV;
	video_write(v, VIDEO_CTRL, CTRL_RESET);
	caps = video_read(v, VIDEO_CAPS);
	v->depth = caps >> 8 & 0xff;
	if (v->depth == 0 || v->depth > sizeof(v->cookies) / sizeof(v->cookies[0]))
		return -ENODEV;
	/* Its planes must each be contiguous, however long. */
	dma_set_max_seg_size(dma, UINT32_MAX);
	return dma_set_mask_and_coherent(dma, DMA_BIT_MASK(caps & 0xff));
}

int video_buffer_alloc(struct video_dev *v, size_t len, struct video_buffer *buf)
{
	*buf = (struct video_buffer){ .kind = VIDEO_BUFFER_ALLOC, .dev = v, .len = len,
				      .nr_segments = 1 };
	buf->cpu_cookie = dma_alloc_attrs(v->dma, len, &buf->addr, GFP_KERNEL,
					  DMA_ATTR_NO_KERNEL_MAPPING);
	if (buf->cpu_cookie != NULL)
		return 0;
	buf->kind = VIDEO_BUFFER_NONE;
	return -ENOMEM;
}

int video_buffer_import(struct video_dev *v, const struct video_buffer *from,
			enum dma_data_direction dir, struct video_buffer *buf)
{
	int err;

	*buf = (struct video_buffer){ .dev = v, .len = from->len };
	err = dma_get_sgtable_attrs(from->dev->dma, &buf->sgt, from->cpu_cookie, from->addr,
				    from->len, DMA_ATTR_NO_KERNEL_MAPPING);
	if (err != 0)
		return err;
	/* The memory is in the devices' hands and has no CPU mapping: nothing to clean. */
	err = dma_map_sgtable(v->dma, &buf->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (err != 0)
		goto undo_table;
	if (!dma_sg_is_contiguous(buf->sgt.sgl, buf->sgt.nents)) {
		err = -EINVAL;
		goto undo_map;
	}
	buf->kind = VIDEO_BUFFER_IMPORT;
	buf->addr = sg_dma_address(buf->sgt.sgl);
	buf->nr_segments = buf->sgt.nents;
	buf->dir = dir;
	return 0;

undo_map:
	dma_unmap_sgtable(v->dma, &buf->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
undo_table:
	sg_free_table(&buf->sgt);
	return err;
}

int video_buffer_user(struct video_dev *v, struct dma_as *as, uint64_t uaddr, size_t len,
		      enum dma_data_direction dir, bool shared, struct video_buffer *buf)
{
	unsigned long attrs = shared ? DMA_ATTR_SKIP_CPU_SYNC : 0;
	const struct sg_table *sgt;
	int err;

	*buf = (struct video_buffer){ .dev = v, .len = len };
	err = dma_map_user(v->dma, as, uaddr, len, dir, attrs, &buf->user);
	if (err != 0)
		return err;
	sgt = dma_user_map_sgtable(buf->user);
	buf->nr_segments = sgt->nents;
	if (!dma_sg_is_contiguous(sgt->sgl, sgt->nents)) {
		dma_unmap_user(buf->user);
		return -EINVAL;
	}
	buf->kind = VIDEO_BUFFER_USER;
	buf->addr = dma_user_map_addr(buf->user);
	return 0;
}

void video_buffer_free(struct video_buffer *buf)
{
	struct dma_device *dma = buf->kind != VIDEO_BUFFER_NONE ? buf->dev->dma : NULL;

	switch (buf->kind) {
	case VIDEO_BUFFER_ALLOC:
		dma_free_attrs(dma, buf->len, buf->cpu_cookie, buf->addr,
			       DMA_ATTR_NO_KERNEL_MAPPING);
		break;
	case VIDEO_BUFFER_IMPORT:
		dma_unmap_sgtable(dma, &buf->sgt, buf->dir, DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(&buf->sgt);
		break;
	case VIDEO_BUFFER_USER:
		dma_unmap_user(buf->user);
		break;
	case VIDEO_BUFFER_NONE:
		break;
	}
	buf->kind = VIDEO_BUFFER_NONE;
}

void video_start(struct video_dev *v)
{
	video_write(v, VIDEO_CTRL, CTRL_RUN);
}

void video_stop(struct video_dev *v)
{
	video_write(v, VIDEO_CTRL, CTRL_RESET);
	v->nr_cookies = 0;
	v->nr_seen = 0;
}

void video_set_size(struct video_dev *v, uint32_t width, uint32_t height)
{
	video_write(v, VIDEO_WIDTH, width);
	video_write(v, VIDEO_HEIGHT, height);
}

void video_set_plane(struct video_dev *v, enum video_plane plane, dma_addr_t addr, uint32_t stride)
{
	uint32_t reg = VIDEO_PLANES + (uint32_t)plane * 8;

	video_write(v, reg, (uint32_t)addr);
	video_write(v, reg + 4, stride);
}

/* The queue register last: it takes what the others hold. */
int video_submit(struct video_dev *v, uint32_t cookie)
{
	uint32_t status;

	if (v->nr_cookies == v->depth)
		return -EAGAIN;
	video_write(v, VIDEO_COOKIE, cookie);
	video_write(v, VIDEO_QUEUE, 1);
	status = video_read(v, VIDEO_STATUS) & (STATUS_OVERFLOW | STATUS_BAD_CONFIG);
	if (status != 0) {
		video_write(v, VIDEO_STATUS, status);
		return status & STATUS_OVERFLOW ? -EAGAIN : -EINVAL;
	}
	v->cookies[v->nr_cookies++] = cookie;
	return 0;
}

/* Buffers complete in order, so the count tells which: several may have completed since. */
static uint32_t take_oldest(struct video_dev *v)
{
	uint32_t cookie = v->cookies[0];

	v->nr_cookies--;
	v->nr_seen++;
	for (uint32_t i = 0; i < v->nr_cookies; i++)
		v->cookies[i] = v->cookies[i + 1];
	return cookie;
}

int video_poll(struct video_dev *v, uint32_t *cookie, uint64_t *error_addr)
{
	if (v->nr_cookies != 0 && video_read(v, VIDEO_DONE_COUNT) != v->nr_seen) {
		*cookie = take_oldest(v);
		return 1;
	}
	if (video_read(v, VIDEO_STATUS) & STATUS_ERROR) {
		*error_addr = video_read(v, VIDEO_ERROR_ADDR);
		return -EIO;
	}
	return 0;
}
