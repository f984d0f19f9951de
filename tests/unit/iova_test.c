/* SPDX-License-Identifier: BSD-2-Clause */
/* The arena against a byte per granule: it never overlaps, and finds whenever there is a place. */
#include "tests/unit/iova_model_fixture.h"

#define G12 .granule_lg2 = 12, .span_lg2 = 21

static int draw(struct model *m, const struct iova_req *req)
{
	struct iova_entry e;
	int err = iova_alloc(&m->s, NULL, req, &e);

	if (err == 0)
		model_take(m, req, e.iova);
	return err;
}

/* Random sizes, limits and constraints; half of the time something is freed instead. */
static struct iova_req random_req(struct model *m)
{
	uint32_t g = m->cfg.granule_lg2;
	struct iova_req req = { .nr = 1 + model_below(m, 1 + model_below(m, 700)),
				.last = m->cfg.last };

	if (model_below(m, 4) == 0)
		req.last = m->cfg.start + model_below(m, m->cfg.last - m->cfg.start);
	if (model_below(m, 3) == 0)
		req.align_lg2 = g + (uint32_t)model_below(m, 10);
	if (model_below(m, 3) == 0) {
		req.phase_lg2 = g + 1 + (uint32_t)model_below(m, 9);
		req.phase = model_below(m, (uint64_t)1 << (req.phase_lg2 - g)) << g;
		if (req.align_lg2 > g)
			req.phase &= ~(((uint64_t)1 << req.align_lg2) - 1);
		if (req.align_lg2 >= req.phase_lg2)
			req.phase = 0;
	}
	if (model_below(m, 4) == 0)
		req.boundary = ((uint64_t)1 << (g + 2 + model_below(m, 10))) - 1;
	return req;
}

static bool is_contradiction(const struct model *m, const struct iova_req *req)
{
	uint32_t g = m->cfg.granule_lg2;
	uint64_t mask = ((uint64_t)1 << req->phase_lg2) - 1;

	return req->boundary != 0 &&
	       (req->phase & mask & req->boundary) + (req->nr << g) > req->boundary + 1;
}

static void churn(struct model *m, uint32_t nr_ops)
{
	for (uint32_t i = 0; i < nr_ops; i++) {
		struct iova_req req = random_req(m);

		if (m->nr_live > 0 && model_below(m, 100) < 48) {
			struct model_range r = model_drop(m, model_below(m, m->nr_live));

			iova_free(&m->s, NULL, r.iova, r.nr, 0);
		} else if (is_contradiction(m, &req)) {
			MODEL_CHECK(m, draw(m, &req) == -EINVAL);
		} else {
			bool exists = model_exists(m, &req);

			MODEL_CHECK(m, draw(m, &req) == (exists ? 0 : -ENOSPC));
		}
	}
}

static void drop_all(struct model *m)
{
	while (m->nr_live > 0) {
		struct model_range r = model_drop(m, model_below(m, m->nr_live));

		iova_free(&m->s, NULL, r.iova, r.nr, 0);
	}
}

static void run_churn(const struct iova_cfg *cfg, uint32_t nr_seeds, uint32_t nr_ops)
{
	for (uint64_t seed = 1; seed <= nr_seeds; seed++) {
		struct model *m = malloc(sizeof(*m));

		model_init(m, cfg, seed);
		churn(m, nr_ops);
		drop_all(m);
		model_check_empty(m);
		model_fini(m);
		free(m);
	}
}

TEST(arena_finds_a_place_whenever_one_exists)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 26) - 1, G12 };

	run_churn(&cfg, 6, 1500);
}

TEST(arena_finds_a_place_in_a_space_of_several_regions)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 29) - 1, G12 };

	run_churn(&cfg, 2, 600);
}

TEST(arena_finds_a_place_across_four_gigabytes)
{
	struct iova_cfg cfg = { .start = 0xff000000, .last = 0x101ffffff, G12 };

	run_churn(&cfg, 6, 1500);
}

TEST(arena_finds_a_place_at_the_top_of_64_bits)
{
	struct iova_cfg cfg = { .start = UINT64_MAX - 0x1ffffff, .last = UINT64_MAX, G12 };

	run_churn(&cfg, 4, 1000);
}

TEST(arena_finds_a_place_with_large_granules)
{
	struct iova_cfg k16 = { .last = 0xfffffff, .granule_lg2 = 14, .span_lg2 = 25 };
	struct iova_cfg k64 = { .last = 0x3fffffff, .granule_lg2 = 16, .span_lg2 = 29 };

	run_churn(&k16, 3, 1000);
	run_churn(&k64, 3, 1000);
}

TEST(arena_keeps_guards_free)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 26) - 1, G12, .guard = 3 };

	run_churn(&cfg, 4, 1000);
}

TEST(arena_finds_a_place_when_placed_at_random)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 27) - 1, G12, .random_seed = 42 };

	run_churn(&cfg, 4, 1000);
}

TEST(reserved_windows_are_never_handed_out)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 28) - 1, G12 };

	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct model *m = malloc(sizeof(*m));

		model_init(m, &cfg, seed);
		for (uint32_t i = 0; i < 40; i++) {
			uint64_t first = model_below(m, m->nr_granules);
			uint64_t nr = 1 + model_below(m, 1 + model_below(m, 9000));
			bool busy = false;
			int err;

			for (uint64_t k = first; k < first + nr && k < m->nr_granules; k++)
				busy |= m->state[k] == MODEL_LIVE;
			/* Not granule-aligned: what is touched is reserved. */
			err = iova_reserve(&m->s, (first << 12) + 5, ((first + nr) << 12) - 7);
			MODEL_CHECK(m, err == (busy ? -EBUSY : 0));
			for (uint64_t k = first; !busy && k < first + nr && k < m->nr_granules; k++)
				m->state[k] = MODEL_RESERVED;
			churn(m, 20);
		}
		drop_all(m);
		model_check_empty(m);
		model_fini(m);
		free(m);
	}
}

TEST(reservations_far_above_cost_nothing_until_reached)
{
	struct host_platform host;
	struct iova_cfg cfg = { .last = UINT64_MAX, G12 };
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_req req = { .nr = (uint64_t)1 << 28, .last = UINT64_MAX };
	struct iova_entry a, b;
	struct iova_stats st;

	cfg.platform = host_platform_init(&host, NULL);
	assert_ok(iova_space_init(s, &cfg));
	/* HyperTransport's window, and one that begins where the first request could have ended. */
	assert_ok(iova_reserve(s, 0xfd00000000, 0xffffffffff));
	assert_ok(iova_reserve(s, (uint64_t)1 << 60, ((uint64_t)1 << 61) - 1));
	iova_stats(s, &st);
	assert_true(st.meta_bytes < 32768);
	/* 2^28 granules are 1 TiB: it does not fit below the first window. */
	assert_ok(iova_alloc(s, NULL, &req, &a));
	assert_u64_equal(a.iova, (uint64_t)1 << 40);
	req.nr = (uint64_t)1 << 48; /* 2^60 bytes: not below the second one */
	assert_ok(iova_alloc(s, NULL, &req, &b));
	assert_u64_equal(b.iova, (uint64_t)1 << 61);
	iova_free(s, NULL, a.iova, (uint64_t)1 << 28, 0);
	iova_free(s, NULL, b.iova, req.nr, 0);
	iova_stats(s, &st);
	assert_u64_equal(st.live, 0);
	iova_space_fini(s);
	free(s);
	host_platform_fini(&host);
}

TEST(the_first_and_the_very_last_granule_stay_free)
{
	struct host_platform host;
	struct iova_cfg cfg = { .last = UINT64_MAX, G12 };
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_req req = { .nr = ((uint64_t)1 << 52) - 2, .last = UINT64_MAX };
	struct iova_entry e;

	cfg.platform = host_platform_init(&host, NULL);
	assert_ok(iova_space_init(s, &cfg));
	req.nr++;
	assert_int_equal(iova_alloc(s, NULL, &req, &e), -ENOSPC);
	req.nr--;
	assert_ok(iova_alloc(s, NULL, &req, &e));
	assert_u64_equal(e.iova, 4096);
	iova_free(s, NULL, e.iova, req.nr, 0);
	iova_space_fini(s);
	free(s);
	host_platform_fini(&host);
}

TEST(narrow_masks_find_room_although_wide_ones_came_first)
{
	struct host_platform host;
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_req wide = { .nr = 1, .last = cfg.last }, req = { .nr = 1 };
	struct iova_entry e;

	cfg.platform = host_platform_init(&host, NULL);
	assert_ok(iova_space_init(s, &cfg));
	for (int i = 0; i < 1000; i++) {
		assert_ok(iova_alloc(s, NULL, &wide, &e));
		assert_true(e.iova >= (uint64_t)1 << 32);
		req.last = UINT32_MAX;
		assert_ok(iova_alloc(s, NULL, &req, &e));
		assert_true(e.iova >= (uint64_t)1 << 28 && e.iova <= req.last);
		req.last = DMA_BIT_MASK(28);
		assert_ok(iova_alloc(s, NULL, &req, &e));
		assert_true(e.iova >= (uint64_t)1 << 24 && e.iova <= req.last);
	}
	/* A 24-bit device still has all of its 16 MiB but granule 0. */
	req = (struct iova_req){ .nr = 4095, .last = DMA_BIT_MASK(24) };
	assert_ok(iova_alloc(s, NULL, &req, &e));
	iova_space_fini(s);
	free(s);
	host_platform_fini(&host);
}

TEST(contradicting_requests_are_refused)
{
	struct host_platform host;
	struct iova_cfg cfg = { .last = UINT32_MAX, G12 };
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_entry e;
	static const struct iova_req bad[] = {
		{ .nr = 0, .last = UINT64_MAX },
		{ .nr = UINT64_MAX, .last = UINT64_MAX },
		{ .nr = 17, .last = UINT64_MAX, .boundary = 0xffff },
		{ .nr = 1, .last = UINT64_MAX, .boundary = 0x7ff },
		{ .nr = 1, .last = UINT64_MAX, .boundary = 0x12fff },
		{ .nr = 1, .last = UINT64_MAX, .phase_lg2 = 21, .phase = 0x1800 },
		{ .nr = 1, .last = UINT64_MAX, .phase_lg2 = 21, .phase = 0x1000, .align_lg2 = 13 },
		{ .nr = 1, .last = UINT64_MAX, .phase_lg2 = 21, .phase = 0x1000, .align_lg2 = 21 },
		{ .nr = 2,
		  .last = UINT64_MAX,
		  .phase_lg2 = 21,
		  .phase = 0xf000,
		  .boundary = 0xffff },
		{ .nr = 1, .last = UINT64_MAX, .align_lg2 = 64 },
	};

	cfg.platform = host_platform_init(&host, NULL);
	assert_ok(iova_space_init(s, &cfg));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(iova_alloc(s, NULL, &bad[i], &e), -EINVAL);
	iova_space_fini(s);
	free(s);
	host_platform_fini(&host);
}

TEST(bad_configurations_are_refused)
{
	struct host_platform host;
	struct dma_platform *p = host_platform_init(&host, NULL);
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_cfg bad[] = {
		{ .platform = p, .last = UINT32_MAX, .granule_lg2 = 11, .span_lg2 = 21 },
		{ .platform = p, .last = UINT32_MAX, .granule_lg2 = 17, .span_lg2 = 29 },
		{ .platform = p, .last = UINT32_MAX, .granule_lg2 = 12, .span_lg2 = 28 },
		{ .platform = p, .last = UINT32_MAX, .granule_lg2 = 12, .span_lg2 = 12 },
		{ .platform = p, .last = UINT32_MAX - 1, G12 },
		{ .platform = p, .last = UINT32_MAX, .start = 1, G12 },
		{ .platform = p, .last = 0xfff, .start = 0x1000, G12 },
		{ .platform = p, .last = 0xfff, G12 },
		{ .platform = p, .last = UINT32_MAX, G12, .guard = 2000 },
		{ .platform = p, .last = UINT32_MAX, G12, .max_mag = 64 },
		{ .last = UINT32_MAX, G12 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(iova_space_init(s, &bad[i]), -EINVAL);
	free(s);
	host_platform_fini(&host);
}

/* Every second granule pair is taken: no run is ample, yet places exist for an odd phase. */
TEST(a_bounded_request_gives_up_where_an_unbounded_one_searches_on)
{
	struct host_platform host;
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 26) - 1, G12 };
	struct iova_space *s = calloc(1, sizeof(*s));
	struct iova_req two = { .nr = 2, .last = cfg.last, .align_lg2 = 14 };
	struct iova_req odd = { .nr = 2, .last = cfg.last, .phase_lg2 = 16, .phase = 0xe000 };
	struct iova_entry e, found;

	cfg.platform = host_platform_init(&host, NULL);
	assert_ok(iova_space_init(s, &cfg));
	while (iova_alloc(s, NULL, &two, &e) == 0)
		;
	odd.flags = IOVA_BOUNDED;
	assert_int_equal(iova_alloc(s, NULL, &odd, &found), -ENOSPC);
	odd.flags = 0;
	assert_ok(iova_alloc(s, NULL, &odd, &found));
	assert_u64_equal(found.iova & 0xffff, 0xe000);
	/* With an ample run the bounded one finds as well. */
	iova_free(s, NULL, 0x4000, 2, 0);
	iova_free(s, NULL, 0x8000, 2, 0);
	iova_free(s, NULL, 0xc000, 2, 0);
	iova_free(s, NULL, 0x10000, 2, 0);
	iova_free(s, NULL, found.iova, 2, 0);
	odd.flags = IOVA_BOUNDED;
	assert_ok(iova_alloc(s, NULL, &odd, &found));
	assert_u64_equal(found.iova, 0xe000);
	iova_space_fini(s);
	free(s);
	host_platform_fini(&host);
}
