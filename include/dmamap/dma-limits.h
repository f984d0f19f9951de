/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device can reach and how it wants its segments: masks, limits, attributes that mean
 * something. Part of dma-mapping.h, which includes it.
 */
#ifndef DMAMAP_DMA_LIMITS_H
#define DMAMAP_DMA_LIMITS_H

#include <dmamap/dma-map-ops.h>
#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_set_mask() - say which DMA addresses a device can put on the bus
 * @dev: device without live mappings
 * @mask: highest address, inclusive; see DMA_BIT_MASK()
 *
 * Without an IOMMU every mask of 32 bits or more is accepted, which does not mean that all
 * memory can be reached: see dma_addressing_limited(). Behind an IOMMU every mask that leaves a
 * usable aperture is.
 *
 * - Source: rules.md API-18, 2.2
 *
 * Context: sleeping; no other call on @dev may run
 *
 * Return:
 * * %0 - in force
 * * %-EIO - rule mask: no memory, or no IOVA, is below it; the old mask stays
 */
DMA_API int dma_set_mask(struct dma_device *dev, uint64_t mask);

/**
 * dma_set_coherent_mask() - dma_set_mask() for allocations only
 * @dev: device
 * @mask: highest address, inclusive
 *
 * - Source: rules.md API-18
 *
 * Context: sleeping; no other call on @dev may run
 *
 * Return: as dma_set_mask()
 */
DMA_API int dma_set_coherent_mask(struct dma_device *dev, uint64_t mask);

/**
 * dma_set_mask_and_coherent() - set both masks, or on error neither
 * @dev: device without live mappings
 * @mask: highest address, inclusive
 *
 * - Source: rules.md API-18
 *
 * Context: sleeping; no other call on @dev may run
 *
 * Return: as dma_set_mask()
 */
DMA_API int dma_set_mask_and_coherent(struct dma_device *dev, uint64_t mask);

/**
 * dma_get_mask() - the streaming mask
 * @dev: device
 *
 * - Source: rules.md API-18
 *
 * Context: any
 *
 * Return: highest address, inclusive
 */
DMA_API uint64_t dma_get_mask(const struct dma_device *dev);

/**
 * dma_get_required_mask() - the smallest mask with which all memory can be reached
 * @dev: device
 *
 * - Source: rules.md API-19
 *
 * Context: any
 *
 * Return: a mask of all ones
 */
DMA_API uint64_t dma_get_required_mask(struct dma_device *dev);

/**
 * dma_addressing_limited() - is there memory that a device cannot reach?
 * @dev: device
 *
 * - Source: rules.md API-20
 *
 * Context: any
 *
 * Return: true if mask or bus limit are below dma_get_required_mask(), or, without an IOMMU, RAM
 * lies outside the device's windows
 */
DMA_API bool dma_addressing_limited(struct dma_device *dev);

/**
 * dma_max_mapping_size() - the largest single mapping
 * @dev: device
 *
 * - Source: rules.md API-21
 *
 * Context: any
 *
 * Return: bytes; SIZE_MAX: no limit
 */
DMA_API size_t dma_max_mapping_size(struct dma_device *dev);

/**
 * dma_opt_mapping_size() - size up to which mapping is fastest
 * @dev: device
 *
 * - Source: rules.md API-22
 *
 * Context: any
 *
 * Return: bytes
 */
DMA_API size_t dma_opt_mapping_size(struct dma_device *dev);

/**
 * dma_get_merge_boundary() - what decides whether entries of a list can be merged
 * @dev: device
 *
 * - Source: rules.md API-23
 *
 * Context: any
 *
 * Return: IOMMU granule - 1; 0 when entries of a list cannot be merged
 */
DMA_API unsigned long dma_get_merge_boundary(struct dma_device *dev);

/**
 * dma_set_max_seg_size() - limit the segments of a mapped list
 * @dev: device
 * @size: bytes, default 64 KiB; 0 is recorded as a failure (rule length) and ignored
 *
 * - Source: rules.md API-24
 *
 * Context: any; no map on @dev may run
 */
DMA_API void dma_set_max_seg_size(struct dma_device *dev, unsigned int size);

/**
 * dma_get_max_seg_size() - limit of the segments of a mapped list
 * @dev: device
 *
 * - Source: rules.md API-24
 *
 * Context: any
 *
 * Return: bytes
 */
DMA_API unsigned int dma_get_max_seg_size(const struct dma_device *dev);

/**
 * dma_set_seg_boundary() - addresses that a segment may not cross
 * @dev: device
 * @mask: no address with all these bits set may lie inside a segment but at its end; default ~0.
 *	What is not 2^n - 1 is recorded as a failure (rule align) and ignored
 *
 * - Source: rules.md API-24
 *
 * Context: any; no map on @dev may run
 */
DMA_API void dma_set_seg_boundary(struct dma_device *dev, uint64_t mask);

/**
 * dma_get_seg_boundary() - addresses that a segment may not cross
 * @dev: device
 *
 * - Source: rules.md API-24
 *
 * Context: any
 *
 * Return: as given to dma_set_seg_boundary()
 */
DMA_API uint64_t dma_get_seg_boundary(const struct dma_device *dev);

/**
 * dma_set_min_align_mask() - low address bits that a mapping has to keep
 * @dev: device
 * @mask: 2^n - 1, default 0. Anything else is recorded as a failure (rule align) and ignored
 *
 * - Source: rules.md API-24
 *
 * Context: any; no map on @dev may run
 */
DMA_API void dma_set_min_align_mask(struct dma_device *dev, unsigned int mask);

/**
 * dma_get_min_align_mask() - low address bits that a mapping has to keep
 * @dev: device
 *
 * - Source: rules.md API-24
 *
 * Context: any
 *
 * Return: as given to dma_set_min_align_mask()
 */
DMA_API unsigned int dma_get_min_align_mask(const struct dma_device *dev);

/**
 * dma_get_cache_alignment() - alignment of buffers for non-coherent devices, at both ends
 * @dev: device
 *
 * - Source: rules.md API-25
 *
 * Context: any
 *
 * Return: bytes; 1 when all memory is coherent with all devices
 */
DMA_API int dma_get_cache_alignment(const struct dma_device *dev);

/**
 * dma_query_attrs() - which attributes mean something on a device
 * @dev: device
 * @info: filled in
 *
 * Context: any
 */
DMA_API void dma_query_attrs(struct dma_device *dev, struct dma_attr_info *info);

#ifdef __cplusplus
}
#endif
#endif
