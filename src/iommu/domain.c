/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: made, freed, emptied; the per-slot state; and map and unmap where the caller manages the
 * IOVA. Not here: reserved windows (window.c), invalidation (tlb.c), who is attached (attach.c).
 *
 * Lock: the IOMMU's mutex to make and free; none to map and unmap.
 */
#include "iommu/iommu.h"

#include "core/assert.h"
#include "iommu/msi.h"

struct pgtable_cfg domain_pt_cfg(const struct dma_iommu *iommu)
{
	const struct dma_iommu_hw *hw = &iommu->hw;

	/* VMSAv8-64 without LVA and LPA: 48 bits (DDI0487 D8.2). */
	return (struct pgtable_cfg){
		.platform = hw->platform,
		.ias_bits = hw->caps.ias_bits > 48 ? 48 : hw->caps.ias_bits,
		.oas_bits = hw->caps.oas_bits > 48 ? 48 : hw->caps.oas_bits,
		.coherent_walk = hw->caps.coherent_walk && !hw->desc.noncoherent_walk,
	};
}

/* Where failures are injected, an invalidation is a request that may fail, too. */
static int tlb_sync_or_inject(struct dma_iommu_hw *hw, struct dma_iommu_dom *hwdom,
			      const struct gather *gather)
{
	struct dma_domain *dom = container_of(hwdom, struct dma_domain, dom);

	if (iommu_inject(hw->platform))
		return -ETIMEDOUT;
	return dom->iommu->drv->tlb_sync(hw, hwdom, gather);
}

static int make_space(struct dma_domain *dom, struct iova_space **space, struct dma_error *why)
{
	struct dma_platform *p = dom->platform;
	struct iova_cfg cfg = {
		.platform = p,
		.start = domain_granule(dom),
		.last = dom->iova_last,
		.granule_lg2 = dom->granule_lg2,
		.span_lg2 = dom->iommu->span_lg2,
	};
	struct iova_space *s = p->meta_alloc(p, sizeof(*s), _Alignof(struct iova_space));
	int err;

	if (s == NULL)
		return error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*s));
	err = iova_space_init(s, &cfg);
	if (err == 0) {
		err = domain_reserve_iova(dom, s, why);
		if (err == 0) {
			*space = s;
			return 0;
		}
		iova_space_fini(s);
	} else {
		(void)error_why(why, err, DMA_RULE_NO_META, 0, 0);
	}
	p->meta_free(p, s, sizeof(*s));
	return err;
}

static void free_space(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;

	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds == NULL)
			continue;
		if (dom->iova != NULL)
			iova_cache_fini(&ds->iova);
		if (ds->ring != NULL)
			p->meta_free(p, ds->ring, sizeof(*ds->ring));
		p->meta_free(p, ds, sizeof(*ds));
		atomic_store_explicit(&dom->slots[i], NULL, memory_order_relaxed);
	}
	if (dom->iova == NULL)
		return;
	iova_space_fini(dom->iova);
	p->meta_free(p, dom->iova, sizeof(*dom->iova));
	dom->iova = NULL;
}

static void free_lost(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;

	while (dom->lost != NULL) {
		struct domain_lost *l = dom->lost;

		dom->lost = l->next;
		/* Tables that are in nobody's list go with the page table's memory. */
		p->meta_free(p, l, sizeof(*l));
	}
	atomic_store_explicit(&dom->nr_lost, 0, memory_order_relaxed);
}

static int make_table(struct dma_domain *dom, struct dma_error *why)
{
	struct pgtable_cfg cfg = domain_pt_cfg(dom->iommu);
	struct pgtable_info info;
	int err;

	err = pgtable_init(&dom->pt, pgtable_ops_of(dom->iommu->fmt), &cfg);
	if (err != 0) {
		dom->pt.ops = NULL; /* for domain_del() */
		return error_why(why, err, DMA_RULE_NO_TABLE, 0, 1);
	}
	pgtable_info(&dom->pt, &info);
	dom->dom.pt = info.pt;
	dom->iova_last = dom->pt.iova_last;
	return 0;
}

static int tell_driver(struct dma_domain *dom, struct dma_error *why)
{
	const struct dma_iommu_driver *drv = dom->iommu->drv;
	int err = -ENOMEM;

	if (!iommu_inject(dom->platform))
		err = drv->domain_init(dom->hw, &dom->dom);
	dom->ready = err == 0;
	return error_why_hw(why, err);
}

int domain_new(struct dma_iommu *iommu, enum dma_domain_type type, struct dma_domain **out,
	       struct dma_error *why)
{
	struct dma_platform *p = iommu->hw.platform;
	struct dma_domain *dom = p->meta_alloc(p, sizeof(*dom), _Alignof(struct dma_domain));
	int err = 0;

	if (dom == NULL)
		return error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*dom));
	dom->hw = &iommu->hw;
	dom->tlb_sync = p->inject != NULL ? tlb_sync_or_inject : iommu->drv->tlb_sync;
	dom->granule_lg2 = iommu->granule_lg2;
	dom->iommu = iommu;
	dom->platform = p;
	dom->dom.type = type;
	dom->iova_last = UINT64_MAX;
	if (domain_translates(dom))
		err = make_table(dom, why);
	if (err == 0)
		err = tell_driver(dom, why);
	if (err == 0 && type == DMA_DOMAIN_DMA)
		err = make_space(dom, &dom->iova, why);
	if (err == 0 && domain_translates(dom))
		err = domain_add_resv(dom, iommu->resv.regions, iommu->resv.nr, why);
	if (err != 0) {
		domain_del(dom);
		return err;
	}
	if (type != DMA_DOMAIN_BLOCKED || iommu->blocked != NULL) {
		dom->next = iommu->domains;
		iommu->domains = dom;
	}
	*out = dom;
	return 0;
}

/* Also what is left of a domain that domain_new() could not finish. */
void domain_del(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;

	DMA_ASSERT(dom->nr_groups == 0);
	for (struct dma_domain **at = &dom->iommu->domains; *at != NULL; at = &(*at)->next) {
		if (*at == dom) {
			*at = dom->next;
			break;
		}
	}
	if (dom->ready)
		dom->iommu->drv->domain_fini(dom->hw, &dom->dom);
	free_space(dom);
	free_lost(dom);
	domain_free_msis(dom);
	resv_free(p, &dom->resv);
	if (dom->pt.ops != NULL)
		pgtable_fini(&dom->pt);
	p->meta_free(p, dom, sizeof(*dom));
}

struct domain_slot *domain_slot_make(struct dma_domain *dom, const struct dma_slot *slot)
{
	struct dma_platform *p = dom->platform;
	struct domain_slot *ds = p->meta_alloc(p, sizeof(*ds), _Alignof(struct domain_slot));

	if (ds == NULL)
		return NULL;
	ds->cursor = PGTABLE_CURSOR_EMPTY;
	if (dom->iova != NULL)
		iova_cache_init(&ds->iova, dom->iova);
	/* Release: dma_poll() of another slot looks at oldest_ns. */
	atomic_store_explicit(&dom->slots[slot->idx], ds, memory_order_release);
	return ds;
}

/* What is mapped for ever: direct regions and doorbells. @last: end of the run that is not. */
static bool stays_mapped(struct dma_domain *dom, uint64_t start, uint64_t *last)
{
	const struct dma_resv_region *r = resv_find(&dom->resv, start, *last);

	if (r == NULL)
		return domain_msi_at(dom, start, last);
	if (r->start > start) {
		*last = r->start - 1;
		return domain_msi_at(dom, start, last);
	}
	*last = bits_min(*last, resv_last(r));
	return resv_is_direct(r) || domain_msi_at(dom, start, last);
}

static void unmap_all(struct dma_domain *dom)
{
	struct gather gather = GATHER_EMPTY;
	struct run run;
	uint64_t iova = 0;

	while (pgtable_next_run(&dom->pt, iova, dom->iova_last, &run) == 0) {
		uint64_t last = run.iova + (run.len - 1);

		if (!stays_mapped(dom, run.iova, &last)) {
			int err = pgtable_unmap(&dom->pt, run.iova, last - run.iova + 1, &gather);

			DMA_ASSERT(err == 0);
			(void)err;
		}
		if (last == dom->iova_last)
			break;
		iova = last + 1;
	}
}

/*
 * The IOVA space is replaced whole, because nobody knows any more what was handed out in which
 * pieces. The new one is complete before anything changes.
 */
int domain_reset(struct dma_domain *dom)
{
	struct dma_error why = { 0 };
	struct iova_space *space;
	int err;

	err = make_space(dom, &space, &why);
	if (err != 0)
		return err;
	dma_slots_drain_begin(dom->platform, NULL);
	unmap_all(dom);
	err = domain_sync_all(dom);
	if (err == 0) {
		free_space(dom);
		free_lost(dom);
		dom->iova = space;
		dom->nr_msi_iova = 0;
	}
	dma_slots_drain_end(dom->platform, NULL);
	if (err != 0) {
		iova_space_fini(space);
		dom->platform->meta_free(dom->platform, space, sizeof(*space));
	}
	return err;
}

int dma_domain_alloc(struct dma_iommu *iommu, enum dma_domain_type type, struct dma_domain **dom)
{
	struct dma_error why = { .op = DMA_OP_DEVICE };
	struct dma_platform *p = iommu->hw.platform;
	int err;

	if ((uint32_t)type > DMA_DOMAIN_UNMANAGED)
		err = error_why(&why, -EINVAL, DMA_RULE_UNSUPPORTED, type, DMA_DOMAIN_UNMANAGED);
	else {
		p->mutex_lock(p, &iommu->mutex);
		err = domain_new(iommu, type, dom, &why);
		p->mutex_unlock(p, &iommu->mutex);
	}
	if (err != 0)
		dma_error_record(NULL, &why);
	return err;
}
