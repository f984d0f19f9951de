/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model under random work: software that keeps the rules never sees a wrong translation
 * nor a finding, however hostile the caches; software that breaks one rule is found out.
 */
#include "tests/unit/sim_smmuv3_fixture.h"

#define NR_PAGES 512u
#define NR_STEPS 4000u
#define BASE UINT64_C(0x600000) /* one level 3 table */

enum sin { NONE, NO_TLBI, NO_WAIT, LEAF_ONLY_TABLE };

struct work {
	struct fixture *f;
	uint64_t phys[NR_PAGES]; /* the oracle: 0 = not mapped */
	uint64_t rng;
	enum sin sin;
	unsigned int wrong; /* translations that the oracle does not have */
};

static uint32_t next_random(struct work *w)
{
	w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(w->rng >> 33);
}

static uint64_t leaf_at(unsigned int page)
{
	return table_phys(2) + 8 * page;
}

static void work_map(struct work *w, unsigned int page)
{
	w->phys[page] = DATA_PHYS + ((uint64_t)(next_random(w) % 1024) << 12);
	ram_put(w->f, leaf_at(page), w->phys[page] | PTE_PAGE | PTE_RW);
}

static void work_unmap(struct work *w, unsigned int page, unsigned int nr)
{
	uint64_t iova = BASE + ((uint64_t)page << 12);

	for (unsigned int i = page; i < page + nr; i++) {
		ram_put(w->f, leaf_at(i), 0);
		w->phys[i] = 0;
	}
	if (w->sin == NO_TLBI && next_random(w) % 4 == 0)
		return;
	/* NUM + 1 pages, level 3, 4K, leaf only */
	cmd_put(w->f, cmd_asid(OP_TLBI_NH_VA, ASID) | (uint64_t)(nr - 1) << 12,
		iova | 1u << 10 | 3u << 8 | 1);
	cmd_put(w->f, OP_SYNC, 0);
	cmd_kick(w->f);
	if (w->sin != NO_WAIT)
		cmd_wait(w->f);
}

static void work_dma(struct work *w, unsigned int page);

/* Move the level 3 table to another page and back, with devices at work in between. */
static void work_replace_table(struct work *w)
{
	uint64_t link = table_phys(1) + 8 * (BASE >> 21);
	uint64_t leaf_only = w->sin == LEAF_ONLY_TABLE ? 1 : 0;
	const uint64_t tables[] = { table_phys(3), table_phys(2) };

	for (unsigned int n = 0; n < 2; n++) {
		ram_put(w->f, link, 0);
		cmd_sync(w->f, cmd_asid(OP_TLBI_NH_VA, ASID) | 15u << 12 | 5u << 20,
			 BASE | 1u << 10 | leaf_only);
		for (unsigned int i = 0; i < NR_PAGES; i++)
			ram_put(w->f, tables[n] + 8 * i, ram_get(w->f, leaf_at(i)));
		ram_put(w->f, link, tables[n] | PTE_TABLE);
		for (unsigned int i = 0; i < 8; i++)
			work_dma(w, next_random(w) % NR_PAGES);
	}
}

static void work_dma(struct work *w, unsigned int page)
{
	uint64_t iova = BASE + ((uint64_t)page << 12) + (next_random(w) & 0xfff);
	uint64_t word[4];
	uint64_t phys = 0;
	enum sim_smmuv3_verdict verdict = dma(w->f, iova, (next_random(w) & 1) != 0, &phys);
	bool right = w->phys[page] == 0
			     ? verdict == SIM_SMMUV3_ABORT
			     : verdict == SIM_SMMUV3_OK && phys == w->phys[page] + (iova & 0xfff);

	w->wrong += right ? 0 : 1;
	while (event_take(w->f, word))
		assert_u64_equal(word[0] & 0xff, SIM_SMMUV3_F_TRANSLATION);
}

static void work_step(struct work *w)
{
	unsigned int page = next_random(w) % NR_PAGES;
	unsigned int nr = 2 + next_random(w) % 16;

	if (page + nr > NR_PAGES)
		nr = 2;
	if (page + nr > NR_PAGES)
		page = 0;
	switch (next_random(w) % 16) {
	case 0:
	case 1:
		work_unmap(w, page, nr);
		break;
	case 2:
		if (next_random(w) % 16 == 0)
			work_replace_table(w);
		break;
	case 3:
	case 4:
	case 5:
		for (unsigned int i = page; i < page + nr; i++) {
			if (w->phys[i] == 0)
				work_map(w, i);
		}
		break;
	default:
		work_dma(w, page);
		break;
	}
}

static struct sim_smmuv3_cfg hostile(uint64_t seed)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	cfg.seed = seed;
	cfg.lazy_completion = seed % 3 == 0 ? 0 : 1 + (unsigned int)(seed % 9);
	cfg.lazy_ack = 3;
	cfg.never_evict = seed % 2 == 0;
	cfg.iotlb_entries = 64;
	cfg.walk_entries = 2;
	cfg.prefetch_permille = seed % 4 == 0 ? 0 : 300;
	return cfg;
}

static struct work *work_run(uint64_t seed, enum sin sin)
{
	static struct work w;
	struct sim_smmuv3_cfg cfg = hostile(seed);

	memset(&w, 0, sizeof(w));
	w.f = fixture_4k(&cfg);
	w.rng = seed;
	w.sin = sin;
	map_4k(w.f, BASE, 0);
	for (unsigned int i = 0; i < NR_STEPS; i++)
		work_step(&w);
	return &w;
}

TEST(software_that_keeps_the_rules_is_never_wrong_and_never_blamed)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct work *w = work_run(seed, NONE);

		if (w->wrong != 0)
			fail_msg("seed %u: %u wrong translations", (unsigned int)seed, w->wrong);
		assert_clean(w->f);
		assert_true(sim_smmuv3_stats(w->f->s)->iotlb_hits > 100);
		fixture_free(w->f);
	}
}

TEST(a_forgotten_invalidation_is_found)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct work *w = work_run(seed, NO_TLBI);

		assert_true(w->wrong > 0);
		assert_true(findings(w->f, SIM_SMMUV3_FIND_BBM) > 0);
		fixture_free(w->f);
	}
}

TEST(a_driver_that_does_not_wait_for_the_sync_is_found_if_completion_is_late)
{
	unsigned int found = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct sim_smmuv3_cfg cfg = hostile(2);
		struct work w = { .rng = seed, .sin = NO_WAIT };

		cfg.seed = seed;
		cfg.lazy_completion = 64;
		w.f = fixture_4k(&cfg);
		map_4k(w.f, BASE, 0);
		for (unsigned int i = 0; i < 200; i++) {
			unsigned int page = next_random(&w) % NR_PAGES;

			if (w.phys[page] != 0)
				continue;
			work_map(&w, page);
			work_dma(&w, page);
			work_unmap(&w, page, 1);
			work_dma(&w, page);
			cmd_wait(w.f);
		}
		found += w.wrong > 0 ? 1 : 0;
		fixture_free(w.f);
	}
	assert_int_equal(found, 8);
}

TEST(a_table_moved_after_leaf_only_invalidation_is_found)
{
	unsigned int found = 0;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct work *w = work_run(seed, LEAF_ONLY_TABLE);

		found += findings(w->f, SIM_SMMUV3_FIND_WALK_STALE) > 0 ||
					 sim_smmuv3_stats(w->f->s)->stale_walks > 0
				 ? 1
				 : 0;
		fixture_free(w->f);
	}
	assert_int_equal(found, 6);
}

TEST(the_same_seed_gives_the_same_run)
{
	struct sim_smmuv3_stats first;
	struct work *w = work_run(5, NONE);

	first = *sim_smmuv3_stats(w->f->s);
	fixture_free(w->f);
	w = work_run(5, NONE);
	assert_memory_equal(&first, sim_smmuv3_stats(w->f->s), sizeof(first));
	fixture_free(w->f);
}
