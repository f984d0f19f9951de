/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: devices that the IOMMU cannot tell apart, found by requester id (rules.md IOM-06). A
 * finder that knows aliases would map a requester to its group's here. Locks: the IOMMU's mutex for
 * every change, its spin lock around changes of the lists that the fault path reads.
 */
#include "iommu/iommu.h"

#include "core/assert.h"

static struct dma_group *find(struct dma_iommu *iommu, uint32_t requester)
{
	struct dma_group *g = iommu->groups;

	while (g != NULL && g->requester != requester)
		g = g->next;
	return g;
}

static int make(struct dma_iommu *iommu, uint32_t requester, struct dma_group **group,
		struct dma_error *why)
{
	struct dma_platform *p = iommu->hw.platform;
	struct dma_group *g;

	if (requester >= iommu->hw.caps.nr_requesters)
		return error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, requester,
				 iommu->hw.caps.nr_requesters - 1u);
	g = p->meta_alloc(p, sizeof(*g), _Alignof(struct dma_group));
	if (g == NULL)
		return error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*g));
	g->iommu = iommu;
	g->requester = requester;
	/* As probe left every requester. */
	g->domain = iommu->blocked;
	iommu->blocked->nr_groups++;
	p->spin_lock(p, &iommu->lock);
	g->next = iommu->groups;
	iommu->groups = g;
	p->spin_unlock(p, &iommu->lock);
	*group = g;
	return 0;
}

int group_join(struct dma_device *dev, struct dma_error *why)
{
	struct dma_iommu *iommu = dev->iommu;
	struct dma_platform *p = iommu->hw.platform;
	struct dma_group *g;
	int err = 0;

	p->mutex_lock(p, &iommu->mutex);
	g = find(iommu, dev->requester);
	if (g == NULL)
		err = make(iommu, dev->requester, &g, why);
	if (err == 0) {
		dev->group = g;
		dev->domain = g->domain;
		p->spin_lock(p, &iommu->lock);
		dev->next = g->devices;
		g->devices = dev;
		p->spin_unlock(p, &iommu->lock);
	}
	p->mutex_unlock(p, &iommu->mutex);
	return err;
}

static void unlink_group(struct dma_iommu *iommu, struct dma_group *group)
{
	struct dma_group **at = &iommu->groups;

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
}

static void unlink_device(struct dma_group *group, struct dma_device *dev)
{
	struct dma_device **at = &group->devices;

	while (*at != dev)
		at = &(*at)->next;
	*at = dev->next;
}

void group_leave(struct dma_device *dev)
{
	struct dma_group *g = dev->group;
	struct dma_iommu *iommu = g->iommu;
	struct dma_platform *p = iommu->hw.platform;
	bool last;

	p->mutex_lock(p, &iommu->mutex);
	p->spin_lock(p, &iommu->lock);
	unlink_device(g, dev);
	last = g->devices == NULL;
	if (last)
		unlink_group(iommu, g);
	p->spin_unlock(p, &iommu->lock);
	dev->group = NULL;
	dev->domain = NULL;
	dev->next = NULL;
	if (last) {
		DMA_ASSERT(g->domain == iommu->blocked && g->held == NULL);
		iommu->blocked->nr_groups--;
		if (g->own != NULL)
			domain_del(g->own);
		p->meta_free(p, g, sizeof(*g));
	}
	p->mutex_unlock(p, &iommu->mutex);
}
