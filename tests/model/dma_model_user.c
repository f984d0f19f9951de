/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls with memory of a program: map and unmap, pins and limits included. */
#include <stdlib.h>

#include "tests/model/dma_model.h"

struct user_call {
	struct model_buf *buf;
	uint64_t uaddr;
	uint64_t len;
	enum dma_data_direction dir;
	unsigned long attrs;
	uint64_t off;
};

static bool draw(struct model_dev *d, struct user_call *c)
{
	uint64_t kinds = 1u << BUF_USER | 1u << BUF_USER;

	if (model_chance(15))
		kinds = 1u << BUF_PFN;
	else if (model_chance(8))
		kinds = 1u << BUF_PEER_USER;
	*c = (struct user_call){ .dir = model_dir(), .attrs = model_hints() };
	c->buf = model_buf_any(d, kinds);
	if (c->buf == NULL)
		return false;
	if (c->buf->read_only)
		c->dir = DMA_TO_DEVICE;
	if (c->buf->kind == BUF_PEER_USER)
		c->attrs |= DMA_ATTR_MMIO;
	if (model_chance(12))
		c->attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	c->off = model_below(c->buf->len);
	c->len = model_size(c->buf->len - c->off);
	if (c->buf->kind == BUF_PEER_USER)
		c->len = c->len < 8192 ? c->len : 8192;
	if (!d->coherent && c->dir != DMA_TO_DEVICE) {
		c->off &= ~(model.line - 1);
		c->len = (c->len + model.line - 1) & ~(model.line - 1);
	}
	c->uaddr = c->buf->uaddr + c->off;
	return true;
}

/* Runs of the memory as a list, as the library will make it. */
static uint64_t list_rules(struct model_dev *d, const struct user_call *c)
{
	struct sg_append_table list = { 0 };
	uint32_t page = (uint32_t)model.page;
	uint32_t most = d->max_seg & ~(page - 1);
	uint64_t done = 0;
	uint64_t rules;

	while (done < c->len) {
		uint64_t n = c->len - done;
		phys_addr_t phys = model_buf_phys(c->buf, c->off + done, &n);

		assert_ok(sg_append_phys(model.p, &list, phys, n, most == 0 ? page : most));
		done += n;
	}
	rules = model_sg_rules(d, list.sgt.sgl, list.sgt.orig_nents, c->dir, c->attrs);
	sg_free_append_table(&list);
	return rules;
}

static uint64_t rules_of(struct model_dev *d, const struct user_call *c)
{
	if (c->len == 0)
		return R(LENGTH);
	if (c->uaddr + (c->len - 1) < c->uaddr)
		return R(OVERFLOW);
	if ((unsigned int)c->dir > DMA_FROM_DEVICE)
		return R(DIRECTION);
	if (model_refuses_attrs(d, c->attrs))
		return R(ATTR);
	if (c->buf == NULL || (c->buf->read_only && c->dir != DMA_TO_DEVICE) ||
	    c->off + c->len > c->buf->len)
		return R(NOT_MAPPED);
	if (c->buf->kind == BUF_PFN && model.no_token)
		return R(NOT_PINNABLE);
	if ((c->attrs & DMA_ATTR_MMIO) != 0 && c->buf->kind != BUF_PEER_USER)
		return R(IS_RAM);
	if ((c->attrs & DMA_ATTR_MMIO) == 0 && c->buf->kind == BUF_PEER_USER)
		return R(NOT_RAM);
	return list_rules(d, c);
}

static void spoil(struct model_dev *d, struct user_call *c, bool *limit)
{
	switch (model_below(8)) {
	case 0:
		c->len = 0;
		break;
	case 1:
		c->uaddr = ~0ull - 100;
		c->len = 4096;
		break;
	case 2:
		c->dir = DMA_NONE;
		break;
	case 3:
		c->attrs |= d->coherent ? DMA_ATTR_CC_SHARED : DMA_ATTR_REQUIRE_COHERENT;
		break;
	case 4:
		c->buf = NULL;
		c->uaddr = model_chance(50) ? 0x1000 : SIM_AS_BASE + model.ram_bytes - 16;
		break;
	case 5:
		c->attrs ^= DMA_ATTR_MMIO;
		break;
	case 6:
		*limit = c->buf->kind == BUF_USER;
		break;
	default:
		if (c->buf->read_only)
			c->dir = DMA_FROM_DEVICE;
		break;
	}
}

static int want_err(uint64_t rules)
{
	if ((rules & R(NOT_MAPPED)) != 0)
		return -EFAULT;
	if ((rules & R(NOT_PINNABLE)) != 0)
		return -EOPNOTSUPP;
	if ((rules & (R(NO_IOVA) | R(LOCKED_MEMORY))) != 0)
		return -ENOMEM;
	return -EINVAL;
}

/* The list that the mapping tells names the memory of the program, byte for byte. */
static void check_memory(const struct model_map *m)
{
	const struct sg_table *sgt = dma_user_map_sgtable(m->user);
	struct scatterlist *sg = sgt->sgl;
	const struct model_piece *p = &m->pieces[0];
	uint64_t done = 0;

	for (uint32_t i = 0; i < sgt->orig_nents; i++, sg = sg_next(sg)) {
		for (uint64_t in_sg = 0; in_sg < sg->length;) {
			uint64_t n = sg->length - in_sg;
			phys_addr_t phys;

			model_check(done < m->len, "the list is longer than the memory");
			phys = model_buf_phys(p->buf, p->off + done, &n);
			model_check(sg->phys + in_sg == phys,
				    "entry %" PRIu32 " names 0x%" PRIx64 ", not 0x%" PRIx64, i,
				    sg->phys + in_sg, phys);
			in_sg += n;
			done += n;
		}
	}
	model_check(done == m->len, "the list is shorter than the memory");
}

static void mapped(struct model_dev *d, const struct user_call *c, struct dma_user_map *user)
{
	const struct sg_table *sgt = dma_user_map_sgtable(user);
	struct model_map *m = model_map_new(d, FN_map_user);

	m->dir = c->dir;
	m->attrs = c->attrs;
	m->user = user;
	m->len = c->len;
	m->count = sgt->nents;
	m->dma = dma_user_map_addr(user);
	m->pieces[0] = (struct model_piece){ c->buf, c->off, c->len };
	m->nr_pieces = 1;
	check_memory(m);
	model_sg_check(d, sgt->sgl, sgt->orig_nents, sgt->nents);
	model_map_commit(m);
	model_sync_after_map(m);
	/* The seed's wish: scattered memory of a program is one range for the device. */
	if (d->translated && d->table != TABLE_USER && d->boundary == UINT64_MAX &&
	    model.granule <= model.page)
		model_check(dma_sg_is_contiguous(sgt->sgl, sgt->nents),
			    "one range of DMA addresses");
	for (uint32_t i = 0; i < m->count; i++) {
		dma_addr_t dma;
		uint64_t len;

		if (model_map_seg(m, i, &dma, &len))
			model_dev_read(d, dma, len, true);
	}
}

static uint64_t locked(void)
{
	struct sim_as_stats st;

	sim_as_stats(model.as, &st);
	return st.locked_bytes;
}

void model_call_map_user(struct model_dev *d)
{
	struct dma_user_map *const untouched = (struct dma_user_map *)(uintptr_t)&model;
	struct dma_user_map *user = untouched;
	bool spoilt = model_chance(15);
	bool limit = false;
	struct user_call c;
	uint64_t before;
	uint64_t rules;
	int err;

	if (!draw(d, &c))
		return;
	if (spoilt)
		spoil(d, &c, &limit);
	rules = rules_of(d, &c);
	if (limit)
		rules = R(LOCKED_MEMORY);
	if (rules == 0 && spoilt)
		return;
	before = locked();
	sim_as_set_locked_limit(model.as, limit ? before : UINT64_MAX);
	model_note("%s map_user 0x%" PRIx64 " + 0x%" PRIx64 " dir %d attrs 0x%lx rules 0x%" PRIx64,
		   d->name, c.uaddr, c.len, c.dir, c.attrs, rules);
	model_asks(d, FN_map_user);
	err = dma_map_user(d->dev, model.as, c.uaddr, c.len, c.dir, c.attrs, &user);
	rules = model_settle(rules, err != 0);
	if (rules != 0) {
		model_check(err == want_err(rules), "map_user gives %d, not %d", err,
			    want_err(rules));
		model_check(user == untouched, "a failed call changed its result");
		model_refused(d, FN_map_user, rules, err);
		model_check(locked() == before, "a failed call left pins");
		return;
	}
	if (err != 0)
		model_surprise("fails", FN_map_user, 0);
	model_ok(d, FN_map_user);
	mapped(d, &c, user);
}

static void sync_user(struct model_map *m, enum model_fn fn)
{
	model_asks(m->d, fn);
	if (fn == FN_sync_user_for_cpu)
		dma_sync_user_for_cpu(m->user);
	else
		dma_sync_user_for_device(m->user);
	model_ok(m->d, fn);
}

/* SKIP_CPU_SYNC of the map holds for the unmap, too: its duty comes first. */
void model_unmap_user(struct model_map *m)
{
	struct dma_user_map *user = m->user;
	struct model_dev *d = m->d;
	struct scatterlist *sg = dma_user_map_sgtable(user)->sgl;
	struct scatterlist copy = *sg;
	bool skip = (m->attrs & DMA_ATTR_SKIP_CPU_SYNC) != 0;

	if (m->cpu_len != 0)
		sync_user(m, FN_sync_user_for_device);
	m->cpu_len = 0;
	if (skip && (m->attrs & DMA_ATTR_MMIO) == 0)
		sync_user(m, FN_sync_user_for_cpu);
	model_note("%s unmap_user 0x%" PRIx64, d->name, copy.dma_address);
	/* The oracle still needs the segments; they go with the mapping. */
	for (uint32_t i = 0; i < m->count; i++) {
		dma_addr_t dma;
		uint64_t len;

		if (model_map_seg(m, i, &dma, &len))
			oracle_unmap(d, model_map_id(m), dma, len, d->deferred);
	}
	model_asks(d, FN_unmap_user);
	dma_unmap_user(user);
	model_ok(d, FN_unmap_user);
	m->user = NULL;
	m->count = 0;
	model_map_drop(m);
	model_dev_probe(d, copy.dma_address, model_chance(50));
}

void model_call_unmap_user(struct model_dev *d)
{
	struct model_map *m = model_map_any(d, FN_map_user);

	if (model_chance(10)) {
		model_asks(d, FN_unmap_user);
		dma_unmap_user(NULL);
		model_ok(d, FN_unmap_user);
	} else if (m == NULL || !model_map_free_of_others(m)) {
		model_call_map_user(d);
	} else {
		model_unmap_user(m);
	}
}
