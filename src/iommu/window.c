/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved regions of a domain: kept out of its IOVA space, and mapped one to one where the
 * firmware says that the device relies on it (rules.md IOM-12). Lock: the IOMMU's mutex.
 */
#include "iommu/iommu.h"

#include "core/assert.h"
#include "iommu/msi.h"

static int reserve(struct iova_space *space, uint64_t start, uint64_t last, struct dma_error *why)
{
	int err = iova_reserve(space, start, last);

	if (err == 0)
		return 0;
	why->addr = start;
	why->len = last - start + 1;
	if (err == -ENOMEM)
		return error_why(why, err, DMA_RULE_NO_META, 0, 0);
	/* -EAGAIN stays: caches may hold a part. */
	return error_why(why, err == -EAGAIN ? err : -EINVAL, DMA_RULE_OVERLAP, start, last + 1);
}

int domain_reserve_iova(struct dma_domain *dom, struct iova_space *space, struct dma_error *why)
{
	uint64_t granule = domain_granule(dom);
	int err = 0;

	for (uint32_t i = 0; i < dom->resv.nr && err == 0; i++) {
		const struct dma_resv_region *r = &dom->resv.regions[i];

		if (r->start <= dom->iova_last)
			err = reserve(space, r->start, resv_last(r), why);
	}
	for (const struct domain_msi *m = dom->msis; m != NULL && err == 0; m = m->next) {
		if (!m->windowed)
			err = reserve(space, m->iova, m->iova + (granule - 1), why);
	}
	return err;
}

/* Slots' caches hold free IOVA; what is in the way may be there. */
static int reserve_drained(struct dma_domain *dom, uint64_t start, uint64_t last,
			   struct dma_error *why)
{
	int err = reserve(dom->iova, start, last, why);

	if (err != -EAGAIN)
		return err;
	dma_slots_drain_begin(dom->platform, NULL);
	err = domain_flush_rings_drained(dom);
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds != NULL)
			iova_cache_flush(dom->iova, &ds->iova);
	}
	iova_depot_flush(dom->iova);
	if (err == 0)
		err = reserve(dom->iova, start, last, why);
	else
		err = error_why_hw(why, err);
	dma_slots_drain_end(dom->platform, NULL);
	return err == -EAGAIN ? -EINVAL : err;
}

static bool is_known(const struct dma_domain *dom, const struct dma_resv_region *r)
{
	const struct dma_resv_region *old = resv_find(&dom->resv, r->start, resv_last(r));

	return old != NULL && old->start <= r->start && resv_last(old) >= resv_last(r);
}

/* Nothing of the domain may live in @r; nothing will. */
static int keep_out(struct dma_domain *dom, const struct dma_resv_region *r, struct dma_error *why)
{
	struct run run;
	uint64_t last = bits_min(resv_last(r), dom->iova_last);

	if (r->start > dom->iova_last)
		return 0;
	if (dom->iova != NULL)
		return reserve_drained(dom, r->start, last, why);
	if (!is_known(dom, r) && pgtable_next_run(&dom->pt, r->start, last, &run) == 0) {
		why->addr = run.iova;
		why->len = run.len;
		return error_why(why, -EINVAL, DMA_RULE_OVERLAP, run.iova, resv_last(r) + 1);
	}
	return 0;
}

static int map_direct(struct dma_domain *dom, const struct dma_resv_region *r,
		      struct dma_error *why)
{
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct run run = { .iova = r->start, .phys = r->start, .len = r->len, .prot = r->prot };
	int err;

	if (resv_last(r) > dom->iova_last) {
		why->addr = r->start;
		return error_why(why, -EINVAL, DMA_RULE_APERTURE, resv_last(r), dom->iova_last);
	}
	err = domain_reserve_tables(dom, NULL, NULL, &run, 0, &rsv, why);
	if (err != 0)
		return err;
	pgtable_map(&dom->pt, &run, &rsv);
	pgtable_release(&dom->pt, &rsv);
	return 0;
}

/* Take the first @nr regions of @delta away again. */
static void unmap_direct(struct dma_domain *dom, const struct resv_list *delta, uint32_t nr)
{
	struct gather gather = GATHER_EMPTY;

	for (uint32_t i = 0; i < nr; i++) {
		const struct dma_resv_region *r = &delta->regions[i];

		if (resv_is_direct(r) && !is_known(dom, r)) {
			int err = pgtable_unmap(&dom->pt, r->start, r->len, &gather);

			DMA_ASSERT(err == 0);
			(void)err;
		}
	}
	/* Nobody gets this IOVA, so an invalidation that is not confirmed does no harm. */
	if (!gather_is_empty(&gather) && dom->tlb_sync(dom->hw, &dom->dom, &gather) != 0)
		dom->platform->log(dom->platform, DMA_LOG_WARN,
				   "iommu: a withdrawn direct region may still be cached");
}

/* Direct regions are mapped once: one that grows would be mapped twice in part. */
static int check_growth(const struct dma_domain *dom, const struct dma_resv_region *r,
			struct dma_error *why)
{
	const struct dma_resv_region *old = resv_find(&dom->resv, r->start, resv_last(r));

	if (!resv_is_direct(r) || old == NULL || is_known(dom, r))
		return 0;
	why->addr = r->start;
	why->len = r->len;
	return error_why(why, -EINVAL, DMA_RULE_OVERLAP, old->start, resv_last(old) + 1);
}

static int add_delta(struct dma_domain *dom, const struct resv_list *delta, struct dma_error *why)
{
	int err = 0;

	for (uint32_t i = 0; i < delta->nr && err == 0; i++) {
		err = check_growth(dom, &delta->regions[i], why);
		if (err == 0)
			err = keep_out(dom, &delta->regions[i], why);
	}
	for (uint32_t i = 0; i < delta->nr && err == 0; i++) {
		const struct dma_resv_region *r = &delta->regions[i];

		if (resv_is_direct(r) && !is_known(dom, r))
			err = map_direct(dom, r, why);
		if (err != 0)
			unmap_direct(dom, delta, i);
	}
	return err;
}

int domain_add_resv(struct dma_domain *dom, const struct dma_resv_region *regions, uint32_t nr,
		    struct dma_error *why)
{
	static const struct resv_list none;
	struct dma_platform *p = dom->platform;
	struct resv_list delta;
	struct resv_list all;
	int err;

	if (nr == 0)
		return 0;
	err = resv_merge(p, &none, regions, nr, dom->granule_lg2, &delta, why);
	if (err != 0)
		return err;
	err = resv_merge(p, &dom->resv, delta.regions, delta.nr, dom->granule_lg2, &all, why);
	if (err != 0)
		goto free_delta;
	err = add_delta(dom, &delta, why);
	if (err == 0) {
		resv_free(p, &dom->resv);
		dom->resv = all;
	} else {
		resv_free(p, &all);
	}
free_delta:
	resv_free(p, &delta);
	return err;
}
