/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts about CPU mappings, from the process's own memory map: without a mapping every touch is a
 * SIGSEGV, and where there is one, the figures show it.
 */
#include <stdlib.h>

#include "tests/support/segv.h"
#include "tests/support/video_chain.h"

enum { LEN = 1 << 20, PAGE = 4096, MAX_RUNS = 512 };

struct facts {
	struct video_rig *rig;
	struct video_dev dev;
	struct dma_phys_run runs[MAX_RUNS];
	uint32_t nr_runs;
};

static struct facts *facts_open(bool noncoherent)
{
	struct facts *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->rig = video_rig_open(
		&(struct video_rig_opts){ .smmu = true, .noncoherent = noncoherent, .seed = 2 });
	assert_ok(camera_probe(&f->dev, f->rig->p, f->rig->dma[CAMERA], video_rig_base(CAMERA)));
	return f;
}

static void facts_close(struct facts *f)
{
	video_rig_close(f->rig);
	free(f);
}

/* Where the memory of a buffer lies. */
static void note_runs(struct facts *f, void *cpu, dma_addr_t addr, unsigned long attrs)
{
	struct dma_device *dev = f->rig->dma[CAMERA];
	struct sg_table sgt;
	struct scatterlist *sg;
	unsigned int i;

	assert_ok(dma_get_sgtable_attrs(dev, &sgt, cpu, addr, LEN, attrs));
	assert_true(sgt.orig_nents <= MAX_RUNS);
	f->nr_runs = sgt.orig_nents;
	for_each_sgtable_sg(&sgt, sg, i)
		f->runs[i] = (struct dma_phys_run){ sg_phys(sg), sg->length };
	sg_free_table(&sgt);
}

static struct sim_machine_view look(struct facts *f)
{
	struct sim_machine_view view;

	assert_ok(sim_machine_view(f->rig->machine, f->runs, f->nr_runs, &view));
	return view;
}

TEST(a_touch_of_a_buffer_without_kernel_mapping_is_a_segv)
{
	for (uint32_t noncoherent = 0; noncoherent < 2; noncoherent++) {
		struct facts *f = facts_open(noncoherent);
		struct dma_platform *p = f->rig->p;
		struct sim_machine_view view;
		struct video_buffer buf;

		assert_ok(video_buffer_alloc(&f->dev, LEN, &buf));
		note_runs(f, buf.cpu_cookie, buf.addr, DMA_ATTR_NO_KERNEL_MAPPING);
		sim_machine_watch_writes(f->rig->machine);
		assert_true(segv_touch(buf.cpu_cookie, false));
		assert_true(segv_touch(buf.cpu_cookie, true));
		assert_true(segv_touch((uint8_t *)buf.cpu_cookie + LEN - 1, false));
		for (uint32_t i = 0; i < f->nr_runs; i++) {
			uint64_t at = f->runs[i].phys + p->linear_offset;

			assert_true(segv_touch((void *)(uintptr_t)at, false));
			assert_true(segv_touch((void *)(uintptr_t)at, true));
			at += f->runs[i].len - 1;
			assert_true(segv_touch((void *)(uintptr_t)at, true));
			assert_null(p->phys_to_virt(p, f->runs[i].phys));
		}
		view = look(f);
		assert_u64_equal(view.kernel_mapped_bytes, 0);
		assert_u64_equal(view.user_mapped_bytes, 0);
		assert_u64_equal(view.kernel_written_pages, 0);
		assert_u64_equal(view.kernel_touched_pages, 0);
		video_buffer_free(&buf);
		facts_close(f);
	}
}

TEST(a_mapped_buffer_and_writes_into_it_are_seen)
{
	static const unsigned long kinds[] = { 0, DMA_ATTR_WRITE_COMBINE, DMA_ATTR_NON_COHERENT };

	for (uint32_t i = 0; i < 6; i++) {
		struct facts *f = facts_open(i >= 3);
		struct dma_device *dev = f->rig->dma[CAMERA];
		struct sim_machine_view view;
		volatile uint8_t *cpu;
		dma_addr_t addr;

		cpu = dma_alloc_attrs(dev, LEN, &addr, GFP_KERNEL, kinds[i % 3]);
		assert_non_null((void *)(uintptr_t)cpu);
		note_runs(f, (void *)(uintptr_t)cpu, addr, kinds[i % 3]);
		sim_machine_watch_writes(f->rig->machine);
		view = look(f);
		assert_u64_equal(view.kernel_mapped_bytes, LEN);
		assert_u64_equal(view.user_mapped_bytes, 0);
		if (view.exact_writes)
			assert_u64_equal(view.kernel_written_pages, 0);
		cpu[0] = 1;
		cpu[5 * PAGE + 17] = 1;
		cpu[LEN - 1] = 1;
		view = look(f);
		assert_true(view.kernel_written_pages >= 3);
		if (view.exact_writes)
			assert_u64_equal(view.kernel_written_pages, 3);
		dma_free_attrs(dev, LEN, (void *)(uintptr_t)cpu, addr, kinds[i % 3]);
		facts_close(f);
	}
}

TEST(a_buffer_mapped_into_a_program_and_its_writes_are_seen)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct facts *f = facts_open(i != 0);
		struct dma_device *dev = f->rig->dma[CAMERA];
		struct dma_vma vma = { 0 };
		struct sim_machine_view view;
		struct video_buffer buf;
		volatile uint8_t *user;

		assert_ok(video_buffer_alloc(&f->dev, LEN, &buf));
		note_runs(f, buf.cpu_cookie, buf.addr, DMA_ATTR_NO_KERNEL_MAPPING);
		assert_ok(sim_as_new(f->rig->machine, &vma.as));
		vma.start = sim_as_find_free(vma.as, LEN);
		vma.end = vma.start + LEN;
		assert_ok(dma_mmap_attrs(dev, &vma, buf.cpu_cookie, buf.addr, LEN,
					 DMA_ATTR_NO_KERNEL_MAPPING));
		sim_machine_watch_writes(f->rig->machine);
		user = sim_as_ptr(vma.as, vma.start);
		user[3 * PAGE] = 1;
		user[9 * PAGE] = user[9 * PAGE + 1] = 1;
		view = look(f);
		assert_u64_equal(view.user_mapped_bytes, LEN);
		assert_u64_equal(view.kernel_mapped_bytes, 0);
		assert_true(view.user_written_pages >= 2);
		if (view.exact_writes)
			assert_u64_equal(view.user_written_pages, 2);
		/* Still no mapping on the driver's side. */
		assert_true(segv_touch(buf.cpu_cookie, false));
		f->rig->p->as_unmap(f->rig->p, vma.as, vma.start, LEN);
		assert_u64_equal(look(f).user_mapped_bytes, 0);
		sim_as_exit(vma.as);
		video_buffer_free(&buf);
		facts_close(f);
	}
}

/* The devices' own work is no CPU's. */
TEST(what_devices_write_is_not_counted)
{
	struct video_chain *c = calloc(1, sizeof(*c));
	struct sim_machine_view view;
	struct dma_phys_run runs[64];
	struct scatterlist *sg;
	unsigned int i;

	assert_non_null(c);
	c->rig = video_rig_open(&(struct video_rig_opts){ .smmu = true });
	assert_ok(chain_probe(c));
	assert_ok(chain_alloc(c));
	sim_machine_watch_writes(c->rig->machine);
	chain_start(c);
	assert_ok(chain_frame(c));
	video_rig_expect_panel(c->rig, 1);
	for_each_sgtable_sg(&c->nv12[1].sgt, sg, i)
		runs[i] = (struct dma_phys_run){ sg_phys(sg), sg->length };
	assert_ok(sim_machine_view(c->rig->machine, runs, c->nv12[1].sgt.orig_nents, &view));
	assert_u64_equal(view.kernel_written_pages + view.user_written_pages, 0);
	assert_u64_equal(view.kernel_mapped_bytes + view.user_mapped_bytes, 0);
	chain_end(c);
	video_rig_close(c->rig);
	free(c);
}
