/* SPDX-License-Identifier: BSD-2-Clause */
/* In front of the test copies of the drivers: calls that planted_video_test.c may spoil. */
#ifndef DMAMAP_TESTS_TOOL_PLANTED_DRV_H
#define DMAMAP_TESTS_TOOL_PLANTED_DRV_H

#include <dmamap/dma-mapping.h>
#include <dmamap/io.h>

int planted_set_mask(struct dma_device *dev, uint64_t mask);
int planted_map_sgtable(struct dma_device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			unsigned long attrs);
int planted_map_user(struct dma_device *dev, struct dma_as *as, uint64_t uaddr, uint64_t len,
		     enum dma_data_direction dir, unsigned long attrs, struct dma_user_map **map);
uint32_t planted_readl(struct dma_platform *p, uint64_t addr);
void planted_writel(struct dma_platform *p, uint64_t addr, uint32_t value);

#ifndef PLANTED_ORIGINALS
#define dma_set_mask_and_coherent planted_set_mask
#define dma_map_sgtable planted_map_sgtable
#define dma_map_user planted_map_user
#define dma_readl planted_readl
#define dma_writel planted_writel
#endif

#endif
