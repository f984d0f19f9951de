/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live mappings: which memory and which DMA addresses belong together, who may touch them now, and
 * what the device does with them.
 */
#include "tests/model/dma_model.h"

uint32_t model_map_id(const struct model_map *m)
{
	return (uint32_t)(m - model.maps) + 1;
}

struct model_map *model_map_any(const struct model_dev *d, enum model_fn fn)
{
	uint32_t start = (uint32_t)model_below(MODEL_MAX_MAPS);

	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++) {
		struct model_map *m = &model.maps[(start + i) % MODEL_MAX_MAPS];

		if (m->d == d && (m->fn == fn || (fn == NR_FNS && m->fn != FN_alloc)))
			return m;
	}
	return NULL;
}

struct model_map *model_map_new(struct model_dev *d, enum model_fn fn)
{
	struct model_map *m = NULL;

	for (uint32_t i = 0; i < MODEL_MAX_MAPS && m == NULL; i++)
		m = model.maps[i].d == NULL ? &model.maps[i] : NULL;
	model_check(m != NULL, "there is room for another mapping");
	*m = (struct model_map){ .d = d, .fn = fn };
	return m;
}

bool model_map_seg(const struct model_map *m, uint32_t i, dma_addr_t *dma, uint64_t *len)
{
	struct scatterlist *sg = m->sgt.sgl;

	if (m->user != NULL)
		sg = dma_user_map_sgtable(m->user)->sgl;
	if (sg == NULL) {
		*dma = m->dma;
		*len = m->len;
		return i == 0;
	}
	if (i >= m->count)
		return false;
	for (; i != 0; i--)
		sg = sg_next(sg);
	*dma = sg->dma_address;
	*len = sg->dma_length;
	return true;
}

static phys_addr_t piece_phys(const struct model_piece *p, uint64_t off, uint64_t *len)
{
	*len = *len < p->len - off ? *len : p->len - off;
	return p->buf == NULL ? p->off + off : model_buf_phys(p->buf, p->off + off, len);
}

void model_map_commit(struct model_map *m)
{
	uint64_t last = m->d->mask;
	uint64_t in_piece = 0;
	uint32_t piece = 0;
	uint64_t left = 0;
	dma_addr_t end = 0;
	dma_addr_t dma;

	if (m->fn == FN_alloc)
		last = m->d->cmask;
	for (uint32_t i = 0; model_map_seg(m, i, &dma, &left); i++) {
		model_check(m->d->table == TABLE_USER || dma + (left - 1) <= last,
			    "0x%" PRIx64 " + 0x%" PRIx64 " is beyond the mask 0x%" PRIx64, dma,
			    left, last);
		while (left != 0) {
			uint64_t n = left;
			phys_addr_t phys;

			model_check(piece < m->nr_pieces, "segments hold more than the memory");
			phys = piece_phys(&m->pieces[piece], in_piece, &n);
			oracle_map(m->d, model_map_id(m), dma, phys, n, m->dir != DMA_TO_DEVICE);
			dma += n;
			left -= n;
			in_piece += n;
			if (in_piece == m->pieces[piece].len) {
				piece++;
				in_piece = 0;
			}
		}
		end = dma;
	}
	if (m->d->translated) {
		m->span = end - m->dma;
		oracle_round(m->d, m->dma, m->span, true);
	}
	model_check(piece == m->nr_pieces, "segments hold less than the memory");
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		if (m->pieces[i].buf != NULL) {
			m->pieces[i].buf->nr_maps++;
			m->pieces[i].buf->snooped = m->d->coherent;
		}
	}
	m->d->nr_live++;
}

bool model_map_free_of_others(const struct model_map *m)
{
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		const struct model_buf *b = m->pieces[i].buf;

		if (b != NULL && b->busy != NULL && b->busy != m)
			return false;
	}
	return true;
}

static void look(struct model_map *m)
{
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		struct model_piece *p = &m->pieces[i];

		if (p->buf == NULL)
			continue;
		p->buf->nr_maps--;
		if (p->buf->busy == m)
			p->buf->busy = NULL;
	}
	/* While others have it mapped, only what this call gave to the CPU can be relied on. */
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		struct model_piece *p = &m->pieces[i];

		if (p->buf != NULL && p->buf->kind != BUF_ALLOC &&
		    (p->buf->nr_maps == 0 || m->dir != DMA_TO_DEVICE))
			model_cpu_check(p->buf, p->off, p->len);
	}
}

void model_map_drop(struct model_map *m)
{
	struct model_dev *d = m->d;
	bool deferred = d->deferred && m->fn != FN_alloc;
	uint64_t len;
	dma_addr_t dma;

	for (uint32_t i = 0; model_map_seg(m, i, &dma, &len); i++)
		oracle_unmap(d, model_map_id(m), dma, len, deferred);
	if (d->translated)
		oracle_round(d, m->dma, m->span, false);
	look(m);
	m->d = NULL;
	d->nr_live--;
}

static void map_range(struct model_map *m, uint64_t off, uint64_t len, bool write)
{
	uint64_t left;
	dma_addr_t dma;

	for (uint32_t i = 0; len != 0 && model_map_seg(m, i, &dma, &left); i++) {
		uint64_t n;

		if (off >= left) {
			off -= left;
			continue;
		}
		n = left - off < len ? left - off : len;
		if (write)
			model_dev_write(m->d, dma + off, n);
		else
			model_dev_read(m->d, dma + off, n, !m->raw);
		len -= n;
		off = 0;
	}
}

/* All of [off, off + len) but what the CPU owns. */
static void work(struct model_map *m, uint64_t off, uint64_t len, bool write)
{
	uint64_t end = off + len;
	uint64_t cpu_end = m->cpu_off + m->cpu_len;

	if (m->cpu_len == 0 || m->d->coherent || end <= m->cpu_off || off >= cpu_end) {
		map_range(m, off, len, write);
		return;
	}
	if (off < m->cpu_off)
		map_range(m, off, m->cpu_off - off, write);
	if (end > cpu_end)
		map_range(m, cpu_end, end - cpu_end, write);
}

/* Bytes of nobody change only if somebody else's tables lie there: compared with what memory is. */
static void touch_raw(struct model_map *m)
{
	uint64_t off = model_below(m->len);
	uint64_t len = 1 + model_below(m->len - off < 64 ? m->len - off : 64);
	uint8_t want[64];

	model_dev_read(m->d, m->dma + off, len, false);
	if (model.opt.noncoherent && m->d->coherent)
		return;
	assert_ok(sim_machine_peek(model.machine, m->pieces[0].off + off, want, (size_t)len));
	model_check(memcmp(model.scratch, want, (size_t)len) == 0,
		    "%s reads 0x%" PRIx64 " elsewhere", m->d->name, m->pieces[0].off + off);
}

static void touch_edges(struct model_map *m)
{
	dma_addr_t dma;
	uint64_t len;

	if (!model_map_seg(m, (uint32_t)model_below(m->count == 0 ? 1 : m->count), &dma, &len))
		return;
	if (m->dir == DMA_TO_DEVICE)
		model_dev_probe(m->d, dma + model_below(len), true);
	model_dev_probe(m->d, dma - 1 - model_below(model.granule), model_chance(30));
	model_dev_probe(m->d, dma + len + model_below(model.granule), model_chance(30));
}

void model_map_touch(struct model_map *m)
{
	uint64_t off = model_below(m->len);
	uint64_t len = 1 + model_below(m->len - off < 8192 ? m->len - off : 8192);

	if (model_chance(20))
		touch_edges(m);
	if (m->raw) {
		touch_raw(m);
		return;
	}
	if (!m->d->coherent && !model_map_free_of_others(m))
		return;
	if (model_chance(15)) {
		off = 0;
		len = m->len;
	}
	if (m->dir != DMA_TO_DEVICE && model_chance(60))
		work(m, off, len < MODEL_SCRATCH_BYTES ? len : MODEL_SCRATCH_BYTES, true);
	else
		work(m, off, len, false);
}

void model_map_cpu(struct model_map *m, uint64_t off, uint64_t len, bool write)
{
	for (uint32_t i = 0; i < m->nr_pieces && len != 0; i++) {
		struct model_piece *p = &m->pieces[i];
		uint64_t n;

		if (off >= p->len) {
			off -= p->len;
			continue;
		}
		n = p->len - off < len ? p->len - off : len;
		if (p->buf != NULL && write)
			model_cpu_write(p->buf, p->off + off, n);
		else if (p->buf != NULL)
			model_cpu_check(p->buf, p->off + off, n);
		off = 0;
		len -= n;
	}
}

/* Whoever lent part of this memory to the CPU takes it back first. */
static void unmap_certainly(struct model_map *m)
{
	for (uint32_t i = 0; i < m->nr_pieces; i++) {
		struct model_buf *b = m->pieces[i].buf;

		if (b != NULL && b->busy != NULL)
			model_give_back(b->busy);
	}
	model_unmap(m);
}

static void unmap_others(const struct model_map *m)
{
	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++) {
		struct model_map *other = &model.maps[i];

		if (other != m && other->d != NULL && other->pieces[0].buf == m->pieces[0].buf)
			unmap_certainly(other);
	}
}

void model_unmap_all(struct model_dev *d)
{
	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++) {
		if (model.maps[i].d == d && model.maps[i].fn != FN_alloc)
			unmap_certainly(&model.maps[i]);
	}
	/* Allocations last: other devices may have them mapped. */
	for (uint32_t i = 0; i < MODEL_MAX_MAPS; i++) {
		if (model.maps[i].d != d)
			continue;
		unmap_others(&model.maps[i]);
		unmap_certainly(&model.maps[i]);
	}
}
