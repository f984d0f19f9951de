/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gather: which cached translations are stale. The page table only records here; the domain
 * hands the result to the driver once. Nothing below the domain calls back up to invalidate.
 * Lives on the stack of one call, or in one slot: no lock.
 */
#ifndef DMAMAP_PGTABLE_GATHER_H
#define DMAMAP_PGTABLE_GATHER_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct gather - one IOVA range whose cached translations are stale
 * @start: first stale IOVA, in bytes; meaningless while @last < @start
 * @last: final stale IOVA, inclusive, so the top of the space is expressible
 * @levels: bit n: leaf entries of level n were removed (0 is the leaf level in every format). One
 *	bit set tells a driver the page size to step by and the level hint to give; where several
 *	are set, the lowest is the step and no hint may be given
 * @walk_cache: a table was unlinked, so non-leaf entries are stale too
 *
 * Ranges added one after another merge into the smallest range that covers all.
 */
struct gather {
	uint64_t start;
	uint64_t last;
	uint32_t levels;
	bool walk_cache;
};

#define GATHER_EMPTY ((struct gather){ .start = UINT64_MAX })

static inline bool gather_is_empty(const struct gather *g)
{
	return g->last < g->start;
}

/* Entries of @level that translated [start, last] are gone. */
static inline void gather_add(struct gather *g, uint64_t start, uint64_t last, uint32_t level)
{
	g->start = start < g->start ? start : g->start;
	g->last = last > g->last ? last : g->last;
	g->levels |= UINT32_C(1) << level;
}

/* A table that served [start, last] was unlinked. */
static inline void gather_add_table(struct gather *g, uint64_t start, uint64_t last)
{
	g->start = start < g->start ? start : g->start;
	g->last = last > g->last ? last : g->last;
	g->walk_cache = true;
}

/* Everything that is stale in @from is stale in @into. */
static inline void gather_merge(struct gather *into, const struct gather *from)
{
	if (gather_is_empty(from))
		return;
	into->start = from->start < into->start ? from->start : into->start;
	into->last = from->last > into->last ? from->last : into->last;
	into->levels |= from->levels;
	into->walk_cache |= from->walk_cache;
}

#endif
