/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that allocate: alloc, free, mmap, get_sgtable. Which memory a buffer is, the model learns
 * from get_sgtable and proves by writing through the device and looking at memory itself.
 */
#include <stdlib.h>

#include "tests/model/dma_model.h"

#define MAX_ALLOCS 14u

struct alloc_call {
	size_t size;
	unsigned long attrs;
	gfp_t gfp;
};

static uint64_t page_up(uint64_t n)
{
	return (n + model.page - 1) & ~(model.page - 1);
}

static uint64_t pow2_up(uint64_t n)
{
	uint64_t p = model.page;

	while (p < n)
		p <<= 1;
	return p;
}

/* Can the platform give this block now? Asked, and given back. */
static bool block_exists(uint64_t len, uint64_t align, uint64_t last)
{
	struct dma_pages_req req = { .len = len, .align = align, .last = last, .node = -1 };
	phys_addr_t phys;

	if (model.p->pages_alloc(model.p, &req, &phys) != 0)
		return false;
	model.p->pages_free(model.p, phys, len);
	return true;
}

static bool blocks_exist(uint64_t nr, uint64_t block)
{
	struct dma_pages_req req = { .len = block, .align = block, .last = UINT64_MAX, .node = -1 };
	phys_addr_t *got = calloc(nr, sizeof(*got));
	uint64_t n = 0;

	assert_non_null(got);
	while (n < nr && model.p->pages_alloc(model.p, &req, &got[n]) == 0)
		n++;
	for (uint64_t i = 0; i < n; i++)
		model.p->pages_free(model.p, got[i], block);
	free(got);
	return n == nr;
}

/* Highest memory that the windows and the mask of a device without IOMMU reach, by address. */
static bool direct_block_exists(const struct model_dev *d, uint64_t len, uint64_t align)
{
	uint64_t last = d->cmask;
	dma_addr_t first;
	phys_addr_t p;

	if (!d->ranges)
		return block_exists(len, align, last);
	/* Windows follow each other in memory, and in DMA addresses. */
	for (p = model.ram_base + model.ram_bytes; p > model.ram_base; p -= 1u << 20) {
		if (model_direct_addr(d, p - 1, 1, &first) && first <= d->cmask)
			break;
	}
	return p > model.ram_base && block_exists(len, align, p - 1);
}

static uint64_t memory_rules(struct model_dev *d, const struct alloc_call *c)
{
	uint64_t len = page_up(c->size);
	uint64_t block = model.page > model.granule ? model.page : model.granule;
	bool contiguous = (c->attrs & DMA_ATTR_FORCE_CONTIGUOUS) != 0;

	/* No RAM at all below the mask, and not enough of it anyway. */
	if (!d->translated && !d->ranges && d->cmask < model.ram_base)
		return R(MASK);
	if (len > model.ram_bytes)
		return R(NO_MEMORY);
	if (!d->translated) {
		return direct_block_exists(d, len, pow2_up(len)) ? 0 : R(NO_MEMORY);
	}
	if (d->table == TABLE_USER)
		return block_exists(len, pow2_up(len), UINT64_MAX) ? 0 : R(NO_MEMORY);
	len = (len + block - 1) / block * block;
	if (contiguous ? !block_exists(len, block, UINT64_MAX) : !blocks_exist(len / block, block))
		return R(NO_MEMORY);
	return oracle_iova_rules(d, len / model.granule, d->cmask, pow2_up(len), 0);
}

static uint64_t rules_of(struct model_dev *d, const struct alloc_call *c)
{
	if (c->size == 0 || c->size > SIZE_MAX / 2 + 1)
		return R(LENGTH);
	if ((c->attrs & (DMA_ATTR_MMIO | DMA_ATTR_CC_SHARED)) != 0)
		return R(ATTR);
	if ((c->attrs & DMA_ATTR_REQUIRE_COHERENT) != 0 && !d->coherent) {
		if ((c->attrs & DMA_ATTR_NON_COHERENT) != 0)
			return R(ATTR);
		/* The default memory of such a device is coherent: it is not cached. */
	}
	return memory_rules(d, c);
}

static void draw(struct alloc_call *c)
{
	static const unsigned long some[] = { DMA_ATTR_WRITE_COMBINE, DMA_ATTR_NON_COHERENT,
					      DMA_ATTR_NO_KERNEL_MAPPING, DMA_ATTR_FORCE_CONTIGUOUS,
					      DMA_ATTR_ALLOC_SINGLE_PAGES };

	*c = (struct alloc_call){ .attrs = model_hints() | DMA_ATTR_NO_WARN, .gfp = GFP_KERNEL };
	for (uint32_t i = 0; i < 5; i++)
		c->attrs |= model_chance(20) ? some[i] : 0;
	if (model_chance(3))
		c->attrs |= DMA_ATTR_REQUIRE_COHERENT;
	if (model_chance(20))
		c->gfp = GFP_ATOMIC;
	c->size = (size_t)(1 + model_below(4 * model.page));
	if (model_chance(10))
		c->size = (size_t)(1 + model_below(model.granule * 8));
	if (model_chance(6)) {
		static const unsigned long bad[] = { DMA_ATTR_MMIO, DMA_ATTR_CC_SHARED };

		c->attrs |= bad[model_below(2)];
	} else if (model_chance(4)) {
		c->size = 0;
	} else if (model_chance(3)) {
		c->size = (size_t)SIZE_MAX - (size_t)model_below(100);
	} else if (model_chance(2)) {
		c->size = (size_t)(model.ram_bytes + model_below(1u << 20));
		c->attrs |= DMA_ATTR_FORCE_CONTIGUOUS;
	}
}

/* Memory of the buffer, from get_sgtable. */
static void learn(struct model_map *m, struct model_buf *b)
{
	struct scatterlist *sg;
	struct sg_table sgt;
	uint64_t sum = 0;
	int err;

	model_asks(m->d, FN_get_sgtable);
	err = dma_get_sgtable_attrs(m->d->dev, &sgt, m->cookie, m->dma, m->asked, m->attrs);
	model_check(err == 0, "get_sgtable gives %d", err);
	model_ok(m->d, FN_get_sgtable);
	b->nr_runs = sgt.orig_nents;
	b->runs = calloc(b->nr_runs, sizeof(*b->runs));
	assert_non_null(b->runs);
	sg = sgt.sgl;
	for (uint32_t i = 0; i < b->nr_runs; i++, sg = sg_next(sg)) {
		b->runs[i] = (struct dma_phys_run){ .phys = sg->phys, .len = sg->length };
		sum += sg->length;
	}
	sg_free_table(&sgt);
	model_check(sum == b->len, "the table holds 0x%" PRIx64 " bytes of 0x%" PRIx64, sum,
		    b->len);
	for (uint32_t i = 0; i < b->nr_runs; i++) {
		uint64_t len;
		uint8_t *mem = oracle_mem(b->runs[i].phys, &len);

		model_check(mem != NULL && b->runs[i].len <= len, "the table names RAM");
		memset(mem, 0, (size_t)b->runs[i].len);
	}
}

/* The device finds zeros; what it writes is found where the table says. */
static void prove(struct model_map *m, const struct model_buf *b)
{
	uint64_t in_buf = 0;

	model_dev_read(m->d, m->dma, m->len, true);
	model_dev_write(m->d, m->dma, m->len);
	if (m->d->coherent && model.opt.noncoherent)
		return; /* it may be in a cache */
	for (uint32_t i = 0; i < b->nr_runs; i++) {
		uint8_t got[64];

		assert_ok(sim_machine_peek(model.machine, b->runs[i].phys, got, sizeof(got)));
		model_check(memcmp(got, model.scratch + in_buf, sizeof(got)) == 0,
			    "run %" PRIu32 " of the table is not this memory", i);
		in_buf += b->runs[i].len;
	}
}

static void check_place(const struct model_map *m, const struct model_buf *b)
{
	/* The alignment of a user's table is its own business. */
	if (m->d->table != TABLE_USER)
		model_check((m->dma & (pow2_up(m->asked) - 1)) == 0,
			    "0x%" PRIx64 " is not aligned to 0x%" PRIx64, m->dma,
			    pow2_up(m->asked));
	if (b->cpu != NULL)
		model_check(((uintptr_t)b->cpu & (model.page - 1)) == 0,
			    "a page-aligned CPU address");
	if ((m->attrs & DMA_ATTR_FORCE_CONTIGUOUS) != 0)
		model_check(b->nr_runs == 1, "contiguous memory in %" PRIu32 " runs", b->nr_runs);
}

static struct model_buf *free_buf(void)
{
	for (uint32_t i = 0; i < MODEL_MAX_BUFS; i++) {
		if (model.bufs[i].kind == BUF_NONE)
			return &model.bufs[i];
	}
	return NULL;
}

static void allocated(struct model_dev *d, const struct alloc_call *c, void *cookie, dma_addr_t dma,
		      struct model_buf *b)
{
	struct model_map *m = model_map_new(d, FN_alloc);
	bool streaming = !d->coherent && (c->attrs & DMA_ATTR_NON_COHERENT) != 0;

	*b = (struct model_buf){ .kind = BUF_ALLOC, .len = page_up(c->size) };
	b->coherent = !streaming;
	b->cpu = (c->attrs & DMA_ATTR_NO_KERNEL_MAPPING) != 0 ? NULL : cookie;
	m->dir = DMA_BIDIRECTIONAL;
	m->attrs = c->attrs;
	m->dma = dma;
	m->len = b->len;
	m->cookie = cookie;
	m->asked = c->size;
	m->pieces[0] = (struct model_piece){ b, 0, b->len };
	m->nr_pieces = 1;
	learn(m, b);
	check_place(m, b);
	model_map_commit(m);
	model_cpu_check(b, 0, b->len);
	if (streaming) {
		/* It starts in the CPU's hands. */
		m->cpu_len = m->len;
		b->busy = m;
		model_cpu_write(b, 0, b->len);
		model_sync_before_unmap(m, false);
		b->busy = NULL;
	}
	if (streaming)
		model_dev_read(d, m->dma, m->len, true);
	else
		prove(m, b);
	if (!streaming)
		model_cpu_check(b, 0, b->len);
}

static uint32_t count_allocs(void)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++)
		nr += model.maps[i].d != NULL && model.maps[i].fn == FN_alloc;
	return nr;
}

void model_call_alloc(struct model_dev *d)
{
	const dma_addr_t untouched = 0x5a5a5a5a;
	struct model_buf *b = free_buf();
	dma_addr_t dma = untouched;
	struct alloc_call c;
	uint64_t rules;
	void *cookie;

	if (b == NULL || count_allocs() >= MAX_ALLOCS) {
		model_call_free(d);
		return;
	}
	draw(&c);
	rules = rules_of(d, &c);
	model_note("%s alloc 0x%zx attrs 0x%lx rules 0x%" PRIx64, d->name, c.size, c.attrs, rules);
	model_asks(d, FN_alloc);
	cookie = dma_alloc_attrs(d->dev, c.size, &dma, c.gfp, c.attrs);
	rules = model_settle(rules, cookie == NULL);
	if (rules != 0) {
		model_check(cookie == NULL, "alloc succeeds, it should fail");
		model_check(dma == untouched, "a failed call changed its result");
		model_refused(d, FN_alloc, rules,
			      (rules & (R(LENGTH) | R(ATTR))) != 0 ? -EINVAL : -ENOMEM);
		return;
	}
	model_ok(d, FN_alloc);
	model_check(cookie != NULL, "alloc fails without a reason");
	allocated(d, &c, cookie, dma, b);
}

static void drop_mmaps(struct model_buf *b)
{
	for (uint32_t i = 0; i < MODEL_MAX_MMAPS; i++) {
		if (b->mmap_len[i] != 0)
			model.p->as_unmap(model.p, model.as, b->mmap_uaddr[i], b->mmap_len[i]);
		b->mmap_len[i] = 0;
	}
}

/* Strict whatever the domain: its memory is given back at once. */
void model_free(struct model_map *m)
{
	struct model_buf *b = m->pieces[0].buf;
	struct model_dev *d = m->d;
	dma_addr_t dma = m->dma;

	drop_mmaps(b);
	model_note("%s free 0x%" PRIx64, d->name, dma);
	model_asks(d, FN_free);
	dma_free_attrs(d->dev, m->asked, m->cookie, dma, m->attrs);
	model_ok(d, FN_free);
	b->cpu = NULL;
	model_map_drop(m);
	model_buf_free(b);
	model_dev_probe(d, dma, model_chance(50));
}

/* No such buffer; or none at all, which is fine. */
static void free_badly(struct model_dev *d)
{
	bool null = model_chance(40);

	model_asks(d, FN_free);
	dma_free_attrs(d->dev, 4096, null ? NULL : (void *)(uintptr_t)&model, 0x7654000, 0);
	if (null)
		model_ok(d, FN_free);
	else
		model_refused(d, FN_free, R(NOT_MAPPED), -EINVAL);
}

void model_call_free(struct model_dev *d)
{
	struct model_map *m = model_map_any(d, FN_alloc);

	if (model_chance(8))
		free_badly(d);
	else if (m != NULL && m->pieces[0].buf->nr_maps == 1 && m->pieces[0].buf->busy == NULL)
		model_free(m);
	else if (count_allocs() < MAX_ALLOCS && free_buf() != NULL)
		model_call_alloc(d);
}

static uint64_t spoil_vma(struct dma_vma *vma, dma_addr_t *dma, int *err)
{
	*err = -EINVAL;
	switch (model_below(5)) {
	case 0:
		vma->start += 8;
		return R(ALIGN);
	case 1:
		vma->end = vma->start;
		*err = -ENXIO;
		return R(OFFSET);
	case 2:
		vma->pgoff += 1u << 20;
		*err = -ENXIO;
		return R(OFFSET);
	case 3:
		*dma = 0x7654000;
		return R(NOT_MAPPED);
	default:
		/* The registers of the peer are mapped there. */
		for (uint32_t i = 0; i < MODEL_MAX_BUFS; i++) {
			if (model.bufs[i].kind == BUF_PFN) {
				vma->end = model.bufs[i].uaddr + (vma->end - vma->start);
				vma->start = model.bufs[i].uaddr;
			}
		}
		*err = -EEXIST;
		return R(OVERLAP);
	}
}

void model_call_mmap(struct model_dev *d)
{
	struct model_map *m = model_map_any(d, FN_alloc);
	struct dma_vma vma = { .as = model.as };
	struct model_buf *b;
	uint64_t rules = 0;
	uint32_t slot = 0;
	uint64_t pages;
	dma_addr_t dma;
	int want = 0;
	int err;

	if (m == NULL) {
		model_call_alloc(d);
		return;
	}
	b = m->pieces[0].buf;
	while (slot < MODEL_MAX_MMAPS && b->mmap_len[slot] != 0)
		slot++;
	if (slot == MODEL_MAX_MMAPS) {
		drop_mmaps(b);
		slot = 0;
	}
	pages = b->len / model.page;
	vma.pgoff = model_below(pages);
	pages = 1 + model_below(pages - vma.pgoff);
	vma.start = sim_as_find_free(model.as, pages * model.page);
	vma.end = vma.start + pages * model.page;
	dma = m->dma;
	if (vma.start == 0)
		return;
	if (model_chance(20))
		rules = spoil_vma(&vma, &dma, &want);
	model_note("%s mmap of 0x%" PRIx64 " + 0x%" PRIx64 " at 0x%" PRIx64 " rules 0x%" PRIx64,
		   d->name, dma, vma.pgoff, vma.start, rules);
	model_asks(d, FN_mmap);
	err = dma_mmap_attrs(d->dev, &vma, m->cookie, dma, m->asked, m->attrs);
	model_check(err == want, "mmap gives %d, not %d", err, want);
	if (rules != 0) {
		model_refused(d, FN_mmap, rules, want);
		return;
	}
	model_ok(d, FN_mmap);
	b->mmap_uaddr[slot] = vma.start;
	b->mmap_off[slot] = vma.pgoff * model.page;
	b->mmap_len[slot] = vma.end - vma.start;
	if (b->coherent) {
		model_cpu_write(b, b->mmap_off[slot], b->mmap_len[slot]);
		model_dev_read(d, m->dma + b->mmap_off[slot], b->mmap_len[slot], true);
		model_cpu_check(b, 0, b->len);
	}
}

void model_call_get_sgtable(struct model_dev *d)
{
	struct model_map *m = model_map_any(d, FN_alloc);
	struct sg_table sgt = { .orig_nents = 77 };
	const struct model_buf *b;
	struct scatterlist *sg;
	uint64_t rules = 0;
	int err;

	if (m == NULL) {
		model_call_alloc(d);
		return;
	}
	b = m->pieces[0].buf;
	if (model_chance(20))
		rules = model_chance(50) ? R(LENGTH) : R(NOT_MAPPED);
	model_asks(d, FN_get_sgtable);
	err = dma_get_sgtable_attrs(d->dev, &sgt, m->cookie,
				    rules == R(NOT_MAPPED) ? 0x7654000 : m->dma,
				    rules == R(LENGTH) ? 0 : m->asked, m->attrs);
	model_check(err == (rules == 0 ? 0 : -EINVAL), "get_sgtable gives %d", err);
	if (rules != 0) {
		model_refused(d, FN_get_sgtable, rules, -EINVAL);
		model_check(sgt.orig_nents == 77 && sgt.sgl == NULL,
			    "a failed call changed the table");
		return;
	}
	model_ok(d, FN_get_sgtable);
	model_check(sgt.orig_nents == b->nr_runs, "another number of runs than before");
	sg = sgt.sgl;
	for (uint32_t i = 0; i < b->nr_runs; i++, sg = sg_next(sg))
		model_check(sg->phys == b->runs[i].phys && sg->length == b->runs[i].len,
			    "run %" PRIu32 " is another one than before", i);
	sg_free_table(&sgt);
}
