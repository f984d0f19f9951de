/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads on disjoint IOVA of one page table: they share upper tables and leaf tables, race to link
 * them, and never wait for one another. Runs under the thread sanitizer too.
 */
#include <pthread.h>

#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
#include "pgtable/walk.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define NR_THREADS 3
#define ROUNDS 200
#define MIB(n) ((uint64_t)(n) << 20)
#define RW (DMA_PROT_READ | DMA_PROT_WRITE)

struct shared {
	struct host_platform host;
	struct pgtable pt;
	pthread_barrier_t barrier;
};

struct worker {
	struct shared *shared;
	uint32_t idx;
	uint32_t nr_wrong; /* read after the thread ended */
	struct pgtable_cursor cursor;
};

static void map_pages(struct worker *w, uint64_t iova, uint64_t phys, uint64_t len)
{
	struct pgtable *pt = &w->shared->pt;
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	const struct run run = { iova, phys, len, RW };
	struct pt_prot prot = pt_prot(RW);
	struct pt_window win;
	struct pt_writer writer;

	if (pgtable_reserve(pt, &run, PGTABLE_CHECK | PGTABLE_PAGES, &rsv) != 0) {
		w->nr_wrong++;
		return;
	}
	win = pt_writer_begin(&writer, pt, &w->cursor, &rsv, &prot, iova);
	for (uint64_t at = 0; at < len; at += PT_GRANULE)
		win = pt_writer_put(&writer, win, phys + at, PT_GRANULE);
	pt_writer_end(&writer, win);
	pgtable_release(pt, &rsv);
}

static void check_pages(struct worker *w, uint64_t iova, uint64_t phys, uint64_t len)
{
	phys_addr_t got = 0;

	for (uint64_t at = 0; at < len; at += PT_GRANULE) {
		if (!pt_iova_to_phys(&w->shared->pt, iova + at, &got) || got != phys + at)
			w->nr_wrong++;
	}
}

static void unmap_pages(struct worker *w, uint64_t iova, uint64_t len)
{
	struct gather gather = GATHER_EMPTY;

	if (pt_unmap(&w->shared->pt, &w->cursor, iova, len, &gather) != 0 || gather.start != iova ||
	    gather.last != iova + len - 1)
		w->nr_wrong++;
}

/*
 * Every round starts at the barrier, in IOVA that no table serves yet: all threads need the same
 * leaf table at once, each for its own pages of it, and take turns of 5 pages.
 */
static void *shared_leaf_tables(void *arg)
{
	struct worker *w = arg;
	const uint64_t len = 5 * PT_GRANULE;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t base = (uint64_t)round * MIB(1024) + w->idx * len;
		uint64_t phys = ((uint64_t)w->idx + 1) << 32;

		pthread_barrier_wait(&w->shared->barrier);
		for (uint32_t i = 0; i < 4; i++)
			map_pages(w, base + i * NR_THREADS * len, phys + i * len, len);
		for (uint32_t i = 0; i < 4; i++)
			check_pages(w, base + i * NR_THREADS * len, phys + i * len, len);
		for (uint32_t i = 0; i < 4; i++)
			unmap_pages(w, base + i * NR_THREADS * len, len);
	}
	return NULL;
}

/* Each thread owns whole spans: it also retires its own tables while the others work. */
static void *own_spans(void *arg)
{
	struct worker *w = arg;
	struct pgtable *pt = &w->shared->pt;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t iova = MIB(2) * (w->idx + (uint64_t)NR_THREADS * (round % 8));
		struct gather gather = GATHER_EMPTY;
		struct pgtable_freelist list = { 0 };

		map_pages(w, iova + MIB(1), MIB(64), 7 * PT_GRANULE);
		check_pages(w, iova + MIB(1), MIB(64), 7 * PT_GRANULE);
		unmap_pages(w, iova + MIB(1), 7 * PT_GRANULE);
		pgtable_retire(pt, iova, MIB(2), &gather, &list);
		if (list.nr != 1 || !gather.walk_cache)
			w->nr_wrong++;
		pgtable_free_tables(pt, &list);
	}
	return NULL;
}

static void run_threads(void *(*body)(void *))
{
	static struct shared shared; /* too large for a thread's stack */
	struct pgtable_cfg cfg = { .ias_bits = 48, .oas_bits = 48, .coherent_walk = true };
	const struct host_options opt = { .ram_bytes = MIB(32) };
	struct worker workers[NR_THREADS];
	pthread_t threads[NR_THREADS];
	struct pgtable_freelist list = { 0 };
	struct gather gather = GATHER_EMPTY;
	struct pgtable_stats stats;

	cfg.platform = host_platform_init(&shared.host, &opt);
	assert_ok(pgtable_init(&shared.pt, &pgtable_vmsav8_4k_ops, &cfg));
	assert_ok(pthread_barrier_init(&shared.barrier, NULL, NR_THREADS));
	for (uint32_t i = 0; i < NR_THREADS; i++) {
		workers[i] = (struct worker){ &shared, i, 0, PGTABLE_CURSOR_EMPTY };
		assert_ok(pthread_create(&threads[i], NULL, body, &workers[i]));
	}
	for (uint32_t i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_join(threads[i], NULL));
	for (uint32_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(workers[i].nr_wrong, 0);
	pthread_barrier_destroy(&shared.barrier);
	pgtable_retire(&shared.pt, 0, UINT64_C(1) << 48, &gather, &list);
	pgtable_free_tables(&shared.pt, &list);
	pgtable_trim(&shared.pt);
	pgtable_stats(&shared.pt, &stats);
	assert_int_equal(stats.nr_linked, 0);
	assert_u64_equal(stats.chunk_bytes, 0); /* no table was lost in a race */
	pgtable_fini(&shared.pt);
	host_platform_fini(&shared.host);
}

TEST(threads_race_to_link_the_same_tables_and_all_translations_hold)
{
	run_threads(shared_leaf_tables);
}

TEST(threads_retire_their_own_tables_while_others_map)
{
	run_threads(own_spans);
}
