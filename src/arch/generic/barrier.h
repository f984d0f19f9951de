/* SPDX-License-Identifier: BSD-2-Clause */
/* Any other CPU: C11 fences, all of the strongest kind, since devices are no threads to C. */
#ifndef DMAMAP_ARCH_GENERIC_BARRIER_H
#define DMAMAP_ARCH_GENERIC_BARRIER_H

#include <stdatomic.h>

static inline void dma_wmb(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void dma_rmb(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void dma_mb(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

#endif
