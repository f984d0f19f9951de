/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of CPUs: bare metal with one context. A port with several CPUs replaces this header by one
 * that reads its CPU number and keeps interrupts and preemption out.
 */
#ifndef DMAMAP_ARCH_CONTEXT_SLOT_SELF_H
#define DMAMAP_ARCH_CONTEXT_SLOT_SELF_H

static inline struct dma_slot *dma_slot_self(void)
{
	return &dma_slots[0];
}

static inline struct dma_slot *dma_slot_attach_self(void)
{
	return &dma_slots[0];
}

/* Nothing to wait for: there is no other context. */
static inline void dma_slot_wait(void)
{
}

#endif
