/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gather, the table pool and what a reservation counts; translations are the contract suite's.
 */
#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
#include "pgtable/walk.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define RW (DMA_PROT_READ | DMA_PROT_WRITE)

struct fixture {
	struct host_platform host;
	struct pgtable pt;
};

static void setup(struct fixture *f, uint32_t max_clean)
{
	struct pgtable_cfg cfg = {
		.ias_bits = 39, .oas_bits = 48, .coherent_walk = true, .max_clean = max_clean
	};

	cfg.platform = host_platform_init(&f->host, NULL);
	assert_ok(pgtable_init(&f->pt, &pgtable_vmsav8_4k_ops, &cfg));
}

static void teardown(struct fixture *f)
{
	pgtable_fini(&f->pt);
	host_platform_fini(&f->host);
}

static uint32_t reserve(struct fixture *f, struct pgtable_reserve *rsv, uint64_t iova,
			uint64_t phys, uint64_t len, uint32_t flags)
{
	const struct run run = { iova, phys, len, RW };

	assert_ok(pgtable_reserve(&f->pt, &run, flags, rsv));
	return rsv->tables.nr;
}

static void map(struct fixture *f, uint64_t iova, uint64_t phys, uint64_t len)
{
	const struct run run = { iova, phys, len, RW };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;

	assert_ok(pgtable_reserve(&f->pt, &run, PGTABLE_CHECK, &rsv));
	pgtable_map(&f->pt, &run, &rsv);
	assert_int_equal(rsv.tables.nr, 0); /* one thread: exactly what was needed */
	pgtable_release(&f->pt, &rsv);
}

static void unmap_and_free(struct fixture *f, uint64_t iova, uint64_t len)
{
	struct gather gather = GATHER_EMPTY;
	struct pgtable_freelist list = { 0 };

	assert_ok(pgtable_unmap(&f->pt, iova, len, &gather));
	pgtable_retire(&f->pt, 0, GIB(512), &gather, &list);
	pgtable_free_tables(&f->pt, &list);
	assert_int_equal(list.nr, 0);
}

TEST(gather_merges_into_the_smallest_range_and_keeps_levels)
{
	struct gather g = GATHER_EMPTY;
	struct gather h = GATHER_EMPTY;

	assert_true(gather_is_empty(&g));
	gather_merge(&g, &h);
	assert_true(gather_is_empty(&g));
	gather_add(&g, 0x5000, 0x5fff, 0);
	gather_add(&g, 0x1000, 0x2fff, 1);
	assert_u64_equal(g.start, 0x1000);
	assert_u64_equal(g.last, 0x5fff);
	assert_u64_equal(g.levels, 3);
	assert_false(g.walk_cache);
	gather_add_table(&h, 0, UINT64_MAX);
	gather_merge(&g, &h);
	assert_u64_equal(g.start, 0);
	assert_u64_equal(g.last, UINT64_MAX);
	assert_true(g.walk_cache);
	assert_u64_equal(g.levels, 3);
}

TEST(gather_that_starts_at_zero_is_not_empty)
{
	struct gather g = GATHER_EMPTY;

	gather_add(&g, 0, 0, 0);
	assert_false(gather_is_empty(&g));
}

TEST(reserve_counts_each_missing_table_once)
{
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct fixture f;

	setup(&f, 0);
	/* one table of level 1, one leaf table */
	assert_int_equal(reserve(&f, &rsv, 0x1000, 0, 0x1000, 0), 2);
	/* the same leaf table; then another one; then both under another table of level 1 */
	assert_int_equal(reserve(&f, &rsv, 0x2000, 0, 0x1000, 0), 2);
	assert_int_equal(reserve(&f, &rsv, 0x3000, 0, MIB(2), 0), 3);
	assert_int_equal(reserve(&f, &rsv, GIB(1), 0x1000, MIB(4), 0), 6);
	/* a block needs no leaf table */
	assert_int_equal(reserve(&f, &rsv, GIB(2), 0, MIB(4), 0), 7);
	/* unless it will be put in pieces */
	assert_int_equal(reserve(&f, &rsv, GIB(3), 0, MIB(4), PGTABLE_PAGES), 10);
	/* 1 GiB at once needs no table at all */
	assert_int_equal(reserve(&f, &rsv, GIB(5), 0, GIB(1), 0), 10);
	/* scattered: leaf tables everywhere */
	assert_int_equal(reserve(&f, &rsv, GIB(7), PGTABLE_SCATTERED, MIB(6), 0), 14);
	pgtable_release(&f.pt, &rsv);
	assert_int_equal(rsv.tables.nr, 0);
	teardown(&f);
}

TEST(map_uses_exactly_the_tables_that_were_reserved)
{
	struct fixture f;

	setup(&f, 0);
	map(&f, MIB(1) + 0x3000, 0x7000, MIB(7));
	map(&f, GIB(1) - MIB(3), GIB(2) - MIB(3), MIB(6));
	map(&f, GIB(4) - MIB(2) - 0x1000, GIB(9) - MIB(2) - 0x1000, GIB(1) + MIB(4) + 0x2000);
	teardown(&f);
}

TEST(freed_tables_are_used_again_without_the_platform)
{
	struct pgtable_stats stats;
	struct fixture f;
	uint64_t bytes;

	setup(&f, 64);
	map(&f, 0, 0x1000, MIB(4));
	pgtable_stats(&f.pt, &stats);
	bytes = stats.chunk_bytes;
	for (unsigned i = 0; i < 100; i++) {
		unmap_and_free(&f, 0, MIB(4));
		map(&f, 0, 0x1000, MIB(4));
		pgtable_stats(&f.pt, &stats);
		assert_u64_equal(stats.chunk_bytes, bytes);
		assert_int_equal(stats.nr_linked, 3);
	}
	teardown(&f);
}

TEST(pool_is_bounded_and_trim_gives_everything_back)
{
	struct pgtable_stats stats;
	struct fixture f;

	setup(&f, 16);
	map(&f, 0, 0x1000, MIB(512));
	pgtable_stats(&f.pt, &stats);
	assert_int_equal(stats.nr_linked, 257);
	unmap_and_free(&f, 0, MIB(512));
	pgtable_stats(&f.pt, &stats);
	assert_int_equal(stats.nr_linked, 0);
	assert_true(stats.nr_clean <= 16);
	pgtable_trim(&f.pt);
	pgtable_stats(&f.pt, &stats);
	assert_u64_equal(stats.chunk_bytes, 0);
	assert_u64_equal(f.host.nr_pages, 1); /* the root */
	map(&f, 0, 0x1000, 0x1000);	      /* and it goes on */
	teardown(&f);
}

TEST(trim_keeps_chunks_with_tables_in_use)
{
	struct pgtable_stats stats;
	struct fixture f;
	phys_addr_t phys;

	setup(&f, 0);
	map(&f, 0, 0x1000, 0x1000);
	pgtable_trim(&f.pt);
	pgtable_stats(&f.pt, &stats);
	assert_u64_equal(stats.chunk_bytes, 65536);
	assert_int_equal(stats.nr_linked, 2);
	assert_int_equal(stats.nr_clean, 14);
	assert_ok(pgtable_iova_to_phys(&f.pt, 0x10, &phys));
	assert_u64_equal(phys, 0x1010);
	teardown(&f);
}

/* 2.01 MiB per GiB of 4 KiB pages, performance.md */
TEST(tables_for_one_gib_of_pages_take_two_mib)
{
	struct pgtable_stats stats;
	struct fixture f;

	setup(&f, 0);
	map(&f, GIB(1), GIB(1) + 0x1000, GIB(1));
	pgtable_stats(&f.pt, &stats);
	assert_true((uint64_t)stats.nr_linked * stats.table_bytes <= MIB(2) + MIB(1) / 100);
	teardown(&f);
}

TEST(ready_means_one_linked_table_serves_the_whole_range)
{
	struct pgtable_cursor cursor = PGTABLE_CURSOR_EMPTY;
	struct fixture f;

	setup(&f, 0);
	assert_false(pt_ready(&f.pt, &cursor, 0, 0x1000));
	map(&f, MIB(2) - 0x1000, 0x5000, 0x1000);
	assert_true(pt_ready(&f.pt, &cursor, 0, MIB(2)));
	assert_false(pt_ready(&f.pt, &cursor, 0, MIB(2) + 0x1000));
	assert_false(pt_ready(&f.pt, &cursor, MIB(2), 0x1000));
	assert_false(pt_ready(&f.pt, &cursor, GIB(512), 0x1000));
	teardown(&f);
}

TEST(cursor_is_not_believed_after_tables_were_retired)
{
	struct pgtable_cursor cursor = PGTABLE_CURSOR_EMPTY;
	struct fixture f;

	setup(&f, 0);
	map(&f, 0, 0x1000, 0x1000);
	assert_non_null(pt_leaf(&f.pt, &cursor, 0x3000));
	assert_true(pt_cursor_hit(&f.pt, &cursor, MIB(2) - 1));
	assert_false(pt_cursor_hit(&f.pt, &cursor, MIB(2)));
	unmap_and_free(&f, 0, 0x1000);
	assert_false(pt_cursor_hit(&f.pt, &cursor, 0x3000));
	assert_null(pt_leaf(&f.pt, &cursor, 0x3000));
	teardown(&f);
}
