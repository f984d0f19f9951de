/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMMUv3 model: stage 1 walks, permissions, faults (DDI0487 D8, IHI0070 7.3). */
#include "tests/unit/sim_smmuv3_fixture.h"

#define IOVA UINT64_C(0xabc000)
#define PAGE (DATA_PHYS | PTE_PAGE | PTE_RW)

/* A CD for one granule, and the tables of one address by hand: n levels in TABLES_PHYS 0, 1 ... */
struct shape {
	uint32_t t0sz;
	uint32_t tg0;
	unsigned int granule_lg2;
	unsigned int levels;
};

static const struct shape shapes[] = {
	{ 16, 0, 12, 4 }, { 25, 0, 12, 3 }, { 34, 0, 12, 2 }, { 39, 0, 12, 2 },
	{ 16, 2, 14, 4 }, { 17, 2, 14, 3 }, { 26, 2, 14, 3 }, { 28, 2, 14, 2 },
	{ 39, 2, 14, 1 }, { 16, 1, 16, 3 }, { 22, 1, 16, 2 }, { 39, 1, 16, 1 },
};

static struct fixture *shape_up(const struct shape *shape, const struct sim_smmuv3_cfg *cfg)
{
	struct fixture *f = fixture_up(cfg);

	cd_put(f, CD_PHYS, shape->t0sz, shape->tg0, table_phys(0), ASID);
	ste_s1(f, SID, CD_PHYS);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	return f;
}

/* Tables down to @level (3 = pages), then @desc. */
static uint64_t shape_map(struct fixture *f, const struct shape *shape, uint64_t iova,
			  unsigned int level, uint64_t desc)
{
	unsigned int first = 4 - shape->levels;
	uint64_t at = 0;

	for (unsigned int l = first; l <= level; l++) {
		unsigned int stride = shape->granule_lg2 - 3;
		unsigned int shift = shape->granule_lg2 + stride * (3 - l);
		uint64_t idx = iova >> shift & ((UINT64_C(1) << stride) - 1);

		at = table_phys(l - first) + 8 * idx;
		ram_put(f, at, l == level ? desc : table_phys(l - first + 1) | PTE_TABLE);
	}
	return at;
}

TEST(pages_of_all_granules_and_depths_translate)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		struct fixture *f = shape_up(shape, &cfg);
		uint64_t page = UINT64_C(1) << shape->granule_lg2;
		uint64_t top = (UINT64_C(1) << (64 - shape->t0sz)) - page;

		shape_map(f, shape, top, 3, PAGE);
		assert_maps(f, top + page - 1, DATA_PHYS + page - 1);
		assert_event(f, top + page, false, SIM_SMMUV3_F_TRANSLATION);
		assert_event(f, top - page, true, SIM_SMMUV3_F_TRANSLATION);
		assert_event(f, UINT64_MAX - 4095, false, SIM_SMMUV3_F_TRANSLATION);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(blocks_of_all_granules_translate)
{
	static const struct {
		struct shape shape;
		unsigned int level;
		unsigned int lg2;
	} blocks[] = {
		{ { 25, 0, 12, 3 }, 2, 21 }, { { 25, 0, 12, 3 }, 1, 30 },
		{ { 16, 0, 12, 4 }, 1, 30 }, { { 17, 2, 14, 3 }, 2, 25 },
		{ { 22, 1, 16, 2 }, 2, 29 },
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct fixture *f = shape_up(&blocks[i].shape, &cfg);
		uint64_t size = UINT64_C(1) << blocks[i].lg2;
		const struct sim_smmuv3_txn txn = { .sid = SID, .iova = size + 0x1234 };
		uint64_t phys = 0;
		uint64_t len = 0;

		shape_map(f, &blocks[i].shape, size, blocks[i].level,
			  size << 1 | PTE_BLOCK | PTE_RW);
		assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
		assert_u64_equal(phys, (size << 1) + 0x1234);
		assert_u64_equal(len, size - 0x1234);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(a_block_where_the_granule_has_none_is_no_translation)
{
	static const struct shape s4k = { 16, 0, 12, 4 };
	static const struct shape s16k = { 17, 2, 14, 3 };
	static const struct shape s64k = { 16, 1, 16, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&s4k, &cfg);

	shape_map(f, &s4k, 0, 0, PTE_BLOCK | PTE_RW);
	assert_event(f, 0, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
	f = shape_up(&s16k, &cfg);
	shape_map(f, &s16k, 0, 1, PTE_BLOCK | PTE_RW);
	assert_event(f, 0, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
	f = shape_up(&s64k, &cfg);
	shape_map(f, &s64k, 0, 1, PTE_BLOCK | PTE_RW);
	assert_event(f, 0, false, SIM_SMMUV3_F_TRANSLATION);
	/* At the last level both low bits make a page; one alone makes nothing. */
	shape_map(f, &s64k, 0x10000, 3, DATA_PHYS | PTE_VALID | PTE_RW);
	assert_event(f, 0x10000, false, SIM_SMMUV3_F_TRANSLATION);
	fixture_free(f);
}

TEST(a_contiguous_group_is_one_entry)
{
	static const struct {
		struct shape shape;
		unsigned int level;
		unsigned int nr;
		unsigned int lg2;
	} groups[] = {
		{ { 25, 0, 12, 3 }, 3, 16, 12 },  { { 25, 0, 12, 3 }, 2, 16, 21 },
		{ { 17, 2, 14, 3 }, 3, 128, 14 }, { { 17, 2, 14, 3 }, 2, 32, 25 },
		{ { 22, 1, 16, 2 }, 3, 32, 16 },  { { 22, 1, 16, 2 }, 2, 32, 29 },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f = shape_up(&groups[i].shape, &cfg);
		uint64_t size = UINT64_C(1) << groups[i].lg2;
		uint64_t group = size * groups[i].nr;
		uint64_t attrs =
			PTE_RW | PTE_CONTIG | (groups[i].level == 3 ? PTE_PAGE : PTE_BLOCK);
		uint64_t base = 3 * group; /* also in phys: aligned to the group */

		for (unsigned int n = 0; n < groups[i].nr; n++)
			shape_map(f, &groups[i].shape, base + n * size, groups[i].level,
				  (base + n * size) | attrs);
		assert_maps(f, base + 5 * size + 1, base + 5 * size + 1);
		assert_maps(f, base + group - 1, base + group - 1);
		assert_int_equal(sim_smmuv3_stats(f->s)->iotlb_misses, 1);
		assert_clean(f);
		fixture_free(f);
	}
}

TEST(a_group_whose_members_disagree_is_found_and_translated_wrongly)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);

	/* Consecutive but for the last page; then a group with one member. */
	for (unsigned int n = 0; n < 16; n++)
		shape_map(f, &shape, 0x10000 + 0x1000 * n, 3,
			  (PAGE + 0x1000 * (n == 15 ? 99 : n)) | PTE_CONTIG);
	assert_maps(f, 0x10000, DATA_PHYS);
	assert_maps(f, 0x1f000, DATA_PHYS + 0xf000);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_BAD_CONTIG), 1);
	shape_map(f, &shape, 0x20000, 3, (PAGE + 0x20000) | PTE_CONTIG);
	assert_maps(f, 0x20000, DATA_PHYS + 0x20000);
	/* Never mapped, yet the device gets there. */
	assert_maps(f, 0x25000, DATA_PHYS + 0x25000);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_BAD_CONTIG), 2);
	fixture_free(f);
}

TEST(permissions_follow_the_entry_and_the_tables_above)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	uint64_t phys;

	shape_map(f, &shape, IOVA, 3, PAGE | PTE_RO);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_event(f, IOVA, true, SIM_SMMUV3_F_PERMISSION);
	shape_map(f, &shape, IOVA + 0x1000, 3, PAGE);
	assert_int_equal(dma(f, IOVA + 0x1000, true, &phys), SIM_SMMUV3_OK);
	/* Privileged only: AP[1] clear. */
	shape_map(f, &shape, IOVA + 0x2000, 3, PAGE & ~PTE_EL0);
	assert_event(f, IOVA + 0x2000, false, SIM_SMMUV3_F_PERMISSION);
	/* APTable[1] makes all below read-only, APTable[0] takes unprivileged access away. */
	shape_map(f, &shape, UINT64_C(0x40000000), 3, PAGE);
	ram_put(f, table_phys(0) + 8, table_phys(1) | PTE_TABLE | UINT64_C(1) << 62);
	assert_maps(f, UINT64_C(0x40000000), DATA_PHYS);
	assert_event(f, UINT64_C(0x40000000), true, SIM_SMMUV3_F_PERMISSION);
	shape_map(f, &shape, UINT64_C(0x80000000), 3, PAGE);
	ram_put(f, table_phys(0) + 16, table_phys(1) | PTE_TABLE | UINT64_C(1) << 61);
	assert_event(f, UINT64_C(0x80000000), false, SIM_SMMUV3_F_PERMISSION);
	assert_clean(f);
	fixture_free(f);
}

TEST(hierarchical_attributes_can_be_disabled)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	uint64_t phys;

	shape_map(f, &shape, IOVA, 3, PAGE);
	ram_put(f, table_phys(0), table_phys(1) | PTE_TABLE | UINT64_C(3) << 61);
	ram_put(f, CD_PHYS + 8, table_phys(0) | 2);
	assert_int_equal(dma(f, IOVA, true, &phys), SIM_SMMUV3_OK);
	assert_clean(f);
	fixture_free(f);
}

TEST(instruction_fetches_need_execute_permission)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	struct sim_smmuv3_txn txn = { .sid = SID, .iova = IOVA, .instruction = true };
	uint64_t phys;
	uint64_t len;

	shape_map(f, &shape, IOVA, 3, PAGE);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
	/* Writable by unprivileged code: not executable by privileged code. */
	txn.privileged = true;
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	txn.iova = IOVA + 0x3000;
	shape_map(f, &shape, IOVA + 0x3000, 3, PAGE & ~PTE_EL0);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
	txn.iova = IOVA + 0x4000;
	shape_map(f, &shape, IOVA + 0x4000, 3, PAGE | PTE_RO);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
	txn.iova = IOVA + 0x5000;
	shape_map(f, &shape, IOVA + 0x5000, 3, PAGE | PTE_RO | UINT64_C(1) << 53);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	txn.privileged = false;
	txn.iova = IOVA + 0x1000;
	shape_map(f, &shape, IOVA + 0x1000, 3, PAGE | UINT64_C(1) << 54);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	fixture_free(f);
}

TEST(a_clear_access_flag_faults_and_is_not_cached)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	uint64_t at = shape_map(f, &shape, IOVA, 3, PAGE & ~PTE_AF);

	assert_event(f, IOVA, false, SIM_SMMUV3_F_ACCESS);
	ram_put(f, at, PAGE);
	assert_maps(f, IOVA, DATA_PHYS);
	fixture_free(f);
	/* AFFD: nobody asks. */
	f = shape_up(&shape, &cfg);
	ram_put(f, CD_PHYS, cd_word0(25, 0, ASID) | UINT64_C(1) << 35);
	shape_map(f, &shape, IOVA, 3, PAGE & ~PTE_AF);
	assert_maps(f, IOVA, DATA_PHYS);
	fixture_free(f);
}

TEST(addresses_beyond_the_output_size_fault)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);

	shape_map(f, &shape, IOVA, 3, UINT64_C(1) << 44 | PTE_PAGE | PTE_RW);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_ADDR_SIZE);
	ram_put(f, table_phys(0) + 8, UINT64_C(1) << 44 | PTE_TABLE);
	assert_event(f, UINT64_C(0x40000000), false, SIM_SMMUV3_F_ADDR_SIZE);
	fixture_free(f);
	/* IPS below the size of the implementation counts. */
	f = shape_up(&shape, &cfg);
	ram_put(f, CD_PHYS, cd_word0(25, 0, ASID) & ~(UINT64_C(7) << 32));
	shape_map(f, &shape, IOVA, 3, UINT64_C(1) << 32 | PTE_PAGE | PTE_RW);
	assert_event(f, IOVA, false, SIM_SMMUV3_F_ADDR_SIZE);
	fixture_free(f);
}

TEST(a_table_that_cannot_be_read_gives_its_address)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	uint64_t at = shape_map(f, &shape, IOVA, 3, PAGE);
	uint64_t word[4];
	uint64_t phys;

	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_WALK_ABORT, at);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0] & 0xff, SIM_SMMUV3_F_WALK_EABT);
	assert_u64_equal(word[2], IOVA);
	assert_u64_equal(word[3], at);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_WALK_ABORT, UINT64_MAX);
	assert_maps(f, IOVA, DATA_PHYS);
	/* Memory that is not there aborts by itself. */
	ram_put(f, table_phys(0) + 8, UINT64_C(0x1000) | PTE_TABLE);
	assert_event(f, UINT64_C(0x40000000), false, SIM_SMMUV3_F_WALK_EABT);
	fixture_free(f);
}

TEST(the_upper_half_has_its_own_table)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t high = UINT64_MAX - 0x7fffffffff + IOVA;
	uint64_t word0 = cd_word0(25, 0, ASID) & ~(UINT64_C(1) << 30);

	/* T1SZ 25, TG1 4K (0b10), TTB1 with tables of its own. */
	ram_put(f, CD_PHYS, word0 | 25u << 16 | 2u << 22);
	ram_put(f, CD_PHYS + 16, table_phys(4));
	ram_put(f, table_phys(4), table_phys(5) | PTE_TABLE);
	ram_put(f, table_phys(5) + 8 * (IOVA >> 21), table_phys(6) | PTE_TABLE);
	ram_put(f, table_phys(6) + 8 * (IOVA >> 12 & 511), PAGE + 0x8000);
	map_4k(f, IOVA, PAGE);
	assert_maps(f, high, DATA_PHYS + 0x8000);
	assert_maps(f, IOVA, DATA_PHYS);
	assert_event(f, UINT64_C(1) << 40, false, SIM_SMMUV3_F_TRANSLATION);
	assert_clean(f);
	fixture_free(f);
}

TEST(the_top_byte_is_ignored_on_request)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	map_4k(f, IOVA, PAGE);
	assert_event(f, UINT64_C(0xab) << 56 | IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	ram_put(f, CD_PHYS, cd_word0(25, 0, ASID) | UINT64_C(1) << 38);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, SID), 1);
	assert_maps(f, UINT64_C(0xab) << 56 | IOVA, DATA_PHYS);
	fixture_free(f);
}

TEST(a_52_bit_address_needs_64k_pages)
{
	static const struct shape shape = { 22, 1, 16, 2 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;
	uint64_t phys = 0;

	cfg.oas_bits = 52;
	f = shape_up(&shape, &cfg);
	ram_put(f, CD_PHYS, (cd_word0(22, 1, ASID) & ~(UINT64_C(7) << 32)) | UINT64_C(6) << 32);
	/* Bits 15:12 are bits 51:48. */
	shape_map(f, &shape, 0x10000, 3, DATA_PHYS | 0xa000 | PTE_PAGE | PTE_RW);
	assert_int_equal(dma(f, 0x10042, false, &phys), SIM_SMMUV3_OK);
	assert_u64_equal(phys, UINT64_C(0xa) << 48 | DATA_PHYS | 0x42);
	assert_clean(f);
	fixture_free(f);
}

TEST(write_implies_no_execute_and_privileged_access_never_on_request)
{
	static const struct shape shape = { 25, 0, 12, 3 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);
	struct sim_smmuv3_txn txn = { .sid = SID, .iova = IOVA, .instruction = true };
	uint64_t phys;
	uint64_t len;

	/* WXN and PAN */
	ram_put(f, CD_PHYS, cd_word0(25, 0, ASID) | UINT64_C(1) << 36 | UINT64_C(1) << 40);
	shape_map(f, &shape, IOVA, 3, PAGE);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	txn.instruction = false;
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
	txn.privileged = true;
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	txn.iova = IOVA + 0x1000;
	shape_map(f, &shape, IOVA + 0x1000, 3, PAGE & ~PTE_EL0);
	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_OK);
	assert_clean(f);
	fixture_free(f);
}

TEST(an_invalidation_without_hints_takes_the_whole_large_page)
{
	static const struct shape large[] = { { 17, 2, 14, 3 }, { 22, 1, 16, 2 } };

	for (size_t i = 0; i < 2; i++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f = shape_up(&large[i], &cfg);
		uint64_t iova = UINT64_C(5) << large[i].granule_lg2;
		uint64_t at = shape_map(f, &large[i], iova, 3, PAGE);

		assert_maps(f, iova, DATA_PHYS);
		ram_put(f, at, 0);
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), (iova - 0x1000) | 1);
		assert_maps(f, iova, DATA_PHYS);
		cmd_sync(f, cmd_asid(OP_TLBI_NH_VA, ASID), (iova + 0x3000) | 1);
		assert_event(f, iova, false, SIM_SMMUV3_F_TRANSLATION);
		fixture_free(f);
	}
}

TEST(reserved_descriptor_bits_are_a_finding)
{
	static const struct shape shape = { 22, 1, 16, 2 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = shape_up(&shape, &cfg);

	shape_map(f, &shape, 0x10000, 3, PAGE | 0x2000);
	assert_maps(f, 0x10000, DATA_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_TT_BITS), 1);
	fixture_free(f);
}
