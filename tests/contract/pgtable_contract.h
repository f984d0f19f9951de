/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every page-table format must do, compiled once per format by pgtable_<format>_test.c, which
 * defines CT_OPS, CT_NAIVE, CT_IAS, CT_OAS, CT_BASE (start of a window of IOVA), CT_NR_PAGES,
 * CT_STEPS (random calls per seed) and PT_FMT_H. The reference is a flat array of pages; what the
 * hardware would see is read by an independent walker (pgtable_naive.h), on a non-coherent machine
 * from memory that only cache_clean() and evictions write. A failure prints its step.
 */
#include "tests/contract/pgtable_reference.h"

static void ref_map(struct ct *t, const struct run *run)
{
	for (uint64_t at = 0; at < run->len; at += PT_GRANULE)
		*ref_at(t, run->iova + at) = (struct ref_page){
			.phys = run->phys + at,
			.prot = run->prot,
			.unit_lg2 = ref_unit(t, run, run->iova + at),
		};
}

/* In pieces, which may be smaller than blocks: units are at most those of the piece. */
static void put_pieces(struct ct *t, const struct run *run, struct pgtable_reserve *rsv)
{
	struct pt_prot prot = pt_prot(run->prot);
	struct run piece = *run;
	struct pt_writer w;
	struct pt_window win = pt_writer_begin(&w, &t->pt, &t->cursor, rsv, &prot, run->iova);

	for (uint64_t at = 0; at < run->len; at += piece.len) {
		uint64_t left = (run->len - at) / PT_GRANULE;

		piece.iova = run->iova + at;
		piece.phys = run->phys + at;
		piece.len = (ct_random(t, 4) == 0 ? 1 + ct_random(t, left) : 1) * PT_GRANULE;
		win = pt_writer_put(&w, win, piece.phys, piece.len);
		ref_map(t, &piece);
	}
	pt_writer_end(&w, win);
	for (uint64_t at = 0; at < run->len; at += PT_GRANULE) {
		struct ref_page *page = ref_at(t, run->iova + at);
		struct naive_leaf leaf;

		assert_true(CT_NAIVE(&t->naive, run->iova + at, &leaf));
		assert_true(leaf.size <= UINT64_C(1) << page->unit_lg2);
		page->unit_lg2 = bits_log2_floor(leaf.size);
	}
}

static void put_page_list(struct ct *t, const struct run *run, struct pgtable_reserve *rsv)
{
	struct pt_prot prot = pt_prot(run->prot);
	uint32_t nr = (uint32_t)(run->len / PT_GRANULE);
	phys_addr_t *phys = malloc(nr * sizeof(*phys));
	struct pt_writer w;
	struct pt_window win;

	assert_non_null(phys);
	for (uint32_t i = 0; i < nr; i++) {
		struct ref_page *page = ref_at(t, run->iova + i * PT_GRANULE);

		phys[i] = run->phys + ct_random(t, 1000) * PT_GRANULE;
		*page = (struct ref_page){ phys[i], run->prot, PT_GRANULE_LG2 };
	}
	win = pt_writer_begin(&w, &t->pt, &t->cursor, rsv, &prot, run->iova);
	win = pt_writer_put_pages(&w, win, phys, nr);
	pt_writer_end(&w, win);
	free(phys);
}

static void do_map(struct ct *t, const struct run *run)
{
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	bool there = ref_any(t, run->iova, run->len);
	uint64_t how = ct_random(t, 3);
	struct run plan = *run;
	int err;

	if (how == 2)
		plan.phys = PGTABLE_SCATTERED;
	err = pgtable_reserve(&t->pt, &plan, PGTABLE_CHECK | (how == 1 ? PGTABLE_PAGES : 0), &rsv);
	assert_int_equal(err, there ? -EEXIST : 0);
	tlb_drop(t, &rsv.gather);
	if (err == 0 && how == 0) {
		pgtable_map(&t->pt, run, &rsv);
		ref_map(t, run);
	} else if (err == 0 && how == 1) {
		put_pieces(t, run, &rsv);
	} else if (err == 0) {
		put_page_list(t, run, &rsv);
	}
	pgtable_release(&t->pt, &rsv);
	check_some(t, run->iova, run->len);
}

static void do_unmap(struct ct *t, uint64_t iova, uint64_t len)
{
	struct gather gather = GATHER_EMPTY;
	bool cuts = ref_cuts(t, iova, ref_at(t, iova)) ||
		    ref_cuts(t, iova + len, ref_at(t, iova + len - 1));
	bool all = ref_all(t, iova, len);
	int err;

	if (all && !cuts && ct_random(t, 2) == 0)
		err = pt_unmap(&t->pt, &t->cursor, iova, len, &gather);
	else
		err = pgtable_unmap(&t->pt, iova, len, &gather);
	if (all && !cuts)
		assert_ok(err);
	else
		assert_true((err == -ENOENT && !all) || (err == -EINVAL && cuts));
	assert_true(gather_is_empty(&gather) == (err != 0));
	if (err == 0) {
		assert_u64_equal(gather.start, iova);
		assert_u64_equal(gather.last, iova + len - 1);
		assert_true(gather.levels != 0 && !gather.walk_cache);
		for (uint64_t at = iova; at < iova + len; at += PT_GRANULE)
			ref_at(t, at)->unit_lg2 = 0;
		tlb_drop(t, &gather);
	}
	check_some(t, iova, len);
}

/* One page, as the fast path does it */
static void do_page(struct ct *t, uint64_t iova, uint64_t phys)
{
	struct ref_page *page = ref_at(t, iova);
	pt_word_t *leaf = pt_leaf(&t->pt, &t->cursor, iova);
	bool clear = page->unit_lg2 == PT_GRANULE_LG2;

	if (leaf == NULL)
		return;
	if (page->unit_lg2 == 0) {
		pt_set_leaf(&t->pt, leaf, phys, pt_prot(RW).page);
		*page = (struct ref_page){ phys, RW, PT_GRANULE_LG2 };
	} else {
		assert_true(pt_clear_leaf(&t->pt, leaf) == clear);
		if (clear) {
			page->unit_lg2 = 0;
			t->tlb[page - t->page] = 0;
		}
	}
	check_range(t, iova, PT_GRANULE);
}

static void do_retire(struct ct *t, uint64_t iova, uint64_t len)
{
	struct pgtable_freelist list = { 0 };
	struct gather gather = GATHER_EMPTY;

	pgtable_retire(&t->pt, iova, len, &gather, &list);
	assert_true(gather.walk_cache == (list.nr != 0));
	assert_true(gather_is_empty(&gather) == (list.nr == 0));
	if (list.nr != 0)
		assert_true(gather.start >= iova && gather.last <= iova + len - 1);
	pgtable_free_tables(&t->pt, &list);
	if (ct_random(t, 2) == 0)
		pgtable_trim(&t->pt);
}

static uint64_t random_size(struct ct *t)
{
	static const uint32_t lg2[] = {
		PT_GRANULE_LG2,
		PT_GRANULE_LG2 + PT_GROUP_LG2(0),
		PT_SPAN_LG2,
	};

	return UINT64_C(1) << lg2[ct_random(t, 3)];
}

static struct run random_run(struct ct *t)
{
	static const uint32_t prots[] = {
		RW,
		DMA_PROT_READ,
		DMA_PROT_WRITE,
		RW | DMA_PROT_CACHE,
		RW | DMA_PROT_MMIO,
		RW | DMA_PROT_PRIV | DMA_PROT_NOEXEC,
	};
	uint64_t align = random_size(t);
	uint64_t start = ct_random(t, CT_NR_PAGES) * PT_GRANULE / align * align;
	uint64_t len = random_size(t) * (1 + ct_random(t, 6)) + ct_random(t, 3) * PT_GRANULE;
	struct run run = { .iova = CT_BASE + start, .prot = prots[ct_random(t, 6)] };

	if (ct_random(t, 16) == 0)
		len = WINDOW_BYTES / 2;
	run.len = bits_min(len, WINDOW_BYTES - start);
	run.phys = (1 + ct_random(t, 1000)) * PT_GRANULE * 8;
	if (ct_random(t, 4) != 0) {
		align = random_size(t);
		run.phys = run.phys / align * align + run.iova % align;
	}
	return run;
}

static void random_unmap(struct ct *t)
{
	uint64_t iova = CT_BASE + ct_random(t, CT_NR_PAGES) * PT_GRANULE;
	uint64_t end = CT_BASE + WINDOW_BYTES;
	struct run run;

	if (!ref_next_run(t, iova, &run))
		return;
	iova = run.iova;
	if (ct_random(t, 4) != 0)
		iova = bits_align_down(iova, UINT64_C(1) << ref_at(t, iova)->unit_lg2);
	run.len = bits_min(random_size(t) * (1 + ct_random(t, 8)), end - iova);
	if (ct_random(t, 4) != 0) {
		uint32_t lg2 = ref_at(t, iova + run.len - PT_GRANULE)->unit_lg2;

		if (lg2 != 0)
			run.len = bits_align_up(iova + run.len, UINT64_C(1) << lg2) - iova;
	}
	do_unmap(t, iova, run.len);
}

static void unmap_everything(struct ct *t)
{
	struct gather gather = GATHER_EMPTY;
	struct run run;

	while (pgtable_next_run(&t->pt, 0, UINT64_MAX, &run) == 0) {
		assert_ok(pgtable_unmap(&t->pt, run.iova, run.len, &gather));
		tlb_drop(t, &gather);
	}
	memset(t->page, 0, sizeof(t->page));
	check_all(t);
}

static void check_nothing_is_left(struct ct *t)
{
	struct pgtable_stats stats;

	do_retire(t, 0, UINT64_C(1) << CT_IAS);
	pgtable_trim(&t->pt);
	pgtable_stats(&t->pt, &stats);
	assert_int_equal(stats.nr_linked, 0);
	assert_int_equal(stats.nr_empty, 0);
	assert_int_equal(stats.nr_clean, 0);
	assert_u64_equal(stats.chunk_bytes, 0);
}

static void random_calls(uint64_t seed, bool coherent, uint32_t features)
{
	struct ct *t = ct_new(seed, coherent, features);

	for (t->step = 0; t->step < CT_STEPS; t->step++) {
		uint64_t what = ct_random(t, 16);
		struct run run = random_run(t);

		if (what < 6)
			do_map(t, &run);
		else if (what < 11)
			random_unmap(t);
		else if (what < 15)
			do_page(t, run.iova, run.phys);
		else
			do_retire(t, run.iova, run.len);
		if (!coherent)
			evict_some(t);
		if (t->step % 128 == 127)
			check_all(t);
	}
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

TEST(random_calls_agree_with_a_flat_array_and_a_naive_walker)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		random_calls(seed * UINT64_C(0x9e3779b97f4a7c15), true, 0);
}

TEST(random_calls_reach_a_walker_that_does_not_snoop)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		random_calls(seed * UINT64_C(0xbf58476d1ce4e5b9), false, 0);
}

TEST(random_calls_without_blocks_and_groups)
{
	random_calls(0x1234567, true, PGTABLE_NO_BLOCKS);
	random_calls(0x1234567, true, PGTABLE_NO_GROUPS);
	random_calls(0x1234567, false, PGTABLE_NO_BLOCKS | PGTABLE_NO_GROUPS);
}

TEST(reserve_refuses_what_cannot_be_mapped_and_changes_nothing)
{
	struct ct *t = ct_new(1, true, 0);
	const uint64_t page = PT_GRANULE;
	const uint64_t last = (UINT64_C(1) << CT_IAS) - page;
	const uint64_t phys_last = (UINT64_C(1) << CT_OAS) - page;
	const struct {
		struct run run;
		int err;
	} bad[] = {
		{ { CT_BASE, page, 0, RW }, -EINVAL },
		{ { CT_BASE + 1, page, page, RW }, -EINVAL },
		{ { CT_BASE, page + 1, page, RW }, -EINVAL },
		{ { CT_BASE, page, page + 1, RW }, -EINVAL },
		{ { CT_BASE, page, page, 0 }, -EINVAL },
		{ { CT_BASE, page, page, DMA_PROT_CACHE }, -EINVAL },
		{ { CT_BASE, page, page, RW | 1u << 31 }, -EINVAL },
		{ { last, page, 2 * page, RW }, -ERANGE },
		{ { last + page, page, page, RW }, -ERANGE },
		{ { UINT64_MAX - page + 1, page, page, RW }, -ERANGE },
		{ { UINT64_MAX - page + 1, page, 2 * page, RW }, -ERANGE },
		{ { CT_BASE, phys_last, 2 * page, RW }, -ERANGE },
		{ { CT_BASE, phys_last + page, page, RW }, -ERANGE },
		{ { CT_BASE, UINT64_MAX - page + 1, page, RW }, -ERANGE },
		{ { last, PGTABLE_SCATTERED, 2 * page, 0 }, -ERANGE },
	};

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;

		assert_int_equal(pgtable_reserve(&t->pt, &bad[i].run, PGTABLE_CHECK, &rsv),
				 bad[i].err);
		assert_int_equal(rsv.tables.nr, 0);
		assert_true(gather_is_empty(&rsv.gather));
	}
	check_all(t);
	check_nothing_is_left(t);
	ct_free(t);
}

static void map_one(struct ct *t, uint64_t iova, uint64_t phys, uint64_t len)
{
	const struct run run = { iova, phys, len, RW };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;

	assert_ok(pgtable_reserve(&t->pt, &run, PGTABLE_CHECK, &rsv));
	tlb_drop(t, &rsv.gather);
	pgtable_map(&t->pt, &run, &rsv);
	pgtable_release(&t->pt, &rsv);
}

TEST(first_and_last_page_of_the_space_and_of_memory_can_be_mapped)
{
	struct ct *t = ct_new(1, true, 0);
	const uint64_t last = (UINT64_C(1) << CT_IAS) - PT_GRANULE;
	const uint64_t phys_last = (UINT64_C(1) << CT_OAS) - PT_GRANULE;
	struct gather gather = GATHER_EMPTY;
	struct naive_leaf leaf;

	map_one(t, 0, phys_last, PT_GRANULE);
	map_one(t, last, 0, PT_GRANULE);
	assert_true(CT_NAIVE(&t->naive, 0, &leaf));
	assert_u64_equal(leaf.phys, phys_last);
	assert_true(CT_NAIVE(&t->naive, last + PT_GRANULE - 1, &leaf));
	assert_u64_equal(leaf.phys, PT_GRANULE - 1);
	assert_int_equal(pgtable_unmap(&t->pt, last, 2 * PT_GRANULE, &gather), -ERANGE);
	assert_int_equal(pgtable_unmap(&t->pt, last + 1, PT_GRANULE, &gather), -EINVAL);
	assert_int_equal(pgtable_unmap(&t->pt, last, 0, &gather), -EINVAL);
	assert_true(gather_is_empty(&gather));
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

/* Break before make: an empty table in the way of a block is unlinked and must be invalidated. */
TEST(block_over_an_empty_table_asks_for_an_invalidation_first)
{
	struct ct *t = ct_new(1, true, 0);
	const uint64_t iova = bits_align_up(CT_BASE, PT_SPAN);
	const struct run run = { iova, PT_SPAN, PT_SPAN, RW };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct gather gather = GATHER_EMPTY;
	struct naive_leaf leaf;

	map_one(t, iova + PT_GRANULE, 0, PT_GRANULE);
	assert_int_equal(pgtable_reserve(&t->pt, &run, 0, &rsv), -EEXIST);
	assert_true(gather_is_empty(&rsv.gather));
	assert_ok(pgtable_unmap(&t->pt, iova + PT_GRANULE, PT_GRANULE, &gather));
	assert_non_null(pt_leaf(&t->pt, &t->cursor, iova));
	assert_ok(pgtable_reserve(&t->pt, &run, 0, &rsv));
	assert_true(rsv.gather.walk_cache);
	assert_u64_equal(rsv.gather.start, iova);
	assert_u64_equal(rsv.gather.last, iova + PT_SPAN - 1);
	assert_int_equal(rsv.retired.nr, 1);
	assert_null(pt_leaf(&t->pt, &t->cursor, iova)); /* the cursor is not believed */
	pgtable_map(&t->pt, &run, &rsv);
	pgtable_release(&t->pt, &rsv);
	assert_true(CT_NAIVE(&t->naive, iova, &leaf));
	assert_u64_equal(leaf.size, PT_SPAN);
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

TEST(unmap_keeps_tables_and_retire_takes_only_empty_ones_inside_the_range)
{
	struct ct *t = ct_new(1, true, 0);
	const uint64_t iova = bits_align_up(CT_BASE, PT_SPAN);
	struct pgtable_freelist list = { 0 };
	struct gather gather = GATHER_EMPTY;
	struct pgtable_stats stats;
	uint32_t nr_linked;

	map_one(t, iova, 0, PT_GRANULE);
	map_one(t, iova + PT_SPAN, 0, PT_GRANULE);
	pgtable_stats(&t->pt, &stats);
	nr_linked = stats.nr_linked;
	assert_ok(pgtable_unmap(&t->pt, iova, PT_GRANULE, &gather));
	pgtable_stats(&t->pt, &stats);
	assert_int_equal(stats.nr_linked, nr_linked);
	assert_int_equal(stats.nr_empty, 1);
	gather = GATHER_EMPTY;
	pgtable_retire(&t->pt, iova, PT_SPAN - PT_GRANULE, &gather, &list);
	assert_int_equal(list.nr, 0); /* not wholly inside */
	pgtable_retire(&t->pt, iova, 2 * PT_SPAN, &gather, &list);
	assert_int_equal(list.nr, 1); /* the other one is in use */
	assert_u64_equal(gather.start, iova);
	assert_u64_equal(gather.last, iova + PT_SPAN - 1);
	pgtable_free_tables(&t->pt, &list);
	pgtable_stats(&t->pt, &stats);
	assert_int_equal(stats.nr_linked, nr_linked - 1);
	assert_int_equal(stats.nr_empty, 0);
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

/* A piece that could be a block does not push a linked table aside: it is written as pages. */
TEST(block_sized_piece_uses_the_table_that_is_linked)
{
	struct ct *t = ct_new(1, true, 0);
	const uint64_t iova = bits_align_up(CT_BASE, PT_SPAN);
	const struct run run = { iova, 2 * PT_SPAN, PT_SPAN, RW };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct gather gather = GATHER_EMPTY;
	struct pt_prot prot = pt_prot(RW);
	struct naive_leaf leaf;
	struct pt_window win;
	struct pt_writer w;

	map_one(t, iova, 0, PT_GRANULE);
	assert_ok(pgtable_unmap(&t->pt, iova, PT_GRANULE, &gather));
	assert_ok(pgtable_reserve(&t->pt, &run, PGTABLE_PAGES, &rsv));
	assert_int_equal(rsv.tables.nr, 0);
	assert_true(gather_is_empty(&rsv.gather));
	win = pt_writer_begin(&w, &t->pt, &t->cursor, &rsv, &prot, iova);
	win = pt_writer_put(&w, win, run.phys, run.len);
	pt_writer_end(&w, win);
	pgtable_release(&t->pt, &rsv);
	for (uint64_t at = 0; at < PT_SPAN; at += PT_SPAN / 64) {
		assert_true(CT_NAIVE(&t->naive, iova + at, &leaf));
		assert_u64_equal(leaf.phys, run.phys + at);
		assert_true(leaf.size < PT_SPAN);
	}
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

/* The recycled table serves another span; the walker must not reach it through the old one. */
TEST(retired_table_is_out_of_sight_of_a_walker_that_does_not_snoop)
{
	struct ct *t = ct_new(1, false, 0);
	const uint64_t iova = bits_align_up(CT_BASE, PT_SPAN);
	const uint64_t other = iova - 17 * PT_SPAN; /* its entry lies in another cache line */
	struct pgtable_freelist list = { 0 };
	struct gather gather = GATHER_EMPTY;
	struct naive_leaf first;
	struct naive_leaf second;

	map_one(t, iova, 0, PT_GRANULE);
	assert_true(CT_NAIVE(&t->naive, iova, &first));
	assert_ok(pgtable_unmap(&t->pt, iova, PT_GRANULE, &gather));
	pgtable_retire(&t->pt, iova, PT_SPAN, &gather, &list);
	pgtable_free_tables(&t->pt, &list);
	map_one(t, other, PT_GRANULE, PT_GRANULE);
	assert_true(CT_NAIVE(&t->naive, other, &second));
	assert_u64_equal(second.table, first.table);
	assert_false(CT_NAIVE(&t->naive, iova, &first));
	unmap_everything(t);
	check_nothing_is_left(t);
	ct_free(t);
}

/* Fail each request in turn: two runs that need tables, one with blocks. */
static int two_runs(struct ct *t)
{
	const struct run runs[] = {
		{ CT_BASE + PT_GRANULE, 3 * PT_GRANULE, PT_GRANULE, RW },
		{ bits_align_up(CT_BASE, PT_SPAN) + PT_SPAN, 0, PT_SPAN + PT_GRANULE, RW },
	};
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	int err = 0;

	for (unsigned i = 0; i < 2 && err == 0; i++)
		err = pgtable_reserve(&t->pt, &runs[i], PGTABLE_CHECK, &rsv);
	for (unsigned i = 0; i < 2 && err == 0; i++) {
		pgtable_map(&t->pt, &runs[i], &rsv);
		ref_map(t, &runs[i]);
	}
	pgtable_release(&t->pt, &rsv);
	return err;
}

TEST(failed_table_allocation_changes_nothing)
{
	for (uint64_t n = 1;; n++) {
		struct ct *t = ct_new(n, true, 0);
		bool failed;
		int err;

		host_platform_fail_nth(&t->host, n);
		err = two_runs(t);
		failed = t->host.nr_injected != 0;
		host_platform_fail_nth(&t->host, 0);
		assert_int_equal(err, failed ? -ENOMEM : 0);
		check_all(t);
		if (failed)
			check_nothing_is_left(t);
		ct_free(t);
		if (!failed) {
			assert_true(n > 1);
			break;
		}
	}
}

TEST(failed_root_allocation_fails_init)
{
	struct host_platform host;
	const struct host_options opt = { .ram_base = RAM_BASE };
	struct pgtable_cfg cfg = { .ias_bits = CT_IAS, .oas_bits = CT_OAS, .coherent_walk = true };
	struct pgtable pt;

	cfg.platform = host_platform_init(&host, &opt);
	host_platform_fail_nth(&host, 1);
	assert_int_equal(pgtable_init(&pt, &CT_OPS, &cfg), -ENOMEM);
	host_platform_fini(&host);
}
