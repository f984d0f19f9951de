/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the IOMMU ops table share: planning of one range, failure records, the parts
 * that do not depend on the page-table format. Private to dma/iommu*.
 *
 * Lock: none; everything here is inside one call.
 */
#ifndef DMAMAP_DMA_IOMMU_OPS_H
#define DMAMAP_DMA_IOMMU_OPS_H

#include "dma/dma.h"
#include "dma/iommu.h"
#include "iommu/iommu.h"

/* Attributes that change what a map does here; the front refused what cannot be honoured. */
#define IOMMU_ATTRS_SPECIAL (DMA_ATTR_MMIO | DMA_ATTR_PRIVILEGED | DMA_ATTR_CC_SHARED)

/* Runs at least as long as this get an IOVA with the phase of their memory, so that blocks fit. */
#define IOMMU_PHASE_LG2 21u

static inline uint32_t iommu_prot(bool coherent, enum dma_data_direction dir, unsigned long attrs)
{
	uint32_t prot = dir == DMA_TO_DEVICE	 ? DMA_PROT_READ
			: dir == DMA_FROM_DEVICE ? DMA_PROT_WRITE
						 : DMA_PROT_READ | DMA_PROT_WRITE;

	if ((attrs & DMA_ATTR_MMIO) != 0)
		prot |= DMA_PROT_MMIO;
	else if (coherent)
		prot |= DMA_PROT_CACHE;
	if ((attrs & DMA_ATTR_PRIVILEGED) != 0)
		prot |= DMA_PROT_PRIV;
	return prot;
}

/* The failure record of a call, to be filled with rule, found and need. */
static inline struct dma_error iommu_error(struct dma_device *dev, enum dma_op op, uint64_t addr,
					   uint64_t len, enum dma_data_direction dir,
					   unsigned long attrs)
{
	return (struct dma_error){ .dev = dev,
				   .op = op,
				   .err = -EINVAL,
				   .addr = addr,
				   .len = len,
				   .dir = dir,
				   .attrs = attrs };
}

/* The slot and its state of the domain; NULL: recorded in @why. Leaves nothing entered then. */
struct domain_slot *iommu_enter(struct dma_domain *dom, struct dma_slot **slot,
				struct dma_error *why);

/* CPU caches for a range of IOVA (@phys unknown: translated page by page). */
void iommu_sync_for_cpu(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			enum dma_data_direction dir);
void iommu_sync_for_device(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			   enum dma_data_direction dir);

/* CPU caches for the memory of a list. */
void iommu_sg_clean(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents);
void iommu_sg_inv(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents);

/* What a map does to caches on a device that does not snoop. */
static inline bool iommu_cleans(unsigned long attrs)
{
	return (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) == 0;
}

static inline bool iommu_invalidates(enum dma_data_direction dir, unsigned long attrs)
{
	return dma_dir_writes(dir) && iommu_cleans(attrs);
}

/* Record that an unmap was not confirmed by the hardware (@err); its IOVA is out of use. */
void iommu_not_confirmed(struct dma_device *dev, dma_addr_t addr, uint64_t len,
			 enum dma_data_direction dir, int err);

/* Fills @why with rule cache_line for the end that is shared; returns -EINVAL. */
int iommu_line_shared(struct dma_device *dev, phys_addr_t phys, uint64_t size,
		      struct dma_error *why);

/*
 * IOVA for [@phys, @phys + @len) at offset @pos of the range, with its phase where that lets large
 * entries fit, and without where that fails. Inside @slot; see domain_iova_alloc().
 */
DMA_MUST_CHECK int iommu_iova_phased(struct dma_domain *dom, struct dma_slot *slot,
				     struct domain_slot *ds, struct iova_req *req, phys_addr_t phys,
				     uint64_t len, uint64_t pos, struct iova_entry *e,
				     struct dma_error *why);

/* alloc.c of this table; the same for all formats. */
void *iommu_alloc(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
		  unsigned long attrs, enum dma_origin origin);
void iommu_free(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
		unsigned long attrs, enum dma_origin origin);
int iommu_mmap(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr, dma_addr_t dma_addr,
	       size_t size, unsigned long attrs);
int iommu_get_sgtable(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
		      dma_addr_t dma_addr, size_t size, unsigned long attrs);
/* Allocations of @dom that quarantine held; nothing of it is mapped any more. */
void iommu_buffers_release(struct dma_domain *dom);
/* Memory that was freed, but whose invalidation was confirmed only later. */
void iommu_buffers_trim(struct dma_domain *dom);

void iommu_limits(struct dma_device *dev, struct dma_limits *limits);
void iommu_query_attrs(struct dma_device *dev, struct dma_attr_info *info);
void iommu_poll(struct dma_device *dev);
void iommu_trim(struct dma_device *dev);

/* Tables by format; [0] for devices that snoop, [1] for those that do not. */
extern const struct dma_map_ops iommu_vmsav8_4k_ops[2];
extern const struct dma_map_ops iommu_vmsav8_16k_ops[2];
extern const struct dma_map_ops iommu_vmsav8_64k_ops[2];

#endif
