/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invalidation, and where IOVA goes after it: back to the cache, or out of use when the hardware
 * did not confirm. Lock: dma_domain.lock over the list of what is lost.
 */
#include "iommu/iommu.h"

void domain_iova_free(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova, uint64_t nr,
		      uint64_t tag)
{
	if (nr > IOVA_CACHE_MAX_NR || !iova_cache_free(&ds->iova, (uint32_t)nr, iova, tag))
		iova_free(dom->iova, &ds->iova, iova, nr, tag);
}

int domain_put_strict(struct dma_domain *dom, struct domain_slot *ds, const struct gather *gather,
		      uint64_t iova, uint64_t nr, uint64_t tag)
{
	int err = dom->tlb_sync(dom->hw, &dom->dom, gather);

	if (err != 0) {
		domain_lose(dom, iova, nr);
		return err;
	}
	domain_iova_free(dom, ds, iova, nr, tag);
	return 0;
}

int domain_sync_all(struct dma_domain *dom)
{
	if (iommu_inject(dom->platform))
		return -ETIMEDOUT;
	return dom->iommu->drv->tlb_sync_all(dom->hw, &dom->dom);
}

void domain_lose(struct dma_domain *dom, uint64_t iova, uint64_t nr)
{
	struct dma_platform *p = dom->platform;
	struct domain_lost *l = p->meta_alloc(p, sizeof(*l), _Alignof(struct domain_lost));

	atomic_fetch_add_explicit(&dom->nr_lost, nr, memory_order_relaxed);
	/* Without a note it is lost until the domain goes. */
	if (l == NULL)
		return;
	l->iova = iova;
	l->nr = nr;
	p->spin_lock(p, &dom->lock);
	l->next = dom->lost;
	dom->lost = l;
	p->spin_unlock(p, &dom->lock);
}

static void give_back(struct dma_domain *dom, struct domain_lost *l)
{
	struct iova_span span = { .start = l->iova };

	atomic_fetch_sub_explicit(&dom->nr_lost, l->nr, memory_order_relaxed);
	if (!l->spans) {
		iova_free(dom->iova, NULL, l->iova, l->nr, 0);
		return;
	}
	pgtable_free_tables(&dom->pt, &l->tables);
	if (l->nr == 0)
		return;
	span.last = l->iova + ((l->nr << dom->granule_lg2) - 1);
	iova_give_back(dom->iova, &span, 1);
}

static struct domain_lost *take_list(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;
	struct domain_lost *list;

	p->spin_lock(p, &dom->lock);
	list = dom->lost;
	dom->lost = NULL;
	p->spin_unlock(p, &dom->lock);
	return list;
}

static void put_back(struct dma_domain *dom, struct domain_lost *list)
{
	struct dma_platform *p = dom->platform;
	struct domain_lost *end = list;

	while (end->next != NULL)
		end = end->next;
	p->spin_lock(p, &dom->lock);
	end->next = dom->lost;
	dom->lost = list;
	p->spin_unlock(p, &dom->lock);
}

/* Taken off first: what is lost during the invalidation (no slot is needed for it) waits on. */
int domain_recover_lost(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;
	struct domain_lost *list = take_list(dom);
	int err;

	if (list == NULL)
		return 0;
	err = domain_sync_all(dom);
	if (err != 0) {
		put_back(dom, list);
		return err;
	}
	while (list != NULL) {
		struct domain_lost *l = list;

		list = l->next;
		give_back(dom, l);
		p->meta_free(p, l, sizeof(*l));
	}
	return 0;
}
