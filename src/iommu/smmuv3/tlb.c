/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invalidation of translations (IHI0070 4.4): from a gather to the fewest commands that cover it,
 * in one batch with one wait. The single page of a strict unmap is the case to be quick about. No
 * lock.
 */
#include "iommu/smmuv3/smmuv3.h"

static uint64_t nh_va(uint32_t asid)
{
	return CMD_TLBI_NH_VA | TLBI0_ASID(asid);
}

/* log2 of the entries of a table: VMSAv8 tables are one granule of 8-byte entries. */
static uint32_t idx_lg2(const struct dma_iommu_pt *pt)
{
	return pt->granule_lg2 - 3;
}

/*
 * Bytes per entry to step by. Where only tables were unlinked, the IOVA of a leaf table: its
 * descriptor is cached for each of them (and for none smaller).
 */
static uint32_t step_lg2(const struct dma_iommu_pt *pt, const struct gather *g)
{
	uint32_t level = g->levels == 0 ? 1 : bits_ctz(g->levels);

	return pt->granule_lg2 + level * idx_lg2(pt);
}

/*
 * TTL names the vendor's level of the leaves (3 is our level 0); 0 makes no promise. Only where all
 * leaves are of one level and no table is meant (4.4.1.1).
 */
static uint32_t ttl_of(const struct gather *g)
{
	uint32_t level;

	if (g->walk_cache || !bits_is_pow2(g->levels))
		return 0;
	level = bits_ctz(g->levels);
	return level < 3 ? 3 - level : 0;
}

static uint64_t word1(const struct gather *g)
{
	return g->walk_cache ? 0 : TLBI1_LEAF;
}

/* One command per entry, or 0 when @max do not suffice. */
static uint32_t by_entry(uint32_t asid, const struct gather *g, uint32_t step, uint64_t leaf,
			 struct smmuv3_cmd *cmds, uint32_t max)
{
	uint64_t va = g->start & ~(((uint64_t)1 << step) - 1);
	uint64_t nr = ((g->last - va) >> step) + 1;

	if (nr > max)
		return 0;
	for (uint64_t i = 0; i < nr; i++) {
		cmds[i] = (struct smmuv3_cmd){
			{ nh_va(asid), ((va + (i << step)) & TLBI1_VA) | leaf },
		};
	}
	return (uint32_t)nr;
}

/*
 * (NUM + 1) * 2^SCALE granules per command (IHI0070 4.4.1.1), largest pieces first. A single
 * granule with TTL 0 has no encoding as a range, so it goes without one.
 */
static uint32_t by_range(const struct dma_iommu_pt *pt, uint32_t asid, const struct gather *g,
			 struct smmuv3_cmd *cmds, uint32_t max)
{
	uint32_t lg2 = pt->granule_lg2;
	uint64_t va = g->start & ~(((uint64_t)1 << lg2) - 1);
	uint64_t left = ((g->last - va) >> lg2) + 1;
	uint64_t hints = word1(g) | TLBI1_TTL(ttl_of(g)) | TLBI1_TG((lg2 - 10) / 2);
	uint32_t n = 0;

	while (left != 0) {
		uint32_t scale = left < TLBI_NUM_MAX ? 0 : bits_log2_floor(left / TLBI_NUM_MAX);
		uint64_t num = left >> scale;

		/* 33 .. 63 units: half as many, twice as large; what is lost is the next piece. */
		if (num > TLBI_NUM_MAX) {
			scale++;
			num >>= 1;
		}
		if (n == max)
			return 0;
		cmds[n].word[0] = nh_va(asid);
		cmds[n].word[1] = (va & TLBI1_VA) | word1(g);
		if (num > 1 || scale != 0) {
			cmds[n].word[0] |= TLBI0_NUM(num - 1) | TLBI0_SCALE(scale);
			cmds[n].word[1] |= hints;
		}
		n++;
		va += (num << scale) << lg2;
		left -= num << scale;
	}
	return n;
}

uint32_t smmuv3_tlb_cmds(const struct dma_iommu_pt *pt, uint32_t asid, bool range_inval,
			 const struct gather *g, struct smmuv3_cmd *cmds, uint32_t max)
{
	uint32_t step = step_lg2(pt, g);

	/* A single entry needs no range, whatever its size. */
	if (!range_inval || (g->last - g->start) >> step == 0)
		return by_entry(asid, g, step, word1(g), cmds, max);
	return by_range(pt, asid, g, cmds, max);
}

static int failed(struct smmuv3 *s, int err)
{
	return smmuv3_cmdq_error(s, DMA_OP_IOMMU_UNMAP, err);
}

/* IHI0070 4.4.2: every entry of the ASID, leaves and tables; VMID 0 as everywhere here. */
struct smmuv3_cmd smmuv3_tlb_asid_cmd(uint32_t asid)
{
	return (struct smmuv3_cmd){ { CMD_TLBI_NH_ASID | TLBI0_ASID(asid), 0 } };
}

static int sync_asid(struct smmuv3 *s, const struct dma_iommu_dom *dom)
{
	const struct smmuv3_cmd all = smmuv3_tlb_asid_cmd(dom->id);

	return smmuv3_cmdq_run(&s->cmdq, &all, 1);
}

static NOINLINE int sync_many(struct smmuv3 *s, const struct dma_iommu_dom *dom,
			      const struct gather *g)
{
	struct smmuv3_cmd cmds[SMMUV3_MAX_BATCH];
	uint32_t nr;

	if (gather_is_empty(g) || dom->priv == NULL)
		return 0;
	nr = smmuv3_tlb_cmds(&dom->pt, dom->id, s->range_inval, g, cmds,
			     smmuv3_cmdq_max_batch(&s->cmdq));
	return nr == 0 ? sync_asid(s, dom) : smmuv3_cmdq_run(&s->cmdq, cmds, nr);
}

int smmuv3_tlb_sync(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, const struct gather *gather)
{
	struct smmuv3 *s = hw->priv;
	int err;

	if (likely((gather->last - gather->start) >> dom->pt.granule_lg2 == 0 &&
		   !gather_is_empty(gather) && !gather->walk_cache && dom->priv != NULL)) {
		err = smmuv3_cmdq_run_one(&s->cmdq, nh_va(dom->id),
					  (gather->start & TLBI1_VA) | TLBI1_LEAF);
	} else {
		err = sync_many(s, dom, gather);
	}
	return likely(err == 0) ? 0 : failed(s, err);
}

int smmuv3_tlb_sync_all(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct smmuv3 *s = hw->priv;
	int err;

	if (dom->priv == NULL)
		return 0;
	err = sync_asid(s, dom);
	return likely(err == 0) ? 0 : failed(s, err);
}
