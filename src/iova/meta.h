/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the allocator's own memory comes from: the platform, or one block supplied at init. Few
 * kinds of fixed size, so a block never fragments: what is freed is recycled by kind.
 */
#ifndef DMAMAP_IOVA_META_H
#define DMAMAP_IOVA_META_H

#include "iova/iova.h"

enum iova_meta_kind {
	IOVA_META_REGION,
	IOVA_META_NODE,
	IOVA_META_WINDOW,
	IOVA_META_EXACT,
	IOVA_META_MAG
};

/*
 * Zeroed memory, aligned to 64, a magazine to its size; NULL when there is none. @bytes is the same
 * for all of a kind.
 */
void *iova_meta_alloc(struct iova_meta *m, enum iova_meta_kind kind, size_t bytes);
void iova_meta_free(struct iova_meta *m, enum iova_meta_kind kind, void *mem, size_t bytes);

/* Bytes held. */
uint64_t iova_meta_used(struct iova_meta *m);

#endif
