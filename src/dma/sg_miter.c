/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over the memory of a list: page by page, and for the CPU (rules.md API-32). Memory that is
 * not always mapped gets a temporary cacheable mapping, one CPU page at a time.
 *
 * Lock: none; list and iterator belong to the caller.
 */
#include "core/mem.h"
#include "dma/dma.h"

#define UNIT ((uint64_t)4096) /* what an encoded page names */

void sg_page_iter_start(struct sg_page_iter *iter, struct scatterlist *sgl, unsigned int nents,
			bool dma)
{
	*iter = (struct sg_page_iter){ .sg = sgl, .nr_left = nents, .dma = dma };
}

bool sg_page_iter_next(struct sg_page_iter *iter)
{
	while (iter->nr_left != 0 && iter->sg != NULL) {
		uint64_t start = iter->dma ? iter->sg->dma_address : iter->sg->phys;
		uint64_t len = iter->dma ? iter->sg->dma_length : iter->sg->length;

		iter->phys = iter->started ? iter->phys + UNIT : start & ~(UNIT - 1);
		iter->started = true;
		if (len != 0 && iter->phys <= start + (len - 1))
			return true;
		iter->sg = sg_next(iter->sg);
		iter->nr_left--;
		iter->started = false;
	}
	return false;
}

void sg_miter_start(struct dma_platform *p, struct sg_mapping_iter *miter, struct scatterlist *sgl,
		    unsigned int nents)
{
	*miter = (struct sg_mapping_iter){ .platform = p, .sg = sgl, .nr_left = nents };
}

void sg_miter_stop(struct sg_mapping_iter *miter)
{
	struct dma_platform *p = miter->platform;

	if (miter->mapped != NULL)
		p->cpu_unmap(p, miter->mapped, (uint64_t)1 << p->page_lg2);
	miter->mapped = NULL;
	miter->offset += (uint32_t)miter->consumed;
	miter->addr = NULL;
	miter->length = 0;
	miter->consumed = 0;
}

/* Past entries that are used up. */
static bool settle(struct sg_mapping_iter *miter)
{
	while (miter->nr_left != 0 && miter->sg != NULL && miter->offset >= miter->sg->length) {
		miter->offset -= miter->sg->length;
		miter->sg = sg_next(miter->sg);
		miter->nr_left--;
	}
	return miter->nr_left != 0 && miter->sg != NULL;
}

bool sg_miter_skip(struct sg_mapping_iter *miter, uint64_t offset)
{
	sg_miter_stop(miter);
	while (offset != 0 && settle(miter)) {
		uint64_t step = bits_min(offset, miter->sg->length - miter->offset);

		miter->offset += (uint32_t)step;
		offset -= step;
	}
	return offset == 0;
}

bool sg_miter_next(struct sg_mapping_iter *miter)
{
	struct dma_platform *p = miter->platform;
	uint64_t page = (uint64_t)1 << p->page_lg2;
	struct dma_phys_run run = { .len = page };
	phys_addr_t phys;

	sg_miter_stop(miter);
	if (!settle(miter))
		return false;
	phys = miter->sg->phys + miter->offset;
	miter->addr = p->phys_to_virt(p, phys);
	if (miter->addr == NULL) {
		run.phys = bits_align_down(phys, page);
		miter->mapped = p->cpu_map(p, &run, 1, DMA_MEM_WB);
		if (miter->mapped == NULL)
			return false;
		miter->addr = (char *)miter->mapped + (phys - run.phys);
	}
	miter->length =
		(size_t)bits_min(page - (phys & (page - 1)), miter->sg->length - miter->offset);
	miter->consumed = miter->length;
	return true;
}

/* What to do with each piece: exactly one of the three. */
struct copy {
	const char *from;
	char *to;
	bool zero;
};

static size_t copy_pieces(struct dma_platform *p, struct scatterlist *sgl, unsigned int nents,
			  const struct copy *c, size_t len, uint64_t skip)
{
	struct sg_mapping_iter miter;
	size_t done = 0;

	sg_miter_start(p, &miter, sgl, nents);
	if (!sg_miter_skip(&miter, skip))
		return 0;
	while (done < len && sg_miter_next(&miter)) {
		size_t piece = (size_t)bits_min(miter.length, len - done);

		if (c->zero)
			memset(miter.addr, 0, piece);
		else if (c->to != NULL)
			memcpy(c->to + done, miter.addr, piece);
		else
			memcpy(miter.addr, c->from + done, piece);
		done += piece;
	}
	sg_miter_stop(&miter);
	return done;
}

size_t sg_pcopy_from_buffer(struct dma_platform *p, struct scatterlist *sgl, unsigned int nents,
			    const void *buf, size_t len, uint64_t skip)
{
	return copy_pieces(p, sgl, nents, &(struct copy){ .from = buf }, len, skip);
}

size_t sg_pcopy_to_buffer(struct dma_platform *p, struct scatterlist *sgl, unsigned int nents,
			  void *buf, size_t len, uint64_t skip)
{
	return copy_pieces(p, sgl, nents, &(struct copy){ .to = buf }, len, skip);
}

size_t sg_zero_buffer(struct dma_platform *p, struct scatterlist *sgl, unsigned int nents,
		      size_t len, uint64_t skip)
{
	return copy_pieces(p, sgl, nents, &(struct copy){ .zero = true }, len, skip);
}
