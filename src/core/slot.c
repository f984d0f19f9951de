/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: claiming, waiting, draining and the failure records (slot.h; docs/design/fast-path.md,
 * "Slots"). Not here: how a context finds its own slot (src/arch/context) and when it gives it
 * back (platform). Locks: the drain lock and the lock of the shared failure record, both words of
 * this file, held for a few stores or one drain.
 */
#include "core/slot.h"

#include "core/assert.h"

struct dma_slot dma_slots[DMA_NR_SLOTS];

/* One drainer per process. A platform's lock would not do: several platforms share the slots. */
static _Atomic uint32_t drain_lock;

/* Failures of contexts that found no slot: shared, so only the newest few of all of them. */
static struct {
	_Atomic uint32_t lock;
	uint32_t nr_errors;
	struct dma_error errors[DMA_NR_ERRORS];
} overflow;

struct dma_slot *dma_slot_claim(void)
{
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		struct dma_slot *slot = &dma_slots[i];
		uint32_t expected = 0;

		if (atomic_load_explicit(&slot->claimed, memory_order_relaxed) != 0)
			continue;
		/* Acquire: what the last owner left in its caches is ours now. */
		if (!atomic_compare_exchange_strong_explicit(&slot->claimed, &expected, 1,
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		slot->idx = i;
		slot->nr_errors = 0;
		return slot;
	}
	return NULL;
}

void dma_slot_release(struct dma_slot *slot)
{
	DMA_ASSERT(atomic_load_explicit(&slot->busy, memory_order_relaxed) == 0);
	atomic_store_explicit(&slot->claimed, 0, memory_order_release);
}

struct dma_slot *dma_slot_enter_slow(struct dma_slot *slot)
{
	if (slot == NULL)
		slot = dma_slot_attach_self();
	if (slot == NULL)
		return NULL;
	for (;;) {
		atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&slot->drain, memory_order_acquire) == 0)
			return slot;
		atomic_store_explicit(&slot->busy, 0, memory_order_release);
		while (atomic_load_explicit(&slot->drain, memory_order_relaxed) != 0)
			dma_slot_wait();
	}
}

/* Unclaimed slots too: a context that claims one while the drain lasts has to wait as well. */
static void set_drain(const struct dma_slot *self, uint32_t drain)
{
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		if (&dma_slots[i] != self)
			atomic_store_explicit(&dma_slots[i].drain, drain, memory_order_release);
	}
}

void dma_slots_drain_begin(struct dma_platform *p, struct dma_slot *self)
{
	/* Outside while waiting: another drainer may be waiting for this very slot. */
	if (self != NULL)
		dma_slot_leave(self);
	while (atomic_exchange_explicit(&drain_lock, 1, memory_order_acquire) != 0)
		p->relax(p);
	set_drain(self, 1);
	p->sync_slots(p);
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		while (&dma_slots[i] != self &&
		       atomic_load_explicit(&dma_slots[i].busy, memory_order_acquire) != 0)
			p->relax(p);
	}
}

void dma_slots_drain_end(struct dma_platform *p, struct dma_slot *self)
{
	(void)p;
	set_drain(self, 0);
	/* Inside again before the next drainer can start: it will see busy and wait. */
	if (self != NULL)
		atomic_store_explicit(&self->busy, 1, memory_order_relaxed);
	atomic_store_explicit(&drain_lock, 0, memory_order_release);
}

static void overflow_lock(void)
{
	while (atomic_exchange_explicit(&overflow.lock, 1, memory_order_acquire) != 0)
		dma_slot_wait();
}

static void overflow_unlock(void)
{
	atomic_store_explicit(&overflow.lock, 0, memory_order_release);
}

/* The slot of this context, claimed if need be; NULL when all are taken. */
static struct dma_slot *slot_of_context(void)
{
	struct dma_slot *slot = dma_slot_self();

	return slot != NULL ? slot : dma_slot_attach_self();
}

void dma_error_record(struct dma_slot *slot, const struct dma_error *err)
{
	if (slot == NULL)
		slot = slot_of_context();
	if (slot != NULL) {
		slot->errors[slot->nr_errors++ % DMA_NR_ERRORS] = *err;
		return;
	}
	overflow_lock();
	overflow.errors[overflow.nr_errors++ % DMA_NR_ERRORS] = *err;
	overflow_unlock();
}

void dma_error_replace(const struct dma_error *err)
{
	struct dma_slot *slot = slot_of_context();

	if (slot != NULL) {
		slot->errors[(slot->nr_errors - 1) % DMA_NR_ERRORS] = *err;
		return;
	}
	overflow_lock();
	overflow.errors[(overflow.nr_errors - 1) % DMA_NR_ERRORS] = *err;
	overflow_unlock();
}

/* The newest of the kept records that is of @dev (NULL: any). */
static bool newest_of(const struct dma_error *errors, uint32_t nr_errors,
		      const struct dma_device *dev, struct dma_error *err)
{
	for (uint32_t i = 0; i < DMA_NR_ERRORS && i < nr_errors; i++) {
		const struct dma_error *e = &errors[(nr_errors - 1 - i) % DMA_NR_ERRORS];

		if (dev == NULL || e->dev == dev) {
			*err = *e;
			return true;
		}
	}
	return false;
}

uint32_t dma_error_count(void)
{
	const struct dma_slot *slot = slot_of_context();
	uint32_t nr;

	if (slot != NULL)
		return slot->nr_errors;
	overflow_lock();
	nr = overflow.nr_errors;
	overflow_unlock();
	return nr;
}

bool dma_error_newest(const struct dma_device *dev, struct dma_error *err)
{
	const struct dma_slot *slot = slot_of_context();
	bool found;

	if (slot != NULL)
		return newest_of(slot->errors, slot->nr_errors, dev, err);
	overflow_lock();
	found = newest_of(overflow.errors, overflow.nr_errors, dev, err);
	overflow_unlock();
	return found;
}
