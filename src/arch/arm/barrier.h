/* SPDX-License-Identifier: BSD-2-Clause */
/* ARMv7-A: outer shareable; there is no load-only form before ARMv8. */
#ifndef DMAMAP_ARCH_ARM_BARRIER_H
#define DMAMAP_ARCH_ARM_BARRIER_H

static inline void dma_wmb(void)
{
	__asm__ volatile("dmb oshst" ::: "memory");
}

static inline void dma_rmb(void)
{
	__asm__ volatile("dmb osh" ::: "memory");
}

static inline void dma_mb(void)
{
	__asm__ volatile("dmb osh" ::: "memory");
}

#endif
