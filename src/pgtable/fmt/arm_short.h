/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARMv7 VMSA short descriptors: DDI0406C B3.5. Bits only. Two levels of 4-byte entries: the
 * vendor's second level (256 entries, 1 KiB) is level 0, the first (4096 entries, 16 KiB,
 * TTBCR.N = 0) is level 1. Large pages and supersections are groups of 16 equal words. Encodings
 * are for TEX remap off (SCTLR.TRE = 0), and mean the same with the access flag on or off:
 * AP[0], always 1, is then the flag.
 */
#ifndef DMAMAP_PGTABLE_FMT_ARM_SHORT_H
#define DMAMAP_PGTABLE_FMT_ARM_SHORT_H

#define PT_NAME "arm-short"
#define PT_FMT DMA_PT_ARM_SHORT
#define PT_WORD_BYTES 4
#define PT_GRANULE_LG2 12
#define PT_IDX_LG2 8
#define PT_TOP_IDX_LG2 12
#define PT_NR_LEVELS 2
#define PT_LEAF_LEVELS 0x3u  /* small page 4 KiB, section 1 MiB */
#define PT_GROUP_LEVELS 0x3u /* large page 64 KiB, supersection 16 MiB */
#define PT_GROUP_LG2(level) 4u
#define PT_GROUP_REPLICATES 1
#define PT_IAS_MIN 32
#define PT_IAS_MAX 32
#define PT_OAS_MIN 32
#define PT_OAS_MAX 32
#define PT_TABLE_PHYS_LAST UINT64_C(0xffffffff)
/* No bit is free for software. */
#define PT_SYNCED 0u
#define PT_FIRST 0u
#define PT_MORE 0u

#define PT_FMT_TYPE 3u

/* First level: DDI0406C B3.5.1, figure B3-4 */
#define S1_TABLE 0x1u
#define S1_SECTION 0x2u
#define S1_XN (1u << 4)
#define S1_TEX0 (1u << 12)
#define S1_S (1u << 16)
#define S1_NG (1u << 17)
#define S1_SUPER (1u << 18)
#define S1_AP0 (1u << 10)
#define S1_AP1 (1u << 11)
#define S1_AP2 (1u << 15)

/* Second level: DDI0406C B3.5.1, figure B3-5 */
#define S2_LARGE 0x1u
#define S2_SMALL 0x2u
#define S2_SMALL_XN 0x1u
#define S2_LARGE_XN (1u << 15)
#define S2_SMALL_TEX0 (1u << 6)
#define S2_LARGE_TEX0 (1u << 12)
#define S2_AP0 (1u << 4)
#define S2_AP1 (1u << 5)
#define S2_AP2 (1u << 9)
#define S2_S (1u << 10)
#define S2_NG (1u << 11)

/* The same place in all leaf descriptors */
#define S_B (1u << 2)
#define S_C (1u << 3)

static inline bool pt_fmt_is_table(uint32_t level, uint32_t v)
{
	return level == 1 && (v & 3u) == S1_TABLE;
}

static inline bool pt_fmt_is_leaf(uint32_t level, uint32_t v)
{
	return level == 1 ? (v & 3u) == S1_SECTION : (v & 3u) != 0;
}

/* Bit 0 of a running AND over words stays 1 while all of them are valid. */
#define PT_FMT_FOLD_VALID(acc, v) ((acc) & ((v) | (v) >> 1))

static inline bool pt_fmt_is_group(uint32_t level, uint32_t v)
{
	return level == 1 ? (v & S1_SUPER) != 0 : (v & 3u) == S2_LARGE;
}

static inline uint32_t pt_fmt_table_word(phys_addr_t table)
{
	return (uint32_t)table | S1_TABLE;
}

static inline phys_addr_t pt_fmt_table_phys(uint32_t v)
{
	return v & 0xfffffc00u;
}

static inline uint32_t pt_fmt_encode(phys_addr_t phys)
{
	return (uint32_t)phys;
}

static inline uint32_t pt_fmt_leaf_lg2(uint32_t level, uint32_t v)
{
	uint32_t lg2 = level == 1 ? 20 : 12;

	return pt_fmt_is_group(level, v) ? lg2 + PT_GROUP_LG2(level) : lg2;
}

static inline phys_addr_t pt_fmt_leaf_phys(uint32_t level, uint32_t v)
{
	return v & ~((1u << pt_fmt_leaf_lg2(level, v)) - 1);
}

/* TEX, C, B without remap: DDI0406C table B3-10. CACHE 001 1 1, plain 001 0 0, device 000 0 1 */
static inline uint32_t fmt_short_memtype(uint32_t prot, uint32_t tex0)
{
	if ((prot & DMA_PROT_MMIO) != 0)
		return S_B;
	return (prot & DMA_PROT_CACHE) != 0 ? tex0 | S_C | S_B : tex0;
}

/* AP[2:0] 011 all read-write, 111 all read-only, 001 and 101 the same for privileged only. */
static inline uint32_t fmt_short_section(uint32_t prot)
{
	uint32_t v = S1_SECTION | S1_AP0 | S1_NG | S1_S | fmt_short_memtype(prot, S1_TEX0);

	v |= (prot & DMA_PROT_WRITE) == 0 ? S1_AP2 : 0;
	v |= (prot & DMA_PROT_PRIV) == 0 ? S1_AP1 : 0;
	v |= (prot & (DMA_PROT_NOEXEC | DMA_PROT_MMIO)) != 0 ? S1_XN : 0;
	return v;
}

static inline uint32_t fmt_short_page(uint32_t prot, bool large)
{
	uint32_t xn = large ? S2_LARGE_XN : S2_SMALL_XN;
	uint32_t v = (large ? S2_LARGE : S2_SMALL) | S2_AP0 | S2_NG | S2_S;

	v |= fmt_short_memtype(prot, large ? S2_LARGE_TEX0 : S2_SMALL_TEX0);
	v |= (prot & DMA_PROT_WRITE) == 0 ? S2_AP2 : 0;
	v |= (prot & DMA_PROT_PRIV) == 0 ? S2_AP1 : 0;
	v |= (prot & (DMA_PROT_NOEXEC | DMA_PROT_MMIO)) != 0 ? xn : 0;
	return v;
}

static inline uint32_t pt_fmt_word(uint32_t prot, uint32_t level, bool group)
{
	if (level == 1)
		return fmt_short_section(prot) | (group ? S1_SUPER : 0);
	return fmt_short_page(prot, group);
}

static inline uint32_t fmt_short_prot(uint32_t type, bool rdonly, bool unpriv, bool xn)
{
	uint32_t prot = DMA_PROT_READ;

	prot |= rdonly ? 0 : DMA_PROT_WRITE;
	prot |= unpriv ? 0 : DMA_PROT_PRIV;
	prot |= xn ? DMA_PROT_NOEXEC : 0;
	prot |= type == S_B ? DMA_PROT_MMIO : 0;
	prot |= type == (S_C | S_B) ? DMA_PROT_CACHE : 0;
	return prot;
}

static inline uint32_t pt_fmt_prot(uint32_t level, uint32_t v)
{
	uint32_t type = v & (S_C | S_B);
	uint32_t xn = (v & 3u) == S2_LARGE ? S2_LARGE_XN : S2_SMALL_XN;

	if (level == 1)
		return fmt_short_prot(type, (v & S1_AP2) != 0, (v & S1_AP1) != 0, (v & S1_XN) != 0);
	return fmt_short_prot(type, (v & S2_AP2) != 0, (v & S2_AP1) != 0, (v & xn) != 0);
}

static inline void pt_fmt_info(const struct pgtable *pt, struct pgtable_info *info)
{
	(void)pt;
	(void)info;
}

#endif
