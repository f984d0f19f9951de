/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Barriers between what the CPU writes to memory and what a device, or an IOMMU's table walker,
 * sees and does. dma_wmb(): earlier stores before later stores. dma_rmb(): earlier loads before
 * later loads. dma_mb(): everything before everything. Ordering of MMIO is the platform's
 * (mmio_write orders earlier stores to memory before the register).
 *
 * Threads among themselves use C11 atomics instead.
 */
#ifndef DMAMAP_ARCH_BARRIER_H
#define DMAMAP_ARCH_BARRIER_H

#if defined(__x86_64__) || defined(__i386__)
#include "arch/x86/barrier.h"
#elif defined(__aarch64__)
#include "arch/aarch64/barrier.h"
#elif defined(__arm__) && __ARM_ARCH >= 7
#include "arch/arm/barrier.h"
#elif defined(__riscv)
#include "arch/riscv/barrier.h"
#else
#include "arch/generic/barrier.h"
#endif

#endif
