/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of a buffer: high orders first, each block aligned to its size so that large leaf entries
 * fit; and its CPU mapping (pages.h). Freed block by block, as the platform gave it.
 */
#include "dma/pages.h"

#include <dmamap/fault.h>

#include "core/bits.h"
#include "core/mem.h"

/* Larger pieces do not help a leaf entry of any format, and are hard to find. */
#define PAGES_MAX_BLOCK ((uint64_t)4 << 20)
#define PAGES_FIRST_RUNS 16u

/* Room for one more block; runs stay one array, because cpu_map() wants one. */
static int runs_grow(struct dma_platform *p, struct pages *pages)
{
	uint32_t max = pages->max_runs == 0 ? PAGES_FIRST_RUNS : pages->max_runs * 2;
	struct dma_phys_run *runs;

	if (pages->nr_runs < pages->max_runs)
		return 0;
	runs = p->meta_alloc(p, max * sizeof(*runs), _Alignof(struct dma_phys_run));
	if (runs == NULL)
		return -ENOMEM;
	if (pages->runs != NULL) {
		memcpy(runs, pages->runs, pages->nr_runs * sizeof(*runs));
		p->meta_free(p, pages->runs, pages->max_runs * sizeof(*runs));
	}
	pages->runs = runs;
	pages->max_runs = max;
	return 0;
}

static uint32_t take_flags(const struct pages_req *req)
{
	return DMA_PAGES_ZERO | (req->linear ? DMA_PAGES_LINEAR : 0) |
	       ((req->gfp & GFP_ATOMIC) != 0 ? DMA_PAGES_ATOMIC : 0);
}

/* One block of at most *size, which shrinks to what could be had. */
static int take_block(struct dma_platform *p, const struct pages_req *req, uint64_t *size,
		      phys_addr_t *phys)
{
	struct dma_pages_req preq = { .last = req->last, .node = -1, .flags = take_flags(req) };
	int err;

	for (;;) {
		preq.len = *size;
		preq.align = req->contiguous ? req->align : *size;
		err = p->pages_alloc(p, &preq, phys);
		if (err == 0 || req->contiguous || *size <= req->block)
			return err;
		*size /= 2;
	}
}

static uint64_t first_size(const struct pages_req *req)
{
	if (req->contiguous)
		return req->len;
	return req->single ? req->block : bits_max(req->block, PAGES_MAX_BLOCK);
}

int pages_take(struct dma_platform *p, const struct pages_req *req, struct pages *pages,
	       uint32_t *rule)
{
	uint64_t size = first_size(req);

	*pages = (struct pages){ .linear = req->linear };
	while (pages->len < req->len) {
		phys_addr_t phys;

		/* Sizes only shrink: what was refused once is not asked for again. */
		while (size > req->len - pages->len)
			size /= 2;
		*rule = DMA_RULE_NO_META;
		if (runs_grow(p, pages) != 0)
			goto undo;
		*rule = DMA_RULE_NO_MEMORY;
		if (take_block(p, req, &size, &phys) != 0)
			goto undo;
		pages->runs[pages->nr_runs++] = (struct dma_phys_run){ .phys = phys, .len = size };
		pages->len += size;
	}
	return 0;
undo:
	pages_give(p, pages);
	return -ENOMEM;
}

void pages_give(struct dma_platform *p, struct pages *pages)
{
	for (uint32_t i = 0; i < pages->nr_runs; i++)
		p->pages_free(p, pages->runs[i].phys, pages->runs[i].len);
	if (pages->runs != NULL)
		p->meta_free(p, pages->runs, pages->max_runs * sizeof(*pages->runs));
	*pages = (struct pages){ 0 };
}

static bool is_linear(const struct pages *pages, enum dma_memtype memtype)
{
	return pages->linear && pages->nr_runs == 1 && memtype == DMA_MEM_WB;
}

void *pages_cpu_map(struct dma_platform *p, const struct pages *pages, enum dma_memtype memtype)
{
	if (is_linear(pages, memtype))
		return (void *)(uintptr_t)(pages->runs[0].phys + p->linear_offset);
	return p->cpu_map(p, pages->runs, pages->nr_runs, memtype);
}

void pages_cpu_unmap(struct dma_platform *p, const struct pages *pages, void *virt,
		     enum dma_memtype memtype)
{
	if (!is_linear(pages, memtype))
		p->cpu_unmap(p, virt, pages->len);
}

/*
 * 64-bit CPUs: bits 52 to 55 set and the sign bits clear is no virtual address of any of them: not
 * canonical on x86-64, beyond the translated sizes on AArch64 (top byte ignored or not), RISC-V
 * and s390x. 32-bit CPUs have no such hole; there the first 64 KiB stay unmapped in every port.
 */
#if UINTPTR_MAX > 0xffffffffu
#define COOKIE(key) (((key) & (((uintptr_t)1 << 48) - 1)) | ((uintptr_t)0xf0 << 48))
#else
#define COOKIE(key) ((((key) >> 4) ^ ((key) >> 20)) & 0xffffu)
#endif

void *pages_cookie(const void *key)
{
	uintptr_t cookie = COOKIE((uintptr_t)key);

	return (void *)(cookie == 0 ? (uintptr_t)1 : cookie);
}

uint32_t pages_slice(const struct pages *pages, uint64_t off, uint64_t len,
		     struct dma_phys_run *runs, uint32_t max)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < pages->nr_runs && len != 0 && nr < max; i++) {
		const struct dma_phys_run *run = &pages->runs[i];

		if (off >= run->len) {
			off -= run->len;
			continue;
		}
		runs[nr].phys = run->phys + off;
		runs[nr].len = bits_min(run->len - off, len);
		len -= runs[nr++].len;
		off = 0;
	}
	return nr;
}
