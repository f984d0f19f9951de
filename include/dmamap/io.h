/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register accesses for drivers: little-endian registers by physical address, through the platform.
 * A write is ordered after every earlier store to memory that the device may read; a read before
 * every later load of memory that the device wrote (the platform's mmio_read and mmio_write
 * guarantee it).
 */
#ifndef DMAMAP_IO_H
#define DMAMAP_IO_H

#include <dmamap/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t dma_readl(struct dma_platform *p, uint64_t addr)
{
	return (uint32_t)p->mmio_read(p, addr, 4);
}

static inline void dma_writel(struct dma_platform *p, uint64_t addr, uint32_t value)
{
	p->mmio_write(p, addr, 4, value);
}

static inline uint64_t dma_readq(struct dma_platform *p, uint64_t addr)
{
	return p->mmio_read(p, addr, 8);
}

static inline void dma_writeq(struct dma_platform *p, uint64_t addr, uint64_t value)
{
	p->mmio_write(p, addr, 8, value);
}

#ifdef __cplusplus
}
#endif
#endif
