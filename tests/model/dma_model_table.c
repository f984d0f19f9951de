/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ops table as a user would write it: an IOVA space of its own over an unmanaged domain, on
 * public headers. The coherent one has the two required members only; the other one maintains
 * caches itself and takes registers, too. Everything else is the library's default.
 */
#include "tests/model/dma_model.h"

#define IOVA_FIRST 0x10000000ull
#define IOVA_END 0x40000000ull

/* First fit from where the last search ended, by trying. */
static dma_addr_t table_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir, unsigned long attrs,
			    enum dma_origin origin)
{
	struct model_dev *d = dma_device_get_ops_priv(dev);
	uint64_t off = phys & (model.granule - 1);
	uint64_t len = (off + size + model.granule - 1) & ~(model.granule - 1);
	uint32_t prot = DMA_PROT_READ;

	(void)origin;
	if (dir != DMA_TO_DEVICE)
		prot |= DMA_PROT_WRITE;
	if ((attrs & DMA_ATTR_MMIO) != 0)
		prot |= DMA_PROT_MMIO;
	else if (d->coherent)
		prot |= DMA_PROT_CACHE;
	for (;;) {
		uint64_t iova = d->next_iova;

		d->next_iova = iova + len + model.granule;
		if (d->next_iova > IOVA_END) {
			d->next_iova = IOVA_FIRST;
			continue;
		}
		if (oracle_is_mapped(d, iova) || oracle_is_mapped(d, iova + len - 1))
			continue;
		if (dma_domain_map(d->own, iova, phys - off, len, prot) == 0)
			return iova + off;
		model.nr_errors++; /* this record is not the caller's */
	}
}

static void table_unmap(struct dma_device *dev, dma_addr_t addr, size_t size,
			enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	struct model_dev *d = dma_device_get_ops_priv(dev);
	uint64_t off = addr & (model.granule - 1);
	uint64_t len = (off + size + model.granule - 1) & ~(model.granule - 1);

	(void)dir;
	(void)attrs;
	(void)origin;
	(void)dma_domain_unmap(d->own, addr - off, len);
}

static dma_addr_t table_map_nc(struct dma_device *dev, phys_addr_t phys, size_t size,
			       enum dma_data_direction dir, unsigned long attrs,
			       enum dma_origin origin)
{
	struct dma_platform *p = dma_device_platform(dev);

	if ((attrs & (DMA_ATTR_MMIO | DMA_ATTR_SKIP_CPU_SYNC)) == 0)
		p->cache_clean(p, phys, size);
	return table_map(dev, phys, size, dir, attrs, origin);
}

static void table_unmap_nc(struct dma_device *dev, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	struct model_dev *d = dma_device_get_ops_priv(dev);
	struct dma_platform *p = dma_device_platform(dev);
	phys_addr_t phys = dma_domain_iova_to_phys(d->own, addr);

	table_unmap(dev, addr, size, dir, attrs, origin);
	if (phys != DMA_MAPPING_ERROR && dir != DMA_TO_DEVICE &&
	    (attrs & (DMA_ATTR_MMIO | DMA_ATTR_SKIP_CPU_SYNC)) == 0)
		p->cache_inv(p, phys, size);
}

/* A range that was mapped at once is contiguous in memory. */
static void table_sync_for_cpu(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
			       size_t size, enum dma_data_direction dir)
{
	struct model_dev *d = dma_device_get_ops_priv(dev);
	struct dma_platform *p = dma_device_platform(dev);

	if (phys == DMA_PHYS_UNKNOWN)
		phys = dma_domain_iova_to_phys(d->own, addr);
	if (dir != DMA_TO_DEVICE && phys != DMA_MAPPING_ERROR)
		p->cache_inv(p, phys, size);
}

static void table_sync_for_device(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				  size_t size, enum dma_data_direction dir)
{
	struct model_dev *d = dma_device_get_ops_priv(dev);
	struct dma_platform *p = dma_device_platform(dev);

	(void)dir;
	if (phys == DMA_PHYS_UNKNOWN)
		phys = dma_domain_iova_to_phys(d->own, addr);
	if (phys != DMA_MAPPING_ERROR)
		p->cache_clean(p, phys, size);
}

static void table_query_attrs(struct dma_device *dev, struct dma_attr_info *info)
{
	(void)dev;
	info->honoured = DMA_ATTR_MMIO | DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_KERNEL_MAPPING |
			 DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NON_COHERENT | DMA_ATTR_SKIP_CPU_SYNC |
			 DMA_ATTR_NO_WARN;
	info->refused = DMA_ATTR_CONTRACTS & ~info->honoured;
	info->ignored = DMA_ATTR_HINTS & ~info->honoured;
}

const struct dma_map_ops model_ops_coherent = {
	.size = sizeof(struct dma_map_ops),
	.map_phys = table_map,
	.unmap_phys = table_unmap,
};

const struct dma_map_ops model_ops_noncoherent = {
	.size = sizeof(struct dma_map_ops),
	.map_phys = table_map_nc,
	.unmap_phys = table_unmap_nc,
	.sync_for_cpu = table_sync_for_cpu,
	.sync_for_device = table_sync_for_device,
	.query_attrs = table_query_attrs,
};
