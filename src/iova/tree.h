/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree over regions: sparse, so that a space of 2^52 granules costs what is used of it. Its
 * root grows by doubling as the space is used from the bottom. Numbers only; limits and policies
 * are arena.c's. The caller holds the arena's lock.
 */
#ifndef DMAMAP_IOVA_TREE_H
#define DMAMAP_IOVA_TREE_H

#include "iova/region.h"

#define TREE_NR_ALIGN 24u
#define TREE_MAX_ALIGN (TREE_NR_ALIGN - 1) /* alignments answered exactly: up to 2^23 granules */
#define TREE_LONG ((uint64_t)1 << 29)	   /* granules from which on @run only says "at least" */

/**
 * struct iova_sum - longest free runs beneath a node
 * @run: by log2 of the alignment of their first granule; 0 above the node's level. Exact below
 *	TREE_LONG; a run that long has some value from there on
 * @longest: the longest one, exact
 * @prefix: free granules at the beginning
 * @suffix: free granules at the end
 */
struct iova_sum {
	int32_t run[TREE_NR_ALIGN];
	uint64_t longest;
	uint64_t prefix;
	uint64_t suffix;
};

/**
 * struct iova_node - 2^level granules above the regions
 * @sum: what is free; all or nothing makes the children stale, as in a region
 * @child: nodes, or regions at the lowest level; NULL while all free or all used
 * @child_free: which of the two a NULL child is
 * @touched: everything beneath the child was handed out
 */
struct iova_node {
	struct iova_sum sum;
	void *child[2];
	bool child_free[2];
	bool touched[2];
};

/* Makes the root, over two regions. -ENOMEM */
DMA_MUST_CHECK int iova_tree_init(struct iova_space *s);
void iova_tree_fini(struct iova_space *s);

/* Doubles the root; what is new is free but for the reserved windows. -ENOMEM, nothing changed */
DMA_MUST_CHECK int iova_tree_grow(struct iova_space *s);

/* Makes all nodes that a change of @first .. @end - 1 needs. -ENOMEM, nothing changed */
DMA_MUST_CHECK int iova_tree_prepare(struct iova_space *s, uint64_t first, uint64_t end);

/* Changes granules @first .. @end - 1, prepared, or changed before with the same bounds. */
void iova_tree_set(struct iova_space *s, uint64_t first, uint64_t end, enum iova_change change);

/* The lowest place; IOVA_NONE. @q->carry is 0. */
uint64_t iova_tree_search(const struct iova_space *s, struct iova_search *q);

/* First granule in @first .. @end - 1 that is not @is_free; @end when there is none. */
uint64_t iova_tree_differs(const struct iova_space *s, uint64_t first, uint64_t end, bool is_free);

/* The region that holds @granule, or NULL. */
struct iova_region *iova_tree_region(const struct iova_space *s, uint64_t granule);

/*
 * Lists whole free spans that were handed out since they were last hidden, from granule @from on;
 * sets @from to where to go on, UINT64_MAX at the end. Granules, @last inclusive.
 */
uint32_t iova_tree_touched(const struct iova_space *s, uint64_t *from, struct iova_span *out,
			   uint32_t max);

/* Frees what describes untouched, wholly free IOVA; bytes. */
uint64_t iova_tree_trim(struct iova_space *s);

/* One reserved window; granules, @end exclusive. Sorted, apart from each other. */
struct iova_window {
	uint64_t first;
	uint64_t end;
	struct iova_window *next;
};

#endif
