/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: what makes an STE or a CD legal (IHI0070 5.2, 5.4), and which of their bits
 * mean something in a given configuration. Pure functions of the words; findings aside.
 */
#include "sim/smmuv3_internal.h"

#define BIT(n) (UINT64_C(1) << (n))

static uint64_t field(uint64_t word, unsigned int low, unsigned int bits)
{
	return word >> low & (BIT(bits) - 1);
}

/* STE bits this implementation defines; the rest is reserved (5.2). */
static bool ste_bits_are_clean(const struct sim_smmuv3 *s, const uint64_t *ste)
{
	uint64_t out = ~(BIT(s->cfg.oas_bits) - 1);
	uint64_t defined1 = 0xff | 0xf00 | BIT(12) | 0xfu << 13 | BIT(17) | BIT(19) | 0xfu << 20 |
			    BIT(27) | UINT64_C(3) << 28 | UINT64_C(3) << 44 | UINT64_C(0xfff) << 52;

	if (s->cfg.attr_ovr)
		defined1 |= UINT64_C(0x1ff) << 32 | UINT64_C(0x3f) << 46;
	if ((ste[0] & ADDR_BITS(6) & out) != 0 || (ste[0] & UINT64_C(0x7f) << 52) != 0 ||
	    (ste[1] & ~defined1) != 0)
		return false;
	return ste[4] == 0 && ste[5] == 0 && ste[6] == 0 && ste[7] == 0;
}

bool sim_smmu_ste_legal(struct sim_smmuv3 *s, const uint64_t *ste, uint32_t sid)
{
	unsigned int config = (unsigned int)field(ste[0], 1, 3);
	unsigned int cdmax = (unsigned int)field(ste[0], 59, 5);
	unsigned int fmt = (unsigned int)field(ste[0], 4, 2);

	if ((ste[0] & 1) == 0)
		return false;
	if (!ste_bits_are_clean(s, ste))
		sim_smmu_find(s, SIM_SMMUV3_FIND_STE_BITS, sid);
	if (config < STE_BYPASS || config == STE_BYPASS)
		return true;
	if (config != STE_S1) /* no stage 2 here */
		return false;
	/* Stalls are not configurable: S1STALLD is illegal (5.2). */
	if ((ste[1] & BIT(27)) != 0)
		return false;
	if (s->cfg.ssid_bits != 0 && cdmax > s->cfg.ssid_bits)
		return false;
	if (s->cfg.ssid_bits != 0 && cdmax != 0 && (fmt == 1 || fmt == 2) && !s->cfg.two_level_cd)
		return false;
	/* Without substreams the field is reserved; a driver that asks for them anyway is wrong. */
	if (s->cfg.ssid_bits == 0 && cdmax != 0)
		return false;
	return true;
}

static unsigned int granule_lg2(const struct sim_smmuv3 *s, uint64_t tg, bool upper)
{
	static const uint8_t lower_lg2[] = { 12, 16, 14, 0 };
	static const uint8_t upper_lg2[] = { 0, 14, 12, 16 };
	unsigned int lg2 = upper ? upper_lg2[tg] : lower_lg2[tg];
	unsigned int bit = lg2 == 12   ? SIM_SMMUV3_GRAN4K
			   : lg2 == 14 ? SIM_SMMUV3_GRAN16K
				       : SIM_SMMUV3_GRAN64K;

	return lg2 != 0 && (s->cfg.granules & bit) != 0 ? lg2 : 0;
}

static unsigned int out_bits(const struct sim_smmuv3 *s, uint64_t ips)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

	return bits[ips] < s->cfg.oas_bits ? bits[ips] : s->cfg.oas_bits;
}

/* One half of the address space; false if the CD is illegal because of it (5.4.2). */
static bool decode_half(struct sim_smmuv3 *s, const uint64_t *cd, bool upper,
			struct sim_smmu_context *ctx, uint32_t sid)
{
	struct sim_smmu_half *half = &ctx->half[upper];
	unsigned int at = upper ? 16 : 0;
	uint64_t word = cd[upper ? 2 : 1];
	unsigned int txsz = (unsigned int)field(cd[0], at, 6);
	unsigned int min;
	unsigned int root_lg2;

	half->disabled = (cd[0] & BIT(at + 14)) != 0;
	half->granule_lg2 = granule_lg2(s, field(cd[0], at + 6, 2), upper);
	half->size_bits = 64 - txsz;
	half->ttb = word & ADDR_BITS(4);
	half->had = s->cfg.had && (word & BIT(1)) != 0;
	if (half->disabled)
		return true;
	if (half->granule_lg2 == 0)
		return false;
	/* 52-bit addresses only with 64K and VAX; no small translation tables (5.4 T0SZ). */
	min = half->granule_lg2 == 16 && s->cfg.oas_bits == 52 ? 12 : 16;
	if (txsz < min || txsz > 39)
		return false;
	if (half->ttb >> ctx->out_bits != 0 || (half->granule_lg2 != 16 && half->ttb >> 48 != 0))
		return false;
	root_lg2 = (half->size_bits - half->granule_lg2) % (half->granule_lg2 - 3);
	root_lg2 = root_lg2 == 0 ? half->granule_lg2 : root_lg2 + 3;
	if ((half->ttb & (BIT(root_lg2 < 6 ? 6 : root_lg2) - 1)) != 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_CD_BITS, sid);
	return true;
}

static bool cd_bits_are_clean(const struct sim_smmuv3 *s, const uint64_t *cd)
{
	/* NSCFGx is ignored for Non-secure streams, HADx exists with IDR3.HAD, AMAIR is ours. */
	uint64_t had = s->cfg.had ? 2 : 0;
	uint64_t base = ADDR_BITS(4) | 1 | had;

	return (cd[1] & ~base) == 0 && (cd[2] & ~base) == 0 && cd[5] == 0 && cd[6] == 0 &&
	       cd[7] == 0;
}

bool sim_smmu_cd_legal(struct sim_smmuv3 *s, const uint64_t *cd, struct sim_smmu_context *ctx,
		       uint32_t sid)
{
	if ((cd[0] & BIT(31)) == 0)
		return false;
	/* AArch64 tables only; no HTTU; no stalls; abort only; little-endian tables. */
	if ((cd[0] & BIT(41)) == 0 || (cd[0] & (BIT(42) | BIT(43) | BIT(44))) != 0 ||
	    (cd[0] & BIT(46)) == 0)
		return false;
	ctx->asid = (uint32_t)field(cd[0], 48, 16);
	if (!s->cfg.asid16 && ctx->asid > 0xff)
		return false;
	ctx->out_bits = out_bits(s, field(cd[0], 32, 3));
	if (!decode_half(s, cd, false, ctx, sid) || !decode_half(s, cd, true, ctx, sid))
		return false;
	if ((cd[0] & BIT(15)) != 0 && !(ctx->half[0].disabled && ctx->half[1].disabled))
		return false;
	if (!cd_bits_are_clean(s, cd))
		sim_smmu_find(s, SIM_SMMUV3_FIND_CD_BITS, sid);
	ctx->affd = (cd[0] & BIT(35)) != 0;
	ctx->wxn = (cd[0] & BIT(36)) != 0;
	ctx->tbi[0] = (cd[0] & BIT(38)) != 0;
	ctx->tbi[1] = (cd[0] & BIT(39)) != 0;
	ctx->pan = (cd[0] & BIT(40)) != 0;
	ctx->record = (cd[0] & BIT(45)) != 0;
	ctx->aset = (cd[0] & BIT(47)) != 0;
	return true;
}

/* Bits of a valid STE that the SMMU looks at in its configuration. */
static void ste_used(const uint64_t *ste, uint64_t used[8])
{
	unsigned int config = (unsigned int)field(ste[0], 1, 3);

	for (unsigned int i = 0; i < 8; i++)
		used[i] = 0;
	used[0] = 0xf;
	if (config < STE_BYPASS)
		return;
	/* Overrides of attributes: MemAttr to INSTCFG. */
	used[1] = UINT64_C(0xfffff) << 32;
	if (config != STE_S1)
		return;
	used[0] = UINT64_MAX;
	used[1] |= 0xff | BIT(27) | UINT64_C(3) << 28 | UINT64_C(3) << 30;
}

static void cd_used(const uint64_t *cd, uint64_t used[8])
{
	used[0] = UINT64_MAX;
	used[1] = (cd[0] & BIT(14)) != 0 ? 0 : ADDR_BITS(4) | 2;
	used[2] = (cd[0] & BIT(30)) != 0 ? 0 : ADDR_BITS(4) | 2;
	used[3] = UINT64_MAX;
	used[4] = UINT64_MAX;
	for (unsigned int i = 5; i < 8; i++)
		used[i] = 0;
}

/*
 * Whether hardware may have seen, or see yet, a mixture of two versions of a structure of which the
 * second is valid: words are read one by one, in any order and at any time, so that two valid
 * versions may differ in one word only, and becoming valid must be the only change (3.21.3.1).
 * Bits that neither version uses do not count.
 */
bool sim_smmu_is_torn(const uint64_t *was, const uint64_t *is, bool is_ste)
{
	const uint64_t valid = is_ste ? 1 : BIT(31);
	uint64_t used_was[8] = { 0 };
	uint64_t used_is[8];
	unsigned int nr = 0;

	if (is_ste)
		ste_used(is, used_is);
	else
		cd_used(is, used_is);
	if ((was[0] & valid) != 0) {
		if (is_ste)
			ste_used(was, used_was);
		else
			cd_used(was, used_was);
	}
	for (unsigned int i = 0; i < 8; i++)
		nr += ((was[i] ^ is[i]) & (used_was[i] | used_is[i])) != 0 ? 1 : 0;
	return nr > 1;
}
