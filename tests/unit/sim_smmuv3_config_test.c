/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMMUv3 model: stream tables, STEs, CDs, their caches (IHI0070 3.3, 3.21.3, 4.3, 5). */
#include "tests/unit/sim_smmuv3_fixture.h"

#define IOVA UINT64_C(0xabc000)
#define PAGE (DATA_PHYS | PTE_PAGE | PTE_RW)

static uint64_t ste_word0(uint64_t config)
{
	return 1 | config << 1 | CD_PHYS;
}

static enum sim_smmuv3_verdict dma_ssid(struct fixture *f, uint32_t ssid, uint64_t *phys)
{
	const struct sim_smmuv3_txn txn = {
		.sid = SID, .ssid = ssid, .ssid_valid = true, .iova = IOVA
	};
	uint64_t len;

	return sim_smmuv3_translate(f->s, &txn, phys, &len);
}

/* The access aborted and left this record, and only this. */
static void assert_record(struct fixture *f, unsigned int event)
{
	uint64_t word[4] = { 0, 0, 0, 0 };

	assert_true(event_take(f, word));
	assert_u64_equal(word[0] & 0xff, event);
	assert_false(event_take(f, word));
}

TEST(an_invalid_ste_aborts_with_a_record)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
	assert_clean(f);
	fixture_free(f);
}

TEST(configurations_that_the_part_lacks_are_bad_stes)
{
	static const uint64_t words[][2] = {
		{ 1 | 6 << 1, 0 },				 /* stage 2 only */
		{ 1 | 7 << 1 | CD_PHYS, 0 },			 /* nested */
		{ 1 | 5 << 1 | CD_PHYS, UINT64_C(1) << 27 },	 /* S1STALLD */
		{ 1 | 5 << 1 | CD_PHYS | UINT64_C(1) << 59, 0 }, /* S1CDMax without substreams */
		{ 5 << 1 | CD_PHYS, 0 },			 /* V clear */
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct fixture *f = fixture_up(&cfg);

		ste_put(f, SID, words[i][0], words[i][1]);
		assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
		fixture_free(f);
	}
}

TEST(bypass_and_abort_leave_no_record)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	uint64_t word[4];
	uint64_t phys = 0;

	ste_put(f, SID, ste_word0(4), UINT64_C(1) << 44);
	assert_int_equal(dma(f, 0x1234567, true, &phys), SIM_SMMUV3_BYPASS);
	assert_u64_equal(phys, 0x1234567);
	assert_event(f, UINT64_C(1) << 44, false, SIM_SMMUV3_F_ADDR_SIZE);
	ste_put(f, SID, ste_word0(0), UINT64_C(1) << 44);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_int_equal(dma(f, 0x1234567, true, &phys), SIM_SMMUV3_ABORT);
	assert_false(event_take(f, word));
	assert_clean(f);
	fixture_free(f);
}

TEST(a_stream_beyond_the_table_is_recorded_only_on_request)
{
	for (int record = 0; record <= 1; record++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f = fixture_new(&cfg);
		uint64_t phys;

		reg_put64(f, 0x80, STRTAB_PHYS);
		reg_put(f, 0x88, STRTAB_LG2);
		fixture_enable(f);
		reg_put(f, 0x20, 8 | 4);
		reg_put(f, 0x2c, record != 0 ? 2 : 0);
		reg_put(f, 0x20, 8 | 4 | 1);
		assert_int_equal(dma_sid(f, 1u << STRTAB_LG2, IOVA, &phys), SIM_SMMUV3_ABORT);
		assert_int_equal(sim_smmuv3_stats(f->s)->events_written, record);
		if (record != 0)
			assert_record(f, SIM_SMMUV3_C_BAD_STREAMID);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(an_ste_is_stale_until_it_is_invalidated)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	ste_put(f, SID, 0, 0);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(sim_smmuv3_stats(f->s)->stale_configs, 1);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID + 1), 1);
	assert_maps(f, IOVA, DATA_PHYS);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
	assert_clean(f);
	fixture_free(f);
}

TEST(an_invalid_ste_is_cached_too)
{
	for (int cached = 0; cached <= 1; cached++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t phys;

		cfg.cache_invalid_config = cached != 0;
		f = fixture_up(&cfg);
		assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
		ste_put(f, SID, ste_word0(4), UINT64_C(1) << 44);
		assert_int_equal(dma(f, IOVA, false, &phys),
				 cached != 0 ? SIM_SMMUV3_ABORT : SIM_SMMUV3_BYPASS);
		cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
		assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_BYPASS);
		fixture_free(f);
	}
}

TEST(a_cd_is_stale_until_it_is_invalidated)
{
	static const uint64_t cmds[][2] = {
		{ OP_CFGI_CD | (uint64_t)SID << 32, 1 },
		{ OP_CFGI_CD_ALL | (uint64_t)SID << 32, 0 },
		{ OP_CFGI_STE | (uint64_t)SID << 32, 1 }, /* drops the CDs as well */
		{ OP_CFGI_ALL, 0x1f },
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		struct fixture *f = fixture_4k(&cfg);

		map_4k(f, IOVA, PAGE);
		assert_maps(f, IOVA, DATA_PHYS);
		ram_put(f, CD_PHYS, 0);
		assert_maps(f, IOVA, DATA_PHYS);
		cmd_sync(f, OP_CFGI_CD | (uint64_t)(SID + 1) << 32, 1);
		assert_maps(f, IOVA, DATA_PHYS);
		cmd_sync(f, cmds[i][0], cmds[i][1]);
		assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
		fixture_free(f);
	}
}

TEST(contradictory_cds_are_bad)
{
	const uint64_t good = cd_word0(25, 0, ASID);
	const uint64_t bad[] = {
		good & ~(UINT64_C(1) << 31),   /* V */
		good & ~(UINT64_C(1) << 41),   /* AA64 */
		good & ~(UINT64_C(1) << 46),   /* A: abort is all there is */
		good | UINT64_C(1) << 44,      /* S: no stalls */
		good | UINT64_C(1) << 43,      /* HA: no hardware update */
		good | UINT64_C(1) << 42,      /* HD */
		good | UINT64_C(1) << 15,      /* ENDI */
		good | 3u << 6,		       /* TG0 reserved */
		(good & ~UINT64_C(0x3f)) | 15, /* T0SZ too small */
		(good & ~UINT64_C(0x3f)) | 40, /* and too large */
		good & ~(UINT64_C(1) << 30),   /* TTB1 enabled, TG1 reserved */
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *f = fixture_4k(&cfg);

		ram_put(f, CD_PHYS, bad[i]);
		assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
		fixture_free(f);
	}
}

TEST(limits_of_the_part_make_a_cd_bad)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	/* A table base beyond the output size. */
	ram_put(f, CD_PHYS + 8, UINT64_C(1) << 44);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
	fixture_free(f);
	/* A granule that is not there; a 16-bit ASID on an 8-bit part. */
	cfg.granules = SIM_SMMUV3_GRAN64K;
	f = fixture_4k(&cfg);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
	fixture_free(f);
	cfg = fixture_cfg();
	cfg.asid16 = false;
	f = fixture_4k(&cfg);
	ram_put(f, CD_PHYS, cd_word0(25, 0, 0x100));
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
	fixture_free(f);
}

TEST(a_disabled_half_is_ignored_and_faults)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	/* EPD0 with nonsense in the fields of TTB0. */
	ram_put(f, CD_PHYS, cd_word0(63, 3, ASID) | 1u << 14);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(translation_faults_are_recorded_only_with_cd_r)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys;

	ram_put(f, CD_PHYS, cd_word0(25, 0, ASID) & ~(UINT64_C(1) << 45));
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_written, 0);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_lost, 0);
	fixture_free(f);
}

TEST(structures_that_cannot_be_fetched_give_their_address)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t word[4];
	uint64_t phys;

	map_4k(f, IOVA, PAGE);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_CONFIG_ABORT, STRTAB_PHYS + 64 * SID + 8);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0] & 0xff, SIM_SMMUV3_F_STE_FETCH);
	assert_u64_equal(word[3], STRTAB_PHYS + 64 * SID);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_CONFIG_ABORT, CD_PHYS);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0] & 0xff, SIM_SMMUV3_F_CD_FETCH);
	assert_u64_equal(word[3], CD_PHYS);
	assert_int_equal(sim_smmuv3_stats(f->s)->stale_configs, 0);
	/* A failed fetch is not cached. */
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_CONFIG_ABORT, UINT64_MAX);
	assert_maps(f, IOVA, DATA_PHYS);
	fixture_free(f);
}

TEST(a_cd_outside_memory_cannot_be_fetched)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	ste_put(f, SID, 1 | 5 << 1 | 0x1000, UINT64_C(1) << 44);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_CD_FETCH);
	fixture_free(f);
}

/* A two-level table: level 1 at L1STD_PHYS, split 8, the STEs of SID's 256 in STRTAB. */
static struct fixture *two_level_up(const struct sim_smmuv3_cfg *cfg, uint64_t std)
{
	struct fixture *f = fixture_new(cfg);

	reg_put64(f, 0x80, L1STD_PHYS);
	reg_put(f, 0x88, 16 | 8 << 6 | 1 << 16);
	fixture_enable(f);
	ram_put(f, L1STD_PHYS + 8, std);
	cd_put(f, CD_PHYS, 25, 0, table_phys(0), ASID);
	ste_s1(f, SID, CD_PHYS);
	map_4k(f, IOVA, PAGE);
	return f;
}

TEST(two_level_stream_tables_are_walked_and_their_spans_kept)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = two_level_up(&cfg, STRTAB_PHYS | 9);
	uint64_t phys = 0;

	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_OK);
	assert_u64_equal(phys, DATA_PHYS);
	assert_int_equal(dma_sid(f, SID, IOVA, &phys), SIM_SMMUV3_ABORT); /* no descriptor */
	assert_record(f, SIM_SMMUV3_C_BAD_STREAMID);
	assert_clean(f);
	fixture_free(f);
	/* A span of four STEs does not reach SID 5; one of 2^10 is beyond the split. */
	f = two_level_up(&cfg, STRTAB_PHYS | 3);
	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	assert_record(f, SIM_SMMUV3_C_BAD_STREAMID);
	fixture_free(f);
	f = two_level_up(&cfg, STRTAB_PHYS | 11);
	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	assert_record(f, SIM_SMMUV3_C_BAD_STREAMID);
	fixture_free(f);
}

TEST(a_level_1_descriptor_is_stale_until_invalidated_without_leaf)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = two_level_up(&cfg, 0);
	uint64_t phys;

	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	ram_put(f, L1STD_PHYS + 8, STRTAB_PHYS | 9);
	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, 0x100 + SID), 1);
	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, 0x100 + SID), 0);
	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_OK);
	fixture_free(f);
}

/* Substreams: 2^6 CDs, linear or two-level with 4K leaves. */
static struct fixture *substreams_up(bool two_level, uint64_t dss)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;
	uint64_t table = two_level ? CD_PHYS + 0x1000 : CD_PHYS;

	cfg.ssid_bits = 8;
	cfg.two_level_cd = true;
	f = fixture_up(&cfg);
	ste_put(f, SID, ste_word0(5) | (two_level ? 1u << 4 : 0) | UINT64_C(7) << 59,
		dss | UINT64_C(1) << 44);
	if (two_level)
		ram_put(f, CD_PHYS, table | 1);
	cd_put(f, table, 25, 0, table_phys(0), ASID);
	cd_put(f, table + 64 * 9, 25, 0, table_phys(4), ASID + 1);
	map_4k(f, IOVA, PAGE);
	ram_put(f, table_phys(4), table_phys(5) | PTE_TABLE);
	ram_put(f, table_phys(5) + 8 * (IOVA >> 21), table_phys(6) | PTE_TABLE);
	ram_put(f, table_phys(6) + 8 * (IOVA >> 12 & 511), PAGE + 0x9000);
	return f;
}

TEST(substreams_have_cds_of_their_own)
{
	for (int two_level = 0; two_level <= 1; two_level++) {
		struct fixture *f = substreams_up(two_level != 0, 2);
		uint64_t phys = 0;

		assert_maps(f, IOVA, DATA_PHYS);
		assert_int_equal(dma_ssid(f, 9, &phys), SIM_SMMUV3_OK);
		assert_u64_equal(phys, DATA_PHYS + 0x9000);
		assert_int_equal(dma_ssid(f, 8, &phys), SIM_SMMUV3_ABORT);
		assert_record(f, SIM_SMMUV3_C_BAD_CD);
		assert_int_equal(dma_ssid(f, 128, &phys), SIM_SMMUV3_ABORT);
		assert_record(f, SIM_SMMUV3_C_BAD_SUBSTREAMID);
		assert_int_equal(dma_ssid(f, 0, &phys), SIM_SMMUV3_ABORT);
		assert_record(f, SIM_SMMUV3_F_STREAM_DISABLED);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(a_missing_second_level_of_cds_is_a_bad_substream)
{
	struct fixture *f = substreams_up(true, 2);
	uint64_t phys;

	/* Substream 70 is behind the second descriptor; it is cached as invalid. */
	assert_int_equal(dma_ssid(f, 70, &phys), SIM_SMMUV3_ABORT);
	assert_record(f, SIM_SMMUV3_C_BAD_SUBSTREAMID);
	ram_put(f, CD_PHYS + 8, (CD_PHYS + 0x2000) | 1);
	cd_put(f, CD_PHYS + 0x2000 + 64 * 6, 25, 0, table_phys(0), ASID);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, SID) | 70u << 12, 1);
	assert_int_equal(dma_ssid(f, 70, &phys), SIM_SMMUV3_ABORT);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, SID) | 70u << 12, 0);
	assert_int_equal(dma_ssid(f, 70, &phys), SIM_SMMUV3_OK);
	fixture_free(f);
}

TEST(the_default_substream_terminates_or_bypasses)
{
	struct fixture *f = substreams_up(false, 0);
	uint64_t phys = 0;

	assert_event(f, IOVA, false, SIM_SMMUV3_F_STREAM_DISABLED);
	fixture_free(f);
	f = substreams_up(false, 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_BYPASS);
	assert_u64_equal(phys, IOVA);
	fixture_free(f);
}

TEST(a_substream_where_there_are_none_is_bad)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t word[4];
	uint64_t phys;

	assert_int_equal(dma_ssid(f, 3, &phys), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0],
			 (uint64_t)SID << 32 | 3u << 12 | 1u << 11 | SIM_SMMUV3_C_BAD_SUBSTREAMID);
	fixture_free(f);
}

TEST(a_live_structure_that_changes_in_two_words_is_torn)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	/* One word: a CD moved elsewhere, which hardware sees either way. */
	cd_put(f, CD_PHYS + 64, 25, 0, table_phys(0), ASID);
	ram_put(f, STRTAB_PHYS + 64 * SID, ste_word0(5) + 64);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_clean(f);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_maps(f, IOVA, DATA_PHYS);
	/* From translation to bypass with another attribute word, all at once. */
	ste_put(f, SID, ste_word0(4), 0);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_STE_TORN), 1);
	/* A CD whose table and ASID change while it is valid. */
	ste_put(f, SID, ste_word0(5), UINT64_C(1) << 44);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_maps(f, IOVA, DATA_PHYS);
	cd_put(f, CD_PHYS, 25, 0, table_phys(4), ASID + 1);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_CD_TORN), 1);
	fixture_free(f);
}

/* Becoming valid has to be the last change, behind an invalidation of its own (3.21.3.1). */
TEST(a_structure_filled_and_made_valid_in_one_go_is_torn)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	cd_put(f, CD_PHYS, 25, 0, table_phys(0), ASID);
	map_4k(f, IOVA, PAGE);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
	ste_s1(f, SID, CD_PHYS);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_STE_TORN), 1);
	fixture_free(f);
	/* By the book: all but V, invalidate, V, invalidate. */
	f = fixture_up(&cfg);
	cd_put(f, CD_PHYS, 25, 0, table_phys(0), ASID);
	map_4k(f, IOVA, PAGE);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
	ste_put(f, SID, ste_word0(5) & ~UINT64_C(1), UINT64_C(1) << 44);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_STE);
	ste_put(f, SID, ste_word0(5), UINT64_C(1) << 44);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_clean(f);
	fixture_free(f);
	/* The same for a CD, and for an entry that nobody has looked at there is no rule. */
	f = fixture_4k(&cfg);
	ram_put(f, CD_PHYS, 0);
	ram_put(f, CD_PHYS + 8, 0);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
	cd_put(f, CD_PHYS, 25, 0, table_phys(0), ASID);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, SID), 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_CD_TORN), 1);
	fixture_free(f);
}

TEST(a_range_of_streams_is_invalidated_and_no_other)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	uint64_t phys;

	for (uint32_t sid = 0; sid < 16; sid++) {
		ste_put(f, sid, ste_word0(4), UINT64_C(1) << 44);
		assert_int_equal(dma_sid(f, sid, IOVA, &phys), SIM_SMMUV3_BYPASS);
		ste_put(f, sid, ste_word0(0), UINT64_C(1) << 44);
	}
	/* Range 1: four streams, the lower bits of the StreamID do not matter. */
	cmd_sync(f, cmd_sid(OP_CFGI_ALL, 6), 1);
	for (uint32_t sid = 0; sid < 16; sid++)
		assert_int_equal(dma_sid(f, sid, IOVA, &phys),
				 sid / 4 == 1 ? SIM_SMMUV3_ABORT : SIM_SMMUV3_BYPASS);
	assert_clean(f);
	fixture_free(f);
}

TEST(two_level_cd_tables_need_the_feature)
{
	for (int cd2l = 0; cd2l <= 1; cd2l++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t word[4];
		uint64_t phys;

		cfg.ssid_bits = 8;
		cfg.two_level_cd = cd2l != 0;
		f = fixture_up(&cfg);
		ste_put(f, SID, ste_word0(5) | 2u << 4 | UINT64_C(8) << 59, 2);
		assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
		assert_true(event_take(f, word));
		assert_u64_equal(word[0] & 0xff,
				 cd2l != 0 ? SIM_SMMUV3_C_BAD_SUBSTREAMID : SIM_SMMUV3_C_BAD_STE);
		fixture_free(f);
	}
}

TEST(a_span_one_beyond_the_split_is_no_table)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = two_level_up(&cfg, STRTAB_PHYS | 10);
	uint64_t phys;

	assert_int_equal(dma_sid(f, 0x100 + SID, IOVA, &phys), SIM_SMMUV3_ABORT);
	assert_record(f, SIM_SMMUV3_C_BAD_STREAMID);
	fixture_free(f);
}

TEST(wide_inputs_need_64k_pages_and_52_bit_addresses)
{
	static const struct {
		unsigned int oas_bits;
		uint32_t tg0;
		bool good;
	} cases[] = { { 52, 1, true }, { 52, 0, false }, { 48, 1, false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;

		cfg.oas_bits = cases[i].oas_bits;
		f = fixture_4k(&cfg);
		ram_put(f, CD_PHYS, cd_word0(12, cases[i].tg0, ASID));
		assert_event(f, IOVA, false,
			     cases[i].good ? SIM_SMMUV3_F_TRANSLATION : SIM_SMMUV3_C_BAD_CD);
		fixture_free(f);
	}
}

TEST(reserved_bits_of_structures_are_findings)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	ram_put(f, STRTAB_PHYS + 64 * SID + 40, 1);
	ram_put(f, CD_PHYS + 56, 1);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_STE_BITS), 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_CD_BITS), 1);
	fixture_free(f);
}

TEST(overrides_of_privilege_are_honoured_where_they_exist)
{
	for (int ovr = 0; ovr <= 1; ovr++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t phys;

		cfg.attr_ovr = ovr != 0;
		f = fixture_4k(&cfg);
		map_4k(f, IOVA, PAGE & ~PTE_EL0);
		ste_put(f, SID, ste_word0(5), UINT64_C(3) << 48 | UINT64_C(1) << 44);
		cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
		assert_int_equal(dma(f, IOVA, false, &phys),
				 ovr != 0 ? SIM_SMMUV3_OK : SIM_SMMUV3_ABORT);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_STE_BITS), ovr != 0 ? 0 : 1);
		fixture_free(f);
	}
}
