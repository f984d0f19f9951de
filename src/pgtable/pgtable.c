/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all formats share: bring-up, and the calls through struct pgtable_ops. No entry is read or
 * written here. Locks: see pgtable.h, Concurrency.
 */
#include "pgtable/pgtable.h"

int pgtable_init(struct pgtable *pt, const struct pgtable_ops *ops, const struct pgtable_cfg *cfg)
{
	*pt = (struct pgtable){
		.ops = ops,
		.platform = cfg->platform,
		.linear = (uintptr_t)cfg->platform->linear_offset,
		.noncoherent = !cfg->coherent_walk,
		.ias_bits = cfg->ias_bits,
		.oas_bits = cfg->oas_bits,
	};
	return ops->init(pt, cfg);
}

int pgtable_reserve(struct pgtable *pt, const struct run *run, uint32_t flags,
		    struct pgtable_reserve *rsv)
{
	return pt->ops->reserve(pt, run, flags, rsv);
}

void pgtable_map(struct pgtable *pt, const struct run *run, struct pgtable_reserve *rsv)
{
	pt->ops->map(pt, run, rsv);
}

void pgtable_release(struct pgtable *pt, struct pgtable_reserve *rsv)
{
	pgtable_free_tables(pt, &rsv->tables);
	pgtable_free_tables(pt, &rsv->retired);
	*rsv = PGTABLE_RESERVE_EMPTY;
}

int pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather)
{
	return pt->ops->unmap(pt, iova, len, gather);
}

int pgtable_iova_to_phys(const struct pgtable *pt, uint64_t iova, phys_addr_t *phys)
{
	return pt->ops->iova_to_phys(pt, iova, phys);
}

int pgtable_next_run(const struct pgtable *pt, uint64_t iova, uint64_t last, struct run *run)
{
	return pt->ops->next_run(pt, iova, last, run);
}

void pgtable_retire(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather,
		    struct pgtable_freelist *list)
{
	pt->ops->retire(pt, iova, len, gather, list);
}

void pgtable_info(const struct pgtable *pt, struct pgtable_info *info)
{
	pt->ops->info(pt, info);
}
