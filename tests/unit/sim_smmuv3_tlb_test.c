/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMMUv3 model: what stays cached, and which invalidation removes it (IHI0070 3.17, 4.4). */
#include "tests/unit/sim_smmuv3_fixture.h"

#define IOVA UINT64_C(0xabc000)
#define PAGE (DATA_PHYS | PTE_PAGE | PTE_RW)

static uint64_t leaf_at(uint64_t iova)
{
	return table_phys(2) + 8 * (iova >> 12 & 511);
}

TEST(an_unmapped_page_is_still_reached_until_its_invalidation_completed)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA + 0x123, DATA_PHYS + 0x123);
	ram_put(f, leaf_at(IOVA), 0);
	assert_maps(f, IOVA + 0x123, DATA_PHYS + 0x123);
	assert_int_equal(sim_smmuv3_stats(f->s)->stale_hits, 1);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
	assert_event(f, IOVA + 0x123, false, SIM_SMMUV3_F_TRANSLATION);
	assert_clean(f);
	fixture_free(f);
}

TEST(a_page_mapped_after_a_fault_needs_no_invalidation)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, 0);
	assert_event(f, IOVA, true, SIM_SMMUV3_F_TRANSLATION);
	ram_put(f, leaf_at(IOVA), PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_clean(f);
	fixture_free(f);
}

TEST(an_invalidation_for_another_asid_or_page_leaves_the_entry)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID + 1), IOVA | 1);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_ASID, ASID + 1), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), (IOVA + 0x1000) | 1);
	cmd_sync(f, OP_TLBI_NH_VAA, (IOVA - 0x1000) | 1);
	assert_maps(f, IOVA, DATA_PHYS);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_ASID, ASID), 0);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(each_kind_of_invalidation_removes_what_it_covers)
{
	static const uint64_t cmds[][2] = {
		{ OP_TLBI_NH_ALL, 0 },
		{ OP_TLBI_NSNH_ALL, 0 },
		{ OP_TLBI_NH_VAA, IOVA | 1 },
		{ OP_TLBI_NH_VA | (uint64_t)ASID << 48, IOVA },
		{ OP_TLBI_NH_ASID | (uint64_t)ASID << 48, 0 },
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		struct fixture *f = fixture_4k(&cfg);

		map_4k(f, IOVA, PAGE);
		assert_maps(f, IOVA, DATA_PHYS);
		ram_put(f, leaf_at(IOVA), 0);
		cmd_sync(f, cmds[i][0], cmds[i][1]);
		assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
		fixture_free(f);
	}
}

TEST(a_global_page_ignores_asids_and_survives_invalidation_by_asid)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys = 0;

	map_4k(f, IOVA, PAGE & ~PTE_NG);
	assert_maps(f, IOVA, DATA_PHYS);
	/* Another stream with another ASID and empty tables sees the global page. */
	cd_put(f, CD_PHYS + 64, 25, 0, table_phys(4), ASID + 1);
	ste_s1(f, SID + 1, CD_PHYS + 64);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID + 1), 1);
	assert_int_equal(dma_sid(f, SID + 1, IOVA, &phys), SIM_SMMUV3_OK);
	assert_u64_equal(phys, DATA_PHYS);
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_ASID, ASID), 0);
	assert_maps(f, IOVA, DATA_PHYS);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID + 1), IOVA | 1);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(streams_with_one_asid_share_entries_and_others_do_not)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys = 0;

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	cd_put(f, CD_PHYS + 64, 25, 0, table_phys(4), ASID + 1);
	cd_put(f, CD_PHYS + 128, 25, 0, table_phys(4), ASID);
	ste_s1(f, SID + 1, CD_PHYS + 64);
	ste_s1(f, SID + 2, CD_PHYS + 128);
	cmd_sync(f, OP_CFGI_ALL, 31);
	assert_int_equal(dma_sid(f, SID + 1, IOVA, &phys), SIM_SMMUV3_ABORT);
	/* Two tables under one ASID: the driver's fault, and it shows. */
	assert_int_equal(dma_sid(f, SID + 2, IOVA, &phys), SIM_SMMUV3_OK);
	assert_u64_equal(phys, DATA_PHYS);
	fixture_free(f);
}

TEST(a_leaf_only_invalidation_leaves_the_table_cached)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	/* The level 3 table is unlinked, invalidated leaf-only, and reused for something else. */
	ram_put(f, table_phys(1) + 8 * (IOVA >> 21), 0);
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
	ram_put(f, leaf_at(IOVA), (DATA_PHYS + 0x5000) | PTE_PAGE | PTE_RW);
	assert_maps(f, IOVA, DATA_PHYS + 0x5000);
	assert_int_equal(sim_smmuv3_stats(f->s)->stale_walks, 1);
	/* Without the leaf bit the table goes as well. */
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	assert_clean(f);
	fixture_free(f);
}

TEST(another_table_linked_over_a_cached_one_is_a_finding)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ram_put(f, table_phys(3) + 8 * (IOVA >> 12 & 511), PAGE + 0x9000);
	ram_put(f, table_phys(1) + 8 * (IOVA >> 21), table_phys(3) | PTE_TABLE);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_WALK_STALE), 1);
	fixture_free(f);
}

TEST(replacing_a_live_leaf_without_a_break_is_a_violation)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ram_put(f, leaf_at(IOVA), PAGE + 0x3000);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(sim_smmuv3_stats(f->s)->bbm_violations, 1);
	assert_u64_equal(sim_smmuv3_stats(f->s)->finding_arg[SIM_SMMUV3_FIND_BBM], IOVA);
	/* With break, invalidation and make it is none. */
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
	ram_put(f, leaf_at(IOVA), PAGE + 0x3000);
	assert_maps(f, IOVA, DATA_PHYS + 0x3000);
	assert_int_equal(sim_smmuv3_stats(f->s)->bbm_violations, 1);
	fixture_free(f);
}

TEST(a_block_over_cached_pages_is_a_conflict_unless_bbml_2)
{
	for (unsigned int bbml = 0; bbml <= 2; bbml += 2) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t base = IOVA >> 21 << 21;

		cfg.bbml = bbml;
		f = fixture_4k(&cfg);
		map_4k(f, IOVA, (DATA_PHYS + (IOVA - base)) | PTE_PAGE | PTE_RW);
		assert_maps(f, IOVA, DATA_PHYS + (IOVA - base));
		ram_put(f, table_phys(1) + 8 * (IOVA >> 21), DATA_PHYS | PTE_BLOCK | PTE_RW);
		/* Drop the table but keep the page, then walk to a neighbour: the block. */
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), base);
		assert_maps(f, base + 0x1000, DATA_PHYS + 0x1000);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_TLB_CONFLICT), bbml == 0 ? 1 : 0);
		fixture_free(f);
	}
}

TEST(a_page_under_a_cached_block_is_a_conflict_at_either_end)
{
	static const uint64_t offsets[] = { 0, 0x1ff000 };

	for (size_t i = 0; i < 2; i++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f = fixture_4k(&cfg);
		uint64_t base = UINT64_C(0x400000);
		uint64_t page = base + offsets[i];

		/* Pages first at one end, then a block over them, reached in the middle. */
		map_4k(f, page, (DATA_PHYS + offsets[i]) | PTE_PAGE | PTE_RW);
		assert_maps(f, page, DATA_PHYS + offsets[i]);
		ram_put(f, table_phys(1) + 8 * (base >> 21), DATA_PHYS | PTE_BLOCK | PTE_RW);
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), base + 0x80000);
		assert_maps(f, base + 0x80000, DATA_PHYS + 0x80000);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_TLB_CONFLICT), 1);
		fixture_free(f);
	}
}

TEST(a_range_invalidation_removes_exactly_its_pages)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t base = UINT64_C(0xa00000);

	for (unsigned int i = 0; i < 16; i++) {
		map_4k(f, base + 0x1000 * i, PAGE + 0x1000 * i);
		assert_maps(f, base + 0x1000 * i, DATA_PHYS + 0x1000 * i);
	}
	for (unsigned int i = 0; i < 16; i++)
		ram_put(f, leaf_at(base + 0x1000 * i), 0);
	/* NUM 2, SCALE 2: twelve pages of 4K from the third, leaf, level 3. */
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID) | 2u << 12 | 2u << 20,
		 (base + 0x2000) | 1u << 10 | 3u << 8 | 1);
	for (unsigned int i = 0; i < 16; i++) {
		if (i < 2 || i >= 14)
			assert_maps(f, base + 0x1000 * i, DATA_PHYS + 0x1000 * i);
		else
			assert_event(f, base + 0x1000 * i, false, SIM_SMMUV3_F_TRANSLATION);
	}
	assert_clean(f);
	fixture_free(f);
}

TEST(a_wrong_level_or_granule_hint_leaves_the_entry)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1u << 10 | 2u << 8 | 1);
	assert_maps(f, IOVA, DATA_PHYS);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 3u << 10 | 3u << 8 | 1);
	assert_maps(f, IOVA, DATA_PHYS);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1u << 10 | 3u << 8 | 1);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(a_range_that_starts_inside_a_leaf_is_a_finding_and_does_nothing)
{
	static const struct {
		uint64_t word1; /* TG, TTL and the bit that is too low */
		bool aligned;
	} cases[] = {
		{ 1u << 10 | 3u << 8 | 0x1000, true },
		{ 1u << 10 | 2u << 8 | 0x100000, false },
		{ 1u << 10 | 2u << 8 | 0x200000, true },
		{ 1u << 10 | 1u << 8 | 0x20000000, false },
		{ 2u << 10 | 3u << 8 | 0x2000, false },
		{ 2u << 10 | 3u << 8 | 0x4000, true },
		{ 2u << 10 | 2u << 8 | 0x1000000, false },
		{ 3u << 10 | 3u << 8 | 0x8000, false },
		{ 3u << 10 | 2u << 8 | 0x10000000, false },
		{ 3u << 10 | 2u << 8 | 0x20000000, true },
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = fixture_4k(&cfg);

		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID) | 1u << 12, cases[i].word1 | 1);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_TLBI_RANGE), cases[i].aligned ? 0 : 1);
		fixture_free(f);
	}
}

TEST(a_range_ends_at_the_top_of_the_address_space)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ram_put(f, leaf_at(IOVA), 0);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID) | 31u << 12 | 31u << 20,
		 UINT64_C(0xfffffffffffff000) | 1u << 10 | 1);
	assert_maps(f, IOVA, DATA_PHYS);
	/* From below it is reached. */
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID) | 31u << 12 | 31u << 20, 1u << 10 | 1);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(a_level_hint_spares_the_tables_at_and_below_it)
{
	for (unsigned int ttl = 2; ttl <= 3; ttl++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f = fixture_4k(&cfg);

		map_4k(f, IOVA, PAGE);
		assert_maps(f, IOVA, DATA_PHYS);
		/* The level 2 entry is unlinked; its table must go, and goes only with level 3. */
		ram_put(f, table_phys(1) + 8 * (IOVA >> 21), 0);
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID) | 1u << 20,
			 (IOVA >> 21 << 21) | 1u << 10 | ttl << 8);
		if (ttl == 2)
			assert_maps(f, IOVA, DATA_PHYS);
		else
			assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
		fixture_free(f);
	}
}

TEST(a_change_of_size_or_attributes_alone_is_a_violation_too)
{
	for (unsigned int bbml = 0; bbml <= 2; bbml++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t base = IOVA >> 21 << 21;
		uint64_t page = (DATA_PHYS + (IOVA - base)) | PTE_PAGE | PTE_RW;

		cfg.bbml = bbml;
		f = fixture_4k(&cfg);
		map_4k(f, IOVA, page);
		assert_maps(f, IOVA, DATA_PHYS + (IOVA - base));
		ram_put(f, table_phys(1) + 8 * (IOVA >> 21), DATA_PHYS | PTE_BLOCK | PTE_RW);
		assert_maps(f, IOVA, DATA_PHYS + (IOVA - base));
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_BBM), bbml == 0 ? 1 : 0);
		/* Another memory type is one at every level; permissions are not. */
		map_4k(f, IOVA, page | PTE_RO);
		assert_maps(f, IOVA, DATA_PHYS + (IOVA - base));
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_BBM), bbml == 0 ? 1 : 0);
		map_4k(f, IOVA, page | 1u << 2);
		assert_maps(f, IOVA, DATA_PHYS + (IOVA - base));
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_BBM), bbml == 0 ? 2 : 1);
		fixture_free(f);
	}
}

TEST(the_address_of_any_page_in_a_block_removes_the_block)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t base = UINT64_C(0x200000);

	map_4k(f, base, 0);
	ram_put(f, table_phys(1) + 8 * (base >> 21), DATA_PHYS | PTE_BLOCK | PTE_RW);
	assert_maps(f, base + 0x12345, DATA_PHYS + 0x12345);
	ram_put(f, table_phys(1) + 8 * (base >> 21), 0);
	assert_maps(f, base, DATA_PHYS);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), (base + 0x55000) | 1);
	assert_event(f, base, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(a_small_cache_forgets_and_an_unbounded_one_does_not)
{
	for (int never = 0; never <= 1; never++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		const struct sim_smmuv3_stats *stats;
		struct fixture *f;

		cfg.never_evict = never != 0;
		cfg.iotlb_entries = 8;
		cfg.walk_entries = 1;
		f = fixture_4k(&cfg);
		stats = sim_smmuv3_stats(f->s);
		for (unsigned int round = 0; round < 2; round++) {
			for (unsigned int i = 0; i < 64; i++) {
				map_4k(f, IOVA + 0x1000 * i, PAGE + 0x1000 * i);
				assert_maps(f, IOVA + 0x1000 * i, DATA_PHYS + 0x1000 * i);
			}
		}
		if (never != 0)
			assert_int_equal(stats->iotlb_misses, 64);
		else
			assert_true(stats->iotlb_misses > 100);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(translations_may_be_cached_that_nobody_asked_for)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;

	cfg.prefetch_permille = 1000;
	f = fixture_4k(&cfg);
	for (unsigned int i = 0; i < 8; i++)
		map_4k(f, IOVA + 0x1000 * i, PAGE + 0x1000 * i);
	assert_maps(f, IOVA + 0x4000, DATA_PHYS + 0x4000);
	for (unsigned int i = 0; i < 2000; i++)
		sim_smmuv3_step(f->s);
	assert_true(sim_smmuv3_stats(f->s)->prefetches >= 7);
	/* No events came of the unmapped neighbours, and the untouched page is cached. */
	assert_int_equal(sim_smmuv3_stats(f->s)->events_written, 0);
	ram_put(f, leaf_at(IOVA + 0x3000), 0);
	assert_maps(f, IOVA + 0x3000, DATA_PHYS + 0x3000);
	assert_clean(f);
	fixture_free(f);
}
