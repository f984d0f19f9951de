/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of threads: a process. Reading the thread-local pointer is one load; claiming a slot at
 * the first call and giving it back when the thread ends is the platform's business
 * (platform/process/slot_thread.c sets and clears this pointer).
 */
#ifndef DMAMAP_ARCH_CONTEXT_SLOT_SELF_H
#define DMAMAP_ARCH_CONTEXT_SLOT_SELF_H

extern _Thread_local __attribute__((tls_model("initial-exec"))) struct dma_slot *dma_slot_of_thread;

static inline struct dma_slot *dma_slot_self(void)
{
	return dma_slot_of_thread;
}

/* Claims a slot for the calling thread and arranges its return at thread end; NULL: none left. */
struct dma_slot *dma_slot_attach_self(void);

/* Called between two looks at something another thread is about to change. */
void dma_slot_wait(void);

#endif
