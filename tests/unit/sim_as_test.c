/* SPDX-License-Identifier: BSD-2-Clause */
/* User address spaces: what a program sees, what a pin holds, what outlives what. */
#include <stdlib.h>

#include "platform/sim/sim_platform.h"
#include "tests/support/check.h"
#include "tests/support/segv.h"

#define MIB (1ull << 20)
#define PAGE 4096ull

static struct sim_machine *machine_make(const struct sim_machine_cfg *base)
{
	struct sim_machine_cfg cfg = *base;
	struct sim_machine *m = NULL;

	cfg.ram_bytes = 16 * MIB;
	assert_ok(sim_machine_open(&cfg, &m));
	return m;
}

static void machine_end(struct sim_machine *m)
{
	struct sim_machine_leaks leaks;

	if (!sim_machine_close(m, &leaks))
		fail_msg("left: %llu pages %llu pins %llu tokens %llu maps %llu as",
			 (unsigned long long)leaks.pages, (unsigned long long)leaks.pinned_pages,
			 (unsigned long long)leaks.tokens, (unsigned long long)leaks.as_maps,
			 (unsigned long long)leaks.address_spaces);
}

static struct dma_as *as_make(struct sim_machine *m)
{
	struct dma_as *as = NULL;

	assert_ok(sim_as_new(m, &as));
	return as;
}

static uint64_t pages_in_use(struct sim_machine *m)
{
	struct sim_machine_stats stats;

	sim_machine_stats(m, &stats);
	return stats.pages_in_use;
}

TEST(memory_of_a_program_is_zeroed_scattered_and_its_own)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER });
	struct dma_as *a = as_make(m), *b = as_make(m);
	uint64_t ua, ub, neighbours = 0;
	volatile uint8_t *pa, *pb;

	assert_ok(sim_as_alloc(a, 100 * PAGE - 5, 0, &ua));
	assert_ok(sim_as_alloc(b, PAGE, 0, &ub));
	assert_u64_equal(ua, ub); /* every program starts at the same address */
	pa = sim_as_ptr(a, ua);
	pb = sim_as_ptr(b, ub);
	assert_int_equal(pa[100 * PAGE - 1], 0);
	pa[0] = 1;
	assert_int_equal(pb[0], 0);
	assert_u64_equal(pages_in_use(m), 101);
	for (uint64_t i = 1; i < 100; i++) {
		phys_addr_t p0, p1;

		assert_ok(sim_as_phys(a, ua + (i - 1) * PAGE, &p0));
		assert_ok(sim_as_phys(a, ua + i * PAGE + 7, &p1));
		assert_u64_equal(p1 & 4095, 7);
		neighbours += p1 - 7 == p0 + PAGE;
	}
	assert_true(neighbours < 5);
	assert_true(segv_touch(pa + 100 * PAGE, false));
	assert_ok(sim_as_unmap(a, ua + PAGE, PAGE));
	assert_true(segv_touch(pa + PAGE, false));
	assert_false(segv_touch(pa + 2 * PAGE, true));
	assert_int_equal(sim_as_unmap(a, ua + 1, PAGE), -EINVAL);
	sim_as_exit(a);
	sim_as_exit(b);
	assert_u64_equal(pages_in_use(m), 0);
	machine_end(m);
}

TEST(a_pin_gives_the_pages_in_order_and_stops_where_runs_are_full)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct dma_pin_run runs[64];
	uint64_t ua, covered, done = 0;
	uint32_t nr;

	assert_ok(sim_as_alloc(as, 40 * PAGE, 0, &ua));
	for (uint64_t i = 0; i < 40 * PAGE; i++)
		((volatile uint8_t *)sim_as_ptr(as, ua))[i] = (uint8_t)(i / 61);
	assert_ok(p->pin(p, as, ua + 100, 30 * PAGE, true, runs, 64, &nr, &covered));
	assert_u64_equal(covered, 30 * PAGE);
	for (uint32_t r = 0; r < nr; r++) {
		uint8_t first;

		assert_int_equal(runs[r].kind, DMA_PHYS_RAM);
		assert_ok(sim_machine_peek(m, runs[r].phys, &first, 1));
		assert_int_equal(first, (uint8_t)((100 + done) / 61));
		done += runs[r].len;
	}
	assert_u64_equal(done, 30 * PAGE);
	assert_u64_equal(runs[0].phys & 4095, 100);
	p->unpin(p, as, runs, nr, true);
	assert_ok(p->pin(p, as, ua + 100, 30 * PAGE, true, runs, 3, &nr, &covered));
	assert_int_equal(nr, 3);
	assert_true(covered >= 3 * PAGE - 100 && covered < 30 * PAGE);
	p->unpin(p, as, runs, nr, false);
	sim_as_exit(as);
	machine_end(m);
}

TEST(pins_cover_the_bytes_asked_for_with_every_cpu_page_size)
{
	for (uint32_t lg2 = 12; lg2 <= 16; lg2 += 2) {
		struct sim_machine *m = machine_make(
			&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER, .page_lg2 = lg2 });
		struct dma_platform *p = sim_machine_platform(m);
		struct dma_as *as = as_make(m);
		uint64_t page = 1ull << lg2, len = 3 * page + 17, ua, covered, at;
		struct dma_pin_run runs[8];
		uint32_t nr;

		assert_ok(sim_as_alloc(as, 6 * page, 0, &ua));
		at = ua + page + 4096 - 64;
		assert_ok(p->pin(p, as, at, len, true, runs, 8, &nr, &covered));
		assert_u64_equal(covered, len);
		assert_u64_equal(runs[0].phys & (page - 1), at & (page - 1));
		for (uint32_t r = 0; r < nr; r++) {
			for (uint64_t off = 0; off < runs[r].len; off += 4096) {
				phys_addr_t phys;

				assert_ok(sim_as_phys(as, at + off, &phys));
				assert_u64_equal(phys, runs[r].phys + off);
			}
			at += runs[r].len;
		}
		assert_u64_equal(at, ua + page + 4096 - 64 + len);
		p->unpin(p, as, runs, nr, true);
		sim_as_exit(as);
		machine_end(m);
	}
}

TEST(a_pin_that_fails_holds_nothing)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct dma_pin_run runs[64];
	struct sim_machine_leaks leaks;
	struct sim_as_stats stats;
	uint64_t ua, covered;
	uint32_t nr;

	assert_ok(sim_as_alloc(as, 10 * PAGE, 0, &ua));
	assert_ok(sim_as_protect(as, ua + 5 * PAGE, PAGE, SIM_AS_READ_ONLY));
	assert_int_equal(p->pin(p, as, ua, 10 * PAGE, true, runs, 64, &nr, &covered), -EFAULT);
	assert_int_equal(p->pin(p, as, ua, 11 * PAGE, false, runs, 64, &nr, &covered), -EFAULT);
	assert_int_equal(p->pin(p, as, 0, PAGE, false, runs, 64, &nr, &covered), -EFAULT);
	assert_int_equal(p->pin(p, as, ua, UINT64_MAX, false, runs, 64, &nr, &covered), -EFAULT);
	sim_as_set_locked_limit(as, 4 * PAGE);
	assert_int_equal(p->pin(p, as, ua, 4 * PAGE + 1, false, runs, 64, &nr, &covered), -ENOMEM);
	sim_as_stats(as, &stats);
	assert_u64_equal(stats.limit_hits, 1);
	assert_u64_equal(stats.limit_wanted, 5 * PAGE);
	assert_u64_equal(stats.locked_bytes, 0);
	sim_machine_leaks(m, &leaks);
	assert_u64_equal(leaks.pinned_pages, 0);
	assert_ok(p->pin(p, as, ua + 1, 3 * PAGE, false, runs, 64, &nr, &covered));
	sim_as_stats(as, &stats);
	assert_u64_equal(stats.locked_bytes, 4 * PAGE);
	assert_u64_equal(stats.anon_pages, 10);
	p->unpin(p, as, runs, nr, false);
	sim_as_exit(as);
	machine_end(m);
}

TEST(read_only_pages_cannot_be_written_by_the_program)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .seed = 1 });
	struct dma_as *as = as_make(m);
	uint64_t ua;

	assert_ok(sim_as_alloc(as, 2 * PAGE, SIM_AS_READ_ONLY, &ua));
	assert_false(segv_touch(sim_as_ptr(as, ua), false));
	assert_true(segv_touch(sim_as_ptr(as, ua), true));
	assert_ok(sim_as_protect(as, ua, PAGE, 0));
	assert_false(segv_touch(sim_as_ptr(as, ua), true));
	assert_true(segv_touch(sim_as_ptr(as, ua + PAGE), true));
	sim_as_exit(as);
	machine_end(m);
}

TEST(pinned_pages_outlive_unmap_and_exit)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct dma_pin_run runs[64];
	struct sim_machine_leaks leaks;
	uint64_t ua, covered;
	uint32_t nr;
	uint8_t byte;

	assert_ok(sim_as_alloc(as, 4 * PAGE, 0, &ua));
	*(volatile uint8_t *)sim_as_ptr(as, ua) = 0x5e;
	assert_ok(p->pin(p, as, ua, 4 * PAGE, true, runs, 64, &nr, &covered));
	assert_ok(sim_as_unmap(as, ua, 2 * PAGE));
	assert_u64_equal(pages_in_use(m), 4);
	sim_as_exit(as);
	assert_u64_equal(pages_in_use(m), 4);
	sim_machine_leaks(m, &leaks);
	assert_u64_equal(leaks.pinned_pages, 4);
	assert_u64_equal(leaks.address_spaces, 1);
	assert_ok(sim_machine_peek(m, runs[0].phys, &byte, 1));
	assert_int_equal(byte, 0x5e);
	p->unpin(p, as, runs, nr, true);
	assert_u64_equal(pages_in_use(m), 0);
	machine_end(m);
}

TEST(a_fork_copies_private_memory_and_keeps_the_pinned_pages_with_the_parent)
{
	struct sim_machine *m = machine_make(
		&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER, .noncoherent = true });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *parent = as_make(m), *child;
	struct dma_pin_run runs[8];
	phys_addr_t before, after, other;
	uint64_t ua, covered;
	uint32_t nr;

	assert_ok(sim_as_alloc(parent, 2 * PAGE, 0, &ua));
	*(volatile uint8_t *)sim_as_ptr(parent, ua) = 7;
	assert_ok(sim_as_protect(parent, ua + PAGE, PAGE, SIM_AS_READ_ONLY));
	assert_ok(p->pin(p, parent, ua, PAGE, true, runs, 8, &nr, &covered));
	assert_ok(sim_as_phys(parent, ua, &before));
	assert_ok(sim_as_fork(parent, &child));
	assert_ok(sim_as_phys(parent, ua, &after));
	assert_ok(sim_as_phys(child, ua, &other));
	assert_u64_equal(before, after);
	assert_u64_not_equal(before, other);
	assert_int_equal(*(volatile uint8_t *)sim_as_ptr(child, ua), 7);
	*(volatile uint8_t *)sim_as_ptr(child, ua) = 8;
	assert_int_equal(*(volatile uint8_t *)sim_as_ptr(parent, ua), 7);
	assert_true(segv_touch(sim_as_ptr(child, ua + PAGE), true));
	sim_as_exit(child);
	p->unpin(p, parent, runs, nr, true);
	sim_as_exit(parent);
	machine_end(m);
}

TEST(a_carve_out_is_pinned_by_token_or_not_at_all)
{
	for (int no_token = 0; no_token < 2; no_token++) {
		struct sim_machine *m = machine_make(&(struct sim_machine_cfg){
			.carveout_bytes = MIB, .carveout_no_token = no_token != 0 });
		struct dma_platform *p = sim_machine_platform(m);
		struct dma_as *as = as_make(m);
		struct sim_machine_leaks leaks;
		struct dma_pin_run runs[8];
		uint64_t len, ua, covered;
		phys_addr_t phys;
		uint32_t nr;
		int err;

		sim_machine_carveout(m, &phys, &len);
		assert_u64_equal(len, MIB);
		assert_int_equal(sim_as_map_pfn(as, phys - PAGE, PAGE, DMA_MEM_WB, &ua), -EINVAL);
		assert_ok(sim_as_map_pfn(as, phys + PAGE, 4 * PAGE, DMA_MEM_WB, &ua));
		*(volatile uint8_t *)sim_as_ptr(as, ua + 9) = 3;
		err = p->pin(p, as, ua + 9, 3 * PAGE, true, runs, 8, &nr, &covered);
		if (no_token) {
			assert_int_equal(err, -EOPNOTSUPP);
		} else {
			assert_ok(err);
			assert_int_equal(nr, 1);
			assert_int_equal(runs[0].kind, DMA_PHYS_UNOWNED);
			assert_true(runs[0].token != 0);
			assert_u64_equal(runs[0].phys, phys + PAGE + 9);
			sim_machine_leaks(m, &leaks);
			assert_u64_equal(leaks.tokens, 4);
			p->unpin(p, as, runs, nr, true);
		}
		sim_as_exit(as);
		machine_end(m);
	}
}

static uint64_t no_read(void *ctx, uint64_t offset, uint32_t width)
{
	(void)ctx, (void)offset, (void)width;
	return 0;
}

static void no_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	(void)ctx, (void)offset, (void)width, (void)value;
}

TEST(registers_in_a_program_pin_as_mmio_and_cannot_be_touched)
{
	static const struct sim_mmio_ops ops = { .read = no_read, .write = no_write };
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .seed = 1 });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct dma_phys_run run = { .phys = SIM_DEV_BASE, .len = PAGE };
	struct dma_pin_run runs[4];
	uint64_t ua, covered;
	uint32_t nr;

	assert_ok(sim_bus_add_mmio(sim_machine_bus(m), "r", SIM_DEV_BASE, 0x2000, &ops, NULL));
	assert_ok(sim_as_map_pfn(as, SIM_DEV_BASE, 0x2000, DMA_MEM_WB, &ua));
	assert_true(segv_touch(sim_as_ptr(as, ua), false));
	assert_ok(p->pin(p, as, ua + 8, PAGE, true, runs, 4, &nr, &covered));
	assert_int_equal(nr, 1);
	assert_int_equal(runs[0].kind, DMA_PHYS_MMIO);
	assert_u64_equal(runs[0].phys, SIM_DEV_BASE + 8);
	p->unpin(p, as, runs, nr, true);
	ua = sim_as_find_free(as, PAGE);
	assert_ok(p->as_map(p, as, ua, &run, 1, DMA_MEM_DEVICE));
	p->as_unmap(p, as, ua, PAGE);
	assert_int_equal(sim_as_map_pfn(as, SIM_DEV_BASE, 0x3000, DMA_MEM_WB, &ua), -EINVAL);
	sim_as_exit(as);
	machine_end(m);
}

TEST(driver_memory_maps_into_a_program_all_or_nothing)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .frag = SIM_FRAG_SCATTER });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct dma_phys_run runs[3];
	struct sim_machine_leaks leaks;
	uint64_t ua, taken;
	uint8_t byte;

	for (int i = 0; i < 3; i++) {
		const struct dma_pages_req req = { .len = PAGE,
						   .align = PAGE,
						   .last = UINT64_MAX,
						   .node = -1,
						   .flags = DMA_PAGES_ZERO };

		runs[i].len = PAGE;
		assert_ok(p->pages_alloc(p, &req, &runs[i].phys));
	}
	assert_ok(sim_as_alloc(as, PAGE, 0, &taken));
	assert_int_equal(p->as_map(p, as, taken, runs, 1, DMA_MEM_WB), -EEXIST);
	ua = sim_as_find_free(as, 3 * PAGE);
	assert_int_equal(p->as_map(p, as, ua + 1, runs, 3, DMA_MEM_WB), -EINVAL);
	assert_int_equal(p->as_map(p, as, ua + 64 * MIB, runs, 3, DMA_MEM_WB), -ENOMEM);
	assert_ok(p->as_map(p, as, ua, runs, 3, DMA_MEM_WC));
	*(volatile uint8_t *)sim_as_ptr(as, ua + PAGE + 3) = 0x3c;
	assert_ok(sim_machine_peek(m, runs[1].phys + 3, &byte, 1));
	assert_int_equal(byte, 0x3c);
	sim_machine_leaks(m, &leaks);
	assert_u64_equal(leaks.as_maps, 3);
	p->as_unmap(p, as, ua, 3 * PAGE);
	assert_true(segv_touch(sim_as_ptr(as, ua), false));
	for (int i = 0; i < 3; i++)
		p->pages_free(p, runs[i].phys, PAGE);
	sim_as_exit(as);
	machine_end(m);
}

TEST(a_program_sees_stale_lines_like_the_driver_on_a_noncoherent_machine)
{
	struct sim_machine *m =
		machine_make(&(struct sim_machine_cfg){ .noncoherent = true, .no_evict = true });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	volatile uint8_t *cpu;
	phys_addr_t phys;
	uint8_t byte = 0x44;
	uint64_t ua;

	assert_ok(sim_as_alloc(as, PAGE, 0, &ua));
	assert_ok(sim_as_phys(as, ua, &phys));
	cpu = sim_as_ptr(as, ua);
	assert_ok(sim_machine_poke(m, phys, &byte, 1));
	assert_int_equal(cpu[0], 0);
	p->cache_inv(p, phys, 1);
	assert_int_equal(cpu[0], 0x44);
	sim_as_exit(as);
	machine_end(m);
}

TEST(what_is_left_is_reported_at_close)
{
	struct sim_machine *m = machine_make(&(struct sim_machine_cfg){ .seed = 1 });
	struct dma_platform *p = sim_machine_platform(m);
	struct dma_as *as = as_make(m);
	struct sim_machine_leaks leaks;
	struct dma_pin_run runs[4];
	uint64_t ua, covered;
	uint32_t nr;

	assert_ok(sim_as_alloc(as, 2 * PAGE, 0, &ua));
	assert_ok(p->pin(p, as, ua, 2 * PAGE, true, runs, 4, &nr, &covered));
	assert_false(sim_machine_close(m, &leaks));
	assert_u64_equal(leaks.address_spaces, 1);
	assert_u64_equal(leaks.pinned_pages, 2);
	assert_u64_equal(leaks.pages, 0);
}
