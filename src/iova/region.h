/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A region: a dense piece of the arena, up to 2^15 granules, as a bitmap under a binary tree of
 * summaries. Knows neither limits nor policies. The caller holds the arena's lock.
 *
 * A summary says, for every alignment, how long the longest free run is that begins there, so
 * the lowest place for any size and alignment is found in one descent and nothing is tried in
 * vain. A node whose summary is "all free" or "all used" speaks for everything beneath it; what
 * is stored beneath is stale until the next change pushes it down. So a whole node is taken or
 * freed in O(1), and a new region needs no initialisation but its root.
 */
#ifndef DMAMAP_IOVA_REGION_H
#define DMAMAP_IOVA_REGION_H

#include "iova/iova.h"

#define IOVA_NONE UINT64_MAX
#define CHUNK_LG2 9u
#define CHUNK_NR (1u << CHUNK_LG2)
#define CHUNK_WORDS (CHUNK_NR / 64)
#define REGION_MAX_LG2 15u

/* What a change of state means for the record of what may have page tables. */
enum iova_change {
	IOVA_TAKE,  /* used, and handed out: tables may be made beneath */
	IOVA_HIDE,  /* used, never handed out; forgets what was handed out before */
	IOVA_RETURN /* free */
};

/**
 * struct iova_search - the lowest free run in a window; granules
 * @lo: window, first granule
 * @end: window, exclusive
 * @nr: length
 * @align: log2 of the alignment of the first granule
 * @carry: free granules that end where the walk stands
 */
struct iova_search {
	uint64_t lo;
	uint64_t end;
	uint64_t nr;
	uint32_t align;
	uint64_t carry;
};

/**
 * struct iova_sum16 - longest free runs beneath a node of a region
 * @run: by log2 of the alignment of their first granule: at the node's level the prefix, 0 above
 * @suffix: free granules at the end
 *
 * Sixteen entries at every level, so that a merge is a few vector instructions.
 */
struct iova_sum16 {
	uint16_t run[REGION_MAX_LG2 + 1];
	uint16_t suffix;
};

/**
 * struct iova_region - one region
 * @level: log2 of its granules, CHUNK_LG2 .. REGION_MAX_LG2
 * @touched: bit per chunk: something was handed out there
 * @exact: bit per granule: a range that begins here has no rounding; NULL: none
 * @words: bit per granule, 1 is free
 * @sums: one per node, level by level from the root
 */
struct iova_region {
	uint32_t level;
	uint64_t touched;
	uint64_t *exact;
	uint64_t *words;
	struct iova_sum16 *sums;
};

/* Bytes for a region of 2^@level granules. */
size_t iova_region_bytes(uint32_t level);

/* @r is zeroed memory of that size. */
void iova_region_init(struct iova_region *r, uint32_t level, bool is_free, bool touched);

static inline const struct iova_sum16 *iova_region_sum(const struct iova_region *r)
{
	return r->sums;
}

/* Everything at once, O(1). */
void iova_region_fill(struct iova_region *r, enum iova_change change);

/* Something was handed out everywhere in it. */
void iova_region_touch(struct iova_region *r);

/* Everything free or used, without a word about what was handed out. */
void iova_region_state(struct iova_region *r, bool is_free);

/* Granules @first .. @end - 1; true when the root's summary changed. */
bool iova_region_set(struct iova_region *r, uint32_t first, uint32_t end, enum iova_change change);

/* Continue @q through a region whose first granule is @base; the place found, or IOVA_NONE. */
uint64_t iova_region_search(const struct iova_region *r, uint64_t base, struct iova_search *q);

/* First granule in @first .. @end - 1 that is not @is_free; @end when there is none. */
uint32_t iova_region_differs(const struct iova_region *r, uint32_t first, uint32_t end,
			     bool is_free);

#endif
