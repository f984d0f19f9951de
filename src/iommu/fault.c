/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: the hardware's queue is copied into a bounded ring, which the user empties in its own
 * context (architecture.md, "The law of flow"). Lock: fault_ring.lock, a spin lock, also over the
 * drain of the hardware's queue; inside it dma_iommu.lock, to look a requester up.
 */
#include "iommu/iommu.h"

/* A device that faults without end must not keep the caller here for ever. */
#define MAX_DRAIN (4 * FAULT_RING_ENTRIES)

static struct dma_device *device_of(struct dma_iommu *iommu, uint32_t requester)
{
	struct dma_platform *p = iommu->hw.platform;
	struct dma_device *dev = NULL;

	p->spin_lock(p, &iommu->lock);
	for (struct dma_group *g = iommu->groups; g != NULL && dev == NULL; g = g->next) {
		if (g->requester == requester)
			dev = g->devices;
	}
	p->spin_unlock(p, &iommu->lock);
	return dev;
}

/* A full ring keeps the oldest: they are nearest to the cause. */
static void drain(struct dma_iommu *iommu, struct fault_ring *ring)
{
	struct dma_fault fault;

	for (uint32_t i = 0; i < MAX_DRAIN; i++) {
		if (iommu->drv->next_fault(&iommu->hw, &fault) == 0)
			return;
		if (ring->nr == FAULT_RING_ENTRIES) {
			ring->lost++;
			continue;
		}
		ring->e[(ring->first + ring->nr++) % FAULT_RING_ENTRIES] = fault;
	}
}

int dma_fault_poll(struct dma_iommu *iommu, struct dma_fault *fault)
{
	struct dma_platform *p = iommu->hw.platform;
	struct fault_ring *ring = &iommu->faults;
	int found = 0;

	p->spin_lock(p, &ring->lock);
	if (iommu->drv->next_fault != NULL)
		drain(iommu, ring);
	if (ring->nr != 0) {
		*fault = ring->e[ring->first];
		ring->first = (ring->first + 1) % FAULT_RING_ENTRIES;
		ring->nr--;
		found = 1;
	}
	p->spin_unlock(p, &ring->lock);
	if (found != 0)
		fault->dev = device_of(iommu, fault->requester);
	return found;
}

uint64_t dma_fault_lost(struct dma_iommu *iommu)
{
	struct dma_platform *p = iommu->hw.platform;
	struct dma_iommu_counts counts = { 0 };
	uint64_t lost;

	if (iommu->drv->counts != NULL)
		iommu->drv->counts(&iommu->hw, &counts);
	p->spin_lock(p, &iommu->faults.lock);
	lost = iommu->faults.lost;
	p->spin_unlock(p, &iommu->faults.lock);
	return lost + counts.faults_lost;
}
