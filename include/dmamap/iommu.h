/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU layer for those who manage IOVA themselves (VFIO-like users, hypervisors) and for
 * machines that bring IOMMUs up. Drivers that only map for DMA need dma-mapping.h alone.
 */
#ifndef DMAMAP_IOMMU_H
#define DMAMAP_IOMMU_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dma_iommu_driver;

/* rules.md IOM-01 */
enum dma_domain_type {
	DMA_DOMAIN_BLOCKED,   /* every access faults */
	DMA_DOMAIN_IDENTITY,  /* IOVA = phys */
	DMA_DOMAIN_DMA,	      /* the DMA API manages the IOVA */
	DMA_DOMAIN_UNMANAGED, /* the caller manages the IOVA */
};

/* rules.md IOM-10; also the protection of a run inside the library */
#define DMA_PROT_READ (1u << 0)
#define DMA_PROT_WRITE (1u << 1)
#define DMA_PROT_CACHE (1u << 2)
#define DMA_PROT_NOEXEC (1u << 3)
#define DMA_PROT_MMIO (1u << 4)
#define DMA_PROT_PRIV (1u << 5)

/* rules.md IOM-12 */
enum dma_resv_type {
	DMA_RESV_DIRECT,	   /* must be mapped 1:1 always */
	DMA_RESV_DIRECT_RELAXABLE, /* 1:1 until a driver takes over */
	DMA_RESV_RESERVED,	   /* never used for mappings */
	DMA_RESV_MSI,		   /* the hardware's doorbell window */
	DMA_RESV_SW_MSI,	   /* where software places doorbells */
};

/**
 * struct dma_resv_region - IOVA that mappings must keep out of
 * @start: first IOVA
 * @len: bytes
 * @prot: DMA_PROT_* for direct regions
 * @type: why
 */
struct dma_resv_region {
	uint64_t start;
	uint64_t len;
	uint32_t prot;
	enum dma_resv_type type;
};

/**
 * struct dma_iommu_desc - where an IOMMU is and how it may be used
 * @mmio_base: its registers
 * @granule_lg2: page-table granule to use, 0: the hardware's smallest that is at least the CPU
 *	page, else the smallest
 * @resv: reserved regions from firmware, copied
 * @nr_resv: their number
 * @noncoherent_walk: treat the table walker as non-coherent although the hardware claims otherwise
 * @no_range_inval: do not use range invalidation although the hardware has it
 */
struct dma_iommu_desc {
	uint64_t mmio_base;
	uint32_t granule_lg2;
	const struct dma_resv_region *resv;
	uint32_t nr_resv;
	bool noncoherent_walk;
	bool no_range_inval;
};

/**
 * dma_iommu_open() - bring an IOMMU up, every requester blocked
 * @p: platform
 * @drivers: drivers to try, NULL-ended; one left out of the array is left out of the image
 * @desc: where it is
 * @iommu: the IOMMU; untouched on error
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - the caller owns @iommu until dma_iommu_close()
 * * %-ENODEV - no driver knows the hardware at that address
 * * %-EINVAL - granule or reserved regions that the hardware cannot serve
 * * %-ENOMEM - no memory for queues and tables
 * * %-EIO, %-ETIMEDOUT - the hardware did not answer as it must
 */
DMA_API DMA_MUST_CHECK int dma_iommu_open(struct dma_platform *p,
					  const struct dma_iommu_driver *const *drivers,
					  const struct dma_iommu_desc *desc,
					  struct dma_iommu **iommu);

/**
 * dma_iommu_close() - turn translation off (everything blocked) and free the IOMMU
 * @iommu: IOMMU without devices; NULL is ignored
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - gone
 * * %-EBUSY - devices or domains still refer to it
 */
DMA_API int dma_iommu_close(struct dma_iommu *iommu);

/**
 * struct dma_iommu_info - what an IOMMU can do, and what it did
 * @name: driver name
 * @granule_lg2: granule in use
 * @pgsize_bitmap: block and page sizes
 * @ias_bits: input address bits
 * @oas_bits: output address bits
 * @coherent_walk: its table walker snoops
 * @range_inval: range invalidation in use
 * @nr_invalidations: invalidation batches that were waited for
 * @nr_commands: commands given to the hardware
 * @nr_command_errors: command errors recovered from
 * @table_bytes: table memory in use, root included
 * @cached_table_bytes: of these, tables kept although empty, and tables in the pool
 * @nr_flushes: batches of deferred invalidation
 * @queued_bytes: IOVA unmapped and still reachable until the next flush (rules.md FQ-2)
 * @unconfirmed_bytes: IOVA out of use because the hardware did not confirm an invalidation
 */
struct dma_iommu_info {
	const char *name;
	uint32_t granule_lg2;
	uint64_t pgsize_bitmap;
	uint32_t ias_bits;
	uint32_t oas_bits;
	bool coherent_walk;
	bool range_inval;
	uint64_t nr_invalidations;
	uint64_t nr_commands;
	uint64_t nr_command_errors;
	uint64_t table_bytes;
	uint64_t cached_table_bytes;
	uint64_t nr_flushes;
	uint64_t queued_bytes;
	uint64_t unconfirmed_bytes;
};

/**
 * dma_iommu_get_info() - what an IOMMU can do, and what it did
 * @iommu: the IOMMU
 * @info: filled in; @info->name is valid as long as @iommu
 *
 * Context: sleeping; the counts are a snapshot
 */
DMA_API void dma_iommu_get_info(struct dma_iommu *iommu, struct dma_iommu_info *info);

/**
 * dma_domain_alloc() - make a domain
 * @iommu: the IOMMU whose devices will attach
 * @type: any of enum dma_domain_type
 * @dom: the domain; untouched on error
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - the caller owns @dom until dma_domain_free()
 * * %-EINVAL - no such type, or a direct region of the firmware's does not fit the aperture
 * * %-ENOMEM - no memory
 * * %-ENOSPC - the hardware has no domain id left
 */
DMA_API DMA_MUST_CHECK int dma_domain_alloc(struct dma_iommu *iommu, enum dma_domain_type type,
					    struct dma_domain **dom);

/**
 * dma_domain_free() - free a domain and what it maps
 * @dom: domain of dma_domain_alloc() without devices; NULL is ignored
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - gone
 * * %-EBUSY - devices are attached, quarantine holds it, or the library made it for a group
 */
DMA_API int dma_domain_free(struct dma_domain *dom);

/**
 * dma_domain_attach() - move a device's whole group to a domain
 * @dom: the domain
 * @dev: any device of the group
 *
 * Live mappings of the domain they leave go to quarantine until dma_device_quiesced(), as do
 * buffers allocated in an identity domain if that is left for the blocked one; else they have to
 * be freed first. On failure the old attachment stays (rules.md IOM-05).
 *
 * Context: sleeping; no other call on the group's devices may run
 *
 * Return:
 * * %0 - attached
 * * %-EINVAL - @dom belongs to another IOMMU or does not suit the device
 * * %-ENOMEM - no memory
 * * %-EBUSY - quarantine of an earlier detach is still held, or buffers as above are allocated
 * * %-EIO, %-ETIMEDOUT - the hardware did not confirm
 */
DMA_API DMA_MUST_CHECK int dma_domain_attach(struct dma_domain *dom, struct dma_device *dev);

/**
 * dma_domain_detach() - block a device's group
 * @dev: any device of the group
 *
 * The group is left in a blocked domain, so this never lets a device through.
 *
 * Context: sleeping; no other call on the group's devices may run
 *
 * Return: as dma_domain_attach()
 */
DMA_API int dma_domain_detach(struct dma_device *dev);

/**
 * dma_domain_map() - map a run in an unmanaged domain
 * @dom: unmanaged domain
 * @iova: first IOVA; a multiple of the granule
 * @phys: first byte of memory; a multiple of the granule
 * @len: bytes; a multiple of the granule, not 0
 * @prot: DMA_PROT_*
 *
 * Context: any; takes no lock unless tables are missing
 *
 * Return:
 * * %0 - every byte of the range is mapped
 * * %-EINVAL - not a multiple of the granule, outside the aperture, @prot without READ and WRITE or
 *   with unknown bits, or the domain is managed
 * * %-EEXIST - part of the range is mapped already, or reserved
 * * %-ENOMEM - rules no_table, no_slot
 * * %-EIO, %-ETIMEDOUT - an empty table was in the way of a block, and its invalidation was not
 *   confirmed; nothing is mapped
 */
DMA_API DMA_MUST_CHECK int dma_domain_map(struct dma_domain *dom, uint64_t iova, phys_addr_t phys,
					  uint64_t len, uint32_t prot);

/**
 * dma_domain_unmap() - unmap a run in an unmanaged domain, invalidated on return
 * @dom: unmanaged domain
 * @iova: first IOVA
 * @len: bytes
 *
 * Context: any
 *
 * Return:
 * * %0 - nothing in the range is reachable any more
 * * %-EINVAL - as dma_domain_map(), or the range would split a block
 * * %-ENOENT - part of the range is not mapped, or reserved; nothing was changed
 * * %-ENOMEM - rule no_slot; nothing was changed
 * * %-EIO, %-ETIMEDOUT - entries are gone but the hardware did not confirm the invalidation
 */
DMA_API int dma_domain_unmap(struct dma_domain *dom, uint64_t iova, uint64_t len);

/**
 * dma_domain_iova_to_phys() - look an IOVA up in the page table
 * @dom: domain
 * @iova: any address in bytes
 *
 * Context: any; takes no lock; never sleeps. What is mapped at @iova stays so meanwhile, or no
 * other context uses @dom: else the tables on the way may go
 *
 * Return: phys behind @iova; DMA_MAPPING_ERROR when nothing is mapped there
 */
DMA_API phys_addr_t dma_domain_iova_to_phys(struct dma_domain *dom, uint64_t iova);

/**
 * dma_domain_set_deferred() - choose strict or deferred invalidation
 * @dom: DMA domain, in use or not
 * @deferred: true: unmaps are invalidated in batches; false: at once
 *
 * Switching to strict flushes what is queued before it returns.
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - in force
 * * %-EINVAL - not a DMA domain
 * * %-EIO, %-ETIMEDOUT - the flush was not confirmed; stays deferred
 */
DMA_API int dma_domain_set_deferred(struct dma_domain *dom, bool deferred);

/**
 * dma_iommu_map_msi() - make an MSI doorbell reachable for a device
 * @dev: device behind an IOMMU
 * @doorbell: phys of the doorbell register
 * @iova: address to put into the MSI message; equals @doorbell without translation
 *
 * Each doorbell page is mapped once per domain (rules.md IOM-13) and stays until the domain is
 * freed.
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - @iova is reachable
 * * %-ENOMEM - no tables or no IOVA
 */
DMA_API DMA_MUST_CHECK int dma_iommu_map_msi(struct dma_device *dev, phys_addr_t doorbell,
					     uint64_t *iova);

#ifdef __cplusplus
}
#endif
#endif
