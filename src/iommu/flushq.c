/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred invalidation: each slot queues what it unmapped in a ring of its own and invalidates the
 * whole domain once per ring (docs/design/fast-path.md, "Strict and deferred"). What is
 * queued is bounded by entries, bytes and age. Lock: none; a ring is its slot's, or a drainer's.
 */
#include "iommu/iommu.h"

#include "arch/barrier.h"

static struct flush_ring *make_ring(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;

	return p->meta_alloc(p, sizeof(struct flush_ring), _Alignof(struct flush_ring));
}

/* Everything in the ring was invalidated. */
static void release_ring(struct dma_domain *dom, struct domain_slot *ds)
{
	struct flush_ring *ring = ds->ring;

	for (uint32_t i = 0; i < ring->nr; i++)
		domain_iova_free(dom, ds, ring->e[i].iova, ring->e[i].nr, ring->e[i].tag);
	ring->nr = 0;
	ring->bytes = 0;
	atomic_store_explicit(&ds->oldest_ns, 0, memory_order_relaxed);
}

/* It was not, and the room is needed. */
static void lose_ring(struct dma_domain *dom, struct domain_slot *ds)
{
	struct flush_ring *ring = ds->ring;

	for (uint32_t i = 0; i < ring->nr; i++)
		domain_lose(dom, ring->e[i].iova, ring->e[i].nr);
	ring->nr = 0;
	ring->bytes = 0;
	atomic_store_explicit(&ds->oldest_ns, 0, memory_order_relaxed);
}

/*
 * The barrier stands between the clearing of all entries queued so far and the invalidation. The
 * owner queues nothing meanwhile, so what is in the ring afterwards was there before.
 */
int domain_flush_ring(struct dma_domain *dom, struct domain_slot *ds)
{
	int err;

	if (ds->ring == NULL || ds->ring->nr == 0)
		return 0;
	dma_mb();
	err = domain_sync_all(dom);
	if (err != 0)
		return err;
	atomic_fetch_add_explicit(&dom->nr_flushes, 1, memory_order_relaxed);
	release_ring(dom, ds);
	return 0;
}

int domain_flush_rings_drained(struct dma_domain *dom)
{
	int err;

	if (!domain_has_queued(dom))
		return 0;
	/* One invalidation for all: every owner left its slot, so all entries are cleared. */
	dma_mb();
	err = domain_sync_all(dom);
	if (err != 0)
		return err;
	atomic_fetch_add_explicit(&dom->nr_flushes, 1, memory_order_relaxed);
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds != NULL && ds->ring != NULL)
			release_ring(dom, ds);
	}
	return 0;
}

bool domain_has_queued(struct dma_domain *dom)
{
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct domain_slot *ds = atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds != NULL && atomic_load_explicit(&ds->oldest_ns, memory_order_relaxed) != 0)
			return true;
	}
	return false;
}

/* No ring to be had: as strict as can be. */
static int put_at_once(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova, uint64_t nr,
		       uint64_t tag)
{
	int err;

	dma_mb();
	err = domain_sync_all(dom);
	if (err == 0)
		domain_iova_free(dom, ds, iova, nr, tag);
	else
		domain_lose(dom, iova, nr);
	return err;
}

int domain_put_deferred(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova, uint64_t nr,
			uint64_t tag)
{
	struct flush_ring *ring = ds->ring;
	int err = 0;

	if (ring == NULL) {
		ring = make_ring(dom);
		if (ring == NULL)
			return put_at_once(dom, ds, iova, nr, tag);
		ds->ring = ring;
	}
	if (ring->nr == 0)
		atomic_store_explicit(&ds->oldest_ns, dom->platform->now_ns(dom->platform) | 1,
				      memory_order_relaxed);
	ring->e[ring->nr++] = (struct flush_entry){ .iova = iova, .nr = nr, .tag = tag };
	ring->bytes += nr << dom->granule_lg2;
	if (ring->nr == FLUSH_RING_ENTRIES || ring->bytes > FLUSH_MAX_BYTES) {
		err = domain_flush_ring(dom, ds);
		if (err != 0)
			lose_ring(dom, ds);
	}
	return err;
}

int dma_domain_set_deferred(struct dma_domain *dom, bool deferred)
{
	struct dma_error why = { .op = DMA_OP_IOMMU_UNMAP };
	struct dma_platform *p = dom->platform;
	int err = 0;

	if (dom->dom.type != DMA_DOMAIN_DMA) {
		err = error_why(&why, -EINVAL, DMA_RULE_UNSUPPORTED, dom->dom.type, DMA_DOMAIN_DMA);
		dma_error_record(NULL, &why);
		return err;
	}
	p->mutex_lock(p, &dom->iommu->mutex);
	if (atomic_exchange_explicit(&dom->deferred, deferred, memory_order_relaxed) && !deferred) {
		/*
		 * Whoever enters after the drain sees the new mode; nobody is inside with the old.
		 */
		dma_slots_drain_begin(p, NULL);
		err = domain_flush_rings_drained(dom);
		dma_slots_drain_end(p, NULL);
		if (err != 0)
			atomic_store_explicit(&dom->deferred, true, memory_order_relaxed);
	}
	p->mutex_unlock(p, &dom->iommu->mutex);
	if (err != 0) {
		(void)error_why_hw(&why, err);
		dma_error_record(NULL, &why);
	}
	return err;
}
