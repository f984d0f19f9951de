/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: what one execution context owns. The owner works between dma_slot_enter() and
 * dma_slot_leave() with plain loads and stores; whoever must reach into foreign slots drains
 * them (docs/design/fast-path.md, "Slots"). Slots are numbered process-wide and static, so the
 * fast path finds its own with one thread-local load and no atomic read-modify-write.
 */
#ifndef DMAMAP_CORE_SLOT_H
#define DMAMAP_CORE_SLOT_H

#include <stdatomic.h>

#include <dmamap/fault.h>
#include <dmamap/platform.h>

#include "core/bits.h"

#ifndef DMA_NR_SLOTS
#define DMA_NR_SLOTS 64
#endif
#define DMA_NR_ERRORS 4

/**
 * struct dma_slot - one execution context
 * @busy: 1 while the owner is inside; written by the owner only
 * @drain: non-zero while somebody else wants in; the owner waits outside
 * @idx: index of the slot, 0 .. DMA_NR_SLOTS - 1
 * @claimed: a context owns this slot
 * @nr_errors: failures recorded since the slot was claimed
 * @errors: the last four failures, newest at (nr_errors - 1) % 4
 */
struct dma_slot {
	_Alignas(128) _Atomic uint32_t busy;
	_Atomic uint32_t drain;
	uint32_t idx;
	_Atomic uint32_t claimed;
	uint32_t nr_errors;
	struct dma_error errors[DMA_NR_ERRORS];
};

extern struct dma_slot dma_slots[DMA_NR_SLOTS];

/* Chosen by the build: src/arch/context/thread (thread-local) or .../cpu (one per CPU). */
#include "slot_self.h"

/* Waits out a drain, or claims a slot for this context; NULL when all slots are taken. */
struct dma_slot *dma_slot_enter_slow(struct dma_slot *slot);

/* Claim a free slot (NULL: none left); give it back. For the context layer only. */
struct dma_slot *dma_slot_claim(void);
void dma_slot_release(struct dma_slot *slot);

/*
 * NULL only when every slot is taken. The relaxed store of busy and the load of drain may pass
 * each other; the drainer's sync_slots() between its store of drain and its load of busy closes
 * that window, so no fence is needed here.
 */
static inline struct dma_slot *dma_slot_enter(void)
{
	struct dma_slot *slot = dma_slot_self();

	if (unlikely(slot == NULL))
		return dma_slot_enter_slow(NULL);
	atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(atomic_load_explicit(&slot->drain, memory_order_acquire) != 0))
		return dma_slot_enter_slow(slot);
	return slot;
}

static inline void dma_slot_leave(struct dma_slot *slot)
{
	atomic_store_explicit(&slot->busy, 0, memory_order_release);
}

/*
 * Keep every other context out and wait until those inside left; undo. Callers hold the lock
 * that serialises draining (one per process, taken inside) and must not be inside their own
 * slot while a second drainer may run: begin leaves it, end re-enters it.
 */
void dma_slots_drain_begin(struct dma_platform *p, struct dma_slot *self);
void dma_slots_drain_end(struct dma_platform *p, struct dma_slot *self);

/* Append a failure to the slot of this context; @slot may be NULL (then it is looked up). */
void dma_error_record(struct dma_slot *slot, const struct dma_error *err);
/* The failure that this context recorded last becomes @err: a caller tells it in its own words. */
void dma_error_replace(const struct dma_error *err);

/* Failures recorded in this context so far, modulo 2^32: did a call leave one? */
uint32_t dma_error_count(void);

/* Copy the newest failure of @dev (NULL: of any) in this context; false when none is kept. */
bool dma_error_newest(const struct dma_device *dev, struct dma_error *err);

#endif
