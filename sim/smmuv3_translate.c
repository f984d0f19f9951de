/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: what happens to one transaction (IHI0070 3.3.3, chapter 15), and the
 * translations that the SMMU makes on its own account, which the architecture allows at any time.
 */
#include "sim/smmuv3_internal.h"

#define CLASS_IN 2u
#define PREFETCH_REACH 4u

/* STE.PRIVCFG and INSTCFG replace what the device said (13.5). */
static void override(const struct sim_smmu_context *ctx, struct sim_smmuv3_txn *txn)
{
	if (ctx->privcfg >= 2)
		txn->privileged = ctx->privcfg == 3;
	if (ctx->instcfg >= 2)
		txn->instruction = ctx->instcfg == 3;
	if (txn->write)
		txn->instruction = false;
}

/* VMSAv8-64 stage 1 permissions (DDI0487 D8.4.1). */
static bool permitted(const struct sim_smmu_context *ctx, const struct sim_smmu_leaf *leaf,
		      const struct sim_smmuv3_txn *txn)
{
	bool writable = !leaf->read_only;

	if (txn->privileged) {
		/* What unprivileged code may write, privileged code may not execute. */
		if (txn->instruction)
			return !leaf->pxn && !(writable && leaf->el0) && !(writable && ctx->wxn);
		if (ctx->pan && leaf->el0)
			return false;
		return writable || !txn->write;
	}
	if (!leaf->el0)
		return false;
	if (txn->instruction)
		return !leaf->uxn && !(writable && ctx->wxn);
	return writable || !txn->write;
}

/*
 * Compare a hit with the tables. Another valid leaf means that software went from one to the other
 * without break, invalidation and CMD_SYNC in between; a missing leaf is merely not yet gone.
 */
static void check_hit(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
		      const struct sim_smmu_leaf *hit)
{
	struct sim_smmu_leaf now;
	struct sim_smmu_fault fault;

	if (!s->cfg.check_bbm)
		return;
	if (!sim_smmu_walk(s, ctx, iova, false, &now, &fault)) {
		s->stats.stale_hits++;
		return;
	}
	if (hit->phys + (iova - hit->iova) != now.phys + (iova - now.iova) ||
	    hit->attrs != now.attrs || hit->global != now.global) {
		s->stats.stale_hits++;
		sim_smmu_find(s, SIM_SMMUV3_FIND_BBM, iova);
	} else if (hit->level != now.level && s->cfg.bbml == 0) {
		s->stats.stale_hits++;
		sim_smmu_find(s, SIM_SMMUV3_FIND_BBM, iova);
	}
}

static enum sim_smmuv3_verdict end_with(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
					const struct sim_smmu_fault *fault)
{
	/* C_BAD_STREAMID only on request (6.3.12 RECINVSID). */
	if (fault->event != SIM_SMMUV3_C_BAD_STREAMID || (s->reg.cr2 & CR2_RECINVSID) != 0)
		sim_smmu_event_fault(s, txn, fault);
	return SIM_SMMUV3_ABORT;
}

/* Faults of the translation proper are recorded only if CD.R asks for it (5.5). */
static enum sim_smmuv3_verdict end_translation(struct sim_smmuv3 *s,
					       const struct sim_smmu_context *ctx,
					       const struct sim_smmuv3_txn *txn,
					       const struct sim_smmu_fault *fault)
{
	if (fault->event == SIM_SMMUV3_F_WALK_EABT || ctx->record)
		sim_smmu_event_fault(s, txn, fault);
	return SIM_SMMUV3_ABORT;
}

static enum sim_smmuv3_verdict bypass(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
				      bool recorded, uint64_t *phys, uint64_t *len)
{
	static const struct sim_smmu_fault too_large = { SIM_SMMUV3_F_ADDR_SIZE, CLASS_IN, 0 };

	if (txn->iova >> s->cfg.oas_bits != 0) {
		if (recorded)
			sim_smmu_event_fault(s, txn, &too_large);
		return SIM_SMMUV3_ABORT;
	}
	*phys = txn->iova;
	*len = (UINT64_C(1) << s->cfg.oas_bits) - txn->iova;
	return SIM_SMMUV3_BYPASS;
}

/* A leaf for the address from the cache or the tables. */
static bool leaf_get(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
		     struct sim_smmu_leaf *leaf, struct sim_smmu_fault *fault)
{
	if (sim_smmu_tlb_lookup(s, ctx, iova, leaf)) {
		s->stats.iotlb_hits++;
		check_hit(s, ctx, iova, leaf);
		return true;
	}
	s->stats.iotlb_misses++;
	if (!sim_smmu_walk(s, ctx, iova, true, leaf, fault))
		return false;
	sim_smmu_tlb_insert(s, leaf);
	return true;
}

static void remember(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn)
{
	s->recent[s->recent_idx] = (struct sim_smmu_recent){ *txn, true };
	s->recent_idx = (s->recent_idx + 1) % NR_RECENT;
}

enum sim_smmuv3_verdict sim_smmuv3_translate(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *in,
					     uint64_t *phys, uint64_t *len)
{
	struct sim_smmuv3_txn txn = *in;
	struct sim_smmu_context ctx;
	struct sim_smmu_fault fault = { 0, 0, 0 };
	struct sim_smmu_leaf leaf;
	uint64_t iova;

	if ((s->reg.cr0ack & CR0_SMMUEN) == 0) {
		if ((s->reg.gbpa & GBPA_ABORT) != 0)
			return SIM_SMMUV3_ABORT;
		return bypass(s, &txn, false, phys, len);
	}
	sim_smmu_prefetch(s);
	if (!sim_smmu_config_lookup(s, &txn, &ctx, &fault))
		return end_with(s, &txn, &fault);
	override(&ctx, &txn);
	if (ctx.bypass)
		return bypass(s, &txn, true, phys, len);
	remember(s, in);
	iova = sim_smmu_walk_canonical(&ctx, txn.iova);
	if (!leaf_get(s, &ctx, iova, &leaf, &fault))
		return end_translation(s, &ctx, &txn, &fault);
	if (!permitted(&ctx, &leaf, &txn)) {
		fault = (struct sim_smmu_fault){ SIM_SMMUV3_F_PERMISSION, CLASS_IN, 0 };
		return end_translation(s, &ctx, &txn, &fault);
	}
	*phys = leaf.phys + (iova - leaf.iova);
	*len = (UINT64_C(1) << leaf.lg2) - (iova - leaf.iova);
	return SIM_SMMUV3_OK;
}

/*
 * Now and then walk a neighbour of a recent address and cache what is there. No event comes of it,
 * and what would fault is not cached (3.14, 3.21.3).
 */
void sim_smmu_prefetch(struct sim_smmuv3 *s)
{
	struct sim_smmu_context ctx;
	struct sim_smmu_fault fault;
	struct sim_smmu_leaf leaf;
	struct sim_smmuv3_txn txn;
	uint64_t pick;
	uint64_t iova;

	if (s->cfg.prefetch_permille == 0 || (s->reg.cr0ack & CR0_SMMUEN) == 0)
		return;
	pick = sim_smmu_random(s);
	if (pick % 1000 >= s->cfg.prefetch_permille || !s->recent[pick >> 32 & 15].used)
		return;
	txn = s->recent[pick >> 32 & 15].txn;
	if (!sim_smmu_config_lookup(s, &txn, &ctx, &fault) || ctx.bypass)
		return;
	iova = txn.iova + ((sim_smmu_random(s) % (2 * PREFETCH_REACH + 1)) << 12);
	iova = sim_smmu_walk_canonical(&ctx, iova - ((uint64_t)PREFETCH_REACH << 12));
	if (sim_smmu_tlb_lookup(s, &ctx, iova, &leaf) ||
	    !sim_smmu_walk(s, &ctx, iova, true, &leaf, &fault))
		return;
	s->stats.prefetches++;
	sim_smmu_tlb_insert(s, &leaf);
}
