/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table entries in transition (IHI0070 3.21.3, 5.2). Whatever mixture of old and new 64-bit
 * words the SMMU may fetch between two synchronised points, it is on the bits it uses the old
 * configuration, the new one, or one that faults. Golden words, too.
 */
#include "iommu/smmuv3/smmuv3.h"

#include "core/slot.h"
#include "tests/support/check.h"
#include "tests/support/smmuv3_fake.h"

#define SID 0x1234u
#define NR_KINDS 4u

static struct smmuv3_fake f;

/* The configurations a requester can have: blocked, identity, and two translated domains. */
static struct dma_iommu_dom doms[NR_KINDS];

static void start(bool coherent, bool two_level)
{
	fake_init(&f);
	f.idr0 = coherent ? f.idr0 : f.idr0 & ~0x10u;
	f.idr0 = two_level ? f.idr0 : f.idr0 & ~(3u << 27);
	fake_probe(&f);
	doms[0] = (struct dma_iommu_dom){ .type = DMA_DOMAIN_BLOCKED };
	doms[1] = (struct dma_iommu_dom){ .type = DMA_DOMAIN_IDENTITY };
	doms[2] = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
	doms[3] = fake_domain(DMA_PT_VMSAV8_64K, 0x100210000);
	for (uint32_t i = 0; i < NR_KINDS; i++)
		assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &doms[i]));
}

static void stop(void)
{
	f.on_cmd = NULL;
	f.stuck = false;
	for (uint32_t i = 0; i < NR_KINDS; i++)
		dma_smmuv3_driver.domain_fini(&f.hw, &doms[i]);
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

/*
 * The bits of an entry that the hardware looks at, from IHI0070 5.2: V; Config while valid; for
 * bypass SHCFG, MTCFG, MemAttr, ALLOCCFG, NSCFG, PRIVCFG, INSTCFG (word 1 [51:32]); for stage 1
 * S1Fmt, S1ContextPtr, S1CDMax, and word 1 but the S2 fields.
 */
static void used_bits(const uint64_t ste[8], uint64_t used[8])
{
	memset(used, 0, 8 * sizeof(used[0]));
	used[0] = 1;
	if ((ste[0] & 1) == 0)
		return;
	used[0] |= 0xe;
	if ((ste[0] >> 1 & 7) == 4) {
		used[1] = 0x000fffff00000000;
	} else if ((ste[0] >> 1 & 7) == 5) {
		used[0] = UINT64_MAX;
		used[1] = UINT64_MAX;
	}
}

/* As the hardware would act on it: equal on the bits used. */
static bool acts_as(const uint64_t ste[8], const uint64_t as[8])
{
	uint64_t used[8], used_as[8];

	used_bits(ste, used);
	used_bits(as, used_as);
	for (uint32_t i = 0; i < 8; i++) {
		if (used[i] != used_as[i] || ((ste[i] ^ as[i]) & used[i]) != 0)
			return false;
	}
	return true;
}

static bool faults(const uint64_t ste[8])
{
	return (ste[0] & 1) == 0 || (ste[0] >> 1 & 7) == 0;
}

/* All 256 mixtures of the words of two entries. */
static void check_mixtures(const uint64_t before[8], const uint64_t after[8], const uint64_t old[8],
			   const uint64_t new[8])
{
	for (uint32_t mix = 0; mix < 256; mix++) {
		uint64_t ste[8];

		for (uint32_t i = 0; i < 8; i++)
			ste[i] = (mix >> i & 1) != 0 ? after[i] : before[i];
		if (!acts_as(ste, old) && !acts_as(ste, new) && !faults(ste))
			fail_msg("mixture 0x%x is neither old nor new: 0x%" PRIx64 " 0x%" PRIx64,
				 mix, ste[0], ste[1]);
	}
}

/* The entry at each synchronisation point of one attach. */
static uint64_t points[8][8];
static uint32_t nr_points;

static void note_sync(struct smmuv3_fake *fake, uint64_t word0, uint64_t word1)
{
	(void)word1;
	if ((word0 & 0xff) == 0x46 && nr_points < 8)
		assert_true(fake_ste(fake, SID, points[nr_points++]));
}

static void attach(uint32_t kind)
{
	assert_ok(dma_smmuv3_driver.attach(&f.hw, &doms[kind], SID));
}

TEST(every_mixture_of_words_in_every_transition_is_old_new_or_faulting)
{
	for (uint32_t cfg = 0; cfg < 4; cfg++) {
		start((cfg & 1) != 0, (cfg & 2) != 0);
		attach(1); /* the second-level table exists from here on */
		f.on_cmd = note_sync;
		for (uint32_t pair = 0; pair < NR_KINDS * NR_KINDS; pair++) {
			uint64_t old[8], new[8];

			attach(pair / NR_KINDS);
			assert_true(fake_ste(&f, SID, old));
			nr_points = 0;
			attach(pair % NR_KINDS);
			assert_true(fake_ste(&f, SID, new));
			assert_true(nr_points >= 1 && nr_points < 8);
			check_mixtures(old, points[0], old, new);
			for (uint32_t i = 1; i < nr_points; i++)
				check_mixtures(points[i - 1], points[i], old, new);
			/* The last point is what stays: the hardware was told of all of it. */
			assert_memory_equal(points[nr_points - 1], new, sizeof(new));
		}
		stop();
	}
}

TEST(a_transition_changes_one_word_and_waits_once)
{
	start(true, false);
	for (uint32_t pair = 0; pair < NR_KINDS * NR_KINDS; pair++) {
		uint64_t old[8], new[8];

		attach(pair / NR_KINDS);
		assert_true(fake_ste(&f, SID, old));
		fake_forget(&f);
		attach(pair % NR_KINDS);
		assert_true(fake_ste(&f, SID, new));
		for (uint32_t i = 1; i < 8; i++)
			assert_u64_equal(new[i], old[i]);
		assert_u64_equal(f.nr_cmds, 3);
		assert_u64_equal(f.cmds[0].word0, (uint64_t)SID << 32 | 0x03);
		assert_u64_equal(f.cmds[0].word1, 1);
		assert_u64_equal(f.cmds[1].word0, (uint64_t)SID << 32 | 0x06);
		assert_u64_equal(f.cmds[2].word0, 0x46);
	}
	stop();
}

TEST(entries_are_what_the_specification_says)
{
	uint64_t ste[8];

	start(true, true);
	attach(0);
	assert_false(fake_ste(&f, SID, ste)); /* blocked without a second-level table */
	attach(1);
	assert_true(fake_ste(&f, SID, ste));
	assert_u64_equal(ste[0], 1 | 4 << 1);
	attach(2);
	assert_true(fake_ste(&f, SID, ste));
	assert_u64_equal(ste[0], 1 | 5 << 1 | smmuv3_cd_phys(&doms[2]));
	assert_u64_equal(ste[1], 1 << 2 | 1 << 4 | 3 << 6); /* write-back, inner shareable */
	for (uint32_t i = 2; i < 8; i++)
		assert_u64_equal(ste[i], 0);
	attach(0);
	assert_true(fake_ste(&f, SID, ste));
	assert_u64_equal(ste[0], 1);
	assert_true(fake_ste(&f, SID ^ 1, ste)); /* the neighbour came into being blocked */
	assert_u64_equal(ste[0], 1);
	stop();
}

TEST(an_smmu_that_does_not_snoop_sees_all_words_of_all_entries)
{
	for (uint32_t two_level = 0; two_level < 2; two_level++) {
		uint64_t ste[8];

		start(false, two_level != 0);
		attach(2);
		for (uint32_t sid = SID & ~0xffu; sid < (SID | 0xff); sid++) {
			assert_true(fake_ste(&f, sid, ste));
			assert_u64_equal(ste[0] & 0xf, sid == SID ? 0xb : 1);
			assert_u64_equal(ste[1], 2 << 6); /* non-cacheable, outer shareable */
		}
		stop();
	}
}

TEST(word_one_follows_the_identification_registers)
{
	assert_u64_equal(smmuv3_ste1(1u << 24, 0, false), 0xd4);
	assert_u64_equal(smmuv3_ste1(1u << 24, 0, true), 2 << 6);
	assert_u64_equal(smmuv3_ste1(0, 0, false), 0xd4 | 1u << 27); /* stalls optional: S1STALLD */
	assert_u64_equal(smmuv3_ste1(1u << 24, 1u << 27, false), 0xd4 | (uint64_t)1 << 44);
}

TEST(a_new_second_level_table_is_announced_before_it_is_used)
{
	start(true, true);
	fake_forget(&f);
	attach(2);
	assert_u64_equal(f.nr_cmds, 5);
	assert_u64_equal(f.cmds[0].word0, 0x04); /* all: invalid descriptors may be cached */
	assert_u64_equal(f.cmds[0].word1, 31);
	assert_u64_equal(f.cmds[1].word0, 0x46);
	assert_u64_equal(f.cmds[2].word0 & 0xff, 0x03);
	stop();
}

TEST(an_attach_that_is_not_confirmed_leaves_the_old_configuration)
{
	uint64_t ste[8];
	struct dma_error err;

	start(true, false);
	attach(2);
	f.stuck = true;
	assert_int_equal(dma_smmuv3_driver.attach(&f.hw, &doms[1], SID), -ETIMEDOUT);
	assert_true(fake_ste(&f, SID, ste));
	assert_u64_equal(ste[0], 1 | 5 << 1 | smmuv3_cd_phys(&doms[2]));
	assert_true(dma_error_newest(NULL, &err));
	assert_int_equal(err.op, DMA_OP_ATTACH);
	assert_int_equal(err.rule, DMA_RULE_HARDWARE);
	stop();
}

TEST(an_unknown_requester_is_refused)
{
	start(true, true);
	assert_int_equal(dma_smmuv3_driver.attach(&f.hw, &doms[1], 0x10000), -EINVAL);
	assert_int_equal(dma_smmuv3_driver.attach(&f.hw, &doms[1], UINT32_MAX), -EINVAL);
	stop();
}

TEST(an_attach_without_memory_changes_nothing_and_blocking_needs_none)
{
	uint64_t ste[8];

	start(true, true);
	host_platform_fail_nth(&f.host, 1);
	assert_int_equal(dma_smmuv3_driver.attach(&f.hw, &doms[2], SID), -ENOMEM);
	assert_false(fake_ste(&f, SID, ste));
	host_platform_fail_nth(&f.host, 1);
	attach(0);
	assert_u64_equal(f.host.nr_requests, 0);
	host_platform_fail_nth(&f.host, 0);
	attach(2);
	stop();
}
