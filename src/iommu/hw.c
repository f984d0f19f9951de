/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMUs: finding the driver, choosing granule and format, statistics. Not here: what the hardware
 * does (src/iommu/<driver>). Lock: none to open and close; the mutex for statistics.
 */
#include "iommu/iommu.h"

#include "core/assert.h"

static enum dma_pt_fmt format_of(uint32_t granule_lg2)
{
	switch (granule_lg2) {
	case 12:
		return DMA_PT_VMSAV8_4K;
	case 14:
		return DMA_PT_VMSAV8_16K;
	case 16:
		return DMA_PT_VMSAV8_64K;
	default:
		return DMA_PT_NONE;
	}
}

/* iommu.h: the smallest that is at least the CPU page, else the smallest; or the one asked for. */
static int choose_granule(struct dma_iommu *iommu, uint32_t wanted, struct dma_error *why)
{
	uint64_t have = 0;
	uint32_t page_lg2 = iommu->hw.platform->page_lg2;

	for (uint32_t lg2 = 12; lg2 <= 16; lg2 += 2) {
		if (pgtable_ops_of(format_of(lg2)) != NULL)
			have |= iommu->hw.caps.granules & ((uint64_t)1 << lg2);
	}
	if (wanted != 0) {
		if (wanted >= 64 || (have >> wanted & 1) == 0)
			return error_why(why, -EINVAL, DMA_RULE_GRANULE, wanted, have);
		iommu->granule_lg2 = wanted;
	} else if (have >> page_lg2 != 0) {
		iommu->granule_lg2 = page_lg2 + bits_ctz(have >> page_lg2);
	} else if (have != 0) {
		iommu->granule_lg2 = bits_ctz(have);
	} else {
		return error_why(why, -EINVAL, DMA_RULE_UNSUPPORTED, iommu->hw.caps.granules, 0);
	}
	iommu->fmt = format_of(iommu->granule_lg2);
	return 0;
}

/* What the format does with these sizes, from a page table made for the purpose. */
static int ask_format(struct dma_iommu *iommu, struct dma_error *why)
{
	struct pgtable_cfg cfg = domain_pt_cfg(iommu);
	struct pgtable_info info;
	struct pgtable pt;
	int err;

	err = pgtable_init(&pt, pgtable_ops_of(iommu->fmt), &cfg);
	if (err == -ENOMEM)
		return error_why(why, err, DMA_RULE_NO_TABLE, 0, 1);
	if (err != 0)
		return error_why(why, err, DMA_RULE_UNSUPPORTED, cfg.ias_bits, cfg.oas_bits);
	pgtable_info(&pt, &info);
	iommu->pgsize_bitmap = info.pgsize_bitmap;
	iommu->span_lg2 = info.span_lg2;
	pgtable_fini(&pt);
	return 0;
}

static int probe(struct dma_iommu *iommu, const struct dma_iommu_driver *const *drivers,
		 struct dma_error *why)
{
	int err = -ENODEV;

	for (; *drivers != NULL && err == -ENODEV; drivers++) {
		iommu->drv = *drivers;
		err = iommu_inject(iommu->hw.platform) ? -ENOMEM : iommu->drv->probe(&iommu->hw);
	}
	iommu->hw.desc.resv = NULL;
	iommu->hw.desc.nr_resv = 0;
	if (err == -ENODEV)
		return error_why(why, err, DMA_RULE_UNSUPPORTED, 0, 0);
	return error_why_hw(why, err);
}

static int bring_up(struct dma_iommu *iommu, const struct dma_iommu_desc *desc,
		    struct dma_error *why)
{
	static const struct resv_list none;
	int err;

	err = choose_granule(iommu, desc->granule_lg2, why);
	if (err == 0)
		err = ask_format(iommu, why);
	if (err == 0)
		err = resv_merge(iommu->hw.platform, &none, desc->resv, desc->nr_resv,
				 iommu->granule_lg2, &iommu->resv, why);
	if (err != 0)
		return err;
	err = domain_new(iommu, DMA_DOMAIN_BLOCKED, &iommu->blocked, why);
	if (err != 0)
		resv_free(iommu->hw.platform, &iommu->resv);
	return err;
}

static bool desc_is_complete(const struct dma_iommu_desc *desc)
{
	return desc != NULL && (desc->nr_resv == 0 || desc->resv != NULL);
}

int dma_iommu_open(struct dma_platform *p, const struct dma_iommu_driver *const *drivers,
		   const struct dma_iommu_desc *desc, struct dma_iommu **out)
{
	struct dma_error why = { .op = DMA_OP_DEVICE };
	struct dma_iommu *iommu;
	int err;

	if (p == NULL || drivers == NULL || out == NULL || !desc_is_complete(desc))
		return -EINVAL;
	iommu = p->meta_alloc(p, sizeof(*iommu), _Alignof(struct dma_iommu));
	if (iommu == NULL) {
		err = error_why(&why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*iommu));
		goto fail;
	}
	iommu->hw.platform = p;
	iommu->hw.desc = *desc;
	err = probe(iommu, drivers, &why);
	if (err != 0)
		goto free_iommu;
	err = bring_up(iommu, desc, &why);
	if (err != 0)
		goto remove;
	*out = iommu;
	return 0;
remove:
	iommu->drv->remove(&iommu->hw);
free_iommu:
	p->meta_free(p, iommu, sizeof(*iommu));
fail:
	why.err = err;
	dma_error_record(NULL, &why);
	return err;
}

int dma_iommu_close(struct dma_iommu *iommu)
{
	struct dma_platform *p;

	if (iommu == NULL)
		return 0;
	p = iommu->hw.platform;
	if (iommu->groups != NULL || iommu->domains != NULL) {
		struct dma_error why = { .op = DMA_OP_DEVICE };

		(void)error_why(&why, -EBUSY, DMA_RULE_STATE, 0, 0);
		dma_error_record(NULL, &why);
		return -EBUSY;
	}
	domain_del(iommu->blocked);
	iommu->drv->remove(&iommu->hw);
	resv_free(p, &iommu->resv);
	p->meta_free(p, iommu, sizeof(*iommu));
	return 0;
}

/* Every slot is kept out. */
static void add_domain(struct dma_domain *dom, struct dma_iommu_info *info)
{
	struct pgtable_stats st;
	uint64_t used;

	if (!domain_translates(dom))
		return;
	pgtable_stats(&dom->pt, &st);
	used = (uint64_t)(st.nr_linked - st.nr_empty) * st.table_bytes;
	info->table_bytes += st.root_bytes + st.chunk_bytes;
	info->cached_table_bytes += st.chunk_bytes - used;
	info->nr_flushes += atomic_load_explicit(&dom->nr_flushes, memory_order_relaxed);
	info->unconfirmed_bytes += atomic_load_explicit(&dom->nr_lost, memory_order_relaxed)
				   << dom->granule_lg2;
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		const struct domain_slot *ds =
			atomic_load_explicit(&dom->slots[i], memory_order_acquire);

		if (ds != NULL && ds->ring != NULL)
			info->queued_bytes += ds->ring->bytes;
	}
}

void dma_iommu_get_info(struct dma_iommu *iommu, struct dma_iommu_info *info)
{
	struct dma_platform *p = iommu->hw.platform;
	struct dma_iommu_counts counts = { 0 };

	*info = (struct dma_iommu_info){
		.name = iommu->drv->name,
		.granule_lg2 = iommu->granule_lg2,
		.pgsize_bitmap = iommu->pgsize_bitmap,
		.ias_bits = iommu->hw.caps.ias_bits,
		.oas_bits = iommu->hw.caps.oas_bits,
		.coherent_walk = domain_pt_cfg(iommu).coherent_walk,
		.range_inval = iommu->hw.caps.range_inval,
	};
	if (iommu->drv->counts != NULL)
		iommu->drv->counts(&iommu->hw, &counts);
	info->nr_invalidations = counts.invalidations;
	info->nr_commands = counts.commands;
	info->nr_command_errors = counts.command_errors;
	/* Counting empty tables walks them all, so nobody may unlink one meanwhile. */
	p->mutex_lock(p, &iommu->mutex);
	dma_slots_drain_begin(p, NULL);
	for (struct dma_domain *dom = iommu->domains; dom != NULL; dom = dom->next)
		add_domain(dom, info);
	dma_slots_drain_end(p, NULL);
	p->mutex_unlock(p, &iommu->mutex);
}

int error_why_hw(struct dma_error *why, int err)
{
	switch (err) {
	case 0:
		return 0;
	case -ENOMEM:
		return error_why(why, err, DMA_RULE_NO_META, 0, 0);
	case -ENOSPC:
		return error_why(why, err, DMA_RULE_NO_MEMORY, 0, 1);
	case -EINVAL:
		return error_why(why, err, DMA_RULE_UNSUPPORTED, 0, 0);
	default:
		return error_why(why, err, DMA_RULE_HARDWARE, (uint64_t)-err, 0);
	}
}
