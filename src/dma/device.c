/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices come and go (include/dmamap/device.h). What lies behind an IOMMU is iommu/'s business;
 * here are the description, its checks, and the memory.
 *
 * Lock: none; the caller excludes other calls on the device.
 */
#include "core/mem.h"
#include "dma/dma.h"
#include "dma/iommu.h"

#define MAX_RANGES 256u

static int desc_fail(enum dma_rule rule, uint64_t addr, uint64_t found, uint64_t need)
{
	struct dma_error err = { .op = DMA_OP_DEVICE,
				 .err = -EINVAL,
				 .rule = rule,
				 .addr = addr,
				 .found = found,
				 .need = need };

	return dma_fail(&err);
}

/* No window wraps, in either space; *nr_ranges without the end. */
static int check_ranges(const struct dma_range *ranges, uint32_t *nr_ranges)
{
	uint32_t n = 0;
	uint64_t last;

	for (; ranges != NULL && ranges[n].size != 0; n++) {
		const struct dma_range *r = &ranges[n];

		if (n == MAX_RANGES)
			return desc_fail(DMA_RULE_LENGTH, 0, n + 1, MAX_RANGES);
		if (!bits_range_last(r->cpu_start, r->size, &last))
			return desc_fail(DMA_RULE_OVERFLOW, r->cpu_start, r->size,
					 0 - r->cpu_start);
		if (!bits_range_last(r->dma_start, r->size, &last))
			return desc_fail(DMA_RULE_OVERFLOW, r->dma_start, r->size,
					 0 - r->dma_start);
	}
	*nr_ranges = n;
	return 0;
}

static int no_meta(size_t bytes)
{
	struct dma_error err = {
		.op = DMA_OP_DEVICE, .err = -ENOMEM, .rule = DMA_RULE_NO_META, .need = bytes
	};

	return dma_fail(&err);
}

static int copy_ranges(struct dma_device *dev, const struct dma_range *ranges)
{
	size_t bytes = dev->nr_ranges * sizeof(*ranges);
	struct dma_range *copy;

	if (bytes == 0)
		return 0;
	copy = dev->platform->meta_alloc(dev->platform, bytes, _Alignof(struct dma_range));
	if (copy == NULL)
		return no_meta(bytes);
	memcpy(copy, ranges, bytes);
	dev->ranges = copy;
	return 0;
}

static void device_free(struct dma_device *dev)
{
	struct dma_platform *p = dev->platform;

	if (dev->ranges != NULL)
		p->meta_free(p, (void *)(uintptr_t)dev->ranges,
			     dev->nr_ranges * sizeof(*dev->ranges));
	p->meta_free(p, dev, sizeof(*dev));
}

static void device_init(struct dma_device *dev, const struct dma_device_desc *desc)
{
	dev->coherent = desc->coherent;
	dev->bus_dma_limit = desc->bus_dma_limit != 0 ? desc->bus_dma_limit : UINT64_MAX;
	dev->dma_mask = DMA_BIT_MASK(32);
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	dev->iova_last = bits_min(dev->dma_mask, dev->bus_dma_limit);
	dev->seg_boundary = UINT64_MAX;
	dev->max_seg_size = 65536;
	dev->iommu = desc->iommu;
	dev->requester = desc->requester;
	for (size_t i = 0; desc->name != NULL && desc->name[i] != '\0' && i < sizeof(dev->name) - 1;
	     i++)
		dev->name[i] = desc->name[i];
}

int dma_device_create(struct dma_platform *p, const struct dma_device_desc *desc,
		      struct dma_device **dev)
{
	uint32_t nr_ranges = 0;
	struct dma_device *d;
	int err;

	err = check_ranges(desc->ranges, &nr_ranges);
	if (err != 0)
		return err;
	d = p->meta_alloc(p, sizeof(*d), _Alignof(struct dma_device));
	if (d == NULL)
		return no_meta(sizeof(*d));
	d->platform = p;
	d->nr_ranges = nr_ranges;
	device_init(d, desc);
	err = copy_ranges(d, desc->ranges);
	if (err == 0 && d->iommu != NULL)
		err = iommu_dma_setup(d, desc->deferred);
	if (err != 0) {
		device_free(d);
		return err;
	}
	dma_ops_choose(d);
	*dev = d;
	return 0;
}

/*
 * Buffers that are still allocated may still be written by the device: like mappings behind an
 * IOMMU they stay until the caller says that it is quiet.
 */
void dma_device_destroy(struct dma_device *dev)
{
	if (dev == NULL)
		return;
	dev->destroyed = true;
	if (dev->iommu != NULL) {
		if (iommu_dma_teardown(dev) != 0)
			return;
		dev->iommu = NULL;
	}
	if (dma_buffers_live(dev))
		return;
	dma_buffers_fini(dev);
	device_free(dev);
}

int dma_device_quiesced(struct dma_device *dev)
{
	struct dma_error err = {
		.dev = dev, .op = DMA_OP_DEVICE, .err = -EBUSY, .rule = DMA_RULE_STATE
	};
	bool gone = true;

	if (dev->iommu != NULL) {
		int ret = iommu_dma_quiesced(dev, &gone);

		if (ret != 0 || !gone)
			return ret;
	} else if (!dev->destroyed) {
		return dma_fail(&err);
	}
	dma_buffers_fini(dev);
	device_free(dev);
	return 0;
}

const char *dma_device_name(const struct dma_device *dev)
{
	return dev->name;
}

struct dma_platform *dma_device_platform(const struct dma_device *dev)
{
	return dev->platform;
}

struct dma_domain *dma_device_domain(const struct dma_device *dev)
{
	return dev->domain;
}
