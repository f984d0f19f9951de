/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked of arguments before an ops table sees them, and the window that lets a map skip
 * most of it. Not here: what only a table can know (masks and windows of direct, granule ...).
 *
 * Lock: none.
 */
#include "dma/dma.h"

/* More stretches than this are checked, but not searched for the largest one. */
#define MAX_STRETCHES 256u

static bool is_ram(enum dma_phys_kind kind)
{
	return kind == DMA_PHYS_RAM || kind == DMA_PHYS_UNOWNED;
}

bool dma_ram_next(struct dma_platform *p, phys_addr_t *phys, uint64_t *len)
{
	phys_addr_t last = p->ram_last(p);

	for (uint32_t i = 0; i < MAX_STRETCHES && *phys <= last; i++) {
		if (is_ram(p->phys_kind(p, *phys, len)))
			return true;
		if (*len == 0 || *phys + *len < *phys)
			return false;
		*phys += *len;
	}
	return false;
}

/* The part of [*start, *last] that the device reaches through one window; false: none. */
static bool clip(const struct dma_device *dev, const struct dma_range *r, uint64_t *start,
		 uint64_t *last)
{
	uint64_t limit = bits_min(dev->iova_last, DMA_MAPPING_ERROR - 1);

	if (r->dma_start > limit)
		return false;
	*start = bits_max(*start, r->cpu_start);
	*last = bits_min(*last, r->cpu_start + (r->size - 1));
	if (limit - r->dma_start < r->size - 1)
		*last = bits_min(*last, r->cpu_start + (limit - r->dma_start));
	return *start <= *last;
}

static void window_offer(struct dma_device *dev, uint64_t start, uint64_t last, uint64_t offset)
{
	/* The whole of 64 bits would need a length of 2^64: one byte less will do. */
	uint64_t bytes = last - start == UINT64_MAX ? UINT64_MAX : last - start + 1;

	if (bytes <= dev->window_bytes)
		return;
	dev->window_start = start;
	dev->window_bytes = bytes;
	dev->window_offset = offset;
}

static void window_offer_direct(struct dma_device *dev, uint64_t start, uint64_t last)
{
	static const struct dma_range all = { 0, 0, UINT64_MAX };

	if (dev->nr_ranges == 0 && clip(dev, &all, &start, &last))
		window_offer(dev, start, last, 0);
	for (uint32_t i = 0; i < dev->nr_ranges; i++) {
		const struct dma_range *r = &dev->ranges[i];
		uint64_t s = start;
		uint64_t l = last;

		if (clip(dev, r, &s, &l))
			window_offer(dev, s, l, r->dma_start - r->cpu_start);
	}
}

void dma_window_init(struct dma_device *dev)
{
	struct dma_platform *p = dev->platform;
	phys_addr_t phys = 0;
	uint64_t len;

	dev->window_start = 0;
	dev->window_bytes = 0;
	dev->window_offset = 0;
	/* Where phys are names, what one of them names changes with each pin. */
	if (p->phys_is_name)
		return;
	for (uint32_t i = 0; i < MAX_STRETCHES && dma_ram_next(p, &phys, &len); i++) {
		uint64_t last = phys + (len - 1);

		if (dev->direct)
			window_offer_direct(dev, phys, last);
		else
			window_offer(dev, phys, last, 0);
		if (last == UINT64_MAX)
			break;
		phys = last + 1;
	}
}

/* Length of the part of [phys, phys + size) that is of a kind a map with @attrs takes. */
static uint64_t good_bytes(struct dma_platform *p, phys_addr_t phys, uint64_t size, bool mmio,
			   enum dma_phys_kind *kind)
{
	uint64_t good = 0;

	while (good < size) {
		uint64_t len;

		*kind = p->phys_kind(p, phys + good, &len);
		if (len == 0 || is_ram(*kind) == mmio || *kind == DMA_PHYS_NONE)
			break;
		good += bits_min(len, size - good);
	}
	return good;
}

int dma_check_range(struct dma_device *dev, enum dma_op op, phys_addr_t phys, uint64_t size,
		    enum dma_data_direction dir, unsigned long attrs)
{
	bool mmio = (attrs & DMA_ATTR_MMIO) != 0;
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .addr = phys,
				 .len = size,
				 .dir = dir,
				 .attrs = attrs };
	enum dma_phys_kind kind = DMA_PHYS_NONE;
	uint64_t good;
	uint64_t last;

	if (size == 0) {
		err.rule = DMA_RULE_LENGTH;
		err.need = 1;
		return dma_fail(&err);
	}
	if (!bits_range_last(phys, size, &last)) {
		err.rule = DMA_RULE_OVERFLOW;
		err.found = size;
		err.need = 0 - phys;
		return dma_fail(&err);
	}
	if (dma_window_holds(dev, phys, size) && !mmio)
		return 0;
	good = good_bytes(dev->platform, phys, size, mmio, &kind);
	if (good == size)
		return 0;
	/* With DMA_ATTR_MMIO a hole is not RAM, but nothing that could answer either. */
	err.rule = mmio && is_ram(kind) ? DMA_RULE_IS_RAM : DMA_RULE_NOT_RAM;
	if (mmio && !is_ram(kind))
		err.rule = DMA_RULE_NOT_MAPPED;
	err.found = phys + good;
	err.need = err.rule == DMA_RULE_NOT_RAM ? dev->platform->ram_last(dev->platform) : 0;
	return dma_fail(&err);
}

/* One line a device and bit: a driver that uses a new attribute everywhere would fill the log. */
void dma_log_unknown_attrs(struct dma_device *dev, unsigned long attrs)
{
	static const char text[] = "dma: unknown attributes are ignored: 0x";
	unsigned long bits = attrs & ~(DMA_ATTRS_PLAIN | DMA_ATTR_CONTRACTS);
	char line[sizeof(text) + 16];
	uint32_t len = sizeof(text) - 1;

	if (likely(bits == 0) ||
	    (bits & ~atomic_fetch_or_explicit(&dev->attrs_logged, bits, memory_order_relaxed)) == 0)
		return;
	for (uint32_t i = 0; i < len; i++)
		line[i] = text[i];
	for (uint32_t nibble = bits_log2_floor(bits) / 4 + 1; nibble > 0; nibble--)
		line[len++] = "0123456789abcdef"[(bits >> (4 * (nibble - 1))) & 15];
	line[len] = '\0';
	dev->platform->log(dev->platform, DMA_LOG_INFO, line);
}

unsigned long dma_refused_contract(struct dma_device *dev, unsigned long attrs)
{
	struct dma_attr_info info = { 0 };

	if ((attrs & DMA_ATTR_CONTRACTS) == 0)
		return 0;
	dev->ops.query_attrs(dev, &info);
	attrs &= info.refused;
	/* One of them is enough to say. */
	return attrs & (0 - attrs);
}

int dma_check_map_args(struct dma_device *dev, enum dma_op op, uint64_t addr, uint64_t len,
		       enum dma_data_direction dir, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .addr = addr,
				 .len = len,
				 .dir = dir,
				 .attrs = attrs };

	if (!dma_dir_maps(dir)) {
		err.rule = DMA_RULE_DIRECTION;
		err.found = dir;
		err.need = DMA_FROM_DEVICE;
		return dma_fail(&err);
	}
	dma_log_unknown_attrs(dev, attrs);
	err.found = dma_refused_contract(dev, attrs & ~DMA_ATTR_FORCE_CONTIGUOUS);
	if (err.found == 0)
		return 0;
	err.rule = DMA_RULE_ATTR;
	return dma_fail(&err);
}
