/* SPDX-License-Identifier: BSD-2-Clause */
/* From a gather to commands: golden encodings, and coverage against brute force (IHI0070 4.4). */
#include "iommu/smmuv3/smmuv3.h"

#include "core/slot.h"
#include "tests/support/check.h"
#include "tests/support/smmuv3_fake.h"

#define MAX 64u

static const struct dma_iommu_pt pt4k = { DMA_PT_VMSAV8_4K, 12, 48, 44, 0 };
static const struct dma_iommu_pt pt16k = { DMA_PT_VMSAV8_16K, 14, 48, 44, 0 };
static const struct dma_iommu_pt pt64k = { DMA_PT_VMSAV8_64K, 16, 48, 44, 0 };

static struct smmuv3_fake f;
static struct smmuv3_cmd cmds[MAX];

static struct gather gather_of(uint64_t start, uint64_t len, uint32_t level)
{
	struct gather g = GATHER_EMPTY;

	gather_add(&g, start, start + len - 1, level);
	return g;
}

static void expect_cmd(uint32_t i, uint64_t word0, uint64_t word1)
{
	assert_u64_equal(cmds[i].word[0], word0);
	assert_u64_equal(cmds[i].word[1], word1);
}

TEST(one_page_is_one_command_without_a_range)
{
	struct gather g = gather_of(0x123456789000, 0x1000, 0);

	for (uint32_t ril = 0; ril < 2; ril++) {
		assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0xabcd, ril != 0, &g, cmds, MAX), 1);
		expect_cmd(0, 0xabcd000000000012, 0x0000123456789001);
	}
}

TEST(one_block_is_one_command)
{
	struct gather g = gather_of(0x40000000, 0x200000, 1);

	for (uint32_t ril = 0; ril < 2; ril++) {
		assert_int_equal(smmuv3_tlb_cmds(&pt4k, 1, ril != 0, &g, cmds, MAX), 1);
		expect_cmd(0, 0x0001000000000012, 0x40000001);
	}
}

TEST(pages_become_a_range_with_a_level_hint)
{
	struct gather g = gather_of(0x10000, 16 * 0x1000, 0);

	/* NUM 15 at 12, SCALE 0, TG 1 at 10, TTL 3 at 8, Leaf */
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 2, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x000200000000f012, 0x10701);
	g = gather_of(0x80000, 32 * 0x4000, 0);
	assert_int_equal(smmuv3_tlb_cmds(&pt16k, 2, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x000200000001f012, 0x80b01);
	g = gather_of(0x100000, 64 * 0x10000, 0);
	assert_int_equal(smmuv3_tlb_cmds(&pt64k, 2, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x000200000011f012, 0x100f01); /* NUM 31, SCALE 1 */
}

TEST(a_length_with_many_digits_takes_few_ranges)
{
	struct gather g = gather_of(0, 33 * 0x1000, 0);

	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, true, &g, cmds, MAX), 2);
	expect_cmd(0, 0x000000000010f012, 0x00701);    /* (15 + 1) << 1 pages */
	expect_cmd(1, 0x0000000000000012, 0x20001);    /* one page: no range */
	g = gather_of(0, 0x1000000000000 - 0x1000, 0); /* 2^36 - 1 pages */
	assert_true(smmuv3_tlb_cmds(&pt4k, 0, true, &g, cmds, MAX) <= 8);
	g = gather_of(0, 0x1000000000000, 0);
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x0000000001f1f012, 0x701); /* 32 << 31 */
}

TEST(blocks_of_one_level_keep_their_hint_and_mixed_ones_get_none)
{
	struct gather g = gather_of(0x40000000, 3 * 0x200000, 1);

	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x0000000000617012, 0x40000601); /* 24 << 6 pages, TTL 2 */
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, false, &g, cmds, MAX), 3);
	expect_cmd(2, 0x12, 0x40400001);
	gather_add(&g, 0x40600000, 0x40600fff, 0);
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, true, &g, cmds, MAX), 2);
	assert_u64_equal(cmds[0].word[1] & 0x300, 0);
}

TEST(unlinked_tables_invalidate_more_than_leaves)
{
	struct gather g = GATHER_EMPTY;

	gather_add_table(&g, 0x200000, 0x3fffff);
	for (uint32_t ril = 0; ril < 2; ril++) {
		assert_int_equal(smmuv3_tlb_cmds(&pt4k, 3, ril != 0, &g, cmds, MAX), 1);
		expect_cmd(0, 0x0003000000000012, 0x200000);
	}
	gather_add_table(&g, 0x400000, 0x7fffff);
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 3, false, &g, cmds, MAX), 3);
	expect_cmd(2, 0x0003000000000012, 0x600000);
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 3, true, &g, cmds, MAX), 1);
	expect_cmd(0, 0x0003000000617012, 0x200400); /* 24 << 6 pages, TG, no TTL, not Leaf */
}

TEST(too_many_pages_without_ranges_are_left_to_the_asid)
{
	struct gather g = gather_of(0x1000, 64 * 0x1000, 0);

	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, false, &g, cmds, 64), 64);
	g = gather_of(0x1000, 65 * 0x1000, 0);
	assert_int_equal(smmuv3_tlb_cmds(&pt4k, 0, false, &g, cmds, 64), 0);
}

/* First byte and length of what command @c invalidates; a plain one: the whole entry. */
static uint64_t cmd_len(const struct smmuv3_cmd *c, const struct dma_iommu_pt *pt, uint64_t entry)
{
	if ((c->word[1] >> 10 & 3) == 0)
		return entry;
	assert_u64_equal(c->word[1] >> 10 & 3, (pt->granule_lg2 - 10) / 2);
	return ((c->word[0] >> 12 & 31) + 1) << (c->word[0] >> 20 & 31) << pt->granule_lg2;
}

TEST(commands_cover_exactly_what_was_gathered)
{
	static const struct dma_iommu_pt *const pts[] = { &pt4k, &pt16k, &pt64k };
	uint64_t x = 88172645463325252;

	for (uint32_t round = 0; round < 20000; round++) {
		const struct dma_iommu_pt *pt = pts[round % 3];
		uint32_t level = round / 3 % 2;
		uint32_t unit_lg2 = pt->granule_lg2 + level * (pt->granule_lg2 - 3);
		struct gather g;
		uint64_t at, nr;
		uint32_t n;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		nr = 1 + (x & 0xffff) % ((uint64_t)1 << (x >> 16 & 15));
		at = (x >> 30 & 0x3ff) << unit_lg2;
		g = gather_of(at, nr << unit_lg2, level);
		n = smmuv3_tlb_cmds(pt, 0, true, &g, cmds, MAX);
		assert_true(n >= 1 && n <= 4);
		for (uint32_t i = 0; i < n; i++) {
			assert_u64_equal(cmds[i].word[1] & ~(uint64_t)0xfff, at);
			/* A level hint demands alignment to that level, 4.4.1.1 */
			if ((cmds[i].word[1] & 0x300) != 0)
				assert_u64_equal(at & (((uint64_t)1 << unit_lg2) - 1), 0);
			at += cmd_len(&cmds[i], pt, (uint64_t)1 << unit_lg2);
		}
		assert_u64_equal(at, g.last + 1);
	}
}

static struct dma_iommu_dom start(void)
{
	struct dma_iommu_dom dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100000000);

	fake_init(&f);
	fake_probe(&f);
	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
	fake_forget(&f);
	return dom;
}

static void stop(struct dma_iommu_dom *dom)
{
	dma_smmuv3_driver.domain_fini(&f.hw, dom);
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

TEST(a_sync_is_one_batch_and_one_register_write)
{
	struct dma_iommu_dom dom = start();
	struct gather g = gather_of(0x5000, 0x1000, 0);

	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g));
	assert_u64_equal(f.nr_writes, 1);
	assert_u64_equal(f.nr_cmds, 2);
	assert_u64_equal(f.cmds[0].word0, (uint64_t)dom.id << 48 | 0x12);
	assert_u64_equal(f.cmds[0].word1, 0x5001);
	fake_forget(&f);
	g = gather_of(0x5000, 0x7000, 0);
	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g));
	assert_u64_equal(f.nr_writes, 1);
	assert_u64_equal(f.nr_cmds, 2);
	fake_forget(&f);
	assert_ok(dma_smmuv3_driver.tlb_sync_all(&f.hw, &dom));
	assert_u64_equal(f.nr_cmds, 2);
	assert_u64_equal(f.cmds[0].word0, (uint64_t)dom.id << 48 | 0x11);
	stop(&dom);
}

TEST(an_empty_gather_costs_nothing)
{
	struct dma_iommu_dom dom = start();
	struct gather g = GATHER_EMPTY;

	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g));
	assert_u64_equal(f.nr_writes, 0);
	stop(&dom);
}

TEST(a_domain_without_a_table_has_nothing_to_invalidate)
{
	struct dma_iommu_dom dom = start();
	struct dma_iommu_dom identity = { .type = DMA_DOMAIN_IDENTITY };
	struct gather g = gather_of(0x5000, 0x1000, 0);

	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &identity));
	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &identity, &g));
	assert_ok(dma_smmuv3_driver.tlb_sync_all(&f.hw, &identity));
	dma_smmuv3_driver.domain_fini(&f.hw, &identity);
	assert_u64_equal(f.nr_writes, 0);
	stop(&dom);
}

TEST(what_ranges_cannot_say_without_ril_goes_by_page_or_by_asid)
{
	struct dma_iommu_dom dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100000000);
	struct gather g = gather_of(0x1000, 10 * 0x1000, 0);

	fake_init(&f);
	f.hw.desc.no_range_inval = true;
	fake_probe(&f);
	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
	fake_forget(&f);
	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g));
	assert_u64_equal(f.nr_cmds, 11);
	assert_u64_equal(f.nr_writes, 1);
	fake_forget(&f);
	g = gather_of(0x1000, 1000 * 0x1000, 0);
	assert_ok(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g));
	assert_u64_equal(f.nr_cmds, 2);
	assert_u64_equal(f.cmds[0].word0 & 0xff, 0x11);
	stop(&dom);
}

TEST(a_failed_sync_says_which_register_did_not_answer)
{
	struct dma_iommu_dom dom = start();
	struct gather g = gather_of(0x5000, 0x1000, 0);
	struct dma_error err;

	f.stuck = true;
	assert_int_equal(dma_smmuv3_driver.tlb_sync(&f.hw, &dom, &g), -ETIMEDOUT);
	assert_true(dma_error_newest(NULL, &err));
	assert_int_equal(err.op, DMA_OP_IOMMU_UNMAP);
	assert_int_equal(err.err, -ETIMEDOUT);
	assert_int_equal(err.rule, DMA_RULE_HARDWARE);
	assert_u64_equal(err.addr, FAKE_MMIO + 0x9c);
	assert_u64_equal(err.found, 3);
	assert_u64_equal(err.need, 5);
	f.stuck = false;
	stop(&dom);
}
