/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streaming maps of one range: check, then the device's ops table, or an addition where the device
 * is coherent and nothing translates. The frame that every map and unmap passes: see
 * docs/design/fast-path.md, "Counted".
 *
 * Lock: none.
 */
#include "dma/dma.h"

/* Pages and ordinary memory are RAM by definition. */
static dma_addr_t mmio_refused(struct dma_device *dev, enum dma_op op, phys_addr_t phys,
			       size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .rule = DMA_RULE_ATTR,
				 .addr = phys,
				 .len = size,
				 .dir = dir,
				 .attrs = attrs,
				 .found = DMA_ATTR_MMIO };

	dma_fail(&err);
	return DMA_MAPPING_ERROR;
}

/* Everything that is not a plain map inside the window; the checks in the order of the records. */
static NOINLINE dma_addr_t map_slow(struct dma_device *dev, phys_addr_t phys, size_t size,
				    enum dma_data_direction dir, unsigned long attrs,
				    enum dma_origin origin)
{
	enum dma_op op = dma_op_of(origin);

	if ((attrs & DMA_ATTR_MMIO) != 0 &&
	    (origin == DMA_ORIGIN_PAGE || origin == DMA_ORIGIN_SINGLE))
		return mmio_refused(dev, op, phys, size, dir, attrs);
	if (dma_check_map_args(dev, op, phys, size, dir, attrs) != 0 ||
	    dma_check_range(dev, op, phys, size, dir, attrs) != 0)
		return DMA_MAPPING_ERROR;
	return dev->ops.map_phys(dev, phys, size, dir, attrs, origin);
}

ALWAYS_INLINE dma_addr_t map_front(struct dma_device *dev, phys_addr_t phys, size_t size,
				   enum dma_data_direction dir, unsigned long attrs,
				   enum dma_origin origin)
{
	if (unlikely(!dma_dir_maps(dir) || (attrs & ~DMA_ATTRS_PLAIN) != 0 ||
		     !dma_window_holds(dev, phys, size)))
		return map_slow(dev, phys, size, dir, attrs, origin);
	if (dev->direct)
		return phys + dev->window_offset;
	return dev->ops.map_phys(dev, phys, size, dir, attrs, origin);
}

static NOINLINE void unmap_refused(struct dma_device *dev, dma_addr_t addr, size_t size,
				   enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_UNMAP,
				 .err = -EINVAL,
				 .addr = addr,
				 .len = size,
				 .dir = dir,
				 .attrs = attrs };

	if (!dma_dir_maps(dir)) {
		err.rule = DMA_RULE_DIRECTION;
		err.found = dir;
		err.need = DMA_FROM_DEVICE;
	} else if (size == 0) {
		err.rule = DMA_RULE_LENGTH;
		err.need = 1;
	} else {
		err.rule = DMA_RULE_OVERFLOW;
		err.found = size;
		err.need = 0 - addr;
	}
	dma_fail(&err);
}

ALWAYS_INLINE void unmap_front(struct dma_device *dev, dma_addr_t addr, size_t size,
			       enum dma_data_direction dir, unsigned long attrs,
			       enum dma_origin origin)
{
	/*
	 * size - 1 of 0 is the largest number, so one compare refuses both; at address 0, too,
	 * since the last address of all is DMA_MAPPING_ERROR and never mapped.
	 */
	if (unlikely(!dma_dir_maps(dir) || (uint64_t)size - 1 >= ~addr)) {
		unmap_refused(dev, addr, size, dir, attrs);
		return;
	}
	if (!dev->direct)
		dev->ops.unmap_phys(dev, addr, size, dir, attrs, origin);
}

dma_addr_t dma_map_phys(struct dma_device *dev, phys_addr_t phys, size_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	return map_front(dev, phys, size, dir, attrs, DMA_ORIGIN_PHYS);
}

void dma_unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
		    enum dma_data_direction dir, unsigned long attrs)
{
	unmap_front(dev, addr, size, dir, attrs, DMA_ORIGIN_PHYS);
}

/* A page number that is none (a pointer taken for a page), or an offset that wraps. */
static NOINLINE dma_addr_t page_refused(struct dma_device *dev, const struct page *page,
					size_t offset, size_t size, enum dma_data_direction dir,
					unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_MAP_PAGE,
				 .err = -EINVAL,
				 .rule = DMA_RULE_OVERFLOW,
				 .addr = dma_page_to_phys(page),
				 .len = size,
				 .dir = dir,
				 .attrs = attrs,
				 .found = offset,
				 .need = 0 - dma_page_to_phys(page) };

	dma_fail(&err);
	return DMA_MAPPING_ERROR;
}

dma_addr_t dma_map_page_attrs(struct dma_device *dev, struct page *page, size_t offset, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	phys_addr_t phys = dma_page_to_phys(page);

	if (unlikely(phys >> 12 != (uintptr_t)page || phys + offset < phys))
		return page_refused(dev, page, offset, size, dir, attrs);
	return map_front(dev, phys + offset, size, dir, attrs, DMA_ORIGIN_PAGE);
}

void dma_unmap_page_attrs(struct dma_device *dev, dma_addr_t addr, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	unmap_front(dev, addr, size, dir, attrs, DMA_ORIGIN_PAGE);
}

static NOINLINE dma_addr_t single_refused(struct dma_device *dev, void *cpu_addr, size_t size,
					  enum dma_data_direction dir, unsigned long attrs,
					  uint64_t found, uint64_t need)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_MAP_SINGLE,
				 .err = -EINVAL,
				 .rule = DMA_RULE_NOT_LINEAR,
				 .addr = (uintptr_t)cpu_addr,
				 .len = size,
				 .dir = dir,
				 .attrs = attrs,
				 .found = found,
				 .need = need };

	dma_fail(&err);
	return DMA_MAPPING_ERROR;
}

dma_addr_t dma_map_single_attrs(struct dma_device *dev, void *cpu_addr, size_t size,
				enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_platform *p = dev->platform;
	phys_addr_t phys;
	phys_addr_t last;

	if (p->virt_to_phys(p, cpu_addr, &phys) != 0)
		return single_refused(dev, cpu_addr, size, dir, attrs, 0, size);
	/*
	 * Contiguous for the CPU is not contiguous in memory: the last byte must lie where it
	 * would.
	 */
	if (size != 0 && (p->virt_to_phys(p, (char *)cpu_addr + (size - 1), &last) != 0 ||
			  last != phys + (size - 1)))
		return single_refused(dev, cpu_addr, size, dir, attrs, phys, size);
	return map_front(dev, phys, size, dir, attrs, DMA_ORIGIN_SINGLE);
}

void dma_unmap_single_attrs(struct dma_device *dev, dma_addr_t addr, size_t size,
			    enum dma_data_direction dir, unsigned long attrs)
{
	unmap_front(dev, addr, size, dir, attrs, DMA_ORIGIN_SINGLE);
}

dma_addr_t dma_map_resource(struct dma_device *dev, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir, unsigned long attrs)
{
	return map_slow(dev, phys, size, dir, attrs | DMA_ATTR_MMIO, DMA_ORIGIN_RESOURCE);
}

void dma_unmap_resource(struct dma_device *dev, dma_addr_t addr, size_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	unmap_front(dev, addr, size, dir, attrs | DMA_ATTR_MMIO, DMA_ORIGIN_RESOURCE);
}

int dma_mapping_error(struct dma_device *dev, dma_addr_t addr)
{
	/* Most tables do not want to know, and drivers ask after every map. */
	if (unlikely(dev->ops.checked != dma_checked_default))
		dev->ops.checked(dev, addr);
	return addr == DMA_MAPPING_ERROR ? -ENOMEM : 0;
}
