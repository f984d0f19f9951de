/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing an SMMUv3 up and down: order of registers, refusals, failures (IHI0070 3.11, 6.3). */
#include "tests/support/smmuv3_fake.h"

#include "core/slot.h"
#include "tests/support/check.h"

static struct smmuv3_fake f;

static void remove_hw(void)
{
	dma_smmuv3_driver.remove(&f.hw);
	assert_null(f.hw.priv);
}

static void expect_refused(int want, uint64_t reg)
{
	struct dma_error err;

	assert_int_equal(dma_smmuv3_driver.probe(&f.hw), want);
	assert_true(dma_error_newest(NULL, &err));
	assert_int_equal(err.err, want);
	assert_int_equal(err.rule, DMA_RULE_HARDWARE);
	assert_u64_equal(err.addr, FAKE_MMIO + reg);
	assert_u64_equal(f.host.nr_metas, 0);
	assert_u64_equal(f.host.nr_pages, 0);
}

TEST(probe_writes_the_registers_in_the_order_of_the_specification)
{
	static const uint32_t order[] = { 0x44,	   0x20, 0x50, 0x28, 0x2c, 0x80,
					  0x88,	   0x90, 0x98, 0x9c, 0xa0, 0x100a8,
					  0x100ac, 0x64, 0x20, 0x98, 0x20, 0x20 };

	fake_init(&f);
	fake_probe(&f);
	assert_u64_equal(f.nr_writes, sizeof(order) / sizeof(order[0]));
	for (uint32_t i = 0; i < f.nr_writes; i++)
		assert_u64_equal(f.writes[i].reg, order[i]);
	assert_u64_equal(f.writes[0].value, 0x80100000); /* GBPA: Update, ABORT */
	assert_u64_equal(f.writes[1].value, 0);
	assert_u64_equal(f.writes[14].value, 0x8);
	assert_u64_equal(f.writes[16].value, 0xc);
	assert_u64_equal(f.writes[17].value, 0xd);
	assert_u64_equal(f.cr1, 0xd75); /* inner shareable, write-back, six times */
	assert_u64_equal(f.cr2, 0x2);
	remove_hw();
	fake_fini(&f);
}

TEST(probe_invalidates_everything_before_translation_is_on)
{
	fake_init(&f);
	fake_probe(&f);
	assert_u64_equal(f.nr_cmds, 3);
	assert_u64_equal(f.cmds[0].word0, 0x04);
	assert_u64_equal(f.cmds[0].word1, 31);
	assert_u64_equal(f.cmds[1].word0, 0x30);
	assert_u64_equal(f.cmds[2].word0, 0x46);
	remove_hw();
	f.idr0 |= 0x200; /* Hyp: EL2 translations exist too */
	fake_forget(&f);
	fake_probe(&f);
	assert_u64_equal(f.nr_cmds, 4);
	assert_u64_equal(f.cmds[2].word0, 0x20);
	remove_hw();
	fake_fini(&f);
}

TEST(probe_reports_what_the_identification_registers_say)
{
	fake_init(&f);
	fake_probe(&f);
	assert_u64_equal(f.hw.caps.granules, 1 << 12 | 1 << 14 | 1 << 16);
	assert_int_equal(f.hw.caps.ias_bits, 48);
	assert_int_equal(f.hw.caps.oas_bits, 44);
	assert_int_equal(f.hw.caps.nr_domain_ids, 65535);
	assert_int_equal(f.hw.caps.nr_requesters, 65536);
	assert_true(f.hw.caps.coherent_walk);
	assert_true(f.hw.caps.range_inval);
	remove_hw();
	f.hw.desc.noncoherent_walk = true;
	f.hw.desc.no_range_inval = true;
	f.idr0 &= ~0x1000u; /* ASID8 */
	f.idr1 = (f.idr1 & ~0x3fu) | 4;
	f.idr5 = 0x40 | 6; /* 64 KiB only, 52 bits */
	fake_probe(&f);
	assert_u64_equal(f.hw.caps.granules, 1 << 16);
	assert_int_equal(f.hw.caps.oas_bits, 48);
	assert_int_equal(f.hw.caps.nr_domain_ids, 255);
	assert_int_equal(f.hw.caps.nr_requesters, 16);
	assert_false(f.hw.caps.coherent_walk);
	assert_false(f.hw.caps.range_inval);
	assert_u64_equal(f.cr1, 0x820); /* outer shareable, non-cacheable */
	remove_hw();
	fake_fini(&f);
}

TEST(probe_refuses_what_is_no_smmuv3_without_touching_it)
{
	fake_init(&f);
	f.aidr = UINT32_MAX;
	expect_refused(-ENODEV, 0x1c);
	f.aidr = 0x10;
	expect_refused(-ENODEV, 0x1c);
	f.aidr = 0;
	f.idr0 = 0;
	expect_refused(-ENODEV, 0x0);
	f.idr0 = UINT32_MAX;
	expect_refused(-ENODEV, 0x0);
	f.idr0 = 0x0d401016; /* AArch32 tables only */
	expect_refused(-ENODEV, 0x0);
	f.idr0 = 0x0d601012 | 0x8; /* big-endian tables only */
	expect_refused(-ENODEV, 0x0);
	f.idr0 = 0x0e40101a; /* every fault stalls */
	expect_refused(-ENODEV, 0x0);
	f.idr0 = 0x0d40101a;
	f.idr1 = 0x02730010 | 1u << 29;
	expect_refused(-ENODEV, 0x4);
	f.idr1 = 0x00330010; /* a command queue of two */
	expect_refused(-ENODEV, 0x4);
	f.idr1 = 0x02730010;
	f.idr5 = 0x04;
	expect_refused(-ENODEV, 0x14);
	assert_u64_equal(f.nr_writes, 0);
	fake_fini(&f);
}

TEST(probe_refuses_a_granule_that_the_hardware_lacks)
{
	fake_init(&f);
	f.idr5 = 0x14;
	f.hw.desc.granule_lg2 = 16;
	assert_int_equal(dma_smmuv3_driver.probe(&f.hw), -EINVAL);
	f.hw.desc.granule_lg2 = 63;
	assert_int_equal(dma_smmuv3_driver.probe(&f.hw), -EINVAL);
	assert_u64_equal(f.nr_writes, 0);
	f.hw.desc.granule_lg2 = 12;
	fake_probe(&f);
	remove_hw();
	fake_fini(&f);
}

TEST(probe_times_out_when_an_enable_is_not_acknowledged)
{
	static const uint32_t bits[] = { 0x1, 0x4, 0x8 };

	for (uint32_t i = 0; i < 3; i++) {
		fake_init(&f);
		f.no_ack = bits[i];
		expect_refused(-ETIMEDOUT, 0x24);
		assert_u64_equal(f.cr0, 0);
		fake_fini(&f);
	}
}

TEST(probe_times_out_when_translation_cannot_be_turned_off)
{
	fake_init(&f);
	f.cr0 = f.cr0ack = 1;
	f.no_ack = 1;
	expect_refused(-ETIMEDOUT, 0x24);
	f.no_ack = 0;
	f.gbpa = 0x80000000u; /* an update that never ends */
	expect_refused(-ETIMEDOUT, 0x44);
	fake_fini(&f);
}

TEST(probe_times_out_when_no_command_is_consumed)
{
	fake_init(&f);
	f.stuck = true;
	expect_refused(-ETIMEDOUT, 0x9c);
	assert_u64_equal(f.cr0, 0);
	fake_fini(&f);
}

TEST(probe_goes_on_without_gbpa_and_says_so)
{
	fake_init(&f);
	f.has_gbpa = false;
	fake_probe(&f);
	assert_u64_equal(f.host.nr_logs, 1);
	remove_hw();
	fake_fini(&f);
}

TEST(probe_leaves_nothing_when_any_allocation_fails)
{
	uint64_t n;

	for (uint32_t two_level = 0; two_level < 2; two_level++) {
		fake_init(&f);
		f.idr0 = two_level != 0 ? 0x0d40101a : 0x0540101a;
		for (n = 1;; n++) {
			host_platform_fail_nth(&f.host, n);
			int err = dma_smmuv3_driver.probe(&f.hw);

			if (f.host.nr_injected == 0) {
				assert_ok(err);
				break;
			}
			assert_int_equal(err, -ENOMEM);
			assert_u64_equal(f.host.nr_metas, 0);
			assert_u64_equal(f.host.nr_pages, 0);
			assert_u64_equal(f.cr0, 0);
		}
		assert_true(n > 4);
		remove_hw();
		fake_fini(&f);
	}
}

TEST(every_requester_is_blocked_when_translation_is_turned_on)
{
	uint64_t ste[8];

	fake_init(&f);
	f.idr0 &= ~(3u << 27); /* linear */
	fake_probe(&f);
	assert_u64_equal(f.strtab_cfg, 16);
	for (uint32_t sid = 0; sid < 65536; sid++) {
		assert_true(fake_ste(&f, sid, ste));
		assert_u64_equal(ste[0], 1); /* V, Config 0: abort */
	}
	remove_hw();
	f.idr0 |= 1u << 27; /* two levels */
	fake_probe(&f);
	assert_u64_equal(f.strtab_cfg, 1 << 16 | 8 << 6 | 16);
	for (uint32_t sid = 0; sid < 65536; sid++)
		assert_false(fake_ste(&f, sid, ste));
	remove_hw();
	fake_fini(&f);
}

TEST(remove_turns_all_off_with_what_arrives_aborted)
{
	fake_init(&f);
	fake_probe(&f);
	remove_hw();
	assert_u64_equal(f.cr0, 0);
	assert_u64_equal(f.gbpa & 0x100000, 0x100000);
	fake_fini(&f);
}

TEST(probe_acknowledges_errors_from_before)
{
	fake_init(&f);
	f.gerror = 0x5;
	f.cr0 = f.cr0ack = 0xd; /* somebody left it on */
	fake_probe(&f);
	assert_u64_equal(f.gerrorn, 0x5);
	assert_u64_equal(f.cr0, 0xd);
	remove_hw();
	fake_fini(&f);
}
