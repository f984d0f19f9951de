/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls with lists. What the segments must be follows from rules.md 2.4 alone: each entry at its
 * offset in a granule, moved to the next boundary if it would cross one, and joined to the
 * segment before it iff that one ended on a granule, it starts on one, not on a boundary, and the
 * sum is short enough.
 */
#include <stdlib.h>

#include "tests/model/dma_model.h"

static uint64_t up(uint64_t n)
{
	return (n + model.granule - 1) & ~(model.granule - 1);
}

/* Where in the IOVA range of a list that is longer than the boundary an entry starts. */
static uint64_t place(uint64_t pos, uint64_t ilen, uint64_t boundary)
{
	if (((pos ^ (pos + ilen - 1)) & ~boundary) == 0)
		return pos;
	return (pos + boundary) & ~boundary;
}

static uint64_t inner_rules(const struct scatterlist *sg, uint32_t i, uint32_t nents)
{
	uint64_t bits = 0;

	if (model.page >= model.granule)
		return 0;
	if (i != 0)
		bits |= sg->phys;
	if (i != nents - 1)
		bits |= sg->phys + sg->length;
	return (bits & (model.granule - 1)) != 0 ? R(GRANULE) : 0;
}

static uint64_t bytes_of(struct scatterlist *sgl, uint32_t nents)
{
	uint64_t len = 0;

	for (uint32_t i = 0; i < nents; i++, sgl = sg_next(sgl))
		len += up((sgl->phys & (model.granule - 1)) + sgl->length);
	return len;
}

static uint64_t iommu_rules(struct model_dev *d, struct scatterlist *sgl, uint32_t nents)
{
	bool bounded = bytes_of(sgl, nents) - 1 > d->boundary;
	struct scatterlist *sg = sgl;
	uint64_t align = 1;
	uint64_t rules = 0;
	uint64_t pos = 0;

	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg)) {
		uint64_t off = sg->phys & (model.granule - 1);
		uint64_t ilen = up(off + sg->length);

		rules |= inner_rules(sg, i, nents);
		if (bounded)
			pos = place(pos, ilen, d->boundary);
		if (bounded && (((pos + off) ^ (pos + off + sg->length - 1)) & ~d->boundary) != 0)
			rules |= R(BOUNDARY);
		pos += ilen;
	}
	if (bounded)
		align = d->boundary + 1;
	if (rules != 0)
		return rules;
	return oracle_iova_rules(d, pos / model.granule, d->mask, align,
				 bounded || d->boundary == UINT64_MAX ? 0 : d->boundary);
}

uint64_t model_sg_rules(struct model_dev *d, struct scatterlist *sgl, uint32_t nents,
			enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg = sgl;
	uint64_t rules = 0;

	if ((unsigned int)dir > DMA_FROM_DEVICE)
		rules |= R(DIRECTION);
	if (model_refuses_attrs(d, attrs))
		rules |= R(ATTR);
	if (rules != 0)
		return rules;
	for (uint32_t i = 0; i < nents; i++, sg = sg_next(sg))
		rules |= model_entry_rules(d, sg->phys, sg->length, dir, attrs);
	if (d->translated && d->table != TABLE_USER && (rules & ~R(CACHE_LINE)) == 0)
		rules |= iommu_rules(d, sgl, nents);
	return rules;
}

/* One segment for each entry. */
static void check_each(struct model_dev *d, struct scatterlist *sgl, uint32_t nents, uint32_t count)
{
	model_check(count == nents, "%" PRIu32 " segments for %" PRIu32 " entries", count, nents);
	for (uint32_t i = 0; i < nents; i++, sgl = sg_next(sgl)) {
		dma_addr_t want;

		model_check(sgl->dma_length == sgl->length, "segment %" PRIu32 " has 0x%" PRIx32, i,
			    sgl->dma_length);
		if (!d->translated && model_direct_addr(d, sgl->phys, sgl->length, &want) &&
		    sgl->phys >= model.ram_base)
			model_check(sgl->dma_address == want, "segment %" PRIu32 " at 0x%" PRIx64,
				    i, sgl->dma_address);
	}
}

struct segment {
	dma_addr_t dma;
	uint64_t len;
};

/* The segments that the rule wants, from where the first one starts. */
static uint32_t predict(struct model_dev *d, struct scatterlist *sgl, uint32_t nents,
			struct segment *segs)
{
	bool bounded = bytes_of(sgl, nents) - 1 > d->boundary;
	uint64_t base = sgl->dma_address & ~(model.granule - 1);
	bool open = false;
	uint64_t pos = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < nents; i++, sgl = sg_next(sgl)) {
		uint64_t off = sgl->phys & (model.granule - 1);
		uint64_t ilen = up(off + sgl->length);

		if (bounded)
			pos = place(pos, ilen, d->boundary);
		if (open && off == 0 && base + pos == segs[n - 1].dma + segs[n - 1].len &&
		    ((base + pos) & d->boundary) != 0 &&
		    segs[n - 1].len + sgl->length <= d->max_seg)
			segs[n - 1].len += sgl->length;
		else
			segs[n++] = (struct segment){ base + pos + off, sgl->length };
		open = off + sgl->length == ilen;
		pos += ilen;
	}
	return n;
}

void model_sg_check(struct model_dev *d, struct scatterlist *sgl, uint32_t nents, uint32_t count)
{
	struct segment *segs;
	uint32_t n;

	if (!d->translated || d->table == TABLE_USER) {
		check_each(d, sgl, nents, count);
		return;
	}
	segs = calloc(nents, sizeof(*segs));
	assert_non_null(segs);
	n = predict(d, sgl, nents, segs);
	model_check(n == count, "%" PRIu32 " segments, %" PRIu32 " should be", count, n);
	for (uint32_t i = 0; i < n; i++) {
		model_check(sgl->dma_address == segs[i].dma && sgl->dma_length == segs[i].len,
			    "segment %" PRIu32 " is 0x%" PRIx64 " + 0x%" PRIx32 ", not 0x%" PRIx64
			    " + 0x%" PRIx64,
			    i, sgl->dma_address, sgl->dma_length, segs[i].dma, segs[i].len);
		model_check(((segs[i].dma ^ (segs[i].dma + segs[i].len - 1)) & ~d->boundary) == 0,
			    "segment %" PRIu32 " crosses the boundary", i);
		sgl = sg_next(sgl);
	}
	if (n < nents)
		model_check(sgl->dma_length == 0, "the list of segments has an end");
	free(segs);
}

/* Pieces that can follow each other: whole granules inside, lines at the ends. */
static bool draw_piece(struct model_dev *d, enum dma_data_direction *dir, struct model_piece *p)
{
	bool strict = d->table != TABLE_DIRECT && model.page < model.granule && !model_chance(2);
	uint64_t kinds = 1u << BUF_KMEM | 1u << BUF_USER | 1u << BUF_PFN;
	uint64_t unit = strict || model_chance(60) ? model.granule : 1;
	uint64_t one = UINT64_MAX;

	p->buf = model_buf_any(d, kinds);
	if (p->buf == NULL)
		return false;
	if (p->buf->read_only)
		*dir = DMA_TO_DEVICE;
	if (!d->coherent && *dir != DMA_TO_DEVICE && unit < model.line)
		unit = model.line;
	p->off = model_below(p->buf->len);
	p->len = model_size(p->buf->len - p->off);
	if (unit > 1) {
		uint64_t phys = model_buf_phys(p->buf, p->off, &one);
		uint64_t back = phys & (unit - 1);

		p->off -= back < p->off ? back : p->off;
		p->len = (p->len + unit - 1) & ~(unit - 1);
	}
	one = p->len;
	(void)model_buf_phys(p->buf, p->off, &one);
	p->len = one;
	return p->len != 0;
}

static void fill_list(struct sg_table *sgt, const struct model_piece *p, uint32_t nr)
{
	struct scatterlist *sg = sgt->sgl;

	for (uint32_t i = 0; i < nr; i++, sg = sg_next(sg)) {
		uint64_t one = UINT64_MAX;

		sg_set_phys(sg, model_buf_phys(p[i].buf, p[i].off, &one), (uint32_t)p[i].len);
	}
}

/* A list of 1 to 24 pieces; or one buffer of dma_alloc_attrs(), as dma_get_sgtable() tells it. */
static bool draw_list(struct model_dev *d, struct model_map *m)
{
	uint32_t nr = 1 + (uint32_t)model_below(model_chance(70) ? 4 : MODEL_MAX_PIECES);

	m->dir = model_dir();
	m->attrs = model_hints();
	if (model_chance(12))
		m->attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	for (uint32_t i = 0; i < nr; i++) {
		enum dma_data_direction dir = m->dir;

		if (!draw_piece(d, &dir, &m->pieces[i]))
			return false;
		if (dir != m->dir && i != 0)
			return false;
		m->dir = dir;
	}
	m->nr_pieces = nr;
	for (uint32_t i = 0; i < nr; i++)
		m->len += m->pieces[i].len;
	assert_ok(sg_alloc_table(model.p, &m->sgt, nr, GFP_KERNEL));
	fill_list(&m->sgt, m->pieces, nr);
	return true;
}

static bool draw_shared(struct model_dev *d, struct model_map *m)
{
	struct model_buf *b = model_buf_any(d, 1u << BUF_ALLOC);
	uint32_t nr = 0;
	struct scatterlist *sg;

	if (b == NULL || b->len > 1u << 20)
		return false;
	/* Coherent memory needs no syncs. */
	m->attrs = DMA_ATTR_SKIP_CPU_SYNC;
	m->dir = model_dir();
	m->pieces[0] = (struct model_piece){ b, 0, b->len };
	m->nr_pieces = 1;
	m->len = b->len;
	assert_ok(sg_alloc_table(model.p, &m->sgt, b->nr_runs, GFP_KERNEL));
	sg = m->sgt.sgl;
	for (; nr < b->nr_runs; nr++, sg = sg_next(sg))
		sg_set_phys(sg, b->runs[nr].phys, (uint32_t)b->runs[nr].len);
	return true;
}

/* One thing goes wrong; rules that it breaks for certain, in calls that do not look at the list. */
static uint64_t spoil(struct model_dev *d, struct model_map *m, int *nents)
{
	struct scatterlist *sg = m->sgt.sgl;

	for (uint64_t n = model_below(m->sgt.orig_nents); n != 0; n--)
		sg = sg_next(sg);
	switch (model_below(7)) {
	case 0:
		*nents = -(int)model_below(2);
		return R(NENTS);
	case 1:
		*nents += 1;
		return R(NENTS);
	case 2:
		m->dir = (enum dma_data_direction)(3 + model_below(4));
		break;
	case 3:
		sg->length = 0;
		break;
	case 4:
		sg->phys = 0x2000 + model_below(1u << 20);
		break;
	case 5:
		m->attrs |= d->coherent ? DMA_ATTR_CC_SHARED : DMA_ATTR_REQUIRE_COHERENT;
		break;
	default:
		sg->phys = ~0ull - 8191;
		sg->length = 16384;
		break;
	}
	return 0;
}

/* What a failed map leaves: memory as it was; no DMA addresses, if it looked at the list at all. */
static void check_failed(struct scatterlist *sgl, const struct scatterlist *before, uint32_t nents,
			 bool args)
{
	for (uint32_t i = 0; i < nents; i++, sgl = sg_next(sgl)) {
		model_check(sgl->phys == before[i].phys && sgl->length == before[i].length &&
				    sgl->flags == before[i].flags,
			    "a failed map changed entry %" PRIu32, i);
		if (args)
			model_check(sgl->dma_address == before[i].dma_address,
				    "a refused call touched entry %" PRIu32, i);
		else
			model_check(sgl->dma_address == DMA_MAPPING_ERROR && sgl->dma_length == 0,
				    "a failed map left a DMA address in entry %" PRIu32, i);
	}
}

static void copy_list(struct scatterlist *sgl, uint32_t nents, struct scatterlist *to)
{
	for (uint32_t i = 0; i < nents; i++, sgl = sg_next(sgl))
		to[i] = *sgl;
}

/* 0 or the count, as the two calls tell it. */
static uint32_t call(struct model_dev *d, enum model_fn fn, struct model_map *m, int nents,
		     int *err)
{
	model_asks(d, fn);
	if (fn == FN_map_sg) {
		*err = 0;
		return dma_map_sg_attrs(d->dev, m->sgt.sgl, nents, m->dir, m->attrs);
	}
	m->sgt.orig_nents = (uint32_t)nents;
	*err = dma_map_sgtable(d->dev, &m->sgt, m->dir, m->attrs);
	return *err == 0 ? m->sgt.nents : 0;
}

static void give_up(struct model_map *m)
{
	sg_free_table(&m->sgt);
	m->d = NULL;
}

static void failed(struct model_dev *d, enum model_fn fn, struct model_map *m, uint64_t rules,
		   const struct scatterlist *before, uint32_t nr, uint32_t count, int err)
{
	bool args = (rules & (R(DIRECTION) | R(ATTR))) != 0;
	int want = (rules & (R(NO_IOVA) | R(NO_META) | R(NO_TABLE))) != 0 ? -ENOMEM : -EINVAL;

	model_check(count == 0, "%s gives %" PRIu32 ", it should fail", model_fn_name(fn), count);
	if (fn == FN_map_sgtable) {
		model_check(err == want, "map_sgtable gives %d, not %d", err, want);
		model_check(m->sgt.nents == nr, "a failed map changed nents");
	}
	model_refused(d, fn, rules, want);
	if (rules != R(NENTS))
		check_failed(m->sgt.sgl, before, nr, args);
}

static void mapped(struct model_dev *d, struct model_map *m, uint32_t nr, uint32_t count)
{
	m->count = count;
	model_sg_check(d, m->sgt.sgl, nr, count);
	m->dma = m->sgt.sgl->dma_address;
	model_map_commit(m);
	if (m->pieces[0].buf->kind != BUF_ALLOC)
		model_sync_after_map(m);
	for (uint32_t i = 0; i < count; i++) {
		dma_addr_t dma;
		uint64_t len;

		if (model_map_seg(m, i, &dma, &len))
			model_dev_read(d, dma, len, true);
	}
}

void model_call_map_sg(struct model_dev *d, enum model_fn fn)
{
	struct model_map *m = model_map_new(d, fn);
	bool shared = model_chance(15) && draw_shared(d, m);
	struct scatterlist *before;
	uint64_t rules = 0;
	uint32_t count;
	uint32_t nr;
	int nents;
	int err;

	if (!shared && !draw_list(d, m)) {
		give_up(m);
		return;
	}
	nr = m->sgt.orig_nents;
	nents = (int)nr;
	if (!shared && model_chance(15))
		rules = spoil(d, m, &nents);
	if (rules == 0)
		rules = model_sg_rules(d, m->sgt.sgl, nr, m->dir, m->attrs);
	before = calloc(nr, sizeof(*before));
	assert_non_null(before);
	copy_list(m->sgt.sgl, nr, before);
	model_note("%s %s %d entries, 0x%" PRIx64 " bytes from 0x%" PRIx64
		   " dir %d attrs 0x%lx rules 0x%" PRIx64,
		   d->name, model_fn_name(fn), nents, m->len, m->sgt.sgl->phys, m->dir, m->attrs,
		   rules);
	count = call(d, fn, m, nents, &err);
	m->sgt.orig_nents = nr;
	rules = model_settle(rules, count == 0);
	if (rules != 0) {
		failed(d, fn, m, rules, before, nr, count, err);
		give_up(m);
	} else {
		model_ok(d, fn);
		model_check(count != 0, "%s fails without a reason", model_fn_name(fn));
		mapped(d, m, nr, count);
	}
	free(before);
}

static void sync_list(struct model_map *m, enum model_fn fn)
{
	model_asks(m->d, fn);
	if (fn == FN_sync_sg_for_cpu)
		dma_sync_sg_for_cpu(m->d->dev, m->sgt.sgl, (int)m->sgt.orig_nents, m->dir);
	else
		dma_sync_sgtable_for_device(m->d->dev, &m->sgt, m->dir);
	model_ok(m->d, fn);
}

void model_unmap_list(struct model_map *m)
{
	struct sg_table sgt = m->sgt;
	bool shared = m->pieces[0].buf->kind == BUF_ALLOC;
	unsigned long attrs = m->attrs & ~DMA_ATTR_SKIP_CPU_SYNC;
	struct model_dev *d = m->d;
	bool skip = shared || model_chance(15);
	enum model_fn fn = (enum model_fn)(m->fn + 1);

	if (m->cpu_len != 0) {
		sync_list(m, FN_sync_sg_for_device);
		m->cpu_len = 0;
	}
	if (skip) {
		attrs |= DMA_ATTR_SKIP_CPU_SYNC;
		if (!shared)
			sync_list(m, FN_sync_sg_for_cpu);
	}
	model_note("%s %s of 0x%" PRIx64 " dir %d attrs 0x%lx", d->name, model_fn_name(fn), m->dma,
		   m->dir, attrs);
	model_asks(d, fn);
	if (fn == FN_unmap_sg)
		dma_unmap_sg_attrs(d->dev, sgt.sgl, (int)sgt.orig_nents, m->dir, attrs);
	else
		dma_unmap_sgtable(d->dev, &sgt, m->dir, attrs);
	model_ok(d, fn);
	model_map_drop(m);
	model_dev_probe(d, sgt.sgl->dma_address, model_chance(50));
	sg_free_table(&sgt);
}

/* nents that cannot be, a direction that is none; or what the map returned in place of nents. */
static void unmap_badly(struct model_dev *d, enum model_fn fn, struct model_map *m)
{
	struct sg_table sgt = m->sgt;
	enum dma_data_direction dir = m->dir;
	uint64_t rules = R(NENTS);

	if (DMA_ASSERTS && m->count != sgt.orig_nents && model_chance(60))
		sgt.orig_nents = m->count;
	else if (model_chance(50))
		sgt.orig_nents = 0;
	else {
		dir = DMA_NONE;
		rules = R(DIRECTION);
	}
	model_asks(d, fn);
	if (fn == FN_unmap_sg)
		dma_unmap_sg(d->dev, sgt.sgl, (int)sgt.orig_nents, dir);
	else
		dma_unmap_sgtable(d->dev, &sgt, dir, 0);
	model_refused(d, fn, rules, -EINVAL);
	model_map_touch(m);
}

void model_call_unmap_sg(struct model_dev *d, enum model_fn fn)
{
	enum model_fn map = (enum model_fn)(fn - 1);
	struct model_map *m = model_map_any(d, map);

	if (m == NULL || !model_map_free_of_others(m))
		model_call_map_sg(d, map);
	else if (model_chance(15))
		unmap_badly(d, fn, m);
	else
		model_unmap_list(m);
}
