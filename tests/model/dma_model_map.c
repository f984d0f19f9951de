/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls with one range: map and unmap of phys, page, single, resource; good and bad arguments. */
#include "tests/model/dma_model.h"

/**
 * struct range - arguments of one call
 * @phys: memory
 * @cpu: its CPU address, for map_single
 * @buf: whose; NULL: nobody's
 * @off: where in @buf
 */
struct range {
	phys_addr_t phys;
	void *cpu;
	uint64_t size;
	enum dma_data_direction dir;
	unsigned long attrs;
	struct model_buf *buf;
	uint64_t off;
};

enum dma_data_direction model_dir(void)
{
	return (enum dma_data_direction)model_below(3);
}

/* Unknown bits and hints change nothing. */
unsigned long model_hints(void)
{
	unsigned long attrs = 0;

	if (model_chance(10))
		attrs |= DMA_ATTR_WEAK_ORDERING;
	if (model_chance(5))
		attrs |= DMA_ATTR_NO_WARN;
	if (model_chance(5))
		attrs |= DMA_ATTR_DEBUGGING_IGNORE_CACHELINES;
	if (model_chance(2))
		attrs |= 1ul << 20;
	return attrs;
}

static bool is_ram(phys_addr_t phys)
{
	return phys - model.ram_base < model.ram_bytes;
}

static bool is_mmio(phys_addr_t phys)
{
	return phys - MODEL_PEER_BASE < MODEL_PEER_LEN;
}

static uint64_t kind_rules(phys_addr_t phys, uint64_t size, unsigned long attrs)
{
	phys_addr_t last = phys + (size - 1);

	if ((attrs & DMA_ATTR_MMIO) == 0)
		return is_ram(phys) && is_ram(last) ? 0 : R(NOT_RAM);
	if (is_ram(phys) || is_ram(last))
		return R(IS_RAM);
	return is_mmio(phys) && is_mmio(last) ? 0 : R(NOT_MAPPED);
}

static bool shares_line(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	return !d->coherent && d->table != TABLE_USER && dir != DMA_TO_DEVICE &&
	       (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) == 0 &&
	       ((phys | (phys + size)) & (model.line - 1)) != 0;
}

static uint64_t direct_rules(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			     unsigned long attrs)
{
	dma_addr_t addr = phys;

	if ((attrs & DMA_ATTR_MMIO) == 0 && !model_direct_addr(d, phys, size, &addr))
		return R(NO_RANGE);
	return addr + (size - 1) > d->mask ? R(MASK) : 0;
}

uint64_t model_entry_rules(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			   enum dma_data_direction dir, unsigned long attrs)
{
	uint64_t rules = 0;

	if (size == 0)
		return R(LENGTH);
	if (phys + (size - 1) < phys)
		return R(OVERFLOW);
	rules = kind_rules(phys, size, attrs);
	if (rules == 0 && !d->translated)
		rules = direct_rules(d, phys, size, attrs);
	if (shares_line(d, phys, size, dir, attrs))
		rules |= R(CACHE_LINE);
	return rules;
}

/* A contract that this device, or its table, cannot keep. A minimal table knows of no registers. */
bool model_refuses_attrs(const struct model_dev *d, unsigned long attrs)
{
	if ((attrs & DMA_ATTR_MMIO) != 0 && d->table == TABLE_USER && d->coherent)
		return true;
	return (attrs & DMA_ATTR_CC_SHARED) != 0 ||
	       ((attrs & DMA_ATTR_REQUIRE_COHERENT) != 0 && !d->coherent);
}

uint64_t model_range_rules(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			   enum dma_data_direction dir, unsigned long attrs)
{
	uint64_t rules = 0;
	uint64_t nr;

	if ((unsigned int)dir > DMA_FROM_DEVICE)
		rules |= R(DIRECTION);
	if (model_refuses_attrs(d, attrs))
		rules |= R(ATTR);
	if (rules != 0)
		return rules | (size == 0 ? R(LENGTH) : 0);
	rules |= model_entry_rules(d, phys, size, dir, attrs);
	if (rules != 0 || !d->translated || d->table == TABLE_USER)
		return rules;
	nr = ((phys & (model.granule - 1)) + size + model.granule - 1) / model.granule;
	return oracle_iova_rules(d, nr, d->mask, 1, 0);
}

/* A piece of a buffer that the device may get without harm to its neighbours. */
static bool draw_good(struct model_dev *d, enum model_fn fn, struct range *r)
{
	uint64_t kinds = 1u << BUF_KMEM | 1u << BUF_USER | 1u << BUF_PFN;
	uint64_t one = UINT64_MAX;

	if (fn == FN_map_single)
		kinds = 1u << BUF_KMEM;
	if (fn == FN_map_resource || (fn == FN_map_phys && model_chance(10)))
		kinds = 1u << BUF_MMIO;
	*r = (struct range){ .dir = model_dir(), .attrs = model_hints() };
	r->buf = model_buf_any(d, kinds);
	if (r->buf == NULL)
		return false;
	if (r->buf->kind == BUF_MMIO)
		r->attrs |= fn == FN_map_phys ? DMA_ATTR_MMIO : 0;
	if (r->buf->read_only)
		r->dir = DMA_TO_DEVICE;
	if (model_chance(15))
		r->attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	if (d->coherent && model_chance(5))
		r->attrs |= DMA_ATTR_REQUIRE_COHERENT;
	r->off = model_below(r->buf->len);
	r->size = model_size(r->buf->len - r->off);
	if (r->buf->kind == BUF_MMIO)
		r->size = r->size < 8192 ? r->size : 8192;
	if (!d->coherent && r->dir != DMA_TO_DEVICE) {
		r->off &= ~(model.line - 1);
		r->size = (r->size + model.line - 1) & ~(model.line - 1);
	}
	r->phys = model_buf_phys(r->buf, r->off, &one);
	r->size = r->size < one ? r->size : one;
	r->cpu = r->buf->cpu == NULL ? NULL : r->buf->cpu + r->off;
	return true;
}

/* Memory of nobody, in large pieces, so that blocks are used; read only. */
static void draw_raw(struct range *r)
{
	*r = (struct range){ .dir = DMA_TO_DEVICE, .attrs = model_hints() };
	r->phys = model.ram_base + model_below(model.ram_bytes / 2);
	r->size = 1 + model_below(model_chance(30) ? 6u << 20 : 64 * model.granule);
	if (model_chance(50))
		r->phys &= ~((2ull << 20) - 1);
}

/* One argument goes wrong. */
static void spoil(struct model_dev *d, struct range *r)
{
	static char on_stack;

	switch (model_below(8)) {
	case 0:
		r->dir = (enum dma_data_direction)(3 + model_below(4));
		break;
	case 1:
		r->size = 0;
		break;
	case 2:
		r->attrs |= DMA_ATTR_CC_SHARED;
		break;
	case 3:
		if (!d->coherent)
			r->attrs |= DMA_ATTR_REQUIRE_COHERENT;
		else
			r->attrs ^= DMA_ATTR_MMIO;
		break;
	case 4:
		r->phys = 0x1000 + model_below(1u << 20);
		r->cpu = &on_stack;
		break;
	case 5:
		r->phys = ~0ull - model_below(4096);
		r->size = 8192;
		r->cpu = &on_stack;
		break;
	case 6:
		r->phys = model.ram_base + model.ram_bytes - 1 - model_below(8192);
		r->size = 8192 + model_below(65536);
		r->cpu = &on_stack;
		break;
	default:
		/* Not on a line; harmless where the device snoops. */
		if (!d->coherent && d->table != TABLE_USER && r->size > model.line &&
		    r->cpu != NULL) {
			r->dir = DMA_FROM_DEVICE;
			r->attrs &= ~DMA_ATTR_SKIP_CPU_SYNC;
			r->size -= 1 + model_below(model.line - 1);
		} else {
			r->attrs |= DMA_ATTR_CC_SHARED;
		}
		break;
	}
	r->buf = NULL;
}

static uint64_t rules_of(struct model_dev *d, enum model_fn fn, const struct range *r)
{
	unsigned long attrs = r->attrs;

	if ((attrs & DMA_ATTR_MMIO) != 0 && (fn == FN_map_page || fn == FN_map_single))
		return R(ATTR) | model_range_rules(d, r->phys, r->size, r->dir, attrs);
	if (fn == FN_map_resource)
		attrs |= DMA_ATTR_MMIO;
	return model_range_rules(d, r->phys, r->size, r->dir, attrs);
}

static dma_addr_t call(struct model_dev *d, enum model_fn fn, const struct range *r)
{
	uint64_t off = r->phys & 0xfff;

	model_asks(d, fn);
	switch (fn) {
	case FN_map_page:
		/* The offset may exceed the page. */
		if (model_chance(20) && r->phys > 0x5000 && off + 0x3000 < r->phys)
			off += 0x3000;
		return dma_map_page_attrs(d->dev, dma_page_of_phys(r->phys - off), (size_t)off,
					  (size_t)r->size, r->dir, r->attrs);
	case FN_map_single:
		return dma_map_single_attrs(d->dev, r->cpu, (size_t)r->size, r->dir, r->attrs);
	case FN_map_resource:
		return dma_map_resource(d->dev, r->phys, (size_t)r->size, r->dir, r->attrs);
	default:
		return dma_map_phys(d->dev, r->phys, (size_t)r->size, r->dir, r->attrs);
	}
}

static void ask_mapping_error(struct model_dev *d, dma_addr_t addr)
{
	int err;

	model_asks(d, FN_mapping_error);
	err = dma_mapping_error(d->dev, addr);
	model_check(err == (addr == DMA_MAPPING_ERROR ? -ENOMEM : 0), "mapping_error gives %d",
		    err);
	model_ok(d, FN_mapping_error);
}

static void mapped(struct model_dev *d, enum model_fn fn, const struct range *r, dma_addr_t addr)
{
	struct model_map *m;
	dma_addr_t want;

	if (!d->translated && (r->buf == NULL || r->buf->kind != BUF_MMIO) &&
	    model_direct_addr(d, r->phys, r->size, &want))
		model_check(addr == want, "DMA address 0x%" PRIx64 ", it should be 0x%" PRIx64,
			    addr, want);
	m = model_map_new(d, fn);
	m->dir = r->dir;
	m->attrs = r->attrs | (fn == FN_map_resource ? DMA_ATTR_MMIO : 0);
	m->dma = addr;
	m->len = r->size;
	m->raw = r->buf == NULL;
	m->pieces[0] = (struct model_piece){ r->buf, r->buf == NULL ? r->phys : r->off, r->size };
	m->nr_pieces = 1;
	model_map_commit(m);
	model_sync_after_map(m);
	if (m->raw)
		model_map_touch(m);
	else
		model_dev_read(d, m->dma, m->len, true);
}

void model_call_map(struct model_dev *d, enum model_fn fn)
{
	bool raw = fn != FN_map_single && fn != FN_map_resource && model_chance(8);
	bool spoilt = model_chance(15);
	struct range r;
	dma_addr_t addr;
	uint64_t rules;

	if (!draw_good(d, fn, &r))
		return;
	if (raw)
		draw_raw(&r);
	if (spoilt)
		spoil(d, &r);
	rules = rules_of(d, fn, &r);
	if (fn == FN_map_single &&
	    !(r.cpu != NULL && model.p->virt_to_phys(model.p, r.cpu, &(phys_addr_t){ 0 }) == 0))
		rules |= R(NOT_LINEAR);
	model_note("%s %s phys 0x%" PRIx64 " size 0x%" PRIx64
		   " dir %d attrs 0x%lx rules 0x%" PRIx64,
		   d->name, model_fn_name(fn), r.phys, r.size, r.dir, r.attrs, rules);
	/* Some mistakes are none for this device or this call. */
	if (rules == 0 && spoilt)
		return;
	addr = call(d, fn, &r);
	rules = model_settle(rules, addr == DMA_MAPPING_ERROR);
	if (rules != 0) {
		model_check(addr == DMA_MAPPING_ERROR, "%s gives 0x%" PRIx64 ", it should fail",
			    model_fn_name(fn), addr);
		model_refused(d, fn, rules, 0);
	} else {
		model_ok(d, fn);
		model_check(addr != DMA_MAPPING_ERROR, "%s fails without a reason",
			    model_fn_name(fn));
	}
	if (model_chance(40))
		ask_mapping_error(d, addr);
	if (rules == 0)
		mapped(d, fn, &r, addr);
}

static enum model_fn map_of(enum model_fn fn)
{
	return (enum model_fn)(fn - 1); /* they stand in pairs */
}

static void call_unmap(struct model_dev *d, enum model_fn fn, dma_addr_t addr, size_t size,
		       enum dma_data_direction dir, unsigned long attrs)
{
	model_asks(d, fn);
	switch (fn) {
	case FN_unmap_page:
		dma_unmap_page_attrs(d->dev, addr, size, dir, attrs);
		break;
	case FN_unmap_single:
		dma_unmap_single_attrs(d->dev, addr, size, dir, attrs);
		break;
	case FN_unmap_resource:
		dma_unmap_resource(d->dev, addr, size, dir, attrs & ~DMA_ATTR_MMIO);
		break;
	default:
		dma_unmap_phys(d->dev, addr, size, dir, attrs);
		break;
	}
}

static void unmap_range(struct model_map *m)
{
	bool mmio = (m->attrs & DMA_ATTR_MMIO) != 0;
	unsigned long attrs = m->attrs & ~DMA_ATTR_SKIP_CPU_SYNC;
	struct model_dev *d = m->d;
	enum model_fn fn = (enum model_fn)(m->fn + 1);
	bool skip = !mmio && model_chance(15);
	dma_addr_t dma = m->dma;
	uint64_t len = m->len;

	/* Mapped with lines that are shared: only the caller can keep them apart. */
	if (skip)
		attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	model_sync_before_unmap(m, skip);
	model_note("%s %s 0x%" PRIx64 " size 0x%" PRIx64 " dir %d attrs 0x%lx", d->name,
		   model_fn_name(fn), dma, len, m->dir, attrs);
	call_unmap(d, fn, dma, (size_t)len, m->dir, attrs);
	model_ok(d, fn);
	model_map_drop(m);
	model_dev_probe(d, dma + model_below(len), model_chance(50));
}

void model_unmap(struct model_map *m)
{
	switch (m->fn) {
	case FN_map_sg:
	case FN_map_sgtable:
		model_unmap_list(m);
		break;
	case FN_map_user:
		model_unmap_user(m);
		break;
	case FN_alloc:
		model_free(m);
		break;
	default:
		unmap_range(m);
		break;
	}
}

/* Where nothing is mapped: 0 if there is no such place for this device. */
static dma_addr_t nowhere(struct model_dev *d)
{
	for (uint32_t n = 0; n < 16 && d->translated; n++) {
		uint64_t g = d->stale[model_below(MODEL_MAX_STALE)];

		if (g != 0 && !oracle_is_mapped(d, g << model.opt.granule_lg2))
			return g << model.opt.granule_lg2;
	}
	return d->translated ? 0 : 0x10;
}

static void unmap_badly(struct model_dev *d, enum model_fn fn)
{
	enum dma_data_direction dir = DMA_FROM_DEVICE;
	uint64_t rules = R(NOT_MAPPED);
	dma_addr_t addr = nowhere(d);
	size_t size = (size_t)(1 + model_below(model.line));
	unsigned long attrs = 0;

	switch (model_below(4)) {
	case 0:
		dir = (enum dma_data_direction)(3 + model_below(5));
		rules = R(DIRECTION);
		break;
	case 1:
		size = 0;
		rules = R(LENGTH);
		break;
	case 2:
		addr = ~0ull - 4;
		size = 4096;
		rules = R(OVERFLOW);
		break;
	default:
		if (addr == 0)
			return;
		/* Nothing to do, nothing to complain about. */
		if (!d->translated && (d->coherent || fn == FN_unmap_resource || !d->ranges))
			rules = 0;
		if (!d->translated && !d->ranges && !d->coherent)
			return;
		break;
	}
	model_note("%s bad %s 0x%" PRIx64 " size 0x%zx dir %d", d->name, model_fn_name(fn), addr,
		   size, dir);
	call_unmap(d, fn, addr, size, dir, attrs);
	if (rules == 0)
		model_ok(d, fn);
	else
		model_refused(d, fn, rules, 0);
}

void model_call_unmap(struct model_dev *d, enum model_fn fn)
{
	struct model_map *m = model_map_any(d, map_of(fn));

	if (model_chance(15))
		unmap_badly(d, fn);
	else if (m == NULL || !model_map_free_of_others(m))
		model_call_map(d, map_of(fn));
	else
		unmap_range(m);
}
