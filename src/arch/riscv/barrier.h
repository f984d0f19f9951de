/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V: memory and I/O, predecessor before successor. */
#ifndef DMAMAP_ARCH_RISCV_BARRIER_H
#define DMAMAP_ARCH_RISCV_BARRIER_H

static inline void dma_wmb(void)
{
	__asm__ volatile("fence ow, ow" ::: "memory");
}

static inline void dma_rmb(void)
{
	__asm__ volatile("fence ir, ir" ::: "memory");
}

static inline void dma_mb(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}

#endif
