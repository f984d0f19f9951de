/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMMUv3 model: command queue, errors and recovery, delays (IHI0070 chapter 4, 7.1). */
#include "tests/unit/sim_smmuv3_fixture.h"

#define IOVA UINT64_C(0xabc000)
#define PAGE (DATA_PHYS | PTE_PAGE | PTE_RW)
#define CERROR_ILL 1u
#define CERROR_ABT 2u

static uint32_t cmdq_error(struct fixture *f)
{
	return reg_get(f, 0x9c) >> 24 & 0x7f;
}

TEST(commands_are_counted_by_opcode_and_the_index_wraps)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	const struct sim_smmuv3_stats *stats = sim_smmuv3_stats(f->s);

	for (unsigned int i = 0; i < 3u << CMDQ_LG2; i++)
		cmd_sync(f, OP_TLBI_NH_ALL, 0);
	assert_int_equal(stats->commands[OP_TLBI_NH_ALL], 3 << CMDQ_LG2);
	/* The two of the set-up come on top. */
	assert_int_equal(stats->syncs, (3 << CMDQ_LG2) + 2);
	assert_int_equal(reg_get(f, 0x9c), f->prod);
	assert_clean(f);
	fixture_free(f);
}

TEST(a_full_queue_of_commands_is_consumed)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	for (unsigned int i = 0; i < 1u << CMDQ_LG2; i++)
		cmd_put(f, OP_TLBI_NH_ALL, 0);
	cmd_kick(f);
	cmd_wait(f);
	assert_int_equal(sim_smmuv3_stats(f->s)->commands[OP_TLBI_NH_ALL], 1 << CMDQ_LG2);
	assert_clean(f);
	fixture_free(f);
}

TEST(an_illegal_command_stops_the_queue_until_it_is_acknowledged)
{
	static const uint64_t bad[][2] = {
		{ 0x00, 0 },
		{ 0xff, 0 },
		{ OP_TLBI_EL2_ALL, 0 },	       /* no EL2 here */
		{ OP_TLBI_S12_VMALL, 0 },      /* no stage 2 */
		{ 0x40, 0 },		       /* ATC_INV: no ATS */
		{ 0x44, 0 },		       /* RESUME: no stalls */
		{ OP_SYNC | 3u << 12, 0 },     /* CS reserved */
		{ OP_CFGI_STE | 1u << 10, 0 }, /* SSec */
		{ OP_TLBI_NH_VA, 1u << 10 },   /* range of nothing */
	};
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *f = fixture_up(&cfg);
		uint32_t at = f->prod + 1;

		cmd_put(f, OP_TLBI_NH_ALL, 0);
		cmd_put(f, bad[i][0], bad[i][1]);
		cmd_put(f, OP_SYNC, 0);
		cmd_kick(f);
		/* CONS stands at the command, with the reason; the error is active. */
		assert_int_equal(reg_get(f, 0x9c) & 0xfffff, at);
		assert_int_equal(cmdq_error(f), CERROR_ILL);
		assert_int_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 1);
		sim_smmuv3_step(f->s);
		assert_int_equal(reg_get(f, 0x9c) & 0xfffff, at);
		/* Repair: a CMD_SYNC in its place, then acknowledge. */
		ram_put(f, CMDQ_PHYS + 16 * at, OP_SYNC);
		ram_put(f, CMDQ_PHYS + 16 * at + 8, 0);
		reg_put(f, 0x64, reg_get(f, 0x60));
		assert_int_equal(reg_get(f, 0x9c) & 0xfffff, f->prod);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_ILLEGAL_COMMAND), 1);
		assert_int_equal(sim_smmuv3_findings(f->s), 1);
		fixture_free(f);
	}
}

TEST(an_error_that_is_acknowledged_but_not_repaired_comes_back)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	cmd_put(f, 0xff, 0);
	cmd_kick(f);
	reg_put(f, 0x64, reg_get(f, 0x60));
	assert_int_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 1);
	assert_int_equal(sim_smmuv3_stats(f->s)->cmd_errors, 2);
	fixture_free(f);
}

TEST(a_command_that_cannot_be_fetched_gives_an_abort)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_CMD_ABT, 1);
	cmd_put(f, OP_SYNC, 0);
	cmd_kick(f);
	assert_int_equal(cmdq_error(f), CERROR_ABT);
	assert_int_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 1);
	reg_put(f, 0x64, reg_get(f, 0x60));
	cmd_wait(f);
	assert_clean(f);
	fixture_free(f);
}

TEST(injected_illegal_commands_are_no_finding)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_CMD_ILL, 1);
	cmd_put(f, OP_SYNC, 0);
	cmd_kick(f);
	assert_int_equal(cmdq_error(f), CERROR_ILL);
	reg_put(f, 0x64, reg_get(f, 0x60));
	cmd_wait(f);
	assert_clean(f);
	fixture_free(f);
}

TEST(reserved_bits_of_a_command_are_a_finding)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	cmd_sync(f, OP_TLBI_NH_ALL, 8);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_COMMAND_BITS), 1);
	/* Range fields without range invalidation are reserved as well. */
	cfg.ril = false;
	fixture_free(f);
	f = fixture_up(&cfg);
	cmd_sync(f, OP_TLBI_NH_VA | 1u << 12, IOVA | 1u << 10 | 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_COMMAND_BITS), 1);
	fixture_free(f);
}

TEST(parameters_beyond_the_implementation_are_a_finding)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;

	cfg.sid_bits = 8;
	cfg.ssid_bits = 4;
	cfg.asid16 = false;
	f = fixture_up(&cfg);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, 0xff), 1);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, 0xff) | 15u << 12, 1);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_ASID, 0xff), 0);
	assert_clean(f);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, 0x100), 1);
	cmd_sync(f, cmd_sid(OP_CFGI_CD, 1) | 16u << 12, 1);
	cmd_sync(f, cmd_asid(OP_TLBI_NH_ASID, 0x100), 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_COMMAND_BITS), 3);
	fixture_free(f);
}

TEST(a_stuck_queue_moves_on_after_its_time)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	uint32_t before = reg_get(f, 0x9c);

	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_STUCK, 5);
	cmd_put(f, OP_SYNC, 0);
	cmd_kick(f);
	assert_false(sim_smmuv3_idle(f->s));
	for (unsigned int i = 0; i < 5; i++) {
		sim_smmuv3_step(f->s);
		assert_int_equal(reg_get(f, 0x9c), before);
	}
	sim_smmuv3_step(f->s);
	assert_int_equal(reg_get(f, 0x9c), f->prod);
	fixture_free(f);
}

TEST(a_sync_that_never_completes_holds_the_queue_behind_it)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	uint32_t at = f->prod + 1;

	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_SYNC_STUCK, UINT64_MAX);
	cmd_put(f, OP_TLBI_NH_ALL, 0);
	cmd_put(f, OP_SYNC, 0);
	cmd_kick(f);
	for (unsigned int i = 0; i < 100; i++)
		sim_smmuv3_step(f->s);
	assert_int_equal(reg_get(f, 0x9c), at);
	assert_true(sim_smmuv3_idle(f->s));
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_SYNC_STUCK, 0);
	sim_smmuv3_step(f->s);
	assert_int_equal(reg_get(f, 0x9c), f->prod);
	fixture_free(f);
}

TEST(a_late_invalidation_is_over_only_when_the_sync_is)
{
	unsigned int consumed_early = 0;

	for (uint64_t seed = 1; seed <= 32; seed++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;
		uint64_t phys;
		uint32_t tlbi;

		cfg.lazy_completion = 16;
		cfg.seed = seed;
		f = fixture_4k(&cfg);
		map_4k(f, IOVA, PAGE);
		assert_maps(f, IOVA, DATA_PHYS);
		ram_put(f, table_phys(2) + 8 * (IOVA >> 12 & 511), 0);
		cmd_put(f, cmd_asid(OP_TLBI_NH_VA, ASID), IOVA | 1);
		tlbi = f->prod;
		cmd_put(f, OP_SYNC, 0);
		cmd_kick(f);
		/* Telling the SMMU is not waiting: nothing has happened yet. */
		assert_maps(f, IOVA, DATA_PHYS);
		while (reg_get(f, 0x9c) != f->prod) {
			/* Consumed is not complete: still reachable now and then (4.8). */
			if (reg_get(f, 0x9c) == tlbi && dma(f, IOVA, 0, &phys) == SIM_SMMUV3_OK)
				consumed_early++;
			sim_smmuv3_step(f->s);
		}
		assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
		assert_true(sim_smmuv3_idle(f->s));
		assert_clean(f);
		fixture_free(f);
	}
	assert_true(consumed_early > 8);
}

TEST(late_completion_depends_on_the_seed_alone)
{
	unsigned int steps[3] = { 0, 0, 0 };

	for (unsigned int run = 0; run < 3; run++) {
		struct sim_smmuv3_cfg cfg = fixture_cfg();
		struct fixture *f;

		cfg.lazy_completion = 1000;
		cfg.seed = run == 2 ? 99 : 42;
		f = fixture_up(&cfg);
		cmd_put(f, OP_TLBI_NH_ALL, 0);
		cmd_put(f, OP_SYNC, 0);
		cmd_kick(f);
		for (; reg_get(f, 0x9c) != f->prod; steps[run]++)
			sim_smmuv3_step(f->s);
		fixture_free(f);
	}
	assert_int_equal(steps[0], steps[1]);
	assert_int_not_equal(steps[0], steps[2]);
}

TEST(a_sync_signals_by_wire_event_or_memory)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;

	cfg.sev = true;
	f = fixture_up(&cfg);
	cmd_sync(f, OP_SYNC | 1u << 12, 0);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_SYNC], 1);
	cmd_sync(f, OP_SYNC | 2u << 12, 0);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_SEV], 1);
	fixture_free(f);

	cfg.msi = true;
	f = fixture_up(&cfg);
	cmd_sync(f, OP_SYNC | 1u << 12 | UINT64_C(0x1234abcd) << 32, MSI_PHYS);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_SYNC], 0);
	assert_u64_equal(ram_get(f, MSI_PHYS), 0x1234abcd);
	/* A write that aborts is a global error of its own. */
	f->write_abort = MSI_PHYS;
	cmd_sync(f, OP_SYNC | 1u << 12, MSI_PHYS);
	assert_int_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 0x10);
	assert_clean(f);
	fixture_free(f);
}

TEST(a_producer_index_beyond_the_queue_is_refused)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);
	uint32_t before = reg_get(f, 0x98);

	reg_put(f, 0x98, 4u << CMDQ_LG2);
	reg_put(f, 0x98, (before + (1u << CMDQ_LG2) + 1) & ((2u << CMDQ_LG2) - 1));
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_CMDQ_PROD), 2);
	assert_int_equal(reg_get(f, 0x98), before);
	fixture_free(f);
}

TEST(prefetch_commands_are_hints)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	cmd_sync(f, cmd_sid(OP_PREFETCH_ADDR, SID), IOVA);
	cmd_sync(f, cmd_sid(0x01, SID), 0);
	assert_clean(f);
	fixture_free(f);
}
