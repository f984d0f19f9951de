/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARMv7 short descriptors, bit by bit: worked out by hand from DDI0406C B3.5.1 and read as bytes of
 * memory.
 */
#include "pgtable/pgtable.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define RW (DMA_PROT_READ | DMA_PROT_WRITE)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

struct fixture {
	struct host_platform host;
	struct pgtable pt;
	struct pgtable_info info;
};

static void setup(struct fixture *f)
{
	const struct host_options opt = { .ram_base = MIB(1024) };
	struct pgtable_cfg cfg = { .ias_bits = 32, .oas_bits = 32, .coherent_walk = true };

	cfg.platform = host_platform_init(&f->host, &opt);
	assert_ok(pgtable_init(&f->pt, &pgtable_arm_short_ops, &cfg));
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

static uint32_t word(struct fixture *f, uint64_t table, uint32_t idx)
{
	const unsigned char *b = host_platform_ram(&f->host, table + 4 * (uint64_t)idx);

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* First level: [1:0] 01, base in [31:10], everything else 0 */
static uint64_t next(struct fixture *f, uint32_t idx)
{
	uint32_t v = word(f, f->info.pt.root, idx);

	assert_u64_equal(v & 0x3ff, 1);
	return v - 1;
}

TEST(arm_short_small_page_lies_where_the_specification_says)
{
	struct fixture f;

	setup(&f);
	assert_u64_equal(f.info.pgsize_bitmap, KIB(4) | KIB(64) | MIB(1) | MIB(16));
	assert_u64_equal(f.info.pt.root & (KIB(16) - 1), 0);
	map(&f, 0x12345000, 0x89abc000, KIB(4), RW | DMA_PROT_CACHE);
	/* nG S AP2 0 TEX 001 AP 11 C B 1 XN 0 */
	assert_u64_equal(word(&f, next(&f, 0x123), 0x45), 0x89abcc7e);
	assert_u64_equal(word(&f, next(&f, 0x123), 0x44), 0);
	assert_u64_equal(word(&f, next(&f, 0x123), 0x46), 0);
	teardown(&f);
}

static uint32_t page_word(uint32_t prot)
{
	struct fixture f;
	uint32_t v;

	setup(&f);
	map(&f, 0, 0x1000, KIB(4), prot);
	v = word(&f, next(&f, 0), 0);
	teardown(&f);
	return v - 0x1000;
}

/* AP [5:4] and [9], TEX [8:6], C [3], B [2], XN [0]: DDI0406C B3.5.1, B3.7.1, table B3-10 */
TEST(arm_short_protection_bits_are_those_of_the_specification)
{
	assert_u64_equal(page_word(RW), 0xc72);			/* AP 011, TEX 001 C 0 B 0 */
	assert_u64_equal(page_word(DMA_PROT_READ), 0xe72);	/* AP 111 */
	assert_u64_equal(page_word(RW | DMA_PROT_PRIV), 0xc52); /* AP 001 */
	assert_u64_equal(page_word(DMA_PROT_READ | DMA_PROT_PRIV), 0xe52); /* AP 101 */
	assert_u64_equal(page_word(RW | DMA_PROT_NOEXEC), 0xc73);
	assert_u64_equal(page_word(RW | DMA_PROT_MMIO), 0xc37); /* TEX 000 C 0 B 1, XN */
}

/* Large page: [1:0] 01, TEX [14:12], XN [15], base [31:16], the same word 16 times */
TEST(arm_short_large_page_is_replicated_sixteen_times)
{
	struct fixture f;

	setup(&f);
	map(&f, 0x12350000, 0x89ab0000, KIB(64), RW | DMA_PROT_CACHE);
	for (uint32_t i = 0; i < 16; i++)
		assert_u64_equal(word(&f, next(&f, 0x123), 0x50 + i), 0x89ab1c3d);
	assert_u64_equal(word(&f, next(&f, 0x123), 0x4f), 0);
	assert_u64_equal(word(&f, next(&f, 0x123), 0x60), 0);
	teardown(&f);
}

/* Section: [1:0] 10, AP [11:10] and [15], TEX [14:12], S [16], nG [17], base [31:20] */
TEST(arm_short_section_and_supersection)
{
	struct fixture f;

	setup(&f);
	map(&f, 0x12300000, 0x89a00000, MIB(1), RW | DMA_PROT_CACHE);
	map(&f, 0x40000000, 0x89000000, MIB(16), RW | DMA_PROT_CACHE);
	map(&f, 0x50000000, 0x10000000, MIB(1), DMA_PROT_READ | DMA_PROT_MMIO | DMA_PROT_PRIV);
	assert_u64_equal(word(&f, f.info.pt.root, 0x123), 0x89a31c0e);
	for (uint32_t i = 0; i < 16; i++) /* [18] 1: supersection, base [31:24] */
		assert_u64_equal(word(&f, f.info.pt.root, 0x400 + i), 0x89071c0e);
	/* AP 101, TEX 000 C 0 B 1, XN [4] */
	assert_u64_equal(word(&f, f.info.pt.root, 0x500), 0x10038416);
	teardown(&f);
}

TEST(arm_short_protection_survives_the_way_back)
{
	static const uint32_t prots[] = {
		RW,
		DMA_PROT_READ,
		RW | DMA_PROT_CACHE,
		RW | DMA_PROT_PRIV,
		RW | DMA_PROT_NOEXEC,
		DMA_PROT_READ | DMA_PROT_MMIO | DMA_PROT_NOEXEC | DMA_PROT_PRIV,
	};
	static const uint64_t lens[] = { KIB(4), KIB(64), MIB(1), MIB(16) };

	for (unsigned i = 0; i < 6; i++) {
		for (unsigned k = 0; k < 4; k++) {
			struct fixture f;
			struct run run;

			setup(&f);
			map(&f, MIB(32), MIB(64), lens[k], prots[i]);
			assert_ok(pgtable_next_run(&f.pt, 0, UINT32_MAX, &run));
			assert_u64_equal(run.iova, MIB(32));
			assert_u64_equal(run.phys, MIB(64));
			assert_u64_equal(run.len, lens[k]);
			assert_u64_equal(run.prot, prots[i]);
			teardown(&f);
		}
	}
}
