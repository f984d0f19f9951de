/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: the register file (IHI0070 6.2, 6.3). Which register exists where and how wide
 * it is, which bits are defined, when software may change it. A write that software may not make
 * is recorded and has no effect, one of the behaviours the architecture permits.
 */
#include <string.h>

#include "sim/smmuv3_internal.h"

#define PAGE1 0x10000u

enum reg_kind {
	REG_RO,	  /* value of a field, writes are findings */
	REG_IDR,  /* computed */
	REG_ZERO, /* reads 0, writes ignored */
	REG_CR0,
	REG_CR1,
	REG_CR2,
	REG_GBPA,
	REG_IRQ_CTRL,
	REG_GERRORN,
	REG_GERROR_CFG,
	REG_STRTAB,
	REG_CMDQ_BASE,
	REG_CMDQ_PROD,
	REG_CMDQ_CONS,
	REG_EVTQ_BASE,
	REG_EVTQ_PROD,
	REG_EVTQ_CONS,
	REG_EVTQ_CFG,
};

struct reg_info {
	uint32_t offset;
	uint8_t width;
	uint8_t kind;
	uint16_t field;	  /* in struct sim_smmu_regs */
	uint64_t defined; /* bits that are not reserved */
};

#define FIELD(name) ((uint16_t)offsetof(struct sim_smmu_regs, name))
#define BASE_BITS(low) (ADDR_BITS(low) | UINT64_C(1) << 62)

static const struct reg_info registers[] = {
	{ 0x000, 4, REG_IDR, 0, 0 },
	{ 0x004, 4, REG_IDR, 0, 0 },
	{ 0x008, 4, REG_IDR, 0, 0 },
	{ 0x00c, 4, REG_IDR, 0, 0 },
	{ 0x010, 4, REG_IDR, 0, 0 },
	{ 0x014, 4, REG_IDR, 0, 0 },
	{ 0x018, 4, REG_IDR, 0, 0 },
	{ 0x01c, 4, REG_IDR, 0, 0 },
	{ 0x020, 4, REG_CR0, FIELD(cr0), CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN },
	{ 0x024, 4, REG_RO, FIELD(cr0ack), 0 },
	{ 0x028, 4, REG_CR1, FIELD(cr1), 0xfff },
	{ 0x02c, 4, REG_CR2, FIELD(cr2), CR2_RECINVSID | CR2_PTM },
	{ 0x040, 4, REG_ZERO, 0, 0 }, /* STATUSR: not dormant */
	{ 0x044, 4, REG_GBPA, FIELD(gbpa), 0x801f3f1f },
	{ 0x048, 4, REG_ZERO, 0, UINT32_MAX }, /* AGBPA: implementation defined */
	{ 0x050, 4, REG_IRQ_CTRL, FIELD(irq_ctrl), IRQ_GERROR | IRQ_EVENTQ },
	{ 0x054, 4, REG_RO, FIELD(irq_ctrlack), 0 },
	{ 0x060, 4, REG_RO, FIELD(gerror), 0 },
	{ 0x064, 4, REG_GERRORN, FIELD(gerrorn), GERROR_ALL },
	{ 0x068, 8, REG_GERROR_CFG, FIELD(gerror_cfg0), ADDR_BITS(2) },
	{ 0x070, 4, REG_GERROR_CFG, FIELD(gerror_cfg1), UINT32_MAX },
	{ 0x074, 4, REG_GERROR_CFG, FIELD(gerror_cfg2), 0x3f },
	{ 0x080, 8, REG_STRTAB, FIELD(strtab_base), BASE_BITS(6) },
	{ 0x088, 4, REG_STRTAB, FIELD(strtab_cfg), 0x307ff },
	{ 0x090, 8, REG_CMDQ_BASE, FIELD(cmdq_base), BASE_BITS(5) | 0x1f },
	{ 0x098, 4, REG_CMDQ_PROD, FIELD(cmdq_prod), 0xfffff },
	{ 0x09c, 4, REG_CMDQ_CONS, FIELD(cmdq_cons), 0x7f0fffff },
	{ 0x0a0, 8, REG_EVTQ_BASE, FIELD(evtq_base), BASE_BITS(5) | 0x1f },
	{ 0x0b0, 8, REG_EVTQ_CFG, FIELD(evtq_cfg0), ADDR_BITS(2) },
	{ 0x0b8, 4, REG_EVTQ_CFG, FIELD(evtq_cfg1), UINT32_MAX },
	{ 0x0bc, 4, REG_EVTQ_CFG, FIELD(evtq_cfg2), 0x3f },
	{ PAGE1 + 0x0a8, 4, REG_EVTQ_PROD, FIELD(evtq_prod), 0x800fffff },
	{ PAGE1 + 0x0ac, 4, REG_EVTQ_CONS, FIELD(evtq_cons), 0x800fffff },
};

static const struct reg_info *reg_find(uint64_t offset)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		const struct reg_info *info = &registers[i];

		if (offset >= info->offset && offset < info->offset + info->width)
			return info;
	}
	return NULL;
}

static uint64_t reg_get(const struct sim_smmuv3 *s, const struct reg_info *info)
{
	const char *at = (const char *)&s->reg + info->field;

	return info->width == 8 ? *(const uint64_t *)(const void *)at
				: *(const uint32_t *)(const void *)at;
}

static void reg_set(struct sim_smmuv3 *s, const struct reg_info *info, uint64_t value)
{
	const uint32_t low = (uint32_t)value;

	memcpy((char *)&s->reg + info->field, info->width == 8 ? (const void *)&value : &low,
	       info->width);
}

/* 6.3.1: stage 1, AArch64 tables, terminate only, little-endian tables. */
static uint32_t idr0(const struct sim_smmuv3_cfg *cfg)
{
	return 1u << 1 | 2u << 2 | (uint32_t)cfg->coherent << 4 | (uint32_t)cfg->asid16 << 12 |
	       (uint32_t)cfg->msi << 13 | (uint32_t)cfg->sev << 14 |
	       (uint32_t)cfg->two_level_cd << 19 | 2u << 21 | 1u << 24 | 1u << 26 |
	       (uint32_t)cfg->two_level_strtab << 27;
}

/* 6.3.6. VAX goes with 52-bit outputs here. */
static uint32_t idr5(const struct sim_smmuv3_cfg *cfg)
{
	static const uint8_t code[] = {
		[32] = 0, [36] = 1, [40] = 2, [42] = 3, [44] = 4, [48] = 5, [52] = 6
	};

	return code[cfg->oas_bits] | cfg->granules << 4 | (cfg->oas_bits == 52 ? 1u << 10 : 0);
}

static uint32_t idr(const struct sim_smmuv3 *s, uint32_t offset)
{
	const struct sim_smmuv3_cfg *cfg = &s->cfg;

	switch (offset) {
	case 0x00:
		return idr0(cfg);
	case 0x04:
		return cfg->sid_bits | cfg->ssid_bits << 6 | cfg->evtq_lg2_max << 16 |
		       cfg->cmdq_lg2_max << 21 | (cfg->attr_ovr ? 3u << 26 : 0);
	case 0x0c:
		return (uint32_t)cfg->had << 2 | (uint32_t)cfg->ril << 10 | cfg->bbml << 11;
	case 0x14:
		return idr5(cfg);
	case 0x1c:
		/* Range invalidation and BBML came with SMMUv3.2. */
		return cfg->ril || cfg->bbml != 0 ? 2 : 0;
	default:
		return 0;
	}
}

static bool width_is_good(const struct reg_info *info, uint64_t offset, unsigned int width)
{
	/* 64-bit registers may be accessed as two halves (6.2). */
	return (width == 4 && offset % 4 == 0) ||
	       (width == 8 && info->width == 8 && offset == info->offset);
}

uint64_t sim_smmuv3_mmio_read(struct sim_smmuv3 *s, uint64_t offset, unsigned int width)
{
	const struct reg_info *info = reg_find(offset);
	uint64_t value;

	if (offset == 0x0a8 || offset == 0x0ac) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_WRONG_PAGE, offset);
		return 0;
	}
	if ((width != 4 && width != 8) || offset >= SIM_SMMUV3_MMIO_BYTES ||
	    (info != NULL && !width_is_good(info, offset, width))) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_BAD_ACCESS, offset);
		return 0;
	}
	/* Everything else in the two pages is reserved and reads as zero. */
	if (info == NULL || info->kind == REG_ZERO)
		return 0;
	value = info->kind == REG_IDR ? idr(s, info->offset) : reg_get(s, info);
	return width < info->width ? value >> (8 * (offset - info->offset)) & UINT32_MAX : value;
}

/* The acknowledge of a change made now. */
static void ack_start(struct sim_smmuv3 *s, uint64_t *due)
{
	*due = s->cfg.lazy_ack == 0 ? s->now : sim_smmu_delay(s, s->cfg.lazy_ack);
	if (*due == 0)
		*due = 1;
	if (s->cfg.lazy_ack == 0)
		sim_smmu_regs_step(s);
}

static void write_cr0(struct sim_smmuv3 *s, uint32_t value)
{
	uint32_t changed = s->reg.cr0 ^ value;

	/* 6.3.9: a field may not change again before its acknowledge followed. */
	if ((changed & (s->reg.cr0 ^ s->reg.cr0ack)) != 0) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_CR0_BEFORE_ACK, value);
		return;
	}
	if ((changed & value & CR0_SMMUEN) != 0 && !(s->invalidated_tlb && s->invalidated_config))
		sim_smmu_find(s, SIM_SMMUV3_FIND_ENABLE_UNPREPARED, value);
	s->reg.cr0 = value;
	if (changed != 0)
		ack_start(s, &s->cr0_due);
}

static void write_cr1(struct sim_smmuv3 *s, uint32_t value)
{
	uint32_t on = s->reg.cr0 | s->reg.cr0ack;
	uint32_t changed = s->reg.cr1 ^ value;

	/* 6.3.11: TABLE_* is read-only while SMMUEN, QUEUE_* while a queue is enabled. */
	if (((changed & 0xfc0) != 0 && (on & CR0_SMMUEN) != 0) ||
	    ((changed & 0x3f) != 0 && (on & (CR0_CMDQEN | CR0_EVENTQEN)) != 0)) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_CR, value);
		return;
	}
	s->reg.cr1 = value;
}

static void write_gbpa(struct sim_smmuv3 *s, uint32_t value)
{
	if ((s->reg.gbpa & GBPA_UPDATE) != 0 || (value & GBPA_UPDATE) == 0) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_GBPA_NO_UPDATE, value);
		return;
	}
	s->reg.gbpa = value;
	ack_start(s, &s->gbpa_due);
}

static void write_irq_ctrl(struct sim_smmuv3 *s, uint32_t value)
{
	uint32_t changed = s->reg.irq_ctrl ^ value;

	if ((changed & (s->reg.irq_ctrl ^ s->reg.irq_ctrlack)) != 0) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_IRQ_BEFORE_ACK, value);
		return;
	}
	s->reg.irq_ctrl = value;
	if (changed != 0)
		ack_start(s, &s->irq_due);
}

/* Software acknowledges an error by making GERRORN equal to GERROR (6.3.19). */
static void write_gerrorn(struct sim_smmuv3 *s, uint32_t value)
{
	uint32_t active = s->reg.gerror ^ s->reg.gerrorn;
	uint32_t toggled = s->reg.gerrorn ^ value;

	if ((toggled & ~active) != 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_GERRORN, value);
	s->reg.gerrorn ^= toggled & active;
	if ((toggled & active & GERROR_CMDQ) != 0)
		sim_smmu_cmdq_run(s, false);
}

/* 6.3.24, 6.3.25: sizes the implementation has, base aligned to the table. */
static void check_strtab(struct sim_smmuv3 *s)
{
	uint32_t cfg = s->reg.strtab_cfg;
	unsigned int lg2 = cfg & 0x3f;
	unsigned int split = cfg >> 6 & 0x1f;
	unsigned int fmt = cfg >> 16 & 3;
	unsigned int bytes_lg2 = lg2 + 6;
	bool bad = lg2 > s->cfg.sid_bits || fmt > (s->cfg.two_level_strtab ? 1u : 0u);

	if (fmt == 1) {
		bad = bad || (split != 6 && split != 8 && split != 10);
		bytes_lg2 = lg2 > split ? lg2 - split + 3 : 3;
	}
	if (bytes_lg2 < 64 &&
	    (s->reg.strtab_base & ADDR_BITS(6) & ((UINT64_C(1) << bytes_lg2) - 1)) != 0)
		bad = true;
	if (bad)
		sim_smmu_find(s, SIM_SMMUV3_FIND_STRTAB_SIZE, cfg);
}

static void check_queue(struct sim_smmuv3 *s, uint64_t base, unsigned int entry_lg2,
			unsigned int lg2_max)
{
	unsigned int lg2 = base & 0x1f;

	if (lg2 > lg2_max || (base & ADDR_BITS(5) & ((UINT64_C(1) << (lg2 + entry_lg2)) - 1)) != 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_QUEUE_SIZE, base);
}

unsigned int sim_smmu_cmdq_lg2(const struct sim_smmuv3 *s)
{
	unsigned int lg2 = s->reg.cmdq_base & 0x1f;

	return lg2 > s->cfg.cmdq_lg2_max ? s->cfg.cmdq_lg2_max : lg2;
}

unsigned int sim_smmu_evtq_lg2(const struct sim_smmuv3 *s)
{
	unsigned int lg2 = s->reg.evtq_base & 0x1f;

	return lg2 > s->cfg.evtq_lg2_max ? s->cfg.evtq_lg2_max : lg2;
}

/* The SMMU takes the address bits below the size of the queue as zero (6.3.26). */
uint64_t sim_smmu_queue_base(uint64_t base_reg, unsigned int entry_lg2, unsigned int lg2)
{
	return base_reg & ADDR_BITS(5) & ~((UINT64_C(1) << (entry_lg2 + lg2)) - 1);
}

static void write_cmdq_prod(struct sim_smmuv3 *s, uint32_t value)
{
	unsigned int lg2 = sim_smmu_cmdq_lg2(s);
	uint32_t mask = (2u << lg2) - 1;

	/* 3.5.1: beyond the wrap bit, more entries than the queue has, or backwards. */
	if ((value & ~mask) != 0 || sim_smmu_queue_nr(value, s->reg.cmdq_cons, lg2) > 1u << lg2 ||
	    sim_smmu_queue_nr(value, s->reg.cmdq_cons, lg2) <
		    sim_smmu_queue_nr(s->reg.cmdq_prod, s->reg.cmdq_cons, lg2)) {
		if ((s->reg.cr0ack & CR0_CMDQEN) != 0) {
			sim_smmu_find(s, SIM_SMMUV3_FIND_CMDQ_PROD, value);
			return;
		}
	}
	s->reg.cmdq_prod = value & mask;
	sim_smmu_cmdq_run(s, false);
}

static void write_evtq_cons(struct sim_smmuv3 *s, uint32_t value)
{
	unsigned int lg2 = sim_smmu_evtq_lg2(s);
	uint32_t mask = (2u << lg2) - 1;
	uint32_t idx = value & ~QUEUE_FLAG;

	/* CONS may only move forward, up to PROD. */
	if ((s->reg.cr0ack & CR0_EVENTQEN) != 0 &&
	    ((idx & ~mask) != 0 ||
	     sim_smmu_queue_nr(s->reg.evtq_prod, idx, lg2) >
		     sim_smmu_queue_nr(s->reg.evtq_prod, s->reg.evtq_cons, lg2))) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_EVENTQ_CONS, value);
		return;
	}
	s->reg.evtq_cons = (value & QUEUE_FLAG) | (idx & mask);
}

/* Registers that are plain values, once software is allowed to write them. */
static bool write_is_live(struct sim_smmuv3 *s, const struct reg_info *info)
{
	uint32_t on = s->reg.cr0 | s->reg.cr0ack;
	uint32_t irq = s->reg.irq_ctrl | s->reg.irq_ctrlack;

	switch (info->kind) {
	case REG_CR2:
		if ((on & CR0_SMMUEN) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_CR, info->offset);
		return (on & CR0_SMMUEN) != 0;
	case REG_STRTAB:
		if ((on & CR0_SMMUEN) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_STRTAB, info->offset);
		return (on & CR0_SMMUEN) != 0;
	case REG_CMDQ_BASE:
	case REG_CMDQ_CONS:
		if ((on & CR0_CMDQEN) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_CMDQ, info->offset);
		return (on & CR0_CMDQEN) != 0;
	case REG_EVTQ_BASE:
	case REG_EVTQ_PROD:
		if ((on & CR0_EVENTQEN) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_EVENTQ, info->offset);
		return (on & CR0_EVENTQEN) != 0;
	case REG_GERROR_CFG:
		if ((irq & IRQ_GERROR) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_IRQ_CFG, info->offset);
		return (irq & IRQ_GERROR) != 0;
	case REG_EVTQ_CFG:
		if ((irq & IRQ_EVENTQ) != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_LIVE_IRQ_CFG, info->offset);
		return (irq & IRQ_EVENTQ) != 0;
	default:
		return false;
	}
}

static void write_plain(struct sim_smmuv3 *s, const struct reg_info *info, uint64_t value)
{
	bool irq_cfg = info->kind == REG_GERROR_CFG || info->kind == REG_EVTQ_CFG;

	if (info->kind == REG_ZERO || write_is_live(s, info))
		return;
	/* Without MSIs these registers are reserved (6.3.20). */
	if (irq_cfg && !s->cfg.msi) {
		if (value != 0)
			sim_smmu_find(s, SIM_SMMUV3_FIND_RESERVED_BITS, info->offset);
		return;
	}
	reg_set(s, info, value);
}

static void reg_write(struct sim_smmuv3 *s, const struct reg_info *info, uint64_t value)
{
	switch (info->kind) {
	case REG_CR0:
		write_cr0(s, (uint32_t)value);
		break;
	case REG_CR1:
		write_cr1(s, (uint32_t)value);
		break;
	case REG_GBPA:
		write_gbpa(s, (uint32_t)value);
		break;
	case REG_IRQ_CTRL:
		write_irq_ctrl(s, (uint32_t)value);
		break;
	case REG_GERRORN:
		write_gerrorn(s, (uint32_t)value);
		break;
	case REG_CMDQ_PROD:
		write_cmdq_prod(s, (uint32_t)value);
		break;
	case REG_EVTQ_CONS:
		write_evtq_cons(s, (uint32_t)value);
		break;
	default:
		write_plain(s, info, value);
		break;
	}
}

void sim_smmuv3_mmio_write(struct sim_smmuv3 *s, uint64_t offset, unsigned int width,
			   uint64_t value)
{
	const struct reg_info *info = reg_find(offset);
	unsigned int shift;

	if (offset == 0x0a8 || offset == 0x0ac) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_WRONG_PAGE, offset);
		return;
	}
	if (info == NULL || (width != 4 && width != 8) || !width_is_good(info, offset, width)) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_BAD_ACCESS, offset);
		return;
	}
	if (info->kind == REG_RO || info->kind == REG_IDR) {
		sim_smmu_find(s, SIM_SMMUV3_FIND_READ_ONLY, offset);
		return;
	}
	if (width == 4)
		value &= UINT32_MAX;
	shift = (unsigned int)(8 * (offset - info->offset));
	if ((value << shift & ~info->defined) != 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_RESERVED_BITS, offset);
	if (width < info->width) {
		uint64_t keep = reg_get(s, info) & ~((uint64_t)UINT32_MAX << shift);

		value = keep | value << shift;
	}
	reg_write(s, info, value & info->defined);
}

/* What CR0 newly enables is checked at the moment it takes effect. */
static void cr0_takes_effect(struct sim_smmuv3 *s)
{
	uint32_t risen = s->reg.cr0 & ~s->reg.cr0ack;

	s->reg.cr0ack = s->reg.cr0;
	if ((risen & CR0_SMMUEN) != 0)
		check_strtab(s);
	if ((risen & CR0_EVENTQEN) != 0)
		check_queue(s, s->reg.evtq_base, 5, s->cfg.evtq_lg2_max);
	if ((risen & CR0_CMDQEN) != 0) {
		check_queue(s, s->reg.cmdq_base, 4, s->cfg.cmdq_lg2_max);
		sim_smmu_cmdq_run(s, false);
	}
}

void sim_smmu_regs_step(struct sim_smmuv3 *s)
{
	bool at_once = s->cfg.lazy_ack == 0;

	if (s->cr0_due != 0 && (at_once || s->now >= s->cr0_due)) {
		s->cr0_due = 0;
		cr0_takes_effect(s);
	}
	if (s->irq_due != 0 && (at_once || s->now >= s->irq_due)) {
		s->irq_due = 0;
		s->reg.irq_ctrlack = s->reg.irq_ctrl;
	}
	if (s->gbpa_due != 0 && (at_once || s->now >= s->gbpa_due)) {
		s->gbpa_due = 0;
		s->reg.gbpa &= ~GBPA_UPDATE;
	}
}

void sim_smmu_regs_reset(struct sim_smmuv3 *s)
{
	s->reg = (struct sim_smmu_regs){ 0 };
	s->reg.gbpa = 1u << 12 | (s->cfg.gbpa_abort ? GBPA_ABORT : 0);
	s->cr0_due = 0;
	s->irq_due = 0;
	s->gbpa_due = 0;
}
