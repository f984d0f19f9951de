/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: the cache of table descriptors. A walk begins at the lowest cached table, so a
 * table that was unlinked or freed after a leaf-only invalidation is still walked (DDI0487 D8.14).
 */
#include "sim/smmuv3_internal.h"

/* A used entry that memory contradicts: another valid table is a broken rule, none is just late. */
static void check_entry(struct sim_smmuv3 *s, const struct sim_smmu_wce *wce)
{
	uint8_t bytes[8];
	uint64_t desc;
	uint64_t next;

	if (!s->cfg.check_bbm || s->host.read(s->host.ctx, wce->desc_phys, bytes, 8) != 0)
		return;
	desc = sim_smmu_get64(bytes);
	next = desc & ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << wce->granule_lg2) - 1);
	if ((desc & 3) == 3 && (next == (wce->next_table & ((UINT64_C(1) << 48) - 1))))
		return;
	s->stats.stale_walks++;
	if ((desc & 1) != 0)
		sim_smmu_find(s, SIM_SMMUV3_FIND_WALK_STALE, wce->iova);
}

const struct sim_smmu_wce *sim_smmu_wc_lookup(struct sim_smmuv3 *s,
					      const struct sim_smmu_context *ctx, bool upper,
					      uint64_t iova)
{
	const struct sim_smmu_wce *best = NULL;

	for (size_t i = 0; i < s->nr_wc; i++) {
		const struct sim_smmu_wce *at = &s->wc[i];

		if (at->asid == ctx->asid && at->upper == upper &&
		    at->granule_lg2 == ctx->half[upper].granule_lg2 &&
		    iova >> at->lg2 == at->iova >> at->lg2 &&
		    (best == NULL || at->level > best->level))
			best = at;
	}
	if (best != NULL)
		check_entry(s, best);
	return best;
}

void sim_smmu_wc_insert(struct sim_smmuv3 *s, const struct sim_smmu_wce *wce)
{
	if (s->cfg.walk_entries == 0)
		return;
	for (size_t i = 0; i < s->nr_wc; i++) {
		const struct sim_smmu_wce *at = &s->wc[i];

		if (at->asid == wce->asid && at->upper == wce->upper && at->level == wce->level &&
		    at->granule_lg2 == wce->granule_lg2 && at->iova == wce->iova) {
			s->wc[i] = *wce;
			return;
		}
	}
	if (!s->cfg.never_evict && s->nr_wc >= s->cfg.walk_entries) {
		s->wc[sim_smmu_random(s) % s->nr_wc] = *wce;
		return;
	}
	if (s->nr_wc == s->wc_room) {
		void *array = s->wc;

		if (!sim_smmu_grow(&array, &s->wc_room, sizeof(*s->wc)))
			return;
		s->wc = array;
	}
	s->wc[s->nr_wc++] = *wce;
}
