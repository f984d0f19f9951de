/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains whose caller manages the IOVA: map, unmap, translate. Plan, reserve, commit; everything
 * is checked before anything changes. Lock: none; a call is inside its slot, so that trim and
 * reclaim can keep it out.
 */
#include "iommu/iommu.h"

static int record(struct dma_slot *slot, enum dma_op op, struct dma_error *why)
{
	why->op = op;
	dma_error_record(slot, why);
	return why->err;
}

static int check(struct dma_domain *dom, uint64_t iova, uint64_t phys, uint64_t len,
		 struct dma_error *why)
{
	uint64_t granule = domain_granule(dom);
	uint64_t bits = iova | phys | len;
	uint64_t last;

	why->addr = iova;
	why->len = len;
	if (dom->dom.type != DMA_DOMAIN_UNMANAGED)
		return error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, dom->dom.type,
				 DMA_DOMAIN_UNMANAGED);
	if (len == 0)
		return error_why(why, -EINVAL, DMA_RULE_LENGTH, 0, granule);
	if ((bits & (granule - 1)) != 0)
		return error_why(why, -EINVAL, DMA_RULE_GRANULE, (uint64_t)1 << bits_ctz(bits),
				 granule);
	if (!bits_range_last(iova, len, &last))
		return error_why(why, -EINVAL, DMA_RULE_OVERFLOW, len, 0 - iova);
	if (last > dom->iova_last)
		return error_why(why, -EINVAL, DMA_RULE_APERTURE, last, dom->iova_last);
	return 0;
}

static int check_map(struct dma_domain *dom, const struct run *run, struct dma_error *why)
{
	const struct dma_resv_region *r;
	uint64_t phys_last;
	int err = check(dom, run->iova, run->phys, run->len, why);

	if (err != 0)
		return err;
	if (!bits_range_last(run->phys, run->len, &phys_last))
		return error_why(why, -EINVAL, DMA_RULE_OVERFLOW, run->len, 0 - run->phys);
	if ((run->prot & ~PGTABLE_PROT_ALL) != 0 ||
	    (run->prot & (DMA_PROT_READ | DMA_PROT_WRITE)) == 0)
		return error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, run->prot, PGTABLE_PROT_ALL);
	r = resv_find(&dom->resv, run->iova, run->iova + (run->len - 1));
	if (r != NULL)
		return error_why(why, -EEXIST, DMA_RULE_RESERVED, r->start, resv_last(r) + 1);
	return 0;
}

static int map_inside(struct dma_domain *dom, struct dma_slot *slot, const struct run *run,
		      struct dma_error *why)
{
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	int err = domain_reserve_tables(dom, slot, NULL, run, PGTABLE_CHECK | PGTABLE_ATOMIC, &rsv,
					why);

	if (err == 0)
		pgtable_map(&dom->pt, run, &rsv);
	pgtable_release(&dom->pt, &rsv);
	return err;
}

int dma_domain_map(struct dma_domain *dom, uint64_t iova, phys_addr_t phys, uint64_t len,
		   uint32_t prot)
{
	struct run run = { .iova = iova, .phys = phys, .len = len, .prot = prot };
	struct dma_error why = { 0 };
	struct dma_slot *slot;
	int err = check_map(dom, &run, &why);

	if (err != 0)
		return record(NULL, DMA_OP_IOMMU_MAP, &why);
	slot = dma_slot_enter();
	if (slot == NULL) {
		(void)error_why(&why, -ENOMEM, DMA_RULE_NO_SLOT, DMA_NR_SLOTS, DMA_NR_SLOTS + 1);
		return record(NULL, DMA_OP_IOMMU_MAP, &why);
	}
	err = map_inside(dom, slot, &run, &why);
	if (err != 0)
		record(slot, DMA_OP_IOMMU_MAP, &why);
	dma_slot_leave(slot);
	return err;
}

static int unmap_inside(struct dma_domain *dom, uint64_t iova, uint64_t len, struct dma_error *why)
{
	struct gather gather = GATHER_EMPTY;
	int err = pgtable_unmap(&dom->pt, iova, len, &gather);

	if (err == -ENOENT)
		return error_why(why, err, DMA_RULE_NOT_MAPPED, 0, len);
	if (err != 0)
		return error_why(why, -EINVAL, DMA_RULE_GRANULE, len, 0);
	return error_why_hw(why, dom->tlb_sync(dom->hw, &dom->dom, &gather));
}

int dma_domain_unmap(struct dma_domain *dom, uint64_t iova, uint64_t len)
{
	struct dma_error why = { 0 };
	struct dma_slot *slot;
	int err = check(dom, iova, 0, len, &why);

	if (err != 0)
		return record(NULL, DMA_OP_IOMMU_UNMAP, &why);
	slot = dma_slot_enter();
	if (slot == NULL) {
		(void)error_why(&why, -ENOMEM, DMA_RULE_NO_SLOT, DMA_NR_SLOTS, DMA_NR_SLOTS + 1);
		return record(NULL, DMA_OP_IOMMU_UNMAP, &why);
	}
	if (resv_find(&dom->resv, iova, iova + (len - 1)) != NULL)
		err = error_why(&why, -ENOENT, DMA_RULE_RESERVED, iova, len);
	else
		err = unmap_inside(dom, iova, len, &why);
	if (err != 0)
		record(slot, DMA_OP_IOMMU_UNMAP, &why);
	dma_slot_leave(slot);
	return err;
}

phys_addr_t dma_domain_iova_to_phys(struct dma_domain *dom, uint64_t iova)
{
	phys_addr_t phys;

	if (dom->dom.type == DMA_DOMAIN_IDENTITY)
		return iova;
	if (!domain_translates(dom) || pgtable_iova_to_phys(&dom->pt, iova, &phys) != 0)
		return DMA_MAPPING_ERROR;
	return phys;
}
