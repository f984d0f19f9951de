/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1, bit by bit: descriptors worked out by hand from DDI0487 D8.3 and read here as
 * bytes of memory, so that neither the library's macros nor the CPU's byte order can agree with a
 * mistake.
 */
#include "pgtable/pgtable.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define RW (DMA_PROT_READ | DMA_PROT_WRITE)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

struct fixture {
	struct host_platform host;
	struct pgtable pt;
	struct pgtable_info info;
};

static void setup(struct fixture *f, const struct pgtable_ops *ops, uint32_t ias_bits)
{
	struct pgtable_cfg cfg = { .ias_bits = ias_bits, .oas_bits = 48, .coherent_walk = true };

	cfg.platform = host_platform_init(&f->host, NULL);
	assert_ok(pgtable_init(&f->pt, ops, &cfg));
	pgtable_info(&f->pt, &f->info);
}

static void teardown(struct fixture *f)
{
	pgtable_fini(&f->pt);
	host_platform_fini(&f->host);
}

static void map(struct fixture *f, uint64_t iova, uint64_t phys, uint64_t len, uint32_t prot)
{
	const struct run run = { .iova = iova, .phys = phys, .len = len, .prot = prot };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;

	assert_ok(pgtable_reserve(&f->pt, &run, PGTABLE_CHECK, &rsv));
	pgtable_map(&f->pt, &run, &rsv);
	pgtable_release(&f->pt, &rsv);
}

/* Descriptors are little-endian: DDI0487 D8.3, with TCR.EE 0 */
static uint64_t word(struct fixture *f, uint64_t table, uint32_t idx)
{
	const unsigned char *b = host_platform_ram(&f->host, table + 8 * (uint64_t)idx);
	uint64_t v = 0;

	for (unsigned i = 8; i > 0; i--)
		v = v << 8 | b[i - 1];
	return v;
}

/* Table descriptor: [1:0] 11, address in [47:granule], attributes 0: DDI0487 D8.3.1.1 */
static uint64_t next(struct fixture *f, uint64_t table, uint32_t idx)
{
	uint64_t v = word(f, table, idx);

	assert_u64_equal(v & 3, 3);
	assert_u64_equal(v & ~UINT64_C(0xfffffffff003), 0);
	return v - 3;
}

/* 0x123456789000: [47:39] 0x24, [38:30] 0xd1, [29:21] 0xb3, [20:12] 0x189: DDI0487 D8.2, 4 KiB */
TEST(vmsav8_4k_page_lies_where_the_specification_says)
{
	struct fixture f;
	uint64_t level1;
	uint64_t level2;
	uint64_t level3;

	setup(&f, &pgtable_vmsav8_4k_ops, 48);
	assert_u64_equal(f.info.start_level, 3);
	assert_u64_equal(f.info.t0sz, 16);
	assert_u64_equal(f.info.tg0, 0);
	assert_u64_equal(f.info.ips, 5);
	map(&f, 0x123456789000, 0x0deadbeef000, KIB(4), RW | DMA_PROT_CACHE);
	level1 = next(&f, f.info.pt.root, 0x24);
	level2 = next(&f, level1, 0xd1);
	level3 = next(&f, level2, 0xb3);
	/* nG 1 AF 1 SH 11 AP 01 NS 0 AttrIndx 001 type 11 */
	assert_u64_equal(word(&f, level3, 0x189), 0x00000deadbeeff47);
	assert_u64_equal(word(&f, level3, 0x188), 0);
	assert_u64_equal(word(&f, level3, 0x18a), 0);
	teardown(&f);
}

static uint64_t page_word(uint32_t prot)
{
	struct fixture f;
	uint64_t v;

	setup(&f, &pgtable_vmsav8_4k_ops, 32);
	map(&f, 0, 0x1000, KIB(4), prot);
	v = word(&f, next(&f, next(&f, f.info.pt.root, 0), 0), 0);
	teardown(&f);
	return v - 0x1000;
}

/* AP [7:6], SH [9:8], AttrIndx [4:2], PXN [53], UXN [54]: DDI0487 D8.3.1.2, D8.4.1, D8.5 */
TEST(vmsav8_protection_bits_are_those_of_the_specification)
{
	assert_u64_equal(page_word(RW), 0xe43);			/* AP 01, SH 10, attr 0 */
	assert_u64_equal(page_word(DMA_PROT_READ), 0xec3);	/* AP 11 */
	assert_u64_equal(page_word(DMA_PROT_WRITE), 0xe43);	/* no write-only: AP 01 */
	assert_u64_equal(page_word(RW | DMA_PROT_PRIV), 0xe03); /* AP 00 */
	assert_u64_equal(page_word(DMA_PROT_READ | DMA_PROT_PRIV), 0xe83); /* AP 10 */
	assert_u64_equal(page_word(RW | DMA_PROT_CACHE), 0xf47);	   /* SH 11, attr 1 */
	assert_u64_equal(page_word(RW | DMA_PROT_NOEXEC), 0x0060000000000e43);
	assert_u64_equal(page_word(RW | DMA_PROT_MMIO),
			 0x0060000000000e4b); /* attr 2, never executed */
	assert_u64_equal(page_word(RW | DMA_PROT_MMIO | DMA_PROT_PRIV), 0x0060000000000e0b);
}

/* Attr0 0x44, Attr1 0xff, Attr2 0x04: MAIR_EL1 */
TEST(vmsav8_mair_gives_each_attribute_index_its_meaning)
{
	struct fixture f;

	setup(&f, &pgtable_vmsav8_4k_ops, 39);
	assert_u64_equal(f.info.mair, 0x04ff44);
	assert_u64_equal(f.info.start_level,
			 2); /* T0SZ 25: lookup starts at the vendor's level 1 */
	assert_u64_equal(f.info.t0sz, 25);
	assert_u64_equal(f.info.cacheability, 1);
	assert_u64_equal(f.info.shareability, 3);
	teardown(&f);
}

/* Block descriptors: type 01; 2 MiB in [47:21], 1 GiB in [47:30]: DDI0487 D8.3.1.2 */
TEST(vmsav8_4k_blocks_are_used_where_address_and_length_allow)
{
	struct fixture f;
	uint64_t level1;

	setup(&f, &pgtable_vmsav8_4k_ops, 48);
	map(&f, GIB(1), GIB(5), GIB(1), RW);
	map(&f, GIB(2) + MIB(2), GIB(8) + MIB(4), MIB(2), DMA_PROT_READ);
	level1 = next(&f, f.info.pt.root, 0);
	assert_u64_equal(word(&f, level1, 1), GIB(5) | 0xe41);
	assert_u64_equal(word(&f, next(&f, level1, 2), 1), (GIB(8) + MIB(4)) | 0xec1);
	assert_u64_equal(word(&f, next(&f, level1, 2), 0), 0);
	assert_u64_equal(word(&f, next(&f, level1, 2), 2), 0);
	teardown(&f);
}

/* The contiguous bit, [52], on whole aligned sets of 16: DDI0487 D8.6.1 */
TEST(vmsav8_4k_contiguous_hint_covers_whole_aligned_sets_of_sixteen)
{
	struct fixture f;
	uint64_t level3;

	setup(&f, &pgtable_vmsav8_4k_ops, 39);
	/* pages 14 .. 49: set 16 .. 31, set 32 .. 47; both ends lie outside a whole set */
	map(&f, KIB(56), MIB(16) + KIB(56), KIB(4 * 36), RW);
	level3 = next(&f, next(&f, f.info.pt.root, 0), 0);
	for (uint32_t i = 0; i < 64; i++) {
		uint64_t expect = 0;

		if (i >= 14 && i < 50)
			expect = (MIB(16) + KIB(4 * i)) | 0xe43;
		if (i >= 16 && i < 48)
			expect |= 0x0010000000000000;
		assert_u64_equal(word(&f, level3, i), expect);
	}
	teardown(&f);
}

TEST(vmsav8_4k_contiguous_hint_needs_an_aligned_output)
{
	struct fixture f;
	uint64_t level3;

	setup(&f, &pgtable_vmsav8_4k_ops, 39);
	map(&f, 0, MIB(16) + KIB(4), KIB(256), RW);
	level3 = next(&f, next(&f, f.info.pt.root, 0), 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_u64_equal(word(&f, level3, i), (MIB(16) + KIB(4 + 4 * i)) | 0xe43);
	teardown(&f);
}

/* 16 blocks of 2 MiB make a set as well */
TEST(vmsav8_4k_contiguous_hint_is_set_on_blocks)
{
	struct fixture f;
	uint64_t level2;

	setup(&f, &pgtable_vmsav8_4k_ops, 39);
	map(&f, MIB(32), GIB(1) + MIB(64), MIB(34), RW);
	level2 = next(&f, f.info.pt.root, 0);
	for (uint32_t i = 0; i < 16; i++)
		assert_u64_equal(word(&f, level2, 16 + i),
				 (GIB(1) + MIB(64 + 2 * i)) | 0x0010000000000e41);
	assert_u64_equal(word(&f, level2, 32), (GIB(1) + MIB(96)) | 0xe41);
	teardown(&f);
}

/*
 * 16 KiB granule, DDI0487 D8.2: [47], [46:36], [35:25], [24:14].
 * 0x9234567a8000: 1, 0x123, 0x22b, 0x1ea
 */
TEST(vmsav8_16k_page_lies_where_the_specification_says)
{
	struct fixture f;
	uint64_t table;

	setup(&f, &pgtable_vmsav8_16k_ops, 48);
	assert_u64_equal(f.info.start_level, 3);
	assert_u64_equal(f.info.tg0, 2);
	assert_u64_equal(f.info.span_lg2, 25);
	map(&f, 0x9234567a8000, 0x0deadbeec000, KIB(16), RW | DMA_PROT_CACHE);
	table = next(&f, f.info.pt.root, 1);
	table = next(&f, table, 0x123);
	table = next(&f, table, 0x22b);
	assert_u64_equal(word(&f, table, 0x1ea), 0x00000deadbeecf47);
	teardown(&f);
}

/* Blocks of 32 MiB; sets of 128 pages and of 32 blocks: DDI0487 D8.3.1.2, D8.6.1 */
TEST(vmsav8_16k_block_and_contiguous_sizes)
{
	struct fixture f;
	uint64_t table;

	setup(&f, &pgtable_vmsav8_16k_ops, 47);
	assert_u64_equal(f.info.start_level, 2);
	assert_u64_equal(f.info.pgsize_bitmap, KIB(16) | MIB(2) | MIB(32) | GIB(1));
	map(&f, MIB(32), MIB(64), MIB(32), RW);
	map(&f, MIB(64), MIB(130), MIB(2) + KIB(16), RW);
	table = next(&f, f.info.pt.root, 0);
	assert_u64_equal(word(&f, table, 1), MIB(64) | 0xe41);
	table = next(&f, table, 2);
	assert_u64_equal(word(&f, table, 0), MIB(130) | 0x0010000000000e43);
	assert_u64_equal(word(&f, table, 127), (MIB(132) - KIB(16)) | 0x0010000000000e43);
	assert_u64_equal(word(&f, table, 128), MIB(132) | 0xe43);
	teardown(&f);
}

/* 64 KiB granule: [47:42], [41:29], [28:16]. 0x9234567b0000: 0x24, 0x11a2, 0x167b */
TEST(vmsav8_64k_page_lies_where_the_specification_says)
{
	struct fixture f;
	uint64_t table;

	setup(&f, &pgtable_vmsav8_64k_ops, 48);
	assert_u64_equal(f.info.start_level, 2);
	assert_u64_equal(f.info.tg0, 1);
	assert_u64_equal(f.info.span_lg2, 29);
	map(&f, 0x9234567b0000, 0x0deadbee0000, KIB(64), RW | DMA_PROT_CACHE);
	table = next(&f, f.info.pt.root, 0x24);
	table = next(&f, table, 0x11a2);
	assert_u64_equal(word(&f, table, 0x167b), 0x00000deadbee0f47);
	teardown(&f);
}

TEST(vmsav8_64k_block_and_contiguous_sizes)
{
	struct fixture f;
	uint64_t table;

	setup(&f, &pgtable_vmsav8_64k_ops, 42);
	assert_u64_equal(f.info.start_level, 1);
	assert_u64_equal(f.info.pgsize_bitmap, KIB(64) | MIB(2) | MIB(512) | GIB(16));
	map(&f, MIB(512), GIB(1), MIB(512) + MIB(2), RW);
	assert_u64_equal(word(&f, f.info.pt.root, 1), GIB(1) | 0xe41);
	table = next(&f, f.info.pt.root, 2);
	for (uint32_t i = 0; i < 32; i++)
		assert_u64_equal(word(&f, table, i),
				 (GIB(1) + MIB(512) + KIB(64 * i)) | 0x0010000000000e43);
	assert_u64_equal(word(&f, table, 32), 0);
	teardown(&f);
}

TEST(vmsav8_refuses_sizes_it_cannot_translate)
{
	static const uint32_t bad[][2] = { { 31, 48 }, { 49, 48 }, { 48, 31 }, { 48, 49 } };
	struct host_platform host;
	struct pgtable pt;

	for (unsigned i = 0; i < 4; i++) {
		const struct pgtable_cfg cfg = {
			.platform = host_platform_init(&host, NULL),
			.ias_bits = bad[i][0],
			.oas_bits = bad[i][1],
			.coherent_walk = true,
		};

		assert_int_equal(pgtable_init(&pt, &pgtable_vmsav8_4k_ops, &cfg), -EINVAL);
		host_platform_fini(&host);
	}
}

TEST(every_format_is_found_by_its_number)
{
	assert_ptr_equal(pgtable_ops_of(DMA_PT_VMSAV8_4K), &pgtable_vmsav8_4k_ops);
	assert_ptr_equal(pgtable_ops_of(DMA_PT_VMSAV8_16K), &pgtable_vmsav8_16k_ops);
	assert_ptr_equal(pgtable_ops_of(DMA_PT_VMSAV8_64K), &pgtable_vmsav8_64k_ops);
	assert_ptr_equal(pgtable_ops_of(DMA_PT_ARM_SHORT), &pgtable_arm_short_ops);
	assert_null(pgtable_ops_of(DMA_PT_NONE));
}
