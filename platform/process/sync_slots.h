/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to make other threads pass a barrier, one by one, so that each can be tested. */
#ifndef DMAMAP_PLATFORM_PROCESS_SYNC_SLOTS_H
#define DMAMAP_PLATFORM_PROCESS_SYNC_SLOTS_H

#include <stdbool.h>

enum dma_process_barrier {
	DMA_PROCESS_BARRIER_EXPEDITED,
	DMA_PROCESS_BARRIER_GLOBAL,
	DMA_PROCESS_BARRIER_SWITCH,
};

/* What this kernel offers; chosen at the first call. */
enum dma_process_barrier dma_process_barrier_chosen(void);

/* False when the kernel refused. */
bool dma_process_barrier_run(enum dma_process_barrier how);

#endif
