/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching a group to a domain, and quarantine: what was live when a group left its DMA domain
 * stays as it is, out of everybody's use, until the devices are quiet (rules.md IOM-05,
 * architecture.md, "Contracts"). Lock: the IOMMU's mutex.
 */
#include "iommu/iommu.h"

/* What lies between the windows of a device is kept out of its IOVA. */
static uint32_t windows_complement(const struct dma_device *dev, uint64_t iova_last,
				   struct dma_resv_region *regions, uint32_t max)
{
	uint64_t from = 0;
	uint32_t nr = 0;

	while (nr < max && dev->nr_ranges != 0) {
		const struct dma_range *next = NULL;

		for (uint32_t i = 0; i < dev->nr_ranges; i++) {
			const struct dma_range *r = &dev->ranges[i];

			if (r->dma_start + (r->size - 1) >= from &&
			    (next == NULL || r->dma_start < next->dma_start))
				next = r;
		}
		if (next == NULL || next->dma_start > from)
			regions[nr++] = (struct dma_resv_region){
				.start = from,
				.len = (next == NULL ? iova_last + 1 : next->dma_start) - from,
				.type = DMA_RESV_RESERVED,
			};
		if (next == NULL || next->dma_start + (next->size - 1) >= iova_last)
			break;
		from = next->dma_start + next->size;
	}
	return nr;
}

/* Reserved regions that the devices of @group bring along become @dom's. */
static int add_regions(struct dma_group *group, struct dma_domain *dom, struct dma_error *why)
{
	struct dma_resv_region regions[DOMAIN_MAX_RESV];
	const struct dma_iommu_driver *drv = group->iommu->drv;
	uint32_t nr = 0;
	int err;

	if (drv->resv != NULL)
		nr = drv->resv(&group->iommu->hw, group->requester, regions, DOMAIN_MAX_RESV);
	err = domain_add_resv(dom, regions, nr < DOMAIN_MAX_RESV ? nr : DOMAIN_MAX_RESV, why);
	for (struct dma_device *dev = group->devices; dev != NULL && err == 0; dev = dev->next) {
		nr = windows_complement(dev, dom->iova_last, regions, DOMAIN_MAX_RESV);
		/* More windows than fit in one go: the tail must not become usable silently. */
		if (nr == DOMAIN_MAX_RESV)
			err = error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, dev->nr_ranges,
					DOMAIN_MAX_RESV - 1);
		else
			err = domain_add_resv(dom, regions, nr, why);
	}
	return err;
}

static int tell_driver(struct dma_group *group, struct dma_domain *dom, struct dma_error *why)
{
	struct dma_iommu *iommu = group->iommu;
	int err;

	/* Blocking is what safety rests on: it is not made to fail (IOM-02). */
	if (dom != iommu->blocked && iommu_inject(iommu->hw.platform))
		err = -ENOMEM;
	else
		err = iommu->drv->attach(&iommu->hw, &dom->dom, group->requester);
	return error_why_hw(why, err);
}

static int check_suits(const struct dma_group *group, const struct dma_domain *dom,
		       struct dma_error *why)
{
	if (dom->iommu != group->iommu)
		return error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, 0, 0);
	if (dom != group->iommu->blocked && (group->held != NULL || dom->holder != NULL))
		return error_why(why, -EBUSY, DMA_RULE_STATE, 0, 0);
	return 0;
}

/* @group is blocked, translated or let through by @dom from now on; the hardware knows. */
static void switch_to(struct dma_group *group, struct dma_domain *dom, bool hold)
{
	struct dma_domain *old = group->domain;

	old->nr_groups--;
	dom->nr_groups++;
	group->domain = dom;
	if (hold) {
		group->held = old;
		old->holder = group;
	}
	for (struct dma_device *dev = group->devices; dev != NULL; dev = dev->next)
		dev->domain = dom;
}

static int attach_locked(struct dma_group *group, struct dma_domain *dom, struct dma_error *why)
{
	struct dma_domain *old = group->domain;
	bool hold;
	int err;

	if (dom == old)
		return 0;
	err = check_suits(group, dom, why);
	if (err == 0 && domain_translates(dom))
		err = add_regions(group, dom, why);
	if (err != 0)
		return err;
	hold = old->nr_groups == 1 && domain_is_live(old);
	err = tell_driver(group, dom, why);
	if (err == 0)
		switch_to(group, dom, hold);
	return err;
}

int group_attach(struct dma_group *group, struct dma_domain *dom, struct dma_error *why)
{
	struct dma_platform *p = group->iommu->hw.platform;
	int err;

	p->mutex_lock(p, &group->iommu->mutex);
	err = attach_locked(group, dom, why);
	p->mutex_unlock(p, &group->iommu->mutex);
	return err;
}

int group_add_regions(struct dma_group *group, struct dma_error *why)
{
	struct dma_platform *p = group->iommu->hw.platform;
	int err = 0;

	p->mutex_lock(p, &group->iommu->mutex);
	if (domain_translates(group->domain))
		err = add_regions(group, group->domain, why);
	p->mutex_unlock(p, &group->iommu->mutex);
	return err;
}

int group_attach_own(struct dma_group *group, bool deferred, struct dma_error *why)
{
	struct dma_platform *p = group->iommu->hw.platform;
	bool made = group->own == NULL;
	int err = 0;

	p->mutex_lock(p, &group->iommu->mutex);
	if (made) {
		err = domain_new(group->iommu, DMA_DOMAIN_DMA, &group->own, why);
		if (err == 0)
			atomic_store_explicit(&group->own->deferred, deferred,
					      memory_order_relaxed);
	}
	if (err == 0)
		err = attach_locked(group, group->own, why);
	if (err != 0 && made && group->own != NULL) {
		domain_del(group->own);
		group->own = NULL;
	}
	p->mutex_unlock(p, &group->iommu->mutex);
	return err;
}

int group_quiesce(struct dma_group *group, struct dma_domain **dom)
{
	struct dma_platform *p = group->iommu->hw.platform;
	int err = 0;

	p->mutex_lock(p, &group->iommu->mutex);
	*dom = group->held;
	if (group->held != NULL)
		err = domain_reset(group->held);
	if (err == 0 && group->held != NULL) {
		group->held->holder = NULL;
		group->held = NULL;
	}
	p->mutex_unlock(p, &group->iommu->mutex);
	return err;
}
