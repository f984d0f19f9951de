/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The non-snooping cache, through cacheable mappings as a CPU has them: what goes stale, what is
 * lost, and that nothing moves without a cause.
 */
#include <stdlib.h>

#include "sim/cache.h"
#include "sim/mem.h"
#include "sim/ram.h"
#include "sim/rng.h"
#include "tests/support/check.h"

#define BASE 0x40000000ull
#define BYTES (4ull << 20)
#define LINE 64u

struct world {
	struct sim_ram *ram;
	struct sim_cache *cache;
	struct sim_mem *mem;
	struct sim_trace trace;
};

static void world_open(struct world *w, uint32_t evict_windows, uint64_t seed)
{
	const struct sim_ram_cfg ram_cfg = { .base = BASE, .bytes = BYTES, .page_lg2 = 12 };
	const struct sim_cache_cfg cache_cfg = { .line = LINE,
						 .evict_windows = evict_windows,
						 .seed = seed };
	struct sim_mem_cfg mem_cfg;

	memset(w, 0, sizeof(*w));
	assert_ok(sim_ram_new(&ram_cfg, &w->trace, &w->ram));
	assert_ok(sim_cache_new(w->ram, &cache_cfg, &w->trace, &w->cache));
	mem_cfg = (struct sim_mem_cfg){ .ram = w->ram, .cache = w->cache, .trace = &w->trace };
	assert_ok(sim_mem_new(&mem_cfg, &w->mem));
}

static void world_close(struct world *w)
{
	sim_mem_free(w->mem);
	sim_cache_free(w->cache);
	sim_ram_free(w->ram);
}

static volatile uint8_t *map_wb(struct world *w, uint64_t phys, uint64_t len)
{
	const struct dma_phys_run run = { .phys = phys, .len = len };

	return sim_mem_vmap(w->mem, &run, 1, DMA_MEM_WB);
}

static void unmap(struct world *w, volatile uint8_t *cpu, uint64_t len)
{
	assert_ok(sim_mem_vunmap(w->mem, (void *)(uintptr_t)cpu, len));
}

static uint8_t dev_read(struct world *w, uint64_t phys)
{
	uint8_t byte;

	assert_ok(sim_ram_read(w->ram, phys, &byte, 1));
	return byte;
}

static void dev_write(struct world *w, uint64_t phys, uint8_t byte)
{
	assert_ok(sim_ram_write(w->ram, phys, &byte, 1));
}

static struct sim_cache_stats stats_of(struct world *w)
{
	struct sim_cache_stats stats;

	sim_cache_stats(w->cache, &stats);
	return stats;
}

TEST(a_device_does_not_see_what_was_not_cleaned)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[5] = 0x11;
	assert_int_equal(dev_read(&w, BASE + 5), 0);
	sim_cache_clean(w.cache, BASE + 5, 1);
	assert_int_equal(dev_read(&w, BASE + 5), 0x11);
	assert_u64_equal(stats_of(&w).cleaned, 1);
	world_close(&w);
}

TEST(the_cpu_reads_stale_data_until_it_invalidates)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	dev_write(&w, BASE + 100, 0x22);
	assert_int_equal(cpu[100], 0);
	sim_cache_clean(w.cache, BASE, 4096);
	assert_int_equal(cpu[100], 0);
	assert_int_equal(dev_read(&w, BASE + 100), 0x22);
	sim_cache_inv(w.cache, BASE + 100, 1);
	assert_int_equal(cpu[100], 0x22);
	world_close(&w);
}

TEST(an_early_invalidate_does_not_help)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	sim_cache_inv(w.cache, BASE, 4096);
	dev_write(&w, BASE + 100, 0x22);
	assert_int_equal(cpu[100], 0);
	world_close(&w);
}

TEST(an_invalidate_throws_away_the_neighbours_in_its_lines)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[LINE - 1] = 0x33; /* same line as the range */
	cpu[2 * LINE] = 0x44; /* next line */
	cpu[LINE + 3] = 0x55; /* inside, whole line */
	sim_cache_inv(w.cache, BASE + 8, 2 * LINE - 8);
	assert_int_equal(cpu[LINE - 1], 0);
	assert_int_equal(cpu[LINE + 3], 0);
	assert_int_equal(cpu[2 * LINE], 0x44);
	assert_u64_equal(stats_of(&w).dropped, 2);
	assert_u64_equal(stats_of(&w).edge_dropped, 1);
	world_close(&w);
}

TEST(clean_and_invalidate_writes_a_dirty_line_over_the_device)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[0] = 0x66;
	dev_write(&w, BASE + 1, 0x77);
	dev_write(&w, BASE + LINE, 0x78);
	sim_cache_clean_inv(w.cache, BASE, 2 * LINE);
	assert_int_equal(dev_read(&w, BASE), 0x66);
	assert_int_equal(dev_read(&w, BASE + 1), 0);
	assert_int_equal(cpu[LINE], 0x78);
	world_close(&w);
}

TEST(a_mapping_starts_with_what_memory_holds)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 0, 1);
	dev_write(&w, BASE + 9, 0x12);
	cpu = map_wb(&w, BASE, 4096);
	assert_int_equal(cpu[9], 0x12);
	world_close(&w);
}

TEST(two_cacheable_mappings_show_the_same_lines)
{
	struct world w;
	volatile uint8_t *a, *b;

	world_open(&w, 0, 1);
	a = map_wb(&w, BASE, 4096);
	b = map_wb(&w, BASE, 4096);
	a[3] = 9;
	assert_int_equal(b[3], 9);
	unmap(&w, a, 4096);
	assert_int_equal(b[3], 9);
	assert_int_equal(dev_read(&w, BASE + 3), 0);
	world_close(&w);
}

TEST(an_uncached_mapping_is_memory_itself_and_an_alias_is_counted)
{
	const struct dma_phys_run run = { .phys = BASE, .len = 4096 };
	struct world w;
	volatile uint8_t *cached, *uncached;
	struct sim_mem_stats stats;

	world_open(&w, 0, 1);
	uncached = sim_mem_vmap(w.mem, &run, 1, DMA_MEM_WC);
	uncached[7] = 1;
	assert_int_equal(dev_read(&w, BASE + 7), 1);
	dev_write(&w, BASE + 7, 2);
	assert_int_equal(uncached[7], 2);
	sim_mem_stats(w.mem, &stats);
	assert_u64_equal(stats.alias_violations, 0);
	cached = map_wb(&w, BASE, 4096);
	sim_mem_stats(w.mem, &stats);
	assert_u64_equal(stats.alias_violations, 1);
	cached[7] = 3;
	assert_int_equal(uncached[7], 2);
	world_close(&w);
}

/* Dirty lines of a page that nobody maps any more still reach memory, over newer data. */
TEST(lines_linger_after_the_last_unmap)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 4, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[0] = 0x99;
	unmap(&w, cpu, 4096);
	assert_u64_equal(stats_of(&w).lingering, 1);
	dev_write(&w, BASE, 0x01);
	for (int i = 0; i < 1000 && dev_read(&w, BASE) == 0x01; i++)
		sim_cache_step(w.cache);
	assert_int_equal(dev_read(&w, BASE), 0x99);
	for (int i = 0; i < 1000 && stats_of(&w).tracked != 0; i++)
		sim_cache_step(w.cache);
	assert_u64_equal(stats_of(&w).tracked, 0);
	assert_u64_equal(stats_of(&w).lingering, 0);
	world_close(&w);
}

TEST(a_page_cleaned_before_its_unmap_does_no_harm)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world w;
		volatile uint8_t *cpu;

		world_open(&w, 4, seed);
		cpu = map_wb(&w, BASE, 4096);
		cpu[0] = 0x99;
		sim_cache_clean_inv(w.cache, BASE, 4096);
		unmap(&w, cpu, 4096);
		dev_write(&w, BASE, 0x01);
		for (int i = 0; i < 300; i++)
			sim_cache_step(w.cache);
		assert_int_equal(dev_read(&w, BASE), 0x01);
		world_close(&w);
	}
}

TEST(a_dirty_line_is_evicted_over_what_a_device_wrote)
{
	struct world w;
	volatile uint8_t *cpu;

	world_open(&w, 4, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[0] = 0x5a; /* never cleaned before the device writes */
	dev_write(&w, BASE, 0x01);
	for (int i = 0; i < 1000 && dev_read(&w, BASE) == 0x01; i++)
		sim_cache_step(w.cache);
	assert_int_equal(dev_read(&w, BASE), 0x5a);
	assert_true(stats_of(&w).evicted >= 1);
	world_close(&w);
}

TEST(a_prefetch_makes_some_lines_new_and_leaves_others_stale)
{
	struct world w;
	volatile uint8_t *cpu;
	uint32_t fresh = 0;

	world_open(&w, 4, 7);
	cpu = map_wb(&w, BASE, 16 * 4096);
	for (uint32_t i = 0; i < 16 * 4096; i += LINE)
		dev_write(&w, BASE + i, 0xab);
	for (int i = 0; i < 2; i++)
		sim_cache_step(w.cache);
	for (uint32_t i = 0; i < 16 * 4096; i += LINE)
		fresh += cpu[i] == 0xab;
	assert_true(fresh > 0);
	assert_true(fresh < 16 * 4096 / LINE);
	assert_u64_equal(stats_of(&w).prefetched, fresh);
	world_close(&w);
}

/* A driver that follows the rules sees right data whatever the cache does on its own. */
TEST(correct_maintenance_survives_every_eviction)
{
	struct world w;
	volatile uint8_t *cpu;
	struct sim_rng rng = sim_rng_make(3, 3);

	world_open(&w, 8, 5);
	cpu = map_wb(&w, BASE, 8 * 4096);
	for (int round = 0; round < 300; round++) {
		uint64_t off = sim_rng_below(&rng, 8 * 4096 / LINE - 8) * LINE;
		uint64_t len = (1 + sim_rng_below(&rng, 8)) * LINE;
		uint8_t value = (uint8_t)sim_rng_next(&rng);

		for (uint64_t i = 0; i < len; i++)
			cpu[off + i] = value;
		sim_cache_step(w.cache);
		sim_cache_clean(w.cache, BASE + off, len);
		sim_cache_step(w.cache);
		for (uint64_t i = 0; i < len; i++) {
			assert_int_equal(dev_read(&w, BASE + off + i), value);
			dev_write(&w, BASE + off + i, (uint8_t)~value);
			if (i % 100 == 0)
				sim_cache_step(w.cache);
		}
		sim_cache_inv(w.cache, BASE + off, len);
		sim_cache_step(w.cache);
		for (uint64_t i = 0; i < len; i++)
			assert_int_equal(cpu[off + i], (uint8_t)~value);
	}
	assert_u64_equal(stats_of(&w).dropped, 0);
	world_close(&w);
}

TEST(a_snooping_device_sees_and_updates_the_caches)
{
	struct world w;
	volatile uint8_t *cpu;
	uint8_t buf[200], pattern[200];

	world_open(&w, 0, 1);
	cpu = map_wb(&w, BASE, 4096);
	cpu[10] = 0x21;
	sim_cache_snoop_read(w.cache, BASE, buf, sizeof(buf));
	assert_int_equal(buf[10], 0x21);
	memset(pattern, 0x42, sizeof(pattern));
	sim_cache_snoop_write(w.cache, BASE + 20, pattern, sizeof(pattern));
	assert_int_equal(cpu[20], 0x42);
	assert_int_equal(cpu[219], 0x42);
	assert_int_equal(cpu[220], 0);
	assert_int_equal(cpu[10], 0x21);
	assert_int_equal(dev_read(&w, BASE + 10), 0x21); /* the line was written back whole */
	assert_int_equal(dev_read(&w, BASE + 219), 0x42);
	/* Pages without lines are plain memory. */
	sim_cache_snoop_write(w.cache, BASE + 8192, pattern, 8);
	assert_int_equal(dev_read(&w, BASE + 8192), 0x42);
	world_close(&w);
}

TEST(the_same_seed_moves_the_same_lines)
{
	uint64_t hash[3], evicted[3];

	for (int turn = 0; turn < 3; turn++) {
		struct world w;
		volatile uint8_t *cpu;

		world_open(&w, 4, turn == 2 ? 2 : 1);
		cpu = map_wb(&w, BASE, 32 * 4096);
		for (uint32_t i = 0; i < 32 * 4096; i += 16)
			cpu[i] = (uint8_t)i;
		for (int i = 0; i < 10; i++)
			sim_cache_step(w.cache);
		hash[turn] = atomic_load(&w.trace.hash);
		evicted[turn] = stats_of(&w).evicted;
		world_close(&w);
	}
	assert_u64_equal(hash[0], hash[1]);
	assert_u64_equal(evicted[0], evicted[1]);
	assert_u64_not_equal(hash[0], hash[2]);
}
