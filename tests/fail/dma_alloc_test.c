/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request of an allocation fails in turn, on the simulated machine: each class of attributes,
 * with and without IOMMU; its other views; deferred and strict; quarantine.
 */
#include "tests/fail/fail_rig.h"

#define BYTES ((size_t)150000)

static unsigned long attrs;
static bool on_direct;

static struct dma_device *device(const struct fail_rig *r)
{
	return on_direct ? r->direct : r->dev;
}

static int errno_of(bool ok)
{
	struct dma_error e = { .err = -EIO };

	if (ok)
		return 0;
	(void)dma_last_error(NULL, &e);
	return e.err;
}

static int alloc(struct fail_rig *r)
{
	r->addr = 0x77;
	r->cookie =
		dma_alloc_attrs(device(r), BYTES, &r->addr, GFP_KERNEL, attrs | DMA_ATTR_NO_WARN);
	if (r->cookie == NULL)
		assert_u64_equal(r->addr, 0x77);
	return errno_of(r->cookie != NULL);
}

static void free_it(struct fail_rig *r)
{
	dma_free_attrs(device(r), BYTES, r->cookie, r->addr, attrs);
}

static void sweep_attrs(unsigned long a)
{
	static const struct scenario behind = { .name = "alloc", .go = alloc, .undo = free_it };
	static const struct scenario direct = { .name = "alloc, direct",
						.go = alloc,
						.undo = free_it };

	attrs = a;
	on_direct = false;
	fail_sweep_all(&behind);
	on_direct = true;
	fail_sweep_all(&direct);
}

TEST(allocating_coherent_memory_fails_whole)
{
	sweep_attrs(0);
}

TEST(allocating_without_a_cpu_mapping_fails_whole)
{
	sweep_attrs(DMA_ATTR_NO_KERNEL_MAPPING);
}

TEST(allocating_contiguous_memory_fails_whole)
{
	sweep_attrs(DMA_ATTR_FORCE_CONTIGUOUS);
}

TEST(allocating_cached_memory_fails_whole)
{
	sweep_attrs(DMA_ATTR_NON_COHERENT);
}

TEST(allocating_write_combined_memory_fails_whole)
{
	sweep_attrs(DMA_ATTR_WRITE_COMBINE);
}

TEST(allocating_single_pages_fails_whole)
{
	sweep_attrs(DMA_ATTR_ALLOC_SINGLE_PAGES | DMA_ATTR_NO_KERNEL_MAPPING);
}

static void alloc_first(struct fail_rig *r)
{
	assert_ok(alloc(r));
}

static int mmap_it(struct fail_rig *r)
{
	uint64_t bytes = 4 * (1ull << r->opts.granule_lg2);

	r->vma = (struct dma_vma){ .as = r->as, .pgoff = r->opts.granule_lg2 == 12 ? 3 : 0 };
	bytes = r->opts.granule_lg2 == 16 ? 2 * 65536 : bytes;
	r->vma.start = sim_as_find_free(r->as, bytes);
	r->vma.end = r->vma.start + bytes;
	return dma_mmap_attrs(device(r), &r->vma, r->cookie, r->addr, BYTES, attrs);
}

static void munmap_it(struct fail_rig *r)
{
	r->p->as_unmap(r->p, r->as, r->vma.start, r->vma.end - r->vma.start);
}

TEST(mapping_a_buffer_for_a_program_fails_whole)
{
	static const struct scenario s = { .name = "mmap",
					   .prepare = alloc_first,
					   .go = mmap_it,
					   .undo = munmap_it,
					   .finish = free_it };

	attrs = DMA_ATTR_NO_KERNEL_MAPPING;
	on_direct = false;
	fail_sweep_all(&s);
	on_direct = true;
	fail_sweep_all(&s);
}

static int get_table(struct fail_rig *r)
{
	struct sg_table untouched;
	int err;

	memset(&r->sgt, 0x5a, sizeof(r->sgt));
	untouched = r->sgt;
	err = dma_get_sgtable_attrs(device(r), &r->sgt, r->cookie, r->addr, BYTES, attrs);
	if (err != 0)
		assert_memory_equal(&r->sgt, &untouched, sizeof(untouched));
	return err;
}

static void free_table(struct fail_rig *r)
{
	sg_free_table(&r->sgt);
}

TEST(describing_a_buffer_fails_whole)
{
	static const struct scenario s = { .name = "get_sgtable",
					   .prepare = alloc_first,
					   .go = get_table,
					   .undo = free_table,
					   .finish = free_it };

	attrs = 0;
	on_direct = false;
	fail_sweep_all(&s);
	on_direct = true;
	fail_sweep_all(&s);
}

/* A buffer of one device for another one: what the pipeline does. */
static int share(struct fail_rig *r)
{
	int err = get_table(r);

	if (err != 0)
		return err;
	err = dma_map_sgtable(r->second, &r->sgt, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	if (err != 0)
		sg_free_table(&r->sgt);
	return err;
}

static void unshare(struct fail_rig *r)
{
	dma_unmap_sgtable(r->second, &r->sgt, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&r->sgt);
}

static void second_device(struct fail_rig *r)
{
	const struct dma_device_desc desc = { .name = "second",
					      .iommu = r->iommu,
					      .requester = RIG_SID + 1,
					      .coherent = !r->opts.noncoherent };

	assert_ok(dma_device_create(r->p, &desc, &r->second));
	alloc_first(r);
}

static void no_second_device(struct fail_rig *r)
{
	free_it(r);
	dma_device_destroy(r->second);
	r->second = NULL;
}

TEST(sharing_a_buffer_fails_whole)
{
	static const struct scenario s = { .name = "share",
					   .prepare = second_device,
					   .go = share,
					   .undo = unshare,
					   .finish = no_second_device };

	attrs = DMA_ATTR_NO_KERNEL_MAPPING;
	on_direct = false;
	fail_sweep_all(&s);
}

/* Deferred and back, with something in the queue. */
static int switch_modes(struct fail_rig *r)
{
	struct dma_domain *dom = dma_device_domain(r->dev);
	dma_addr_t addr;
	int err = dma_domain_set_deferred(dom, true);

	if (err != 0)
		return err;
	addr = dma_map_phys(r->dev, r->phys + r->granule, 64, DMA_TO_DEVICE, 0);
	err = errno_of(addr != DMA_MAPPING_ERROR);
	if (err == 0)
		dma_unmap_phys(r->dev, addr, 64, DMA_TO_DEVICE, 0);
	if (err == 0)
		err = dma_domain_set_deferred(dom, false);
	/* Not confirmed: it stays deferred, and the next attempt is confirmed. */
	if (err != 0) {
		sim_machine_fail_nth(r->machine, 0);
		assert_ok(dma_domain_set_deferred(dom, false));
	}
	return err;
}

static void stay(struct fail_rig *r)
{
	(void)r;
}

TEST(switching_to_deferred_and_back_fails_whole)
{
	static const struct scenario s = {
		.name = "deferred", .go = switch_modes, .undo = stay, .silent = true
	};

	fail_sweep_all(&s);
}

/* A device that goes away with a live mapping and a live buffer, and is quiet later. */
static void leave_behind(struct fail_rig *r)
{
	const struct dma_device_desc desc = { .name = "second",
					      .iommu = r->iommu,
					      .requester = RIG_SID + 1,
					      .coherent = !r->opts.noncoherent };
	dma_addr_t addr;

	assert_ok(dma_device_create(r->p, &desc, &r->made));
	assert_true(dma_map_phys(r->made, r->phys, 64, DMA_TO_DEVICE, 0) != DMA_MAPPING_ERROR);
	assert_non_null(dma_alloc_attrs(r->made, BYTES, &addr, GFP_KERNEL, 0));
	dma_device_destroy(r->made);
}

TEST(quarantine_is_released_whole_or_not_at_all)
{
	struct fail_opts opts = { .granule_lg2 = 12 };
	static struct fail_rig r;
	int site = 0;

	for (uint64_t n = 1; site >= 0; n++) {
		struct sim_machine_leaks before;
		struct sim_machine_leaks after;
		struct dma_error e;
		int err;

		opts.noncoherent = n % 2 == 0;
		fail_rig_open(&r, &opts, false, false);
		leave_behind(&r);
		sim_machine_leaks(r.machine, &before);
		fail_rig_arm(&r, n);
		err = dma_device_quiesced(r.made);
		site = fail_rig_disarm(&r);
		if (err != 0) {
			assert_int_equal(err, -EIO);
			assert_true(site >= 0);
			assert_ok(dma_last_error(r.made, &e));
			assert_int_equal(e.err, -EIO);
			sim_machine_leaks(r.machine, &after);
			assert_u64_equal(after.pages, before.pages);
			assert_u64_equal(after.cpu_maps, before.cpu_maps);
			assert_ok(dma_device_quiesced(r.made));
		}
		fail_rig_close(&r);
	}
}
