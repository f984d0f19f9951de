/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doorbells: each page is mapped once per domain, in the SW_MSI window where there is one, else
 * anywhere in the IOVA space. Lock: the IOMMU's mutex.
 */
#include "iommu/msi.h"

#define MSI_PROT (DMA_PROT_WRITE | DMA_PROT_NOEXEC | DMA_PROT_MMIO)

static const struct dma_resv_region *find_type(const struct dma_domain *dom,
					       enum dma_resv_type type)
{
	for (uint32_t i = 0; i < dom->resv.nr; i++) {
		if (dom->resv.regions[i].type == type)
			return &dom->resv.regions[i];
	}
	return NULL;
}

/* Next page of the window: what is placed stays for ever, so counting is enough. */
static int place_in_window(struct dma_domain *dom, const struct dma_resv_region *window,
			   uint64_t *iova, struct dma_error *why)
{
	uint64_t used = 0;

	for (const struct domain_msi *m = dom->msis; m != NULL; m = m->next)
		used += m->windowed ? domain_granule(dom) : 0;
	if (used + domain_granule(dom) > window->len)
		return error_why(why, -ENOMEM, DMA_RULE_NO_IOVA, window->len,
				 used + domain_granule(dom));
	*iova = window->start + used;
	return 0;
}

static int place(struct dma_domain *dom, const struct dma_device *dev, struct domain_msi *msi,
		 struct dma_error *why)
{
	const struct dma_resv_region *window = find_type(dom, DMA_RESV_SW_MSI);
	struct iova_req req = { .nr = 1, .last = dev->iova_last, .flags = IOVA_NO_CACHE };
	struct iova_entry e;
	int err = -ENOSPC;

	msi->windowed = window != NULL;
	if (window != NULL)
		return place_in_window(dom, window, &msi->iova, why);
	if (dom->iova != NULL)
		err = iova_alloc(dom->iova, NULL, &req, &e);
	if (err != 0)
		return error_why(why, -ENOMEM, err == -ENOMEM ? DMA_RULE_NO_META : DMA_RULE_NO_IOVA,
				 0, domain_granule(dom));
	msi->iova = e.iova;
	dom->nr_msi_iova++;
	return 0;
}

static void unplace(struct dma_domain *dom, const struct domain_msi *msi)
{
	if (msi->windowed)
		return;
	iova_free(dom->iova, NULL, msi->iova, 1, 0);
	dom->nr_msi_iova--;
}

static int map_new(struct dma_domain *dom, const struct dma_device *dev, phys_addr_t page,
		   struct domain_msi **out, struct dma_error *why)
{
	struct dma_platform *p = dom->platform;
	struct domain_msi *msi = p->meta_alloc(p, sizeof(*msi), _Alignof(struct domain_msi));
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct run run = { .phys = page, .len = domain_granule(dom), .prot = MSI_PROT };
	int err;

	if (msi == NULL)
		return error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*msi));
	msi->phys = page;
	err = place(dom, dev, msi, why);
	if (err != 0)
		goto free_msi;
	run.iova = msi->iova;
	err = domain_reserve_tables(dom, NULL, NULL, &run, 0, &rsv, why);
	if (err != 0)
		goto undo_place;
	pgtable_map(&dom->pt, &run, &rsv);
	pgtable_release(&dom->pt, &rsv);
	msi->next = dom->msis;
	dom->msis = msi;
	*out = msi;
	return 0;
undo_place:
	unplace(dom, msi);
free_msi:
	p->meta_free(p, msi, sizeof(*msi));
	return err;
}

/* The doorbell as the device has to write it. */
static int find_or_map(struct dma_domain *dom, const struct dma_device *dev, phys_addr_t doorbell,
		       uint64_t *iova, struct dma_error *why)
{
	uint64_t mask = domain_granule(dom) - 1;
	const struct dma_resv_region *r = resv_find(&dom->resv, doorbell, doorbell);
	struct domain_msi *msi = dom->msis;
	int err = 0;

	/* The hardware takes messages in this window without translating them. */
	if (r != NULL && r->type == DMA_RESV_MSI) {
		*iova = doorbell;
		return 0;
	}
	while (msi != NULL && msi->phys != (doorbell & ~mask))
		msi = msi->next;
	if (msi == NULL)
		err = map_new(dom, dev, doorbell & ~mask, &msi, why);
	if (err == 0)
		*iova = msi->iova | (doorbell & mask);
	return err;
}

int dma_iommu_map_msi(struct dma_device *dev, phys_addr_t doorbell, uint64_t *iova)
{
	struct dma_error why = { .dev = dev, .op = DMA_OP_IOMMU_MAP, .addr = doorbell };
	struct dma_domain *dom = dev->domain;
	struct dma_platform *p = dev->platform;
	int err;

	if (dom == NULL || dom->dom.type == DMA_DOMAIN_IDENTITY) {
		*iova = doorbell;
		return 0;
	}
	p->mutex_lock(p, &dom->iommu->mutex);
	if (domain_translates(dom))
		err = find_or_map(dom, dev, doorbell, iova, &why);
	else
		err = error_why(&why, -ENOMEM, DMA_RULE_STATE, dom->dom.type, DMA_DOMAIN_DMA);
	p->mutex_unlock(p, &dom->iommu->mutex);
	if (err != 0)
		dma_error_record(NULL, &why);
	return err;
}

void domain_free_msis(struct dma_domain *dom)
{
	while (dom->msis != NULL) {
		struct domain_msi *m = dom->msis;

		dom->msis = m->next;
		dom->platform->meta_free(dom->platform, m, sizeof(*m));
	}
}

bool domain_msi_at(const struct dma_domain *dom, uint64_t start, uint64_t *last)
{
	uint64_t mask = domain_granule(dom) - 1;

	for (const struct domain_msi *m = dom->msis; m != NULL; m = m->next) {
		if (m->iova <= start && start <= (m->iova | mask)) {
			*last = bits_min(*last, m->iova | mask);
			return true;
		}
		if (m->iova > start && m->iova <= *last)
			*last = m->iova - 1;
	}
	return false;
}
