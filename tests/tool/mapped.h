/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included in front of a test copy of the drivers: drivers that do map their buffers, and, where
 * the environment asks for it, write into them at each queued buffer. With them the summary of
 * dmamap pipeline must tell.
 */
#ifndef DMAMAP_TESTS_TOOL_MAPPED_H
#define DMAMAP_TESTS_TOOL_MAPPED_H

#include <stdlib.h>

#include <dmamap/dma-mapping.h>
#include <dmamap/io.h>

enum { MAPPED_MAX = 64, MAPPED_QUEUE = 0x4c };

static struct {
	volatile uint8_t *at[MAPPED_MAX];
	uint32_t nr;
} mapped;

static inline void *mapped_alloc(struct dma_device *dev, size_t size, dma_addr_t *addr, gfp_t gfp)
{
	void *cpu = dma_alloc_attrs(dev, size, addr, gfp, 0);

	if (cpu != NULL && mapped.nr < MAPPED_MAX)
		mapped.at[mapped.nr++] = cpu;
	return cpu;
}

/* The first byte of every buffer is written with what it holds. */
static inline void mapped_writel(struct dma_platform *p, uint64_t addr, uint32_t value)
{
	bool write = (addr & 0xfff) == MAPPED_QUEUE && getenv("DMAMAP_TEST_WRITE") != NULL;

	for (uint32_t i = 0; write && i < mapped.nr; i++)
		*mapped.at[i] = *mapped.at[i];
	dma_writel(p, addr, value);
}

#define dma_alloc_attrs(dev, size, addr, gfp, attrs) mapped_alloc(dev, size, addr, gfp)
#define dma_writel mapped_writel
#undef DMA_ATTR_NO_KERNEL_MAPPING
#define DMA_ATTR_NO_KERNEL_MAPPING 0ul

#endif
