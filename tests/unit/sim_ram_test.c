/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM of the simulated machine: the page allocator against its rules, and the device view. */
#include <stdlib.h>

#include "sim/ram.h"
#include "sim/rng.h"
#include "tests/support/check.h"

#define BASE 0x100000000ull
#define MIB (1ull << 20)

static struct sim_ram *ram_make(const struct sim_ram_cfg *cfg)
{
	struct sim_ram *ram = NULL;

	assert_ok(sim_ram_new(cfg, NULL, &ram));
	return ram;
}

static uint64_t in_use(struct sim_ram *ram)
{
	struct sim_ram_stats stats;

	sim_ram_stats(ram, &stats);
	return stats.pages_in_use;
}

TEST(configurations_out_of_range_are_refused)
{
	const struct sim_ram_cfg good = { .base = BASE, .bytes = MIB, .page_lg2 = 12 };
	struct sim_ram_cfg cfg;
	struct sim_ram *ram;

	cfg = good, cfg.page_lg2 = 13;
	assert_int_equal(sim_ram_new(&cfg, NULL, &ram), -EINVAL);
	cfg = good, cfg.base = BASE + 4096;
	assert_int_equal(sim_ram_new(&cfg, NULL, &ram), -EINVAL);
	cfg = good, cfg.bytes = 0;
	assert_int_equal(sim_ram_new(&cfg, NULL, &ram), -EINVAL);
	cfg = good, cfg.base = UINT64_MAX - 0xffff, cfg.bytes = MIB;
	assert_int_equal(sim_ram_new(&cfg, NULL, &ram), -EINVAL);
	cfg = good, cfg.carveout_bytes = MIB;
	assert_int_equal(sim_ram_new(&cfg, NULL, &ram), -EINVAL);
}

TEST(unfragmented_ram_hands_out_the_lowest_address)
{
	struct sim_ram *ram =
		ram_make(&(struct sim_ram_cfg){ .base = BASE, .bytes = MIB, .page_lg2 = 12 });
	uint64_t a, b, c;

	assert_ok(sim_ram_alloc(ram, 4096, 4096, UINT64_MAX, &a));
	assert_ok(sim_ram_alloc(ram, 3 * 4096, 4096, UINT64_MAX, &b));
	assert_u64_equal(a, BASE);
	assert_u64_equal(b, BASE + 4096);
	assert_ok(sim_ram_release(ram, a, 4096));
	assert_ok(sim_ram_alloc(ram, 2 * 4096, 4096, UINT64_MAX, &c));
	assert_u64_equal(c, BASE + 4 * 4096);
	assert_ok(sim_ram_alloc(ram, 4096, 4096, UINT64_MAX, &a));
	assert_u64_equal(a, BASE);
	sim_ram_free(ram);
}

TEST(alignment_and_the_last_address_are_kept)
{
	struct sim_ram *ram = ram_make(&(struct sim_ram_cfg){
		.base = BASE, .bytes = 16 * MIB, .page_lg2 = 12, .scatter = true, .seed = 3 });
	uint64_t phys;

	for (int i = 0; i < 200; i++) {
		uint64_t align = 4096ull << (i % 6), last = BASE + (1 + (uint64_t)i % 15) * MIB - 1;

		assert_ok(sim_ram_alloc(ram, 2 * 4096, align, last, &phys));
		assert_u64_equal(phys & (align - 1), 0);
		assert_true(phys + 2 * 4096 - 1 <= last);
		assert_ok(sim_ram_release(ram, phys, 2 * 4096));
	}
	assert_int_equal(sim_ram_alloc(ram, 4096, 4096, BASE - 1, &phys), -ENOMEM);
	assert_int_equal(sim_ram_alloc(ram, 4096, 4096, (1ull << 28) - 1, &phys), -ENOMEM);
	assert_int_equal(sim_ram_alloc(ram, 8192, 4096, BASE + 8190, &phys), -ENOMEM);
	assert_ok(sim_ram_alloc(ram, 8192, 4096, BASE + 8191, &phys));
	assert_int_equal(sim_ram_alloc(ram, 100, 4096, UINT64_MAX, &phys), -EINVAL);
	assert_int_equal(sim_ram_alloc(ram, 4096, 3 * 4096, UINT64_MAX, &phys), -EINVAL);
	assert_int_equal(sim_ram_alloc(ram, 4096, 512, UINT64_MAX, &phys), -EINVAL);
	assert_int_equal(sim_ram_alloc(ram, 0, 4096, UINT64_MAX, &phys), -EINVAL);
	sim_ram_free(ram);
}

/* Against an array: no page is ever handed out twice, and all of RAM can be had. */
TEST(random_allocations_never_overlap_and_exhaust_exactly)
{
	enum { NR = 256 };
	struct sim_ram *ram = ram_make(&(struct sim_ram_cfg){
		.base = BASE, .bytes = NR * 4096, .page_lg2 = 12, .scatter = true, .seed = 11 });
	struct {
		uint64_t phys, len;
	} live[NR];
	bool owned[NR] = { false };
	struct sim_rng rng = sim_rng_make(5, 9);
	uint32_t nr_live = 0, nr_owned = 0;

	for (int i = 0; i < 20000; i++) {
		if (nr_live != 0 && sim_rng_below(&rng, 2) == 0) {
			uint32_t k = (uint32_t)sim_rng_below(&rng, nr_live);

			for (uint64_t p = 0; p < live[k].len / 4096; p++)
				owned[(live[k].phys - BASE) / 4096 + p] = false;
			nr_owned -= (uint32_t)(live[k].len / 4096);
			assert_ok(sim_ram_release(ram, live[k].phys, live[k].len));
			live[k] = live[--nr_live];
		} else {
			uint64_t len = (1 + sim_rng_below(&rng, 8)) * 4096, phys;

			if (sim_ram_alloc(ram, len, 4096, UINT64_MAX, &phys) != 0)
				continue;
			for (uint64_t p = 0; p < len / 4096; p++) {
				assert_false(owned[(phys - BASE) / 4096 + p]);
				owned[(phys - BASE) / 4096 + p] = true;
			}
			nr_owned += (uint32_t)(len / 4096);
			live[nr_live].phys = phys;
			live[nr_live++].len = len;
		}
		assert_u64_equal(in_use(ram), nr_owned);
	}
	while (nr_owned < NR) {
		uint64_t phys;

		assert_ok(sim_ram_alloc(ram, 4096, 4096, UINT64_MAX, &phys));
		assert_false(owned[(phys - BASE) / 4096]);
		owned[(phys - BASE) / 4096] = true;
		nr_owned++;
	}
	assert_int_equal(sim_ram_alloc(ram, 4096, 4096, UINT64_MAX, &live[0].phys), -ENOMEM);
	sim_ram_free(ram);
}

TEST(scattered_single_pages_are_not_neighbours_and_follow_the_seed)
{
	struct sim_ram_cfg cfg = {
		.base = BASE, .bytes = 64 * MIB, .page_lg2 = 12, .scatter = true, .seed = 1
	};
	struct sim_ram *one = ram_make(&cfg), *same = ram_make(&cfg), *other;
	uint32_t neighbours = 0, differ = 0;
	uint64_t prev = 0;

	cfg.seed = 2;
	other = ram_make(&cfg);
	for (int i = 0; i < 500; i++) {
		uint64_t a, b, c;

		assert_ok(sim_ram_alloc(one, 4096, 4096, UINT64_MAX, &a));
		assert_ok(sim_ram_alloc(same, 4096, 4096, UINT64_MAX, &b));
		assert_ok(sim_ram_alloc(other, 4096, 4096, UINT64_MAX, &c));
		assert_u64_equal(a, b);
		differ += a != c;
		neighbours += a == prev + 4096;
		prev = a;
	}
	assert_true(differ > 490);
	assert_true(neighbours < 5);
	sim_ram_free(one);
	sim_ram_free(same);
	sim_ram_free(other);
}

TEST(blocks_beyond_the_limit_cannot_be_had)
{
	struct sim_ram *ram = ram_make(&(struct sim_ram_cfg){
		.base = BASE, .bytes = MIB, .page_lg2 = 12, .max_block_bytes = 16384 });
	uint64_t phys;

	assert_ok(sim_ram_alloc(ram, 16384, 4096, UINT64_MAX, &phys));
	assert_int_equal(sim_ram_alloc(ram, 20480, 4096, UINT64_MAX, &phys), -ENOMEM);
	sim_ram_free(ram);
}

TEST(bad_frees_are_refused_and_counted)
{
	struct sim_ram *ram = ram_make(&(struct sim_ram_cfg){
		.base = BASE, .bytes = MIB, .carveout_bytes = 65536, .page_lg2 = 12 });
	struct sim_ram_stats stats;
	uint64_t phys;

	assert_ok(sim_ram_alloc(ram, 8192, 4096, UINT64_MAX, &phys));
	assert_int_equal(sim_ram_release(ram, phys, 4096), -EINVAL);
	assert_int_equal(sim_ram_release(ram, phys + 4096, 4096), -EINVAL);
	assert_int_equal(sim_ram_release(ram, BASE + MIB - 65536, 4096), -EINVAL);
	assert_int_equal(sim_ram_release(ram, 0, 4096), -EINVAL);
	assert_ok(sim_ram_release(ram, phys, 8192));
	assert_int_equal(sim_ram_release(ram, phys, 8192), -EINVAL);
	sim_ram_stats(ram, &stats);
	assert_u64_equal(stats.bad_frees, 5);
	assert_u64_equal(stats.pages_in_use, 0);
	assert_u64_equal(stats.pages_peak, 2);
	sim_ram_free(ram);
}

TEST(a_pinned_page_outlives_its_owner)
{
	struct sim_ram *ram =
		ram_make(&(struct sim_ram_cfg){ .base = BASE, .bytes = 65536, .page_lg2 = 16 });
	uint64_t phys, again;

	assert_ok(sim_ram_alloc(ram, 65536, 65536, UINT64_MAX, &phys));
	sim_ram_pin(ram, phys);
	sim_ram_pin(ram, phys);
	assert_ok(sim_ram_release(ram, phys, 65536));
	assert_true(sim_ram_unpin(ram, phys));
	assert_int_equal(sim_ram_alloc(ram, 65536, 65536, UINT64_MAX, &again), -ENOMEM);
	assert_int_equal(sim_ram_release(ram, phys, 65536), -EINVAL);
	assert_true(sim_ram_unpin(ram, phys));
	assert_false(sim_ram_unpin(ram, phys));
	assert_ok(sim_ram_alloc(ram, 65536, 65536, UINT64_MAX, &again));
	sim_ram_free(ram);
}

TEST(device_accesses_of_any_alignment_move_exactly_their_bytes)
{
	struct sim_ram *ram =
		ram_make(&(struct sim_ram_cfg){ .base = BASE, .bytes = 65536, .page_lg2 = 12 });
	uint8_t src[64], dst[64], around[80];

	for (unsigned i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 7 + 1);
	for (size_t off = 0; off < 9; off++) {
		for (size_t len = 0; len <= 40; len++) {
			sim_ram_fill(ram, BASE, 80, 0xee);
			if (len != 0)
				assert_ok(sim_ram_write(ram, BASE + 8 + off, src, len));
			assert_ok(sim_ram_read(ram, BASE, around, sizeof(around)));
			for (size_t i = 0; i < sizeof(around); i++) {
				bool inside = i >= 8 + off && i < 8 + off + len;

				assert_int_equal(around[i], inside ? src[i - 8 - off] : 0xee);
			}
			if (len == 0)
				continue;
			assert_ok(sim_ram_read(ram, BASE + 8 + off, dst, len));
			assert_memory_equal(dst, src, len);
		}
	}
	assert_int_equal(sim_ram_write(ram, BASE + 65536 - 4, src, 8), -EFAULT);
	assert_int_equal(sim_ram_read(ram, BASE - 1, dst, 1), -EFAULT);
	assert_int_equal(sim_ram_read(ram, UINT64_MAX, dst, 2), -EFAULT);
	assert_null(sim_ram_dev(ram, BASE, 0));
	sim_ram_free(ram);
}
