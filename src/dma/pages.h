/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first two steps of an allocation, shared by the ops tables: take memory, map it for the CPU.
 * Not here: DMA addresses, and which memory type or mask a device needs.
 *
 * Lock: none; what a call returns belongs to the caller.
 */
#ifndef DMAMAP_DMA_PAGES_H
#define DMAMAP_DMA_PAGES_H

#include <dmamap/platform.h>

/**
 * struct pages_req - memory for one buffer
 * @len: bytes, a multiple of @block
 * @block: smallest contiguous and aligned piece that is useful: the CPU page, or the granule
 * @align: of a contiguous buffer; a power of two, at least @block
 * @last: highest phys allowed, inclusive
 * @contiguous: one piece, or fail
 * @single: do not look for pieces larger than @block
 * @linear: the CPU will use it at phys + linear_offset (contiguous or one block only)
 * @gfp: GFP_KERNEL or GFP_ATOMIC
 */
struct pages_req {
	uint64_t len;
	uint64_t block;
	uint64_t align;
	phys_addr_t last;
	bool contiguous;
	bool single;
	bool linear;
	gfp_t gfp;
};

/**
 * struct pages - memory of one buffer, as the platform gave it
 * @len: bytes
 * @nr_runs: blocks
 * @max_runs: room in @runs
 * @linear: the CPU reaches it at phys + linear_offset
 * @runs: the blocks in buffer order
 */
struct pages {
	uint64_t len;
	uint32_t nr_runs;
	uint32_t max_runs;
	bool linear;
	struct dma_phys_run *runs;
};

/*
 * Zeroed memory, high orders first. -ENOMEM: *rule tells no_memory (pages) or no_meta; nothing is
 * held then. @rule: enum dma_rule of the failure.
 */
DMA_MUST_CHECK int pages_take(struct dma_platform *p, const struct pages_req *req,
			      struct pages *pages, uint32_t *rule);
void pages_give(struct dma_platform *p, struct pages *pages);

/*
 * CPU address of the whole buffer with memory type @memtype; NULL when it cannot be mapped. Linear
 * memory is not mapped again when @memtype is WB.
 */
void *pages_cpu_map(struct dma_platform *p, const struct pages *pages, enum dma_memtype memtype);
void pages_cpu_unmap(struct dma_platform *p, const struct pages *pages, void *virt,
		     enum dma_memtype memtype);

/*
 * A CPU address that faults when it is used and differs between live objects: what
 * DMA_ATTR_NO_KERNEL_MAPPING returns. @key: address of metadata that lives as long as the buffer.
 */
void *pages_cookie(const void *key);

/*
 * The blocks that cover [@off, @off + @len) of the buffer as runs; returns how many, at most @max.
 */
uint32_t pages_slice(const struct pages *pages, uint64_t off, uint64_t len,
		     struct dma_phys_run *runs, uint32_t max);

#endif
