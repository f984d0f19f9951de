/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus (windows, requesters, translation piece by piece) and the engines. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "sim/bus.h"
#include "sim/engine.h"
#include "sim/ram.h"
#include "sim/rng.h"
#include "tests/support/check.h"

#define BASE 0x100000000ull
#define BYTES (1ull << 20)

struct regs {
	uint8_t byte[64];
	uint32_t nr_reads;
	uint32_t nr_writes;
	uint32_t last_width;
};

static uint64_t regs_read(void *ctx, uint64_t offset, uint32_t width)
{
	struct regs *r = ctx;
	uint64_t value = 0;

	r->nr_reads++;
	r->last_width = width;
	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)r->byte[offset + i] << (8 * i);
	return value;
}

static void regs_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	struct regs *r = ctx;

	r->nr_writes++;
	r->last_width = width;
	for (uint32_t i = 0; i < width; i++)
		r->byte[offset + i] = (uint8_t)(value >> (8 * i));
}

static const struct sim_mmio_ops regs_ops = { .read = regs_read, .write = regs_write };

struct world {
	struct sim_ram *ram;
	struct sim_bus *bus;
	struct sim_trace trace;
};

static void world_open(struct world *w)
{
	const struct sim_ram_cfg cfg = { .base = BASE, .bytes = BYTES, .page_lg2 = 12 };

	memset(w, 0, sizeof(*w));
	assert_ok(sim_ram_new(&cfg, &w->trace, &w->ram));
	assert_ok(sim_bus_new(w->ram, NULL, &w->trace, false, &w->bus));
}

static void world_close(struct world *w)
{
	sim_bus_free(w->bus);
	sim_ram_free(w->ram);
}

TEST(windows_are_found_by_address_and_do_not_overlap)
{
	struct regs a = { .nr_reads = 0 }, b = { .nr_reads = 0 };
	struct world w;
	uint64_t len;

	world_open(&w);
	assert_ok(sim_bus_add_mmio(w.bus, "a", 0x1000, 64, &regs_ops, &a));
	assert_ok(sim_bus_add_mmio(w.bus, "b", 0x1040, 64, &regs_ops, &b));
	assert_int_equal(sim_bus_add_mmio(w.bus, "c", 0x103f, 4, &regs_ops, &b), -EEXIST);
	assert_int_equal(sim_bus_add_mmio(w.bus, "c", 0, 0x2000, &regs_ops, &b), -EEXIST);
	assert_int_equal(sim_bus_add_mmio(w.bus, "c", BASE + 4096, 4, &regs_ops, &b), -EEXIST);
	assert_int_equal(sim_bus_add_mmio(w.bus, "c", 0x2000, 0, &regs_ops, &b), -EINVAL);
	assert_int_equal(sim_bus_add_mmio(w.bus, "c", UINT64_MAX, 2, &regs_ops, &b), -EINVAL);
	sim_bus_mmio_write(w.bus, 0x1044, 4, 0xfff112233ull);
	assert_u64_equal(sim_bus_mmio_read(w.bus, 0x1044, 2), 0x2233);
	assert_int_equal(a.nr_writes, 0);
	assert_int_equal(b.nr_writes, 1);
	assert_true(sim_bus_is_mmio(w.bus, 0x1050, &len));
	assert_u64_equal(len, 0x30);
	assert_false(sim_bus_is_mmio(w.bus, 0x800, &len));
	assert_u64_equal(len, 0x800);
	assert_u64_equal(sim_bus_bad_mmio(w.bus), 0);
	assert_u64_equal(sim_bus_mmio_read(w.bus, 0x5000, 4), 0xffffffff);
	assert_u64_equal(sim_bus_mmio_read(w.bus, 0x107e, 4), 0xffffffff);
	sim_bus_mmio_write(w.bus, 0x5000, 4, 1);
	assert_u64_equal(sim_bus_bad_mmio(w.bus), 3);
	sim_bus_remove_mmio(w.bus, 0x1000);
	assert_false(sim_bus_is_mmio(w.bus, 0x1000, &len));
	world_close(&w);
}

TEST(dma_without_an_iommu_reaches_ram_at_its_physical_address)
{
	const struct sim_requester req = { .sid = 3, .addr_bits = 40, .name = "d" };
	struct sim_requester_stats stats;
	uint8_t out[300], in[300];
	struct world w;
	size_t done;

	world_open(&w);
	assert_ok(sim_bus_add_requester(w.bus, &req));
	assert_int_equal(sim_bus_add_requester(w.bus, &req), -EEXIST);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i ^ 0x5c);
	assert_ok(sim_bus_dma(w.bus, 3, BASE + 1001, true, out, sizeof(out), &done));
	assert_int_equal(done, 300);
	assert_ok(sim_ram_read(w.ram, BASE + 1001, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	memset(in, 0, sizeof(in));
	assert_ok(sim_bus_dma(w.bus, 3, BASE + 1001, false, in, sizeof(in), NULL));
	assert_memory_equal(in, out, sizeof(in));
	/* Off the end of RAM: what was inside is done. */
	assert_int_equal(sim_bus_dma(w.bus, 3, BASE + BYTES - 100, true, out, 300, &done), -EFAULT);
	assert_int_equal(done, 100);
	assert_int_equal(sim_bus_dma(w.bus, 4, BASE, true, out, 1, &done), -ENODEV);
	assert_ok(sim_bus_stats(w.bus, 3, &stats));
	assert_u64_equal(stats.write_bytes, 400);
	assert_u64_equal(stats.read_bytes, 300);
	assert_u64_equal(stats.aborts, 1);
	world_close(&w);
}

TEST(address_lines_a_device_does_not_have_are_cut_off)
{
	const struct sim_requester req = { .sid = 1, .addr_bits = 28, .name = "d" };
	struct sim_requester_stats stats;
	struct regs r = { .nr_reads = 0 };
	struct world w;
	uint8_t byte = 1;

	world_open(&w);
	assert_ok(sim_bus_add_requester(w.bus, &req));
	assert_ok(sim_bus_add_mmio(w.bus, "r", 0x1000, 64, &regs_ops, &r));
	assert_int_equal(sim_bus_dma(w.bus, 1, BASE, true, &byte, 1, NULL), -EFAULT);
	/* What is meant for BASE + 0x1000 hits the registers at 0x1000. */
	assert_ok(sim_bus_dma(w.bus, 1, BASE + 0x1000, true, &byte, 1, NULL));
	assert_int_equal(r.byte[0], 1);
	assert_ok(sim_bus_stats(w.bus, 1, &stats));
	assert_u64_equal(stats.truncated, 2);
	world_close(&w);
}

/* An IOMMU that maps IOVA page n to RAM page 7 - n, 1000 bytes at a time, and page 5 nowhere. */
static int reverse_translate(void *ctx, uint32_t sid, uint32_t ssid, uint64_t iova, bool write,
			     uint64_t len, uint64_t *phys, uint64_t *phys_len)
{
	uint64_t left = 4096 - (iova & 4095);
	uint32_t *calls = ctx;

	(void)sid, (void)ssid, (void)write, (void)len;
	(*calls)++;
	if (iova >> 12 >= 8 || iova >> 12 == 5)
		return -EFAULT;
	*phys = BASE + ((7 - (iova >> 12)) << 12) + (iova & 4095);
	*phys_len = left < 1000 ? left : 1000;
	return 0;
}

TEST(dma_is_translated_piece_by_piece)
{
	const struct sim_requester req = { .sid = 9, .addr_bits = 32, .name = "d" };
	const struct sim_requester direct = { .sid = 10, .addr_bits = 64, .no_iommu = true };
	uint32_t calls = 0;
	const struct sim_bus_iommu iommu = { .translate = reverse_translate, .ctx = &calls };
	static uint8_t out[3 * 4096], byte;
	struct world w;
	size_t done;

	world_open(&w);
	assert_ok(sim_bus_add_requester(w.bus, &req));
	assert_ok(sim_bus_add_requester(w.bus, &direct));
	sim_bus_set_iommu(w.bus, &iommu);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i % 251);
	assert_ok(sim_bus_dma(w.bus, 9, 4096 + 50, true, out, sizeof(out), &done));
	assert_true(calls >= 13);
	for (unsigned i = 0; i < sizeof(out); i += 97) {
		uint64_t iova = 4096 + 50 + i;

		assert_ok(sim_ram_read(w.ram, BASE + ((7 - (iova >> 12)) << 12) + (iova & 4095),
				       &byte, 1));
		assert_int_equal(byte, out[i]);
	}
	assert_int_equal(sim_bus_dma(w.bus, 9, 4 * 4096 + 4000, false, out, 200, &done), -EFAULT);
	assert_int_equal(done, 96);
	byte = 0x77;
	assert_ok(sim_bus_dma(w.bus, 10, BASE + 5, true, &byte, 1, NULL));
	byte = 0;
	assert_ok(sim_ram_read(w.ram, BASE + 5, &byte, 1));
	assert_int_equal(byte, 0x77);
	world_close(&w);
}

TEST(a_device_reaches_registers_of_a_peer)
{
	const struct sim_requester req = { .sid = 1, .addr_bits = 64, .name = "d" };
	struct regs r = { .nr_reads = 0 };
	uint8_t out[13], in[13];
	struct world w;

	world_open(&w);
	assert_ok(sim_bus_add_requester(w.bus, &req));
	assert_ok(sim_bus_add_mmio(w.bus, "r", 0x1000, 64, &regs_ops, &r));
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i + 1);
	assert_ok(sim_bus_dma(w.bus, 1, 0x1003, true, out, sizeof(out), NULL));
	assert_memory_equal(&r.byte[3], out, sizeof(out));
	assert_int_equal(r.nr_writes, 3); /* 1 byte at 3, 4 at 4, 8 at 8 */
	assert_ok(sim_bus_dma(w.bus, 1, 0x1003, false, in, sizeof(in), NULL));
	assert_memory_equal(in, out, sizeof(in));
	world_close(&w);
}

TEST(interrupts_are_counted_until_taken)
{
	struct world w;

	world_open(&w);
	assert_int_equal(sim_bus_irq_take(w.bus, 5), 0);
	sim_bus_irq_raise(w.bus, 5);
	sim_bus_irq_raise(w.bus, 5);
	sim_bus_irq_raise(w.bus, 64);
	assert_int_equal(sim_bus_irq_take(w.bus, 5), 2);
	assert_int_equal(sim_bus_irq_take(w.bus, 5), 0);
	world_close(&w);
}

/* A device with some steps to do; notes the order of all steps. */
struct worker {
	struct sim_engine *engine;
	uint32_t left;
	_Atomic uint32_t done;
	char id;
	char *order;
	uint32_t *nr_order;
};

static enum sim_step worker_step(void *ctx)
{
	struct worker *k = ctx;

	if (k->left == 0)
		return SIM_STEP_IDLE;
	if (k->order != NULL)
		k->order[(*k->nr_order)++] = k->id;
	atomic_fetch_add(&k->done, 1);
	return --k->left != 0 ? SIM_STEP_MORE : SIM_STEP_IDLE;
}

static void run_workers(uint64_t seed, char *order, uint32_t *nr_order)
{
	struct sim_engines *engines;
	struct worker k[3];

	*nr_order = 0;
	assert_ok(sim_engines_new(seed, false, NULL, &engines));
	for (int i = 0; i < 3; i++) {
		k[i] = (struct worker){
			.left = 30, .id = (char)('a' + i), .order = order, .nr_order = nr_order
		};
		assert_ok(sim_engine_new(engines, "k", worker_step, &k[i], &k[i].engine));
		sim_engine_kick(k[i].engine);
	}
	assert_false(sim_engines_idle(engines));
	while (sim_engines_run(engines, 4) != 0)
		;
	assert_true(sim_engines_idle(engines));
	for (int i = 0; i < 3; i++)
		sim_engine_free(k[i].engine);
	sim_engines_free(engines);
}

TEST(told_engines_run_in_an_order_drawn_from_the_seed)
{
	char a[90], b[90], c[90];
	uint32_t na, nb, nc;

	run_workers(1, a, &na);
	run_workers(1, b, &nb);
	run_workers(2, c, &nc);
	assert_int_equal(na, 90);
	assert_int_equal(nb, 90);
	assert_int_equal(nc, 90);
	assert_memory_equal(a, b, 90);
	assert_true(memcmp(a, c, 90) != 0);
	/* Interleaved: not one engine after the other. */
	assert_true(memchr(a, 'b', 30) != NULL && memchr(a, 'c', 30) != NULL);
}

TEST(a_told_engine_runs_only_when_told_and_kicked)
{
	struct sim_engines *engines;
	struct worker k = { .left = 2 };

	assert_ok(sim_engines_new(1, false, NULL, &engines));
	assert_ok(sim_engine_new(engines, "k", worker_step, &k, &k.engine));
	assert_int_equal(sim_engines_run(engines, 10), 0);
	sim_engine_kick(k.engine);
	assert_int_equal(atomic_load(&k.done), 0);
	assert_int_equal(sim_engines_run(engines, 1), 1);
	assert_int_equal(atomic_load(&k.done), 1);
	assert_int_equal(sim_engines_run(engines, 10), 1);
	sim_engine_free(k.engine);
	sim_engines_free(engines);
}

TEST(a_timed_kick_waits_for_its_time)
{
	struct sim_engines *engines;
	struct worker k = { .left = 1 };

	assert_ok(sim_engines_new(1, false, NULL, &engines));
	assert_ok(sim_engine_new(engines, "k", worker_step, &k, &k.engine));
	sim_engine_kick_at(k.engine, 1000000);
	assert_int_equal(sim_engines_run(engines, 10), 0);
	for (int i = 0; i < 20 && sim_engines_now_ns(engines) < 1000000; i++) {
		assert_int_equal(sim_engines_run(engines, 10), 0);
		sim_engines_advance(engines, 100); /* nothing else to do: jumps, 100 us at most */
	}
	assert_true(sim_engines_now_ns(engines) >= 1000000);
	assert_true(sim_engines_now_ns(engines) < 1101000);
	assert_int_equal(sim_engines_run(engines, 10), 1);
	sim_engine_free(k.engine);
	sim_engines_free(engines);
}

TEST(threaded_engines_work_by_themselves)
{
	struct sim_engines *engines;
	struct worker k[4];

	assert_ok(sim_engines_new(1, true, NULL, &engines));
	for (int i = 0; i < 4; i++) {
		k[i] = (struct worker){ .left = 1000 };
		assert_ok(sim_engine_new(engines, "k", worker_step, &k[i], &k[i].engine));
	}
	sim_engine_kick_at(k[3].engine, sim_engines_now_ns(engines) + 1000000);
	for (int i = 0; i < 3; i++)
		sim_engine_kick(k[i].engine);
	for (int i = 0; i < 4; i++) {
		for (int wait = 0; wait < 20000 && atomic_load(&k[i].done) < 1000; wait++)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		assert_int_equal(atomic_load(&k[i].done), 1000);
	}
	/* MMIO handlers share state with the step under the engine's lock. */
	sim_engine_lock(k[0].engine);
	k[0].left = 5;
	sim_engine_unlock(k[0].engine);
	sim_engine_kick(k[0].engine);
	for (int wait = 0; wait < 20000 && atomic_load(&k[0].done) < 1005; wait++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(atomic_load(&k[0].done), 1005);
	for (int i = 0; i < 4; i++)
		sim_engine_free(k[i].engine);
	sim_engines_free(engines);
}
