/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streaming maps of scatterlists: the checks before ops.map_sg, and map_sg for tables that only
 * have map_phys. How an IOMMU merges entries is dma/iommu*.c's business.
 *
 * Lock: none; the list belongs to the caller.
 */
#include "core/assert.h"
#include "core/slot.h"
#include "dma/dma.h"

static int sg_fail(struct dma_device *dev, enum dma_op op, enum dma_rule rule, int nents,
		   enum dma_data_direction dir, unsigned long attrs, uint64_t found, uint64_t need)
{
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .rule = rule,
				 .len = (uint32_t)nents,
				 .dir = dir,
				 .attrs = attrs,
				 .found = found,
				 .need = need };

	return dma_fail(&err);
}

/* What a failed map leaves in the list (rules.md 2.4): memory as it was, no DMA addresses. */
static void mark_failed(struct scatterlist *sgl, int nents)
{
	struct scatterlist *sg = sgl;

	for (int i = 0; i < nents && sg != NULL; i++, sg = sg_next(sg)) {
		sg->dma_address = DMA_MAPPING_ERROR;
		sg->dma_length = 0;
	}
}

/* An ops table that promises to call dma_entry_ok() itself saves this second walk. */
static int check_entries(struct dma_device *dev, enum dma_op op, struct scatterlist *sgl, int nents,
			 enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg = sgl;

	for (int i = 0; i < nents; i++, sg = sg_next(sg)) {
		if (sg == NULL)
			return sg_fail(dev, op, DMA_RULE_NENTS, nents, dir, attrs, (uint32_t)nents,
				       (uint32_t)i);
		if (!dma_entry_ok(dev, op, sg->phys, sg->length, dir, attrs))
			return -EINVAL;
	}
	return 0;
}

/* A direct device and memory inside its window: an addition an entry, nothing to undo. */
static bool map_in_window(const struct dma_device *dev, struct scatterlist *sgl, int nents)
{
	struct scatterlist *sg = sgl;

	for (int i = 0; i < nents; i++, sg = sg_next(sg)) {
		if (sg == NULL || !dma_window_holds(dev, sg->phys, sg->length))
			return false;
		sg->dma_address = sg->phys + dev->window_offset;
		sg->dma_length = sg->length;
	}
	return true;
}

/*
 * Debug builds remember in the first entry how many were mapped, because the mistake is common
 * (unmap with what the map returned) and silent: part of the list stays mapped.
 */
static void remember_nents(struct scatterlist *sgl, uint32_t nents)
{
	if (DMA_ASSERTS)
		sgl->spare = nents;
}

static bool nents_confused(struct dma_device *dev, enum dma_op op, struct scatterlist *sgl,
			   int nents, enum dma_data_direction dir)
{
	if (!DMA_ASSERTS || sgl->spare == 0 || sgl->spare == (uint32_t)nents)
		return false;
	sg_fail(dev, op, DMA_RULE_NENTS, nents, dir, 0, (uint32_t)nents, sgl->spare);
	return true;
}

int dma_map_sg_front(struct dma_device *dev, struct scatterlist *sgl, int nents,
		     enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	enum dma_op op = dma_op_of(origin);
	int err;

	if (unlikely(sgl == NULL || nents < 1))
		return sg_fail(dev, op, DMA_RULE_NENTS, nents, dir, attrs,
			       (uint64_t)(nents < 0 ? 0 : nents), 1);
	if (unlikely(!dma_dir_maps(dir) || (attrs & ~DMA_ATTRS_PLAIN) != 0)) {
		err = dma_check_map_args(dev, op, sgl->phys, (uint32_t)nents, dir, attrs);
		if (err != 0)
			return err;
	}
	if (dev->direct && (attrs & DMA_ATTR_MMIO) == 0 && map_in_window(dev, sgl, nents)) {
		remember_nents(sgl, (uint32_t)nents);
		return nents;
	}
	err = dev->sg_checked ? 0 : check_entries(dev, op, sgl, nents, dir, attrs);
	if (err == 0)
		err = dev->ops.map_sg(dev, sgl, (uint32_t)nents, dir, attrs, origin);
	if (unlikely(err <= 0)) {
		mark_failed(sgl, nents);
		return err < 0 ? err : -EIO;
	}
	remember_nents(sgl, (uint32_t)nents);
	return err;
}

unsigned int dma_map_sg_attrs(struct dma_device *dev, struct scatterlist *sgl, int nents,
			      enum dma_data_direction dir, unsigned long attrs)
{
	int ret = dma_map_sg_front(dev, sgl, nents, dir, attrs, DMA_ORIGIN_SG);

	return ret < 0 ? 0 : (unsigned int)ret;
}

void dma_unmap_sg_front(struct dma_device *dev, struct scatterlist *sgl, int nents,
			enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	if (unlikely(sgl == NULL || nents < 1)) {
		sg_fail(dev, DMA_OP_UNMAP_SG, DMA_RULE_NENTS, nents, dir, attrs,
			(uint64_t)(nents < 0 ? 0 : nents), 1);
		return;
	}
	if (unlikely(!dma_dir_maps(dir))) {
		sg_fail(dev, DMA_OP_UNMAP_SG, DMA_RULE_DIRECTION, nents, dir, attrs, dir,
			DMA_FROM_DEVICE);
		return;
	}
	if (nents_confused(dev, DMA_OP_UNMAP_SG, sgl, nents, dir))
		return;
	remember_nents(sgl, 0);
	if (!dev->direct)
		dev->ops.unmap_sg(dev, sgl, (uint32_t)nents, dir, attrs, origin);
}

void dma_unmap_sg_attrs(struct dma_device *dev, struct scatterlist *sgl, int nents,
			enum dma_data_direction dir, unsigned long attrs)
{
	dma_unmap_sg_front(dev, sgl, nents, dir, attrs, DMA_ORIGIN_SG);
}

int dma_map_sgtable(struct dma_device *dev, struct sg_table *sgt, enum dma_data_direction dir,
		    unsigned long attrs)
{
	int ret = dma_map_sg_front(dev, sgt->sgl, (int)sgt->orig_nents, dir, attrs, DMA_ORIGIN_SG);

	if (ret >= 0) {
		sgt->nents = (uint32_t)ret;
		return 0;
	}
	/* Linux's four: anything else that a table may return says no more than that it failed. */
	if (ret == -EINVAL || ret == -ENOMEM || ret == -EREMOTEIO)
		return ret;
	return -EIO;
}

void dma_unmap_sgtable(struct dma_device *dev, struct sg_table *sgt, enum dma_data_direction dir,
		       unsigned long attrs)
{
	dma_unmap_sg_front(dev, sgt->sgl, (int)sgt->orig_nents, dir, attrs, DMA_ORIGIN_SG);
}

/* Why a map of somebody's table failed: what it recorded since @nr_errors, or that it did not. */
static int each_failed(struct dma_device *dev, enum dma_origin origin, uint32_t nents,
		       enum dma_data_direction dir, unsigned long attrs, uint32_t nr_errors)
{
	struct dma_error err;

	if (dma_error_count() != nr_errors && dma_last_error(NULL, &err) == 0)
		return err.err;
	err = (struct dma_error){ .dev = dev,
				  .op = dma_op_of(origin),
				  .err = -EIO,
				  .rule = DMA_RULE_UNSUPPORTED,
				  .len = nents,
				  .dir = dir,
				  .attrs = attrs };
	return dma_fail(&err);
}

int dma_map_sg_each(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		    enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	uint32_t nr_errors = dma_error_count();
	struct scatterlist *sg;
	uint32_t i;
	int err;

	for_each_sg(sgl, sg, nents, i)
	{
		dma_addr_t addr = dev->ops.map_phys(dev, sg->phys, sg->length, dir, attrs, origin);

		if (addr == DMA_MAPPING_ERROR)
			break;
		sg->dma_address = addr;
		sg->dma_length = sg->length;
	}
	if (i == nents)
		return (int)nents;
	/* Before the undo, which may record something of its own. */
	err = each_failed(dev, origin, nents, dir, attrs, nr_errors);
	if (i > 0)
		dma_unmap_sg_each(dev, sgl, i, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC, origin);
	return err;
}

void dma_unmap_sg_each(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		       enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	struct scatterlist *sg;
	uint32_t i;

	for_each_sg(sgl, sg, nents, i)
	{
		if (sg->dma_length == 0)
			break;
		dev->ops.unmap_phys(dev, sg->dma_address, sg->dma_length, dir, attrs, origin);
	}
}
