/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena's policy: where in the tree a request goes, which part of the address space it
 * prefers, how much a size takes. Granules throughout. The caller holds the arena's lock.
 */
#ifndef DMAMAP_IOVA_ARENA_H
#define DMAMAP_IOVA_ARENA_H

#include "iova/tree.h"

/**
 * struct iova_want - a request in granules
 * @nr: what the device uses
 * @end: the range ends at or before it
 * @mod_lg2: the first granule is congruent to @rem modulo 2^mod_lg2
 * @rem: less than 2^mod_lg2
 * @bound_lg2: the range does not cross a multiple of 2^bound_lg2; 64: anything
 * @bounded: give up rather than try free runs one by one
 */
struct iova_want {
	uint64_t nr;
	uint64_t end;
	uint32_t mod_lg2;
	uint64_t rem;
	uint32_t bound_lg2;
	bool bounded;
};

/* The set of caches that a granule belongs to. */
static inline uint32_t iova_set_of(const struct iova_space *s, uint64_t granule)
{
	return granule >= s->low_end;
}

/* Granules one entry of class @idx takes, guard included. */
static inline uint32_t iova_unit(const struct iova_space *s, uint32_t idx)
{
	return iova_class_nr(idx) + s->cfg.guard;
}

/* Take @w->nr granules for a caller who frees them as that many. -ENOSPC, -ENOMEM */
DMA_MUST_CHECK int iova_arena_alloc(struct iova_space *s, const struct iova_want *w,
				    uint64_t *first);

/* Undo it. */
void iova_arena_free(struct iova_space *s, uint64_t first, uint64_t nr);

/* Take @w->nr granules as they are, no rounding, no guard, in one set. -ENOSPC, -ENOMEM */
DMA_MUST_CHECK int iova_arena_take(struct iova_space *s, uint32_t set, const struct iova_want *w,
				   uint64_t *first);

/* Undo it, in whatever pieces. */
void iova_arena_put(struct iova_space *s, uint64_t first, uint64_t nr);

/* The next part *@at .. *@gap_end - 1 of *@at .. @end - 1 that no window reserves; false: none. */
bool iova_arena_gap(const struct iova_space *s, uint64_t *at, uint64_t end, uint64_t *gap_end);

#endif
