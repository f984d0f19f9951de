/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every platform inside a process shares: the members of struct dma_platform that need
 * threads but no hardware, to be put into the table as they are. None of them looks at @p.
 */
#ifndef DMAMAP_PLATFORM_PROCESS_H
#define DMAMAP_PLATFORM_PROCESS_H

#include <dmamap/platform.h>

/* Locks: not recursive; the holder may be preempted, so waiters yield. */
DMA_API void dma_process_spin_lock(struct dma_platform *p, struct dma_lock *lock);
DMA_API void dma_process_spin_unlock(struct dma_platform *p, struct dma_lock *lock);
DMA_API void dma_process_mutex_lock(struct dma_platform *p, struct dma_lock *lock);
DMA_API void dma_process_mutex_unlock(struct dma_platform *p, struct dma_lock *lock);

/* Every other thread of the process has passed a full barrier when this returns. */
DMA_API void dma_process_sync_slots(struct dma_platform *p);

/* CLOCK_MONOTONIC in nanoseconds. */
DMA_API uint64_t dma_process_now_ns(struct dma_platform *p);

/* Lets another thread run. */
DMA_API void dma_process_relax(struct dma_platform *p);

#endif
