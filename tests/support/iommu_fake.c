/* SPDX-License-Identifier: BSD-2-Clause */
/* See iommu_fake.h. */
#include "tests/support/iommu_fake.h"

#include "core/bits.h"
#include "tests/support/check.h"

static struct iommu_fake *fake_of(const struct dma_iommu_hw *hw)
{
	return hw->priv;
}

static void lock(struct iommu_fake *fake)
{
	while (atomic_exchange_explicit(&fake->tlb_lock, 1, memory_order_acquire) != 0)
		dma_slot_wait();
}

static void unlock(struct iommu_fake *fake)
{
	atomic_store_explicit(&fake->tlb_lock, 0, memory_order_release);
}

static int fake_probe(struct dma_iommu_hw *hw)
{
	struct iommu_fake *fake = (struct iommu_fake *)(uintptr_t)hw->desc.mmio_base;

	if (fake == NULL)
		return -ENODEV;
	hw->priv = fake;
	hw->caps = (struct dma_iommu_caps){
		.granules = fake->granules != 0 ? fake->granules : 0x15000,
		.ias_bits = fake->ias_bits != 0 ? fake->ias_bits : 48,
		.oas_bits = fake->oas_bits != 0 ? fake->oas_bits : 48,
		.nr_domain_ids = fake->nr_domain_ids != 0 ? fake->nr_domain_ids : 64,
		.nr_requesters = FAKE_REQUESTERS,
		.coherent_walk = true,
		.range_inval = true,
	};
	return 0;
}

static void fake_remove(struct dma_iommu_hw *hw)
{
	assert_int_equal(fake_of(hw)->nr_domains, 0);
}

static int fake_domain_init(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct iommu_fake *fake = fake_of(hw);

	if (fake->nr_domains == hw->caps.nr_domain_ids)
		return -ENOSPC;
	fake->nr_domains++;
	dom->id = ++fake->next_id;
	return 0;
}

/* Of @dom: the pages from @first to @last. */
static void forget(struct iommu_fake *fake, uint32_t dom, uint64_t first, uint64_t last)
{
	if (fake->no_tlb)
		return;
	lock(fake);
	for (uint32_t i = 0; i < ARRAY_LEN(fake->tlb); i++) {
		struct fake_tlb_entry *e = &fake->tlb[i];

		if (e->used && e->dom == dom && e->page >= first && e->page <= last)
			e->used = false;
	}
	unlock(fake);
}

static void fake_domain_fini(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct iommu_fake *fake = fake_of(hw);

	for (uint32_t i = 0; i < FAKE_REQUESTERS; i++)
		assert_ptr_equal(fake->dom_of[i] == dom ? dom : NULL, NULL);
	forget(fake, dom->id, 0, UINT64_MAX);
	fake->nr_domains--;
}

static int fake_attach(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester)
{
	struct iommu_fake *fake = fake_of(hw);
	int err = dom->type == DMA_DOMAIN_BLOCKED ? fake->fail_block : fake->fail_attach;

	if (err != 0)
		return err;
	fake->nr_attaches++;
	fake->dom_of[requester] = dom->type == DMA_DOMAIN_BLOCKED ? NULL : dom;
	return 0;
}

static int fake_tlb_sync(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
			 const struct gather *gather)
{
	struct iommu_fake *fake = fake_of(hw);
	uint32_t lg2 = dom->pt.granule_lg2;

	atomic_fetch_add_explicit(&fake->nr_syncs, 1, memory_order_relaxed);
	if (fake->fail_sync != 0)
		return fake->fail_sync;
	if (!fake->no_tlb)
		fake->last = *gather;
	if (!gather_is_empty(gather))
		forget(fake, dom->id, gather->start >> lg2, gather->last >> lg2);
	return 0;
}

static int fake_tlb_sync_all(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct iommu_fake *fake = fake_of(hw);

	atomic_fetch_add_explicit(&fake->nr_sync_alls, 1, memory_order_relaxed);
	if (fake->fail_sync != 0)
		return fake->fail_sync;
	forget(fake, dom->id, 0, UINT64_MAX);
	return 0;
}

static int fake_next_fault(struct dma_iommu_hw *hw, struct dma_fault *fault)
{
	struct iommu_fake *fake = fake_of(hw);

	if (fake->nr_faults == 0)
		return 0;
	*fault = fake->faults[fake->first_fault];
	fake->first_fault = (fake->first_fault + 1) % FAKE_FAULTS;
	fake->nr_faults--;
	return 1;
}

static uint32_t fake_resv(struct dma_iommu_hw *hw, uint32_t requester,
			  struct dma_resv_region *regions, uint32_t max)
{
	struct iommu_fake *fake = fake_of(hw);
	uint32_t nr = fake->nr_resv < max ? fake->nr_resv : max;

	(void)requester;
	for (uint32_t i = 0; i < nr; i++)
		regions[i] = fake->resv[i];
	return nr;
}

static void fake_counts(struct dma_iommu_hw *hw, struct dma_iommu_counts *counts)
{
	struct iommu_fake *fake = fake_of(hw);

	counts->invalidations = fake->nr_syncs + fake->nr_sync_alls;
	counts->commands = counts->invalidations;
}

const struct dma_iommu_driver iommu_fake_driver = {
	.size = sizeof(struct dma_iommu_driver),
	.name = "fake",
	.probe = fake_probe,
	.remove = fake_remove,
	.domain_init = fake_domain_init,
	.domain_fini = fake_domain_fini,
	.attach = fake_attach,
	.tlb_sync = fake_tlb_sync,
	.tlb_sync_all = fake_tlb_sync_all,
	.next_fault = fake_next_fault,
	.resv = fake_resv,
	.counts = fake_counts,
};

struct dma_iommu *iommu_fake_open(struct iommu_fake *fake, struct dma_platform *p,
				  uint32_t granule_lg2)
{
	static const struct dma_iommu_driver *const drivers[] = { &iommu_fake_driver, NULL };
	struct dma_iommu_desc desc = { .mmio_base = (uintptr_t)fake, .granule_lg2 = granule_lg2 };
	struct dma_iommu *iommu = NULL;

	assert_ok(dma_iommu_open(p, drivers, &desc, &iommu));
	return iommu;
}

void iommu_fake_fault(struct iommu_fake *fake, uint32_t requester, uint64_t iova)
{
	struct dma_fault *f = &fake->faults[(fake->first_fault + fake->nr_faults) % FAKE_FAULTS];

	assert_true(fake->nr_faults < FAKE_FAULTS);
	*f = (struct dma_fault){ .requester = requester, .iova = iova };
	fake->nr_faults++;
}

static uint32_t slot_of(uint32_t dom, uint64_t page)
{
	uint64_t h = (page + dom) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> (64 - FAKE_TLB_LG2));
}

/* The entry, or where it goes; a full neighbourhood fails the test. */
static struct fake_tlb_entry *tlb_find(struct iommu_fake *fake, uint32_t dom, uint64_t page,
				       bool make)
{
	struct fake_tlb_entry *hole = NULL;

	for (uint32_t n = 0; n < 64; n++) {
		struct fake_tlb_entry *e =
			&fake->tlb[(slot_of(dom, page) + n) % ARRAY_LEN(fake->tlb)];

		if (e->used && e->dom == dom && e->page == page)
			return e;
		if (!e->used && hole == NULL)
			hole = e;
	}
	if (make && hole == NULL)
		fail_msg("the fake TLB is too small");
	return make ? hole : NULL;
}

static bool walk(struct dma_iommu_dom *hwdom, uint64_t iova, bool write, phys_addr_t *phys)
{
	struct dma_domain *dom = container_of(hwdom, struct dma_domain, dom);
	struct run run;

	if (hwdom->type == DMA_DOMAIN_IDENTITY) {
		*phys = iova;
		return true;
	}
	if (iova > dom->iova_last ||
	    pgtable_next_run(&dom->pt, iova & ~(domain_granule(dom) - 1), iova, &run) != 0)
		return false;
	*phys = run.phys + (iova - run.iova);
	return (run.prot & (write ? DMA_PROT_WRITE : DMA_PROT_READ)) != 0;
}

bool iommu_fake_access(struct iommu_fake *fake, uint32_t requester, uint64_t iova, bool write,
		       phys_addr_t *phys)
{
	struct dma_iommu_dom *dom = fake->dom_of[requester];
	uint32_t lg2;
	uint64_t mask;
	struct fake_tlb_entry *e;
	bool ok = false;

	if (dom != NULL) {
		lg2 = dom->type == DMA_DOMAIN_IDENTITY ? 12 : dom->pt.granule_lg2;
		mask = ((uint64_t)1 << lg2) - 1;
		lock(fake);
		e = tlb_find(fake, dom->id, iova >> lg2, false);
		if (e != NULL) {
			*phys = e->phys | (iova & mask);
			ok = true;
		} else if (walk(dom, iova, write, phys)) {
			e = tlb_find(fake, dom->id, iova >> lg2, true);
			*e = (struct fake_tlb_entry){ true, dom->id, iova >> lg2, *phys & ~mask };
			ok = true;
		}
		unlock(fake);
	}
	if (!ok)
		iommu_fake_fault(fake, requester, iova);
	return ok;
}

bool iommu_fake_caches(struct iommu_fake *fake, uint32_t requester, uint64_t iova, uint64_t len)
{
	const struct dma_iommu_dom *dom = fake->dom_of[requester];
	bool found = false;

	if (dom == NULL)
		return false;
	lock(fake);
	for (uint64_t page = iova >> dom->pt.granule_lg2;
	     page <= (iova + len - 1) >> dom->pt.granule_lg2; page++)
		found |= tlb_find(fake, dom->id, page, false) != NULL;
	unlock(fake);
	return found;
}
