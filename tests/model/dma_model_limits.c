/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls about limits, and housekeeping: masks, segments, attributes, poll, trim, deferred. */
#include "tests/model/dma_model.h"

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The lowest mask that leaves something: two granules of IOVA, or the first RAM below 32 bits. */
static uint64_t least_mask(const struct model_dev *d)
{
	dma_addr_t first = model.ram_base;

	if (d->table == TABLE_USER)
		return 1;
	if (d->translated)
		return 2 * model.granule - 1;
	(void)model_direct_addr(d, model.ram_base, 1, &first);
	return min64(first, DMA_BIT_MASK(32));
}

static bool is_small(const struct model_dev *d)
{
	return d->translated && d->mask < DMA_BIT_MASK(28);
}

static uint64_t draw_mask(const struct model_dev *d)
{
	uint32_t bits = 30 + (uint32_t)model_below(20);

	if (model_chance(40))
		return model_below(2 * model.granule);
	if (is_small(d))
		return (model.granule << (5 + model_below(3))) - 1 +
		       model_below(model.granule << 4);
	return DMA_BIT_MASK(bits);
}

void model_call_set_mask(struct model_dev *d, enum model_fn fn)
{
	uint64_t mask = draw_mask(d);
	bool bad;
	int err;

	/* Both masks must make sense, whichever is set. */
	bad = mask == 0 || mask < least_mask(d);
	if (!bad) {
		model_unmap_all(d);
		if (d->deferred) {
			sim_engines_advance(sim_machine_engines(model.machine), 20000000);
			dma_poll(d->dev);
			oracle_flushed(d);
		}
	}
	model_note("%s %s 0x%" PRIx64 " bad %d", d->name, model_fn_name(fn), mask, bad);
	model_asks(d, fn);
	if (fn == FN_set_mask)
		err = dma_set_mask(d->dev, mask);
	else if (fn == FN_set_coherent_mask)
		err = dma_set_coherent_mask(d->dev, mask);
	else
		err = dma_set_mask_and_coherent(d->dev, mask);
	model_check(err == (bad ? -EIO : 0), "%s of 0x%" PRIx64 " gives %d", model_fn_name(fn),
		    mask, err);
	if (bad) {
		model_refused(d, fn, R(MASK), -EIO);
	} else {
		model_ok(d, fn);
		if (fn != FN_set_coherent_mask)
			d->mask = mask;
		if (fn != FN_set_mask)
			d->cmask = mask;
	}
	model_check(dma_get_mask(d->dev) == d->mask, "get_mask gives 0x%" PRIx64,
		    dma_get_mask(d->dev));
}

static void set_max_seg(struct model_dev *d)
{
	static const uint32_t sizes[] = { 0, 4096, 8192, 65536, 1u << 20, UINT32_MAX };
	uint32_t size = sizes[model_below(6)];

	model_asks(d, FN_limits);
	dma_set_max_seg_size(d->dev, size);
	if (size == 0) {
		model_refused(d, FN_limits, R(LENGTH), -EINVAL);
	} else {
		model_ok(d, FN_limits);
		d->max_seg = size;
	}
	model_check(dma_get_max_seg_size(d->dev) == d->max_seg, "get_max_seg_size");
}

static void set_boundary(struct model_dev *d)
{
	static const uint64_t masks[] = {
		0, 0x12345, 0xffff, 0xfffff, DMA_BIT_MASK(32), UINT64_MAX
	};
	uint64_t mask = masks[model_chance(50) ? 5 : model_below(6)];

	model_asks(d, FN_limits);
	dma_set_seg_boundary(d->dev, mask);
	if (mask == 0 || mask == 0x12345) {
		model_refused(d, FN_limits, R(ALIGN), -EINVAL);
	} else {
		model_ok(d, FN_limits);
		d->boundary = mask;
	}
	model_check(dma_get_seg_boundary(d->dev) == d->boundary, "get_seg_boundary");
}

static void get_sizes(struct model_dev *d)
{
	uint64_t merge = d->translated && d->table != TABLE_USER ? model.granule - 1 : 0;

	model_asks(d, FN_limits);
	model_check(dma_get_merge_boundary(d->dev) == merge, "get_merge_boundary");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_max_mapping_size(d->dev) == SIZE_MAX, "max_mapping_size");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_opt_mapping_size(d->dev) >= model.granule, "opt_mapping_size");
	model_ok(d, FN_limits);
}

static void get_needs(struct model_dev *d)
{
	model_asks(d, FN_limits);
	model_check(dma_need_sync(d->dev, 0) == !d->coherent, "need_sync");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_dev_need_sync(d->dev) == !d->coherent, "dev_need_sync");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_need_unmap(d->dev) == (d->translated || !d->coherent), "need_unmap");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_can_mmap(d->dev), "can_mmap");
	model_ok(d, FN_limits);
	model_asks(d, FN_limits);
	model_check(dma_get_cache_alignment(d->dev) == (int)model.line, "get_cache_alignment");
	model_ok(d, FN_limits);
}

static void get_attrs(struct model_dev *d)
{
	struct dma_attr_info info;

	model_asks(d, FN_limits);
	dma_query_attrs(d->dev, &info);
	model_ok(d, FN_limits);
	model_check((info.honoured & info.ignored) == 0 && (info.honoured & info.refused) == 0 &&
			    (info.ignored & DMA_ATTR_CONTRACTS) == 0 &&
			    (info.refused & DMA_ATTR_CC_SHARED) != 0,
		    "query_attrs: honoured 0x%lx ignored 0x%lx refused 0x%lx", info.honoured,
		    info.ignored, info.refused);
	model_check(((info.honoured & DMA_ATTR_REQUIRE_COHERENT) != 0) == d->coherent,
		    "query_attrs: REQUIRE_COHERENT");
}

/* All of RAM, through the windows: the wide device and the IOMMU reach it, the other does not. */
static void get_reach(struct model_dev *d)
{
	uint64_t required = DMA_BIT_MASK(32);
	bool limited;

	if (!d->translated && !d->ranges)
		required = DMA_BIT_MASK(33);
	model_asks(d, FN_limits);
	model_check(dma_get_required_mask(d->dev) == required, "get_required_mask gives 0x%" PRIx64,
		    dma_get_required_mask(d->dev));
	model_ok(d, FN_limits);
	limited = d->mask < required || (!d->translated && d->ranges);
	model_asks(d, FN_limits);
	model_check(dma_addressing_limited(d->dev) == limited, "addressing_limited");
	model_ok(d, FN_limits);
}

void model_call_limits(struct model_dev *d)
{
	switch (model_below(6)) {
	case 0:
		set_max_seg(d);
		break;
	case 1:
		set_boundary(d);
		break;
	case 2:
		get_sizes(d);
		break;
	case 3:
		get_needs(d);
		break;
	case 4:
		get_reach(d);
		break;
	default:
		get_attrs(d);
		break;
	}
}

/* Old enough, everything that waits is flushed. */
static void poll(struct model_dev *d)
{
	bool late = model_chance(50);

	if (late)
		sim_engines_advance(sim_machine_engines(model.machine), 20000000);
	model_asks(d, FN_poll);
	dma_poll(d->dev);
	model_ok(d, FN_poll);
	if (late)
		oracle_flushed(d);
}

static void set_deferred(struct model_dev *d)
{
	bool on = model_chance(50);
	int err;

	if (d->dom == NULL)
		return;
	model_note("%s set_deferred %d", d->name, on);
	model_asks(d, FN_set_deferred);
	err = dma_domain_set_deferred(d->dom, on);
	if (d->table == TABLE_USER) {
		model_check(err == -EINVAL, "set_deferred gives %d", err);
		model_refused(NULL, FN_set_deferred, R(UNSUPPORTED), -EINVAL);
		model.asked[FN_set_deferred][TABLE_USER]++;
		return;
	}
	model_check(err == 0, "set_deferred gives %d", err);
	model_ok(d, FN_set_deferred);
	if (!on)
		oracle_flushed(d);
	d->deferred = on;
}

void model_call_house(struct model_dev *d, enum model_fn fn)
{
	if (fn == FN_poll) {
		poll(d);
	} else if (fn == FN_set_deferred) {
		set_deferred(d);
	} else {
		model_note("%s trim", d->name);
		model_asks(d, FN_trim);
		dma_trim(d->dev);
		model_ok(d, FN_trim);
		oracle_flushed(d);
	}
	model_probe_stale(d);
}
