/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU caches that no device snoops: the contents a cacheable mapping shows. They are a second
 * memfd with the offsets of RAM, the image; its lines and RAM exchange contents only by
 * maintenance, and by what the cache does on its own: evict dirty lines, drop clean ones and fetch
 * them again (prefetch), at places drawn from a seed, when sim_cache_step() is called.
 *
 * A line is dirty when it differs from the last synced copy. A line is never absent: the
 * architecture lets a cache fetch any line of a cacheable mapping at any time, and a driver that
 * is right for a line fetched at the worst moment is right. Lines of a page whose last
 * cacheable mapping went away linger: caches do not know about mappings.
 *
 * Lock: that of RAM, taken inside. Only whole lines move.
 */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include <dmamap/types.h>

struct sim_cache;
struct sim_ram;
struct sim_trace;

/**
 * struct sim_cache_cfg - the cache
 * @line: bytes of a line, a power of two, 16 to 256
 * @evict_windows: parts of cached pages, of up to 4 KiB, whose lines move at a step; 0: none
 * @seed: of their places
 */
struct sim_cache_cfg {
	uint32_t line;
	uint32_t evict_windows;
	uint64_t seed;
};

struct sim_cache_stats {
	uint64_t cleaned;      /* dirty lines written to RAM by maintenance */
	uint64_t dropped;      /* dirty lines thrown away by maintenance */
	uint64_t edge_dropped; /* of those, lines only partly inside the range */
	uint64_t evicted;      /* dirty lines written to RAM by the cache itself */
	uint64_t prefetched;   /* clean lines that took new contents from RAM */
	uint64_t tracked;      /* pages with lines in the cache now */
	uint64_t lingering;    /* of those, without a cacheable mapping */
};

/* 0, -EINVAL for the line, -ENOMEM. */
DMA_MUST_CHECK int sim_cache_new(struct sim_ram *ram, const struct sim_cache_cfg *cfg,
				 struct sim_trace *trace, struct sim_cache **cache);
void sim_cache_free(struct sim_cache *cache);

int sim_cache_fd(const struct sim_cache *cache);
uint32_t sim_cache_line(const struct sim_cache *cache);
/* The model's own mapping of the image, for those who count CPU mappings. */
void sim_cache_image_range(const struct sim_cache *cache, uintptr_t *start, uintptr_t *end);

/* The first cacheable mapping of the page at @phys appears; the last one went away. */
void sim_cache_page_mapped(struct sim_cache *cache, uint64_t phys);
void sim_cache_page_unmapped(struct sim_cache *cache, uint64_t phys);

/* Maintenance of every line that [phys, phys + len) touches. Pages without lines are skipped. */
void sim_cache_clean(struct sim_cache *cache, uint64_t phys, uint64_t len);
void sim_cache_inv(struct sim_cache *cache, uint64_t phys, uint64_t len);
void sim_cache_clean_inv(struct sim_cache *cache, uint64_t phys, uint64_t len);
/* RAM was set up by the machine itself: forget all lines of the range, uncounted. */
void sim_cache_forget(struct sim_cache *cache, uint64_t phys, uint64_t len);

/* Some lines move by themselves. */
void sim_cache_step(struct sim_cache *cache);

/* Access by a device that snoops. The range is RAM. */
void sim_cache_snoop_read(struct sim_cache *cache, uint64_t phys, void *buf, size_t len);
void sim_cache_snoop_write(struct sim_cache *cache, uint64_t phys, const void *buf, size_t len);

void sim_cache_stats(struct sim_cache *cache, struct sim_cache_stats *stats);

#endif
