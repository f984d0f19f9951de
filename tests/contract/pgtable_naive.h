/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table walkers as the specifications describe them, slow and literal, one byte of memory at a
 * time. Independent of src/pgtable: no macro and no structure is shared, so that both can only
 * agree when both are right. What hardware sees is what the read function returns.
 */
#ifndef DMAMAP_TESTS_PGTABLE_NAIVE_H
#define DMAMAP_TESTS_PGTABLE_NAIVE_H

#include <dmamap/iommu.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct naive - what the hardware was told
 * @read: one byte of memory as the walker sees it
 * @ctx: for @read
 * @root: TTBR
 * @granule_lg2: TG0
 * @ias_bits: 64 - T0SZ
 */
struct naive {
	uint8_t (*read)(void *ctx, uint64_t phys);
	void *ctx;
	uint64_t root;
	uint32_t granule_lg2;
	uint32_t ias_bits;
};

/**
 * struct naive_leaf - a translation
 * @phys: of the IOVA asked for
 * @size: bytes that one TLB entry may cover from it: block or page, or a whole contiguous set
 * @prot: what it allows, as DMA_PROT_*
 * @desc: phys of the descriptor
 * @raw: the descriptor
 * @table: phys of the table that holds it
 */
struct naive_leaf {
	uint64_t phys;
	uint64_t size;
	uint32_t prot;
	uint64_t desc;
	uint64_t raw;
	uint64_t table;
};

static uint64_t naive_word(const struct naive *n, uint64_t phys, uint32_t bytes)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < bytes; i++)
		v |= (uint64_t)n->read(n->ctx, phys + i) << (8 * i);
	return v;
}

static uint64_t naive_bits(uint64_t v, uint32_t high, uint32_t low)
{
	return v >> low & ((UINT64_C(2) << (high - low)) - 1);
}

/* DDI0487 D8.3.1.2: attributes of a stage 1 block or page */
static uint32_t naive_vmsav8_prot(uint64_t d)
{
	uint32_t prot = DMA_PROT_READ;

	if (naive_bits(d, 7, 7) == 0)
		prot |= DMA_PROT_WRITE;
	if (naive_bits(d, 6, 6) == 0)
		prot |= DMA_PROT_PRIV;
	if (naive_bits(d, 54, 53) == 3)
		prot |= DMA_PROT_NOEXEC;
	if (naive_bits(d, 4, 2) == 1)
		prot |= DMA_PROT_CACHE;
	if (naive_bits(d, 4, 2) == 2)
		prot |= DMA_PROT_MMIO;
	return prot;
}

/* DDI0487 D8.6.1: entries in a contiguous set */
static uint64_t naive_vmsav8_set(uint32_t granule_lg2, uint32_t level)
{
	if (granule_lg2 == 12)
		return 16;
	if (granule_lg2 == 14)
		return level == 3 ? 128 : 32;
	return 32;
}

/* @level is the vendor's: 3 is the last. False: translation fault. */
static inline bool naive_vmsav8(const struct naive *n, uint64_t iova, struct naive_leaf *leaf)
{
	uint32_t stride = n->granule_lg2 - 3;
	uint32_t level = 3 - (n->ias_bits - 1 - n->granule_lg2) / stride;
	uint64_t table = n->root;

	if (n->ias_bits < 64 && iova >> n->ias_bits != 0)
		return false;
	for (;; level++) {
		uint32_t low = n->granule_lg2 + (3 - level) * stride;
		uint32_t high =
			low + stride - 1 < n->ias_bits - 1 ? low + stride - 1 : n->ias_bits - 1;
		uint64_t desc = table + 8 * naive_bits(iova, high, low);
		uint64_t d = naive_word(n, desc, 8);

		if (naive_bits(d, 0, 0) == 0)
			return false;
		if (level < 3 && naive_bits(d, 1, 1) == 1) {
			table = naive_bits(d, 47, n->granule_lg2) << n->granule_lg2;
			continue;
		}
		if (level == 3 && naive_bits(d, 1, 1) == 0)
			return false;
		if (naive_bits(d, 10, 10) == 0) /* access flag fault */
			return false;
		leaf->phys = naive_bits(d, 47, low) << low | naive_bits(iova, low - 1, 0);
		leaf->size = UINT64_C(1) << low;
		if (naive_bits(d, 52, 52) == 1)
			leaf->size *= naive_vmsav8_set(n->granule_lg2, level);
		leaf->prot = naive_vmsav8_prot(d);
		leaf->desc = desc;
		leaf->raw = d;
		leaf->table = table;
		return true;
	}
}

/* DDI0406C B3.7.1, table B3-10: TEX C B and AP of any leaf */
static uint32_t naive_short_prot(uint32_t ap, uint32_t texcb, uint32_t xn)
{
	uint32_t prot = DMA_PROT_READ;

	if ((ap & 4) == 0)
		prot |= DMA_PROT_WRITE;
	if ((ap & 2) == 0)
		prot |= DMA_PROT_PRIV;
	if (xn != 0)
		prot |= DMA_PROT_NOEXEC;
	if (texcb == 7) /* 001 1 1 */
		prot |= DMA_PROT_CACHE;
	if (texcb == 1) /* 000 0 1 */
		prot |= DMA_PROT_MMIO;
	return prot;
}

static void naive_short_first(uint64_t d, uint64_t iova, struct naive_leaf *leaf)
{
	uint32_t low = naive_bits(d, 18, 18) == 1 ? 24 : 20;

	leaf->phys = naive_bits(d, 31, low) << low | naive_bits(iova, low - 1, 0);
	leaf->size = UINT64_C(1) << low;
	leaf->prot =
		naive_short_prot((uint32_t)(naive_bits(d, 15, 15) << 2 | naive_bits(d, 11, 10)),
				 (uint32_t)(naive_bits(d, 14, 12) << 2 | naive_bits(d, 3, 2)),
				 (uint32_t)naive_bits(d, 4, 4));
}

static void naive_short_second(uint64_t d, uint64_t iova, struct naive_leaf *leaf)
{
	bool large = naive_bits(d, 1, 1) == 0;
	uint32_t low = large ? 16 : 12;
	uint64_t tex = large ? naive_bits(d, 14, 12) : naive_bits(d, 8, 6);

	leaf->phys = naive_bits(d, 31, low) << low | naive_bits(iova, low - 1, 0);
	leaf->size = UINT64_C(1) << low;
	leaf->prot =
		naive_short_prot((uint32_t)(naive_bits(d, 9, 9) << 2 | naive_bits(d, 5, 4)),
				 (uint32_t)(tex << 2 | naive_bits(d, 3, 2)),
				 (uint32_t)(large ? naive_bits(d, 15, 15) : naive_bits(d, 0, 0)));
}

/* DDI0406C B3.5.2, figures B3-9 to B3-12. False: translation fault. */
static inline bool naive_short(const struct naive *n, uint64_t iova, struct naive_leaf *leaf)
{
	if (iova >> 32 != 0)
		return false;
	leaf->table = n->root;
	leaf->desc = n->root + 4 * naive_bits(iova, 31, 20);
	leaf->raw = naive_word(n, leaf->desc, 4);
	if (naive_bits(leaf->raw, 1, 1) == 1) {
		naive_short_first(leaf->raw, iova, leaf);
		return true;
	}
	if (naive_bits(leaf->raw, 1, 0) == 0)
		return false;
	leaf->table = naive_bits(leaf->raw, 31, 10) << 10;
	leaf->desc = leaf->table + 4 * naive_bits(iova, 19, 12);
	leaf->raw = naive_word(n, leaf->desc, 4);
	if (naive_bits(leaf->raw, 1, 0) == 0)
		return false;
	naive_short_second(leaf->raw, iova, leaf);
	return true;
}

#endif
