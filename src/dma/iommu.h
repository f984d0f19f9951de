/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table as the API part (device.c, mask.c) sees it: a device joins and leaves its
 * group, and gets the table that suits its domain. What the members do stands in dma-map-ops.h.
 *
 * Lock: none here; setup, teardown, quiesced and mask_changed are called under the exclusion that
 * device.h asks of the caller, and take the IOMMU's mutex inside.
 */
#ifndef DMAMAP_DMA_IOMMU_H
#define DMAMAP_DMA_IOMMU_H

#include "core/device.h"

/*
 * Join the group of dev->requester at dev->iommu (made if need be, with a DMA domain of its own,
 * reserved regions kept out, direct ones mapped) and attach it. dev->platform, iommu, requester,
 * masks, bus_dma_limit, coherent, ranges and nr_ranges are set by the caller before. On success
 * dev->group, domain and iova_last are set and iommu_dma_ops() names the table; on error nothing
 * changed and a failure record with @dev NULL says why. @deferred: start with deferred
 * invalidation; a domain that the group has already keeps its mode.
 */
DMA_MUST_CHECK int iommu_dma_setup(struct dma_device *dev, bool deferred);

/*
 * Leave the group; the last of a group is blocked first. 0: nothing refers to dev any more, the
 * caller frees it. -EBUSY: live mappings went to quarantine (or blocking failed): keep dev until
 * iommu_dma_quiesced() returns 0.
 */
DMA_MUST_CHECK int iommu_dma_teardown(struct dma_device *dev);

/*
 * dma_device_quiesced() without freeing dev: releases what quarantine holds. *gone (on 0): dev was
 * torn down before and nothing refers to it any more, the caller frees it.
 */
DMA_MUST_CHECK int iommu_dma_quiesced(struct dma_device *dev, bool *gone);

/*
 * The library's choice for the domain dev is attached to: only required and optional members
 * that differ from the defaults are set. NULL: an identity domain, map as if there were no IOMMU.
 */
const struct dma_map_ops *iommu_dma_ops(const struct dma_device *dev);

/* Recompute dev->iova_last from the masks, the bus limit and the domain. */
void iommu_dma_mask_changed(struct dma_device *dev);

/* Something is mapped in the domain of dev (in that of its whole group). Context: sleeping. */
bool iommu_dma_is_live(struct dma_device *dev);

#endif
