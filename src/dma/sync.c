/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ownership to and fro (rules.md 2.5) without unmapping. A device that snoops, and nothing that
 * copies, needs none of it: one flag, read here.
 *
 * Lock: none; the mapping belongs to the caller.
 */
#include "core/assert.h"
#include "dma/dma.h"

static NOINLINE void sync_refused(struct dma_device *dev, dma_addr_t addr, uint64_t size,
				  enum dma_data_direction dir, enum dma_rule rule, uint64_t found,
				  uint64_t need)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_SYNC,
				 .err = -EINVAL,
				 .rule = rule,
				 .addr = addr,
				 .len = size,
				 .dir = dir,
				 .found = found,
				 .need = need };

	dma_fail(&err);
}

static bool args_ok(struct dma_device *dev, dma_addr_t addr, size_t size,
		    enum dma_data_direction dir)
{
	if (unlikely(!dma_dir_maps(dir))) {
		sync_refused(dev, addr, size, dir, DMA_RULE_DIRECTION, dir, DMA_FROM_DEVICE);
		return false;
	}
	/* As in unmap: DMA_MAPPING_ERROR is the last address, and is never mapped. */
	if (unlikely((uint64_t)size - 1 >= ~addr)) {
		sync_refused(dev, addr, size, dir, size == 0 ? DMA_RULE_LENGTH : DMA_RULE_OVERFLOW,
			     size, size == 0 ? 1 : 0 - addr);
		return false;
	}
	return true;
}

void dma_sync_single_for_cpu(struct dma_device *dev, dma_addr_t addr, size_t size,
			     enum dma_data_direction dir)
{
	if (args_ok(dev, addr, size, dir) && dev->need_sync)
		dev->ops.sync_for_cpu(dev, addr, DMA_PHYS_UNKNOWN, size, dir);
}

void dma_sync_single_for_device(struct dma_device *dev, dma_addr_t addr, size_t size,
				enum dma_data_direction dir)
{
	if (args_ok(dev, addr, size, dir) && dev->need_sync)
		dev->ops.sync_for_device(dev, addr, DMA_PHYS_UNKNOWN, size, dir);
}

/**
 * struct pieces - walks memory and DMA segments of a mapped list side by side
 * @mem: memory entry, @mem_done bytes of it are behind
 * @seg: DMA segment, @seg_done bytes of it are behind
 * @left: memory entries left, @mem included
 *
 * Merging joins entries in order, so both sides hold the same bytes in the same order.
 */
struct pieces {
	struct scatterlist *mem;
	struct scatterlist *seg;
	uint32_t mem_done;
	uint32_t seg_done;
	uint32_t left;
};

static bool next_piece(struct pieces *w, dma_addr_t *addr, phys_addr_t *phys, uint32_t *len)
{
	if (w->left == 0 || w->seg == NULL || w->seg->dma_length == 0)
		return false;
	*len = w->mem->length - w->mem_done;
	if (*len > w->seg->dma_length - w->seg_done)
		*len = w->seg->dma_length - w->seg_done;
	*addr = w->seg->dma_address + w->seg_done;
	*phys = w->mem->phys + w->mem_done;
	w->mem_done += *len;
	w->seg_done += *len;
	if (w->mem_done == w->mem->length) {
		w->mem = sg_next(w->mem);
		w->mem_done = 0;
		w->left = w->mem == NULL ? 0 : w->left - 1;
	}
	if (w->seg_done == w->seg->dma_length) {
		w->seg = sg_next(w->seg);
		w->seg_done = 0;
	}
	return true;
}

static bool list_ok(struct dma_device *dev, const struct scatterlist *sgl, int nents,
		    enum dma_data_direction dir)
{
	if (unlikely(!dma_dir_maps(dir))) {
		sync_refused(dev, 0, (uint32_t)nents, dir, DMA_RULE_DIRECTION, dir,
			     DMA_FROM_DEVICE);
		return false;
	}
	if (unlikely(sgl == NULL || nents < 1)) {
		sync_refused(dev, 0, (uint32_t)nents, dir, DMA_RULE_NENTS, (uint32_t)nents, 1);
		return false;
	}
	/* See sg.c: a debug build knows how many entries were mapped. */
	if (DMA_ASSERTS && sgl->spare != 0 && sgl->spare != (uint32_t)nents) {
		sync_refused(dev, 0, (uint32_t)nents, dir, DMA_RULE_NENTS, (uint32_t)nents,
			     sgl->spare);
		return false;
	}
	return true;
}

void dma_sync_sg_for_cpu(struct dma_device *dev, struct scatterlist *sgl, int nents,
			 enum dma_data_direction dir)
{
	struct pieces w = { .mem = sgl, .seg = sgl, .left = (uint32_t)nents };
	dma_addr_t addr;
	phys_addr_t phys;
	uint32_t len;

	if (!list_ok(dev, sgl, nents, dir) || !dev->need_sync)
		return;
	while (next_piece(&w, &addr, &phys, &len))
		dev->ops.sync_for_cpu(dev, addr, phys, len, dir);
}

void dma_sync_sg_for_device(struct dma_device *dev, struct scatterlist *sgl, int nents,
			    enum dma_data_direction dir)
{
	struct pieces w = { .mem = sgl, .seg = sgl, .left = (uint32_t)nents };
	dma_addr_t addr;
	phys_addr_t phys;
	uint32_t len;

	if (!list_ok(dev, sgl, nents, dir) || !dev->need_sync)
		return;
	while (next_piece(&w, &addr, &phys, &len))
		dev->ops.sync_for_device(dev, addr, phys, len, dir);
}

bool dma_need_sync(struct dma_device *dev, dma_addr_t addr)
{
	(void)addr;
	return dev->need_sync;
}

bool dma_dev_need_sync(const struct dma_device *dev)
{
	return dev->need_sync;
}
