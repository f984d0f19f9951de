/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ops tables: the one of a device, and what stands in for members that a table leaves out, so that
 * nobody tests for NULL. A default does the real thing where the two required members allow it
 * (lists, allocation), and says "unsupported" where it cannot know.
 *
 * Lock: none; a table changes only under the exclusion that dma-map-ops.h asks for.
 */
#include "core/mem.h"
#include "dma/dma.h"
#include "dma/iommu.h"

/*
 * Memory named by the caller can be made coherent by hand; a bare DMA address of somebody
 * else's table cannot be turned into memory.
 */
static bool sync_phys_known(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_SYNC,
				 .err = -EOPNOTSUPP,
				 .rule = DMA_RULE_UNSUPPORTED,
				 .addr = addr,
				 .len = size,
				 .dir = dir };

	if (phys != DMA_PHYS_UNKNOWN)
		return true;
	dma_fail(&err);
	return false;
}

static void default_sync_for_cpu(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				 size_t size, enum dma_data_direction dir)
{
	if (!dev->coherent && dma_dir_writes(dir) && sync_phys_known(dev, addr, phys, size, dir))
		dev->platform->cache_inv(dev->platform, phys, size);
}

static void default_sync_for_device(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				    size_t size, enum dma_data_direction dir)
{
	if (!dev->coherent && sync_phys_known(dev, addr, phys, size, dir))
		dev->platform->cache_clean(dev->platform, phys, size);
}

static void default_limits(struct dma_device *dev, struct dma_limits *limits)
{
	*limits = (struct dma_limits){
		.max_mapping_size = SIZE_MAX,
		.opt_mapping_size = SIZE_MAX,
		.required_mask = DMA_BIT_MASK(32),
		.need_unmap = true,
		.need_sync = !dev->coherent,
	};
}

static void default_query_attrs(struct dma_device *dev, struct dma_attr_info *info)
{
	info->honoured = DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN;
	if (dev->coherent)
		info->honoured |= DMA_ATTR_REQUIRE_COHERENT;
	else
		info->honoured |= DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NON_COHERENT;
	if (dev->platform->phys_is_name)
		info->honoured &= ~DMA_ATTR_FORCE_CONTIGUOUS;
	info->refused = DMA_ATTR_CONTRACTS & ~info->honoured;
	info->ignored = DMA_ATTRS_PLAIN & ~info->honoured;
}

void dma_checked_default(struct dma_device *dev, dma_addr_t addr)
{
	(void)dev;
	(void)addr;
}

static void default_poll(struct dma_device *dev)
{
	(void)dev;
}

#define FILL(ops, member, with)                                                                    \
	do {                                                                                       \
		if ((ops)->member == NULL)                                                         \
			(ops)->member = (with);                                                    \
	} while (0)

/* alloc, free, mmap and get_sgtable know each other's bookkeeping: all four or none. */
static void fill_alloc(struct dma_map_ops *ops)
{
	if (ops->alloc != NULL)
		return;
	ops->alloc = dma_alloc_contiguous;
	ops->free = dma_free_contiguous;
	ops->mmap = dma_mmap_contiguous;
	ops->get_sgtable = dma_sgtable_contiguous;
}

int dma_mmap_none(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr, dma_addr_t dma_addr,
		  size_t size, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_MMAP,
				 .err = -ENXIO,
				 .rule = DMA_RULE_UNSUPPORTED,
				 .addr = dma_addr,
				 .len = size,
				 .attrs = attrs };

	(void)vma;
	(void)cpu_addr;
	return dma_fail(&err);
}

static int no_get_sgtable(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
			  dma_addr_t dma_addr, size_t size, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_GET_SGTABLE,
				 .err = -ENXIO,
				 .rule = DMA_RULE_UNSUPPORTED,
				 .addr = dma_addr,
				 .len = size,
				 .attrs = attrs };

	(void)sgt;
	(void)cpu_addr;
	return dma_fail(&err);
}

static void no_free(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
		    unsigned long attrs, enum dma_origin origin)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_FREE,
				 .err = -EOPNOTSUPP,
				 .rule = DMA_RULE_UNSUPPORTED,
				 .addr = dma_addr,
				 .len = size,
				 .attrs = attrs };

	(void)cpu_addr;
	(void)origin;
	dma_fail(&err);
}

/* A table with a map_sg of its own but no unmap_sg gets the one that goes with map_phys. */
static void fill(struct dma_map_ops *ops)
{
	fill_alloc(ops);
	FILL(ops, free, no_free);
	FILL(ops, mmap, dma_mmap_none);
	FILL(ops, get_sgtable, no_get_sgtable);
	FILL(ops, map_sg, dma_map_sg_each);
	FILL(ops, unmap_sg, dma_unmap_sg_each);
	FILL(ops, sync_for_cpu, default_sync_for_cpu);
	FILL(ops, sync_for_device, default_sync_for_device);
	FILL(ops, limits, default_limits);
	FILL(ops, query_attrs, default_query_attrs);
	FILL(ops, checked, dma_checked_default);
	FILL(ops, poll, default_poll);
	FILL(ops, trim, default_poll);
}

void dma_ops_install(struct dma_device *dev, const struct dma_map_ops *ops)
{
	struct dma_limits limits = { 0 };
	const struct dma_map_ops *from = ops != NULL ? ops : &dma_direct_ops;
	struct dma_map_ops filled = { 0 };

	/* @ops may be the device's own table, so it is read whole before that is written. */
	memcpy(&filled, from, from->size);
	filled.size = sizeof(filled);
	fill(&filled);
	dev->ops = filled;
	dev->sg_checked = false;
	dev->direct = ops == NULL && dev->coherent && !dev->platform->phys_is_name;
	dev->ops.limits(dev, &limits);
	dev->need_sync = limits.need_sync;
	dma_window_init(dev);
}

void dma_ops_choose(struct dma_device *dev)
{
	const struct dma_map_ops *ops = dev->iommu != NULL ? iommu_dma_ops(dev) : NULL;

	dev->own_ops = false;
	dma_ops_install(dev, ops);
	/* It reads every entry anyway, and checks it on the way. */
	dev->sg_checked = ops != NULL;
}

int dma_device_set_ops(struct dma_device *dev, const struct dma_map_ops *ops)
{
	struct dma_error err = { .dev = dev, .op = DMA_OP_DEVICE, .err = -EINVAL };

	if (ops != NULL &&
	    (ops->size < offsetof(struct dma_map_ops, unmap_phys) + sizeof(ops->unmap_phys) ||
	     ops->size > sizeof(*ops) || ops->size % sizeof(ops->unmap_phys) != 0)) {
		err.rule = DMA_RULE_LENGTH;
		err.found = ops->size;
		err.need = sizeof(*ops);
		return dma_fail(&err);
	}
	if (ops != NULL && (ops->map_phys == NULL || ops->unmap_phys == NULL)) {
		err.rule = DMA_RULE_UNSUPPORTED;
		return dma_fail(&err);
	}
	if (dma_buffers_live(dev) || (dev->iommu != NULL && iommu_dma_is_live(dev))) {
		err.err = -EBUSY;
		err.rule = DMA_RULE_STATE;
		return dma_fail(&err);
	}
	if (ops == NULL) {
		dma_ops_choose(dev);
		return 0;
	}
	dma_ops_install(dev, ops);
	dev->own_ops = true;
	return 0;
}

const struct dma_map_ops *dma_device_get_ops(const struct dma_device *dev)
{
	return &dev->ops;
}

void dma_device_set_ops_priv(struct dma_device *dev, void *priv)
{
	dev->ops_priv = priv;
}

void *dma_device_get_ops_priv(const struct dma_device *dev)
{
	return dev->ops_priv;
}

void dma_query_attrs(struct dma_device *dev, struct dma_attr_info *info)
{
	*info = (struct dma_attr_info){ 0 };
	dev->ops.query_attrs(dev, info);
}

void dma_poll(struct dma_device *dev)
{
	dev->ops.poll(dev);
}

void dma_trim(struct dma_device *dev)
{
	dev->ops.trim(dev);
}
