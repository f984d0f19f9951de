/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of a space: metadata that fails or is fixed, spans that come back whole, what trim frees. */
#include "tests/unit/iova_model_fixture.h"

#define G12 .granule_lg2 = 12, .span_lg2 = 21
#define SPAN ((uint64_t)1 << 21)

static uint64_t live_granules(struct model *m)
{
	struct iova_stats st;

	iova_stats(&m->s, &st);
	return st.live;
}

/* Many calls; what fails for want of metadata changes nothing, and works at once after. */
static void scenario(struct model *m, struct iova_cache *c)
{
	for (int i = 0; i < 300; i++) {
		struct iova_req req = { .nr = 1 + model_below(m, i % 3 == 0 ? 3000 : 40),
					.last = m->cfg.last };
		uint64_t before = live_granules(m);
		struct iova_entry e;
		int err;

		if (model_below(m, 3) == 0)
			req.last = UINT32_MAX;
		if (m->nr_live > 40) {
			uint32_t which = (uint32_t)model_below(m, m->nr_live);
			struct model_range r = m->live[which];

			m->live[which] = m->live[--m->nr_live];
			iova_free(&m->s, i % 2 == 0 ? c : NULL, r.iova, r.nr, 0);
			continue;
		}
		err = iova_alloc(&m->s, i % 5 == 0 ? NULL : c, &req, &e);
		if (err != 0) {
			MODEL_CHECK(m, err == -ENOMEM && live_granules(m) == before);
			MODEL_CHECK(m, iova_alloc(&m->s, c, &req, &e) == 0);
		}
		m->live[m->nr_live++] = (struct model_range){ e.iova, req.nr };
	}
	while (m->nr_live > 0) {
		m->nr_live--;
		iova_free(&m->s, c, m->live[m->nr_live].iova, m->live[m->nr_live].nr, 0);
	}
}

static void reserve_some(struct model *m)
{
	static const struct iova_span windows[] = {
		{ 0xfee00000, 0xfeefffff },   { 0xfd00000000, 0xffffffffff }, { 0x1000, 0x1fff },
		{ 0x100000000, 0x107ffffff }, { 0xfef00000, 0xfef0ffff },
	};

	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		struct iova_stats before, after;
		int err;

		iova_stats(&m->s, &before);
		err = iova_reserve(&m->s, windows[i].start, windows[i].last);
		iova_stats(&m->s, &after);
		if (err == 0)
			continue;
		MODEL_CHECK(m, err == -ENOMEM && after.reserved == before.reserved &&
				       after.free == before.free);
		assert_ok(iova_reserve(&m->s, windows[i].start, windows[i].last));
	}
}

TEST(any_metadata_allocation_may_fail_and_nothing_changes)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };

	for (uint64_t n = 1;; n++) {
		struct model *m = calloc(1, sizeof(*m));
		struct iova_cache *c;
		struct iova_stats st;
		uint64_t injected;

		m->cfg = cfg;
		m->seed = n;
		m->live = calloc(64, sizeof(*m->live));
		m->cfg.platform = host_platform_init(&m->host, NULL);
		host_platform_fail_nth(&m->host, n);
		if (iova_space_init(&m->s, &m->cfg) != 0) {
			assert_u64_equal(m->host.nr_metas, 0);
			memset(&m->s, 0, sizeof(m->s));
			assert_ok(iova_space_init(&m->s, &m->cfg));
		}
		reserve_some(m);
		c = model_cache(m);
		scenario(m, c);
		injected = m->host.nr_injected;
		iova_trim(&m->s, c);
		iova_stats(&m->s, &st);
		assert_u64_equal(st.live + st.cached, 0);
		assert_u64_equal(st.free + st.reserved, st.aperture);
		model_cache_fini(c);
		iova_space_fini(&m->s);
		host_platform_fini(&m->host);
		free(m->live);
		free(m);
		if (injected == 0)
			break;
	}
}

/* With a block of its own the space never asks the platform, and the block is enough for ever. */
TEST(fixed_memory_is_all_there_is)
{
	struct iova_cfg cfg = { .last = UINT32_MAX, G12, .mem_bytes = 512 << 10 };
	struct model *m = calloc(1, sizeof(*m));
	struct iova_cache *c;

	m->cfg = cfg;
	m->random = 3;
	m->live = calloc(64, sizeof(*m->live));
	m->cfg.mem = aligned_alloc(64, cfg.mem_bytes);
	m->cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &m->cfg));
	c = model_cache(m);
	for (int i = 0; i < 30; i++) {
		scenario(m, c);
		if (i % 3 == 0)
			iova_trim(&m->s, c);
	}
	assert_u64_equal(m->host.nr_requests, 0);
	model_cache_fini(c);
	iova_space_fini(&m->s);
	free(m->cfg.mem);
	host_platform_fini(&m->host);
	free(m->live);
	free(m);
}

TEST(too_small_a_block_fails_and_keeps_what_was_there)
{
	struct iova_cfg cfg = { .last = UINT32_MAX, G12, .mem_bytes = 12 << 10 };
	struct model *m = calloc(1, sizeof(*m));
	struct iova_req low = { .nr = 1, .last = DMA_BIT_MASK(24) }, top = { .nr = 1 };
	struct iova_entry e, again;

	m->cfg = cfg;
	m->cfg.mem = aligned_alloc(64, cfg.mem_bytes);
	m->cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &m->cfg));
	/* One region fits, a second one does not. */
	assert_ok(iova_alloc(&m->s, NULL, &low, &e));
	top.last = UINT32_MAX;
	assert_int_equal(iova_alloc(&m->s, NULL, &top, &again), -ENOMEM);
	assert_u64_equal(live_granules(m), 1);
	iova_free(&m->s, NULL, e.iova, 1, 0);
	assert_ok(iova_alloc(&m->s, NULL, &low, &again));
	assert_u64_equal(again.iova, e.iova);
	iova_space_fini(&m->s);
	free(m->cfg.mem);
	host_platform_fini(&m->host);
	free(m);
}

/* Every span is either offered, or has something live or cached in it, or was never used. */
TEST(wholly_free_spans_are_offered_once)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 33) - 1, G12 };

	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model *m = malloc(sizeof(*m));
		unsigned char used[4096] = { 0 }, offered[4096] = { 0 }, busy[4096] = { 0 };
		uint64_t from = 0;
		struct iova_span out[5];
		uint32_t nr;

		model_init(m, &cfg, seed);
		for (int i = 0; i < 400; i++) {
			struct iova_req req = { .nr = 1 + model_below(m, 3000), .last = cfg.last };
			struct iova_entry e;

			if (i % 2 == 0)
				req.last = UINT32_MAX;
			assert_ok(iova_alloc(&m->s, NULL, &req, &e));
			model_take(m, &req, e.iova);
			memset(used + e.iova / SPAN, 1,
			       (size_t)((e.iova + (req.nr << 12) - 1) / SPAN - e.iova / SPAN + 1));
		}
		while (m->nr_live > 150) {
			struct model_range r = model_drop(m, model_below(m, m->nr_live));

			iova_free(&m->s, NULL, r.iova, r.nr, 0);
		}
		for (uint64_t i = 0; i < m->nr_granules; i++)
			busy[i / 512] |= m->state[i] != MODEL_FREE;
		while ((nr = iova_take_free_spans(&m->s, &from, out, ARRAY_LEN(out))) != 0) {
			struct iova_req req = { .nr = 512, .last = cfg.last, .align_lg2 = 21 };
			struct iova_entry e;

			for (uint32_t i = 0; i < nr; i++) {
				MODEL_CHECK(m, out[i].start % SPAN == 0);
				MODEL_CHECK(m, (out[i].last + 1) % SPAN == 0);
				for (uint64_t k = out[i].start / SPAN; k <= out[i].last / SPAN; k++)
					offered[k]++;
			}
			/* Taken spans are nobody's. */
			assert_ok(iova_alloc(&m->s, NULL, &req, &e));
			for (uint32_t i = 0; i < nr; i++)
				MODEL_CHECK(m, e.iova < out[i].start || e.iova > out[i].last);
			MODEL_CHECK(m, used[e.iova / SPAN] <= offered[e.iova / SPAN] ||
					       !busy[e.iova / SPAN]);
			used[e.iova / SPAN] = 2; /* may be offered later, or not at all */
			iova_free(&m->s, NULL, e.iova, 512, 0);
			iova_give_back(&m->s, out, nr);
		}
		MODEL_CHECK(m, from == UINT64_MAX);
		for (int k = 0; k < 4096; k++) {
			if (used[k] != 2)
				MODEL_CHECK(m, offered[k] == (used[k] && !busy[k]));
		}
		while (m->nr_live > 0) {
			struct model_range r = model_drop(m, 0);

			iova_free(&m->s, NULL, r.iova, r.nr, 0);
		}
		model_check_empty(m);
		model_fini(m);
		free(m);
	}
}

/* A range so large that it never had a bitmap is offered too. */
TEST(huge_ranges_are_offered_as_one)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
	struct model *m = calloc(1, sizeof(*m));
	struct iova_req req = { .nr = (uint64_t)1 << 24, .last = cfg.last, .align_lg2 = 36 };
	struct iova_entry e;
	struct iova_span out[8];
	uint64_t from = 0;

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	assert_ok(iova_alloc(&m->s, NULL, &req, &e));
	assert_int_equal(iova_take_free_spans(&m->s, &from, out, 8), 0);
	iova_free(&m->s, NULL, e.iova, req.nr, 0);
	from = 0;
	assert_int_equal(iova_take_free_spans(&m->s, &from, out, 8), 1);
	assert_u64_equal(out[0].start, e.iova);
	assert_u64_equal(out[0].last, e.iova + (req.nr << 12) - 1);
	iova_give_back(&m->s, out, 1);
	from = 0;
	assert_int_equal(iova_take_free_spans(&m->s, &from, out, 8), 0);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}

TEST(trim_gives_back_what_a_burst_needed)
{
	struct iova_cfg cfg = { .last = ((uint64_t)1 << 48) - 1, G12 };
	static uint64_t iova[20000];
	struct model *m = calloc(1, sizeof(*m));
	struct iova_req req = { .nr = 100, .last = cfg.last };
	struct iova_cache *c;
	struct iova_entry e;
	struct iova_span out[4];
	struct iova_stats before, after;
	uint64_t from = 0;
	uint32_t nr;

	cfg.platform = host_platform_init(&m->host, NULL);
	assert_ok(iova_space_init(&m->s, &cfg));
	c = model_cache(m);
	for (int i = 0; i < 20000; i++) {
		assert_ok(iova_alloc(&m->s, c, &req, &e));
		iova[i] = e.iova;
	}
	for (int i = 0; i < 20000; i++)
		iova_free(&m->s, c, iova[i], 100, 0);
	iova_stats(&m->s, &before);
	assert_true(before.cached > 0 && before.nr_regions > 10);
	/* As long as there may be tables, their record stays. */
	iova_trim(&m->s, c);
	while ((nr = iova_take_free_spans(&m->s, &from, out, 4)) != 0)
		iova_give_back(&m->s, out, nr);
	assert_true(iova_trim(&m->s, c) > 50000);
	iova_stats(&m->s, &after);
	assert_u64_equal(after.cached, 0);
	assert_int_equal(after.nr_regions, 1); /* the one that holds the reserved granule 0 */
	assert_int_equal(after.frag_permille, 0);
	model_cache_fini(c);
	iova_space_fini(&m->s);
	host_platform_fini(&m->host);
	free(m);
}
