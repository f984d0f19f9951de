/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the calls are made with: ordinary memory, memory of a program, a carve-out,
 * registers. The CPU's side writes and reads it here, through whatever mapping there is.
 */
#include <stdlib.h>

#include "tests/model/dma_model.h"

#define KEEP_BUFS 22u
#define MAX_BYTES (20ull << 20)

uint64_t model_size(uint64_t most)
{
	uint64_t size;

	switch (model_below(8)) {
	case 0:
	case 1:
		size = 1 + model_below(256);
		break;
	case 2:
	case 3:
		size = 1 + model_below(model.granule);
		break;
	case 4:
		size = model.granule * (1 + model_below(4));
		break;
	case 5:
	case 6:
		size = 1 + model_below(model.granule * 3);
		break;
	default:
		size = most;
		break;
	}
	return size < most ? size : most;
}

static uint64_t bytes_in_use(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < MODEL_MAX_BUFS; i++)
		sum += model.bufs[i].kind != BUF_NONE ? model.bufs[i].len : 0;
	return sum;
}

static uint64_t draw_len(void)
{
	uint64_t len = (1 + model_below(8)) << 12;

	if (model_chance(12))
		len = (1 + model_below(4)) << 16;
	if (model_chance(2))
		len = 1ull << 20;
	return (len + model.page - 1) & ~(model.page - 1);
}

static void set_runs(struct model_buf *b, phys_addr_t phys)
{
	b->runs = malloc(sizeof(*b->runs));
	assert_non_null(b->runs);
	b->runs[0] = (struct dma_phys_run){ .phys = phys, .len = b->len };
	b->nr_runs = 1;
}

/* Page by page, as the program sees it; asked of the models, not of the library. */
static void find_runs(struct model_buf *b)
{
	uint64_t nr = b->len / model.page;

	b->runs = calloc(nr, sizeof(*b->runs));
	assert_non_null(b->runs);
	for (uint64_t i = 0; i < nr; i++) {
		b->runs[i].len = model.page;
		assert_ok(sim_as_phys(b->as, b->uaddr + i * model.page, &b->runs[i].phys));
	}
	b->nr_runs = (uint32_t)nr;
}

static void zero_in_oracle(const struct model_buf *b)
{
	for (uint32_t i = 0; i < b->nr_runs; i++) {
		uint64_t len;
		uint8_t *at = oracle_mem(b->runs[i].phys, &len);

		assert_true(at != NULL && b->runs[i].len <= len);
		memset(at, 0, (size_t)b->runs[i].len);
	}
}

static bool new_kmem(struct model_buf *b)
{
	phys_addr_t phys;

	b->len = draw_len();
	b->cpu = sim_machine_kmalloc(model.machine, b->len, model.page);
	if (b->cpu == NULL)
		return false;
	assert_ok(model.p->virt_to_phys(model.p, b->cpu, &phys));
	set_runs(b, phys);
	return true;
}

static bool new_user(struct model_buf *b)
{
	b->len = draw_len();
	b->as = model.as;
	b->read_only = model_chance(10);
	if (sim_as_alloc(b->as, b->len, b->read_only ? SIM_AS_READ_ONLY : 0, &b->uaddr) != 0)
		return false;
	b->cpu = sim_as_ptr(b->as, b->uaddr);
	find_runs(b);
	return true;
}

static void new_pfn(struct model_buf *b)
{
	phys_addr_t phys;
	uint64_t len;

	sim_machine_carveout(model.machine, &phys, &len);
	b->len = len / 4;
	b->as = model.as;
	assert_ok(sim_as_map_pfn(b->as, phys + len / 4, b->len, DMA_MEM_WB, &b->uaddr));
	b->cpu = sim_as_ptr(b->as, b->uaddr);
	set_runs(b, phys + len / 4);
	model_cpu_write(b, 0, b->len);
}

static void new_peer(struct model_buf *b)
{
	b->len = MODEL_PEER_LEN;
	if (b->kind == BUF_PEER_USER) {
		b->as = model.as;
		assert_ok(
			sim_as_map_pfn(b->as, MODEL_PEER_BASE, b->len, DMA_MEM_DEVICE, &b->uaddr));
	}
	set_runs(b, MODEL_PEER_BASE);
}

struct model_buf *model_buf_new(enum model_buf_kind kind)
{
	struct model_buf *b = NULL;
	bool made = true;

	for (uint32_t i = 0; i < MODEL_MAX_BUFS && b == NULL; i++)
		b = model.bufs[i].kind == BUF_NONE ? &model.bufs[i] : NULL;
	if (b == NULL)
		return NULL;
	*b = (struct model_buf){ .kind = kind };
	if (kind == BUF_KMEM)
		made = new_kmem(b);
	else if (kind == BUF_USER)
		made = new_user(b);
	else if (kind == BUF_PFN)
		new_pfn(b);
	else if (kind == BUF_MMIO || kind == BUF_PEER_USER)
		new_peer(b);
	if (!made) {
		b->kind = BUF_NONE;
		return NULL;
	}
	if (kind == BUF_KMEM || kind == BUF_USER)
		zero_in_oracle(b);
	return b;
}

void model_buf_free(struct model_buf *b)
{
	model_check(b->nr_maps == 0 && b->busy == NULL, "a buffer that is freed is not mapped");
	if (b->kind == BUF_KMEM)
		sim_machine_kfree(model.machine, b->cpu);
	else if (b->kind != BUF_ALLOC && b->as != NULL)
		assert_ok(sim_as_unmap(b->as, b->uaddr, b->len));
	free(b->runs);
	b->kind = BUF_NONE;
}

static uint32_t count_bufs(enum model_buf_kind kind)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < MODEL_MAX_BUFS; i++)
		nr += model.bufs[i].kind == kind;
	return nr;
}

/* Now and then a buffer goes and another one comes. */
void model_bufs_churn(void)
{
	struct model_buf *b = &model.bufs[model_below(MODEL_MAX_BUFS)];

	if ((b->kind == BUF_KMEM || b->kind == BUF_USER) && b->nr_maps == 0 && model_chance(30))
		model_buf_free(b);
	if (count_bufs(BUF_MMIO) == 0)
		(void)model_buf_new(BUF_MMIO);
	if (count_bufs(BUF_PEER_USER) == 0)
		(void)model_buf_new(BUF_PEER_USER);
	if (count_bufs(BUF_PFN) == 0)
		(void)model_buf_new(BUF_PFN);
	while (count_bufs(BUF_KMEM) + count_bufs(BUF_USER) < KEEP_BUFS &&
	       bytes_in_use() < MAX_BYTES) {
		if (model_buf_new(model_chance(60) ? BUF_KMEM : BUF_USER) == NULL)
			break;
	}
}

bool model_buf_mappable(const struct model_buf *b, const struct model_dev *d)
{
	if (b->kind == BUF_NONE || b->busy != NULL)
		return false;
	if (b->kind == BUF_MMIO || b->kind == BUF_PEER_USER)
		return true;
	/* Coherent memory is made for one kind of device. */
	if (b->kind == BUF_ALLOC && (!b->coherent || b->snooped != d->coherent))
		return false;
	return b->nr_maps == 0 || b->snooped == d->coherent;
}

static bool reachable(const struct model_dev *d, const struct model_buf *b)
{
	dma_addr_t addr;

	return d->translated || b->kind == BUF_MMIO || b->kind == BUF_PEER_USER ||
	       model_direct_addr(d, b->runs[0].phys, b->runs[0].len, &addr);
}

struct model_buf *model_buf_any(const struct model_dev *d, uint64_t kinds)
{
	for (uint32_t n = 0; n < 200; n++) {
		struct model_buf *b = &model.bufs[model_below(MODEL_MAX_BUFS)];

		if ((kinds >> b->kind & 1) == 0 || !model_buf_mappable(b, d))
			continue;
		if (reachable(d, b) || model_chance(5))
			return b;
	}
	return NULL;
}

phys_addr_t model_buf_phys(const struct model_buf *b, uint64_t off, uint64_t *len)
{
	for (uint32_t i = 0; i < b->nr_runs; i++) {
		if (off < b->runs[i].len) {
			if (*len > b->runs[i].len - off)
				*len = b->runs[i].len - off;
			return b->runs[i].phys + off;
		}
		off -= b->runs[i].len;
	}
	model_fail(CHECK_HERE, "an offset beyond the buffer");
}

/* Some CPU address of [off, off + *len); NULL: there is none. */
static uint8_t *cpu_ptr(const struct model_buf *b, uint64_t off, uint64_t *len)
{
	uint32_t i = (uint32_t)model_below(MODEL_MAX_MMAPS);

	if (b->mmap_len[i] != 0 && off - b->mmap_off[i] < b->mmap_len[i]) {
		uint64_t left = b->mmap_len[i] - (off - b->mmap_off[i]);
		uint8_t *base = sim_as_ptr(model.as, b->mmap_uaddr[i]);

		*len = *len < left ? *len : left;
		return base + (off - b->mmap_off[i]);
	}
	return b->cpu == NULL ? NULL : b->cpu + off;
}

void model_cpu_write(struct model_buf *b, uint64_t off, uint64_t len)
{
	uint64_t r = sim_rng_next(&model.rng);

	model_note("CPU writes 0x%" PRIx64 " of a buffer at 0x%" PRIx64 " + 0x%" PRIx64, len,
		   b->runs[0].phys, off);
	while (len != 0 && !b->read_only) {
		uint64_t n = len;
		uint8_t *at = cpu_ptr(b, off, &n);
		phys_addr_t phys = model_buf_phys(b, off, &n);
		uint64_t in_mem;
		uint8_t *mem = oracle_mem(phys, &in_mem);

		if (at == NULL)
			return;
		for (uint64_t i = 0; i < n; i += 8) {
			size_t part = n - i < 8 ? (size_t)(n - i) : 8;

			r = sim_mix(r + 1);
			memcpy(mem + i, &r, part);
			memcpy(at + i, &r, part);
		}
		off += n;
		len -= n;
	}
}

void model_cpu_check(struct model_buf *b, uint64_t off, uint64_t len)
{
	while (len != 0) {
		uint64_t n = len;
		const uint8_t *at = cpu_ptr(b, off, &n);
		phys_addr_t phys = model_buf_phys(b, off, &n);
		uint64_t in_mem;
		const uint8_t *mem = oracle_mem(phys, &in_mem);

		if (at == NULL)
			return;
		for (uint64_t i = 0; memcmp(at, mem, (size_t)n) != 0; i++)
			model_check(at[i] == mem[i],
				    "the CPU reads 0x%02x at offset 0x%" PRIx64 " (phys 0x%" PRIx64
				    ") of a buffer, 0x%02x should be there",
				    at[i], off + i, phys + i, mem[i]);
		off += n;
		len -= n;
	}
}
