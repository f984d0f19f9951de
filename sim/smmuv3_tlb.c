/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: the cache of leaves (IHI0070 3.17) and what TLBI commands do to it (4.4).
 * Entries stay until invalidated or, in a bounded cache, replaced at random; nothing else ever
 * removes them, so a missing or too narrow invalidation stays visible. Hints that software gives
 * (level, granule) are taken at their word.
 */
#include "sim/smmuv3_internal.h"

#include <stdlib.h>
#include <string.h>

#define NO_ENTRY (-1)

static unsigned int bucket_of(uint64_t iova, unsigned int lg2)
{
	uint64_t key = (iova >> lg2) * UINT64_C(0x9e3779b97f4a7c15) + lg2;

	return (unsigned int)(key >> 32) % TLB_BUCKETS;
}

static void tlb_clear(struct sim_smmuv3 *s)
{
	for (size_t i = 0; i < TLB_BUCKETS; i++)
		s->bucket[i] = NO_ENTRY;
	memset(s->size_count, 0, sizeof(s->size_count));
	s->tlb_used = 0;
	s->tlb_free = NO_ENTRY;
	for (size_t i = s->tlb_room; i-- > 0;) {
		s->tlb[i].used = false;
		s->tlb[i].next = s->tlb_free;
		s->tlb_free = (int32_t)i;
	}
}

void sim_smmu_tlb_reset(struct sim_smmuv3 *s)
{
	tlb_clear(s);
	s->nr_wc = 0;
}

void sim_smmu_tlb_free(struct sim_smmuv3 *s)
{
	free(s->tlb);
	free(s->wc);
}

static void tlb_remove(struct sim_smmuv3 *s, int32_t idx)
{
	struct sim_smmu_tlbe *e = &s->tlb[idx];
	int32_t *link = &s->bucket[bucket_of(e->leaf.iova, e->leaf.lg2)];

	while (*link != idx)
		link = &s->tlb[*link].next;
	*link = e->next;
	e->used = false;
	e->next = s->tlb_free;
	s->tlb_free = idx;
	s->size_count[e->leaf.lg2]--;
	s->tlb_used--;
}

/* Room for one more: a free entry, a larger array, or a random victim. */
static int32_t tlb_take(struct sim_smmuv3 *s)
{
	size_t limit = s->cfg.never_evict ? SIZE_MAX : s->cfg.iotlb_entries;
	int32_t idx;

	if (s->tlb_used >= limit) {
		do {
			idx = (int32_t)(sim_smmu_random(s) % s->tlb_room);
		} while (!s->tlb[idx].used);
		tlb_remove(s, idx);
	}
	if (s->tlb_free == NO_ENTRY) {
		size_t was = s->tlb_room;
		void *array = s->tlb;

		if (!sim_smmu_grow(&array, &s->tlb_room, sizeof(*s->tlb)))
			return NO_ENTRY;
		s->tlb = array;
		for (size_t i = s->tlb_room; i-- > was;) {
			s->tlb[i].used = false;
			s->tlb[i].next = s->tlb_free;
			s->tlb_free = (int32_t)i;
		}
	}
	idx = s->tlb_free;
	s->tlb_free = s->tlb[idx].next;
	return idx;
}

/* 3.17.1: a global entry matches every ASID of the same ASET; the others their own. */
static bool same_space(const struct sim_smmu_leaf *leaf, uint32_t asid, bool aset)
{
	return leaf->aset == aset && (leaf->global || leaf->asid == asid);
}

static uint64_t leaf_mask(const struct sim_smmu_leaf *leaf)
{
	return (UINT64_C(1) << leaf->lg2) - 1;
}

bool sim_smmu_tlb_lookup(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
			 struct sim_smmu_leaf *leaf)
{
	for (unsigned int lg2 = 12; lg2 < 52; lg2++) {
		uint64_t base = iova & ~((UINT64_C(1) << lg2) - 1);

		if (s->size_count[lg2] == 0)
			continue;
		for (int32_t i = s->bucket[bucket_of(base, lg2)]; i != NO_ENTRY;
		     i = s->tlb[i].next) {
			const struct sim_smmu_leaf *at = &s->tlb[i].leaf;

			if (at->iova == base && at->lg2 == lg2 &&
			    same_space(at, ctx->asid, ctx->aset)) {
				*leaf = *at;
				return true;
			}
		}
	}
	return false;
}

/* Two entries for one address: whether the difference is one that BBML tolerates (3.21.1). */
static void check_conflict(struct sim_smmuv3 *s, const struct sim_smmu_leaf *old,
			   const struct sim_smmu_leaf *leaf)
{
	const struct sim_smmu_leaf *small = old->lg2 < leaf->lg2 ? old : leaf;
	const struct sim_smmu_leaf *large = small == old ? leaf : old;
	bool same_output = large->phys + (small->iova - large->iova) == small->phys &&
			   old->attrs == leaf->attrs && old->global == leaf->global;

	if (!same_output)
		sim_smmu_find(s, SIM_SMMUV3_FIND_BBM, leaf->iova);
	else if (old->level != leaf->level && s->cfg.bbml == 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_TLB_CONFLICT, leaf->iova);
}

/* Look for entries that overlap a new one; the same page again replaces the old entry. */
static void tlb_overlaps(struct sim_smmuv3 *s, const struct sim_smmu_leaf *leaf)
{
	uint64_t last = leaf->iova + leaf_mask(leaf);

	for (unsigned int lg2 = 12; lg2 < 52; lg2++) {
		uint64_t base = leaf->iova & ~((UINT64_C(1) << lg2) - 1);
		int32_t next;

		if (s->size_count[lg2] == 0 || lg2 < leaf->lg2)
			continue;
		for (int32_t i = s->bucket[bucket_of(base, lg2)]; i != NO_ENTRY; i = next) {
			struct sim_smmu_leaf *at = &s->tlb[i].leaf;

			next = s->tlb[i].next;
			if (at->iova != base || at->lg2 != lg2 ||
			    !same_space(at, leaf->asid, leaf->aset))
				continue;
			check_conflict(s, at, leaf);
			if (lg2 == leaf->lg2)
				tlb_remove(s, i);
		}
	}
	for (unsigned int lg2 = 12; lg2 < leaf->lg2; lg2++) {
		if (s->size_count[lg2] == 0)
			continue;
		for (size_t i = 0; i < s->tlb_room; i++) {
			struct sim_smmu_leaf *at = &s->tlb[i].leaf;

			if (s->tlb[i].used && at->lg2 == lg2 && at->iova >= leaf->iova &&
			    at->iova <= last && same_space(at, leaf->asid, leaf->aset))
				check_conflict(s, at, leaf);
		}
	}
}

void sim_smmu_tlb_insert(struct sim_smmuv3 *s, const struct sim_smmu_leaf *leaf)
{
	unsigned int bucket = bucket_of(leaf->iova, leaf->lg2);
	int32_t idx;

	if (s->cfg.iotlb_entries == 0)
		return;
	tlb_overlaps(s, leaf);
	idx = tlb_take(s);
	if (idx == NO_ENTRY)
		return;
	s->tlb[idx] = (struct sim_smmu_tlbe){ *leaf, s->bucket[bucket], true };
	s->bucket[bucket] = idx;
	s->size_count[leaf->lg2]++;
	s->tlb_used++;
}

/* What a TLBI command selects. */
struct selection {
	uint64_t start;
	uint64_t last;
	uint32_t asid;
	unsigned int granule_lg2; /* 0: no hint, any granule */
	unsigned int level;	  /* 0: no hint, any level */
	bool by_address;
	bool by_asid;
	bool leaf_only;
};

/* TG: the granule of the entries that are meant; 0 is any, and no range (4.4.1.1). */
unsigned int sim_smmu_tlbi_granule(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	static const uint8_t granules[] = { 0, 12, 14, 16 };

	return s->cfg.ril ? granules[cmd->word[1] >> 10 & 3] : 0;
}

/* TTL: the level of their leaves; 0 is any. Level 1 of 16K is reserved and taken as 0. */
unsigned int sim_smmu_tlbi_level(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	unsigned int granule_lg2 = sim_smmu_tlbi_granule(s, cmd);
	unsigned int ttl = cmd->word[1] >> 8 & 3;

	return granule_lg2 == 0 || (granule_lg2 == 14 && ttl == 1) ? 0 : ttl;
}

/* The start must be aligned to a leaf of that level, else the range is unpredictable (4.4.1.1). */
static bool start_is_aligned(const struct selection *sel)
{
	unsigned int level = sel->level == 0 ? 3 : sel->level;
	unsigned int lg2 = sel->granule_lg2 + (sel->granule_lg2 - 3) * (3 - level);

	return (sel->start & ((UINT64_C(1) << lg2) - 1)) == 0;
}

static struct selection select_address(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	struct selection sel = { .by_address = true, .by_asid = cmd->op == 0x12 };
	uint64_t len;

	sel.asid = (uint32_t)(cmd->word[0] >> 48);
	sel.leaf_only = (cmd->word[1] & 1) != 0;
	sel.start = cmd->word[1] & ~UINT64_C(0xfff);
	sel.last = sel.start + 0xfff;
	sel.granule_lg2 = sim_smmu_tlbi_granule(s, cmd);
	if (sel.granule_lg2 == 0)
		return sel;
	sel.level = sim_smmu_tlbi_level(s, cmd);
	/* (NUM + 1) * 2^SCALE granules; what goes beyond the top ends there. */
	len = (cmd->word[0] >> 12 & 0x1f) + 1;
	len <<= (cmd->word[0] >> 20 & 0x1f) + sel.granule_lg2;
	sel.last = sel.start + (len - 1);
	if (sel.last < sel.start)
		sel.last = UINT64_MAX;
	if (!start_is_aligned(&sel)) {
		/* Unpredictable: nothing at all, in the worst case. */
		sim_smmu_find(s, SIM_SMMUV3_FIND_TLBI_RANGE, sel.start);
		sel.last = 0;
		sel.start = UINT64_MAX;
	}
	return sel;
}

static struct selection select_of(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	struct selection sel = { .last = UINT64_MAX };

	switch (cmd->op) {
	case 0x11: /* TLBI_NH_ASID */
		sel.by_asid = true;
		sel.asid = (uint32_t)(cmd->word[0] >> 48);
		return sel;
	case 0x12: /* TLBI_NH_VA */
	case 0x13: /* TLBI_NH_VAA */
		return select_address(s, cmd);
	default: /* TLBI_NH_ALL, TLBI_NSNH_ALL */
		return sel;
	}
}

static bool in_range(const struct selection *sel, uint64_t iova, unsigned int lg2,
		     unsigned int granule_lg2)
{
	uint64_t last = iova + ((UINT64_C(1) << lg2) - 1);

	/* Without a hint the address names one granule of whatever granule the entry has. */
	if (sel->granule_lg2 == 0) {
		uint64_t mask = (UINT64_C(1) << granule_lg2) - 1;

		return iova <= (sel->start | mask) && last >= (sel->start & ~mask);
	}
	return iova <= sel->last && last >= sel->start && granule_lg2 == sel->granule_lg2;
}

static bool leaf_is_selected(const struct selection *sel, const struct sim_smmu_leaf *leaf)
{
	if (sel->by_asid && leaf->asid != sel->asid && !(sel->by_address && leaf->global))
		return false;
	/* By ASID alone only non-global entries go (4.4.2.2). */
	if (!sel->by_address)
		return !(sel->by_asid && leaf->global);
	return (sel->level == 0 || leaf->level == sel->level) &&
	       in_range(sel, leaf->iova, leaf->lg2, leaf->granule_lg2);
}

static bool table_is_selected(const struct selection *sel, const struct sim_smmu_wce *wce)
{
	if (sel->leaf_only || (sel->by_asid && wce->asid != sel->asid))
		return false;
	if (!sel->by_address)
		return true;
	return (sel->level == 0 || wce->level < sel->level) &&
	       in_range(sel, wce->iova, wce->lg2, wce->granule_lg2);
}

static void tlb_drop_all(struct sim_smmuv3 *s, const struct selection *sel)
{
	for (size_t i = 0; i < s->tlb_room && s->tlb_used != 0; i++) {
		if (s->tlb[i].used && leaf_is_selected(sel, &s->tlb[i].leaf))
			tlb_remove(s, (int32_t)i);
	}
}

static void tlb_drop_at(struct sim_smmuv3 *s, const struct selection *sel, unsigned int bucket)
{
	int32_t next;

	for (int32_t i = s->bucket[bucket]; i != NO_ENTRY; i = next) {
		next = s->tlb[i].next;
		if (leaf_is_selected(sel, &s->tlb[i].leaf))
			tlb_remove(s, i);
	}
}

/* The same by looking only where such entries can be; false if that would be more work. */
static bool tlb_drop_near(struct sim_smmuv3 *s, const struct selection *sel)
{
	uint64_t mask = sel->granule_lg2 == 0 ? 0xffff : 0; /* the largest granule */
	uint64_t start = sel->start & ~mask;
	uint64_t last = sel->last | mask;

	if (((last - start) >> 12) >= s->tlb_room)
		return false;
	for (unsigned int lg2 = 12; lg2 < 52; lg2++) {
		if (s->size_count[lg2] == 0)
			continue;
		for (uint64_t at = start >> lg2; at <= last >> lg2; at++)
			tlb_drop_at(s, sel, bucket_of(at << lg2, lg2));
	}
	return true;
}

void sim_smmu_tlb_invalidate(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	struct selection sel = select_of(s, cmd);

	if (sel.last < sel.start)
		return;
	if (!sel.by_address && !sel.by_asid) {
		sim_smmu_tlb_reset(s);
		return;
	}
	if (!sel.by_address || !tlb_drop_near(s, &sel))
		tlb_drop_all(s, &sel);
	for (size_t i = 0; i < s->nr_wc;) {
		if (table_is_selected(&sel, &s->wc[i]))
			s->wc[i] = s->wc[--s->nr_wc];
		else
			i++;
	}
}
