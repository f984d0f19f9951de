/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The direct ops: no IOMMU, so the DMA address is phys, moved by the window of the device it lies
 * in. Where the device does not snoop, this is also where caches are cleaned and invalidated.
 * Allocation and lists are the defaults of ops.c.
 *
 * Lock: none.
 */
#include "dma/dma.h"

/* Part of [phys, phys + size) that lies in @r from its start; 0: none. */
static uint64_t bytes_inside(const struct dma_range *r, phys_addr_t phys, uint64_t size)
{
	if (phys < r->cpu_start || phys - r->cpu_start >= r->size)
		return 0;
	return bits_min(size, r->size - (phys - r->cpu_start));
}

static int no_range(const struct dma_device *dev, phys_addr_t phys, uint64_t inside,
		    struct dma_error *err)
{
	err->rule = DMA_RULE_NO_RANGE;
	err->found = phys + inside;
	err->need = dev->ranges[0].cpu_start;
	return -EINVAL;
}

/* The window that holds all of it. Windows may touch: two of them are still two (rules.md 2.2). */
static int window_addr(const struct dma_device *dev, phys_addr_t phys, uint64_t size,
		       dma_addr_t *addr, struct dma_error *err)
{
	uint64_t best = 0;

	if (dev->nr_ranges == 0) {
		*addr = phys;
		return 0;
	}
	for (uint32_t i = 0; i < dev->nr_ranges; i++) {
		const struct dma_range *r = &dev->ranges[i];
		uint64_t inside = bytes_inside(r, phys, size);

		if (inside == size) {
			*addr = r->dma_start + (phys - r->cpu_start);
			return 0;
		}
		best = bits_max(best, inside);
	}
	return no_range(dev, phys, best, err);
}

static int limit_addr(dma_addr_t addr, uint64_t size, uint64_t limit, struct dma_error *err)
{
	uint64_t last;

	/* The error value is not an address. */
	limit = bits_min(limit, DMA_MAPPING_ERROR - 1);
	if (bits_range_last(addr, size, &last) && last <= limit)
		return 0;
	err->rule = DMA_RULE_MASK;
	err->found = addr + (size - 1);
	err->need = limit;
	return -EINVAL;
}

int dma_direct_addr(const struct dma_device *dev, phys_addr_t phys, uint64_t size, uint64_t limit,
		    dma_addr_t *addr, struct dma_error *err)
{
	int ret = window_addr(dev, phys, size, addr, err);

	return ret != 0 ? ret : limit_addr(*addr, size, limit, err);
}

phys_addr_t dma_direct_phys(const struct dma_device *dev, dma_addr_t addr, uint64_t size)
{
	if (dev->nr_ranges == 0)
		return addr;
	for (uint32_t i = 0; i < dev->nr_ranges; i++) {
		const struct dma_range *r = &dev->ranges[i];
		uint64_t off = addr - r->dma_start;

		if (off < r->size && size <= r->size - off)
			return r->cpu_start + off;
	}
	return DMA_PHYS_UNKNOWN;
}

/* One stretch of RAM into first and last; true if it lies in windows whole. */
static bool reach_stretch(const struct dma_device *dev, phys_addr_t phys, uint64_t len,
			  uint64_t *first, uint64_t *last)
{
	uint64_t covered = 0;

	if (dev->nr_ranges == 0) {
		*first = bits_min(*first, phys);
		*last = bits_max(*last, phys + (len - 1));
		return true;
	}
	for (uint32_t i = 0; i < dev->nr_ranges; i++) {
		const struct dma_range *r = &dev->ranges[i];
		uint64_t from = bits_max(phys, r->cpu_start);
		uint64_t to = bits_min(phys + (len - 1), r->cpu_start + (r->size - 1));

		if (from > to)
			continue;
		*first = bits_min(*first, r->dma_start + (from - r->cpu_start));
		*last = bits_max(*last, r->dma_start + (to - r->cpu_start));
		covered += to - from + 1;
	}
	return covered >= len;
}

bool dma_direct_reach(const struct dma_device *dev, uint64_t *first, uint64_t *last)
{
	phys_addr_t phys = 0;
	bool all = true;
	uint64_t len;

	*first = UINT64_MAX;
	*last = 0;
	while (dma_ram_next(dev->platform, &phys, &len)) {
		all = reach_stretch(dev, phys, len, first, last) && all;
		if (phys + (len - 1) == UINT64_MAX)
			break;
		phys += len;
	}
	return all;
}

uint64_t dma_coherent_limit(const struct dma_device *dev)
{
	return bits_min(dev->coherent_dma_mask, dev->bus_dma_limit);
}

/* MMIO has no window: the bus carries it as it is (rules.md API-06), and caches stay out of it. */
static int place(const struct dma_device *dev, phys_addr_t phys, uint64_t size,
		 enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin,
		 dma_addr_t *addr, struct dma_error *err)
{
	uint64_t limit = origin == DMA_ORIGIN_COHERENT ? dma_coherent_limit(dev) : dev->iova_last;

	if (dev->platform->phys_is_name) {
		err->rule = DMA_RULE_UNSUPPORTED;
		err->err = -EOPNOTSUPP;
		return -EOPNOTSUPP;
	}
	if (dma_shares_line(dev, phys, size, dir, attrs)) {
		uint64_t mask = (uint64_t)dev->platform->cache_line - 1;

		err->rule = DMA_RULE_CACHE_LINE;
		err->found = (phys & mask) != 0 ? phys : phys + size;
		err->need = dev->platform->cache_line;
		return -EINVAL;
	}
	if ((attrs & DMA_ATTR_MMIO) == 0)
		return dma_direct_addr(dev, phys, size, limit, addr, err);
	*addr = phys;
	return limit_addr(phys, size, limit, err);
}

static dma_addr_t direct_map_phys(struct dma_device *dev, phys_addr_t phys, size_t size,
				  enum dma_data_direction dir, unsigned long attrs,
				  enum dma_origin origin)
{
	struct dma_error err = { .dev = dev,
				 .op = dma_op_of(origin),
				 .err = -EINVAL,
				 .addr = phys,
				 .len = size,
				 .dir = dir,
				 .attrs = attrs };
	dma_addr_t addr;

	if (place(dev, phys, size, dir, attrs, origin, &addr, &err) != 0) {
		dma_fail(&err);
		return DMA_MAPPING_ERROR;
	}
	/* for_device: clean, in all directions, or a dirty line would land on what is written. */
	if (!dev->coherent && (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) == 0)
		dev->platform->cache_clean(dev->platform, phys, size);
	return addr;
}

static phys_addr_t phys_of(struct dma_device *dev, enum dma_op op, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir)
{
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .rule = DMA_RULE_NOT_MAPPED,
				 .addr = addr,
				 .len = size,
				 .dir = dir,
				 .found = addr };
	phys_addr_t phys = dma_direct_phys(dev, addr, size);

	if (phys == DMA_PHYS_UNKNOWN)
		dma_fail(&err);
	return phys;
}

static void direct_unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir, unsigned long attrs,
			      enum dma_origin origin)
{
	phys_addr_t phys;

	(void)origin;
	if (dev->coherent || !dma_dir_writes(dir) ||
	    (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) != 0)
		return;
	phys = phys_of(dev, DMA_OP_UNMAP, addr, size, dir);
	if (phys != DMA_PHYS_UNKNOWN)
		dev->platform->cache_inv(dev->platform, phys, size);
}

static void direct_sync_for_cpu(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				size_t size, enum dma_data_direction dir)
{
	if (dev->coherent || !dma_dir_writes(dir))
		return;
	if (phys == DMA_PHYS_UNKNOWN)
		phys = phys_of(dev, DMA_OP_SYNC, addr, size, dir);
	if (phys != DMA_PHYS_UNKNOWN)
		dev->platform->cache_inv(dev->platform, phys, size);
}

static void direct_sync_for_device(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys,
				   size_t size, enum dma_data_direction dir)
{
	if (dev->coherent)
		return;
	if (phys == DMA_PHYS_UNKNOWN)
		phys = phys_of(dev, DMA_OP_SYNC, addr, size, dir);
	if (phys != DMA_PHYS_UNKNOWN)
		dev->platform->cache_clean(dev->platform, phys, size);
}

static void direct_limits(struct dma_device *dev, struct dma_limits *limits)
{
	uint64_t first;
	uint64_t last;

	(void)dma_direct_reach(dev, &first, &last);
	*limits = (struct dma_limits){
		.max_mapping_size = SIZE_MAX,
		.opt_mapping_size = SIZE_MAX,
		.required_mask = last == 0 ? 1 : DMA_BIT_MASK(bits_log2_floor(last) + 1),
		.need_unmap = !dev->coherent,
		.need_sync = !dev->coherent,
	};
}

static void direct_query_attrs(struct dma_device *dev, struct dma_attr_info *info)
{
	unsigned long yes = DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN |
			    DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_MMIO;

	if (dev->coherent)
		yes |= DMA_ATTR_REQUIRE_COHERENT;
	else
		yes |= DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NON_COHERENT | DMA_ATTR_SKIP_CPU_SYNC;
	if (dev->platform->phys_is_name)
		yes = DMA_ATTR_NO_WARN;
	info->honoured = yes;
	info->refused = DMA_ATTR_CONTRACTS & ~yes;
	info->ignored = DMA_ATTRS_PLAIN & ~yes;
}

const struct dma_map_ops dma_direct_ops = {
	.size = sizeof(struct dma_map_ops),
	.map_phys = direct_map_phys,
	.unmap_phys = direct_unmap_phys,
	.sync_for_cpu = direct_sync_for_cpu,
	.sync_for_device = direct_sync_for_device,
	.limits = direct_limits,
	.query_attrs = direct_query_attrs,
};
