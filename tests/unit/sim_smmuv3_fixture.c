/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps that the tests of the SMMUv3 model share; see the header. */
#include "tests/unit/sim_smmuv3_fixture.h"

static struct fixture the_fixture;

static int host_read(void *ctx, uint64_t phys, void *buf, size_t len)
{
	struct fixture *f = ctx;

	if (phys < RAM_BASE || phys - RAM_BASE > RAM_BYTES - len)
		return -1;
	memcpy(buf, &f->ram[phys - RAM_BASE], len);
	return 0;
}

static int host_write(void *ctx, uint64_t phys, const void *buf, size_t len)
{
	struct fixture *f = ctx;

	if (phys < RAM_BASE || phys - RAM_BASE > RAM_BYTES - len || phys == f->write_abort)
		return -1;
	memcpy(&f->ram[phys - RAM_BASE], buf, len);
	return 0;
}

static void host_irq(void *ctx, enum sim_smmuv3_irq kind)
{
	struct fixture *f = ctx;

	f->irqs[kind]++;
}

struct sim_smmuv3_cfg fixture_cfg(void)
{
	struct sim_smmuv3_cfg cfg;

	sim_smmuv3_cfg_default(&cfg);
	return cfg;
}

struct fixture *fixture_new(const struct sim_smmuv3_cfg *cfg)
{
	struct fixture *f = &the_fixture;
	const struct sim_smmuv3_host host = { f, host_read, host_write, host_irq };

	sim_smmuv3_free(f->s); /* left over if the test before this one failed */
	memset(f, 0, sizeof(*f));
	f->s = sim_smmuv3_new(cfg, &host);
	assert_non_null(f->s);
	return f;
}

void fixture_free(struct fixture *f)
{
	sim_smmuv3_free(f->s);
	f->s = NULL;
}

uint64_t ram_get(struct fixture *f, uint64_t phys)
{
	uint64_t value = 0;

	for (unsigned int i = 8; i-- > 0;)
		value = value << 8 | f->ram[phys - RAM_BASE + i];
	return value;
}

void ram_put(struct fixture *f, uint64_t phys, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		f->ram[phys - RAM_BASE + i] = (uint8_t)(value >> (8 * i));
}

uint32_t reg_get(struct fixture *f, uint64_t offset)
{
	return (uint32_t)sim_smmuv3_mmio_read(f->s, offset, 4);
}

void reg_put(struct fixture *f, uint64_t offset, uint32_t value)
{
	sim_smmuv3_mmio_write(f->s, offset, 4, value);
}

void reg_put64(struct fixture *f, uint64_t offset, uint64_t value)
{
	sim_smmuv3_mmio_write(f->s, offset, 8, value);
}

static void cr0_set(struct fixture *f, uint32_t value)
{
	reg_put(f, 0x20, value);
	for (unsigned int i = 0; i < 1000 && reg_get(f, 0x24) != value; i++)
		sim_smmuv3_step(f->s);
	assert_u64_equal(reg_get(f, 0x24), value);
}

void fixture_enable(struct fixture *f)
{
	reg_put64(f, 0x90, CMDQ_PHYS | CMDQ_LG2);
	reg_put(f, 0x98, 0);
	reg_put(f, 0x9c, 0);
	reg_put64(f, 0xa0, EVTQ_PHYS | EVTQ_LG2);
	reg_put(f, 0x100a8, 0);
	reg_put(f, 0x100ac, 0);
	reg_put(f, 0x2c, 2); /* RECINVSID */
	cr0_set(f, 8);
	cmd_sync(f, OP_CFGI_ALL, 0x1f);
	cmd_sync(f, OP_TLBI_NSNH_ALL, 0);
	cr0_set(f, 8 | 4);
	cr0_set(f, 8 | 4 | 1);
}

struct fixture *fixture_up(const struct sim_smmuv3_cfg *cfg)
{
	struct fixture *f = fixture_new(cfg);

	reg_put64(f, 0x80, STRTAB_PHYS);
	reg_put(f, 0x88, STRTAB_LG2);
	fixture_enable(f);
	return f;
}

void cmd_put(struct fixture *f, uint64_t word0, uint64_t word1)
{
	uint64_t idx = f->prod & ((1u << CMDQ_LG2) - 1);

	ram_put(f, CMDQ_PHYS + 16 * idx, word0);
	ram_put(f, CMDQ_PHYS + 16 * idx + 8, word1);
	f->prod = (f->prod + 1) & ((2u << CMDQ_LG2) - 1);
}

void cmd_kick(struct fixture *f)
{
	reg_put(f, 0x98, f->prod);
}

void cmd_wait(struct fixture *f)
{
	for (unsigned int i = 0; i < 10000; i++) {
		if ((reg_get(f, 0x9c) & 0xfffff) == f->prod)
			return;
		sim_smmuv3_step(f->s);
	}
	fail_msg("the command queue does not move: CONS %x PROD %x", reg_get(f, 0x9c), f->prod);
}

void cmd_sync(struct fixture *f, uint64_t word0, uint64_t word1)
{
	cmd_put(f, word0, word1);
	cmd_put(f, OP_SYNC, 0);
	cmd_kick(f);
	cmd_wait(f);
}

uint64_t cmd_sid(unsigned int op, uint32_t sid)
{
	return op | (uint64_t)sid << 32;
}

uint64_t cmd_asid(unsigned int op, uint32_t asid)
{
	return op | (uint64_t)asid << 48;
}

void ste_put(struct fixture *f, uint32_t sid, uint64_t word0, uint64_t word1)
{
	ram_put(f, STRTAB_PHYS + 64 * sid + 8, word1);
	ram_put(f, STRTAB_PHYS + 64 * sid, word0);
}

void ste_s1(struct fixture *f, uint32_t sid, uint64_t cd)
{
	ste_put(f, sid, 1 | 5 << 1 | cd, UINT64_C(1) << 44);
}

uint64_t cd_word0(uint32_t t0sz, uint32_t tg0, uint32_t asid)
{
	return t0sz | tg0 << 6 | UINT64_C(1) << 30 /* EPD1 */ | UINT64_C(1) << 31 /* V */ |
	       UINT64_C(4) << 32 /* IPS */ | UINT64_C(1) << 41 /* AA64 */ |
	       UINT64_C(1) << 45 /* R */ | UINT64_C(1) << 46 /* A */ | (uint64_t)asid << 48;
}

void cd_put(struct fixture *f, uint64_t cd, uint32_t t0sz, uint32_t tg0, uint64_t ttb,
	    uint32_t asid)
{
	ram_put(f, cd + 8, ttb);
	ram_put(f, cd + 24, 0xff);
	ram_put(f, cd, cd_word0(t0sz, tg0, asid));
}

enum sim_smmuv3_verdict dma(struct fixture *f, uint64_t iova, bool write, uint64_t *phys)
{
	const struct sim_smmuv3_txn txn = { .sid = SID, .iova = iova, .write = write };
	uint64_t len;

	return sim_smmuv3_translate(f->s, &txn, phys, &len);
}

enum sim_smmuv3_verdict dma_sid(struct fixture *f, uint32_t sid, uint64_t iova, uint64_t *phys)
{
	const struct sim_smmuv3_txn txn = { .sid = sid, .iova = iova };
	uint64_t len;

	return sim_smmuv3_translate(f->s, &txn, phys, &len);
}

void assert_maps(struct fixture *f, uint64_t iova, uint64_t phys)
{
	uint64_t got = 0;

	assert_int_equal(dma(f, iova, false, &got), SIM_SMMUV3_OK);
	assert_u64_equal(got, phys);
}

bool event_take(struct fixture *f, uint64_t word[4])
{
	uint32_t prod = reg_get(f, 0x100a8);
	uint32_t cons = reg_get(f, 0x100ac);
	uint64_t at = EVTQ_PHYS + 32 * (cons & ((1u << EVTQ_LG2) - 1));

	if (((prod ^ cons) & ((2u << EVTQ_LG2) - 1)) == 0)
		return false;
	for (unsigned int i = 0; i < 4; i++)
		word[i] = ram_get(f, at + 8 * i);
	reg_put(f, 0x100ac, (cons & (1u << 31)) | ((cons + 1) & ((2u << EVTQ_LG2) - 1)));
	return true;
}

void assert_event(struct fixture *f, uint64_t iova, bool write, unsigned int event)
{
	uint64_t word[4] = { 0, 0, 0, 0 };
	uint64_t phys;

	assert_int_equal(dma(f, iova, write, &phys), SIM_SMMUV3_ABORT);
	assert_true(event_take(f, word));
	assert_u64_equal(word[0] & 0xff, event);
	assert_u64_equal(word[0] >> 32, SID);
	if (event >= SIM_SMMUV3_F_TRANSLATION) {
		assert_u64_equal(word[2], iova);
		assert_u64_equal(word[1] >> 35 & 1, write ? 0 : 1);
	}
	assert_false(event_take(f, word));
}

uint64_t table_phys(unsigned int n)
{
	return TABLES_PHYS + ((uint64_t)n << 16);
}

void map_4k(struct fixture *f, uint64_t iova, uint64_t desc)
{
	/* 39 bits: level 1 translates 38:30, level 2 29:21, level 3 20:12. */
	ram_put(f, table_phys(0) + 8 * (iova >> 30 & 511), table_phys(1) | PTE_TABLE);
	ram_put(f, table_phys(1) + 8 * (iova >> 21 & 511), table_phys(2) | PTE_TABLE);
	ram_put(f, table_phys(2) + 8 * (iova >> 12 & 511), desc);
}

struct fixture *fixture_4k(const struct sim_smmuv3_cfg *cfg)
{
	struct fixture *f = fixture_up(cfg);

	cd_put(f, CD_PHYS, 25, 0, table_phys(0), ASID);
	ste_s1(f, SID, CD_PHYS);
	cmd_sync(f, cmd_sid(OP_CFGI_STE, SID), 1);
	return f;
}

uint64_t findings(struct fixture *f, enum sim_smmuv3_finding kind)
{
	return sim_smmuv3_stats(f->s)->findings[kind];
}

void assert_clean(struct fixture *f)
{
	for (unsigned int i = 0; i < SIM_SMMUV3_NR_FINDINGS; i++) {
		if (findings(f, i) != 0)
			fail_msg("%s (%" PRIx64 ")", sim_smmuv3_finding_text(i),
				 sim_smmuv3_stats(f->s)->finding_arg[i]);
	}
}
