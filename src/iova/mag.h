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
 * struct iova_mag - one magazine, aligned to its size
 * @e: entries from the end of the array down to class capacity, then one with IOVA 0. The tag of
 *	the first one is the link while the magazine lies in the depot
 */
struct iova_mag {
	struct iova_entry e[IOVA_MAG_ENTRIES + 1];
};

/* Empty and full at once: what a class without a magazine points behind. */
extern const struct iova_mag iova_mag_none;

static inline struct iova_entry *iova_mag_full(const struct iova_mag *m)
{
	return (struct iova_entry *)(uintptr_t)(m + 1);
}

/* The magazine that @top points into, or behind. */
static inline struct iova_mag *iova_mag_of(const struct iova_entry *top)
{
	return (struct iova_mag *)(((uintptr_t)top - 1) & ~(uintptr_t)(IOVA_MAG_BYTES - 1));
}

/* Where @top stands when a magazine of @cap entries is empty. */
static inline struct iova_entry *iova_mag_bottom(struct iova_mag *m, uint32_t cap)
{
	return &m->e[IOVA_MAG_ENTRIES + 1 - cap];
}

/* Entries under @top in a magazine of @cap. */
static inline uint32_t iova_mag_nr(const struct iova_entry *top, uint32_t cap)
{
	uintptr_t last = ((uintptr_t)top - sizeof(*top)) & (IOVA_MAG_BYTES - 1);

	if (top == NULL || top == iova_mag_full(&iova_mag_none))
		return 0;
	return (uint32_t)(last / sizeof(*top)) + cap - IOVA_MAG_ENTRIES;
}

/* An empty magazine from the depot or from memory; NULL when there is none. */
struct iova_mag *iova_mag_new(struct iova_space *s);
void iova_mag_free(struct iova_space *s, struct iova_mag *m);

/* A full magazine for @empty, which may be NULL; NULL when there is none, and @empty is kept. */
struct iova_mag *iova_depot_get(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *empty);

/* An empty magazine for @full; NULL when there is no room or no memory, and @full is kept. */
struct iova_mag *iova_depot_put(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *full);

/* Forgets the tags in the depot that touch @start .. @last, bytes. */
void iova_entries_purge(struct iova_entry *e, uint32_t nr, uint64_t bytes, uint64_t start,
			uint64_t last);

/* Frees empty magazines that lie in the depot. */
void iova_depot_trim(struct iova_space *s);

/* Frees the magazines of a cache, which are empty. */
void iova_cache_drop_mags(struct iova_cache *c);

/* Granules in a cache, roughly while its owner works. */
uint64_t iova_cache_nr(const struct iova_cache *c);

/* The granule at which a range for limit @last must end, exclusive. */
static inline uint64_t iova_limit_end(const struct iova_space *s, uint64_t last)
{
	uint64_t mask = ((uint64_t)1 << s->granule_lg2) - 1;
	uint64_t end = (last >> s->granule_lg2) + ((last & mask) == mask);

	return bits_min(end, s->last + 1);
}

#endif
