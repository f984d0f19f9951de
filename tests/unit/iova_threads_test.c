/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots at work at the same time, ranges freed by another slot than the one that took them, and
 * somebody who keeps slots out and reaches into their caches. Slots are mutexes here: what keeps a
 * slot out is not this module's business, only that nothing else is shared.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "iova/iova.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define NR_WORKERS 2
#define NR_OPS 30000
#define RING 256

struct handoff {
	_Atomic uint64_t iova[RING]; /* 0: empty; granules in the low bits */
};

struct worker {
	struct fixture *f;
	struct iova_cache *cache;
	pthread_mutex_t slot;
	pthread_t thread;
	uint64_t random;
};

struct fixture {
	struct host_platform host;
	struct iova_space s;
	struct worker w[NR_WORKERS];
	struct handoff ring;
	_Atomic unsigned char *taken; /* per granule of the aperture */
	_Atomic uint32_t nr_errors;
	_Atomic bool stop;
	uint64_t last;
};

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Nobody may have what was just handed out. */
static void mark(struct fixture *f, uint64_t iova, uint64_t nr)
{
	for (uint64_t i = iova >> 12; i < (iova >> 12) + nr; i++) {
		if (atomic_fetch_add_explicit(&f->taken[i], 1, memory_order_relaxed) != 0)
			atomic_fetch_add(&f->nr_errors, 1);
	}
}

static void unmark(struct fixture *f, uint64_t iova, uint64_t nr)
{
	for (uint64_t i = iova >> 12; i < (iova >> 12) + nr; i++)
		atomic_fetch_sub_explicit(&f->taken[i], 1, memory_order_relaxed);
}

static uint64_t take(struct worker *w, uint32_t nr)
{
	struct iova_req req = { .nr = nr, .last = w->f->last };
	struct iova_entry e;
	bool ok;

	pthread_mutex_lock(&w->slot);
	ok = iova_cache_alloc(w->cache, nr, req.last, &e) ||
	     iova_alloc(&w->f->s, w->cache, &req, &e) == 0;
	pthread_mutex_unlock(&w->slot);
	if (!ok)
		return 0;
	mark(w->f, e.iova, nr);
	return e.iova;
}

static void give(struct worker *w, uint64_t iova, uint32_t nr)
{
	unmark(w->f, iova, nr);
	pthread_mutex_lock(&w->slot);
	if (!iova_cache_free(w->cache, nr, iova, iova))
		iova_free(&w->f->s, w->cache, iova, nr, iova);
	pthread_mutex_unlock(&w->slot);
}

/* Take, leave it in the ring, free whatever lay there before, whoever took it. */
static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < NR_OPS; i++) {
		uint64_t r = next_random(&w->random), old;
		uint32_t nr =
			r % 8 == 0 ? 33 + (uint32_t)(r >> 8) % 200 : 1 + (uint32_t)(r >> 8) % 16;
		uint64_t iova = take(w, nr);

		if (iova == 0)
			continue;
		old = atomic_exchange(&w->f->ring.iova[(r >> 40) % RING], iova | nr);
		if (old != 0)
			give(w, old & ~(uint64_t)0xfff, old & 0xfff);
	}
	return NULL;
}

static void all_slots(struct fixture *f, bool keep_out)
{
	for (int i = 0; i < NR_WORKERS; i++) {
		if (keep_out)
			pthread_mutex_lock(&f->w[i].slot);
		else
			pthread_mutex_unlock(&f->w[i].slot);
	}
}

/* What exhaustion, detach and trim do from outside, over and over. */
static void *meddle(void *arg)
{
	struct fixture *f = arg;
	struct iova_req req = { .nr = 2000, .last = f->last, .flags = IOVA_DRAINED };

	while (!atomic_load(&f->stop)) {
		struct iova_span spans[4];
		struct iova_entry e;
		struct iova_stats st;
		uint64_t from = 0;
		uint32_t nr;

		all_slots(f, true);
		iova_cache_flush(&f->s, f->w[0].cache);
		iova_cache_purge(f->w[1].cache, 0, UINT64_MAX);
		if (iova_alloc(&f->s, NULL, &req, &e) == 0) {
			mark(f, e.iova, req.nr);
			unmark(f, e.iova, req.nr);
			iova_free(&f->s, NULL, e.iova, req.nr, 0);
		}
		all_slots(f, false);
		iova_depot_purge(&f->s, 0, UINT64_MAX);
		iova_stats(&f->s, &st);
		nr = iova_take_free_spans(&f->s, &from, spans, 4);
		for (uint32_t i = 0; i < nr; i++) {
			uint64_t granules = (spans[i].last - spans[i].start + 1) >> 12;

			mark(f, spans[i].start, granules);
			unmark(f, spans[i].start, granules);
		}
		iova_give_back(&f->s, spans, nr);
		iova_trim(&f->s, NULL);
	}
	return NULL;
}

static void run(uint64_t last)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct iova_cfg cfg = { .last = last, .granule_lg2 = 12, .span_lg2 = 21 };
	struct iova_stats st;
	pthread_t meddler;

	cfg.platform = host_platform_init(&f->host, NULL);
	f->last = last;
	f->taken = calloc((size_t)(last >> 12) + 1, 1);
	assert_ok(iova_space_init(&f->s, &cfg));
	for (int i = 0; i < NR_WORKERS; i++) {
		f->w[i] = (struct worker){ .f = f, .random = 12345u + (uint64_t)i };
		f->w[i].cache = aligned_alloc(128, sizeof(struct iova_cache));
		memset(f->w[i].cache, 0, sizeof(struct iova_cache));
		iova_cache_init(f->w[i].cache, &f->s);
		pthread_mutex_init(&f->w[i].slot, NULL);
	}
	for (int i = 0; i < NR_WORKERS; i++)
		assert_ok(pthread_create(&f->w[i].thread, NULL, work, &f->w[i]));
	assert_ok(pthread_create(&meddler, NULL, meddle, f));
	for (int i = 0; i < NR_WORKERS; i++)
		pthread_join(f->w[i].thread, NULL);
	atomic_store(&f->stop, true);
	pthread_join(meddler, NULL);
	assert_int_equal(f->nr_errors, 0);
	for (int i = 0; i < RING; i++) {
		uint64_t old = atomic_load(&f->ring.iova[i]);

		if (old != 0)
			give(&f->w[0], old & ~(uint64_t)0xfff, old & 0xfff);
	}
	for (int i = 0; i < NR_WORKERS; i++) {
		iova_cache_fini(f->w[i].cache);
		free(f->w[i].cache);
	}
	iova_depot_flush(&f->s);
	iova_stats(&f->s, &st);
	assert_u64_equal(st.live, 0);
	assert_u64_equal(st.free, st.aperture);
	iova_space_fini(&f->s);
	free((void *)f->taken);
	host_platform_fini(&f->host);
	free(f);
}

TEST(slots_share_nothing_while_they_hit)
{
	run(((uint64_t)1 << 33) - 1);
}

TEST(slots_that_run_out_take_turns_and_overlap_never)
{
	run(((uint64_t)1 << 25) - 1);
}
