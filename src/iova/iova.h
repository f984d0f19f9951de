/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOVA allocator: which numbers of one IOVA space are taken. Not a page table, no devices: it
 * maps nothing and invalidates nothing; whoever frees has seen the invalidation complete.
 *
 * struct iova_space is the arena of one domain, behind a spin lock. struct iova_cache belongs to
 * one domain and one slot and is worked by its owner with plain loads and stores, without the lock.
 * The design and its bounds: docs/design/iova.md.
 *
 * Addresses and limits are bytes, sizes are granules. Sizes 1 .. 32 have a cache class each;
 * 33 .. 1024 share 16 classes per octave and are cached in class size, at most 1/16 larger; when
 * the space runs out they, too, are handed out to the granule (cache.c, alloc_thrift()).
 */
#ifndef DMAMAP_IOVA_IOVA_H
#define DMAMAP_IOVA_IOVA_H

#include <stdatomic.h>

#include <dmamap/platform.h>

#include "core/bits.h"

#define IOVA_CACHE_MAX_NR 1024u /* granules; larger requests go to the arena */
#define IOVA_NR_CLASSES 112u
#define IOVA_NR_SETS 2u /* below 4 GiB, and above; all in the second when nothing is above */
#define IOVA_MAG_BYTES 1024u
#define IOVA_MAG_ENTRIES 63u

/**
 * struct iova_entry - a free IOVA range in a cache, or one just handed out
 * @iova: first byte
 * @tag: opaque word kept while the range stays in caches; 0 when it comes from the arena
 */
struct iova_entry {
	uint64_t iova;
	uint64_t tag;
};

struct iova_mag;

/**
 * struct iova_cache - free ranges at hand for one slot in one domain
 *
 * Zero-fill it, then iova_cache_init(). The size is a multiple of the alignment, so no two caches
 * share a line. All members are internal.
 *
 * A magazine is IOVA_MAG_BYTES long, aligned to that, and filled upwards; beneath its lowest entry
 * stands one with IOVA 0. @top points behind the uppermost entry of the loaded magazine, so "empty"
 * is an IOVA of 0 under it and "full" is an aligned pointer: neither needs a count. A class without
 * a magazine points behind a constant that is both. Written by the owner, read by anybody for
 * statistics.
 */
struct iova_cache {
	/* private: */
	_Alignas(128) uint64_t last; /* highest byte of the space */
	uint64_t low_last;	     /* highest byte of set 0; 0: all is set 1 */
	uint32_t granule_lg2;
	bool thrift; /* sizes without a class of their own are not cached now */
	_Atomic(struct iova_entry *) top[IOVA_NR_SETS][IOVA_NR_CLASSES];

	struct iova_entry *spare[IOVA_NR_SETS][IOVA_NR_CLASSES]; /* as @top; NULL: none */
	uint64_t window_end[IOVA_NR_SETS]; /* granules drawn and not carved yet: end, */
	uint32_t window_nr[IOVA_NR_SETS];  /* and how many before it */
	_Atomic uint32_t held; /* granules in windows and spare magazines, for statistics */
	struct iova_space *space;
	struct iova_cache *next; /* list of the space's caches, under its lock */
};

/* Size class of @nr granules; IOVA_NR_CLASSES or more when it has none (0, or too large). */
static inline uint32_t iova_class(uint32_t nr)
{
	uint32_t v = nr - 1, shift;

	if (likely(v < 32))
		return v;
	shift = bits_log2_floor(v) - 4;
	return (shift << 4) + (v >> shift);
}

/* Granules that an entry of class @idx holds. */
static inline uint32_t iova_class_nr(uint32_t idx)
{
	uint32_t shift = idx < 32 ? 0 : (idx >> 4) - 1;

	return (idx - (shift << 4) + 1) << shift;
}

/* From the top of a magazine; false when it is empty, or the range does not end by @last. */
static inline bool iova_mag_pop(_Atomic(struct iova_entry *) *where, uint64_t bytes, uint64_t last,
				struct iova_entry *e)
{
	struct iova_entry *top = atomic_load_explicit(where, memory_order_relaxed) - 1;
	uint64_t iova = top->iova;

	if (unlikely(iova == 0 || iova + (bytes - 1) > last))
		return false;
	e->iova = iova;
	e->tag = top->tag;
	atomic_store_explicit(where, top, memory_order_relaxed);
	return true;
}

/* On top of a magazine; false when it is full. */
static inline bool iova_mag_push(_Atomic(struct iova_entry *) *where, uint64_t iova, uint64_t tag)
{
	struct iova_entry *top = atomic_load_explicit(where, memory_order_relaxed);

	if (unlikely(((uintptr_t)top & (IOVA_MAG_BYTES - 1)) == 0))
		return false;
	top->iova = iova;
	top->tag = tag;
	atomic_store_explicit(where, top + 1, memory_order_relaxed);
	return true;
}

/**
 * iova_cache_alloc() - take a range from the slot's cache
 * @c: cache of the calling slot
 * @nr: granules, 1 or more
 * @last: highest byte the range may contain
 * @e: the range, with the tag it was freed with
 *
 * Context: owner of @c, inside its slot; no lock, no atomic read-modify-write.
 *
 * Return: false when the cache has none that fits; then call iova_alloc().
 */
static inline bool iova_cache_alloc(struct iova_cache *c, uint32_t nr, uint64_t last,
				    struct iova_entry *e)
{
	uint32_t idx = iova_class(nr);

	if (unlikely(idx >= IOVA_NR_CLASSES))
		return false;
	/* No entry exceeds the limit of the space, so there is none to compare with. */
	if (likely(last >= c->last))
		return iova_mag_pop(&c->top[1][idx], 1, UINT64_MAX, e);
	/* Branches: they are foretold; an index computed from the limit measured twice as slow. */
	if (last > c->low_last)
		return iova_mag_pop(&c->top[1][idx], (uint64_t)nr << c->granule_lg2, last, e);
	return iova_mag_pop(&c->top[0][idx], (uint64_t)nr << c->granule_lg2, last, e);
}

/**
 * iova_cache_free() - give a range back to the slot's cache
 * @c: cache of the calling slot, which need not be the one that handed the range out
 * @nr: granules, exactly as allocated
 * @iova: first byte
 * @tag: what the next iova_cache_alloc() of this range returns; 0: nothing
 *
 * The invalidation that covers the range is complete: it may be handed out at once.
 *
 * Context: owner of @c, inside its slot; no lock, no atomic read-modify-write.
 *
 * Return: false when there is no room; then call iova_free().
 */
static inline bool iova_cache_free(struct iova_cache *c, uint32_t nr, uint64_t iova, uint64_t tag)
{
	uint32_t idx = iova_class(nr);

	if (unlikely(idx >= IOVA_NR_CLASSES))
		return false;
	/* A branch again: a computed index would wait until @iova is loaded. */
	if (likely(iova > c->low_last))
		return iova_mag_push(&c->top[1][idx], iova, tag);
	return iova_mag_push(&c->top[0][idx], iova, tag);
}

/**
 * struct iova_cfg - what one space looks like
 * @platform: supplies metadata and the lock; outlives the space
 * @start: first byte of the aperture, multiple of the granule; IOVA 0 is never handed out
 * @last: last byte of the aperture; last + 1 is a multiple of the granule, or last is UINT64_MAX,
 *	and then the last granule is never handed out
 * @granule_lg2: smallest page, 12 .. 16 (byte addresses up to 64 bits)
 * @span_lg2: IOVA that one leaf table covers: 20 or 21 for 4 KiB, 25 for 16 KiB, 29 for 64 KiB
 * @random_seed: not 0: place ranges at random, reproducibly (iova randomisation, tests)
 * @guard: granules kept free behind every range, at most 1024, so that overruns fault
 * @mem: not NULL: all metadata comes from this block, 64-byte aligned, and none from the platform
 * @mem_bytes: its size
 * @max_mag: entries per magazine, 1 .. 63; 0: chosen by size of the aperture
 * @max_depot: full magazines kept per class for other slots, 0 .. 1024; 0: 64
 */
struct iova_cfg {
	struct dma_platform *platform;
	uint64_t start;
	uint64_t last;
	uint32_t granule_lg2;
	uint32_t span_lg2;
	uint64_t random_seed;
	uint32_t guard;
	void *mem;
	size_t mem_bytes;
	uint32_t max_mag;
	uint32_t max_depot;
};

#define IOVA_DRAINED (1u << 0)	/* every other slot is kept out: all caches may be emptied */
#define IOVA_BOUNDED (1u << 1)	/* a hint: -ENOSPC rather than more than O(log n) search */
#define IOVA_NO_CACHE (1u << 2) /* from the arena, also where the cache could serve */

/**
 * struct iova_req - one request
 * @nr: granules
 * @last: highest byte the range may contain
 * @align_lg2: alignment of the first byte; less than the granule means none
 * @phase_lg2: with @phase: first byte is congruent to @phase modulo 2^phase_lg2; 0: no phase
 * @phase: bytes, a multiple of the granule and of the alignment
 * @boundary: the range does not cross a multiple of boundary + 1, a power of two; 0: none
 * @flags: IOVA_*
 */
struct iova_req {
	uint64_t nr;
	uint64_t last;
	uint32_t align_lg2;
	uint32_t phase_lg2;
	uint64_t phase;
	uint64_t boundary;
	uint32_t flags;
};

/**
 * struct iova_stats - a space in granules, except @nr_regions and @meta_bytes
 * @aperture: what could be handed out without reserved windows
 * @reserved: in reserved windows inside the aperture
 * @live: handed out, guards and rounding included
 * @cached: in magazines, windows of slots and the depot, or between iova_take_free_spans() and
 *	iova_give_back()
 * @free: in the arena
 * @largest_hole: longest free run in the arena
 * @frag_permille: 1000 * (1 - largest_hole / free): 0 is one hole
 * @nr_regions: 4 GiB regions with a bitmap
 * @meta_bytes: metadata held
 */
struct iova_stats {
	uint64_t aperture;
	uint64_t reserved;
	uint64_t live;
	uint64_t cached;
	uint64_t free;
	uint64_t largest_hole;
	uint32_t frag_permille;
	uint32_t nr_regions;
	uint64_t meta_bytes;
};

/**
 * struct iova_span - wholly free IOVA taken out of the arena: one or more spans side by side
 * @start: first byte, a multiple of the span
 * @last: last byte
 */
struct iova_span {
	uint64_t start;
	uint64_t last;
};

/* What a space hands metadata out of; internal. */
struct iova_meta {
	struct dma_platform *platform;
	struct dma_lock lock; /* innermost */
	bool fixed;
	unsigned char *mem;
	size_t left;
	uint64_t used_bytes;
	void *recycled[5];
};

struct iova_node;
struct iova_window;

/**
 * struct iova_space - the arena of one domain
 *
 * Zero-fill it, then iova_space_init(). All members are internal; @lock protects those below it,
 * @depot_lock the depot. Order: @lock, @depot_lock, the one in @meta.
 */
struct iova_space {
	/* private: */
	struct iova_cfg cfg;
	uint32_t granule_lg2;
	uint32_t span_lg2;		   /* in granules */
	uint32_t region_lg2;		   /* in granules */
	uint64_t first, last;		   /* granules of the aperture, inclusive */
	uint64_t low_end;		   /* first granule of set 1 */
	uint32_t window_lg2[IOVA_NR_SETS]; /* granules a slot draws at once; 0: none */
	struct iova_meta meta;		   /* has a lock of its own */
	uint8_t cap[IOVA_NR_SETS][IOVA_NR_CLASSES];

	_Alignas(128) struct dma_lock lock;
	struct iova_node *root;
	uint32_t root_level, max_level;
	uint64_t nr_free, nr_reserved, nr_taken;
	uint32_t nr_regions;
	uint64_t nr_exact;
	bool thrift;
	uint64_t random;
	struct iova_window *windows; /* reserved, sorted, apart */
	struct iova_cache *caches;

	_Alignas(128) struct dma_lock depot_lock;
	struct iova_mag *full[IOVA_NR_SETS][IOVA_NR_CLASSES];
	uint16_t nr_full[IOVA_NR_SETS][IOVA_NR_CLASSES];
	struct iova_mag *empty;
	uint32_t nr_empty;
	uint64_t max_depot_nr[IOVA_NR_SETS]; /* granules per class */
};

/**
 * iova_space_init() - bring up an empty space
 * @s: zero-filled; the caller's memory
 * @cfg: copied
 *
 * Return:
 * * %0 - ready
 * * %-EINVAL - a member of @cfg out of range
 * * %-ENOMEM - no metadata
 */
DMA_MUST_CHECK int iova_space_init(struct iova_space *s, const struct iova_cfg *cfg);

/* Frees all metadata. Every cache was finished before; what is still live is forgotten. */
void iova_space_fini(struct iova_space *s);

/**
 * iova_reserve() - never hand out a window
 * @s: the space
 * @start: first byte; rounded down to the granule
 * @last: last byte, inclusive; rounded up
 *
 * What lies outside the aperture is ignored. Reserved windows last as long as the space; they may
 * overlap each other. May come before or after the first allocation.
 *
 * Context: any; takes the arena's lock.
 *
 * Return:
 * * %0 - reserved
 * * %-EINVAL - @last below @start
 * * %-EBUSY - a part is handed out or in a cache (iova_cache_flush(), iova_depot_flush());
 *   nothing changed
 * * %-ENOMEM - no metadata; nothing changed
 */
DMA_MUST_CHECK int iova_reserve(struct iova_space *s, uint64_t start, uint64_t last);

/**
 * iova_cache_init() - attach a slot's cache to a space
 * @c: zero-filled, aligned to 128
 * @s: the space; outlives the cache
 *
 * Allocates nothing. Context: any; takes the arena's lock.
 */
void iova_cache_init(struct iova_cache *c, struct iova_space *s);

/*
 * Empties a cache, frees its magazines and detaches it. Context: its owner is out, or is the
 * caller.
 */
void iova_cache_fini(struct iova_cache *c);

/**
 * iova_alloc() - take a range: the slow path of iova_cache_alloc(), and the door for constraints
 * @s: the space
 * @c: cache of the calling slot, or NULL
 * @req: what is needed
 * @e: on success the range; e->tag is 0 unless a cache knew it
 *
 * Finds a range whenever the space holds one under @req's constraints: in O(log n) for any size,
 * limit and alignment; with a phase or boundary in O(log n) while some free run is longer than
 * size + alignment (boundary: twice the size), else by trying the free runs that are long enough
 * (not with IOVA_BOUNDED).
 *
 * Context: owner of @c, inside its slot; takes the arena's and the depot's lock; never sleeps.
 *
 * Return:
 * * %0 - the caller owns the range until iova_cache_free() or iova_free()
 * * %-EINVAL - no granules, or contradicting constraints
 * * %-EAGAIN - not in the arena, but other slots' caches hold IOVA: keep these slots out, empty
 *   what else they hold (flush queues), and call again with IOVA_DRAINED, which flushes every cache
 * * %-ENOSPC - the space has none (IOVA_BOUNDED: none found in bounded time)
 * * %-ENOMEM - no metadata to describe the range; nothing changed
 */
DMA_MUST_CHECK int iova_alloc(struct iova_space *s, struct iova_cache *c,
			      const struct iova_req *req, struct iova_entry *e);

/**
 * iova_free() - give a range back: the slow path of iova_cache_free()
 * @s: the space
 * @c: cache of the calling slot, or NULL for straight to the arena
 * @iova: first byte
 * @nr: granules, exactly as allocated
 * @tag: as in iova_cache_free(); lost when the range goes to the arena
 *
 * Never fails and never allocates what it could not do without.
 *
 * Context: owner of @c, inside its slot; takes the arena's and the depot's lock.
 */
void iova_free(struct iova_space *s, struct iova_cache *c, uint64_t iova, uint64_t nr,
	       uint64_t tag);

/* Moves everything in @c to the arena. Context: @c's owner is kept out, or is the caller. */
void iova_cache_flush(struct iova_space *s, struct iova_cache *c);

/* Moves the depot to the arena. Context: any. */
void iova_depot_flush(struct iova_space *s);

/**
 * iova_cache_purge() - forget tags
 * @c: the cache
 * @start: first byte
 * @last: last byte, inclusive; 0 .. UINT64_MAX for all
 *
 * Zeroes the tags of every entry that touches the range; iova_depot_purge() does so in the depot.
 * Context: @c's owner is kept out, or is the caller.
 */
void iova_cache_purge(struct iova_cache *c, uint64_t start, uint64_t last);
void iova_depot_purge(struct iova_space *s, uint64_t start, uint64_t last);

/**
 * iova_take_free_spans() - take wholly free spans out of the arena
 * @s: the space
 * @from: resume here: 0 at first, then what the last call left; UINT64_MAX when all was seen
 * @out: the spans taken, merged where they touch
 * @max: room in @out
 *
 * Only spans of which something was handed out since they were last taken: others cannot have a
 * page table. Nobody can be handed their IOVA until iova_give_back(); meanwhile the caller unlinks
 * their tables. Takes what is free at this moment; a span partly in a cache is not.
 *
 * Context: any; takes the arena's lock.
 *
 * Return: how many ranges stand in @out.
 */
uint32_t iova_take_free_spans(struct iova_space *s, uint64_t *from, struct iova_span *out,
			      uint32_t max);

/* Ends what iova_take_free_spans() began: the spans are free again and count as never used. */
void iova_give_back(struct iova_space *s, const struct iova_span *spans, uint32_t nr);

/**
 * iova_trim() - give memory back
 * @s: the space
 * @c: flushed first; may be NULL
 *
 * Flushes @c and the depot, frees empty magazines and the bitmaps of regions that are wholly free
 * and whose spans were all taken and given back.
 *
 * Return: bytes of metadata freed.
 */
uint64_t iova_trim(struct iova_space *s, struct iova_cache *c);

/*
 * Context: any; @out is exact while no slot runs, else @cached and @live may be off by what moves.
 */
void iova_stats(struct iova_space *s, struct iova_stats *out);

#endif
