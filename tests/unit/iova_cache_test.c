/* SPDX-License-Identifier: BSD-2-Clause */
/* Caches in front of the arena: what slots exchange, keep from each other, and what comes back. */
#include "tests/unit/iova_model_fixture.h"

#define G12 .granule_lg2 = 12, .span_lg2 = 21
#define NR_CACHES 3

/* As the layer above does: hit path, slow path, drain. */
static int cached_alloc(struct model *m, struct iova_cache *c, const struct iova_req *req,
			struct iova_entry *e)
{
	struct iova_req again = *req;
	int err;

	if (req->nr <= IOVA_CACHE_MAX_NR && iova_cache_alloc(c, (uint32_t)req->nr, req->last, e))
		return 0;
	err = iova_alloc(&m->s, c, req, e);
	if (err != -EAGAIN)
		return err;
	again.flags |= IOVA_DRAINED;
	return iova_alloc(&m->s, c, &again, e);
}

static void cached_free(struct model *m, struct iova_cache *c, uint64_t iova, uint64_t nr,
			uint64_t tag)
{
	if (nr <= IOVA_CACHE_MAX_NR && iova_cache_free(c, (uint32_t)nr, iova, tag))
		return;
	iova_free(&m->s, c, iova, nr, tag);
}

static int take(struct model *m, struct iova_cache *c, const struct iova_req *req)
{
	struct iova_entry e;
	int err = cached_alloc(m, c, req, &e);

	if (err == 0)
		model_take(m, req, e.iova);
	return err;
}

static void drop(struct model *m, struct iova_cache *c, uint64_t which)
{
	struct model_range r = model_drop(m, which);

	cached_free(m, c, r.iova, r.nr, 0);
}

/* @exact: all sizes have a class of their own, so what the model calls free is free. */
static void churn(struct model *m, struct iova_cache **c, uint32_t nr_ops, uint32_t max_nr,
		  bool exact)
{
	uint32_t grow = 60;

	for (uint32_t i = 0; i < nr_ops; i++) {
		struct iova_cache *mine = c[model_below(m, NR_CACHES)];
		struct iova_req req = { .nr = 1 + model_below(m, max_nr), .last = m->cfg.last };
		int err;

		if (i % 1000 == 0)
			grow = 30 + (uint32_t)model_below(m, 60);
		if (m->nr_live > 0 && model_below(m, 100) >= grow) {
			drop(m, mine, model_below(m, m->nr_live));
			continue;
		}
		if (model_below(m, 8) == 0)
			req.last = m->cfg.start + model_below(m, m->cfg.last - m->cfg.start);
		err = take(m, mine, &req);
		MODEL_CHECK(m, err == 0 || err == -ENOSPC);
		MODEL_CHECK(m, err == 0 || !exact || !model_exists(m, &req));
	}
}

static void run(const struct iova_cfg *cfg, uint32_t nr_seeds, uint32_t nr_ops, uint32_t max_nr,
		bool exact)
{
	for (uint64_t seed = 1; seed <= nr_seeds; seed++) {
		struct model *m = malloc(sizeof(*m));
		struct iova_cache *c[NR_CACHES];

		model_init(m, cfg, seed);
		for (int i = 0; i < NR_CACHES; i++)
			c[i] = model_cache(m);
		churn(m, c, nr_ops, max_nr, exact);
		while (m->nr_live > 0)
			drop(m, c[model_below(m, NR_CACHES)], model_below(m, m->nr_live));
		for (int i = 0; i < NR_CACHES; i++)
			iova_cache_flush(&m->s, c[i]);
		iova_depot_flush(&m->s);
		model_check_empty(m);
		for (int i = 0; i < NR_CACHES; i++)
			model_cache_fini(c[i]);
		model_fini(m);
		free(m);
	}
}

TEST(caches_hand_out_nothing_twice_and_find_whenever_a_place_exists)
{
	struct iova_cfg small = { .last = ((uint64_t)1 << 26) - 1, G12 };
	struct iova_cfg across = { .start = 0xff000000, .last = 0x101ffffff, G12 };

	run(&small, 5, 30000, 32, true);
	run(&across, 5, 20000, 32, true);
}

TEST(caches_hand_out_nothing_twice_when_sizes_are_rounded)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 31) - 1, G12 };
	struct iova_cfg random = cfg;

	run(&cfg, 3, 30000, 2000, false);
	random.random_seed = 7;
	run(&random, 2, 30000, 1024, false);
}

TEST(caches_keep_guards_free)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 28) - 1, G12, .guard = 1 };

	run(&cfg, 3, 20000, 32, true);
}

TEST(caches_work_with_large_granules)
{
	struct iova_cfg k16 = { .last = 0xfffffff, .granule_lg2 = 14, .span_lg2 = 25 };
	struct iova_cfg k64 = { .last = 0x1ffffffff, .granule_lg2 = 16, .span_lg2 = 29 };

	run(&k16, 3, 20000, 32, true);
	run(&k64, 2, 20000, 32, true);
}

TEST(classes_hold_what_they_say)
{
	for (uint32_t nr = 1; nr <= IOVA_CACHE_MAX_NR; nr++) {
		uint32_t idx = iova_class(nr), size = iova_class_nr(idx);

		assert_true(idx < IOVA_NR_CLASSES);
		assert_true(size >= nr && size <= nr + nr / 16);
		assert_true(nr > 32 || size == nr);
		assert_true(iova_class(size) == idx && iova_class(size + 1) == idx + 1);
	}
	assert_true(iova_class(0) >= IOVA_NR_CLASSES);
	assert_true(iova_class(UINT32_MAX) >= IOVA_NR_CLASSES);
}

/* Random sizes 1 .. 32 into 32 bits until the first failure; most of the space must be in use. */
TEST(a_32_bit_space_is_nearly_full_before_the_first_failure)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct model *m = calloc(1, sizeof(*m));
		struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
		struct iova_req req = { .last = UINT32_MAX };
		struct iova_cache *c;
		struct iova_entry e;
		uint64_t sum = 0;

		m->random = m->seed = seed;
		cfg.platform = host_platform_init(&m->host, NULL);
		assert_ok(iova_space_init(&m->s, &cfg));
		c = model_cache(m);
		for (;;) {
			req.nr = 1 + model_below(m, 32);
			if (cached_alloc(m, c, &req, &e) != 0)
				break;
			sum += req.nr;
		}
		MODEL_CHECK(m, sum >= (1u << 20) / 100 * 95);
		model_cache_fini(c);
		iova_space_fini(&m->s);
		host_platform_fini(&m->host);
		free(m);
	}
}

/* All but one hole of 33 granules is taken; 33 is normally rounded up to 34. */
TEST(rounded_sizes_fit_to_the_granule_when_space_runs_out)
{
	struct iova_cfg cfg = { .last = UINT32_MAX, G12 };
	struct iova_req all = { .nr = (1u << 20) - 1 - 33, .last = UINT32_MAX };
	struct iova_req req = { .nr = 33, .last = UINT32_MAX };
	struct iova_entry e, rest, none;
	struct iova_cache *c, *other;
	struct iova_stats st;
	struct model *m = calloc(1, sizeof(*m));

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c = model_cache(m);
	other = model_cache(m);
	assert_ok(cached_alloc(m, c, &all, &rest));
	assert_ok(cached_alloc(m, c, &req, &e));
	assert_int_equal(cached_alloc(m, c, &req, &none), -ENOSPC);
	iova_stats(&m->s, &st);
	assert_u64_equal(st.free, 0);
	/* Back and out again, from either slot: it stays exact. */
	for (int i = 0; i < 100; i++) {
		cached_free(m, other, e.iova, 33, 0);
		assert_ok(cached_alloc(m, i % 2 == 0 ? c : other, &req, &e));
	}
	/* With room again, sizes are rounded and cached as before. */
	cached_free(m, c, rest.iova, all.nr, 0);
	cached_free(m, c, e.iova, 33, 0);
	assert_ok(cached_alloc(m, c, &req, &e));
	cached_free(m, c, e.iova, 33, 9);
	assert_true(iova_cache_alloc(c, 33, UINT32_MAX, &e));
	assert_u64_equal(e.tag, 9);
	cached_free(m, c, e.iova, 33, 0);
	model_cache_fini(c);
	model_cache_fini(other);
	iova_stats(&m->s, &st);
	assert_u64_equal(st.largest_hole, (1u << 20) - 1);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

TEST(tags_live_as_long_as_a_range_stays_in_caches)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 40) - 1, G12 };
	struct iova_req req = { .nr = 4, .last = cfg.last };
	struct iova_entry e, again;
	struct iova_cache *c;
	struct model *m = calloc(1, sizeof(*m));

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c = model_cache(m);
	assert_ok(cached_alloc(m, c, &req, &e));
	assert_u64_equal(e.tag, 0);
	cached_free(m, c, e.iova, 4, 0xfedcba9876543210);
	assert_ok(cached_alloc(m, c, &req, &again));
	assert_u64_equal(again.iova, e.iova);
	assert_u64_equal(again.tag, 0xfedcba9876543210);
	cached_free(m, c, e.iova, 4, 1);
	/* Beside it: kept. Its last byte: gone. */
	iova_cache_purge(c, e.iova + 0x4000, UINT64_MAX);
	assert_ok(cached_alloc(m, c, &req, &again));
	assert_u64_equal(again.tag, 1);
	cached_free(m, c, e.iova, 4, 1);
	iova_cache_purge(c, e.iova + 0x3fff, UINT64_MAX);
	assert_ok(cached_alloc(m, c, &req, &again));
	assert_u64_equal(again.tag, 0);
	/* Through the arena nothing is remembered. */
	cached_free(m, c, e.iova, 4, 1);
	iova_cache_flush(&m->s, c);
	assert_ok(cached_alloc(m, c, &req, &again));
	assert_u64_equal(again.tag, 0);
	model_cache_fini(c);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

/* What one slot frees reaches the slot that allocates, through the depot, with its tag. */
TEST(full_magazines_reach_other_slots_and_can_be_purged_there)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 40) - 1, G12 };
	struct iova_req req = { .nr = 1, .last = cfg.last };
	static struct iova_entry e[400];
	struct iova_cache *from, *to;
	struct model *m = calloc(1, sizeof(*m));
	uint32_t tagged;

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	from = model_cache(m);
	to = model_cache(m);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 400; i++)
			assert_ok(cached_alloc(m, from, &req, &e[i]));
		for (int i = 0; i < 400; i++)
			cached_free(m, from, e[i].iova, 1, 77);
		if (round == 1)
			iova_depot_purge(&m->s, 0, UINT64_MAX);
		tagged = 0;
		for (int i = 0; i < 200; i++) {
			assert_ok(cached_alloc(m, to, &req, &e[i]));
			tagged += e[i].tag == 77;
		}
		/* 400 - 2 * 63 entries went to the depot in full magazines of 63. */
		assert_int_equal(tagged, round == 0 ? 200 : 0);
		for (int i = 0; i < 200; i++)
			cached_free(m, to, e[i].iova, 1, 0);
		iova_cache_flush(&m->s, to);
		iova_cache_flush(&m->s, from);
		iova_depot_flush(&m->s);
	}
	model_cache_fini(from);
	model_cache_fini(to);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

/* Two slots that allocate side by side never share the range of one leaf table. */
TEST(slots_draw_whole_spans)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
	static uint64_t owner[2][4096];
	struct iova_cache *c[2];
	struct model *m = calloc(1, sizeof(*m));

	m->random = 5;
	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c[0] = model_cache(m);
	c[1] = model_cache(m);
	for (int i = 0; i < 4096; i++) {
		for (int k = 0; k < 2; k++) {
			struct iova_req req = { .nr = 1 + model_below(m, 32), .last = cfg.last };
			struct iova_entry e;

			assert_ok(cached_alloc(m, c[k], &req, &e));
			/* Not across the end of a span either. */
			assert_u64_equal(e.iova >> 21, (e.iova + (req.nr << 12) - 1) >> 21);
			owner[k][i] = e.iova >> 21;
		}
	}
	for (int i = 0; i < 4096; i++) {
		for (int k = 0; k < 4096; k += 7)
			assert_u64_not_equal(owner[0][i], owner[1][k]);
	}
	model_cache_fini(c[0]);
	model_cache_fini(c[1]);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

/* The top of the magazine lies above the limit: the request goes past the cache and succeeds. */
TEST(a_limit_below_what_is_cached_does_not_fail)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
	static const uint32_t bits[] = { 48, 32, 28, 24, 33, 40 };
	struct iova_cache *c;
	struct model *m = calloc(1, sizeof(*m));
	struct iova_entry e;

	m->random = 9;
	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c = model_cache(m);
	for (int i = 0; i < 20000; i++) {
		struct iova_req req = { .nr = 1 + model_below(m, 40) };

		req.last = DMA_BIT_MASK(bits[model_below(m, ARRAY_LEN(bits))]);
		assert_ok(cached_alloc(m, c, &req, &e));
		assert_true(e.iova + (req.nr << 12) - 1 <= req.last);
		cached_free(m, c, e.iova, req.nr, 0);
	}
	model_cache_fini(c);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

/* All of a small space is in one slot's hands, or cached by another one. */
TEST(what_other_slots_hold_is_asked_for_only_when_they_hold_something)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 28) - 1, G12 };
	struct iova_req all = { .nr = 65535, .last = cfg.last },
			one = { .nr = 1, .last = cfg.last };
	struct iova_cache *c, *other;
	struct model *m = calloc(1, sizeof(*m));
	struct iova_entry e, piece;

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c = model_cache(m);
	other = model_cache(m);
	/* What one slot cached, another one gets after a drain, and not before. */
	assert_ok(iova_alloc(&m->s, other, &one, &piece));
	iova_free(&m->s, other, piece.iova, 1, 0);
	assert_int_equal(iova_alloc(&m->s, c, &all, &e), -EAGAIN);
	all.flags = IOVA_DRAINED;
	assert_ok(iova_alloc(&m->s, c, &all, &e));
	/* Nobody caches anything: there is nothing to wait for. */
	assert_int_equal(iova_alloc(&m->s, c, &one, &piece), -ENOSPC);
	one.flags = IOVA_DRAINED;
	assert_int_equal(iova_alloc(&m->s, c, &one, &piece), -ENOSPC);
	iova_free(&m->s, NULL, e.iova, all.nr, 0);
	model_cache_fini(c);
	model_cache_fini(other);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

TEST(random_placement_differs_by_seed_and_repeats_with_it)
{
	uint64_t seen[3][64];

	for (int k = 0; k < 3; k++) {
		struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
		struct iova_req req = { .nr = 3000, .last = cfg.last };
		struct model *m = calloc(1, sizeof(*m));
		struct iova_entry e;

		cfg.random_seed = k == 0 ? 11 : 12;
		cfg.platform = host_platform_init(&m->host, NULL);
		assert_ok(iova_space_init(&m->s, &cfg));
		for (int i = 0; i < 64; i++) {
			assert_ok(iova_alloc(&m->s, NULL, &req, &e));
			seen[k][i] = e.iova;
		}
		iova_space_fini(&m->s);
		host_platform_fini(&m->host);
		free(m);
	}
	assert_memory_equal(seen[1], seen[2], sizeof(seen[1]));
	for (int i = 1; i < 64; i++) {
		assert_u64_not_equal(seen[0][i], seen[1][i]);
		assert_true(seen[1][i] != seen[1][i - 1] + 3000 * 4096);
	}
}
