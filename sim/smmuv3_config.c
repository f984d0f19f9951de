/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: from StreamID and SubstreamID to a context: stream table, STE, CD table, CD
 * (IHI0070 3.3, 5.1 to 5.4), each through a cache that only CFGI commands empty (4.3).
 */
#include "sim/smmuv3_internal.h"

#include <stdlib.h>

#define STRUCTURE_BYTES 64u
#define L1_BYTES 8u

static bool config_fault(struct sim_smmu_fault *fault, unsigned int event, uint64_t fetch)
{
	*fault = (struct sim_smmu_fault){ event, 0, fetch };
	return false;
}

static bool fetch(struct sim_smmuv3 *s, uint64_t phys, unsigned int len, uint64_t *word)
{
	uint8_t bytes[STRUCTURE_BYTES];

	if (s->inject_config_abort != UINT64_MAX && s->inject_config_abort >= phys &&
	    s->inject_config_abort - phys < len)
		return false;
	if (s->host.read(s->host.ctx, phys, bytes, len) != 0)
		return false;
	for (unsigned int i = 0; i < len / 8; i++)
		word[i] = sim_smmu_get64(&bytes[8 * i]);
	return true;
}

static struct sim_smmu_config *cache_find(struct sim_smmu_config_cache *cache, uint32_t sid,
					  uint32_t ssid)
{
	for (size_t i = 0; i < cache->nr; i++) {
		if (cache->entry[i].sid == sid && cache->entry[i].ssid == ssid)
			return &cache->entry[i];
	}
	return NULL;
}

static void cache_put(struct sim_smmuv3 *s, struct sim_smmu_config_cache *cache,
		      const struct sim_smmu_config *entry)
{
	if (s->cfg.config_entries == 0)
		return;
	if (!s->cfg.never_evict && cache->nr >= s->cfg.config_entries) {
		cache->entry[sim_smmu_random(s) % cache->nr] = *entry;
		return;
	}
	if (cache->nr == cache->room) {
		void *array = cache->entry;

		if (!sim_smmu_grow(&array, &cache->room, sizeof(*entry)))
			return;
		cache->entry = array;
	}
	cache->entry[cache->nr++] = *entry;
}

/* Did the structure change since it was cached in a way that no invalidation can repair? */
static bool check_torn(struct sim_smmuv3 *s, const struct sim_smmu_config *entry, bool is_ste)
{
	uint64_t valid = is_ste ? 1 : UINT64_C(1) << 31;
	uint64_t now[8];
	bool same = true;

	if (!s->cfg.check_bbm || !fetch(s, entry->phys, STRUCTURE_BYTES, now))
		return true;
	for (unsigned int i = 0; i < 8; i++)
		same = same && now[i] == entry->word[i];
	if (!same && (now[0] & valid) != 0 && sim_smmu_is_torn(entry->word, now, is_ste))
		sim_smmu_find(s, is_ste ? SIM_SMMUV3_FIND_STE_TORN : SIM_SMMUV3_FIND_CD_TORN,
			      entry->sid);
	return same;
}

/* A cached structure is used that memory no longer holds: late is legal. */
static void check_stale(struct sim_smmuv3 *s, const struct sim_smmu_config *entry, bool is_ste)
{
	if (!check_torn(s, entry, is_ste))
		s->stats.stale_configs++;
}

/*
 * A structure from its cache or from memory. What is invalid may be cached as well (3.21.3), if
 * the machine is configured so; what could not be fetched may not.
 */
static bool structure_get(struct sim_smmuv3 *s, enum sim_smmu_config_kind kind,
			  const struct sim_smmu_config *want, bool *hit, uint64_t *word)
{
	unsigned int len = kind <= CONFIG_CD ? STRUCTURE_BYTES : L1_BYTES;
	struct sim_smmu_config *entry = cache_find(&s->config[kind], want->sid, want->ssid);
	struct sim_smmu_config fresh = *want;
	bool valid;

	if (entry != NULL) {
		if (kind <= CONFIG_CD)
			check_stale(s, entry, kind == CONFIG_STE);
		for (unsigned int i = 0; i < len / 8; i++)
			word[i] = entry->word[i];
		return true;
	}
	*hit = false;
	if (!fetch(s, want->phys, len, fresh.word))
		return false;
	for (unsigned int i = 0; i < len / 8; i++)
		word[i] = fresh.word[i];
	valid = kind == CONFIG_CD      ? (word[0] >> 31 & 1) != 0
		: kind == CONFIG_L1STD ? (word[0] & 0x1f) != 0
				       : (word[0] & 1) != 0;
	if (valid || s->cfg.cache_invalid_config)
		cache_put(s, &s->config[kind], &fresh);
	return true;
}

/* The address of an STE in a two-level table (5.1). */
static bool ste_address_two_level(struct sim_smmuv3 *s, uint32_t sid, bool *hit, uint64_t *phys,
				  struct sim_smmu_fault *fault)
{
	unsigned int lg2 = s->reg.strtab_cfg & 0x3f;
	unsigned int split = s->reg.strtab_cfg >> 6 & 0x1f;
	struct sim_smmu_config want = { 0 };
	uint64_t std;
	unsigned int span;
	unsigned int l1_lg2;
	uint32_t idx;

	if (split != 6 && split != 8 && split != 10)
		split = 6;
	l1_lg2 = (lg2 > split ? lg2 - split : 0) + 3;
	want.sid = sid >> split;
	want.phys = (s->reg.strtab_base & ADDR_BITS(6) & ~((UINT64_C(1) << l1_lg2) - 1)) +
		    (uint64_t)want.sid * L1_BYTES;
	if (!structure_get(s, CONFIG_L1STD, &want, hit, &std))
		return config_fault(fault, SIM_SMMUV3_F_STE_FETCH, want.phys);
	span = std & 0x1f;
	idx = sid & ((1u << split) - 1);
	if (span == 0 || span > split + 1 || idx >= 1u << (span - 1))
		return config_fault(fault, SIM_SMMUV3_C_BAD_STREAMID, 0);
	/* The array is aligned to its size. */
	*phys = (std & ADDR_BITS(6) & ~((UINT64_C(1) << (span + 5)) - 1)) +
		(uint64_t)idx * STRUCTURE_BYTES;
	return true;
}

static bool ste_get(struct sim_smmuv3 *s, uint32_t sid, bool *hit, uint64_t *ste,
		    struct sim_smmu_fault *fault)
{
	unsigned int lg2 = s->reg.strtab_cfg & 0x3f;
	struct sim_smmu_config want = { .sid = sid };

	if (lg2 > s->cfg.sid_bits)
		lg2 = s->cfg.sid_bits;
	if (lg2 < 32 && sid >> lg2 != 0)
		return config_fault(fault, SIM_SMMUV3_C_BAD_STREAMID, 0);
	if ((s->reg.strtab_cfg >> 16 & 3) == 1 && s->cfg.two_level_strtab) {
		if (!ste_address_two_level(s, sid, hit, &want.phys, fault))
			return false;
	} else {
		uint64_t base = s->reg.strtab_base & ADDR_BITS(6);

		want.phys = (base & ~((UINT64_C(64) << lg2) - 1)) + (uint64_t)sid * STRUCTURE_BYTES;
	}
	if (!structure_get(s, CONFIG_STE, &want, hit, ste))
		return config_fault(fault, SIM_SMMUV3_F_STE_FETCH, want.phys);
	if (!sim_smmu_ste_legal(s, ste, sid))
		return config_fault(fault, SIM_SMMUV3_C_BAD_STE, 0);
	return true;
}

/* The address of a CD: one, an array, or two levels (5.2 S1Fmt, 5.3). */
static bool cd_address(struct sim_smmuv3 *s, const uint64_t *ste, uint32_t sid, uint32_t ssid,
		       bool *hit, uint64_t *phys, struct sim_smmu_fault *fault)
{
	unsigned int cdmax = (unsigned int)(ste[0] >> 59);
	unsigned int fmt = cdmax != 0 ? ste[0] >> 4 & 3 : 0;
	uint64_t ptr = ste[0] & ADDR_BITS(6);
	unsigned int split = fmt == 1 ? 6 : 10;
	struct sim_smmu_config want = { .sid = sid, .ssid = ssid >> split };
	unsigned int l1_lg2;
	uint64_t l1cd;

	if (fmt == 0 || fmt == 3) {
		*phys = (ptr & ~((UINT64_C(64) << cdmax) - 1)) + (uint64_t)ssid * STRUCTURE_BYTES;
		return true;
	}
	l1_lg2 = (cdmax > split ? cdmax - split : 0) + 3;
	want.phys = (ptr & ~((UINT64_C(1) << l1_lg2) - 1)) + (uint64_t)want.ssid * L1_BYTES;
	if (!structure_get(s, CONFIG_L1CD, &want, hit, &l1cd))
		return config_fault(fault, SIM_SMMUV3_F_CD_FETCH, want.phys);
	if ((l1cd & 1) == 0)
		return config_fault(fault, SIM_SMMUV3_C_BAD_SUBSTREAMID, 0);
	*phys = (l1cd & ADDR_BITS(fmt == 1 ? 12 : 16)) +
		(uint64_t)(ssid & ((1u << split) - 1)) * STRUCTURE_BYTES;
	return true;
}

/* Which CD serves the transaction; bypass if none has to (5.2 S1DSS). */
static bool substream_select(const struct sim_smmuv3_txn *txn, const uint64_t *ste, uint32_t *ssid,
			     bool *bypass, struct sim_smmu_fault *fault)
{
	unsigned int cdmax = (unsigned int)(ste[0] >> 59);
	unsigned int dss = ste[1] & 3;

	*ssid = 0;
	*bypass = false;
	if (txn->ssid_valid) {
		if (cdmax == 0 || txn->ssid >> cdmax != 0)
			return config_fault(fault, SIM_SMMUV3_C_BAD_SUBSTREAMID, 0);
		if (dss == 2 && txn->ssid == 0)
			return config_fault(fault, SIM_SMMUV3_F_STREAM_DISABLED, 0);
		*ssid = txn->ssid;
		return true;
	}
	if (cdmax == 0 || dss == 2)
		return true;
	if (dss != 1)
		return config_fault(fault, SIM_SMMUV3_F_STREAM_DISABLED, 0);
	*bypass = true;
	return true;
}

static bool cd_get(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn, const uint64_t *ste,
		   uint32_t ssid, bool *hit, struct sim_smmu_context *ctx,
		   struct sim_smmu_fault *fault)
{
	struct sim_smmu_config want = { .sid = txn->sid, .ssid = ssid };
	uint64_t cd[8];

	if (!cd_address(s, ste, txn->sid, ssid, hit, &want.phys, fault))
		return false;
	if (!structure_get(s, CONFIG_CD, &want, hit, cd))
		return config_fault(fault, SIM_SMMUV3_F_CD_FETCH, want.phys);
	if (!sim_smmu_cd_legal(s, cd, ctx, txn->sid))
		return config_fault(fault, SIM_SMMUV3_C_BAD_CD, 0);
	return true;
}

/* The context of a transaction. False: it ends with the fault, which may have no record. */
bool sim_smmu_config_lookup(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
			    struct sim_smmu_context *ctx, struct sim_smmu_fault *fault)
{
	bool hit = true;
	bool ok = true;
	uint64_t ste[8];
	unsigned int config;
	uint32_t ssid;

	*ctx = (struct sim_smmu_context){ .record = true };
	if (!ste_get(s, txn->sid, &hit, ste, fault)) {
		s->stats.config_misses++;
		return false;
	}
	config = ste[0] >> 1 & 7;
	if (s->cfg.attr_ovr) {
		ctx->privcfg = ste[1] >> 48 & 3;
		ctx->instcfg = ste[1] >> 50 & 3;
	}
	if (config < STE_BYPASS) { /* abort, no event */
		ok = config_fault(fault, 0, 0);
	} else if (config == STE_BYPASS) {
		ctx->bypass = true;
		if (txn->ssid_valid)
			ok = config_fault(fault, SIM_SMMUV3_C_BAD_SUBSTREAMID, 0);
	} else {
		ok = substream_select(txn, ste, &ssid, &ctx->bypass, fault) &&
		     (ctx->bypass || cd_get(s, txn, ste, ssid, &hit, ctx, fault));
	}
	s->stats.config_hits += hit ? 1 : 0;
	s->stats.config_misses += hit ? 0 : 1;
	return ok;
}

static void cache_drop(struct sim_smmu_config_cache *cache, uint64_t sid_first, uint64_t sid_last,
		       bool any_ssid, uint32_t ssid)
{
	for (size_t i = 0; i < cache->nr;) {
		const struct sim_smmu_config *entry = &cache->entry[i];

		if (entry->sid >= sid_first && entry->sid <= sid_last &&
		    (any_ssid || entry->ssid == ssid))
			cache->entry[i] = cache->entry[--cache->nr];
		else
			i++;
	}
}

/* STEs, and with them the CDs fetched through them; L1 descriptors unless Leaf (4.3.1). */
static void drop_stes(struct sim_smmuv3 *s, uint64_t first, uint64_t last, bool l1std)
{
	unsigned int split = s->reg.strtab_cfg >> 6 & 0x1f;

	cache_drop(&s->config[CONFIG_STE], first, last, true, 0);
	cache_drop(&s->config[CONFIG_CD], first, last, true, 0);
	cache_drop(&s->config[CONFIG_L1CD], first, last, true, 0);
	if (split != 6 && split != 8 && split != 10)
		split = 6;
	if (l1std)
		cache_drop(&s->config[CONFIG_L1STD], first >> split, last >> split, true, 0);
}

void sim_smmu_config_invalidate(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	uint32_t sid = (uint32_t)(cmd->word[0] >> 32);
	uint32_t ssid = (uint32_t)(cmd->word[0] >> 12 & 0xfffff);
	bool leaf = (cmd->word[1] & 1) != 0;
	const struct sim_smmu_config *entry;
	uint64_t range;

	switch (cmd->op) {
	case 0x03: /* CFGI_STE */
		entry = cache_find(&s->config[CONFIG_STE], sid, 0);
		if (entry != NULL)
			check_torn(s, entry, true);
		drop_stes(s, sid, sid, !leaf);
		break;
	case 0x04: /* CFGI_STE_RANGE, CFGI_ALL: an aligned 2^(Range + 1) */
		range = UINT64_C(2) << (cmd->word[1] & 0x1f);
		drop_stes(s, sid & ~(range - 1), (sid & ~(range - 1)) + (range - 1), true);
		break;
	case 0x05: /* CFGI_CD */
		entry = cache_find(&s->config[CONFIG_CD], sid, ssid);
		if (entry != NULL)
			check_torn(s, entry, false);
		cache_drop(&s->config[CONFIG_CD], sid, sid, false, ssid);
		if (!leaf) {
			/* Either split: the STE that says which may be gone. */
			cache_drop(&s->config[CONFIG_L1CD], sid, sid, false, ssid >> 6);
			cache_drop(&s->config[CONFIG_L1CD], sid, sid, false, ssid >> 10);
		}
		break;
	default: /* CFGI_CD_ALL */
		cache_drop(&s->config[CONFIG_CD], sid, sid, true, 0);
		cache_drop(&s->config[CONFIG_L1CD], sid, sid, true, 0);
		break;
	}
}

void sim_smmu_config_reset(struct sim_smmuv3 *s)
{
	for (unsigned int i = 0; i < CONFIG_KINDS; i++)
		s->config[i].nr = 0;
}

void sim_smmu_config_free(struct sim_smmuv3 *s)
{
	for (unsigned int i = 0; i < CONFIG_KINDS; i++)
		free(s->config[i].entry);
}
