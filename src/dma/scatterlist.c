/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scatterlist library (rules.md API-32): tables, chained blocks, building and cutting lists.
 * Nothing here maps, and nothing touches the memory that a list names; for that see sg_miter.c.
 *
 * Lock: none; a list belongs to its caller.
 */
#include "core/mem.h"
#include "dma/dma.h"

#define BLOCK_ENTRIES 128u /* 4 KiB */
#define BLOCK_DATA                                                                                 \
	(BLOCK_ENTRIES - 1) /* the last entry of a block that is not the last is the link */

static int sg_fail(enum dma_rule rule, int err, uint64_t found, uint64_t need)
{
	struct dma_error e = { .op = DMA_OP_SG,
			       .err = err,
			       .rule = rule,
			       .len = found,
			       .found = found,
			       .need = need };

	return dma_fail(&e);
}

void sg_init_table(struct scatterlist *sgl, unsigned int nents)
{
	memset(sgl, 0, nents * sizeof(*sgl));
	sg_mark_end(&sgl[nents - 1]);
}

int sg_set_buf(struct dma_platform *p, struct scatterlist *sg, const void *buf, uint32_t len)
{
	phys_addr_t phys;
	phys_addr_t last;

	if (p->virt_to_phys(p, buf, &phys) != 0)
		return sg_fail(DMA_RULE_NOT_LINEAR, -EFAULT, (uintptr_t)buf, 0);
	if (len != 0 && (p->virt_to_phys(p, (const char *)buf + (len - 1), &last) != 0 ||
			 last != phys + (len - 1)))
		return sg_fail(DMA_RULE_NOT_LINEAR, -EFAULT, (uintptr_t)buf, 0);
	sg_set_phys(sg, phys, len);
	return 0;
}

int sg_init_one(struct dma_platform *p, struct scatterlist *sg, const void *buf, uint32_t len)
{
	struct scatterlist one;
	int err;

	sg_init_table(&one, 1);
	err = sg_set_buf(p, &one, buf, len);
	if (err == 0)
		*sg = one;
	return err;
}

void sg_chain(struct scatterlist *prv, unsigned int prv_nents, struct scatterlist *sgl)
{
	struct scatterlist *link = &prv[prv_nents - 1];

	*link = (struct scatterlist){ .phys = (uintptr_t)sgl, .flags = SG_CHAIN };
}

static struct scatterlist *block_alloc(struct dma_platform *p, uint32_t nr)
{
	return p->meta_alloc(p, nr * sizeof(struct scatterlist), _Alignof(struct scatterlist));
}

static void block_free(struct dma_platform *p, struct scatterlist *block, uint32_t nr)
{
	p->meta_free(p, block, nr * sizeof(*block));
}

/* Free the blocks of a list of @nents entries, as chain_alloc() lays them out. */
static void chain_free(struct dma_platform *p, struct scatterlist *block, uint32_t nents)
{
	while (nents > BLOCK_ENTRIES) {
		struct scatterlist *next = sg_chain_ptr(&block[BLOCK_DATA]);

		block_free(p, block, BLOCK_ENTRIES);
		block = next;
		nents -= BLOCK_DATA;
	}
	block_free(p, block, nents);
}

/* Full blocks, all but the last of which end in a link; what is left of a failed chain_alloc(). */
static void full_blocks_free(struct dma_platform *p, struct scatterlist *block)
{
	while (block != NULL) {
		struct scatterlist *next =
			sg_is_chain(&block[BLOCK_DATA]) ? sg_chain_ptr(&block[BLOCK_DATA]) : NULL;

		block_free(p, block, BLOCK_ENTRIES);
		block = next;
	}
}

static struct scatterlist *chain_alloc(struct dma_platform *p, uint32_t nents)
{
	struct scatterlist *first = NULL;
	struct scatterlist *prev = NULL;

	for (;;) {
		uint32_t nr = nents > BLOCK_ENTRIES ? BLOCK_ENTRIES : nents;
		struct scatterlist *block = block_alloc(p, nr);

		if (block == NULL) {
			full_blocks_free(p, first);
			return NULL;
		}
		if (prev == NULL)
			first = block;
		else
			sg_chain(prev, BLOCK_ENTRIES, block);
		if (nents <= BLOCK_ENTRIES) {
			sg_mark_end(&block[nr - 1]);
			return first;
		}
		prev = block;
		nents -= BLOCK_DATA;
	}
}

int sg_alloc_table(struct dma_platform *p, struct sg_table *sgt, unsigned int nents, gfp_t gfp)
{
	struct scatterlist *sgl;

	(void)gfp;
	if (nents == 0 || nents > INT32_MAX)
		return sg_fail(DMA_RULE_NENTS, -EINVAL, nents, nents == 0 ? 1 : INT32_MAX);
	sgl = chain_alloc(p, nents);
	if (sgl == NULL)
		return sg_fail(DMA_RULE_NO_META, -ENOMEM, 0, nents * sizeof(*sgl));
	*sgt = (struct sg_table){ .sgl = sgl, .nents = nents, .orig_nents = nents, .platform = p };
	return 0;
}

void sg_free_table(struct sg_table *sgt)
{
	if (sgt->sgl != NULL && sgt->platform != NULL)
		chain_free(sgt->platform, sgt->sgl, sgt->orig_nents);
	*sgt = (struct sg_table){ 0 };
}

void sg_free_append_table(struct sg_append_table *append)
{
	if (append->sgt.platform != NULL)
		full_blocks_free(append->sgt.platform, append->sgt.sgl);
	*append = (struct sg_append_table){ 0 };
}

/* Blocks of an append table are full ones, whatever is used of them. */
static struct scatterlist *append_entry(struct dma_platform *p, struct sg_append_table *append)
{
	uint32_t used = append->sgt.orig_nents;
	struct scatterlist *sg;

	if (used % BLOCK_DATA != 0) {
		sg = append->prv + 1;
	} else {
		sg = block_alloc(p, BLOCK_ENTRIES);
		if (sg == NULL)
			return NULL;
		if (used == 0)
			append->sgt.sgl = sg;
		else
			sg_chain(append->prv + 1, 1, sg);
	}
	if (append->prv != NULL)
		sg_unmark_end(append->prv);
	sg_mark_end(sg);
	append->sgt.platform = p;
	append->sgt.orig_nents = used + 1;
	append->sgt.nents = used + 1;
	append->prv = sg;
	return sg;
}

/* Back to @nr entries, the last of them @prv with @len bytes; blocks behind it are freed. */
static void append_undo(struct sg_append_table *append, uint32_t nr, struct scatterlist *prv,
			uint32_t len)
{
	if (nr == 0) {
		sg_free_append_table(append);
		return;
	}
	if (append->sgt.orig_nents > nr) {
		struct scatterlist *block = append->sgt.sgl;

		for (uint32_t left = nr; left > BLOCK_DATA; left -= BLOCK_DATA)
			block = sg_chain_ptr(&block[BLOCK_DATA]);
		if (sg_is_chain(&block[BLOCK_DATA]))
			full_blocks_free(append->sgt.platform, sg_chain_ptr(&block[BLOCK_DATA]));
		memset(prv + 1, 0, (size_t)(&block[BLOCK_ENTRIES] - (prv + 1)) * sizeof(*prv));
	}
	prv->length = len;
	sg_mark_end(prv);
	append->prv = prv;
	append->sgt.orig_nents = nr;
	append->sgt.nents = nr;
}

/* Entries end where CPU pages end, or the next one could not follow it in an IOVA range. */
static uint32_t most_at(const struct dma_platform *p, phys_addr_t phys, uint32_t max_segment)
{
	uint32_t into_page = (uint32_t)(phys & (((uint64_t)1 << p->page_lg2) - 1));

	return into_page < max_segment ? max_segment - into_page : max_segment;
}

/* How much longer the last entry may become by a run at @phys. */
static uint32_t room_in_last(const struct dma_platform *p, const struct sg_append_table *append,
			     phys_addr_t phys, uint32_t max_segment)
{
	const struct scatterlist *prv = append->prv;
	uint32_t most;

	if (prv == NULL || prv->phys + prv->length != phys)
		return 0;
	most = most_at(p, prv->phys, max_segment);
	return prv->length < most ? most - prv->length : 0;
}

int sg_append_phys(struct dma_platform *p, struct sg_append_table *append, phys_addr_t phys,
		   uint64_t len, uint32_t max_segment)
{
	uint32_t nr = append->sgt.orig_nents;
	struct scatterlist *prv = append->prv;
	uint32_t prv_len = prv != NULL ? prv->length : 0;

	if (len == 0 || max_segment == 0)
		return sg_fail(DMA_RULE_LENGTH, -EINVAL, 0, 1);
	while (len != 0) {
		uint32_t piece =
			(uint32_t)bits_min(len, room_in_last(p, append, phys, max_segment));

		if (piece != 0) {
			append->prv->length += piece;
		} else {
			struct scatterlist *sg = append_entry(p, append);

			if (sg == NULL) {
				append_undo(append, nr, prv, prv_len);
				return sg_fail(DMA_RULE_NO_META, -ENOMEM, 0,
					       BLOCK_ENTRIES * sizeof(*sg));
			}
			piece = (uint32_t)bits_min(len, most_at(p, phys, max_segment));
			sg_set_phys(sg, phys, piece);
		}
		phys += piece;
		len -= piece;
	}
	return 0;
}

int sg_alloc_append_table_from_pages(struct dma_platform *p, struct sg_append_table *append,
				     struct page *const *pages, unsigned int n_pages,
				     unsigned int offset, unsigned long size,
				     unsigned int max_segment, gfp_t gfp)
{
	uint64_t page = (uint64_t)1 << p->page_lg2;
	uint32_t max = (uint32_t)bits_align_down(max_segment, page);
	uint32_t nr = append->sgt.orig_nents;
	struct scatterlist *prv = append->prv;
	uint32_t prv_len = prv != NULL ? prv->length : 0;
	uint64_t left = size;

	(void)gfp;
	if (n_pages == 0 || offset >= page)
		return sg_fail(DMA_RULE_OFFSET, -EINVAL, offset, page);
	if (size == 0 || size > (uint64_t)n_pages * page - offset || max == 0)
		return sg_fail(DMA_RULE_LENGTH, -EINVAL, size, (uint64_t)n_pages * page - offset);
	for (unsigned int i = 0; left != 0; i++) {
		phys_addr_t phys = dma_page_to_phys(pages[i]) + (i == 0 ? offset : 0);
		uint64_t piece = bits_min(left, page - (i == 0 ? offset : 0));
		int err = sg_append_phys(p, append, phys, piece, max);

		if (err != 0) {
			append_undo(append, nr, prv, prv_len);
			return err;
		}
		left -= piece;
	}
	return 0;
}

/* An exact copy of what grew, so that a plain table is freed by its number of entries. */
int sg_alloc_table_from_pages_segment(struct dma_platform *p, struct sg_table *sgt,
				      struct page *const *pages, unsigned int n_pages,
				      unsigned int offset, unsigned long size,
				      unsigned int max_segment, gfp_t gfp)
{
	struct sg_append_table grown = { .prv = NULL };
	struct scatterlist *from;
	struct scatterlist *to;
	uint32_t i;
	int err;

	err = sg_alloc_append_table_from_pages(p, &grown, pages, n_pages, offset, size, max_segment,
					       gfp);
	if (err != 0)
		return err;
	err = sg_alloc_table(p, sgt, grown.sgt.orig_nents, gfp);
	if (err == 0) {
		to = sgt->sgl;
		for_each_sgtable_sg(&grown.sgt, from, i)
		{
			sg_set_phys(to, from->phys, from->length);
			to = sg_next(to);
		}
	}
	sg_free_append_table(&grown);
	return err;
}

int sg_nents(struct scatterlist *sgl)
{
	int nents = 0;

	for (struct scatterlist *sg = sgl; sg != NULL; sg = sg_next(sg))
		nents++;
	return nents;
}

int sg_nents_for_len(struct scatterlist *sgl, uint64_t len)
{
	uint64_t total = 0;
	int nents = 0;

	if (len == 0)
		return 0;
	for (struct scatterlist *sg = sgl; sg != NULL; sg = sg_next(sg)) {
		nents++;
		total += sg->length;
		if (total >= len)
			return nents;
	}
	return sg_fail(DMA_RULE_LENGTH, -EINVAL, len, total);
}

struct scatterlist *sg_last(struct scatterlist *sgl, unsigned int nents)
{
	struct scatterlist *sg;
	struct scatterlist *last = NULL;
	unsigned int i;

	for_each_sg(sgl, sg, nents, i) last = sg;
	return last;
}

/* A place in a list. */
struct place {
	struct scatterlist *sg;
	uint64_t offset;
};

/* Go on by @len bytes; entries touched on the way are counted, and copied to @to unless NULL. */
static uint32_t advance(struct place *at, uint64_t len, struct scatterlist *to)
{
	uint32_t nr = 0;

	while (len != 0 && at->sg != NULL) {
		uint64_t piece = bits_min(len, at->sg->length - at->offset);

		if (piece != 0) {
			nr++;
			if (to != NULL) {
				sg_set_phys(to, at->sg->phys + at->offset, (uint32_t)piece);
				to = sg_next(to);
			}
		}
		len -= piece;
		at->offset += piece;
		if (at->offset == at->sg->length) {
			at->sg = sg_next(at->sg);
			at->offset = 0;
		}
	}
	return nr;
}

static int check_split(struct scatterlist *in, uint64_t skip, int nb_splits,
		       const size_t *split_sizes)
{
	uint64_t want = skip;
	uint64_t have = 0;

	if (nb_splits < 1)
		return sg_fail(DMA_RULE_NENTS, -EINVAL, 0, 1);
	for (int i = 0; i < nb_splits; i++) {
		if (split_sizes[i] == 0 || __builtin_add_overflow(want, split_sizes[i], &want))
			return sg_fail(DMA_RULE_LENGTH, -EINVAL, split_sizes[i], 1);
	}
	for (struct scatterlist *sg = in; sg != NULL; sg = sg_next(sg))
		have += sg->length;
	return want > have ? sg_fail(DMA_RULE_LENGTH, -EINVAL, want, have) : 0;
}

int sg_split(struct dma_platform *p, struct scatterlist *in, uint64_t skip, int nb_splits,
	     const size_t *split_sizes, struct sg_table *out, gfp_t gfp)
{
	struct place at = { .sg = in };
	int done;
	int err;

	err = check_split(in, skip, nb_splits, split_sizes);
	if (err != 0)
		return err;
	advance(&at, skip, NULL);
	for (done = 0; done < nb_splits; done++) {
		struct place count = at;

		err = sg_alloc_table(p, &out[done], advance(&count, split_sizes[done], NULL), gfp);
		if (err != 0)
			break;
		advance(&at, split_sizes[done], out[done].sgl);
	}
	while (err != 0 && done > 0)
		sg_free_table(&out[--done]);
	return err;
}

bool dma_sg_is_contiguous(struct scatterlist *sgl, unsigned int nents)
{
	uint64_t next = sgl->dma_address;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(sgl, sg, nents, i)
	{
		if (sg->dma_length == 0)
			break;
		if (sg->dma_address != next)
			return false;
		next = sg->dma_address + sg->dma_length;
	}
	return i != 0;
}
