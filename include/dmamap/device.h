/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: requesters with masks, limits, coherency and an ops table. */
#ifndef DMAMAP_DEVICE_H
#define DMAMAP_DEVICE_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct dma_range - a window through which a device sees memory without an IOMMU
 * @cpu_start: first phys of the window
 * @dma_start: the DMA address of that byte
 * @size: bytes; 0 ends an array of ranges
 */
struct dma_range {
	phys_addr_t cpu_start;
	dma_addr_t dma_start;
	uint64_t size;
};

/**
 * struct dma_device_desc - how a device is wired
 * @name: for messages; copied, at most 31 bytes are kept
 * @coherent: its accesses snoop the CPU's caches
 * @bus_dma_limit: highest address the bus carries; 0: no limit
 * @ranges: windows for devices without an IOMMU, ended by size 0; NULL: DMA address = phys. Copied
 * @iommu: IOMMU in front of it; NULL: none
 * @requester: its requester (stream) id at that IOMMU
 * @deferred: start with deferred instead of strict invalidation
 */
struct dma_device_desc {
	const char *name;
	bool coherent;
	uint64_t bus_dma_limit;
	const struct dma_range *ranges;
	struct dma_iommu *iommu;
	uint32_t requester;
	bool deferred;
};

/**
 * dma_device_create() - make a device known
 * @p: platform
 * @desc: its wiring
 * @dev: the device; untouched on error
 *
 * Both masks start at 32 bits. Behind an IOMMU the device joins its group's domain: a DMA domain of
 * its own unless it shares a group.
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - the caller owns @dev until dma_device_destroy()
 * * %-ENOMEM - no metadata or tables
 * * %-ENOSPC - the IOMMU has no domain id left
 * * %-EINVAL - @desc breaks a rule (dma_last_error() with @dev NULL names it)
 * * %-EBUSY - a device with the same requester was destroyed with live mappings: quiesce it first
 * * %-EIO, %-ETIMEDOUT - the IOMMU did not take the configuration
 */
DMA_API DMA_MUST_CHECK int dma_device_create(struct dma_platform *p,
					     const struct dma_device_desc *desc,
					     struct dma_device **dev);

/**
 * dma_device_destroy() - forget a device
 * @dev: device; NULL is ignored
 *
 * Live mappings go to quarantine: the requester is blocked first, then their IOVA, tables and pages
 * stay out of use until dma_device_quiesced(); a device that still has some is kept until then.
 *
 * Context: sleeping; no other call on @dev may run
 */
DMA_API void dma_device_destroy(struct dma_device *dev);

/**
 * dma_device_quiesced() - the caller states that the device does no DMA any more
 * @dev: device that was detached or destroyed with live mappings
 *
 * Releases what quarantine holds for it.
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - released; if @dev was destroyed it is gone now
 * * %-EBUSY - still attached: detach or destroy it first
 * * %-EIO - the IOMMU did not confirm the invalidation; the quarantine stays
 */
DMA_API int dma_device_quiesced(struct dma_device *dev);

/**
 * dma_device_name() - name given at creation
 * @dev: device
 *
 * Context: any
 *
 * Return: at most 31 bytes, valid as long as @dev
 */
DMA_API const char *dma_device_name(const struct dma_device *dev);

/**
 * dma_device_platform() - platform a device was created on
 * @dev: device
 *
 * Context: any
 *
 * Return: the platform; never NULL
 */
DMA_API struct dma_platform *dma_device_platform(const struct dma_device *dev);

/**
 * dma_device_domain() - domain a device is attached to
 * @dev: device
 *
 * Context: any
 *
 * Return: the domain, which the caller does not own; NULL without an IOMMU
 */
DMA_API struct dma_domain *dma_device_domain(const struct dma_device *dev);

#ifdef __cplusplus
}
#endif
#endif
