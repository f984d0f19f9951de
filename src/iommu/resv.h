/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved regions as one list: sorted, merged, without overlaps, whole granules. Lists are
 * replaced, never edited, so a failed attach has nothing to undo. Lock: the IOMMU's mutex.
 */
#ifndef DMAMAP_IOMMU_RESV_H
#define DMAMAP_IOMMU_RESV_H

#include <dmamap/fault.h>
#include <dmamap/iommu.h>
#include <dmamap/platform.h>

/**
 * struct resv_list - reserved regions
 * @regions: sorted by start; NULL when empty
 * @nr: regions
 * @max: room, for meta_free
 */
struct resv_list {
	struct dma_resv_region *regions;
	uint32_t nr;
	uint32_t max;
};

/*
 * @out = @base and @add together. Neighbours of the same type and protection become one. -EINVAL
 * (length, overflow, granule, overlap) with @why filled, -ENOMEM. @out is untouched on error.
 */
DMA_MUST_CHECK int resv_merge(struct dma_platform *p, const struct resv_list *base,
			      const struct dma_resv_region *add, uint32_t nr_add,
			      uint32_t granule_lg2, struct resv_list *out, struct dma_error *why);
void resv_free(struct dma_platform *p, struct resv_list *list);

/* First region that touches [@start, @last], or NULL. */
const struct dma_resv_region *resv_find(const struct resv_list *list, uint64_t start,
					uint64_t last);

static inline uint64_t resv_last(const struct dma_resv_region *r)
{
	return r->start + (r->len - 1);
}

static inline bool resv_is_direct(const struct dma_resv_region *r)
{
	return r->type == DMA_RESV_DIRECT || r->type == DMA_RESV_DIRECT_RELAXABLE;
}

#endif
