/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers of the video devices (docs/design/video-devices.md): camera, converter, display. They own
 * registers and DMA mappings, never touch picture data, and allocate nothing of their own: the
 * caller supplies the structures. Polled; one caller at a time per device.
 */
#ifndef DRIVERS_VIDEO_H
#define DRIVERS_VIDEO_H

#include <dmamap/dma-mapping.h>
#include <dmamap/scatterlist.h>

/**
 * struct video_dev - one device; private to the drivers
 * @platform: where its registers are
 * @dma: the requester
 * @base: its registers
 * @depth: buffers its queue takes
 * @nr_seen: completions already told by video_poll()
 * @cookies: buffers in its queue, oldest first
 * @nr_cookies: their number
 */
struct video_dev {
	struct dma_platform *platform;
	struct dma_device *dma;
	uint64_t base;
	uint32_t depth;
	uint32_t nr_seen;
	uint32_t cookies[16];
	uint32_t nr_cookies;
};

enum video_buffer_kind {
	VIDEO_BUFFER_NONE,
	VIDEO_BUFFER_ALLOC,
	VIDEO_BUFFER_IMPORT,
	VIDEO_BUFFER_USER,
};

/**
 * struct video_buffer - memory as one device sees it
 * @kind: how it came
 * @dev: whose it is
 * @addr: DMA address; the whole buffer is contiguous from there
 * @len: bytes
 * @cpu_cookie: what dma_alloc_attrs() returned; never dereferenced
 * @sgt: its memory (imports)
 * @dir: direction it was mapped for (imports)
 * @user: the user mapping
 * @nr_segments: DMA segments it was mapped in
 */
struct video_buffer {
	enum video_buffer_kind kind;
	struct video_dev *dev;
	dma_addr_t addr;
	size_t len;
	void *cpu_cookie;
	struct sg_table sgt;
	enum dma_data_direction dir;
	struct dma_user_map *user;
	uint32_t nr_segments;
};

/**
 * video_probe() - check that the device is there, reset it, tell the DMA layer what it can address
 * @v: filled
 * @p: platform
 * @dma: the requester
 * @base: its registers
 * @id: value of its ID register
 *
 * Return: 0; -ENODEV when something else is there; -EIO when its mask cannot be served.
 */
DMA_MUST_CHECK int video_probe(struct video_dev *v, struct dma_platform *p, struct dma_device *dma,
			       uint64_t base, uint32_t id);
DMA_MUST_CHECK int camera_probe(struct video_dev *v, struct dma_platform *p,
				struct dma_device *dma, uint64_t base);
DMA_MUST_CHECK int converter_probe(struct video_dev *v, struct dma_platform *p,
				   struct dma_device *dma, uint64_t base);
DMA_MUST_CHECK int display_probe(struct video_dev *v, struct dma_platform *p,
				 struct dma_device *dma, uint64_t base);

/* Memory without a CPU mapping, for this device. 0 or -ENOMEM; dma_last_error() says why. */
DMA_MUST_CHECK int video_buffer_alloc(struct video_dev *v, size_t len, struct video_buffer *buf);
/* The memory of another device's buffer, for this device too; no CPU touches it in between. */
DMA_MUST_CHECK int video_buffer_import(struct video_dev *v, const struct video_buffer *from,
				       enum dma_data_direction dir, struct video_buffer *buf);
/*
 * Memory of a user program. @shared: another device has mapped it already and does the cache
 * maintenance for the program. Contiguous for the device or -EINVAL.
 */
DMA_MUST_CHECK int video_buffer_user(struct video_dev *v, struct dma_as *as, uint64_t uaddr,
				     size_t len, enum dma_data_direction dir, bool shared,
				     struct video_buffer *buf);
/* The device no longer works on it. Imports go before what they import. */
void video_buffer_free(struct video_buffer *buf);

/* RUN on; off: the device stops and forgets its queue. */
void video_start(struct video_dev *v);
void video_stop(struct video_dev *v);

/* 0; -EAGAIN when the queue is full; -EINVAL when the device does not take the sizes. */
DMA_MUST_CHECK int camera_queue(struct video_dev *v, const struct video_buffer *nv12,
				uint32_t width, uint32_t height, uint32_t cookie);
DMA_MUST_CHECK int converter_queue(struct video_dev *v, const struct video_buffer *nv12,
				   const struct video_buffer *xrgb, uint32_t width, uint32_t height,
				   uint32_t cookie);
DMA_MUST_CHECK int display_queue(struct video_dev *v, const struct video_buffer *xrgb,
				 uint32_t width, uint32_t height, uint32_t cookie);

/* 1: @cookie is done; 0: nothing new; -EIO: an access of the device was refused, @error_addr. */
int video_poll(struct video_dev *v, uint32_t *cookie, uint64_t *error_addr);

/* What the three have in common, for their own files. */
enum video_plane { VIDEO_SRC0, VIDEO_SRC1, VIDEO_DST0, VIDEO_DST1 };
void video_set_size(struct video_dev *v, uint32_t width, uint32_t height);
void video_set_plane(struct video_dev *v, enum video_plane plane, dma_addr_t addr, uint32_t stride);
DMA_MUST_CHECK int video_submit(struct video_dev *v, uint32_t cookie);

#endif
