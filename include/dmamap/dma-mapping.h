/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA API for drivers: memory for devices (alloc), memory lent to devices (map, sync,
 * unmap), and what a device can reach (masks, limits). Names, arguments and return values are
 * Linux's, with struct dma_device in the place of struct device; after any failure
 * dma_last_error() (fault.h) names the rule. Implementers of an ops table include dma-map-ops.h
 * instead.
 */
#ifndef DMAMAP_DMA_MAPPING_H
#define DMAMAP_DMA_MAPPING_H

#include <dmamap/device.h>
#include <dmamap/dma-limits.h>
#include <dmamap/dma-map-ops.h>
#include <dmamap/fault.h>
#include <dmamap/scatterlist.h>
#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pages are encoded pointers, never dereferenced: phys >> 12, whatever the CPU's page is. */
static inline struct page *dma_page_of_phys(phys_addr_t phys)
{
	return (struct page *)(uintptr_t)(phys >> 12);
}

static inline phys_addr_t dma_page_to_phys(const struct page *page)
{
	return (phys_addr_t)(uintptr_t)page << 12;
}

/* For structures that remember what to unmap (API-28); the members always exist here. */
#define DEFINE_DMA_UNMAP_ADDR(name) dma_addr_t name
#define DEFINE_DMA_UNMAP_LEN(name) uint32_t name
#define dma_unmap_addr(ptr, name) ((ptr)->name)
#define dma_unmap_addr_set(ptr, name, val) ((ptr)->name = (val))
#define dma_unmap_len(ptr, name) ((ptr)->name)
#define dma_unmap_len_set(ptr, name, val) ((ptr)->name = (val))

/*
 * Streaming: one range
 */

/**
 * dma_map_phys() - give a range of memory to a device
 * @dev: device that will access it
 * @phys: first byte
 * @size: bytes, not 0; need not be a multiple of anything on a coherent device
 * @dir: who writes; DMA_TO_DEVICE makes the memory read-only for a device behind an IOMMU
 * @attrs: DMA_ATTR_*; with DMA_ATTR_MMIO @phys is registers, without it is RAM
 *
 * The primitive on which page, single and resource stand. On a non-coherent device dirty
 * cache lines of the range are written to memory, unless @attrs has DMA_ATTR_SKIP_CPU_SYNC.
 *
 * - Owner: on success the device owns the bytes until dma_unmap_phys() or dma_sync_single_for_cpu()
 * - Source: rules.md API-02, 2.4, 2.5
 *
 * Context: any; takes no lock unless IOVA or tables have run out; never sleeps
 *
 * Return: the DMA address; or DMA_MAPPING_ERROR with nothing changed and one of these rules
 * recorded:
 * * direction, length, overflow - arguments
 * * not_ram, is_ram - @phys is not RAM of the platform; it is, and @attrs has DMA_ATTR_MMIO
 * * attr - a contract that cannot be honoured: DMA_ATTR_REQUIRE_COHERENT on a non-coherent device,
 *   DMA_ATTR_CC_SHARED
 * * mask, no_range - without IOMMU: beyond mask or bus limit, or in no window of the device
 * * cache_line - the device writes and an end of the range shares a cache line it does not snoop
 * * no_iova, no_table, no_meta, granule, hardware - behind an IOMMU
 * * unsupported - the platform's phys are names and the device has no IOMMU
 */
DMA_API DMA_MUST_CHECK dma_addr_t dma_map_phys(struct dma_device *dev, phys_addr_t phys,
					       size_t size, enum dma_data_direction dir,
					       unsigned long attrs);

/**
 * dma_unmap_phys() - take a range back
 * @dev: as at map
 * @addr: what dma_map_phys() returned
 * @size: as at map
 * @dir: as at map
 * @attrs: as at map; DMA_ATTR_SKIP_CPU_SYNC may differ
 *
 * When it returns the device cannot reach the bytes any more; with deferred invalidation it may
 * until the flush, but the IOVA is not used again before. Bad arguments are recorded and change
 * nothing.
 *
 * - Source: rules.md API-02
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
			    enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_map_page_attrs() - dma_map_phys() for a page and an offset
 * @dev: device
 * @page: encoded page, see dma_page_of_phys()
 * @offset: bytes from the start of the page to the range; may exceed a page
 * @size: bytes, not 0
 * @dir: direction
 * @attrs: DMA_ATTR_*, not DMA_ATTR_MMIO
 *
 * - Source: rules.md API-01
 *
 * Context: as dma_map_phys()
 *
 * Return: as dma_map_phys()
 */
DMA_API DMA_MUST_CHECK dma_addr_t dma_map_page_attrs(struct dma_device *dev, struct page *page,
						     size_t offset, size_t size,
						     enum dma_data_direction dir,
						     unsigned long attrs);

/**
 * dma_unmap_page_attrs() - take back what dma_map_page_attrs() gave
 * @dev: device
 * @addr: what the map returned
 * @size: as at map, in bytes
 * @dir: as at map
 * @attrs: as at map
 *
 * As dma_unmap_phys().
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_page_attrs(struct dma_device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_map_single_attrs() - dma_map_phys() for ordinary memory of the driver's side
 * @dev: device
 * @cpu_addr: first byte; not on the stack, not of a CPU mapping made by dma_alloc_attrs()
 * @size: bytes, not 0; all of them physically contiguous
 * @dir: direction
 * @attrs: DMA_ATTR_*, not DMA_ATTR_MMIO
 *
 * - Source: rules.md API-03
 *
 * Context: as dma_map_phys()
 *
 * Return: as dma_map_phys(); besides rule not_linear - @cpu_addr has no fixed physical address,
 * or the range is not contiguous
 */
DMA_API DMA_MUST_CHECK dma_addr_t dma_map_single_attrs(struct dma_device *dev, void *cpu_addr,
						       size_t size, enum dma_data_direction dir,
						       unsigned long attrs);

/**
 * dma_unmap_single_attrs() - take back what dma_map_single_attrs() gave
 * @dev: device
 * @addr: what the map returned
 * @size: as at map, in bytes
 * @dir: as at map
 * @attrs: as at map
 *
 * As dma_unmap_phys().
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_single_attrs(struct dma_device *dev, dma_addr_t addr, size_t size,
				    enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_map_resource() - let a device reach registers or memory of another device
 * @dev: device
 * @phys: first byte, not RAM
 * @size: bytes, not 0
 * @dir: direction
 * @attrs: DMA_ATTR_*; DMA_ATTR_MMIO is implied
 *
 * - Source: rules.md API-06, ATT-10
 *
 * Context: as dma_map_phys()
 *
 * Return: as dma_map_phys()
 */
DMA_API DMA_MUST_CHECK dma_addr_t dma_map_resource(struct dma_device *dev, phys_addr_t phys,
						   size_t size, enum dma_data_direction dir,
						   unsigned long attrs);

/**
 * dma_unmap_resource() - take back what dma_map_resource() gave
 * @dev: device
 * @addr: what the map returned
 * @size: as at map, in bytes
 * @dir: as at map
 * @attrs: as at map
 *
 * As dma_unmap_phys().
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_resource(struct dma_device *dev, dma_addr_t addr, size_t size,
				enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_mapping_error() - did a map fail?
 * @dev: device of the map
 * @addr: what it returned
 *
 * - Source: rules.md API-07
 *
 * Context: any
 *
 * Return:
 * * %0 - no
 * * %-ENOMEM - yes, whatever the reason; dma_last_error() has it
 */
DMA_API DMA_MUST_CHECK int dma_mapping_error(struct dma_device *dev, dma_addr_t addr);

/* Attribute 0 forms (API-01, API-03). */
static inline DMA_MUST_CHECK dma_addr_t dma_map_page(struct dma_device *dev, struct page *page,
						     size_t offset, size_t size,
						     enum dma_data_direction dir)
{
	return dma_map_page_attrs(dev, page, offset, size, dir, 0);
}

static inline void dma_unmap_page(struct dma_device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir)
{
	dma_unmap_page_attrs(dev, addr, size, dir, 0);
}

static inline DMA_MUST_CHECK dma_addr_t dma_map_single(struct dma_device *dev, void *cpu_addr,
						       size_t size, enum dma_data_direction dir)
{
	return dma_map_single_attrs(dev, cpu_addr, size, dir, 0);
}

static inline void dma_unmap_single(struct dma_device *dev, dma_addr_t addr, size_t size,
				    enum dma_data_direction dir)
{
	dma_unmap_single_attrs(dev, addr, size, dir, 0);
}

/*
 * Streaming: scatterlists
 */

/**
 * dma_map_sg_attrs() - give a list of memory to a device
 * @dev: device
 * @sgl: list of @nents entries of memory, not mapped already
 * @nents: entries, at least 1
 * @dir: direction
 * @attrs: DMA_ATTR_*
 *
 * Behind an IOMMU the whole list lies in one IOVA range, and entries are merged as far as the
 * device's segment size and boundary allow. Iterate over the returned number of segments with
 * sg_dma_address() and sg_dma_len(); unmap and sync with @nents.
 *
 * - Owner: on success the device owns the memory until dma_unmap_sg() or dma_sync_sg_for_cpu()
 * - Source: rules.md API-04, 2.4
 *
 * Context: as dma_map_phys()
 *
 * Return: number of DMA segments, at least 1. Or 0 with the memory of every entry as it was and a
 * rule recorded: nents (less than 1, or the list ends early), or as dma_map_phys(); dma_address is
 * DMA_MAPPING_ERROR then, unless an argument other than the list was refused
 */
DMA_API DMA_MUST_CHECK unsigned int dma_map_sg_attrs(struct dma_device *dev,
						     struct scatterlist *sgl, int nents,
						     enum dma_data_direction dir,
						     unsigned long attrs);

/**
 * dma_unmap_sg_attrs() - take a list back
 * @dev: as at map
 * @sgl: as at map
 * @nents: as at map; not what the map returned
 * @dir: as at map
 * @attrs: as at map; DMA_ATTR_SKIP_CPU_SYNC may differ
 *
 * - Source: rules.md API-04
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_sg_attrs(struct dma_device *dev, struct scatterlist *sgl, int nents,
				enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_map_sgtable() - dma_map_sg() for a table, with an errno
 * @dev: device
 * @sgt: table; @sgt->orig_nents entries of memory. On success @sgt->nents segments hold DMA
 *	addresses; @sgt->nents is unchanged on every error
 * @dir: direction
 * @attrs: DMA_ATTR_*
 *
 * - Owner: on success the device owns the memory until dma_unmap_sgtable()
 * - Source: rules.md API-05
 *
 * Context: as dma_map_phys()
 *
 * Return:
 * * %0 - mapped
 * * %-EINVAL - an argument or an entry breaks a rule; do not retry
 * * %-ENOMEM - no IOVA, tables or metadata; may be retried
 * * %-EIO - any other reason
 * * %-EREMOTEIO - peer-to-peer memory that this device cannot reach
 */
DMA_API DMA_MUST_CHECK int dma_map_sgtable(struct dma_device *dev, struct sg_table *sgt,
					   enum dma_data_direction dir, unsigned long attrs);

/**
 * dma_unmap_sgtable() - take back what dma_map_sgtable() gave
 * @dev: device
 * @sgt: table that is mapped
 * @dir: as at map
 * @attrs: as at map
 *
 * As dma_unmap_sg_attrs() with @sgt->orig_nents.
 *
 * - Source: rules.md API-05
 *
 * Context: any; never sleeps
 */
DMA_API void dma_unmap_sgtable(struct dma_device *dev, struct sg_table *sgt,
			       enum dma_data_direction dir, unsigned long attrs);

/* Attribute 0 forms (API-04). */
static inline DMA_MUST_CHECK unsigned int
dma_map_sg(struct dma_device *dev, struct scatterlist *sgl, int nents, enum dma_data_direction dir)
{
	return dma_map_sg_attrs(dev, sgl, nents, dir, 0);
}

static inline void dma_unmap_sg(struct dma_device *dev, struct scatterlist *sgl, int nents,
				enum dma_data_direction dir)
{
	dma_unmap_sg_attrs(dev, sgl, nents, dir, 0);
}

/*
 * Streaming: who may touch the bytes now
 */

/**
 * dma_sync_single_for_cpu() - let the CPU see what the device wrote, without unmapping
 * @dev: device
 * @addr: DMA address inside a live mapping
 * @size: bytes, not 0; may be part of the mapping
 * @dir: direction of the mapping
 *
 * - Owner: the CPU, until dma_sync_single_for_device()
 * - Source: rules.md API-15, 2.5
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_single_for_cpu(struct dma_device *dev, dma_addr_t addr, size_t size,
				     enum dma_data_direction dir);

/**
 * dma_sync_single_for_device() - let the device see what the CPU wrote
 * @dev: device
 * @addr: DMA address inside a live mapping
 * @size: bytes, not 0; may be part of the mapping
 * @dir: direction of the mapping
 *
 * - Owner: the device
 * - Source: rules.md API-15, 2.5
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_single_for_device(struct dma_device *dev, dma_addr_t addr, size_t size,
					enum dma_data_direction dir);

/**
 * dma_sync_sg_for_cpu() - dma_sync_single_for_cpu() for a whole mapped list
 * @dev: device
 * @sgl: as at map
 * @nents: as at map; not what the map returned
 * @dir: as at map
 *
 * - Source: rules.md API-15
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_sg_for_cpu(struct dma_device *dev, struct scatterlist *sgl, int nents,
				 enum dma_data_direction dir);

/**
 * dma_sync_sg_for_device() - dma_sync_single_for_device() for a whole mapped list
 * @dev: device
 * @sgl: as at map
 * @nents: as at map; not what the map returned
 * @dir: as at map
 *
 * - Source: rules.md API-15
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_sg_for_device(struct dma_device *dev, struct scatterlist *sgl, int nents,
				    enum dma_data_direction dir);

/* Sub-range and table forms (API-15). */
static inline void dma_sync_single_range_for_cpu(struct dma_device *dev, dma_addr_t addr,
						 unsigned long offset, size_t size,
						 enum dma_data_direction dir)
{
	dma_sync_single_for_cpu(dev, addr + offset, size, dir);
}

static inline void dma_sync_single_range_for_device(struct dma_device *dev, dma_addr_t addr,
						    unsigned long offset, size_t size,
						    enum dma_data_direction dir)
{
	dma_sync_single_for_device(dev, addr + offset, size, dir);
}

static inline void dma_sync_sgtable_for_cpu(struct dma_device *dev, struct sg_table *sgt,
					    enum dma_data_direction dir)
{
	dma_sync_sg_for_cpu(dev, sgt->sgl, (int)sgt->orig_nents, dir);
}

static inline void dma_sync_sgtable_for_device(struct dma_device *dev, struct sg_table *sgt,
					       enum dma_data_direction dir)
{
	dma_sync_sg_for_device(dev, sgt->sgl, (int)sgt->orig_nents, dir);
}

/**
 * dma_need_sync() - do the sync functions do anything for a mapping?
 * @dev: device
 * @addr: DMA address of the mapping
 *
 * - Source: rules.md API-16
 *
 * Context: any
 *
 * Return: false only if every sync of @addr is a no-op
 */
DMA_API bool dma_need_sync(struct dma_device *dev, dma_addr_t addr);

/**
 * dma_dev_need_sync() - dma_need_sync() for any address
 * @dev: device
 *
 * - Source: rules.md API-16
 *
 * Context: any
 *
 * Return: false only if every sync on @dev is a no-op
 */
DMA_API bool dma_dev_need_sync(const struct dma_device *dev);

/**
 * dma_need_unmap() - does unmap do anything on a device?
 * @dev: device
 *
 * - Source: rules.md API-17
 *
 * Context: any
 *
 * Return: false only if unmap is a no-op, so that a driver need not remember addresses
 */
DMA_API bool dma_need_unmap(struct dma_device *dev);

/*
 * User memory (ours)
 */

/* One mapping of user memory; made by dma_map_user(), freed by dma_unmap_user(). */
struct dma_user_map;

/**
 * dma_map_user() - pin memory of a user program and give it to a device
 * @dev: device
 * @as: address space the memory is mapped in
 * @uaddr: first byte, at any offset inside its page
 * @len: bytes, not 0
 * @dir: direction; the memory is pinned for writing unless DMA_TO_DEVICE
 * @attrs: DMA_ATTR_*; with DMA_ATTR_MMIO all of it must be MMIO, without none of it
 * @map: the mapping; untouched on error
 *
 * The offset inside the first page is kept. Behind an IOMMU the memory is one range of DMA
 * addresses, however scattered it is; RAM that nobody can count (a carve-out mapped by a
 * program) is taken too, if the platform can keep it alive.
 *
 * - Owner: on success the device owns the bytes until dma_unmap_user() or dma_sync_user_for_cpu()
 * - Source: rules.md SEED-19, SEED-20, SEED-23
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - mapped
 * * %-EINVAL - rules length, overflow, direction, attr, granule, cache_line, mask, no_range;
 *   is_ram and not_ram when DMA_ATTR_MMIO and the memory do not go together
 * * %-EFAULT - rule not_mapped: not all of it is mapped, or not writable and the device writes
 * * %-EOPNOTSUPP - rule not_pinnable: memory that cannot be kept in place
 * * %-ENOMEM - rules locked_memory (the program's limit), no_meta, no_iova, no_table
 * * %-EIO, %-EREMOTEIO - as dma_map_sgtable()
 */
DMA_API DMA_MUST_CHECK int dma_map_user(struct dma_device *dev, struct dma_as *as, uint64_t uaddr,
					uint64_t len, enum dma_data_direction dir,
					unsigned long attrs, struct dma_user_map **map);

/**
 * dma_unmap_user() - take user memory back and unpin it
 * @map: the mapping; NULL is ignored
 *
 * The pages are marked dirty when the device may have written.
 *
 * Context: sleeping
 */
DMA_API void dma_unmap_user(struct dma_user_map *map);

/**
 * dma_user_map_addr() - DMA address of the first byte of a user mapping
 * @map: the mapping
 *
 * Context: any
 *
 * Return: the address; further segments are in dma_user_map_sgtable()
 */
DMA_API dma_addr_t dma_user_map_addr(const struct dma_user_map *map);

/**
 * dma_user_map_sgtable() - segments and runs of a user mapping
 * @map: the mapping, which keeps owning the table
 *
 * Context: any
 *
 * Return: nents DMA segments, orig_nents runs of memory; read only, valid until dma_unmap_user()
 */
DMA_API const struct sg_table *dma_user_map_sgtable(const struct dma_user_map *map);

/**
 * dma_sync_user_for_cpu() - dma_sync_sg_for_cpu() for all of a user mapping
 * @map: the mapping
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_user_for_cpu(struct dma_user_map *map);

/**
 * dma_sync_user_for_device() - dma_sync_sg_for_device() for all of a user mapping
 * @map: the mapping
 *
 * Context: any; never sleeps
 */
DMA_API void dma_sync_user_for_device(struct dma_user_map *map);

/*
 * Allocation
 */

/**
 * dma_alloc_attrs() - memory for the CPU and a device
 * @dev: device
 * @size: bytes, not 0; rounded up to CPU pages (and to the IOMMU's granule)
 * @dma_addr: DMA address of the first byte; untouched on error
 * @gfp: GFP_KERNEL, or GFP_ATOMIC where the caller must not sleep; __GFP_NOWARN as DMA_ATTR_NO_WARN
 * @attrs: DMA_ATTR_*; none: coherent memory that both sides may touch at any time
 *
 * The memory is zeroed. The DMA address is aligned to the smallest power of two that is at least
 * @size and a page, and one contiguous range. The CPU address is page-aligned. Behind an IOMMU
 * the memory may be scattered, unless DMA_ATTR_FORCE_CONTIGUOUS.
 *
 * DMA_ATTR_NO_KERNEL_MAPPING: the memory gets no CPU mapping; what is returned is a cookie for
 * free, mmap and get_sgtable, and faults when dereferenced. DMA_ATTR_NON_COHERENT: cacheable
 * memory that follows the streaming rules; it starts in the CPU's hands.
 *
 * - Owner: the caller, until dma_free_attrs()
 * - Source: rules.md API-08, 2.3, 2.6, SEED-04 to SEED-10
 *
 * Context: any with GFP_ATOMIC, else sleeping
 *
 * Return: the CPU address or cookie; or NULL with a rule recorded: length, attr (a contract that
 * cannot be honoured), mask, no_range, no_memory, no_iova, no_table, no_meta, unsupported, hardware
 */
DMA_API DMA_MUST_CHECK void *dma_alloc_attrs(struct dma_device *dev, size_t size,
					     dma_addr_t *dma_addr, gfp_t gfp, unsigned long attrs);

/**
 * dma_free_attrs() - give memory of dma_alloc_attrs() back
 * @dev: as at alloc
 * @size: as at alloc
 * @cpu_addr: what dma_alloc_attrs() returned; NULL is ignored
 * @dma_addr: DMA address of the first byte
 * @attrs: as at alloc
 *
 * - Source: rules.md API-08
 *
 * Context: sleeping; not with interrupts off
 */
DMA_API void dma_free_attrs(struct dma_device *dev, size_t size, void *cpu_addr,
			    dma_addr_t dma_addr, unsigned long attrs);

/**
 * dma_mmap_attrs() - map memory of dma_alloc_attrs() into another address space
 * @dev: as at alloc
 * @vma: where, and which part: @vma->pgoff CPU pages into the buffer. @vma->memtype is filled in
 * @cpu_addr: what dma_alloc_attrs() returned
 * @dma_addr: DMA address of the first byte
 * @size: as at alloc
 * @attrs: as at alloc
 *
 * The new mapping has the memory type of the first one.
 *
 * - Source: rules.md API-11, SEED-16
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - mapped
 * * %-ENXIO - rule offset: the part lies outside the buffer or is empty; or unsupported
 * * %-EINVAL - rules align (addresses are not page-aligned), not_mapped (@dma_addr is no buffer)
 * * %-EEXIST - rule overlap: something is mapped there
 * * %-ENOMEM - rule no_meta
 */
DMA_API int dma_mmap_attrs(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
			   dma_addr_t dma_addr, size_t size, unsigned long attrs);

/**
 * dma_can_mmap() - can buffers of this device be mapped into another address space?
 * @dev: device
 *
 * - Source: rules.md API-11
 *
 * Context: any
 *
 * Return: true if dma_mmap_attrs() may succeed
 */
DMA_API bool dma_can_mmap(struct dma_device *dev);

/**
 * dma_get_sgtable_attrs() - describe memory of dma_alloc_attrs() as a scatterlist
 * @dev: as at alloc
 * @sgt: table; filled in, to be freed with sg_free_table(). Untouched on error
 * @cpu_addr: what dma_alloc_attrs() returned
 * @dma_addr: DMA address of the first byte
 * @size: as at alloc
 * @attrs: as at alloc
 *
 * For another device to map. Coherent memory needs no syncs: map it with DMA_ATTR_SKIP_CPU_SYNC.
 *
 * - Source: rules.md API-12
 *
 * Context: sleeping
 *
 * Return:
 * * %0 - filled in
 * * %-ENOMEM - rule no_meta
 * * %-EINVAL - rules length, not_mapped (@dma_addr is no buffer)
 * * %-ENXIO - rule unsupported: the ops table cannot
 */
DMA_API DMA_MUST_CHECK int dma_get_sgtable_attrs(struct dma_device *dev, struct sg_table *sgt,
						 void *cpu_addr, dma_addr_t dma_addr, size_t size,
						 unsigned long attrs);

/* The older names: front-ends of the one alloc, free, mmap (API-08, API-10, API-11, API-12). */
static inline DMA_MUST_CHECK void *dma_alloc_coherent(struct dma_device *dev, size_t size,
						      dma_addr_t *dma_addr, gfp_t gfp)
{
	return dma_alloc_attrs(dev, size, dma_addr, gfp, 0);
}

static inline void dma_free_coherent(struct dma_device *dev, size_t size, void *cpu_addr,
				     dma_addr_t dma_addr)
{
	dma_free_attrs(dev, size, cpu_addr, dma_addr, 0);
}

static inline int dma_mmap_coherent(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
				    dma_addr_t dma_addr, size_t size)
{
	return dma_mmap_attrs(dev, vma, cpu_addr, dma_addr, size, 0);
}

static inline DMA_MUST_CHECK void *dma_alloc_wc(struct dma_device *dev, size_t size,
						dma_addr_t *dma_addr, gfp_t gfp)
{
	return dma_alloc_attrs(dev, size, dma_addr, gfp, DMA_ATTR_WRITE_COMBINE);
}

static inline void dma_free_wc(struct dma_device *dev, size_t size, void *cpu_addr,
			       dma_addr_t dma_addr)
{
	dma_free_attrs(dev, size, cpu_addr, dma_addr, DMA_ATTR_WRITE_COMBINE);
}

static inline int dma_mmap_wc(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
			      dma_addr_t dma_addr, size_t size)
{
	return dma_mmap_attrs(dev, vma, cpu_addr, dma_addr, size, DMA_ATTR_WRITE_COMBINE);
}

static inline DMA_MUST_CHECK int dma_get_sgtable(struct dma_device *dev, struct sg_table *sgt,
						 void *cpu_addr, dma_addr_t dma_addr, size_t size)
{
	return dma_get_sgtable_attrs(dev, sgt, cpu_addr, dma_addr, size, 0);
}

/*
 * Housekeeping
 */

/**
 * dma_poll() - do the deferred work of a device
 * @dev: device
 *
 * Flushes deferred invalidations that have waited long enough. Needed only where nothing else maps
 * and unmaps; works without interrupts.
 *
 * Context: any but interrupt
 */
DMA_API void dma_poll(struct dma_device *dev);

/**
 * dma_trim() - give back what is kept as cache: empty tables, IOVA of idle contexts
 * @dev: device
 *
 * Context: sleeping
 */
DMA_API void dma_trim(struct dma_device *dev);

#ifdef __cplusplus
}
#endif
#endif
