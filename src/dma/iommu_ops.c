/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table: what does not depend on the page-table format and is not hot: placing an
 * IOVA with the phase of its memory, caches of devices that do not snoop, limits, poll and trim.
 *
 * Lock: none.
 */
#include "dma/iommu_ops.h"

struct domain_slot *iommu_enter(struct dma_domain *dom, struct dma_slot **slot,
				struct dma_error *why)
{
	struct domain_slot *ds;

	*slot = dma_slot_enter();
	if (*slot == NULL) {
		(void)error_why(why, -ENOMEM, DMA_RULE_NO_SLOT, DMA_NR_SLOTS, DMA_NR_SLOTS + 1);
		return NULL;
	}
	ds = domain_slot(dom, *slot);
	if (ds != NULL)
		return ds;
	ds = domain_slot_make(dom, *slot);
	if (ds == NULL) {
		dma_slot_leave(*slot);
		(void)error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*ds));
	}
	return ds;
}

int iommu_line_shared(struct dma_device *dev, phys_addr_t phys, uint64_t size,
		      struct dma_error *why)
{
	uint64_t line = dev->platform->cache_line;

	why->addr = phys;
	return error_why(why, -EINVAL, DMA_RULE_CACHE_LINE,
			 (phys & (line - 1)) != 0 ? phys : phys + size, line);
}

void iommu_not_confirmed(struct dma_device *dev, dma_addr_t addr, uint64_t len,
			 enum dma_data_direction dir, int err)
{
	struct dma_error why = iommu_error(dev, DMA_OP_UNMAP, addr, len, dir, 0);

	(void)error_why_hw(&why, err);
	dma_fail(&why);
}

static bool fits(const struct iova_req *req, uint64_t iova, uint64_t len)
{
	uint64_t phase_mask = ((uint64_t)1 << req->phase_lg2) - 1;
	uint64_t align_mask = ((uint64_t)1 << req->align_lg2) - 1;

	if (req->phase_lg2 != 0 && ((iova ^ req->phase) & phase_mask) != 0)
		return false;
	if ((iova & align_mask) != 0)
		return false;
	return req->boundary == 0 || ((iova ^ (iova + (len - 1))) & ~req->boundary) == 0;
}

/* From the slot's cache if what lies on top happens to suit; nothing is searched. */
static bool from_cache(struct dma_domain *dom, struct domain_slot *ds, const struct iova_req *req,
		       struct iova_entry *e)
{
	if (req->nr > IOVA_CACHE_MAX_NR ||
	    !iova_cache_alloc(&ds->iova, (uint32_t)req->nr, req->last, e))
		return false;
	if (fits(req, e->iova, req->nr << dom->granule_lg2))
		return true;
	domain_iova_free(dom, ds, e->iova, req->nr, e->tag);
	return false;
}

/* Largest page size of the format that is at most @len; the phase to ask for. */
static uint32_t phase_lg2_of(const struct dma_domain *dom, uint64_t len)
{
	uint64_t sizes = dom->iommu->pgsize_bitmap & DMA_BIT_MASK(bits_log2_floor(len) + 1);

	return sizes == 0 ? 0 : bits_log2_floor(sizes);
}

int iommu_iova_phased(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
		      struct iova_req *req, phys_addr_t phys, uint64_t len, uint64_t pos,
		      struct iova_entry *e, struct dma_error *why)
{
	uint32_t lg2 = 0;

	if (len >= (uint64_t)1 << IOMMU_PHASE_LG2)
		lg2 = phase_lg2_of(dom, len);
	for (; lg2 >= IOMMU_PHASE_LG2; lg2 = phase_lg2_of(dom, ((uint64_t)1 << lg2) - 1)) {
		struct iova_req phased = *req;

		phased.phase_lg2 = lg2;
		phased.phase = (phys - pos) & DMA_BIT_MASK(lg2);
		/* A boundary's alignment comes first; a phase that contradicts it is of no use. */
		if ((phased.phase & DMA_BIT_MASK(bits_min(lg2, req->align_lg2))) != 0)
			continue;
		phased.flags |= IOVA_BOUNDED;
		if (from_cache(dom, ds, &phased, e) ||
		    iova_alloc(dom->iova, &ds->iova, &phased, e) == 0)
			return 0;
	}
	if (from_cache(dom, ds, req, e))
		return 0;
	return domain_iova_alloc(dom, slot, ds, req, e, why);
}

void iommu_sg_clean(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents)
{
	struct scatterlist *sg = sgl;

	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg))
		dev->platform->cache_clean(dev->platform, sg->phys, sg->length);
}

void iommu_sg_inv(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents)
{
	struct scatterlist *sg = sgl;

	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg))
		dev->platform->cache_inv(dev->platform, sg->phys, sg->length);
}

/* One call of @op for each contiguous piece behind [@addr, @addr + @size). */
static void sync_pieces(struct dma_device *dev, dma_addr_t addr, uint64_t size,
			enum dma_data_direction dir,
			void (*op)(struct dma_platform *p, phys_addr_t phys, uint64_t len))
{
	struct dma_error why = iommu_error(dev, DMA_OP_SYNC, addr, size, dir, 0);
	const struct dma_domain *dom = dev->domain;
	uint64_t granule = domain_granule(dom);
	phys_addr_t start = 0;
	uint64_t len = 0;

	for (uint64_t done = 0; done < size;) {
		uint64_t at = addr + done;
		uint64_t step = bits_min(granule - (at & (granule - 1)), size - done);
		phys_addr_t phys;

		if (pgtable_iova_to_phys(&dom->pt, at, &phys) != 0) {
			(void)error_why(&why, -EINVAL, DMA_RULE_NOT_MAPPED, at, size);
			dma_fail(&why);
			break;
		}
		if (len != 0 && phys != start + len) {
			op(dev->platform, start, len);
			len = 0;
		}
		if (len == 0)
			start = phys;
		len += step;
		done += step;
	}
	if (len != 0)
		op(dev->platform, start, len);
}

/* The slot keeps a reclaim from unlinking tables under the look-up. */
static void sync(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
		 enum dma_data_direction dir,
		 void (*op)(struct dma_platform *p, phys_addr_t phys, uint64_t len))
{
	struct dma_error why = iommu_error(dev, DMA_OP_SYNC, addr, size, dir, 0);
	struct dma_slot *slot;

	if (phys != DMA_PHYS_UNKNOWN) {
		op(dev->platform, phys, size);
		return;
	}
	if (iommu_enter(dev->domain, &slot, &why) == NULL) {
		dma_fail(&why);
		return;
	}
	sync_pieces(dev, addr, size, dir, op);
	dma_slot_leave(slot);
}

void iommu_sync_for_cpu(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			enum dma_data_direction dir)
{
	if (!dev->coherent && dma_dir_writes(dir))
		sync(dev, addr, phys, size, dir, dev->platform->cache_inv);
}

void iommu_sync_for_device(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			   enum dma_data_direction dir)
{
	if (!dev->coherent)
		sync(dev, addr, phys, size, dir, dev->platform->cache_clean);
}

void iommu_limits(struct dma_device *dev, struct dma_limits *limits)
{
	*limits = (struct dma_limits){
		.max_mapping_size = SIZE_MAX,
		.opt_mapping_size = (size_t)IOVA_CACHE_MAX_NR << dev->domain->granule_lg2,
		.merge_boundary = domain_granule(dev->domain) - 1,
		.required_mask = DMA_BIT_MASK(32),
		.need_unmap = true,
		.need_sync = !dev->coherent,
	};
}

void iommu_query_attrs(struct dma_device *dev, struct dma_attr_info *info)
{
	unsigned long yes = DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN | DMA_ATTR_MMIO |
			    DMA_ATTR_PRIVILEGED | DMA_ATTR_ALLOC_SINGLE_PAGES;

	if (dev->coherent)
		yes |= DMA_ATTR_REQUIRE_COHERENT;
	else
		yes |= DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NON_COHERENT | DMA_ATTR_SKIP_CPU_SYNC;
	if (!dev->platform->phys_is_name)
		yes |= DMA_ATTR_FORCE_CONTIGUOUS;
	info->honoured = yes;
	info->refused = DMA_ATTR_CONTRACTS & ~yes;
	info->ignored = DMA_ATTR_HINTS & ~yes;
}

void iommu_poll(struct dma_device *dev)
{
	domain_poll(dev->domain);
}

void iommu_trim(struct dma_device *dev)
{
	domain_trim(dev->domain);
	iommu_buffers_trim(dev->domain);
}
