/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMMUv3 model: registers, event queue, global errors, interrupts (IHI0070 chapters 6, 7). */
#include "tests/unit/sim_smmuv3_fixture.h"

#define IOVA UINT64_C(0xabc000)
#define OVFLG (1u << 31)

TEST(id_registers_say_what_is_implemented)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);

	/* As a common emulated part: S1, AArch64, COHACC, ASID16, two-level, no stalls. */
	assert_u64_equal(reg_get(f, 0x00), 0x0d40101a);
	assert_u64_equal(reg_get(f, 0x04), 0x02730010);
	assert_u64_equal(reg_get(f, 0x0c), 0x0404);
	assert_u64_equal(reg_get(f, 0x14), 0x74);
	fixture_free(f);

	cfg.two_level_strtab = false;
	cfg.two_level_cd = true;
	cfg.coherent = false;
	cfg.ril = false;
	cfg.asid16 = false;
	cfg.msi = true;
	cfg.ssid_bits = 20;
	cfg.sid_bits = 24;
	cfg.cmdq_lg2_max = 8;
	cfg.evtq_lg2_max = 7;
	cfg.oas_bits = 32;
	cfg.granules = SIM_SMMUV3_GRAN16K;
	f = fixture_new(&cfg);
	assert_u64_equal(reg_get(f, 0x00),
			 0x05000000 | 1u << 1 | 2u << 2 | 2u << 21 | 1u << 13 | 1u << 19);
	assert_u64_equal(reg_get(f, 0x04), 24 | 20u << 6 | 7u << 16 | 8u << 21);
	assert_u64_equal(reg_get(f, 0x0c), 1u << 2);
	assert_u64_equal(reg_get(f, 0x14), 0x20);
	assert_clean(f);
	fixture_free(f);
}

TEST(a_configuration_out_of_range_is_refused)
{
	static const struct sim_smmuv3_host host = { 0 };
	struct sim_smmuv3_cfg cfg = fixture_cfg();

	cfg.oas_bits = 43;
	assert_null(sim_smmuv3_new(&cfg, &host));
	cfg = fixture_cfg();
	cfg.granules = 0;
	assert_null(sim_smmuv3_new(&cfg, &host));
	cfg = fixture_cfg();
	cfg.cmdq_lg2_max = 20;
	assert_null(sim_smmuv3_new(&cfg, &host));
	sim_smmuv3_free(NULL);
}

TEST(registers_of_64_bits_are_written_whole_or_in_halves)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);

	reg_put64(f, 0x80, UINT64_C(0x4000000012345640));
	assert_u64_equal(sim_smmuv3_mmio_read(f->s, 0x80, 8), UINT64_C(0x4000000012345640));
	reg_put(f, 0x84, 0x000a0001);
	reg_put(f, 0x80, 0xcafe0000);
	assert_u64_equal(sim_smmuv3_mmio_read(f->s, 0x80, 8), UINT64_C(0x000a0001cafe0000));
	assert_u64_equal(reg_get(f, 0x84), 0x000a0001);
	assert_clean(f);
	fixture_free(f);
}

TEST(reserved_registers_read_as_zero)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	assert_u64_equal(reg_get(f, 0x40), 0); /* STATUSR: not dormant */
	assert_u64_equal(reg_get(f, 0x48), 0);
	assert_u64_equal(reg_get(f, 0x30), 0);
	assert_u64_equal(reg_get(f, 0x1fffc), 0);
	assert_clean(f);
	assert_u64_equal(reg_get(f, SIM_SMMUV3_MMIO_BYTES), 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_BAD_ACCESS), 1);
	fixture_free(f);
}

TEST(wrong_accesses_are_findings_without_effect)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);

	reg_put64(f, 0x20, 8); /* a 32-bit register */
	reg_put(f, 0x30, 1);   /* nothing there */
	sim_smmuv3_mmio_write(f->s, 0x20, 2, 8);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_BAD_ACCESS), 3);
	reg_put(f, 0x00, 0);
	reg_put(f, 0x24, 1);
	reg_put(f, 0x60, 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_READ_ONLY), 3);
	reg_put(f, 0x20, 2); /* PRIQEN without PRI */
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_RESERVED_BITS), 1);
	assert_u64_equal(reg_get(f, 0x20), 0);
	assert_u64_equal(reg_get(f, 0x24), 0);
	fixture_free(f);
}

TEST(the_event_queue_is_in_page_1_only)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys;

	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x100a8), 1);
	assert_u64_equal(reg_get(f, 0xa8), 0);
	reg_put(f, 0xac, 1);
	assert_u64_equal(reg_get(f, 0x100ac), 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_WRONG_PAGE), 2);
	fixture_free(f);
}

TEST(enables_are_acknowledged_later_if_the_machine_is_lazy)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;
	unsigned int late = 0;

	for (cfg.seed = 1; cfg.seed <= 16; cfg.seed++) {
		cfg.lazy_ack = 8;
		f = fixture_new(&cfg);
		reg_put(f, 0x20, 8);
		assert_u64_equal(reg_get(f, 0x24), 0);
		assert_false(sim_smmuv3_idle(f->s));
		/* The same bit again before the acknowledge. */
		reg_put(f, 0x20, 0);
		assert_int_equal(findings(f, SIM_SMMUV3_FIND_CR0_BEFORE_ACK), 1);
		for (; reg_get(f, 0x24) != 8; late++)
			sim_smmuv3_step(f->s);
		assert_true(sim_smmuv3_idle(f->s));
		fixture_free(f);
	}
	assert_true(late > 16);
}

TEST(gbpa_decides_while_the_smmu_is_off)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);
	uint64_t phys = 0;

	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_BYPASS);
	assert_u64_equal(phys, IOVA);
	reg_put(f, 0x44, 1u << 20); /* without Update */
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_GBPA_NO_UPDATE), 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_BYPASS);
	reg_put(f, 0x44, 1u << 31 | 1u << 20);
	assert_u64_equal(reg_get(f, 0x44), 1u << 20);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_lost, 0);
	fixture_free(f);
}

TEST(what_is_in_use_may_not_be_changed)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	reg_put64(f, 0x80, 0);
	reg_put(f, 0x88, 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_STRTAB), 2);
	reg_put64(f, 0x90, 0);
	reg_put(f, 0x9c, 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_CMDQ), 2);
	reg_put64(f, 0xa0, 0);
	reg_put(f, 0x100a8, 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_EVENTQ), 2);
	reg_put(f, 0x28, 0xd75);
	reg_put(f, 0x2c, 0);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_CR), 2);
	assert_u64_equal(sim_smmuv3_mmio_read(f->s, 0x80, 8), STRTAB_PHYS);
	assert_u64_equal(sim_smmuv3_mmio_read(f->s, 0x90, 8), CMDQ_PHYS | CMDQ_LG2);
	fixture_free(f);
}

TEST(attributes_of_queues_and_tables_are_guarded_separately)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);

	reg_put(f, 0x28, 0xd75);
	reg_put(f, 0x20, 8);
	reg_put(f, 0x28, 0xd75 ^ 0x40); /* TABLE_IC: the SMMU is off */
	assert_clean(f);
	assert_u64_equal(reg_get(f, 0x28), 0xd35);
	reg_put(f, 0x28, 0xd34); /* QUEUE_IC: a queue is on */
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_CR), 1);
	assert_u64_equal(reg_get(f, 0x28), 0xd35);
	fixture_free(f);
}

TEST(an_interrupt_that_cannot_be_written_is_a_global_error)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;
	uint64_t phys;

	cfg.msi = true;
	f = fixture_4k(&cfg);
	reg_put64(f, 0xb0, MSI_PHYS);
	reg_put64(f, 0x68, MSI_PHYS);
	reg_put(f, 0x50, 4 | 1);
	f->write_abort = MSI_PHYS;
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	/* MSI_EVENTQ_ABT_ERR, whose own interrupt fails: MSI_GERROR_ABT_ERR, and there it ends. */
	assert_u64_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 0xa0);
	assert_u64_equal(reg_get(f, 0x100a8), 1);
	assert_clean(f);
	fixture_free(f);
}

TEST(sizes_and_alignments_are_checked_when_enabled)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_new(&cfg);

	cfg.cmdq_lg2_max = 3;
	cfg.two_level_strtab = false;
	fixture_free(f);
	f = fixture_new(&cfg);
	reg_put64(f, 0x90, CMDQ_PHYS | 4);	    /* larger than IDR1 says */
	reg_put64(f, 0xa0, (EVTQ_PHYS + 0x40) | 3); /* 256 bytes, misaligned */
	reg_put64(f, 0x80, STRTAB_PHYS);
	reg_put(f, 0x88, 8 | 8 << 6 | 1 << 16); /* two levels that are not there */
	reg_put(f, 0x20, 8);
	reg_put(f, 0x20, 8 | 4);
	reg_put(f, 0x20, 8 | 4 | 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_QUEUE_SIZE), 2);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_STRTAB_SIZE), 1);
	/* And the caches had never been invalidated. */
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_ENABLE_UNPREPARED), 1);
	fixture_free(f);
}

TEST(a_fault_record_has_the_fields_of_the_access)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	const struct sim_smmuv3_txn txn = {
		.sid = SID, .iova = IOVA + 5, .privileged = true, .instruction = true
	};
	uint64_t word[4];
	uint64_t phys;
	uint64_t len;

	assert_int_equal(sim_smmuv3_translate(f->s, &txn, &phys, &len), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0], (uint64_t)SID << 32 | SIM_SMMUV3_F_TRANSLATION);
	/* PnU, InD, RnW, CLASS = IN */
	assert_u64_equal(word[1], UINT64_C(7) << 33 | UINT64_C(2) << 40);
	assert_u64_equal(word[2], IOVA + 5);
	assert_u64_equal(word[3], 0);
	fixture_free(f);
}

TEST(a_full_event_queue_overflows_once_and_recovers)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t word[4];
	uint64_t phys;

	for (unsigned int i = 0; i < (1u << EVTQ_LG2) + 3; i++)
		assert_int_equal(dma(f, IOVA + 0x1000 * i, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x100a8), OVFLG | 1u << EVTQ_LG2);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_written, 1 << EVTQ_LG2);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_lost, 3);
	/* The first eight are there, in order. */
	for (unsigned int i = 0; i < 1u << EVTQ_LG2; i++) {
		assert_true(event_take(f, word));
		assert_u64_equal(word[2], IOVA + 0x1000 * i);
	}
	assert_false(event_take(f, word));
	/* Acknowledge: OVACKFLG = OVFLG. */
	reg_put(f, 0x100ac, reg_get(f, 0x100a8));
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	assert_u64_equal(reg_get(f, 0x100a8) & OVFLG, OVFLG);
	/* The next overflow flips the flag back. */
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_EVENTQ_FULL, 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x100a8) & OVFLG, 0);
	assert_clean(f);
	fixture_free(f);
}

TEST(the_event_index_wraps)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);

	for (unsigned int i = 0; i < 5u << EVTQ_LG2; i++) {
		assert_event(f, IOVA + 0x1000 * i, true, SIM_SMMUV3_F_TRANSLATION);
		assert_u64_equal(reg_get(f, 0x100a8), (i + 1) & ((2u << EVTQ_LG2) - 1));
	}
	/* Backwards is no way to consume. */
	reg_put(f, 0x100ac, (reg_get(f, 0x100ac) - 1) & ((2u << EVTQ_LG2) - 1));
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_EVENTQ_CONS), 1);
	fixture_free(f);
}

TEST(events_without_a_queue_are_lost_in_silence)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys;

	reg_put(f, 0x20, 8 | 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x100a8), 0);
	assert_int_equal(sim_smmuv3_stats(f->s)->events_lost, 1);
	fixture_free(f);
}

TEST(a_record_that_cannot_be_written_is_a_global_error)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys;

	f->write_abort = EVTQ_PHYS;
	reg_put(f, 0x50, 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 4);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_GERROR], 1);
	assert_u64_equal(reg_get(f, 0x100a8), 0);
	/* Nothing is written until the error is acknowledged. */
	f->write_abort = 0;
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_u64_equal(reg_get(f, 0x100a8), 0);
	reg_put(f, 0x64, reg_get(f, 0x60));
	assert_event(f, IOVA, false, SIM_SMMUV3_F_TRANSLATION);
	assert_clean(f);
	fixture_free(f);
}

TEST(interrupts_come_when_enabled_and_when_the_queue_fills)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys;

	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_EVENTQ], 0);
	reg_put(f, 0x100ac, reg_get(f, 0x100a8));
	reg_put(f, 0x50, 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_EVENTQ], 1);
	reg_put(f, 0x100ac, reg_get(f, 0x100a8));
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	assert_int_equal(f->irqs[SIM_SMMUV3_IRQ_EVENTQ], 2);
	assert_clean(f);
	fixture_free(f);
}

TEST(interrupts_can_be_memory_writes)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f;
	uint64_t phys;

	cfg.msi = true;
	f = fixture_4k(&cfg);
	reg_put64(f, 0xb0, MSI_PHYS);
	reg_put(f, 0xb8, 77);
	reg_put64(f, 0x68, MSI_PHYS + 8);
	reg_put(f, 0x70, 88);
	reg_put(f, 0x50, 4 | 1);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_ABORT);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_GERROR, 0x100);
	assert_u64_equal(ram_get(f, MSI_PHYS), 77);
	assert_u64_equal(ram_get(f, MSI_PHYS + 8), 88);
	assert_clean(f);
	reg_put(f, 0xb8, 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_LIVE_IRQ_CFG), 1);
	fixture_free(f);
	/* Without MSIs the registers are reserved. */
	cfg.msi = false;
	f = fixture_up(&cfg);
	reg_put64(f, 0xb0, MSI_PHYS);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_RESERVED_BITS), 1);
	fixture_free(f);
}

TEST(only_active_errors_can_be_acknowledged)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_up(&cfg);

	reg_put(f, 0x64, 1);
	assert_int_equal(findings(f, SIM_SMMUV3_FIND_GERRORN), 1);
	assert_u64_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 0);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_GERROR, 0x100);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_GERROR, 0x100);
	assert_u64_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 0x100);
	reg_put(f, 0x64, reg_get(f, 0x60));
	assert_u64_equal(reg_get(f, 0x60) ^ reg_get(f, 0x64), 0);
	fixture_free(f);
}

TEST(every_finding_has_a_text)
{
	for (unsigned int i = 0; i < SIM_SMMUV3_NR_FINDINGS; i++)
		assert_non_null(sim_smmuv3_finding_text(i));
	assert_string_equal(sim_smmuv3_finding_text(SIM_SMMUV3_NR_FINDINGS), "unknown");
}

TEST(reset_returns_to_the_beginning)
{
	struct sim_smmuv3_cfg cfg = fixture_cfg();
	struct fixture *f = fixture_4k(&cfg);
	uint64_t phys = 0;

	map_4k(f, IOVA, DATA_PHYS | PTE_PAGE | PTE_RW);
	assert_maps(f, IOVA, DATA_PHYS);
	sim_smmuv3_inject(f->s, SIM_SMMUV3_INJECT_STUCK, UINT64_MAX);
	sim_smmuv3_reset(f->s);
	assert_u64_equal(reg_get(f, 0x20), 0);
	assert_int_equal(dma(f, IOVA, false, &phys), SIM_SMMUV3_BYPASS);
	f->prod = 0;
	reg_put64(f, 0x80, STRTAB_PHYS);
	reg_put(f, 0x88, STRTAB_LG2);
	ram_put(f, CD_PHYS, 0);
	fixture_enable(f);
	assert_event(f, IOVA, false, SIM_SMMUV3_C_BAD_CD);
	assert_clean(f);
	fixture_free(f);
}
