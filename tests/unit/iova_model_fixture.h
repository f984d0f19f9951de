/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the allocator is compared with: one byte per granule and searches that try everything. A
 * byte says who has the granule: nobody, a reservation, or a live range (guard included).
 */
#ifndef DMAMAP_TESTS_UNIT_IOVA_MODEL_FIXTURE_H
#define DMAMAP_TESTS_UNIT_IOVA_MODEL_FIXTURE_H

#include <stdlib.h>

#include "iova/iova.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

enum model_state { MODEL_FREE, MODEL_RESERVED, MODEL_LIVE };

struct model_range {
	uint64_t iova;
	uint64_t nr;
};

struct model {
	struct host_platform host;
	struct iova_space s;
	struct iova_cfg cfg;
	uint64_t base;	      /* first granule in @state */
	uint64_t nr_granules; /* of @state */
	unsigned char *state;
	struct model_range *live;
	uint32_t nr_live, max_live;
	uint64_t seed, random;
};

static inline uint64_t model_random(struct model *m)
{
	uint64_t z = (m->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint64_t model_below(struct model *m, uint64_t n)
{
	return model_random(m) % n;
}

#define MODEL_CHECK(m, cond) ((cond) ? (void)0 : fail_msg("seed %" PRIu64 ": %s", (m)->seed, #cond))

static inline struct iova_cache *model_cache(struct model *m)
{
	struct iova_cache *c = aligned_alloc(128, sizeof(*c));

	memset(c, 0, sizeof(*c));
	iova_cache_init(c, &m->s);
	return c;
}

static inline void model_cache_fini(struct iova_cache *c)
{
	iova_cache_fini(c);
	free(c);
}

/* The model covers the whole aperture. @cfg->platform is filled in. */
static inline void model_init(struct model *m, const struct iova_cfg *cfg, uint64_t seed)
{
	uint64_t g = cfg->granule_lg2;

	*m = (struct model){ .cfg = *cfg, .seed = seed, .random = seed, .max_live = 1u << 16 };
	m->cfg.platform = host_platform_init(&m->host, NULL);
	m->base = cfg->start >> g;
	m->nr_granules = (cfg->last >> g) - m->base + 1;
	m->state = calloc((size_t)m->nr_granules, 1);
	m->live = calloc(m->max_live, sizeof(*m->live));
	if (m->base == 0)
		m->state[0] = MODEL_RESERVED;
	if (cfg->last == UINT64_MAX)
		m->state[m->nr_granules - 1] = MODEL_RESERVED;
	assert_ok(iova_space_init(&m->s, &m->cfg));
}

static inline void model_fini(struct model *m)
{
	iova_space_fini(&m->s);
	free(m->state);
	free(m->live);
	host_platform_fini(&m->host);
}

static inline bool model_all(const struct model *m, uint64_t first, uint64_t nr,
			     enum model_state state)
{
	for (uint64_t i = first; i < first + nr; i++) {
		if (m->state[i] != (unsigned char)state)
			return false;
	}
	return true;
}

/* Would the range at index @i satisfy @req, the limit included? */
static inline bool model_suits(const struct model *m, uint64_t i, const struct iova_req *req)
{
	uint32_t g = m->cfg.granule_lg2;
	uint64_t iova = (m->base + i) << g, last = iova + ((req->nr << g) - 1);

	if (last > req->last || (iova & (((uint64_t)1 << req->align_lg2) - 1)) != 0)
		return false;
	if (req->phase_lg2 != 0 && ((iova ^ req->phase) & (((uint64_t)1 << req->phase_lg2) - 1)))
		return false;
	return req->boundary == 0 || (iova & ~req->boundary) == (last & ~req->boundary);
}

/* Does any place exist? The arena wants the guard below the limit as well. */
static inline bool model_exists(const struct model *m, const struct iova_req *req)
{
	uint64_t len = req->nr + m->cfg.guard, run = 0;

	if (req->nr > m->nr_granules)
		return false;
	for (uint64_t end = 1; end <= m->nr_granules; end++) {
		run = m->state[end - 1] == MODEL_FREE ? run + 1 : 0;
		if (run >= len && model_suits(m, end - len, req) &&
		    ((m->base + end) << m->cfg.granule_lg2) - 1 <= req->last)
			return true;
	}
	return false;
}

/* What the allocator handed out must be free and suit. */
static inline void model_take(struct model *m, const struct iova_req *req, uint64_t iova)
{
	uint64_t i = (iova >> m->cfg.granule_lg2) - m->base;

	MODEL_CHECK(m, (iova & (((uint64_t)1 << m->cfg.granule_lg2) - 1)) == 0);
	MODEL_CHECK(m, i < m->nr_granules && req->nr + m->cfg.guard <= m->nr_granules - i);
	MODEL_CHECK(m, model_suits(m, i, req));
	MODEL_CHECK(m, model_all(m, i, req->nr + m->cfg.guard, MODEL_FREE));
	MODEL_CHECK(m, m->nr_live < m->max_live);
	memset(m->state + i, MODEL_LIVE, (size_t)(req->nr + m->cfg.guard));
	m->live[m->nr_live++] = (struct model_range){ iova, req->nr };
}

/* Forget a live range, chosen by number. */
static inline struct model_range model_drop(struct model *m, uint64_t which)
{
	struct model_range r = m->live[which];

	memset(m->state + ((r.iova >> m->cfg.granule_lg2) - m->base), MODEL_FREE,
	       (size_t)(r.nr + m->cfg.guard));
	m->live[which] = m->live[--m->nr_live];
	return r;
}

/* Everything freed and flushed: one hole again between the reservations. */
static inline void model_check_empty(struct model *m)
{
	struct iova_stats st;
	uint64_t run = 0, hole = 0, nr_free = 0;

	for (uint64_t i = 0; i < m->nr_granules; i++) {
		run = m->state[i] == MODEL_FREE ? run + 1 : 0;
		nr_free += m->state[i] == MODEL_FREE;
		hole = run > hole ? run : hole;
	}
	iova_stats(&m->s, &st);
	assert_u64_equal(st.free, nr_free);
	assert_u64_equal(st.largest_hole, hole);
	assert_u64_equal(st.live, 0);
	assert_u64_equal(st.cached, 0);
}

#endif
