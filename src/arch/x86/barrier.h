/* SPDX-License-Identifier: BSD-2-Clause */
/* x86: stores are seen in order, loads are done in order; only store-then-load needs a fence. */
#ifndef DMAMAP_ARCH_X86_BARRIER_H
#define DMAMAP_ARCH_X86_BARRIER_H

#include <stdint.h>

static inline void dma_wmb(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline void dma_rmb(void)
{
	__asm__ volatile("" ::: "memory");
}

/* A locked instruction on the stack, cheaper than mfence; no red zone is touched. */
static inline void dma_mb(void)
{
	uint32_t dummy = 0;

	__asm__ volatile("lock; addl $0, %0" : "+m"(dummy)::"memory", "cc");
}

#endif
