/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rare half of the walker, behind struct pgtable_ops: reserve, map and unmap for callers that
 * do not know the format, dump, retire, bring-up. Compiled once per format by <format>.c, which
 * says PT_FMT_H and defines the ops table with PT_OPS. Locks: see pgtable.h, Concurrency.
 */
#ifndef DMAMAP_PGTABLE_WALK_OPS_H
#define DMAMAP_PGTABLE_WALK_OPS_H

#include "pgtable/walk.h"

static int pt_check_range(const struct pgtable *pt, uint64_t iova, uint64_t len)
{
	uint64_t last;

	if (len == 0 || ((iova | len) & (PT_GRANULE - 1)) != 0)
		return -EINVAL;
	if (!bits_range_last(iova, len, &last) || last > pt->iova_last)
		return -ERANGE;
	return 0;
}

static int pt_check_run(const struct pgtable *pt, const struct run *run)
{
	uint64_t last;
	int err = pt_check_range(pt, run->iova, run->len);

	if (err != 0 || run->phys == PGTABLE_SCATTERED)
		return err;
	if ((run->phys & (PT_GRANULE - 1)) != 0)
		return -EINVAL;
	if ((run->prot & (DMA_PROT_READ | DMA_PROT_WRITE)) == 0 ||
	    (run->prot & ~PGTABLE_PROT_ALL) != 0)
		return -EINVAL;
	if (!bits_range_last(run->phys, run->len, &last) || last > pt->phys_last)
		return -ERANGE;
	return 0;
}

/* Does the table of @level, and everything below it, hold no leaf entry? */
static bool pt_subtree_empty(const struct pgtable *pt, const pt_word_t *table, uint32_t level)
{
	if (level == 0)
		return !pt_any(table, PT_LEAF_ENTRIES);
	for (uint32_t idx = 0; idx < pt_nr_entries(level); idx++) {
		pt_word_t v = pt_load_shared(table + idx);

		if (pt_fmt_is_leaf(level, v))
			return false;
		if (pt_fmt_is_table(level, v) &&
		    !pt_subtree_empty(pt, pt_next_table(pt, v), level - 1))
			return false;
	}
	return true;
}

/* What plan finds out about a run */
struct pt_plan {
	uint32_t nr_tables; /* missing */
	bool blocked;	    /* empty tables lie where blocks will be */
};

/* Tables of levels [low, high) are missing at @iova: count those that no earlier piece counted. */
static uint32_t pt_plan_missing(const struct pgtable_reserve *done, uint64_t iova, uint32_t low,
				uint32_t high)
{
	uint32_t nr = 0;

	for (uint32_t level = low; level < high; level++) {
		uint32_t lg2 = pt_table_span_lg2(level);

		if (!done->counted || iova >> lg2 != done->counted_last >> lg2)
			nr++;
	}
	return nr;
}

/* @nr blocks will be written from @idx on: only empty tables may be there. */
static int pt_plan_blocks(const struct pgtable *pt, const pt_word_t *table, uint32_t level,
			  uint32_t idx, uint32_t nr, struct pt_plan *plan)
{
	if (likely(!pt_any(table + idx, nr)))
		return 0;
	for (uint32_t i = idx; i < idx + nr; i++) {
		pt_word_t v = pt_load_shared(table + i);

		if (v == 0)
			continue;
		if (!pt_fmt_is_table(level, v) ||
		    !pt_subtree_empty(pt, pt_next_table(pt, v), level - 1))
			return -EEXIST;
		plan->blocked = true;
	}
	return 0;
}

/**
 * struct pt_piece - the head of a run that one table serves
 * @table: deepest table there is; of level @at
 * @at: level where the walk ended; above @level when tables are missing
 * @level: level of the leaf entries to write
 * @nr: leaf entries to write
 */
struct pt_piece {
	pt_word_t *table;
	uint32_t at;
	uint32_t level;
	uint32_t nr;
};

static struct pt_piece pt_piece_of(const struct pgtable *pt, const struct run *run, bool pages)
{
	struct pt_piece p = { .level = 0 };
	uint32_t idx;

	if (!pages)
		p.level = pt_best_level(pt, run->iova, run->phys, run->len);
	p.table = pt_walk(pt, run->iova, p.level, &p.at);
	idx = pt_index(run->iova, p.level);
	p.nr = (uint32_t)bits_min(run->len >> pt_entry_lg2(p.level), pt_nr_entries(p.level) - idx);
	return p;
}

static uint64_t pt_piece_skip(const struct pt_piece *p, struct run *run)
{
	uint64_t len = (uint64_t)p->nr << pt_entry_lg2(p->level);

	run->iova += len;
	run->len -= len;
	if (run->phys != PGTABLE_SCATTERED)
		run->phys += len;
	return run->iova - 1;
}

/* No side effect but on @done and @plan, which are the caller's copies. */
static int pt_plan(const struct pgtable *pt, struct run run, uint32_t flags,
		   struct pgtable_reserve *done, struct pt_plan *plan)
{
	bool pages = (flags & PGTABLE_PAGES) != 0 || run.phys == PGTABLE_SCATTERED;
	int err = 0;

	while (run.len != 0) {
		struct pt_piece p = pt_piece_of(pt, &run, pages);
		uint32_t idx = pt_index(run.iova, p.at);

		if (p.at > p.level) {
			pt_word_t v = pt_load_shared(p.table + idx);

			if (pt_fmt_is_table(p.at, v))
				continue; /* linked since by somebody else: look again */
			if (v != 0)
				return -EEXIST;
			plan->nr_tables += pt_plan_missing(done, run.iova, p.level, p.at);
		} else if (p.level > 0) {
			err = pt_plan_blocks(pt, p.table, p.level, idx, p.nr, plan);
			if (err != 0)
				return err;
		} else if ((flags & PGTABLE_CHECK) != 0 && pt_any(p.table + idx, p.nr)) {
			return -EEXIST;
		}
		done->counted_last = pt_piece_skip(&p, &run);
		done->counted = true;
	}
	return err;
}

/*
 * Unlink the tables below @table, of @level and starting at @base, that are empty and lie wholly in
 * [first, last]. The link in a freed table looks like an invalid entry (pgtable.h, freelist).
 */
static void pt_retire_below(struct pgtable *pt, pt_word_t *table, uint32_t level, uint64_t base,
			    uint64_t first, uint64_t last, struct gather *gather,
			    struct pgtable_freelist *list)
{
	uint64_t size = UINT64_C(1) << pt_entry_lg2(level);
	uint64_t end = bits_min(last, base + (size << bits_log2_floor(pt_nr_entries(level))) - 1);
	uint64_t at = bits_align_down(bits_max(first, base), size);

	for (; at <= end; at += size) {
		pt_word_t *e = table + pt_index(at, level);
		pt_word_t v = pt_load_shared(e);

		if (!pt_fmt_is_table(level, v))
			continue;
		if (level > 1)
			pt_retire_below(pt, pt_next_table(pt, v), level - 1, at, first, last,
					gather, list);
		if (at < first || at + size - 1 > last)
			continue;
		if (pt_any(pt_next_table(pt, v), pt_nr_entries(level - 1)))
			continue;
		pt_store(e, 0);
		if (PT_NONCOHERENT(pt))
			pt_clean(pt, e, 1);
		gather_add_table(gather, at, at + size - 1);
		pgtable_pool_push(pt, pt_fmt_table_phys(v), list);
		__atomic_fetch_sub(&pt->pool.nr_linked, 1, __ATOMIC_RELAXED);
	}
}

static void pt_retired(struct pgtable *pt)
{
	dma_wmb();
	__atomic_fetch_add(&pt->gen, 1, __ATOMIC_RELEASE);
}

static void pt_op_retire(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather,
			 struct pgtable_freelist *list)
{
	uint64_t last;
	uint32_t before = list->nr;

	if (!bits_range_last(iova, len, &last))
		return;
	last = bits_min(last, pt->iova_last);
	if (iova <= last)
		pt_retire_below(pt, pt->root, pt->top_level, 0, iova, last, gather, list);
	if (list->nr != before)
		pt_retired(pt);
}

/* Break before make, first half: nothing but empty tables is in the way, and it goes. */
static void pt_unblock(struct pgtable *pt, struct run run, struct pgtable_reserve *rsv)
{
	while (run.len != 0) {
		struct pt_piece p = pt_piece_of(pt, &run, false);
		uint64_t last = run.iova + ((uint64_t)p.nr << pt_entry_lg2(p.level)) - 1;

		if (p.level > 0 && p.at == p.level) {
			uint64_t base = bits_align_down(run.iova,
							UINT64_C(1) << pt_table_span_lg2(p.level));

			pt_retire_below(pt, p.table, p.level, base, run.iova, last, &rsv->gather,
					&rsv->retired);
		}
		pt_piece_skip(&p, &run);
	}
	pt_retired(pt);
}

static int pt_op_reserve(struct pgtable *pt, const struct run *run, uint32_t flags,
			 struct pgtable_reserve *rsv)
{
	struct pgtable_reserve done = *rsv;
	struct pt_plan plan = { .nr_tables = 0 };
	int err;

	err = pt_check_run(pt, run);
	if (err == 0)
		err = pt_plan(pt, *run, flags, &done, &plan);
	if (err == 0 && plan.nr_tables != 0)
		err = pgtable_pool_take(pt, plan.nr_tables, (flags & PGTABLE_ATOMIC) != 0,
					&rsv->tables);
	if (err != 0)
		return err;
	rsv->counted = done.counted;
	rsv->counted_last = done.counted_last;
	if (plan.blocked)
		pt_unblock(pt, *run, rsv);
	return 0;
}

static void pt_op_map(struct pgtable *pt, const struct run *run, struct pgtable_reserve *rsv)
{
	struct pgtable_cursor cursor = PGTABLE_CURSOR_EMPTY;
	struct pt_prot prot = pt_prot(run->prot);
	struct pt_writer w;

	struct pt_window win = pt_writer_begin(&w, pt, &cursor, rsv, &prot, run->iova);

	win = pt_writer_put(&w, win, run->phys, run->len);
	pt_writer_end(&w, win);
}

static int pt_op_unmap(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather)
{
	struct pgtable_cursor cursor = PGTABLE_CURSOR_EMPTY;
	int err = pt_check_range(pt, iova, len);
	uint64_t at = iova;

	while (err == 0 && at != iova + len) {
		pt_word_t *table;
		uint32_t level;
		uint32_t nr;

		err = pt_find(pt, &cursor, at, iova + len - at, &table, &level, &nr);
		if (err == 0)
			at += (uint64_t)nr << pt_entry_lg2(level);
	}
	return err != 0 ? err : pt_unmap_range(pt, &cursor, iova, len, gather);
}

static int pt_op_iova_to_phys(const struct pgtable *pt, uint64_t iova, phys_addr_t *phys)
{
	return pt_iova_to_phys(pt, iova, phys) ? 0 : -ENOENT;
}

/* The leaf entry that translates @iova, else how far the table at hand translates nothing */
static bool pt_leaf_at(const struct pgtable *pt, uint64_t iova, struct run *run)
{
	uint32_t level;
	pt_word_t *table = pt_walk(pt, iova, 0, &level);
	uint32_t idx = pt_index(iova, level);
	uint32_t end = pt_index(pt->iova_last, level) + 1;
	pt_word_t v = pt_load_shared(table + idx);
	uint64_t size = UINT64_C(1) << pt_entry_lg2(level);

	run->iova = iova;
	run->len = size - (iova & (size - 1));
	if (pt_fmt_is_table(level, v)) {
		run->len = 0; /* linked since by somebody else: look again */
		return false;
	}
	if (v != 0) {
		run->phys = pt_leaf_phys(level, v, iova);
		run->prot = pt_fmt_prot(level, v);
		return true;
	}
	for (idx++; idx < end && pt_load_shared(table + idx) == 0; idx++)
		run->len += size;
	return false;
}

static int pt_op_next_run(const struct pgtable *pt, uint64_t iova, uint64_t last, struct run *run)
{
	struct run next;

	last = bits_min(last, pt->iova_last);
	for (;; iova += run->len) {
		if (iova > last)
			return -ENOENT;
		if (pt_leaf_at(pt, iova, run))
			break;
	}
	while (run->iova + run->len <= last) {
		if (!pt_leaf_at(pt, run->iova + run->len, &next) || next.prot != run->prot ||
		    next.phys != run->phys + run->len)
			break;
		run->len += next.len;
	}
	run->len = bits_min(run->len, last - run->iova + 1);
	return 0;
}

static uint32_t pt_count_empty(const struct pgtable *pt, const pt_word_t *table, uint32_t level)
{
	uint32_t nr = 0;

	for (uint32_t idx = 0; level > 0 && idx < pt_nr_entries(level); idx++) {
		pt_word_t v = pt_load_shared(table + idx);

		if (!pt_fmt_is_table(level, v))
			continue;
		nr += pt_count_empty(pt, pt_next_table(pt, v), level - 1);
		nr += !pt_any(pt_next_table(pt, v), pt_nr_entries(level - 1));
	}
	return nr;
}

/* The root may be smaller than a table: its entries are those of the IOVA space. */
static uint32_t pt_op_count_empty(const struct pgtable *pt)
{
	uint32_t nr = 0;
	uint64_t step = UINT64_C(1) << pt_entry_lg2(pt->top_level);
	const pt_word_t *root = pt->root;

	for (uint64_t at = 0; at <= pt->iova_last; at += step) {
		pt_word_t v = pt_load_shared(root + pt_index(at, pt->top_level));

		if (!pt_fmt_is_table(pt->top_level, v))
			continue;
		nr += pt_count_empty(pt, pt_next_table(pt, v), pt->top_level - 1u);
		nr += !pt_any(pt_next_table(pt, v), pt_nr_entries(pt->top_level - 1u));
	}
	return nr;
}

static int pt_op_init(struct pgtable *pt, const struct pgtable_cfg *cfg)
{
	uint32_t top = 1;

	if (cfg->ias_bits < PT_IAS_MIN || cfg->ias_bits > PT_IAS_MAX ||
	    cfg->oas_bits < PT_OAS_MIN || cfg->oas_bits > PT_OAS_MAX)
		return -EINVAL;
	while (top < PT_NR_LEVELS - 1 && pt_table_span_lg2(top) < cfg->ias_bits)
		top++;
	pt->top_level = (uint8_t)top;
	pt->iova_last = (UINT64_C(1) << cfg->ias_bits) - 1;
	pt->phys_last = (UINT64_C(1) << cfg->oas_bits) - 1;
	pt->leaf_levels = (cfg->features & PGTABLE_NO_BLOCKS) != 0 ? 1 : PT_LEAF_LEVELS;
	pt->group_levels = (cfg->features & PGTABLE_NO_GROUPS) != 0 ? 0 : PT_GROUP_LEVELS;
	pt->root_bytes = UINT32_C(1) << (cfg->ias_bits - pt_entry_lg2(top) + PT_WORD_LG2);
	return pgtable_pool_setup(pt, PT_TABLE_LG2,
				  PT_SPLIT_STORES ? UINT32_MAX : PT_TABLE_PHYS_LAST,
				  cfg->max_clean);
}

static void pt_op_info(const struct pgtable *pt, struct pgtable_info *info)
{
	*info = (struct pgtable_info){
		.pt = { .fmt = PT_FMT,
			.granule_lg2 = PT_GRANULE_LG2,
			.ias_bits = pt->ias_bits,
			.oas_bits = pt->oas_bits,
			.root = pt->root_phys },
		.start_level = pt->top_level,
		.span_lg2 = PT_SPAN_LG2,
	};
	for (uint32_t level = 0; level <= pt->top_level; level++) {
		uint32_t lg2 = pt_entry_lg2(level);

		if ((pt->leaf_levels >> level & 1) == 0)
			continue;
		info->pgsize_bitmap |= UINT64_C(1) << lg2;
		if ((pt->group_levels >> level & 1) != 0)
			info->pgsize_bitmap |= UINT64_C(1) << (lg2 + PT_GROUP_LG2(level));
	}
	pt_fmt_info(pt, info);
}

#define PT_OPS                                                                                     \
	{                                                                                          \
		.name = PT_NAME, .fmt = PT_FMT, .granule_lg2 = PT_GRANULE_LG2,                     \
		.span_lg2 = PT_SPAN_LG2, .init = pt_op_init, .reserve = pt_op_reserve,             \
		.map = pt_op_map, .unmap = pt_op_unmap, .iova_to_phys = pt_op_iova_to_phys,        \
		.next_run = pt_op_next_run, .retire = pt_op_retire, .info = pt_op_info,            \
		.count_empty = pt_op_count_empty,                                                  \
	}

#endif
