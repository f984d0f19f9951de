/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For implementers of an ops table; drivers that use the DMA API include dma-mapping.h only.
 */
#ifndef DMAMAP_DMA_MAP_OPS_H
#define DMAMAP_DMA_MAP_OPS_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which public call a mapping comes from; sanitizers tell wrong-function frees apart by it. */
enum dma_origin {
	DMA_ORIGIN_PHYS,
	DMA_ORIGIN_SINGLE,
	DMA_ORIGIN_PAGE,
	DMA_ORIGIN_SG,
	DMA_ORIGIN_RESOURCE,
	DMA_ORIGIN_USER,
	DMA_ORIGIN_COHERENT,
};

#define DMA_PHYS_UNKNOWN (~(phys_addr_t)0)

/**
 * struct dma_limits - what an ops table can do for a device
 * @max_mapping_size: bytes of the largest single mapping; SIZE_MAX: no limit
 * @opt_mapping_size: bytes up to which mapping is fastest
 * @merge_boundary: IOMMU granule - 1, or 0 when segments cannot be merged
 * @required_mask: smallest mask that reaches all memory
 * @need_unmap: false only if unmap is a no-op
 * @need_sync: false only if sync is a no-op
 */
struct dma_limits {
	size_t max_mapping_size;
	size_t opt_mapping_size;
	uint64_t merge_boundary;
	uint64_t required_mask;
	bool need_unmap;
	bool need_sync;
};

/**
 * struct dma_attr_info - which attributes mean something on a device
 * @honoured: DMA_ATTR_* bits that change what the call does
 * @ignored: hints that are accepted and have no effect
 * @refused: contracts with which a call fails
 */
struct dma_attr_info {
	unsigned long honoured;
	unsigned long ignored;
	unsigned long refused;
};

/**
 * struct dma_vma - stands for a user mapping that is being made
 * @as: address space
 * @start: first user address, page-aligned
 * @end: one past the last
 * @pgoff: offset into the buffer, in CPU pages
 * @memtype: filled in by mmap: memory type of the mapping (enum dma_memtype)
 */
struct dma_vma {
	struct dma_as *as;
	uint64_t start;
	uint64_t end;
	uint64_t pgoff;
	uint32_t memtype;
};

/**
 * struct dma_map_ops - how one device maps
 * @size: sizeof(struct dma_map_ops) of whoever filled it, so that it can grow
 * @alloc: memory, CPU mapping, DMA address; NULL on failure with a failure record
 * @free: undo
 * @mmap: map a buffer of @alloc into an address space; 0 or -errno
 * @get_sgtable: describe a buffer of @alloc as a table of its memory; 0 or -errno
 * @map_phys: map one range; DMA_MAPPING_ERROR with a failure record. Arguments were checked:
 *	@dir maps, @size is not 0, @phys + @size does not wrap
 * @unmap_phys: undo; arguments as at map
 * @map_sg: map @nents entries; the number of DMA segments, or -EINVAL, -ENOMEM, -EIO, -EREMOTEIO
 * @unmap_sg: undo; @nents as at map
 * @sync_for_cpu: give [@addr, @addr + @size) to the CPU; @phys is its memory, or DMA_PHYS_UNKNOWN
 * @sync_for_device: give it back to the device
 * @limits: fill the limits
 * @query_attrs: fill what is honoured
 * @checked: the driver called dma_mapping_error() on @addr
 * @poll: deferred work of this device
 * @trim: give cached memory back (empty tables, IOVA caches)
 *
 * Only @map_phys and @unmap_phys are required. dma_device_set_ops() copies the table and fills
 * absent members with working defaults or with stubs that record rule `unsupported`, so no
 * caller tests for NULL. Members are called with the caller's slot not entered.
 */
struct dma_map_ops {
	size_t size;
	void *(*alloc)(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
		       unsigned long attrs, enum dma_origin origin);
	void (*free)(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
		     unsigned long attrs, enum dma_origin origin);
	int (*mmap)(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
		    dma_addr_t dma_addr, size_t size, unsigned long attrs);
	int (*get_sgtable)(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
			   dma_addr_t dma_addr, size_t size, unsigned long attrs);
	dma_addr_t (*map_phys)(struct dma_device *dev, phys_addr_t phys, size_t size,
			       enum dma_data_direction dir, unsigned long attrs,
			       enum dma_origin origin);
	void (*unmap_phys)(struct dma_device *dev, dma_addr_t dma_addr, size_t size,
			   enum dma_data_direction dir, unsigned long attrs,
			   enum dma_origin origin);
	int (*map_sg)(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		      enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin);
	void (*unmap_sg)(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
			 enum dma_data_direction dir, unsigned long attrs,
			 enum dma_origin origin);
	void (*sync_for_cpu)(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
			     size_t size, enum dma_data_direction dir);
	void (*sync_for_device)(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				size_t size, enum dma_data_direction dir);
	void (*limits)(struct dma_device *dev, struct dma_limits *limits);
	void (*query_attrs)(struct dma_device *dev, struct dma_attr_info *info);
	void (*checked)(struct dma_device *dev, dma_addr_t addr);
	void (*poll)(struct dma_device *dev);
	void (*trim)(struct dma_device *dev);
};

/**
 * dma_device_set_ops() - give a device an ops table of its own
 * @dev: device without live mappings
 * @ops: table; copied, filled up with defaults. NULL: the library's choice again (direct, or
 *	the IOMMU variant of the device's domain)
 *
 * Context: sleeping; no other call on @dev may run
 *
 * Return:
 * * %0 - done
 * * %-EINVAL - @ops->size is unknown or a required member is absent
 * * %-EBUSY - @dev has live mappings
 */
DMA_API int dma_device_set_ops(struct dma_device *dev, const struct dma_map_ops *ops);

/**
 * dma_device_get_ops() - the table in force, to wrap it
 * @dev: device
 *
 * Context: any
 *
 * Return: pointer into @dev, valid until the next dma_device_set_ops()
 */
DMA_API const struct dma_map_ops *dma_device_get_ops(const struct dma_device *dev);

/**
 * dma_device_set_ops_priv() - state of a wrapping or user ops table, kept in the device
 * @dev: device
 * @priv: stored and never read by the library
 *
 * - Owner: the caller keeps @priv alive until it is replaced or @dev is destroyed
 *
 * Context: any; no other call on @dev may run
 */
DMA_API void dma_device_set_ops_priv(struct dma_device *dev, void *priv);

/**
 * dma_device_get_ops_priv() - what dma_device_set_ops_priv() stored
 * @dev: device
 *
 * Context: any
 *
 * Return: the pointer; NULL when none was stored
 */
DMA_API void *dma_device_get_ops_priv(const struct dma_device *dev);

#ifdef __cplusplus
}
#endif
#endif
