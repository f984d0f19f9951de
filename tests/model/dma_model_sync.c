/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that hand memory to and fro. Part of a mapping belongs to the CPU between a sync for the
 * CPU and the one for the device; there the CPU looks and writes, and the device keeps out.
 */
#include "tests/model/dma_model.h"

void model_sync_after_map(struct model_map *m)
{
	dma_addr_t dma;
	uint64_t len;

	if ((m->attrs & DMA_ATTR_SKIP_CPU_SYNC) == 0 || (m->attrs & DMA_ATTR_MMIO) != 0)
		return;
	if (m->user != NULL) {
		model_asks(m->d, FN_sync_user_for_device);
		dma_sync_user_for_device(m->user);
		model_ok(m->d, FN_sync_user_for_device);
		return;
	}
	if (m->sgt.sgl != NULL) {
		model_asks(m->d, FN_sync_sg_for_device);
		dma_sync_sg_for_device(m->d->dev, m->sgt.sgl, (int)m->sgt.orig_nents, m->dir);
		model_ok(m->d, FN_sync_sg_for_device);
		return;
	}
	(void)model_map_seg(m, 0, &dma, &len);
	model_asks(m->d, FN_sync_single_for_device);
	dma_sync_single_for_device(m->d->dev, dma, (size_t)len, m->dir);
	model_ok(m->d, FN_sync_single_for_device);
}

void model_sync_before_unmap(struct model_map *m, bool skip)
{
	if (m->cpu_len != 0) {
		model_asks(m->d, FN_sync_single_for_device);
		dma_sync_single_for_device(m->d->dev, m->dma + m->cpu_off, (size_t)m->cpu_len,
					   m->dir);
		model_ok(m->d, FN_sync_single_for_device);
		m->cpu_len = 0;
	}
	if (skip) {
		model_asks(m->d, FN_sync_single_for_cpu);
		dma_sync_single_for_cpu(m->d->dev, m->dma, (size_t)m->len, m->dir);
		model_ok(m->d, FN_sync_single_for_cpu);
	}
}

static void set_busy(struct model_map *m, bool busy)
{
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		if (m->pieces[i].buf != NULL)
			m->pieces[i].buf->busy = busy ? m : NULL;
	}
}

/*
 * May this sync give the CPU anything? Not of memory of nobody, nor of registers; and where the
 * device only reads, only if no other device may have written meanwhile.
 */
static bool can_lend(const struct model_map *m)
{
	if (m->raw || (m->attrs & DMA_ATTR_MMIO) != 0 || m->cpu_len != 0 ||
	    !model_map_free_of_others(m))
		return false;
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		const struct model_buf *b = m->pieces[i].buf;

		if (m->dir == DMA_TO_DEVICE && b->nr_maps != 1)
			return false;
		/* Coherent memory is not lent; a program's read-only memory cannot be written. */
		if (b->read_only || (b->kind == BUF_ALLOC && b->coherent))
			return false;
	}
	return true;
}

static void lent(struct model_map *m, uint64_t off, uint64_t len)
{
	m->cpu_off = off;
	m->cpu_len = len;
	set_busy(m, true);
	model_map_cpu(m, off, len, false);
	if (model_chance(60))
		model_map_cpu(m, off, len, true);
}

static void given_back(struct model_map *m)
{
	m->cpu_len = 0;
	set_busy(m, false);
	model_map_touch(m);
}

static struct model_map *find(const struct model_dev *d, enum model_fn fn)
{
	uint32_t start = (uint32_t)model_below(MODEL_MAX_MAPS);

	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++) {
		struct model_map *m = &model.maps[(start + i) % MODEL_MAX_MAPS];
		bool list = m->fn == FN_map_sg || m->fn == FN_map_sgtable;
		bool user = m->fn == FN_map_user;

		if (m->d != d || m->raw || (m->attrs & DMA_ATTR_MMIO) != 0)
			continue;
		if (fn == FN_sync_user_for_cpu || fn == FN_sync_user_for_device) {
			if (user)
				return m;
		} else if (fn == FN_sync_sg_for_cpu || fn == FN_sync_sg_for_device) {
			if (list)
				return m;
		} else if (!list && !user) {
			return m;
		}
	}
	return NULL;
}

static void call_list(struct model_map *m, enum model_fn fn)
{
	bool table = model_chance(30);
	struct model_dev *d = m->d;
	int nents = (int)m->sgt.orig_nents;

	model_asks(d, fn);
	switch (fn) {
	case FN_sync_user_for_cpu:
		dma_sync_user_for_cpu(m->user);
		break;
	case FN_sync_user_for_device:
		dma_sync_user_for_device(m->user);
		break;
	case FN_sync_sg_for_cpu:
		if (table)
			dma_sync_sgtable_for_cpu(d->dev, &m->sgt, m->dir);
		else
			dma_sync_sg_for_cpu(d->dev, m->sgt.sgl, nents, m->dir);
		break;
	default:
		if (table)
			dma_sync_sgtable_for_device(d->dev, &m->sgt, m->dir);
		else
			dma_sync_sg_for_device(d->dev, m->sgt.sgl, nents, m->dir);
		break;
	}
	model_ok(d, fn);
}

static void call_single(struct model_map *m, enum model_fn fn, uint64_t off, uint64_t len)
{
	struct model_dev *d = m->d;

	model_asks(d, fn);
	if (fn == FN_sync_single_for_cpu && model_chance(50))
		dma_sync_single_range_for_cpu(d->dev, m->dma, (unsigned long)off, (size_t)len,
					      m->dir);
	else if (fn == FN_sync_single_for_cpu)
		dma_sync_single_for_cpu(d->dev, m->dma + off, (size_t)len, m->dir);
	else
		dma_sync_single_for_device(d->dev, m->dma + off, (size_t)len, m->dir);
	model_ok(d, fn);
}

/* Part of a mapping, in whole lines of memory. */
static void draw_part(const struct model_map *m, uint64_t *off, uint64_t *len)
{
	uint64_t in_line = m->dma & (model.line - 1);
	uint64_t end;

	*off = model_below(m->len);
	*len = model_size(m->len - *off);
	if (m->d->coherent)
		return;
	*off = *off < in_line ? 0 : ((*off + in_line) & ~(model.line - 1)) - in_line;
	end = ((*off + *len + in_line + model.line - 1) & ~(model.line - 1)) - in_line;
	*len = (end < m->len ? end : m->len) - *off;
}

static void sync_single(struct model_map *m, enum model_fn fn)
{
	bool cpu = fn == FN_sync_single_for_cpu;
	uint64_t off;
	uint64_t len;

	draw_part(m, &off, &len);
	if (!cpu && m->cpu_len != 0) {
		off = m->cpu_off;
		len = m->cpu_len;
	}
	/* A second time would throw away what the CPU wrote. */
	if (cpu && !can_lend(m) && !m->d->coherent &&
	    (m->cpu_len != 0 || !model_map_free_of_others(m)))
		return;
	model_note("%s %s 0x%" PRIx64 " + 0x%" PRIx64 " len 0x%" PRIx64 " dir %d", m->d->name,
		   model_fn_name(fn), m->dma, off, len, m->dir);
	call_single(m, fn, off, len);
	if (cpu && can_lend(m))
		lent(m, off, len);
	else if (!cpu && m->cpu_len != 0)
		given_back(m);
}

static void sync_list(struct model_map *m, enum model_fn fn)
{
	bool cpu = fn == FN_sync_sg_for_cpu || fn == FN_sync_user_for_cpu;

	if (cpu && !can_lend(m) && !m->d->coherent &&
	    (m->cpu_len != 0 || !model_map_free_of_others(m)))
		return;
	model_note("%s %s 0x%" PRIx64 " dir %d", m->d->name, model_fn_name(fn), m->dma, m->dir);
	call_list(m, fn);
	if (cpu && can_lend(m))
		lent(m, 0, m->len);
	else if (!cpu && m->cpu_len != 0)
		given_back(m);
}

void model_give_back(struct model_map *m)
{
	if (m->cpu_len == 0)
		return;
	if (m->user != NULL)
		sync_list(m, FN_sync_user_for_device);
	else if (m->sgt.sgl != NULL)
		sync_list(m, FN_sync_sg_for_device);
	else
		sync_single(m, FN_sync_single_for_device);
}

/* Where the sync of a bare address is refused; 0: this device does not look at it. */
static uint64_t unmapped_rules(const struct model_dev *d, enum model_fn fn)
{
	if (d->coherent || d->table == TABLE_USER || (!d->translated && !d->ranges))
		return 0;
	(void)fn;
	return R(NOT_MAPPED);
}

static void sync_badly(struct model_dev *d, enum model_fn fn, struct model_map *m)
{
	enum dma_data_direction dir = DMA_FROM_DEVICE;
	dma_addr_t addr = m->dma;
	size_t size = 64;
	uint64_t rules;

	switch (model_below(4)) {
	case 0:
		dir = (enum dma_data_direction)(3 + model_below(4));
		rules = R(DIRECTION);
		break;
	case 1:
		size = 0;
		rules = R(LENGTH);
		break;
	case 2:
		addr = ~0ull - 10;
		rules = R(OVERFLOW);
		break;
	default:
		rules = unmapped_rules(d, fn);
		addr = 0x40;
		if (rules == 0)
			return;
		break;
	}
	model_asks(d, fn);
	if (fn == FN_sync_single_for_cpu)
		dma_sync_single_for_cpu(d->dev, addr, size, dir);
	else
		dma_sync_single_for_device(d->dev, addr, size, dir);
	model_refused(d, fn, rules, -EINVAL);
}

static void sync_list_badly(struct model_dev *d, enum model_fn fn, struct model_map *m)
{
	bool none = model_chance(50);
	enum dma_data_direction dir = none ? DMA_NONE : m->dir;
	int nents = none ? (int)m->sgt.orig_nents : -(int)model_below(2);

	model_asks(d, fn);
	if (fn == FN_sync_sg_for_cpu)
		dma_sync_sg_for_cpu(d->dev, m->sgt.sgl, nents, dir);
	else
		dma_sync_sg_for_device(d->dev, m->sgt.sgl, nents, dir);
	model_refused(d, fn, none ? R(DIRECTION) : R(NENTS), -EINVAL);
}

void model_call_sync(struct model_dev *d, enum model_fn fn)
{
	struct model_map *m = find(d, fn);
	bool single = fn == FN_sync_single_for_cpu || fn == FN_sync_single_for_device;
	bool list = fn == FN_sync_sg_for_cpu || fn == FN_sync_sg_for_device;

	if (m == NULL) {
		if (single)
			model_call_map(d, FN_map_phys);
		else if (list)
			model_call_map_sg(d, FN_map_sg);
		else
			model_call_map_user(d);
		return;
	}
	if (single && model_chance(12))
		sync_badly(d, fn, m);
	else if (list && model_chance(12))
		sync_list_badly(d, fn, m);
	else if (single)
		sync_single(m, fn);
	else
		sync_list(m, fn);
}
