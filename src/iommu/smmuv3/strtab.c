/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream table (IHI0070 3.3.1, 5.1, 5.2): which requester uses which domain. Linear, or two
 * levels with second-level tables made when a requester first attaches. Under smmuv3.lock.
 *
 * Every STE is valid from the moment the SMMU can see it, and its words 1 to 7 never change: they
 * are right for every kind (what one kind uses, the others ignore). So each transition is a single
 * 64-bit store of word 0, and whatever the SMMU fetches is wholly the old or wholly the new
 * configuration.
 */
#include "iommu/smmuv3/smmuv3.h"

#include <stdatomic.h>

#include "arch/barrier.h"
#include "core/endian.h"

#define L1STD_BYTES 8u
#define L2_BYTES ((uint64_t)STE_BYTES << SMMUV3_SPLIT)
/* First levels of up to 1 MiB, linear tables of up to 4 MiB. */
#define MAX_SID_BITS_TWO_LEVEL 25u
#define MAX_SID_BITS_LINEAR 16u

uint64_t smmuv3_ste0(enum smmuv3_ste_kind kind, phys_addr_t cd)
{
	switch (kind) {
	case SMMUV3_STE_S1:
		/* S1Fmt and S1CDMax 0: S1ContextPtr names the one CD itself. */
		return STE0_V | STE0_CONFIG(STE_CONFIG_S1) | (cd & STE0_S1CTXPTR);
	case SMMUV3_STE_BYPASS:
		return STE0_V | STE0_CONFIG(STE_CONFIG_BYPASS);
	case SMMUV3_STE_BLOCKED:
	default:
		return STE0_V | STE0_CONFIG(STE_CONFIG_ABORT);
	}
}

/*
 * S1CIR, S1COR, S1CSH (how CDs are fetched) and S1STALLD matter to stage 1 only; SHCFG to bypass
 * only, and is reserved unless IDR1.ATTR_TYPES_OVR. S1STALLD is legal where stalling is optional.
 */
uint64_t smmuv3_ste1(uint32_t idr0, uint32_t idr1, bool noncoherent)
{
	uint64_t w = noncoherent
			     ? STE1_S1CIR(CACHE_NC) | STE1_S1COR(CACHE_NC) | STE1_S1CSH(SH_OUTER)
			     : STE1_S1CIR(CACHE_WB) | STE1_S1COR(CACHE_WB) | STE1_S1CSH(SH_INNER);

	if (IDR0_STALL_MODEL(idr0) == STALL_MODEL_BOTH)
		w |= STE1_S1STALLD;
	if ((idr1 & IDR1_ATTR_TYPES_OVR) != 0)
		w |= STE1_SHCFG_INCOMING;
	return w;
}

/* One store, as the SMMU sees it: its fetches are 64-bit single-copy atomic (IHI0070 3.21.3). */
static void store_word(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t at, uint64_t word)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)(mem->virt + (size_t)at),
			      endian_le64(word), memory_order_relaxed);
	smmuv3_mem_clean(s, mem, at, sizeof(word));
}

/* All entries of a table that the SMMU does not see yet. */
static void fill_blocked(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t nr_stes)
{
	for (uint64_t i = 0; i < nr_stes; i++) {
		uint8_t *ste = mem->virt + (size_t)(i * STE_BYTES);

		endian_store_le64(ste, smmuv3_ste0(SMMUV3_STE_BLOCKED, 0));
		endian_store_le64(ste + 8, s->ste1);
	}
	smmuv3_mem_clean(s, mem, 0, nr_stes * STE_BYTES);
	dma_wmb();
}

static size_t l2_bytes_of_array(const struct smmuv3_strtab *t)
{
	return (size_t)t->nr_l2 * sizeof(t->l2[0]);
}

static int init_two_level(struct smmuv3 *s)
{
	struct smmuv3_strtab *t = &s->strtab;
	struct dma_platform *p = s->platform;

	t->nr_l2 = UINT32_C(1) << (t->sid_bits - SMMUV3_SPLIT);
	t->l2 = p->meta_alloc(p, l2_bytes_of_array(t), _Alignof(struct smmuv3_mem));
	if (t->l2 == NULL)
		return -ENOMEM;
	/* Zeroed: every descriptor invalid, so unknown requesters get C_BAD_STREAMID. */
	return smmuv3_mem_alloc(s, (uint64_t)t->nr_l2 * L1STD_BYTES, &t->mem);
}

int smmuv3_strtab_init(struct smmuv3 *s, uint32_t sid_bits, bool two_level)
{
	struct smmuv3_strtab *t = &s->strtab;
	int err;

	t->two_level = two_level && sid_bits > SMMUV3_SPLIT;
	t->sid_bits = (uint32_t)bits_min(sid_bits, t->two_level ? MAX_SID_BITS_TWO_LEVEL
								: MAX_SID_BITS_LINEAR);
	if (t->two_level) {
		err = init_two_level(s);
	} else {
		err = smmuv3_mem_alloc(s, (uint64_t)STE_BYTES << t->sid_bits, &t->mem);
		if (err == 0)
			fill_blocked(s, &t->mem, UINT64_C(1) << t->sid_bits);
	}
	if (err != 0)
		smmuv3_strtab_fini(s);
	return err;
}

void smmuv3_strtab_fini(struct smmuv3 *s)
{
	struct smmuv3_strtab *t = &s->strtab;

	for (uint32_t i = 0; t->l2 != NULL && i < t->nr_l2; i++)
		smmuv3_mem_free(s, &t->l2[i]);
	if (t->l2 != NULL)
		s->platform->meta_free(s->platform, t->l2, l2_bytes_of_array(t));
	t->l2 = NULL;
	smmuv3_mem_free(s, &t->mem);
}

uint64_t smmuv3_strtab_base(const struct smmuv3 *s)
{
	return s->strtab.mem.phys | BASE_ALLOCATE;
}

uint32_t smmuv3_strtab_cfg(const struct smmuv3 *s)
{
	const struct smmuv3_strtab *t = &s->strtab;

	/* SPLIT is ignored by linear tables, IHI0070 6.3.24. */
	return t->sid_bits |
	       (t->two_level ? STRTAB_CFG_SPLIT(SMMUV3_SPLIT) | STRTAB_CFG_TWO_LEVEL : 0);
}

static int sync_all_config(struct smmuv3 *s)
{
	const struct smmuv3_cmd all = { .word = { CMD_CFGI_ALL, CFGI1_RANGE_ALL } };

	return smmuv3_cmdq_run_slow(&s->cmdq, &all, 1);
}

/* The STE and every CD found through it, IHI0070 4.3.1, 4.3.5. */
static int sync_ste(struct smmuv3 *s, uint32_t sid)
{
	const struct smmuv3_cmd cmds[] = {
		{ .word = { CMD_CFGI_STE | CMD0_SID(sid), CFGI1_LEAF } },
		{ .word = { CMD_CFGI_CD_ALL | CMD0_SID(sid), 0 } },
	};

	return smmuv3_cmdq_run_slow(&s->cmdq, cmds, ARRAY_LEN(cmds));
}

/* Make the second-level table of @idx, all blocked; invalid descriptors may be cached (3.21.3). */
static int add_l2(struct smmuv3 *s, uint32_t idx)
{
	struct smmuv3_strtab *t = &s->strtab;
	struct smmuv3_mem l2;
	int err;

	err = smmuv3_mem_alloc(s, L2_BYTES, &l2);
	if (err != 0)
		return err;
	fill_blocked(s, &l2, UINT64_C(1) << SMMUV3_SPLIT);
	t->l2[idx] = l2;
	store_word(s, &t->mem, (uint64_t)idx * L1STD_BYTES,
		   (l2.phys & L1STD_L2PTR) | L1STD_SPAN(SMMUV3_SPLIT));
	return sync_all_config(s);
}

/* Word 0 of an STE is at @at in @mem afterwards. */
static int find_ste(struct smmuv3 *s, uint32_t sid, const struct smmuv3_mem **mem, uint64_t *at)
{
	struct smmuv3_strtab *t = &s->strtab;
	uint32_t idx = sid >> SMMUV3_SPLIT;
	int err;

	if (!t->two_level) {
		*mem = &t->mem;
		*at = (uint64_t)sid * STE_BYTES;
		return 0;
	}
	if (t->l2[idx].len == 0) {
		err = add_l2(s, idx);
		if (err != 0)
			return err;
	}
	*mem = &t->l2[idx];
	*at = (uint64_t)(sid & ((UINT32_C(1) << SMMUV3_SPLIT) - 1)) * STE_BYTES;
	return 0;
}

static uint64_t ste0_of_domain(const struct dma_iommu_dom *dom)
{
	switch (dom->type) {
	case DMA_DOMAIN_IDENTITY:
		return smmuv3_ste0(SMMUV3_STE_BYPASS, 0);
	case DMA_DOMAIN_DMA:
	case DMA_DOMAIN_UNMANAGED:
		return smmuv3_ste0(SMMUV3_STE_S1, smmuv3_cd_phys(dom));
	case DMA_DOMAIN_BLOCKED:
	default:
		return smmuv3_ste0(SMMUV3_STE_BLOCKED, 0);
	}
}

static int change_ste(struct smmuv3 *s, uint32_t sid, uint64_t ste0)
{
	const struct smmuv3_mem *mem;
	uint64_t at, old;
	int err;

	err = find_ste(s, sid, &mem, &at);
	if (err != 0)
		return err;
	old = endian_load_le64(mem->virt + (size_t)at);
	store_word(s, mem, at, ste0);
	err = sync_ste(s, sid);
	if (err != 0) {
		/* Not confirmed: the old one again, as far as the SMMU still listens. */
		store_word(s, mem, at, old);
		if (sync_ste(s, sid) != 0)
			s->platform->log(s->platform, DMA_LOG_ERR,
					 "smmuv3: configuration of a requester is not confirmed");
	}
	return err;
}

int smmuv3_attach(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester)
{
	struct smmuv3 *s = hw->priv;
	struct dma_platform *p = s->platform;
	const struct smmuv3_strtab *t = &s->strtab;
	int err = 0;

	if (requester >> t->sid_bits != 0)
		return smmuv3_refuse(p, DMA_OP_ATTACH, -EINVAL, DMA_RULE_UNSUPPORTED, requester,
				     requester, (UINT64_C(1) << t->sid_bits) - 1);
	p->mutex_lock(p, &s->lock);
	/*
	 * Without a second-level table it is blocked already, and blocking never fails for memory.
	 */
	if (dom->type != DMA_DOMAIN_BLOCKED || !t->two_level ||
	    t->l2[requester >> SMMUV3_SPLIT].len != 0)
		err = change_ste(s, requester, ste0_of_domain(dom));
	p->mutex_unlock(p, &s->lock);
	if (err == -ENOMEM)
		return smmuv3_refuse(p, DMA_OP_ATTACH, err, DMA_RULE_NO_TABLE, requester, 0,
				     L2_BYTES);
	return err == 0 ? 0 : smmuv3_cmdq_error(s, DMA_OP_ATTACH, err);
}
