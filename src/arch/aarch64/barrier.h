/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64: outer shareable, because devices are outside the CPUs' inner domain. */
#ifndef DMAMAP_ARCH_AARCH64_BARRIER_H
#define DMAMAP_ARCH_AARCH64_BARRIER_H

static inline void dma_wmb(void)
{
	__asm__ volatile("dmb oshst" ::: "memory");
}

static inline void dma_rmb(void)
{
	__asm__ volatile("dmb oshld" ::: "memory");
}

static inline void dma_mb(void)
{
	__asm__ volatile("dmb osh" ::: "memory");
}

#endif
