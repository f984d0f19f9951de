/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call does when IOVA or table memory is out, and how caches are given back
 * (docs/design/fast-path.md, "Table lifetime", "Exhaustion"). Lock: none of its own; it drains
 * slots.
 */
#include "iommu/iommu.h"

#define SPANS_AT_A_TIME 16u

static int refuse_iova(struct dma_domain *dom, const struct iova_req *req, int err,
		       struct dma_error *why)
{
	struct iova_stats st;

	if (err == -ENOMEM)
		return error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, 0);
	if (err == -EINVAL)
		return error_why(why, -EINVAL, DMA_RULE_ALIGN, req->align_lg2, req->phase_lg2);
	/* Holes are known for the whole space only; below a mask it is enough that none suits. */
	iova_stats(dom->iova, &st);
	return error_why(why, -ENOMEM, DMA_RULE_NO_IOVA,
			 req->last < dom->iova_last ? 0 : st.largest_hole << dom->granule_lg2,
			 req->nr << dom->granule_lg2);
}

/* Every slot is out: what waits for an invalidation becomes free, if the hardware confirms. */
static bool settle_drained(struct dma_domain *dom)
{
	return domain_flush_rings_drained(dom) == 0 && domain_recover_lost(dom) == 0;
}

static int alloc_drained(struct dma_domain *dom, struct domain_slot *ds, const struct iova_req *req,
			 struct iova_entry *e)
{
	struct iova_req again = *req;

	again.flags |= IOVA_DRAINED;
	/* Unconfirmed: what the rings hold stays out of use, the rest may still do. */
	settle_drained(dom);
	return iova_alloc(dom->iova, &ds->iova, &again, e);
}

int domain_iova_alloc(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
		      const struct iova_req *req, struct iova_entry *e, struct dma_error *why)
{
	int err = iova_alloc(dom->iova, &ds->iova, req, e);

	if (err == 0)
		return 0;
	/* Own ring first: it costs one invalidation and disturbs nobody. */
	if (err != -EINVAL && ds->ring != NULL && ds->ring->nr != 0 &&
	    domain_flush_ring(dom, ds) == 0)
		err = iova_alloc(dom->iova, &ds->iova, req, e);
	if (err == -EAGAIN ||
	    (err == -ENOSPC && (domain_has_queued(dom) ||
				atomic_load_explicit(&dom->nr_lost, memory_order_relaxed) != 0))) {
		dma_slots_drain_begin(dom->platform, slot);
		err = alloc_drained(dom, ds, req, e);
		dma_slots_drain_end(dom->platform, slot);
	}
	return err == 0 ? 0 : refuse_iova(dom, req, err, why);
}

/* Tables that were unlinked, and the spans above them, wait for a confirmed invalidation. */
static void lose_tables(struct dma_domain *dom, const struct iova_span *spans, uint32_t nr,
			struct pgtable_freelist *tables)
{
	struct dma_platform *p = dom->platform;

	for (uint32_t i = 0; i < nr || tables->nr != 0; i++) {
		struct domain_lost *l = p->meta_alloc(p, sizeof(*l), _Alignof(struct domain_lost));

		/* Without a note they are lost until the domain goes. */
		if (l == NULL)
			return;
		l->spans = true;
		if (i < nr) {
			l->iova = spans[i].start;
			l->nr = (spans[i].last - spans[i].start + 1) >> dom->granule_lg2;
			atomic_fetch_add_explicit(&dom->nr_lost, l->nr, memory_order_relaxed);
		}
		l->tables = *tables;
		*tables = (struct pgtable_freelist){ 0 };
		p->spin_lock(p, &dom->lock);
		l->next = dom->lost;
		dom->lost = l;
		p->spin_unlock(p, &dom->lock);
	}
}

/* Nobody can be handed the IOVA of @spans: unlink, invalidate, free. */
static bool retire_spans(struct dma_domain *dom, const struct iova_span *spans, uint32_t nr)
{
	struct gather gather = GATHER_EMPTY;
	struct pgtable_freelist tables = { 0 };
	bool any;

	for (uint32_t i = 0; i < nr; i++)
		pgtable_retire(&dom->pt, spans[i].start, spans[i].last - spans[i].start + 1,
			       &gather, &tables);
	any = tables.nr != 0;
	if (any && dom->tlb_sync(dom->hw, &dom->dom, &gather) != 0) {
		lose_tables(dom, spans, nr, &tables);
		return false;
	}
	pgtable_free_tables(&dom->pt, &tables);
	iova_give_back(dom->iova, spans, nr);
	return any;
}

static bool retire_free(struct dma_domain *dom)
{
	struct iova_span spans[SPANS_AT_A_TIME];
	uint64_t from = 0;
	bool any = false;

	while (from != UINT64_MAX) {
		uint32_t nr = iova_take_free_spans(dom->iova, &from, spans, SPANS_AT_A_TIME);

		if (nr != 0 && retire_spans(dom, spans, nr))
			any = true;
	}
	return any;
}

/*
 * The caller of an unmanaged domain keeps the IOVA: with all slots out nobody is between reserve
 * and commit, so every empty table may go. What serves [@keep, @keep_last] stays, if that is a
 * range.
 */
static bool retire_unmanaged(struct dma_domain *dom, uint64_t keep, uint64_t keep_last)
{
	struct gather gather = GATHER_EMPTY;
	struct pgtable_freelist tables = { 0 };
	bool any;

	if (keep > keep_last)
		pgtable_retire(&dom->pt, 0, dom->iova_last + 1, &gather, &tables);
	else if (keep != 0)
		pgtable_retire(&dom->pt, 0, keep, &gather, &tables);
	if (keep <= keep_last && keep_last < dom->iova_last)
		pgtable_retire(&dom->pt, keep_last + 1, dom->iova_last - keep_last, &gather,
			       &tables);
	any = tables.nr != 0;
	if (any && dom->tlb_sync(dom->hw, &dom->dom, &gather) != 0) {
		lose_tables(dom, NULL, 0, &tables);
		return false;
	}
	pgtable_free_tables(&dom->pt, &tables);
	return any;
}

static void flush_caches_drained(struct dma_domain *dom)
{
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds != NULL)
			iova_cache_flush(dom->iova, &ds->iova);
	}
	iova_depot_flush(dom->iova);
}

bool domain_reclaim_tables(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
			   const struct run *run)
{
	bool any = false;

	if (dom->iova != NULL) {
		iova_cache_flush(dom->iova, &ds->iova);
		iova_depot_flush(dom->iova);
		any = retire_free(dom);
	}
	if (any)
		return true;
	dma_slots_drain_begin(dom->platform, slot);
	if (dom->iova == NULL) {
		any = retire_unmanaged(dom, run->iova, run->iova + (run->len - 1));
	} else if (settle_drained(dom)) {
		flush_caches_drained(dom);
		any = retire_free(dom);
	}
	dma_slots_drain_end(dom->platform, slot);
	return any;
}

static int why_not_reserved(struct dma_domain *dom, const struct run *run, int err,
			    struct dma_error *why)
{
	switch (err) {
	case -ENOMEM:
		return error_why(why, err, DMA_RULE_NO_TABLE, 0, 1);
	case -EEXIST:
		return error_why(why, err, DMA_RULE_OVERLAP, run->iova, run->iova + run->len);
	case -ERANGE:
		return error_why(why, -EINVAL, DMA_RULE_APERTURE, run->phys + (run->len - 1),
				 dom->pt.phys_last);
	default:
		return error_why(why, err, DMA_RULE_GRANULE, run->len, domain_granule(dom));
	}
}

int domain_reserve_tables(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
			  const struct run *run, uint32_t flags, struct pgtable_reserve *rsv,
			  struct dma_error *why)
{
	int err = pgtable_reserve(&dom->pt, run, flags, rsv);

	if (err == -ENOMEM && slot != NULL && domain_reclaim_tables(dom, slot, ds, run))
		err = pgtable_reserve(&dom->pt, run, flags, rsv);
	if (err != 0)
		return why_not_reserved(dom, run, err, why);
	if (gather_is_empty(&rsv->gather))
		return 0;
	/* Break before make: nothing may be written above a table the walker still believes in. */
	err = dom->tlb_sync(dom->hw, &dom->dom, &rsv->gather);
	if (err == 0) {
		rsv->gather = GATHER_EMPTY;
		return 0;
	}
	lose_tables(dom, NULL, 0, &rsv->retired);
	rsv->retired = (struct pgtable_freelist){ 0 };
	rsv->gather = GATHER_EMPTY;
	return error_why_hw(why, err);
}

bool domain_is_live(struct dma_domain *dom)
{
	struct iova_stats st;

	if (dom->iova == NULL)
		return false;
	dma_slots_drain_begin(dom->platform, NULL);
	/* Unconfirmed IOVA counts as live: the device may still reach it. */
	settle_drained(dom);
	iova_stats(dom->iova, &st);
	dma_slots_drain_end(dom->platform, NULL);
	return st.live != dom->nr_msi_iova || domain_has_queued(dom);
}

static bool is_old(const struct domain_slot *ds, uint64_t now)
{
	uint64_t oldest = atomic_load_explicit(&ds->oldest_ns, memory_order_relaxed);

	return oldest != 0 && now - oldest > FLUSH_MAX_AGE_NS;
}

static void poll_own(struct dma_domain *dom, uint64_t now, struct dma_error *why)
{
	struct dma_slot *slot = dma_slot_enter();
	struct domain_slot *ds;
	int err = 0;

	if (slot == NULL)
		return;
	ds = domain_slot(dom, slot);
	if (ds != NULL && is_old(ds, now))
		err = domain_flush_ring(dom, ds);
	if (err != 0) {
		(void)error_why_hw(why, err);
		dma_error_record(slot, why);
	}
	dma_slot_leave(slot);
}

void domain_poll(struct dma_domain *dom)
{
	struct dma_error why = { .op = DMA_OP_UNMAP };
	struct dma_platform *p = dom->platform;
	bool old = false;
	uint64_t now;

	if (dom->iova == NULL || !domain_has_queued(dom))
		return;
	now = p->now_ns(p);
	poll_own(dom, now, &why);
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		old = old || (ds != NULL && is_old(ds, now));
	}
	/* The slot of a context that went away, or that unmaps no more. */
	if (old) {
		int err;

		dma_slots_drain_begin(p, NULL);
		err = domain_flush_rings_drained(dom);
		dma_slots_drain_end(p, NULL);
		if (err != 0) {
			(void)error_why_hw(&why, err);
			dma_error_record(NULL, &why);
		}
	}
}

/*
 * Spans that were used are all that the IOVA space gives back, and an upper table covers more than
 * them. It can only go when nobody has IOVA, also none between reserve and commit.
 */
static bool nothing_handed_out(struct dma_domain *dom)
{
	struct iova_stats st;

	iova_stats(dom->iova, &st);
	return st.live == 0;
}

void domain_trim(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;

	if (!domain_translates(dom))
		return;
	p->mutex_lock(p, &dom->iommu->mutex);
	dma_slots_drain_begin(p, NULL);
	if (dom->iova == NULL) {
		(void)retire_unmanaged(dom, 1, 0);
	} else {
		settle_drained(dom);
		flush_caches_drained(dom);
		(void)retire_free(dom);
		if (nothing_handed_out(dom))
			(void)retire_unmanaged(dom, 1, 0);
		iova_trim(dom->iova, NULL);
	}
	pgtable_trim(&dom->pt);
	dma_slots_drain_end(p, NULL);
	p->mutex_unlock(p, &dom->iommu->mutex);
}
