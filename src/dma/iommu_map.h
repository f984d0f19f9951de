/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table, part 1: one range. Template: included by iommu_fmt.h after the walker of one
 * format, so that the rooms 2 to 4 of architecture.md are one function. Three ways: one page from a
 * warm cache (docs/design/fast-path.md, "Counted"); some pages in one table; everything else.
 * @coherent is a constant wherever it is an argument.
 *
 * A map exposes whole granules: what lies in the first and the last granule beside the range can be
 * reached by the device, too.
 *
 * Lock: none; everything is inside the caller's slot.
 */
#ifndef DMAMAP_DMA_IOMMU_MAP_H
#define DMAMAP_DMA_IOMMU_MAP_H

#include "dma/iommu_ops.h"

#define IOMMU_SLOW static __attribute__((noinline))

/* Leaf entries without address, by direction; the compiler makes constants of them. */
ALWAYS_INLINE pt_word_t iommu_word(bool coherent, enum dma_data_direction dir)
{
	if (dir == DMA_TO_DEVICE)
		return pt_fmt_word(iommu_prot(coherent, DMA_TO_DEVICE, 0), 0, false);
	if (dir == DMA_FROM_DEVICE)
		return pt_fmt_word(iommu_prot(coherent, DMA_FROM_DEVICE, 0), 0, false);
	return pt_fmt_word(iommu_prot(coherent, DMA_BIDIRECTIONAL, 0), 0, false);
}

/*
 * The table for IOVA just taken. Where it came from a cache its tag proves that its leaf table is
 * linked; the cursor is set to it, and nothing needs to be reserved. A whole span is not asked for:
 * it may become a block.
 */
static inline bool iommu_table_known(struct dma_domain *dom, struct domain_slot *ds,
				     const struct iova_entry *e, uint64_t len)
{
	uintptr_t table = (uintptr_t)e->tag & ~(((uintptr_t)1 << PT_TABLE_LG2) - 1);

	if (table != 0 && !pt_cursor_hit(&dom->pt, &ds->cursor, e->iova))
		pt_cursor_set(&dom->pt, &ds->cursor, e->iova, (pt_word_t *)table);
	return len < PT_SPAN && pt_ready(&dom->pt, &ds->cursor, e->iova, len);
}

/* The tag of IOVA that was just unmapped: where its first leaf entry is. */
static inline uint64_t iommu_tag(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova)
{
	if (!pt_cursor_hit(&dom->pt, &ds->cursor, iova))
		return 0;
	return (uintptr_t)((pt_word_t *)ds->cursor.table + pt_index(iova, 0));
}

/*
 * @nr granules from the slot's cache, in one table that is known: where its leaf entries are. NULL:
 * not this time.
 */
ALWAYS_INLINE pt_word_t *iommu_take(struct dma_device *dev, struct domain_slot *ds, uint32_t nr,
				    struct iova_entry *e)
{
	struct dma_domain *dom = dev->domain;

	if (nr > IOVA_CACHE_MAX_NR || !iova_cache_alloc(&ds->iova, nr, dev->iova_last, e))
		return NULL;
	if (likely(iommu_table_known(dom, ds, e, (uint64_t)nr << PT_GRANULE_LG2)))
		return (pt_word_t *)ds->cursor.table + pt_index(e->iova, 0);
	domain_iova_free(dom, ds, e->iova, nr, e->tag);
	return NULL;
}

/* Room 2 to 4 of one range, granules @run.phys on; @run->iova is filled in. */
static inline int iommu_map_run(struct dma_device *dev, struct dma_slot *slot,
				struct domain_slot *ds, struct run *run, struct dma_error *why)
{
	struct dma_domain *dom = dev->domain;
	struct iova_req req = { .nr = run->len >> PT_GRANULE_LG2, .last = dev->iova_last };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct pt_window win;
	struct iova_entry e;
	struct pt_prot prot;
	struct pt_writer w;
	int err;

	err = iommu_iova_phased(dom, slot, ds, &req, run->phys, run->len, 0, &e, why);
	if (err != 0)
		return err;
	run->iova = e.iova;
	if (!iommu_table_known(dom, ds, &e, run->len)) {
		err = domain_reserve_tables(dom, slot, ds, run, PGTABLE_ATOMIC, &rsv, why);
		if (err != 0) {
			/* Without its tag: reserve may have unlinked the table. */
			domain_iova_free(dom, ds, e.iova, req.nr, 0);
			return err;
		}
	}
	prot = pt_prot_mapping(run->prot);
	win = pt_writer_begin(&w, &dom->pt, &ds->cursor, &rsv, &prot, run->iova);
	win = pt_writer_put(&w, win, run->phys, run->len);
	pt_writer_end(&w, win);
	pgtable_release(&dom->pt, &rsv);
	return 0;
}

static inline int iommu_check_range(struct dma_device *dev, phys_addr_t phys, size_t size,
				    enum dma_data_direction dir, unsigned long attrs,
				    struct dma_error *why)
{
	if (dma_shares_line(dev, phys, size, dir, attrs))
		return iommu_line_shared(dev, phys, size, why);
	if (phys + (size - 1) > dev->domain->pt.phys_last)
		return error_why(why, -EINVAL, DMA_RULE_APERTURE, phys + (size - 1),
				 dev->domain->pt.phys_last);
	return 0;
}

IOMMU_SLOW dma_addr_t iommu_map_slow(struct dma_device *dev, phys_addr_t phys, size_t size,
				     enum dma_data_direction dir, unsigned long attrs,
				     enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, dma_op_of(origin), phys, size, dir, attrs);
	uint64_t off = phys & (PT_GRANULE - 1);
	struct run run = { .phys = phys - off,
			   .len = bits_align_up(off + size, PT_GRANULE),
			   .prot = iommu_prot(dev->coherent, dir, attrs) };
	struct domain_slot *ds;
	struct dma_slot *slot;

	if (iommu_check_range(dev, phys, size, dir, attrs, &why) != 0)
		goto fail;
	ds = iommu_enter(dev->domain, &slot, &why);
	if (ds == NULL)
		goto fail;
	if (iommu_map_run(dev, slot, ds, &run, &why) != 0) {
		dma_slot_leave(slot);
		goto fail;
	}
	dma_slot_leave(slot);
	if (!dev->coherent && iommu_cleans(attrs))
		dev->platform->cache_clean(dev->platform, phys, size);
	return run.iova + off;
fail:
	dma_fail(&why);
	return DMA_MAPPING_ERROR;
}

/* Words of granule entries, grouped or not; those of blocks are not needed. */
ALWAYS_INLINE struct pt_prot iommu_page_words(bool coherent, enum dma_data_direction dir)
{
	struct pt_prot prot;

	prot.page = iommu_word(coherent, dir) | PT_MORE;
	prot.word[0][0] = prot.page;
	prot.word[0][1] = prot.page | (pt_fmt_word(0, 0, true) ^ pt_fmt_word(0, 0, false));
	return prot;
}

/* Some granules that need no phase; inside one table that is known, or the slow way. */
IOMMU_SLOW dma_addr_t iommu_map_some(struct dma_device *dev, phys_addr_t phys, size_t size,
				     enum dma_data_direction dir, unsigned long attrs,
				     enum dma_origin origin)
{
	struct dma_domain *dom = dev->domain;
	uint64_t off = phys & (PT_GRANULE - 1);
	uint64_t len = bits_align_up(off + size, PT_GRANULE);
	struct domain_slot *ds = NULL;
	struct dma_slot *slot = NULL;
	struct iova_entry e;
	struct pt_prot prot;
	pt_word_t *at = NULL;

	if ((attrs & IOMMU_ATTRS_SPECIAL) == 0 && len < (UINT32_C(1) << IOMMU_PHASE_LG2) &&
	    phys + (size - 1) <= dom->pt.phys_last && !dma_shares_line(dev, phys, size, dir, attrs))
		slot = dma_slot_enter();
	if (slot != NULL) {
		ds = domain_slot(dom, slot);
		if (ds != NULL)
			at = iommu_take(dev, ds, (uint32_t)(len >> PT_GRANULE_LG2), &e);
		if (at == NULL)
			dma_slot_leave(slot);
	}
	if (at == NULL)
		return iommu_map_slow(dev, phys, size, dir, attrs, origin);
	prot = dev->coherent ? iommu_page_words(true, dir) : iommu_page_words(false, dir);
	pt_write(&dom->pt, 0, ds->cursor.table, pt_index(e.iova, 0),
		 (uint32_t)(len >> PT_GRANULE_LG2), phys - off, &prot);
	pt_mark_mapping(at, at + (len >> PT_GRANULE_LG2) - 1);
	if (PT_NONCOHERENT(&dom->pt))
		pt_clean(&dom->pt, at, (uint32_t)(len >> PT_GRANULE_LG2));
	dma_wmb();
	dma_slot_leave(slot);
	if (!dev->coherent && iommu_cleans(attrs))
		dev->platform->cache_clean(dev->platform, phys, size);
	return e.iova + off;
}

ALWAYS_INLINE dma_addr_t iommu_map_phys(struct dma_device *dev, phys_addr_t phys, size_t size,
					enum dma_data_direction dir, unsigned long attrs,
					enum dma_origin origin, bool coherent)
{
	struct dma_domain *dom = dev->domain;
	uint64_t off = phys & (PT_GRANULE - 1);
	struct domain_slot *ds;
	struct dma_slot *slot;
	struct iova_entry e;

	if (unlikely(off + size > PT_GRANULE || (attrs & IOMMU_ATTRS_SPECIAL) != 0 ||
		     phys > dom->pt.phys_last))
		goto slow;
	if (!coherent && unlikely(dma_shares_line(dev, phys, size, dir, attrs)))
		goto slow;
	slot = dma_slot_enter();
	if (unlikely(slot == NULL))
		goto slow;
	ds = domain_slot(dom, slot);
	if (unlikely(ds == NULL || !iova_cache_alloc(&ds->iova, 1, dev->iova_last, &e)))
		goto leave;
	if (unlikely(e.tag == 0)) {
		domain_iova_free(dom, ds, e.iova, 1, 0);
		goto leave;
	}
	pt_set_leaf(&dom->pt, (pt_word_t *)(uintptr_t)e.tag, phys - off,
		    iommu_word(coherent, dir) | PT_FIRST);
	dma_slot_leave(slot);
	if (!coherent && iommu_cleans(attrs))
		dev->platform->cache_clean(dev->platform, phys, size);
	return e.iova + off;
leave:
	dma_slot_leave(slot);
slow:
	return iommu_map_some(dev, phys, size, dir, attrs, origin);
}

/* The strict second half of an unmap, of a size that the cache takes. */
ALWAYS_INLINE int iommu_put_cached(struct dma_domain *dom, struct domain_slot *ds,
				   const struct gather *gather, uint64_t iova, uint32_t nr,
				   uint64_t tag)
{
	int err = dom->tlb_sync(dom->hw, &dom->dom, gather);

	if (unlikely(err != 0))
		domain_lose(dom, iova, nr);
	else if (unlikely(!iova_cache_free(&ds->iova, nr, iova, tag)))
		iova_free(dom->iova, &ds->iova, iova, nr, tag);
	return err;
}

/* Invalidate or queue what @gather says, give the IOVA back. Inside the slot. */
static inline int iommu_put(struct dma_domain *dom, struct domain_slot *ds,
			    const struct gather *gather, uint64_t iova, uint64_t len)
{
	uint64_t nr = len >> PT_GRANULE_LG2;
	uint64_t tag = iommu_tag(dom, ds, iova);

	if (atomic_load_explicit(&dom->deferred, memory_order_relaxed))
		return domain_put_deferred(dom, ds, iova, nr, tag);
	if (unlikely(nr > IOVA_CACHE_MAX_NR))
		return domain_put_strict(dom, ds, gather, iova, nr, tag);
	return iommu_put_cached(dom, ds, gather, iova, (uint32_t)nr, tag);
}

/*
 * Not what a map returned (-ENOENT), or not as long as that (-EINVAL); nothing was changed. Unless
 * two contexts unmap the same at once: what is gone is gone for the hardware too, then; the IOVA is
 * nobody's.
 */
static inline int iommu_unmap_failed(struct dma_domain *dom, const struct gather *gather, int err,
				     uint64_t iova, uint64_t len, struct dma_error *why)
{
	int sync = 0;

	if (!gather_is_empty(gather))
		sync = dom->tlb_sync(dom->hw, &dom->dom, gather);
	if (sync != 0)
		return error_why_hw(why, sync);
	if (err == -ENOENT)
		return error_why(why, -EINVAL, DMA_RULE_NOT_MAPPED, 0, len);
	return error_why(why, -EINVAL, DMA_RULE_LENGTH, len, pt_mapping_bytes(&dom->pt, iova));
}

/* Remove what was mapped at once at @iova, all of it or nothing. */
static inline int iommu_unmap_range(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova,
				    uint64_t len, struct gather *gather)
{
	int err = pt_check_mapping(&dom->pt, iova, len);

	return err != 0 ? err : pt_unmap(&dom->pt, &ds->cursor, iova, len, gather);
}

IOMMU_SLOW void iommu_unmap_slow(struct dma_device *dev, dma_addr_t addr, size_t size,
				 enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_error why = iommu_error(dev, DMA_OP_UNMAP, addr, size, dir, attrs);
	struct dma_domain *dom = dev->domain;
	uint64_t off = addr & (PT_GRANULE - 1);
	uint64_t iova = addr - off;
	uint64_t len = bits_align_up(off + size, PT_GRANULE);
	bool inval = !dev->coherent && iommu_invalidates(dir, attrs);
	struct gather gather = GATHER_EMPTY;
	phys_addr_t phys = 0;
	struct domain_slot *ds;
	struct dma_slot *slot;
	int err = -ENOENT;

	ds = iommu_enter(dom, &slot, &why);
	if (ds == NULL) {
		dma_fail(&why);
		return;
	}
	/* A range that was mapped at once is contiguous: its first byte tells where. */
	if (addr + (size - 1) <= dom->pt.iova_last &&
	    (!inval || pt_iova_to_phys(&dom->pt, addr, &phys)))
		err = iommu_unmap_range(dom, ds, iova, len, &gather);
	if (err != 0)
		err = iommu_unmap_failed(dom, &gather, err, iova, len, &why);
	else
		err = error_why_hw(&why, iommu_put(dom, ds, &gather, iova, len));
	dma_slot_leave(slot);
	if (err != 0)
		dma_fail(&why);
	else if (inval)
		dev->platform->cache_inv(dev->platform, phys, size);
}

/*
 * Unmap, first half, of a range that lies in one table: cleared at once, or nothing is changed and
 * false returned.
 */
ALWAYS_INLINE bool iommu_clear(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova,
			       uint64_t len)
{
	uint32_t nr = (uint32_t)(len >> PT_GRANULE_LG2);
	uint32_t idx = pt_index(iova, 0);
	pt_word_t *table;

	if (unlikely(nr == 0 || !pt_ready(&dom->pt, &ds->cursor, iova, len)))
		return false;
	table = ds->cursor.table;
	if (unlikely(!pt_one_mapping(table + idx, nr)))
		return false;
	pt_clear(table + idx, nr);
	if (PT_NONCOHERENT(&dom->pt))
		pt_clean(&dom->pt, table + idx, nr);
	dma_wmb();
	return true;
}

/* Some granules in one table, on a device that snoops; or the slow way. */
IOMMU_SLOW void iommu_unmap_some(struct dma_device *dev, dma_addr_t addr, size_t size,
				 enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_domain *dom = dev->domain;
	uint64_t off = addr & (PT_GRANULE - 1);
	uint64_t iova = addr - off;
	uint64_t len = bits_align_up(off + size, PT_GRANULE);
	struct domain_slot *ds = NULL;
	struct dma_slot *slot = NULL;
	struct gather gather;
	int err;

	if (len <= (uint64_t)IOVA_CACHE_MAX_NR << PT_GRANULE_LG2)
		slot = dma_slot_enter();
	if (slot != NULL) {
		ds = domain_slot(dom, slot);
		if (ds == NULL || !iommu_clear(dom, ds, iova, len)) {
			dma_slot_leave(slot);
			slot = NULL;
		}
	}
	if (slot == NULL) {
		iommu_unmap_slow(dev, addr, size, dir, attrs);
		return;
	}
	gather = (struct gather){ .start = iova, .last = iova + (len - 1), .levels = 1 };
	err = iommu_put(dom, ds, &gather, iova, len);
	dma_slot_leave(slot);
	if (unlikely(err != 0))
		iommu_not_confirmed(dev, addr, size, dir, err);
}

/* One granule: clear @leaf, invalidate or queue. Inside the slot. */
ALWAYS_INLINE int iommu_unmap_leaf(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova,
				   pt_word_t *leaf)
{
	struct gather gather = { .start = iova, .last = iova + (PT_GRANULE - 1), .levels = 1 };

	if (atomic_load_explicit(&dom->deferred, memory_order_relaxed))
		return domain_put_deferred(dom, ds, iova, 1, (uintptr_t)leaf);
	return iommu_put_cached(dom, ds, &gather, iova, 1, (uintptr_t)leaf);
}

ALWAYS_INLINE void iommu_unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
				    enum dma_data_direction dir, unsigned long attrs, bool coherent)
{
	struct dma_domain *dom = dev->domain;
	uint64_t off = addr & (PT_GRANULE - 1);
	uint64_t iova = addr - off;
	phys_addr_t phys = 0;
	struct domain_slot *ds;
	struct dma_slot *slot;
	pt_word_t *leaf;
	int err;

	if (unlikely(off + size > PT_GRANULE))
		goto slow;
	slot = dma_slot_enter();
	if (unlikely(slot == NULL))
		goto slow;
	ds = domain_slot(dom, slot);
	if (unlikely(ds == NULL))
		goto leave;
	leaf = pt_leaf(&dom->pt, &ds->cursor, iova);
	if (unlikely(leaf == NULL))
		goto leave;
	if (!coherent)
		phys = pt_leaf_phys(0, pt_load(leaf), addr);
	if (unlikely(!pt_clear_mapping(&dom->pt, leaf)))
		goto leave;
	err = iommu_unmap_leaf(dom, ds, iova, leaf);
	dma_slot_leave(slot);
	if (unlikely(err != 0))
		iommu_not_confirmed(dev, addr, size, dir, err);
	else if (!coherent && iommu_invalidates(dir, attrs))
		dev->platform->cache_inv(dev->platform, phys, size);
	return;
leave:
	dma_slot_leave(slot);
slow:
	if (coherent)
		iommu_unmap_some(dev, addr, size, dir, attrs);
	else
		iommu_unmap_slow(dev, addr, size, dir, attrs);
}

#endif
