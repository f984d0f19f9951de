/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The direct ops against an oracle that looks at every byte: random windows, masks, bus limits, and
 * ranges that begin and end around the borders of all of them.
 */
#include "tests/support/dma_fixture.h"

#define NR_WINDOWS 4u
#define ROUNDS 300u
#define MAPS 200u

static uint64_t state;

static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

struct wiring {
	struct dma_range ranges[NR_WINDOWS + 1];
	uint64_t bus_limit;
	uint64_t mask;
	bool coherent;
};

/* Windows of whole lines in RAM, some of which touch, with DMA addresses anywhere in 32 bits. */
static void draw(struct wiring *w)
{
	uint64_t cpu = RAM_BASE + rnd(8) * 64;
	uint32_t n = (uint32_t)rnd(NR_WINDOWS + 1);

	memset(w, 0, sizeof(*w));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t size = (rnd(40) + 1) * 64;

		w->ranges[i] = (struct dma_range){ cpu, 0x10000 * (i + 1) + rnd(64) * 64, size };
		cpu += size + (rnd(2) != 0 ? rnd(10) * 64 : 0);
	}
	w->coherent = rnd(2) != 0;
	w->bus_limit = rnd(3) == 0 ? 0x10000 + rnd(0x50000) : 0;
	w->mask = rnd(3) == 0 ? DMA_BIT_MASK(32) : rnd(2) != 0 ? DMA_BIT_MASK(64) : 0;
	if (w->mask == 0)
		w->mask = 0x10000 + rnd(0x50000);
}

/* DMA address of one byte; false: it has none. Windows do not overlap, so there is one at most. */
static bool byte_addr(const struct wiring *w, uint64_t phys, uint64_t *addr, uint32_t *window)
{
	*window = 0;
	*addr = phys;
	if (w->ranges[0].size == 0)
		return true;
	for (uint32_t i = 0; w->ranges[i].size != 0; i++) {
		if (phys >= w->ranges[i].cpu_start &&
		    phys < w->ranges[i].cpu_start + w->ranges[i].size) {
			*addr = w->ranges[i].dma_start + (phys - w->ranges[i].cpu_start);
			*window = i;
			return true;
		}
	}
	return false;
}

/* The oracle: what a map of this range has to return, and why not. */
static dma_addr_t expect(const struct wiring *w, uint64_t mask, uint64_t phys, uint64_t size,
			 enum dma_data_direction dir, const char **rule)
{
	uint64_t limit = w->bus_limit != 0 && w->bus_limit < mask ? w->bus_limit : mask;
	uint32_t window = 0;
	uint64_t first = 0;
	bool beyond = false;

	for (uint64_t i = 0; i < size; i++) {
		if (phys + i < RAM_BASE || phys + i > RAM_LAST) {
			*rule = "not_ram";
			return DMA_MAPPING_ERROR;
		}
	}
	if (!w->coherent && dir != DMA_TO_DEVICE && (phys % 64 != 0 || size % 64 != 0)) {
		*rule = "cache_line";
		return DMA_MAPPING_ERROR;
	}
	for (uint64_t i = 0; i < size; i++) {
		uint32_t at;
		uint64_t addr;

		if (!byte_addr(w, phys + i, &addr, &at) || (i != 0 && at != window)) {
			*rule = "no_range";
			return DMA_MAPPING_ERROR;
		}
		if (i == 0)
			first = addr;
		window = at;
		beyond |= addr > limit;
	}
	*rule = beyond ? "mask" : "none";
	return beyond ? DMA_MAPPING_ERROR : first;
}

/* Near the start or the end of RAM or of a window. */
static uint64_t draw_phys(const struct wiring *w)
{
	uint32_t i = (uint32_t)rnd(NR_WINDOWS);
	uint64_t at = rnd(10) == 0 ? RAM_LAST + 1 : RAM_BASE;

	if (w->ranges[i].size != 0 && rnd(4) != 0)
		at = w->ranges[i].cpu_start + (rnd(2) != 0 ? w->ranges[i].size : rnd(2048));
	at += rnd(5) * 64 - 128;
	return rnd(3) == 0 ? at + rnd(64) : at & ~(uint64_t)63;
}

static uint64_t draw_size(void)
{
	return rnd(3) == 0 ? rnd(500) + 1 : (rnd(20) + 1) * 64;
}

static void one_map(struct dma_fixture *f, const struct wiring *w, uint64_t *good)
{
	enum dma_data_direction dir = (enum dma_data_direction)rnd(3);
	uint64_t mask = dma_get_mask(f->dev);
	uint64_t phys = draw_phys(w);
	uint64_t size = draw_size();
	const char *rule;
	dma_addr_t want = expect(w, mask, phys, size, dir, &rule);
	dma_addr_t got;
	struct dma_error e;

	f->nr_cache_ops = 0;
	dma_fixture_forget(f);
	got = dma_map_phys(f->dev, phys, (size_t)size, dir, 0);
	assert_u64_equal(got, want);
	assert_ok(dma_last_error(f->dev, &e));
	assert_string_equal(dma_rule_name(e.rule), rule);
	if (got == DMA_MAPPING_ERROR) {
		assert_int_equal(f->nr_cache_ops, 0);
		return;
	}
	++*good;
	dma_sync_single_for_cpu(f->dev, got, (size_t)size, dir);
	dma_unmap_phys(f->dev, got, (size_t)size, dir, 0);
	if (w->coherent) {
		assert_int_equal(f->nr_cache_ops, 0);
		return;
	}
	assert_int_equal(f->nr_cache_ops, dir == DMA_TO_DEVICE ? 1 : 3);
	for (uint32_t i = 0; i < f->nr_cache_ops; i++)
		dma_fixture_expect_cache(f, i, i == 0 ? FIXTURE_CLEAN : FIXTURE_INV, phys, size);
}

static void one_list(struct dma_fixture *f, const struct wiring *w)
{
	struct scatterlist sg[8];
	dma_addr_t want[8] = { 0 };
	int n = (int)rnd(8) + 1;
	const char *rule = "none";
	unsigned int got;

	sg_init_table(sg, 8);
	for (int i = 0; i < n; i++) {
		/* Mostly good ones, or no list would ever be mapped. */
		do {
			sg_set_phys(&sg[i], draw_phys(w), (uint32_t)draw_size());
			want[i] = expect(w, dma_get_mask(f->dev), sg[i].phys, sg[i].length,
					 DMA_TO_DEVICE, &rule);
		} while (want[i] == DMA_MAPPING_ERROR && rnd(50) != 0);
		if (want[i] == DMA_MAPPING_ERROR)
			n = i + 1;
	}
	f->nr_cache_ops = 0;
	got = dma_map_sg(f->dev, sg, n, DMA_TO_DEVICE);
	assert_int_equal(got, want[n - 1] == DMA_MAPPING_ERROR ? 0 : n);
	for (int i = 0; i < n; i++) {
		assert_u64_equal(sg[i].dma_address, got == 0 ? DMA_MAPPING_ERROR : want[i]);
		assert_int_equal(sg[i].dma_length, got == 0 ? 0 : sg[i].length);
	}
	if (got != 0)
		dma_unmap_sg(f->dev, sg, n, DMA_TO_DEVICE);
}

static void run(uint64_t seed)
{
	uint64_t good = 0;

	state = seed;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct host_options opt = { .cache_line = 64, .ram_bytes = RAM_BYTES };
		struct dma_device_desc desc = { 0 };
		struct dma_fixture f;
		struct wiring w;

		draw(&w);
		desc.coherent = w.coherent;
		desc.ranges = w.ranges;
		desc.bus_dma_limit = w.bus_limit;
		dma_fixture_init(&f, &opt, &desc);
		/* May be refused: then the default of 32 bits stays. */
		(void)dma_set_mask(f.dev, w.mask);
		for (uint32_t i = 0; i < MAPS; i++)
			one_map(&f, &w, &good);
		for (uint32_t i = 0; i < 20 && good > 100; i++) {
			if (dma_get_mask(f.dev) >= DMA_BIT_MASK(32) && w.bus_limit == 0 &&
			    (w.ranges[0].size != 0 || dma_get_mask(f.dev) == UINT64_MAX))
				one_list(&f, &w);
		}
		dma_fixture_fini(&f);
	}
	/* The oracle says yes often enough for the comparison to mean something. */
	assert_true(good > ROUNDS * MAPS / 10);
}

TEST(maps_agree_with_the_oracle_byte_by_byte)
{
	run(0x1234567);
	run(0xfeedbeef);
}
