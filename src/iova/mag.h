/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Magazines: stacks of free ranges of one size class, and the depot through which full ones pass
 * from slots that free to slots that allocate. The depot's lock is taken inside.
 */
#ifndef DMAMAP_IOVA_MAG_H
#define DMAMAP_IOVA_MAG_H

#include "iova/iova.h"

#define IOVA_NR_EXACT 32u /* classes that hold one size each */
#define REFILL_NR 256u	  /* granules carved from a window at once */
#define REFILL_DRAWS 4u	  /* entries taken from the arena at once */
#define SPILL_NR 8u	  /* entries given to the arena at once */

/**
 * struct iova_mag - one magazine
 * @next: in a list of the depot
 * @nr: entries, while it is not loaded
 * @e: the entries, the last one on top
 */
struct iova_mag {
	struct iova_mag *next;
	uint32_t nr;
	struct iova_entry e[IOVA_MAG_ENTRIES];
};

/* An empty magazine from the depot or from memory; NULL when there is none. */
struct iova_mag *iova_mag_new(struct iova_space *s);
void iova_mag_free(struct iova_space *s, struct iova_mag *m);

/* A full magazine for @empty, which may be NULL; NULL when there is none, and @empty is kept. */
struct iova_mag *iova_depot_get(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *empty);

/* An empty magazine for @full; NULL when there is no room or no memory, and @full is kept. */
struct iova_mag *iova_depot_put(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *full);

/* Frees empty magazines that lie in the depot. */
void iova_depot_trim(struct iova_space *s);

/* Frees the magazines of a cache, which are empty. */
void iova_cache_drop_mags(struct iova_cache *c);

/* The granule at which a range for limit @last must end, exclusive. */
static inline uint64_t iova_limit_end(const struct iova_space *s, uint64_t last)
{
	uint64_t mask = ((uint64_t)1 << s->granule_lg2) - 1;
	uint64_t end = (last >> s->granule_lg2) + ((last & mask) == mask);

	return bits_min(end, s->last + 1);
}

#endif
