/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table, part 3: flat lists, the shape that matters most: one array of entries of one
 * granule each, in RAM, on a device that snoops, that make one segment. Template, as iommu_map.h.
 * Everything here says yes or perhaps; perhaps takes the exact way of iommu_sg.h, which also
 * finds the words for what is wrong.
 *
 * Lock: none; everything is inside the caller's slot.
 */
#ifndef DMAMAP_DMA_IOMMU_FLAT_H
#define DMAMAP_DMA_IOMMU_FLAT_H

#include "dma/iommu_sg.h"

/* Length and flags side by side, so that one compare answers for both. */
static inline uint64_t iommu_flat_shape(const struct scatterlist *sg)
{
	return (uint64_t)sg->flags << 32 | sg->length;
}

/*
 * Plan: is the list flat? Stops at the first entry that is not, so nothing behind a chain link
 * or the end is read. Addresses are or-ed for their alignment; the highest offset in the window
 * bounds them all, since one in front of the window has a huge one.
 */
ALWAYS_INLINE bool iommu_flat_look(const struct dma_device *dev, const struct scatterlist *sgl,
				   uint32_t nents)
{
	const struct scatterlist *last = sgl + (nents - 1);
	uint64_t start = dev->window_start;
	uint64_t bits = 0;
	uint64_t far = 0;

	for (const struct scatterlist *sg = sgl; sg != last; sg++) {
		if (unlikely(iommu_flat_shape(sg) != PT_GRANULE))
			return false;
		bits |= sg->phys;
		far = bits_max(far, sg->phys - start);
	}
	/* Only now: in a chained list this may lie behind the end of its first array. */
	bits |= last->phys;
	far = bits_max(far, last->phys - start);
	return (iommu_flat_shape(last) & ~((uint64_t)SG_END << 32)) == PT_GRANULE &&
	       (bits & (PT_GRANULE - 1)) == 0 && far < dev->window_bytes &&
	       PT_GRANULE <= dev->window_bytes - far && start + far <= dev->domain->pt.phys_last &&
	       ((uint64_t)nents << PT_GRANULE_LG2) <= dev->max_seg_size &&
	       ((uint64_t)nents << PT_GRANULE_LG2) - 1 <= dev->seg_boundary;
}

/* The entries of @nr granules, into one table. */
ALWAYS_INLINE void iommu_flat_fill(pt_word_t *at, const struct scatterlist *sg, uint32_t nr,
				   pt_word_t word)
{
	for (; nr >= 4; nr -= 4, at += 4, sg += 4) {
		pt_store(at, pt_fmt_encode(sg[0].phys) | word);
		pt_store(at + 1, pt_fmt_encode(sg[1].phys) | word);
		pt_store(at + 2, pt_fmt_encode(sg[2].phys) | word);
		pt_store(at + 3, pt_fmt_encode(sg[3].phys) | word);
	}
	for (; nr != 0; nr--, at++, sg++)
		pt_store(at, pt_fmt_encode(sg->phys) | word);
}

ALWAYS_INLINE int iommu_flat_done(struct scatterlist *sgl, uint32_t nents, uint64_t iova)
{
	sgl->dma_address = iova;
	sgl->dma_length = nents << PT_GRANULE_LG2;
	if (nents > 1)
		sgl[1].dma_length = 0;
	return 1;
}

/* Commit over several tables. */
static inline void iommu_flat_commit(struct pgtable *pt, struct domain_slot *ds,
				     const struct scatterlist *sg, uint32_t nents,
				     struct pgtable_reserve *rsv, enum dma_data_direction dir,
				     uint64_t iova)
{
	struct pt_prot prot = pt_prot_mapping(iommu_prot(true, dir, 0));
	struct pt_window win;
	struct pt_writer w;

	win = pt_writer_begin(&w, pt, &ds->cursor, rsv, &prot, iova);
	while (nents != 0) {
		uint32_t nr = (uint32_t)bits_min(nents, (uint64_t)(win.end - win.at));

		if (nr == 0) {
			/* The writer finds the next table with its first entry. */
			win = pt_writer_put(&w, win, sg->phys, PT_GRANULE);
			nr = 1;
		} else {
			iommu_flat_fill(win.at, sg, nr, prot.page);
			win.at += nr;
		}
		sg += nr;
		nents -= nr;
	}
	pt_writer_end(&w, win);
}

/* IOVA from the arena or tables to be reserved. Inside the slot; leaves it. */
IOMMU_SLOW int iommu_flat_map_slow(struct dma_device *dev, struct dma_slot *slot,
				   struct domain_slot *ds, struct scatterlist *sgl, uint32_t nents,
				   enum dma_data_direction dir, unsigned long attrs,
				   enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, dma_op_of(origin), 0, nents, dir, attrs);
	const struct sg_plan plan = { .len = (uint64_t)nents << PT_GRANULE_LG2 };
	struct dma_domain *dom = dev->domain;
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct iova_entry e;
	int err;

	err = iommu_sg_iova(dev, slot, ds, &plan, &e, &why);
	if (err != 0)
		goto leave;
	err = iommu_sg_reserve(dev, slot, ds, sgl, nents, &plan, &e, iommu_prot(true, dir, attrs),
			       &rsv, &why);
	if (err == 0)
		iommu_flat_commit(&dom->pt, ds, sgl, nents, &rsv, dir, e.iova);
	else
		domain_iova_free(dom, ds, e.iova, nents, 0);
	pgtable_release(&dom->pt, &rsv);
leave:
	dma_slot_leave(slot);
	return err == 0 ? iommu_flat_done(sgl, nents, e.iova) : dma_fail(&why);
}

/* As iommu_take(), and off the segment boundary. */
ALWAYS_INLINE pt_word_t *iommu_flat_take(struct dma_device *dev, struct domain_slot *ds,
					 uint32_t nents, struct iova_entry *e)
{
	uint64_t len = (uint64_t)nents << PT_GRANULE_LG2;
	pt_word_t *at = iommu_take(dev, ds, nents, e);

	if (unlikely(at == NULL) ||
	    likely(((e->iova ^ (e->iova + (len - 1))) & ~dev->seg_boundary) == 0))
		return at;
	domain_iova_free(dev->domain, ds, e->iova, nents, e->tag);
	return NULL;
}

ALWAYS_INLINE int iommu_flat_map(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
				 enum dma_data_direction dir, unsigned long attrs,
				 enum dma_origin origin)
{
	struct dma_domain *dom = dev->domain;
	struct domain_slot *ds;
	struct dma_slot *slot;
	struct iova_entry e;
	pt_word_t *at;

	if ((attrs & IOMMU_ATTRS_SPECIAL) != 0 || !iommu_flat_look(dev, sgl, nents))
		goto slow;
	slot = dma_slot_enter();
	if (unlikely(slot == NULL))
		goto slow;
	ds = domain_slot(dom, slot);
	if (unlikely(ds == NULL)) {
		dma_slot_leave(slot);
		goto slow;
	}
	at = iommu_flat_take(dev, ds, nents, &e);
	if (unlikely(at == NULL))
		return iommu_flat_map_slow(dev, slot, ds, sgl, nents, dir, attrs, origin);
	DMA_ASSERT(!pt_any(at, nents));
	iommu_flat_fill(at, sgl, nents, iommu_word(true, dir) | PT_MORE);
	pt_mark_mapping(at, at + nents - 1);
	if (PT_NONCOHERENT(&dom->pt))
		pt_clean(&dom->pt, at, nents);
	dma_wmb();
	dma_slot_leave(slot);
	return iommu_flat_done(sgl, nents, e.iova);
slow:
	return iommu_map_sg_slow(dev, sgl, nents, dir, attrs, origin);
}

/* Lists of one segment on a device that snoops. */
ALWAYS_INLINE void iommu_flat_unmap(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
				    enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_domain *dom = dev->domain;
	uint64_t iova = sgl->dma_address;
	uint64_t len = sgl->dma_length;
	struct domain_slot *ds;
	struct dma_slot *slot;
	struct gather gather;
	int err;

	if (unlikely(((iova | len) & (PT_GRANULE - 1)) != 0 || nents > IOVA_CACHE_MAX_NR ||
		     (nents > 1 && iommu_sg_step(sgl)->dma_length != 0)))
		goto slow;
	slot = dma_slot_enter();
	if (unlikely(slot == NULL))
		goto slow;
	ds = domain_slot(dom, slot);
	if (unlikely(ds == NULL || !iommu_clear(dom, ds, iova, len))) {
		dma_slot_leave(slot);
		goto slow;
	}
	gather = (struct gather){ .start = iova, .last = iova + (len - 1), .levels = 1 };
	err = iommu_put(dom, ds, &gather, iova, len);
	dma_slot_leave(slot);
	if (unlikely(err != 0))
		iommu_not_confirmed(dev, iova, len, dir, err);
	return;
slow:
	iommu_unmap_sg(dev, sgl, nents, dir, attrs);
}

#endif
