/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind an IOMMU: joining and leaving a group, the ops table that suits the domain, and
 * the public calls that change the domain, since each of them changes the table, too.
 *
 * Lock: the IOMMU's mutex, inside the functions of iommu/.
 */
#include "dma/iommu_ops.h"

/* A device whose domain lets nothing through, or whose IOVA is somebody else's. */
static dma_addr_t closed_map_phys(struct dma_device *dev, phys_addr_t phys, size_t size,
				  enum dma_data_direction dir, unsigned long attrs,
				  enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, dma_op_of(origin), phys, size, dir, attrs);

	(void)error_why(&why, -EINVAL, DMA_RULE_STATE, dev->domain->dom.type, DMA_DOMAIN_DMA);
	dma_fail(&why);
	return DMA_MAPPING_ERROR;
}

static void closed_unmap_phys(struct dma_device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir, unsigned long attrs,
			      enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, DMA_OP_UNMAP, addr, size, dir, attrs);

	(void)origin;
	(void)error_why(&why, -EINVAL, DMA_RULE_STATE, dev->domain->dom.type, DMA_DOMAIN_DMA);
	dma_fail(&why);
}

static void *closed_alloc(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
			  unsigned long attrs, enum dma_origin origin)
{
	(void)dma_addr;
	(void)gfp;
	(void)closed_map_phys(dev, 0, size, DMA_BIDIRECTIONAL, attrs, origin);
	return NULL;
}

static void closed_free(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
			unsigned long attrs, enum dma_origin origin)
{
	(void)cpu_addr;
	closed_unmap_phys(dev, dma_addr, size, DMA_BIDIRECTIONAL, attrs, origin);
}

static const struct dma_map_ops closed_ops = {
	.size = sizeof(struct dma_map_ops),
	.alloc = closed_alloc,
	.free = closed_free,
	.map_phys = closed_map_phys,
	.unmap_phys = closed_unmap_phys,
	.poll = iommu_poll,
	.trim = iommu_trim,
};

const struct dma_map_ops *iommu_dma_ops(const struct dma_device *dev)
{
	uint32_t variant = dev->coherent ? 0 : 1;

	switch (dev->domain->dom.type) {
	case DMA_DOMAIN_IDENTITY:
		return NULL;
	case DMA_DOMAIN_DMA:
		break;
	default:
		return &closed_ops;
	}
	switch (dev->iommu->fmt) {
	case DMA_PT_VMSAV8_4K:
		return &iommu_vmsav8_4k_ops[variant];
	case DMA_PT_VMSAV8_16K:
		return &iommu_vmsav8_16k_ops[variant];
	case DMA_PT_VMSAV8_64K:
		return &iommu_vmsav8_64k_ops[variant];
	default:
		return &closed_ops;
	}
}

void iommu_dma_mask_changed(struct dma_device *dev)
{
	dev->iova_last = bits_min(dev->dma_mask, dev->bus_dma_limit);
	if (dev->domain != NULL)
		dev->iova_last = bits_min(dev->iova_last, dev->domain->iova_last);
}

/* One that was destroyed, and whose mappings are held. */
static bool group_is_held(const struct dma_group *group)
{
	for (const struct dma_device *d = group->devices; d != NULL; d = d->next) {
		if (d->destroyed)
			return true;
	}
	return false;
}

int iommu_dma_setup(struct dma_device *dev, bool deferred)
{
	struct dma_error why = { .op = DMA_OP_DEVICE };
	int err;

	if (dev->iommu->hw.platform != dev->platform)
		err = error_why(&why, -EINVAL, DMA_RULE_UNSUPPORTED, 0, 0);
	else
		err = group_join(dev, &why);
	if (err != 0)
		goto fail;
	/* A second device of a group uses what the first one has. */
	if (dev->next == NULL)
		err = group_attach_own(dev->group, deferred, &why);
	else if (group_is_held(dev->group))
		err = error_why(&why, -EBUSY, DMA_RULE_STATE, 0, 0);
	else
		err = group_add_regions(dev->group, &why);
	if (err != 0) {
		group_leave(dev);
		goto fail;
	}
	iommu_dma_mask_changed(dev);
	return 0;
fail:
	dma_fail(&why);
	return err;
}

/* The domain that the group has for itself goes with the last device, and its table with it. */
static void leave(struct dma_device *dev)
{
	struct dma_group *group = dev->group;

	if (group->devices == dev && dev->next == NULL && group->own != NULL)
		iommu_buffers_release(group->own);
	group_leave(dev);
}

int iommu_dma_teardown(struct dma_device *dev)
{
	struct dma_error why = { .dev = dev, .op = DMA_OP_DEVICE };
	struct dma_group *group = dev->group;
	int err = 0;

	/* Others of the group go on; what is live cannot be told apart and stays theirs. */
	if (group->devices != dev || dev->next != NULL) {
		group_leave(dev);
		return 0;
	}
	err = group_attach(group, group->iommu->blocked, &why);
	if (err == 0 && group->held != NULL)
		err = error_why(&why, -EBUSY, DMA_RULE_STATE, 0, 0);
	if (err == 0) {
		leave(dev);
		return 0;
	}
	dma_ops_choose(dev);
	dma_fail(&why);
	return -EBUSY;
}

/* What quarantine holds: translations first, then the memory behind them. */
static int release_held(struct dma_device *dev, struct dma_error *why)
{
	struct dma_domain *dom;
	int err = group_quiesce(dev->group, &dom);

	if (err != 0)
		return error_why(why, -EIO, DMA_RULE_HARDWARE, (uint64_t)-err, 0);
	if (dom != NULL)
		iommu_buffers_release(dom);
	return 0;
}

int iommu_dma_quiesced(struct dma_device *dev, bool *gone)
{
	struct dma_error why = { .dev = dev, .op = DMA_OP_DEVICE };
	struct dma_group *group = dev->group;
	int err = 0;

	*gone = false;
	/* A destroyed device that the hardware did not let go of yet. */
	if (dev->destroyed && group->domain != group->iommu->blocked &&
	    group_attach(group, group->iommu->blocked, &why) != 0)
		err = error_why(&why, -EIO, DMA_RULE_HARDWARE, 0, 0);
	else if (group->held == NULL && !dev->destroyed &&
		 group->domain != group->iommu->blocked)
		err = error_why(&why, -EBUSY, DMA_RULE_STATE, group->domain->dom.type,
				DMA_DOMAIN_BLOCKED);
	if (err == 0)
		err = release_held(dev, &why);
	if (err != 0)
		return dma_fail(&why);
	if (dev->destroyed) {
		leave(dev);
		*gone = true;
	} else if (group->domain == group->iommu->blocked && !dev->own_ops) {
		dma_buffers_fini(dev);
	}
	return 0;
}

bool iommu_dma_is_live(struct dma_device *dev)
{
	struct dma_platform *p = dev->platform;
	bool live;

	p->mutex_lock(p, &dev->iommu->mutex);
	live = domain_is_live(dev->domain);
	p->mutex_unlock(p, &dev->iommu->mutex);
	return live;
}

/* Each device of the group: limits and table of the domain it is in now; a user's table stays. */
static void adopt(struct dma_group *group)
{
	for (struct dma_device *dev = group->devices; dev != NULL; dev = dev->next) {
		iommu_dma_mask_changed(dev);
		if (!dev->own_ops)
			dma_ops_choose(dev);
	}
}

/*
 * Buffers at identity addresses are the device's, not a domain's, and the ops of no other domain
 * know them. Those of a user's table stay with it.
 */
static bool strands_buffers(const struct dma_group *group, const struct dma_domain *to)
{
	const struct dma_device *dev = group->devices;

	if (to == group->iommu->blocked || to->dom.type == DMA_DOMAIN_IDENTITY)
		return false;
	while (dev != NULL && (dev->own_ops || !dma_buffers_live(dev)))
		dev = dev->next;
	return dev != NULL;
}

static int attach(struct dma_device *dev, struct dma_domain *dom, enum dma_op op)
{
	struct dma_error why = { .dev = dev, .op = op };
	int err;

	if (dev->group == NULL)
		err = error_why(&why, -EINVAL, DMA_RULE_UNSUPPORTED, 0, 0);
	else if (strands_buffers(dev->group, dom))
		err = error_why(&why, -EBUSY, DMA_RULE_STATE, 0, 0);
	else
		err = group_attach(dev->group, dom, &why);
	if (err != 0)
		return dma_fail(&why);
	adopt(dev->group);
	return 0;
}

int dma_domain_attach(struct dma_domain *dom, struct dma_device *dev)
{
	return attach(dev, dom, DMA_OP_ATTACH);
}

int dma_domain_detach(struct dma_device *dev)
{
	return attach(dev, dev->iommu == NULL ? NULL : dev->iommu->blocked, DMA_OP_DETACH);
}

/* A group's DMA domain goes with the group, the blocked one with the IOMMU. */
static bool is_ours(const struct dma_domain *dom)
{
	const struct dma_group *g = dom->iommu->groups;

	while (g != NULL && g->own != dom)
		g = g->next;
	return g != NULL || dom == dom->iommu->blocked;
}

int dma_domain_free(struct dma_domain *dom)
{
	struct dma_error why = { .op = DMA_OP_DEVICE };
	struct dma_iommu *iommu;
	struct dma_platform *p;
	int err = 0;

	if (dom == NULL)
		return 0;
	iommu = dom->iommu;
	p = dom->platform;
	p->mutex_lock(p, &iommu->mutex);
	if (dom->nr_groups != 0 || dom->holder != NULL || is_ours(dom)) {
		err = error_why(&why, -EBUSY, DMA_RULE_STATE, dom->nr_groups, 0);
	} else {
		iommu_buffers_release(dom);
		domain_del(dom);
	}
	p->mutex_unlock(p, &iommu->mutex);
	return err == 0 ? 0 : dma_fail(&why);
}
