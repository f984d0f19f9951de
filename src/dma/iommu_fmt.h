/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One page-table format's ops tables. The includer names the format and the table:
 *
 *	#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
 *	#define IOMMU_OPS iommu_vmsav8_4k_ops
 *	#include "dma/iommu_fmt.h"
 *
 * One table for devices that snoop, and one for those that do not.
 */
#include "pgtable/walk.h"

#include "dma/iommu_flat.h"

static dma_addr_t map_phys(struct dma_device *dev, phys_addr_t phys, size_t size,
			   enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	return iommu_map_phys(dev, phys, size, dir, attrs, origin, true);
}

static dma_addr_t map_phys_noncoherent(struct dma_device *dev, phys_addr_t phys, size_t size,
				       enum dma_data_direction dir, unsigned long attrs,
				       enum dma_origin origin)
{
	return iommu_map_phys(dev, phys, size, dir, attrs, origin, false);
}

static void unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
		       enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)origin;
	iommu_unmap_phys(dev, addr, size, dir, attrs, true);
}

static void unmap_phys_noncoherent(struct dma_device *dev, dma_addr_t addr, size_t size,
				   enum dma_data_direction dir, unsigned long attrs,
				   enum dma_origin origin)
{
	(void)origin;
	iommu_unmap_phys(dev, addr, size, dir, attrs, false);
}

static int map_sg(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		  enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	return iommu_flat_map(dev, sgl, nents, dir, attrs, origin);
}

static void unmap_sg(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		     enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)origin;
	iommu_flat_unmap(dev, sgl, nents, dir, attrs);
}

static void unmap_sg_noncoherent(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
				 enum dma_data_direction dir, unsigned long attrs,
				 enum dma_origin origin)
{
	(void)origin;
	iommu_unmap_sg(dev, sgl, nents, dir, attrs);
}

#define IOMMU_OPS_COMMON                                                                           \
	.size = sizeof(struct dma_map_ops), .alloc = iommu_alloc, .free = iommu_free,              \
	.mmap = iommu_mmap, .get_sgtable = iommu_get_sgtable, .sync_for_cpu = iommu_sync_for_cpu,  \
	.sync_for_device = iommu_sync_for_device, .limits = iommu_limits,                          \
	.query_attrs = iommu_query_attrs, .poll = iommu_poll, .trim = iommu_trim

const struct dma_map_ops IOMMU_OPS[2] = {
	{
		IOMMU_OPS_COMMON,
		.map_phys = map_phys,
		.unmap_phys = unmap_phys,
		.map_sg = map_sg,
		.unmap_sg = unmap_sg,
	},
	{
		IOMMU_OPS_COMMON,
		.map_phys = map_phys_noncoherent,
		.unmap_phys = unmap_phys_noncoherent,
		.map_sg = iommu_map_sg_slow,
		.unmap_sg = unmap_sg_noncoherent,
	},
};
