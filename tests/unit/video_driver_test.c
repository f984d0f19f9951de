/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drivers of camera, converter and display against the models: probe, buffers of every kind,
 * queues, errors; and each request of a run failing once.
 */
#include <stdlib.h>

#include "tests/support/segv.h"
#include "tests/support/video_chain.h"

#define FAKE_BASE (SIM_DEV_BASE + 7 * SIM_DEV_STRIDE)

/* A register window that answers what it is told, and counts stores. */
struct fake_regs {
	uint32_t caps;
	uint32_t nr_writes;
};

static uint64_t fake_read(void *ctx, uint64_t offset, uint32_t width)
{
	const struct fake_regs *f = ctx;

	(void)width;
	return offset == REG_ID ? 0x43414d31 : offset == REG_CAPS ? f->caps : 0;
}

static void fake_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	struct fake_regs *f = ctx;

	(void)offset;
	(void)width;
	(void)value;
	f->nr_writes++;
}

static const struct sim_mmio_ops fake_ops = { .read = fake_read, .write = fake_write };

static struct video_chain *chain_open(const struct video_rig_opts *opts)
{
	struct video_chain *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->rig = video_rig_open(opts);
	return c;
}

static void chain_close(struct video_chain *c)
{
	video_rig_close(c->rig);
	free(c);
}

static struct video_chain *chain_ready(const struct video_rig_opts *opts)
{
	struct video_chain *c = chain_open(opts);

	assert_ok(chain_probe(c));
	return c;
}

static void expect_no_faults(struct video_chain *c)
{
	struct dma_fault fault;

	assert_int_equal(dma_fault_poll(c->rig->iommu, &fault), 0);
	assert_u64_equal(dma_fault_lost(c->rig->iommu), 0);
}

TEST(probe_refuses_another_device_and_leaves_it_alone)
{
	struct video_chain *c = chain_open(&(struct video_rig_opts){ .smmu = true });
	struct video_rig *r = c->rig;
	struct video_dev v;

	video_rig_write(r, CONVERTER, REG_WIDTH, 0x123);
	assert_int_equal(camera_probe(&v, r->p, r->dma[CAMERA], video_rig_base(CONVERTER)),
			 -ENODEV);
	assert_int_equal(display_probe(&v, r->p, r->dma[DISPLAY], video_rig_base(CONVERTER)),
			 -ENODEV);
	assert_int_equal(converter_probe(&v, r->p, r->dma[CONVERTER], video_rig_base(DISPLAY)),
			 -ENODEV);
	/* Nothing there at all. */
	assert_int_equal(camera_probe(&v, r->p, r->dma[CAMERA], FAKE_BASE), -ENODEV);
	assert_int_equal(video_rig_read(r, CONVERTER, REG_WIDTH), 0x123);
	chain_close(c);
}

TEST(probe_resets_the_device_and_tells_its_address_lines)
{
	struct video_chain *c = chain_open(&(struct video_rig_opts){ .smmu = true });
	struct video_rig *r = c->rig;

	for (int d = 0; d < RIG_DEVICES; d++)
		video_rig_write(r, d, REG_WIDTH, 0x123);
	assert_ok(chain_probe(c));
	for (int d = 0; d < RIG_DEVICES; d++) {
		assert_int_equal(video_rig_read(r, d, REG_WIDTH), 0);
		assert_u64_equal(dma_get_mask(r->dma[d]),
				 d == DISPLAY ? DMA_BIT_MASK(28) : DMA_BIT_MASK(32));
	}
	chain_close(c);
}

TEST(probe_refuses_capabilities_that_make_no_sense)
{
	static const struct {
		uint32_t caps;
		int err;
	} cases[] = {
		{ 32, -ENODEV },	   { 32 | 17 << 8, -ENODEV }, { 32 | 255 << 8, -ENODEV },
		{ 0 | 4 << 8, -EIO },	   { 32 | 1 << 8, 0 },	      { 32 | 16 << 8, 0 },
		{ 11 | 4 << 8, -EIO },
	};
	struct video_chain *c = chain_open(&(struct video_rig_opts){ .smmu = true });
	struct video_rig *r = c->rig;
	struct fake_regs fake = { 0 };
	struct video_dev v;

	assert_ok(sim_bus_add_mmio(sim_machine_bus(r->machine), "fake", FAKE_BASE, 0x1000,
				   &fake_ops, &fake));
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.caps = cases[i].caps;
		assert_int_equal(camera_probe(&v, r->p, r->dma[CAMERA], FAKE_BASE), cases[i].err);
	}
	sim_bus_remove_mmio(sim_machine_bus(r->machine), FAKE_BASE);
	chain_close(c);
}

/* Every kind of machine, both kinds of memory. */
static void frames_pass(const struct video_rig_opts *opts, bool user)
{
	struct video_chain *c = chain_ready(opts);

	if (user)
		assert_ok(chain_program(c, 192));
	assert_ok(user ? chain_map_program(c) : chain_alloc(c));
	for (int d = 0; d < 2; d++) {
		assert_int_equal(c->nv12[d].nr_segments, 1);
		assert_int_equal(c->xrgb[d].nr_segments, 1);
	}
	assert_true(c->xrgb[1].addr + CHAIN_XRGB_BYTES - 1 <= DMA_BIT_MASK(28));
	chain_start(c);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_ok(chain_frame(c));
		assert_int_equal(atomic_load(&c->rig->nr_shown), i);
		video_rig_expect_panel(c->rig, i);
	}
	/* Stopped and started, the drivers count from nothing. */
	for (int d = 0; d < RIG_DEVICES; d++)
		video_stop(&c->dev[d]);
	chain_start(c);
	assert_ok(chain_frame(c));
	video_rig_expect_panel(c->rig, 4);
	if (opts->smmu)
		expect_no_faults(c);
	chain_end(c);
	chain_close(c);
}

TEST(a_large_buffer_is_one_segment)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_buffer buf;
	uint64_t uaddr;

	assert_ok(chain_program(c, 0));
	assert_ok(sim_as_alloc(c->as, 1 << 20, 0, &uaddr));
	assert_ok(video_buffer_user(&c->dev[DISPLAY], c->as, uaddr, 1 << 20, DMA_TO_DEVICE, false,
				    &buf));
	assert_int_equal(buf.nr_segments, 1);
	video_buffer_free(&buf);
	chain_end(c);
	chain_close(c);
}

TEST(frames_pass_in_allocated_memory)
{
	for (uint32_t i = 0; i < 12; i++)
		frames_pass(&(struct video_rig_opts){ .smmu = true,
						      .granule_lg2 = 12 + i % 3 * 2,
						      .noncoherent = i / 3 % 2,
						      .deferred = i / 6,
						      .seed = i },
			    false);
}

TEST(frames_pass_in_a_programs_memory)
{
	for (uint32_t i = 0; i < 12; i++)
		frames_pass(&(struct video_rig_opts){ .smmu = true,
						      .granule_lg2 = 12 + i % 3 * 2,
						      .noncoherent = i / 3 % 2,
						      .deferred = i / 6,
						      .seed = i },
			    true);
}

TEST(frames_pass_without_an_iommu_in_memory_that_is_contiguous)
{
	for (uint32_t i = 0; i < 2; i++)
		frames_pass(&(struct video_rig_opts){ .direct = true, .noncoherent = i, .seed = i },
			    false);
}

TEST(the_cpu_address_of_a_buffer_faults)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });

	assert_ok(chain_alloc(c));
	assert_true(segv_touch(c->nv12[0].cpu_cookie, false));
	assert_true(segv_touch(c->nv12[0].cpu_cookie, true));
	assert_true(segv_touch(c->xrgb[1].cpu_cookie, false));
	chain_end(c);
	chain_close(c);
}

TEST(scattered_memory_without_an_iommu_is_refused_and_let_go)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .direct = true, .seed = 4 });
	struct sim_as_stats stats;

	assert_ok(chain_program(c, 0));
	assert_int_equal(chain_map_program(c), -EINVAL);
	assert_int_equal(c->nv12[0].kind, VIDEO_BUFFER_NONE);
	sim_as_stats(c->as, &stats);
	assert_u64_equal(stats.locked_bytes, 0);
	chain_end(c);
	chain_close(c);
}

TEST(user_memory_that_is_not_there_is_refused)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_buffer buf;
	struct dma_error e;

	assert_ok(chain_program(c, 0));
	assert_int_equal(video_buffer_user(&c->dev[CAMERA], c->as, 0x10, 4096, DMA_FROM_DEVICE,
					   false, &buf),
			 -EFAULT);
	assert_int_equal(buf.kind, VIDEO_BUFFER_NONE);
	assert_ok(dma_last_error(c->rig->dma[CAMERA], &e));
	assert_int_equal(e.rule, DMA_RULE_NOT_MAPPED);
	assert_int_equal(video_buffer_user(&c->dev[CAMERA], c->as, c->nv12_uaddr, 0,
					   DMA_FROM_DEVICE, false, &buf),
			 -EINVAL);
	video_buffer_free(&buf);
	chain_end(c);
	chain_close(c);
}

/* A program's buffer that shares a cache line with other data of the program. */
TEST(a_cache_line_shared_with_the_program_is_refused_where_nothing_snoops)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct video_chain *c = chain_ready(
			&(struct video_rig_opts){ .smmu = true, .noncoherent = i == 1 });
		struct dma_error e;

		assert_ok(chain_program(c, 24));
		assert_int_equal(chain_map_program(c), i == 1 ? -EINVAL : 0);
		if (i == 1) {
			assert_ok(dma_last_error(c->rig->dma[CAMERA], &e));
			assert_int_equal(e.rule, DMA_RULE_CACHE_LINE);
		}
		chain_end(c);
		chain_close(c);
	}
}

TEST(an_allocation_beyond_memory_fails_and_changes_nothing)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct sim_machine_leaks before, after;
	struct video_buffer buf;
	struct dma_error e;

	sim_machine_leaks(c->rig->machine, &before);
	assert_int_equal(video_buffer_alloc(&c->dev[DISPLAY], (size_t)256 << 20, &buf), -ENOMEM);
	assert_int_equal(buf.kind, VIDEO_BUFFER_NONE);
	assert_ok(dma_last_error(c->rig->dma[DISPLAY], &e));
	assert_int_equal(e.op, DMA_OP_ALLOC);
	dma_trim(c->rig->dma[DISPLAY]);
	sim_machine_leaks(c->rig->machine, &after);
	assert_u64_equal(after.pages, before.pages);
	video_buffer_free(&buf);
	/* An import of nothing. */
	assert_int_not_equal(video_buffer_import(&c->dev[CONVERTER],
						 &(struct video_buffer){ .dev = &c->dev[CAMERA],
									 .addr = 0x1000,
									 .len = 4096 },
						 DMA_TO_DEVICE, &buf),
			     0);
	assert_int_equal(buf.kind, VIDEO_BUFFER_NONE);
	chain_close(c);
}

TEST(freeing_twice_or_nothing_is_harmless)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_buffer none = { .kind = VIDEO_BUFFER_NONE };

	assert_ok(chain_alloc(c));
	chain_free_buffers(c);
	chain_free_buffers(c);
	video_buffer_free(&none);
	chain_close(c);
}

TEST(a_full_queue_says_again_and_a_stop_empties_it)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_dev *v = &c->dev[CAMERA];
	uint32_t cookie;
	uint64_t addr;

	assert_ok(chain_alloc(c));
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 4; i++)
			assert_ok(camera_queue(v, &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, i));
		assert_int_equal(camera_queue(v, &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, 9),
				 -EAGAIN);
		assert_int_equal(video_rig_read(c->rig, CAMERA, REG_STATUS), STATUS_FULL);
		if (round == 0)
			video_stop(v);
	}
	video_start(v);
	atomic_store(&c->rig->frames_left, 4);
	sim_camera_frame_ready(c->rig->model[CAMERA]);
	video_rig_run(c->rig);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(video_poll(v, &cookie, &addr), 1);
		assert_int_equal(cookie, i);
	}
	assert_int_equal(video_poll(v, &cookie, &addr), 0);
	chain_end(c);
	chain_close(c);
}

/* The device's queue is shorter than the driver thinks: somebody else put a buffer there. */
TEST(an_overflow_of_the_device_says_again_and_is_cleared)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_dev *v = &c->dev[DISPLAY];
	uint32_t cookie;
	uint64_t addr;

	assert_ok(chain_alloc(c));
	for (uint32_t i = 0; i < 3; i++)
		assert_ok(display_queue(v, &c->xrgb[1], CHAIN_WIDTH, CHAIN_HEIGHT, i));
	video_rig_write(c->rig, DISPLAY, REG_QUEUE, 1);
	assert_int_equal(display_queue(v, &c->xrgb[1], CHAIN_WIDTH, CHAIN_HEIGHT, 9), -EAGAIN);
	assert_int_equal(video_rig_read(c->rig, DISPLAY, REG_STATUS), STATUS_FULL);
	assert_int_equal(v->nr_cookies, 3);
	/* Four are done; three of them are the driver's. */
	video_start(v);
	video_rig_run(c->rig);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(video_poll(v, &cookie, &addr), 1);
		assert_int_equal(cookie, i);
	}
	assert_int_equal(video_poll(v, &cookie, &addr), 0);
	chain_end(c);
	chain_close(c);
}

/* A byte less than the picture needs. */
TEST(buffers_that_are_too_short_are_refused)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_buffer nv12, xrgb;

	assert_ok(chain_alloc(c));
	nv12 = c->nv12[1];
	xrgb = c->xrgb[0];
	nv12.len--;
	xrgb.len--;
	assert_int_equal(camera_queue(&c->dev[CAMERA], &nv12, CHAIN_WIDTH, CHAIN_HEIGHT, 1),
			 -EINVAL);
	assert_int_equal(converter_queue(&c->dev[CONVERTER], &nv12, &c->xrgb[0], CHAIN_WIDTH,
					 CHAIN_HEIGHT, 1),
			 -EINVAL);
	assert_int_equal(converter_queue(&c->dev[CONVERTER], &c->nv12[1], &xrgb, CHAIN_WIDTH,
					 CHAIN_HEIGHT, 1),
			 -EINVAL);
	assert_int_equal(display_queue(&c->dev[DISPLAY], &xrgb, CHAIN_WIDTH, CHAIN_HEIGHT, 1),
			 -EINVAL);
	chain_end(c);
	chain_close(c);
}

TEST(sizes_that_do_not_fit_are_refused)
{
	static const uint32_t bad[][2] = { { 0, 48 },	 { 63, 48 },   { 64, 47 },
					   { 66, 48 },	 { 64, 50 },   { 64, 0 },
					   { 4098, 2 },	 { 2, 2 },     { UINT32_MAX, UINT32_MAX },
					   { 65536, 65536 } };
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });

	assert_ok(chain_alloc(c));
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t w = bad[i][0], h = bad[i][1];

		assert_int_equal(camera_queue(&c->dev[CAMERA], &c->nv12[0], w, h, 1), -EINVAL);
		assert_int_equal(converter_queue(&c->dev[CONVERTER], &c->nv12[1], &c->xrgb[0], w, h,
						 1),
				 -EINVAL);
		if (w != 2)
			assert_int_equal(display_queue(&c->dev[DISPLAY], &c->xrgb[1], w, h, 1),
					 -EINVAL);
		for (int d = 0; d < RIG_DEVICES; d++) {
			assert_int_equal(video_rig_read(c->rig, d, REG_STATUS), 0);
			assert_int_equal(video_rig_read(c->rig, d, REG_QUEUED), 0);
		}
	}
	chain_end(c);
	chain_close(c);
}

/* The buffer is unmapped while the driver still has its address. */
TEST(an_access_that_is_refused_is_told_and_recorded)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct video_buffer stale;
	struct dma_fault fault;
	uint32_t cookie = 0;
	uint64_t addr = 0;

	assert_ok(chain_alloc(c));
	stale = c->nv12[1];
	video_buffer_free(&c->nv12[1]);
	assert_ok(converter_queue(&c->dev[CONVERTER], &stale, &c->xrgb[0], CHAIN_WIDTH,
				  CHAIN_HEIGHT, 1));
	video_start(&c->dev[CONVERTER]);
	video_rig_run(c->rig);
	assert_int_equal(video_poll(&c->dev[CONVERTER], &cookie, &addr), -EIO);
	assert_u64_equal(addr, stale.addr);
	assert_int_equal(dma_fault_poll(c->rig->iommu, &fault), 1);
	assert_ptr_equal(fault.dev, c->rig->dma[CONVERTER]);
	assert_int_equal(fault.requester, RIG_FIRST_SID + CONVERTER);
	assert_u64_equal(fault.iova, stale.addr);
	assert_false(fault.write);
	assert_int_equal(fault.reason, DMA_FAULT_TRANSLATION);
	expect_no_faults(c);
	/* It goes on after a stop. */
	video_stop(&c->dev[CONVERTER]);
	assert_ok(video_buffer_import(&c->dev[CONVERTER], &c->nv12[0], DMA_TO_DEVICE, &c->nv12[1]));
	chain_start(c);
	assert_ok(chain_frame(c));
	video_rig_expect_panel(c->rig, 1);
	chain_end(c);
	chain_close(c);
}

TEST(a_buffer_mapped_to_be_read_cannot_be_written)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct dma_fault fault;
	uint32_t cookie;
	uint64_t addr;

	assert_ok(chain_alloc(c));
	video_buffer_free(&c->xrgb[0]);
	assert_ok(video_buffer_import(&c->dev[CONVERTER], &c->xrgb[1], DMA_TO_DEVICE, &c->xrgb[0]));
	assert_ok(converter_queue(&c->dev[CONVERTER], &c->nv12[1], &c->xrgb[0], CHAIN_WIDTH,
				  CHAIN_HEIGHT, 1));
	video_start(&c->dev[CONVERTER]);
	video_rig_run(c->rig);
	assert_int_equal(video_poll(&c->dev[CONVERTER], &cookie, &addr), -EIO);
	assert_u64_equal(addr, c->xrgb[0].addr);
	assert_int_equal(dma_fault_poll(c->rig->iommu, &fault), 1);
	assert_true(fault.write);
	assert_int_equal(fault.reason, DMA_FAULT_PERMISSION);
	chain_end(c);
	chain_close(c);
}

/* One device's address means nothing to another one. */
TEST(the_devices_do_not_see_each_others_addresses)
{
	struct video_chain *c = chain_ready(&(struct video_rig_opts){ .smmu = true });
	struct dma_fault fault;
	uint32_t cookie;
	uint64_t addr;

	assert_ok(video_buffer_alloc(&c->dev[CAMERA], CHAIN_XRGB_BYTES, &c->nv12[0]));
	assert_ok(display_queue(&c->dev[DISPLAY], &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, 1));
	video_start(&c->dev[DISPLAY]);
	video_rig_run(c->rig);
	assert_int_equal(video_poll(&c->dev[DISPLAY], &cookie, &addr), -EIO);
	assert_int_equal(dma_fault_poll(c->rig->iommu, &fault), 1);
	assert_int_equal(fault.requester, RIG_FIRST_SID + DISPLAY);
	assert_ptr_equal(fault.dev, c->rig->dma[DISPLAY]);
	assert_u64_equal(fault.iova, c->nv12[0].addr & DMA_BIT_MASK(28));
	chain_end(c);
	chain_close(c);
}

static int bring_up(struct video_chain *c, bool user)
{
	int err = chain_probe(c);

	if (err == 0)
		err = user ? chain_map_program(c) : chain_alloc(c);
	return err;
}

/* What counts as state: pages, pins, mappings; what is kept as cache is given back first. */
static void note_state(struct video_rig *r, struct sim_machine_leaks *leaks)
{
	for (int d = 0; d < RIG_DEVICES; d++) {
		dma_poll(r->dma[d]);
		dma_trim(r->dma[d]);
	}
	sim_machine_leaks(r->machine, leaks);
}

/* Request 1, 2, 3 ... of probe and buffer calls fails, until none is left to fail. */
static void each_request_fails_once(bool user, bool noncoherent)
{
	const struct video_rig_opts opts = { .smmu = true, .noncoherent = noncoherent, .seed = 9 };
	uint64_t nr_failed = 0;

	for (uint64_t nth = 1;; nth++) {
		struct video_chain *c = chain_open(&opts);
		struct sim_machine_leaks before, after;
		uint64_t asked[2], failed = 0;
		int err;

		if (user)
			assert_ok(chain_program(c, 64));
		assert_ok(bring_up(c, user)); /* once, so that what is made once is there */
		chain_free_buffers(c);
		note_state(c->rig, &before);
		sim_machine_fail_nth(c->rig->machine, nth);
		err = bring_up(c, user);
		sim_machine_fail_nth(c->rig->machine, 0);
		for (int site = 0; site < 5; site++) {
			sim_machine_inject_counts(c->rig->machine, (enum dma_inject_site)site,
						  &asked[0], &asked[1]);
			failed += asked[1];
		}
		assert_true(err == 0 || failed == 1);
		nr_failed += err != 0;
		chain_free_buffers(c);
		note_state(c->rig, &after);
		assert_u64_equal(after.pages, before.pages);
		assert_u64_equal(after.pinned_pages, before.pinned_pages);
		assert_u64_equal(after.cpu_maps, before.cpu_maps);
		assert_u64_equal(after.meta_allocs, before.meta_allocs);
		/* And the machine works as if nothing had been. */
		assert_ok(bring_up(c, user));
		chain_start(c);
		assert_ok(chain_frame(c));
		video_rig_expect_panel(c->rig, 1);
		expect_no_faults(c);
		chain_end(c);
		chain_close(c);
		if (failed == 0)
			break;
		assert_true(nth < 1000);
	}
	assert_true(nr_failed >= 10);
}

TEST(each_request_of_probe_and_allocation_may_fail)
{
	each_request_fails_once(false, false);
	each_request_fails_once(false, true);
}

TEST(each_request_of_probe_and_user_mapping_may_fail)
{
	each_request_fails_once(true, false);
	each_request_fails_once(true, true);
}
