/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masks and limits (rules.md 2.2): what a device says about itself, and what follows from it.
 *
 * Lock: none; masks and limits change only while no other call on the device runs.
 */
#include "dma/dma.h"
#include "dma/iommu.h"

static void limits_of(struct dma_device *dev, struct dma_limits *limits)
{
	*limits = (struct dma_limits){ .max_mapping_size = SIZE_MAX,
				       .opt_mapping_size = SIZE_MAX,
				       .need_unmap = true,
				       .need_sync = true };
	dev->ops.limits(dev, limits);
}

static bool is_direct(const struct dma_device *dev)
{
	return dev->ops.map_phys == dma_direct_ops.map_phys;
}

/*
 * Lowest address that the device must be able to use for the mask to make sense. Without an
 * IOMMU 32 bits are always accepted, whether there is memory below or not: drivers were
 * written like that.
 */
static uint64_t least_mask(struct dma_device *dev)
{
	struct dma_limits limits;
	uint64_t first;
	uint64_t last;

	limits_of(dev, &limits);
	/* IOVA 0 is never handed out, so two granules are the least that leaves one. */
	if (dev->domain != NULL && !is_direct(dev) && !dev->own_ops)
		return 2 * limits.merge_boundary + 1;
	if (!is_direct(dev) || dev->platform->phys_is_name)
		return 1;
	(void)dma_direct_reach(dev, &first, &last);
	return bits_min(first, DMA_BIT_MASK(32));
}

/* What depends on the masks; the IOMMU layer knows the aperture. */
static void masks_changed(struct dma_device *dev)
{
	if (dev->iommu != NULL && !is_direct(dev))
		iommu_dma_mask_changed(dev);
	else
		dev->iova_last = bits_min(dev->dma_mask, dev->bus_dma_limit);
	dma_window_init(dev);
}

static int set_masks(struct dma_device *dev, uint64_t streaming, uint64_t coherent)
{
	uint64_t mask = bits_min(streaming, coherent);
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_SET_MASK,
				 .err = -EIO,
				 .rule = DMA_RULE_MASK,
				 .addr = mask,
				 .found = bits_min(mask, dev->bus_dma_limit) };

	err.need = least_mask(dev);
	if (mask == 0 || err.found < err.need) {
		err.need = bits_max(err.need, 1);
		return dma_fail(&err);
	}
	dev->dma_mask = streaming;
	dev->coherent_dma_mask = coherent;
	masks_changed(dev);
	return 0;
}

int dma_set_mask(struct dma_device *dev, uint64_t mask)
{
	return set_masks(dev, mask, dev->coherent_dma_mask);
}

int dma_set_coherent_mask(struct dma_device *dev, uint64_t mask)
{
	return set_masks(dev, dev->dma_mask, mask);
}

int dma_set_mask_and_coherent(struct dma_device *dev, uint64_t mask)
{
	return set_masks(dev, mask, mask);
}

uint64_t dma_get_mask(const struct dma_device *dev)
{
	return dev->dma_mask;
}

uint64_t dma_get_required_mask(struct dma_device *dev)
{
	struct dma_limits limits;

	limits_of(dev, &limits);
	return limits.required_mask;
}

bool dma_addressing_limited(struct dma_device *dev)
{
	uint64_t first;
	uint64_t last;

	if (bits_min(dev->dma_mask, dev->bus_dma_limit) < dma_get_required_mask(dev))
		return true;
	return is_direct(dev) && !dma_direct_reach(dev, &first, &last);
}

size_t dma_max_mapping_size(struct dma_device *dev)
{
	struct dma_limits limits;

	limits_of(dev, &limits);
	return limits.max_mapping_size;
}

size_t dma_opt_mapping_size(struct dma_device *dev)
{
	struct dma_limits limits;

	limits_of(dev, &limits);
	return limits.opt_mapping_size < limits.max_mapping_size ? limits.opt_mapping_size
								 : limits.max_mapping_size;
}

unsigned long dma_get_merge_boundary(struct dma_device *dev)
{
	struct dma_limits limits;

	limits_of(dev, &limits);
	return (unsigned long)limits.merge_boundary;
}

bool dma_need_unmap(struct dma_device *dev)
{
	struct dma_limits limits;

	limits_of(dev, &limits);
	return limits.need_unmap;
}

/* Setters return nothing, as Linux's do; what they refuse is on record. */
static void limit_refused(struct dma_device *dev, enum dma_rule rule, uint64_t found, uint64_t need)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_DEVICE,
				 .err = -EINVAL,
				 .rule = rule,
				 .found = found,
				 .need = need };

	dma_fail(&err);
}

/* The next number that is 2^n - 1. */
static uint64_t next_mask(uint64_t mask)
{
	return mask == 0 ? 1 : DMA_BIT_MASK(bits_log2_floor(mask) + 1);
}

void dma_set_max_seg_size(struct dma_device *dev, unsigned int size)
{
	if (size == 0)
		limit_refused(dev, DMA_RULE_LENGTH, size, 1);
	else
		dev->max_seg_size = size;
}

unsigned int dma_get_max_seg_size(const struct dma_device *dev)
{
	return dev->max_seg_size;
}

void dma_set_seg_boundary(struct dma_device *dev, uint64_t mask)
{
	if (mask == 0 || (mask & (mask + 1)) != 0)
		limit_refused(dev, DMA_RULE_ALIGN, mask, next_mask(mask));
	else
		dev->seg_boundary = mask;
}

uint64_t dma_get_seg_boundary(const struct dma_device *dev)
{
	return dev->seg_boundary;
}

void dma_set_min_align_mask(struct dma_device *dev, unsigned int mask)
{
	if ((mask & (mask + 1)) != 0)
		limit_refused(dev, DMA_RULE_ALIGN, mask, next_mask(mask));
	else
		dev->min_align_mask = mask;
}

unsigned int dma_get_min_align_mask(const struct dma_device *dev)
{
	return dev->min_align_mask;
}

int dma_get_cache_alignment(const struct dma_device *dev)
{
	return (int)dev->platform->cache_line;
}
