/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table, part 2: scatterlists (rules.md 2.4). Template, as iommu_map.h. Plan reads
 * the list once: checks, length of the IOVA, shape. Commit reads it again: leaf entries and DMA
 * segments in one pass. Plan and commit place entries by the same function, iommu_sg_place().
 * Lists of single granules have a file of their own, iommu_flat.h.
 *
 * All segments of a list lie in one IOVA range. An entry starts at its offset in a granule. Where
 * it starts and the one before ended on a granule, the two become one segment as far as the
 * device's segment size and boundary allow. A granule larger than the CPU page is not put between
 * entries: memory that is not contiguous in granules is refused, since the rest of each granule
 * would be exposed in the middle of the buffer.
 *
 * Lock: none; everything is inside the caller's slot.
 */
#ifndef DMAMAP_DMA_IOMMU_SG_H
#define DMAMAP_DMA_IOMMU_SG_H

#include "dma/iommu_map.h"

/**
 * struct sg_plan - what one look at the list tells
 * @len: bytes of IOVA, granules, padding included
 * @bits: all addresses and lengths or-ed: below the granule 0 means whole granules throughout
 * @padded: there are holes in front of boundaries
 * @bounded: segments must be kept off the device's boundary at all
 * @big: one entry at least can use large leaf entries:
 * @big_phys: the first one
 * @big_len: its length
 * @big_pos: where in the IOVA range it starts
 */
struct sg_plan {
	uint64_t len;
	uint64_t bits;
	bool padded;
	bool bounded;
	bool big;
	phys_addr_t big_phys;
	uint64_t big_len;
	uint64_t big_pos;
};

/* The entry after @sg where the caller knows that there is one. */
ALWAYS_INLINE struct scatterlist *iommu_sg_step(struct scatterlist *sg)
{
	sg++;
	return unlikely(sg_is_chain(sg)) ? sg_chain_ptr(sg) : sg;
}

/*
 * Where an entry that takes @ilen bytes of IOVA begins, if the range behind it ends at @pos: there,
 * or at the next boundary if it would cross that.
 */
static inline uint64_t iommu_sg_place(uint64_t pos, uint64_t ilen, uint64_t boundary)
{
	uint64_t pad = (boundary - pos + 1) & boundary;

	return pad != 0 && pad < ilen ? pos + pad : pos;
}

/* Entry @i may not start or end inside a granule unless it is the first or the last. */
static inline int iommu_sg_check_inner(struct dma_device *dev, const struct scatterlist *sg,
				       uint32_t i, uint32_t nents, struct dma_error *why)
{
	uint64_t page = (uint64_t)1 << dev->platform->page_lg2;
	uint64_t bits = 0;

	if (page >= PT_GRANULE)
		return 0;
	if (i != 0)
		bits |= sg->phys;
	if (i != nents - 1)
		bits |= sg->phys + sg->length;
	if ((bits & (PT_GRANULE - 1)) == 0)
		return 0;
	why->addr = sg->phys;
	return error_why(why, -EINVAL, DMA_RULE_GRANULE,
			 bits_min((uint64_t)1 << bits_ctz(bits), page), PT_GRANULE);
}

/* What only some devices ask of an entry. @pos: offset of its first byte in the IOVA range. */
static inline int iommu_sg_check(struct dma_device *dev, const struct scatterlist *sg,
				 const struct sg_plan *plan, uint64_t pos,
				 enum dma_data_direction dir, unsigned long attrs,
				 struct dma_error *why)
{
	uint64_t mask = dev->seg_boundary;

	if (dma_shares_line(dev, sg->phys, sg->length, dir, attrs))
		return iommu_line_shared(dev, sg->phys, sg->length, why);
	if (sg->phys + (sg->length - 1) > dev->domain->pt.phys_last)
		return error_why(why, -EINVAL, DMA_RULE_APERTURE, sg->phys + (sg->length - 1),
				 dev->domain->pt.phys_last);
	if (plan->bounded && ((pos ^ (pos + (sg->length - 1))) & ~mask) != 0)
		return error_why(why, -EINVAL, DMA_RULE_BOUNDARY, sg->length, mask + 1);
	return 0;
}

/*
 * Second look, for lists that are not simply whole granules in RAM, or for devices with limits.
 */
IOMMU_SLOW int iommu_sg_plan_slow(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
				  enum dma_data_direction dir, unsigned long attrs,
				  struct sg_plan *plan, struct dma_error *why)
{
	uint64_t pos = 0;
	struct scatterlist *sg = sgl;

	plan->padded = false;
	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg)) {
		uint64_t off = sg->phys & (PT_GRANULE - 1);
		uint64_t ilen = bits_align_up(off + sg->length, PT_GRANULE);
		uint64_t at = pos;
		int err = iommu_sg_check_inner(dev, sg, i, nents, why);

		if (plan->bounded)
			at = iommu_sg_place(pos, ilen, dev->seg_boundary);
		plan->padded |= at != pos;
		if (err == 0)
			err = iommu_sg_check(dev, sg, plan, at + off, dir, attrs, why);
		if (err != 0)
			return err;
		pos = at + ilen;
	}
	plan->len = pos;
	return 0;
}

/* The exact plan. -EINVAL with @why; @recorded: dma_entry_ok() said it already. */
IOMMU_SLOW int iommu_sg_plan(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
			     enum dma_data_direction dir, unsigned long attrs, struct sg_plan *plan,
			     bool *recorded, struct dma_error *why)
{
	struct scatterlist *sg = sgl;

	*plan = (struct sg_plan){ 0 };
	for (uint32_t i = 0; i < nents; i++) {
		uint64_t off = sg->phys & (PT_GRANULE - 1);

		if (!dma_entry_ok(dev, why->op, sg->phys, sg->length, dir, attrs)) {
			*recorded = true;
			return -EINVAL;
		}
		plan->bits |= sg->phys | sg->length;
		if (sg->length >= (UINT32_C(1) << IOMMU_PHASE_LG2) && !plan->big) {
			plan->big = true;
			plan->big_phys = sg->phys - off;
			plan->big_len = sg->length;
			plan->big_pos = plan->len;
		}
		plan->len += bits_align_up(off + sg->length, PT_GRANULE);
		if (sg_is_last(sg)) {
			if (i != nents - 1)
				return error_why(why, -EINVAL, DMA_RULE_NENTS, nents, i + 1);
			break;
		}
		sg = iommu_sg_step(sg);
	}
	/* Below one boundary's length the range as a whole is kept off it. */
	plan->bounded = plan->len - 1 > dev->seg_boundary;
	return iommu_sg_plan_slow(dev, sgl, nents, dir, attrs, plan, why);
}

/* Tables for each entry as a run of its own, so that blocks are planned where they will be put. */
IOMMU_SLOW int iommu_sg_reserve_big(struct dma_device *dev, struct dma_slot *slot,
				    struct domain_slot *ds, struct scatterlist *sgl, uint32_t nents,
				    const struct sg_plan *plan, uint64_t iova, uint32_t prot,
				    struct pgtable_reserve *rsv, struct dma_error *why)
{
	struct scatterlist *sg = sgl;
	uint64_t pos = 0;

	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg)) {
		uint64_t off = sg->phys & (PT_GRANULE - 1);
		struct run run = { .phys = sg->phys - off,
				   .len = bits_align_up(off + sg->length, PT_GRANULE),
				   .prot = prot };
		int err;

		if (plan->padded)
			pos = iommu_sg_place(pos, run.len, dev->seg_boundary);
		run.iova = iova + pos;
		err = domain_reserve_tables(dev->domain, slot, ds, &run, PGTABLE_ATOMIC, rsv, why);
		if (err != 0)
			return err;
		pos += run.len;
	}
	return 0;
}

static inline int iommu_sg_reserve(struct dma_device *dev, struct dma_slot *slot,
				   struct domain_slot *ds, struct scatterlist *sgl, uint32_t nents,
				   const struct sg_plan *plan, const struct iova_entry *e,
				   uint32_t prot, struct pgtable_reserve *rsv,
				   struct dma_error *why)
{
	struct run run = {
		.iova = e->iova, .phys = PGTABLE_SCATTERED, .len = plan->len, .prot = prot
	};

	if (iommu_table_known(dev->domain, ds, e, plan->len))
		return 0;
	if (unlikely(plan->big))
		return iommu_sg_reserve_big(dev, slot, ds, sgl, nents, plan, e->iova, prot, rsv,
					    why);
	return domain_reserve_tables(dev->domain, slot, ds, &run, PGTABLE_ATOMIC | PGTABLE_PAGES,
				     rsv, why);
}

/*
 * Leaf entries and segments. @whole: every entry is whole granules and nothing is padded. Reads
 * memory fields of an entry before it could write DMA fields of the same.
 */
ALWAYS_INLINE int iommu_sg_commit(struct dma_device *dev, struct domain_slot *ds,
				  struct scatterlist *sgl, uint32_t nents,
				  struct pgtable_reserve *rsv, const struct pt_prot *prot,
				  uint64_t iova, bool padded, bool whole)
{
	uint64_t mask = dev->seg_boundary;
	uint32_t max_len = dev->max_seg_size;
	struct scatterlist *seg = sgl;
	struct scatterlist *sg = sgl;
	uint64_t base = iova;
	uint32_t cur_len = 0;
	struct pt_window win;
	struct pt_writer w;
	int count = 0;

	win = pt_writer_begin(&w, &dev->domain->pt, &ds->cursor, rsv, prot, iova);
	for (uint32_t i = 0;;) {
		uint64_t off = whole ? 0 : sg->phys & (PT_GRANULE - 1);
		uint64_t len = sg->length;
		uint64_t ilen = whole ? len : bits_align_up(off + len, PT_GRANULE);

		if (!whole && padded) {
			uint64_t at = base + iommu_sg_place(iova - base, ilen, mask);

			if (at != iova) {
				pt_writer_end(&w, win);
				win = pt_writer_begin(&w, &dev->domain->pt, &ds->cursor, rsv, prot,
						      at);
				iova = at;
			}
		}
		win = pt_writer_put(&w, win, sg->phys - off, ilen);
		/* rules.md 2.4: append iff on a granule, off the boundary, and short enough */
		if (cur_len != 0 && off == 0 && (iova & mask) != 0 &&
		    (uint64_t)cur_len + len <= max_len) {
			cur_len += (uint32_t)len;
		} else {
			if (count++ != 0)
				seg = iommu_sg_step(seg);
			seg->dma_address = iova + off;
			cur_len = (uint32_t)len;
		}
		seg->dma_length = cur_len;
		if (!whole && off + len < ilen)
			cur_len = 0;
		iova += ilen;
		if (++i == nents)
			break;
		sg = iommu_sg_step(sg);
	}
	pt_writer_end(&w, win);
	if ((uint32_t)count < nents)
		iommu_sg_step(seg)->dma_length = 0;
	return count;
}

IOMMU_SLOW int iommu_sg_commit_any(struct dma_device *dev, struct domain_slot *ds,
				   struct scatterlist *sgl, uint32_t nents,
				   struct pgtable_reserve *rsv, const struct pt_prot *prot,
				   uint64_t iova, const struct sg_plan *plan)
{
	if ((plan->bits & (PT_GRANULE - 1)) == 0 && !plan->padded)
		return iommu_sg_commit(dev, ds, sgl, nents, rsv, prot, iova, false, true);
	return iommu_sg_commit(dev, ds, sgl, nents, rsv, prot, iova, plan->padded, false);
}

static inline int iommu_sg_iova(struct dma_device *dev, struct dma_slot *slot,
				struct domain_slot *ds, const struct sg_plan *plan,
				struct iova_entry *e, struct dma_error *why)
{
	struct iova_req req = { .nr = plan->len >> PT_GRANULE_LG2, .last = dev->iova_last };

	if (unlikely(plan->bounded))
		req.align_lg2 = bits_log2_ceil(dev->seg_boundary + 1);
	else if (dev->seg_boundary != UINT64_MAX)
		req.boundary = dev->seg_boundary;
	return iommu_iova_phased(dev->domain, slot, ds, &req, plan->big_phys, plan->big_len,
				 plan->big_pos, e, why);
}

/* Rooms 2 to 4 behind the exact plan; inside the slot. */
IOMMU_SLOW int iommu_sg_map_slow(struct dma_device *dev, struct dma_slot *slot,
				 struct domain_slot *ds, struct scatterlist *sgl, uint32_t nents,
				 const struct sg_plan *plan, uint32_t prot_bits,
				 struct dma_error *why)
{
	struct dma_domain *dom = dev->domain;
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct iova_entry e;
	struct pt_prot prot;
	int ret;

	ret = iommu_sg_iova(dev, slot, ds, plan, &e, why);
	if (ret != 0)
		return ret;
	ret = iommu_sg_reserve(dev, slot, ds, sgl, nents, plan, &e, prot_bits, &rsv, why);
	if (ret == 0) {
		prot = pt_prot_mapping(prot_bits);
		ret = iommu_sg_commit_any(dev, ds, sgl, nents, &rsv, &prot, e.iova, plan);
	} else {
		domain_iova_free(dom, ds, e.iova, plan->len >> PT_GRANULE_LG2, 0);
	}
	pgtable_release(&dom->pt, &rsv);
	return ret;
}

IOMMU_SLOW int iommu_map_sg_slow(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
				 enum dma_data_direction dir, unsigned long attrs,
				 enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, dma_op_of(origin), 0, nents, dir, attrs);
	bool recorded = false;
	struct domain_slot *ds;
	struct dma_slot *slot;
	struct sg_plan plan;
	int ret;

	ret = iommu_sg_plan(dev, sgl, nents, dir, attrs, &plan, &recorded, &why);
	if (ret != 0)
		goto fail;
	ds = iommu_enter(dev->domain, &slot, &why);
	if (ds == NULL) {
		ret = why.err;
		goto fail;
	}
	ret = iommu_sg_map_slow(dev, slot, ds, sgl, nents, &plan,
				iommu_prot(dev->coherent, dir, attrs), &why);
	dma_slot_leave(slot);
	if (ret < 0)
		goto fail;
	if (!dev->coherent && iommu_cleans(attrs))
		iommu_sg_clean(dev, sgl, nents);
	return ret;
fail:
	if (!recorded)
		dma_fail(&why);
	return ret;
}

/* The next stretch of IOVA without holes: segments from *sg on; false when there is none. */
static inline bool iommu_sg_stretch(struct scatterlist **sg, uint32_t *left, uint64_t *iova,
				    uint64_t *end)
{
	struct scatterlist *s = *sg;

	if (*left == 0 || s->dma_length == 0)
		return false;
	*iova = s->dma_address & ~(PT_GRANULE - 1);
	*end = bits_align_up(s->dma_address + s->dma_length, PT_GRANULE);
	while (--*left != 0) {
		s = iommu_sg_step(s);
		if (s->dma_length == 0 || (s->dma_address & ~(PT_GRANULE - 1)) != *end)
			break;
		*end = bits_align_up(s->dma_address + s->dma_length, PT_GRANULE);
	}
	*sg = s;
	return true;
}

/* Was each stretch mapped as it stands? On an error *@iova and *@end are one that was not. */
static inline int iommu_sg_check_mapped(const struct dma_domain *dom, struct scatterlist *sgl,
					uint32_t nents, uint64_t *iova, uint64_t *end)
{
	struct scatterlist *sg = sgl;
	int err = -ENOENT;

	while (iommu_sg_stretch(&sg, &nents, iova, end)) {
		if (*end - 1 > dom->pt.iova_last || *end <= *iova)
			return -ENOENT;
		err = pt_check_mapping(&dom->pt, *iova, *end - *iova);
		if (err != 0)
			break;
	}
	return err;
}

/* Clear every stretch, or none; *@start and *@end span them all. Inside the slot. */
static inline int iommu_sg_clear(struct dma_domain *dom, struct domain_slot *ds,
				 struct scatterlist *sgl, uint32_t nents, uint64_t *start,
				 uint64_t *end, struct gather *gather)
{
	int err = iommu_sg_check_mapped(dom, sgl, nents, start, end);
	struct scatterlist *sg = sgl;
	uint64_t iova;

	if (err != 0)
		return err;
	*start = sgl->dma_address & ~(PT_GRANULE - 1);
	while (err == 0 && iommu_sg_stretch(&sg, &nents, &iova, end))
		err = pt_unmap(&dom->pt, &ds->cursor, iova, *end - iova, gather);
	return err;
}

IOMMU_SLOW void iommu_unmap_sg(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
			       enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_error why =
		iommu_error(dev, DMA_OP_UNMAP_SG, sgl->dma_address, nents, dir, attrs);
	struct dma_domain *dom = dev->domain;
	struct gather gather = GATHER_EMPTY;
	struct domain_slot *ds;
	struct dma_slot *slot;
	uint64_t start = 0;
	uint64_t end = 0;
	int err;

	ds = iommu_enter(dom, &slot, &why);
	if (ds == NULL) {
		dma_fail(&why);
		return;
	}
	err = iommu_sg_clear(dom, ds, sgl, nents, &start, &end, &gather);
	if (err != 0)
		err = iommu_unmap_failed(dom, &gather, err, start, end - start, &why);
	else
		err = error_why_hw(&why, iommu_put(dom, ds, &gather, start, end - start));
	dma_slot_leave(slot);
	if (err != 0)
		dma_fail(&why);
	else if (!dev->coherent && iommu_invalidates(dir, attrs))
		iommu_sg_inv(dev, sgl, nents);
}

#endif
