/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1, lower half (TTBR0): Arm ARM DDI0487, chapter D8. Bits only; included by
 * vmsav8_4k.h, vmsav8_16k.h and vmsav8_64k.h, which say PT_GRANULE_LG2. The vendor's level 3 is
 * level 0 here. Output addresses of up to 48 bits; the 52-bit forms are not used.
 */
#ifndef DMAMAP_PGTABLE_FMT_VMSAV8_H
#define DMAMAP_PGTABLE_FMT_VMSAV8_H

#define PT_WORD_BYTES 8
#define PT_IDX_LG2 (PT_GRANULE_LG2 - 3) /* a table is one granule: DDI0487 D8.2 */
#define PT_TOP_IDX_LG2 PT_IDX_LG2
#define PT_IAS_MIN 32
#define PT_IAS_MAX 48
#define PT_OAS_MIN 32
#define PT_OAS_MAX 48
#define PT_TABLE_PHYS_LAST UINT64_MAX

/* Descriptor types, bits [1:0]: DDI0487 D8.3.1 */
#define V8_TYPE UINT64_C(3)
#define PT_FMT_TYPE V8_TYPE
#define V8_BLOCK UINT64_C(1)
#define V8_TABLE UINT64_C(3)
#define V8_PAGE UINT64_C(3)

/* Attributes of block and page descriptors: DDI0487 D8.3.1.2; AP D8.4.1; SH, AttrIndx D8.5 */
#define V8_ATTRINDX(n) ((uint64_t)(n) << 2)
#define V8_AP_UNPRIV (UINT64_C(1) << 6) /* AP[1] */
#define V8_AP_RDONLY (UINT64_C(1) << 7) /* AP[2] */
#define V8_SH_OUTER (UINT64_C(2) << 8)
#define V8_SH_INNER (UINT64_C(3) << 8)
#define V8_AF (UINT64_C(1) << 10)
#define V8_NG (UINT64_C(1) << 11)	  /* so that invalidation by ASID reaches it */
#define V8_CONTIGUOUS (UINT64_C(1) << 52) /* DDI0487 D8.6.1 */
#define V8_PXN (UINT64_C(1) << 53)
#define V8_UXN (UINT64_C(1) << 54)
#define V8_ADDR UINT64_C(0x0000fffffffff000)

/* AttrIndx and what MAIR says for it */
#define V8_ATTR_NC 0u  /* 0x44: normal, inner and outer non-cacheable */
#define V8_ATTR_WB 1u  /* 0xff: normal, write-back, read and write allocate */
#define V8_ATTR_DEV 2u /* 0x04: Device-nGnRE */
#define V8_MAIR UINT64_C(0x000000000004ff44)

/* Bits [58:51] of a table descriptor are ignored: this entry has reached memory. */
#define PT_SYNCED (UINT64_C(1) << 55)
/* Bits [58:55] of block and page descriptors are software's: DDI0487 D8.3.1.2. */
#define PT_FIRST (UINT64_C(1) << 57)
#define PT_MORE (UINT64_C(1) << 56)
#define PT_GROUP_REPLICATES 0

static inline bool pt_fmt_is_table(uint32_t level, uint64_t v)
{
	return level != 0 && (v & V8_TABLE & ~V8_BLOCK) != 0; /* 10 is never written */
}

static inline bool pt_fmt_is_leaf(uint32_t level, uint64_t v)
{
	return (v & V8_TYPE) == (level == 0 ? V8_PAGE : V8_BLOCK);
}

/* Bit 0 of a running AND over words stays 1 while all of them are valid. */
#define PT_FMT_FOLD_VALID(acc, v) ((acc) & (v))

static inline bool pt_fmt_is_group(uint32_t level, uint64_t v)
{
	(void)level;
	return (v & V8_CONTIGUOUS) != 0;
}

static inline uint64_t pt_fmt_table_word(phys_addr_t table)
{
	return table | V8_TABLE;
}

static inline phys_addr_t pt_fmt_table_phys(uint64_t v)
{
	return v & V8_ADDR;
}

/* The address field is the address: also for vectors of addresses. */
#define PT_FMT_ENCODE(phys) (phys)

static inline uint64_t pt_fmt_encode(phys_addr_t phys)
{
	return PT_FMT_ENCODE(phys);
}

/* log2 of the memory whose first byte the word names */
static inline uint32_t pt_fmt_leaf_lg2(uint32_t level, uint64_t v)
{
	(void)v;
	return PT_GRANULE_LG2 + level * PT_IDX_LG2;
}

static inline phys_addr_t pt_fmt_leaf_phys(uint32_t level, uint64_t v)
{
	return v & V8_ADDR & ~((UINT64_C(1) << pt_fmt_leaf_lg2(level, v)) - 1);
}

/* Write implies read: stage 1 has no write-only entries (DDI0487 D8.4.1). */
static inline uint64_t pt_fmt_word(uint32_t prot, uint32_t level, bool group)
{
	uint64_t v = V8_AF | V8_NG | (level == 0 ? V8_PAGE : V8_BLOCK);

	if ((prot & DMA_PROT_WRITE) == 0)
		v |= V8_AP_RDONLY;
	if ((prot & DMA_PROT_PRIV) == 0)
		v |= V8_AP_UNPRIV;
	if ((prot & (DMA_PROT_NOEXEC | DMA_PROT_MMIO)) != 0)
		v |= V8_UXN | V8_PXN;
	if ((prot & DMA_PROT_MMIO) != 0)
		v |= V8_ATTRINDX(V8_ATTR_DEV) | V8_SH_OUTER;
	else if ((prot & DMA_PROT_CACHE) != 0)
		v |= V8_ATTRINDX(V8_ATTR_WB) | V8_SH_INNER;
	else
		v |= V8_ATTRINDX(V8_ATTR_NC) | V8_SH_OUTER;
	return group ? v | V8_CONTIGUOUS : v;
}

static inline uint32_t pt_fmt_prot(uint32_t level, uint64_t v)
{
	uint64_t attr = v & V8_ATTRINDX(7);
	uint32_t prot = DMA_PROT_READ;

	(void)level;
	prot |= (v & V8_AP_RDONLY) == 0 ? DMA_PROT_WRITE : 0;
	prot |= (v & V8_AP_UNPRIV) == 0 ? DMA_PROT_PRIV : 0;
	prot |= (v & V8_UXN) != 0 ? DMA_PROT_NOEXEC : 0;
	prot |= attr == V8_ATTRINDX(V8_ATTR_DEV) ? DMA_PROT_MMIO : 0;
	prot |= attr == V8_ATTRINDX(V8_ATTR_WB) ? DMA_PROT_CACHE : 0;
	return prot;
}

/* TCR fields: T0SZ, TG0, IPS, IRGN0/ORGN0, SH0 (TCR_EL1; IHI0070 5.4 has the same in the CD). */
static inline void pt_fmt_info(const struct pgtable *pt, struct pgtable_info *info)
{
	static const uint8_t ips_bits[] = { 32, 36, 40, 42, 44, 48 };

	info->mair = V8_MAIR;
	info->t0sz = 64 - pt->ias_bits;
	info->tg0 = PT_GRANULE_LG2 == 12 ? 0 : PT_GRANULE_LG2 == 14 ? 2 : 1;
	info->ips = 0;
	while (info->ips < 5 && ips_bits[info->ips] < pt->oas_bits)
		info->ips++;
	info->cacheability = pt->noncoherent ? 0 : 1;
	info->shareability = pt->noncoherent ? 2 : 3;
}

#endif
