/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: VMSAv8-64 stage 1 table walks (DDI0487 D8.2, D8.3) for the three granules.
 * A walk reads memory as it is now, may begin at a cached table, and yields a leaf or a fault;
 * permissions are checked by the caller, because a cached leaf needs the same check.
 */
#include "sim/smmuv3_internal.h"

#define CLASS_TT 1u
#define CLASS_IN 2u

/* Descriptor bits (D8.3.1, D8.3.2). */
#define DESC_VALID (UINT64_C(1) << 0)
#define DESC_TABLE (UINT64_C(1) << 1)
#define DESC_AP_EL0 (UINT64_C(1) << 6)
#define DESC_AP_RO (UINT64_C(1) << 7)
#define DESC_AF (UINT64_C(1) << 10)
#define DESC_NG (UINT64_C(1) << 11)
#define DESC_NT (UINT64_C(1) << 16)
#define DESC_CONTIG (UINT64_C(1) << 52)
#define DESC_PXN (UINT64_C(1) << 53)
#define DESC_UXN (UINT64_C(1) << 54)
#define DESC_PXN_TABLE (UINT64_C(1) << 59)
#define DESC_UXN_TABLE (UINT64_C(1) << 60)
#define DESC_AP_NO_EL0_TABLE (UINT64_C(1) << 61)
#define DESC_AP_RO_TABLE (UINT64_C(1) << 62)

struct walk {
	struct sim_smmuv3 *s;
	const struct sim_smmu_context *ctx;
	const struct sim_smmu_half *half;
	struct sim_smmu_fault *fault;
	struct sim_smmu_wce attrs; /* hierarchical attributes so far, and the place */
	uint64_t iova;
	uint64_t table;
	uint64_t desc;
	uint64_t desc_phys;
	unsigned int level;
	unsigned int index_bits; /* of the table at this level */
	bool use_caches;
};

static bool walk_fault(struct walk *w, unsigned int event, unsigned int class, uint64_t fetch)
{
	*w->fault = (struct sim_smmu_fault){ event, class, fetch };
	return false;
}

/* Bytes that one descriptor of this level translates. */
static unsigned int level_lg2(const struct walk *w, unsigned int level)
{
	return w->half->granule_lg2 + (w->half->granule_lg2 - 3) * (3 - level);
}

/* Top Byte Ignore: the byte is replaced by copies of bit 55 (D8.2.1). */
uint64_t sim_smmu_walk_canonical(const struct sim_smmu_context *ctx, uint64_t iova)
{
	bool upper = (iova >> 55 & 1) != 0;

	if (!ctx->tbi[upper])
		return iova;
	return upper ? iova | UINT64_C(0xff) << 56 : iova & ~(UINT64_C(0xff) << 56);
}

/* The table that the address belongs to, if any. */
static bool walk_select(struct walk *w, bool *upper)
{
	unsigned int bits;
	uint64_t top;

	*upper = (w->iova >> 55 & 1) != 0;
	w->half = &w->ctx->half[*upper];
	if (w->half->disabled)
		return false;
	bits = w->half->size_bits;
	top = w->iova >> bits;
	return *upper ? top == UINT64_MAX >> bits : top == 0;
}

static bool walk_read(struct walk *w, uint64_t phys, uint64_t *desc)
{
	uint64_t injected = w->s->inject_walk_abort;
	uint8_t bytes[8];

	w->s->stats.walk_reads += w->use_caches ? 1 : 0;
	if ((injected != UINT64_MAX && (injected & ~UINT64_C(7)) == phys) ||
	    w->s->host.read(w->s->host.ctx, phys, bytes, sizeof(bytes)) != 0)
		return walk_fault(w, SIM_SMMUV3_F_WALK_EABT, CLASS_TT, phys);
	*desc = sim_smmu_get64(bytes);
	return true;
}

/* The output address of a table, block or page descriptor: bits 47:low, 64K also 51:48. */
static uint64_t desc_address(const struct walk *w, unsigned int low)
{
	uint64_t addr = w->desc & ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << low) - 1);

	if (w->half->granule_lg2 == 16 && w->s->cfg.oas_bits == 52)
		addr |= (w->desc >> 12 & 0xf) << 48;
	return addr;
}

static bool address_is_out(const struct walk *w, uint64_t addr)
{
	return addr >> w->ctx->out_bits != 0;
}

/* Start at the root, or below it where a table is cached. */
static void walk_begin(struct walk *w, bool upper)
{
	unsigned int stride = w->half->granule_lg2 - 3;
	unsigned int bits = w->half->size_bits - w->half->granule_lg2;
	const struct sim_smmu_wce *wce = NULL;
	unsigned int levels = (bits + stride - 1) / stride;

	w->s->stats.walks += w->use_caches ? 1 : 0;
	if (w->use_caches)
		wce = sim_smmu_wc_lookup(w->s, w->ctx, upper, w->iova);
	if (wce != NULL) {
		w->s->stats.walk_hits++;
		w->attrs = *wce;
		w->level = wce->level + 1;
		w->table = wce->next_table;
		w->index_bits = stride;
		return;
	}
	w->attrs = (struct sim_smmu_wce){ .upper = upper,
					  .asid = w->ctx->asid,
					  .granule_lg2 = w->half->granule_lg2 };
	w->level = 4 - levels;
	w->index_bits = bits - stride * (levels - 1);
	/* A root smaller than 64 bytes is aligned to 64 bytes (D8.2.5). */
	w->table =
		w->half->ttb & ~((UINT64_C(1) << (w->index_bits < 3 ? 6 : w->index_bits + 3)) - 1);
}

/* Go one table down. Levels above 3 with both low bits set (D8.3.1). */
static bool walk_descend(struct walk *w)
{
	uint64_t next = desc_address(w, w->half->granule_lg2);
	uint64_t res0 = UINT64_C(0xf) << 48;

	if (!(w->half->granule_lg2 == 16 && w->s->cfg.oas_bits == 52))
		res0 |= ((UINT64_C(1) << w->half->granule_lg2) - 1) & ~UINT64_C(0xfff);
	if ((w->desc & res0) != 0)
		sim_smmu_find(w->s, SIM_SMMUV3_FIND_TT_BITS, w->iova);
	if (address_is_out(w, next))
		return walk_fault(w, SIM_SMMUV3_F_ADDR_SIZE, CLASS_IN, 0);
	if (!w->half->had) {
		w->attrs.no_el0_table |= (w->desc & DESC_AP_NO_EL0_TABLE) != 0;
		w->attrs.ro_table |= (w->desc & DESC_AP_RO_TABLE) != 0;
		w->attrs.uxn_table |= (w->desc & DESC_UXN_TABLE) != 0;
		w->attrs.pxn_table |= (w->desc & DESC_PXN_TABLE) != 0;
	}
	w->attrs.level = w->level;
	w->attrs.lg2 = level_lg2(w, w->level);
	w->attrs.iova = w->iova >> w->attrs.lg2 << w->attrs.lg2;
	w->attrs.desc_phys = w->desc_phys;
	w->attrs.next_table = next;
	if (w->use_caches)
		sim_smmu_wc_insert(w->s, &w->attrs);
	w->table = next;
	w->level++;
	w->index_bits = w->half->granule_lg2 - 3;
	return true;
}

/* Where blocks exist: 1G and 2M, 32M, 512M; 4T only with 52-bit addresses (D8.3.1). */
static bool block_exists(const struct walk *w)
{
	switch (w->half->granule_lg2) {
	case 12:
		return w->level == 1 || w->level == 2;
	case 14:
		return w->level == 2;
	default:
		return w->level == 2 || (w->level == 1 && w->s->cfg.oas_bits == 52);
	}
}

/* Descriptors in a contiguous group, as a power of two (D8.6.1). */
static unsigned int contig_lg2(const struct walk *w)
{
	switch (w->half->granule_lg2) {
	case 12:
		return 4;
	case 14:
		return w->level == 3 ? 7 : 5;
	default:
		return 5;
	}
}

/* Every member has the bit, the same attributes, and the output address that its place says. */
static bool contig_is_sound(struct walk *w, const struct sim_smmu_leaf *leaf)
{
	unsigned int nr_lg2 = contig_lg2(w);
	uint64_t group_bytes_mask = (UINT64_C(8) << nr_lg2) - 1;
	uint64_t mine = (w->desc_phys & group_bytes_mask) >> 3;
	uint64_t attrs = ~(ADDR_BITS(12) | UINT64_C(0xf) << 55);
	uint64_t first = leaf->phys - (mine << leaf->lg2);
	uint64_t own = w->desc;
	bool sound = (first & ((UINT64_C(1) << (leaf->lg2 + nr_lg2)) - 1)) == 0;

	for (uint64_t i = 0; sound && i < UINT64_C(1) << nr_lg2; i++) {
		uint64_t phys = (w->desc_phys & ~group_bytes_mask) + 8 * i;
		uint8_t bytes[8];

		if (w->s->host.read(w->s->host.ctx, phys, bytes, sizeof(bytes)) != 0)
			return true; /* not ours to judge */
		w->desc = sim_smmu_get64(bytes);
		sound = (w->desc & attrs) == (own & attrs) &&
			desc_address(w, leaf->lg2) == first + (i << leaf->lg2);
		w->desc = own;
	}
	return sound;
}

/* The group may be cached as one entry, whether the other members agree or not. */
static void leaf_contig(struct walk *w, struct sim_smmu_leaf *leaf)
{
	unsigned int nr_lg2 = contig_lg2(w);
	uint64_t mask = (UINT64_C(1) << (leaf->lg2 + nr_lg2)) - 1;
	unsigned int mode = w->s->cfg.contig_as_one;

	if (!w->use_caches)
		return;
	if (!contig_is_sound(w, leaf))
		sim_smmu_find(w->s, SIM_SMMUV3_FIND_BAD_CONTIG, w->iova);
	if (mode == 0 || (mode == 2 && (sim_smmu_random(w->s) & 1) != 0))
		return;
	leaf->lg2 += nr_lg2;
	leaf->iova &= ~mask;
	leaf->phys &= ~mask;
}

static void leaf_check_bits(struct walk *w, unsigned int lg2)
{
	uint64_t res0 = ((UINT64_C(1) << lg2) - 1) & ~UINT64_C(0xfff);

	if (w->half->granule_lg2 == 16 && w->s->cfg.oas_bits == 52)
		res0 &= ~UINT64_C(0xf000);
	if (w->level < 3)
		res0 &= ~DESC_NT;
	res0 |= UINT64_C(3) << 48;
	if ((w->desc & res0) != 0)
		sim_smmu_find(w->s, SIM_SMMUV3_FIND_TT_BITS, w->iova);
}

static bool walk_leaf(struct walk *w, struct sim_smmu_leaf *leaf)
{
	unsigned int lg2 = level_lg2(w, w->level);
	uint64_t phys = desc_address(w, lg2);

	if (w->use_caches)
		leaf_check_bits(w, lg2);
	if (address_is_out(w, phys))
		return walk_fault(w, SIM_SMMUV3_F_ADDR_SIZE, CLASS_IN, 0);
	/* Without hardware update the flag must be set, unless nobody asks (5.4 AFFD). */
	if ((w->desc & DESC_AF) == 0 && !w->ctx->affd)
		return walk_fault(w, SIM_SMMUV3_F_ACCESS, CLASS_IN, 0);
	*leaf = (struct sim_smmu_leaf){
		.iova = w->iova >> lg2 << lg2,
		.phys = phys,
		.lg2 = lg2,
		.level = w->level,
		.granule_lg2 = w->half->granule_lg2,
		.asid = w->ctx->asid,
		.aset = w->ctx->aset,
		.attrs = w->desc & 0x31c, /* AttrIndx and SH */
		.global = (w->desc & DESC_NG) == 0,
		.el0 = (w->desc & DESC_AP_EL0) != 0 && !w->attrs.no_el0_table,
		.read_only = (w->desc & DESC_AP_RO) != 0 || w->attrs.ro_table,
		.uxn = (w->desc & DESC_UXN) != 0 || w->attrs.uxn_table,
		.pxn = (w->desc & DESC_PXN) != 0 || w->attrs.pxn_table,
	};
	if ((w->desc & DESC_CONTIG) != 0)
		leaf_contig(w, leaf);
	return true;
}

/*
 * Translate one address. With use_caches tables are taken from and put into the walk cache and
 * counted; without, the walk only looks (to compare a cached leaf with memory).
 */
bool sim_smmu_walk(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
		   bool use_caches, struct sim_smmu_leaf *leaf, struct sim_smmu_fault *fault)
{
	struct walk w = { .s = s,
			  .ctx = ctx,
			  .fault = fault,
			  .iova = sim_smmu_walk_canonical(ctx, iova),
			  .use_caches = use_caches };
	bool upper;

	if (!walk_select(&w, &upper))
		return walk_fault(&w, SIM_SMMUV3_F_TRANSLATION, CLASS_IN, 0);
	walk_begin(&w, upper);
	for (;;) {
		uint64_t idx =
			w.iova >> level_lg2(&w, w.level) & ((UINT64_C(1) << w.index_bits) - 1);

		w.desc_phys = w.table + 8 * idx;
		if (!walk_read(&w, w.desc_phys, &w.desc))
			return false;
		if ((w.desc & DESC_VALID) == 0 || (w.level == 3 && (w.desc & DESC_TABLE) == 0) ||
		    (w.level < 3 && (w.desc & DESC_TABLE) == 0 && !block_exists(&w)))
			return walk_fault(&w, SIM_SMMUV3_F_TRANSLATION, CLASS_IN, 0);
		if (w.level == 3 || (w.desc & DESC_TABLE) == 0)
			return walk_leaf(&w, leaf);
		if (!walk_descend(&w))
			return false;
	}
}
