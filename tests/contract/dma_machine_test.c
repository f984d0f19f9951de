/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the DMA API promises, over every ops table and format, on the simulated machine: a device
 * does DMA, and what it finds is compared with what the CPU or a user program wrote, and
 * the other way. One scenario a test, every wiring in each.
 */
#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>

#include "platform/sim/sim_platform.h"
#include "sim/smmuv3.h"
#include "tests/support/check.h"
#include "tests/support/segv.h"

#define SID 3u

/* A way to wire a device; `granule_lg2` 0: no IOMMU. */
struct wiring {
	const char *name;
	uint32_t granule_lg2;
	bool noncoherent;
	bool deferred;
};

static const struct wiring wirings[] = {
	{ "direct, coherent", 0, false, false },
	{ "direct, non-coherent", 0, true, false },
	{ "4k, coherent, strict", 12, false, false },
	{ "4k, non-coherent, deferred", 12, true, true },
	{ "16k, coherent, deferred", 14, false, true },
	{ "16k, non-coherent, strict", 14, true, false },
	{ "64k, coherent, strict", 16, false, false },
	{ "64k, non-coherent, deferred", 16, true, true },
};

#define NR_WIRINGS (sizeof(wirings) / sizeof(wirings[0]))

struct rig {
	const struct wiring *w;
	struct sim_machine *machine;
	struct dma_platform *p;
	struct dma_iommu *iommu;
	struct dma_device *dev;
};

static void rig_open(struct rig *r, const struct wiring *w, uint64_t seed)
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	struct sim_smmuv3_cfg smmu;
	struct sim_machine_cfg cfg = {
		.ram_bytes = (uint64_t)32 << 20,
		.carveout_bytes = (uint64_t)1 << 20,
		.page_lg2 = w->granule_lg2 != 0 ? w->granule_lg2 : 12,
		.seed = seed,
		.frag = SIM_FRAG_SCATTER,
		.noncoherent = w->noncoherent,
		.smmu = w->granule_lg2 != 0 ? &smmu : NULL,
		.log_max = DMA_LOG_ERR,
	};
	struct dma_device_desc desc = { .name = w->name,
					.coherent = !w->noncoherent,
					.deferred = w->deferred,
					.requester = SID };

	memset(r, 0, sizeof(*r));
	r->w = w;
	sim_smmuv3_cfg_default(&smmu);
	smmu.coherent = !w->noncoherent;
	smmu.seed = seed;
	assert_ok(sim_machine_open(&cfg, &r->machine));
	r->p = sim_machine_platform(r->machine);
	assert_ok(sim_bus_add_requester(sim_machine_bus(r->machine),
					&(struct sim_requester){ .sid = SID,
								 .addr_bits = 64,
								 .snoop = !w->noncoherent,
								 .no_iommu = w->granule_lg2 == 0,
								 .name = "dev" }));
	if (w->granule_lg2 != 0)
		assert_ok(dma_iommu_open(r->p, drivers,
					 &(struct dma_iommu_desc){ .mmio_base = SIM_SMMU_BASE,
								   .granule_lg2 = w->granule_lg2 },
					 &r->iommu));
	desc.iommu = r->iommu;
	assert_ok(dma_device_create(r->p, &desc, &r->dev));
	assert_ok(dma_set_mask_and_coherent(r->dev, DMA_BIT_MASK(w->granule_lg2 != 0 ? 32 : 64)));
	dma_set_max_seg_size(r->dev, UINT32_MAX);
}

static void rig_close(struct rig *r)
{
	struct sim_machine_stats stats;
	struct sim_machine_leaks leaks;
	struct dma_fault fault;

	dma_device_destroy(r->dev);
	if (r->iommu != NULL) {
		assert_int_equal(dma_fault_poll(r->iommu, &fault), 0);
		assert_ok(dma_iommu_close(r->iommu));
	}
	sim_machine_stats(r->machine, &stats);
	assert_u64_equal(stats.alias_violations, 0);
	assert_u64_equal(stats.bad_frees, 0);
	assert_u64_equal(stats.edge_lines_dropped, 0);
	if (!sim_machine_close(r->machine, &leaks))
		fail_msg("%s: left: %llu pages, %llu pins, %llu maps, %llu bytes of metadata",
			 r->w->name, (unsigned long long)leaks.pages,
			 (unsigned long long)leaks.pinned_pages, (unsigned long long)leaks.cpu_maps,
			 (unsigned long long)leaks.meta_bytes);
}

static int dev_dma(struct rig *r, dma_addr_t addr, bool write, void *buf, size_t len)
{
	return sim_bus_dma(sim_machine_bus(r->machine), SID, addr, write, buf, len, NULL);
}

static void dev_write(struct rig *r, dma_addr_t addr, const unsigned char *buf, size_t len)
{
	assert_ok(dev_dma(r, addr, true, (void *)(uintptr_t)buf, len));
}

static void dev_expect(struct rig *r, dma_addr_t addr, const unsigned char *want, size_t len)
{
	static unsigned char got[1 << 20];

	assert_true(len <= sizeof(got));
	assert_ok(dev_dma(r, addr, false, got, len));
	assert_memory_equal(got, want, len);
}

/* Behind an IOMMU the access ends in a fault that names the device; take it. */
static void dev_blocked(struct rig *r, dma_addr_t addr, bool write)
{
	unsigned char byte = 0x55;
	struct dma_fault fault;

	if (r->iommu == NULL)
		return;
	assert_int_equal(dev_dma(r, addr, write, &byte, 1), -EFAULT);
	assert_int_equal(dma_fault_poll(r->iommu, &fault), 1);
	assert_ptr_equal(fault.dev, r->dev);
	assert_u64_equal(fault.iova, addr);
	assert_int_equal(fault.write, write);
}

/* After an unmap; deferred invalidation may take until the flush. */
static void dev_gone(struct rig *r, dma_addr_t addr)
{
	if (r->w->deferred)
		assert_ok(dma_domain_set_deferred(dma_device_domain(r->dev), false));
	dev_blocked(r, addr, false);
	if (r->w->deferred)
		assert_ok(dma_domain_set_deferred(dma_device_domain(r->dev), true));
}

static void pattern(unsigned char *buf, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)(i * 31 + i / 251 + seed);
}

static unsigned char data[1 << 20];
static unsigned char more[1 << 20];

static void for_each_wiring(void (*scenario)(struct rig *r))
{
	for (size_t i = 0; i < NR_WIRINGS; i++) {
		struct rig r;

		rig_open(&r, &wirings[i], 0x5eed + i);
		scenario(&r);
		rig_close(&r);
	}
}

static void lend_single(struct rig *r)
{
	const size_t len = 3 * 4096 + 256;
	unsigned char *mem = sim_machine_kmalloc(r->machine, 0x8000, 0x8000);
	dma_addr_t addr;

	assert_non_null(mem);
	pattern(data, len, 1);
	memcpy(mem + 64, data, len);
	addr = dma_map_single(r->dev, mem + 64, len, DMA_TO_DEVICE);
	assert_ok(dma_mapping_error(r->dev, addr));
	dev_expect(r, addr, data, len);
	dev_blocked(r, addr, true);
	dma_unmap_single(r->dev, addr, len, DMA_TO_DEVICE);
	dev_gone(r, addr);
	addr = dma_map_single(r->dev, mem + 64, len, DMA_FROM_DEVICE);
	assert_ok(dma_mapping_error(r->dev, addr));
	pattern(data, len, 2);
	dev_write(r, addr, data, len);
	dma_unmap_single(r->dev, addr, len, DMA_FROM_DEVICE);
	assert_memory_equal(mem + 64, data, len);
	sim_machine_kfree(r->machine, mem);
}

TEST(what_is_lent_arrives_in_both_directions_and_ends_with_unmap)
{
	for_each_wiring(lend_single);
}

static void pass_to_and_fro(struct rig *r)
{
	const size_t len = 8192;
	unsigned char *mem = sim_machine_kmalloc(r->machine, len, 4096);
	dma_addr_t addr = dma_map_single(r->dev, mem, len, DMA_BIDIRECTIONAL);

	assert_ok(dma_mapping_error(r->dev, addr));
	for (unsigned int round = 0; round < 5; round++) {
		pattern(data, len, round);
		dma_sync_single_for_cpu(r->dev, addr, len, DMA_BIDIRECTIONAL);
		memcpy(mem, data, len);
		dma_sync_single_for_device(r->dev, addr, len, DMA_BIDIRECTIONAL);
		dev_expect(r, addr, data, len);
		/* Half of it goes back and forth alone. */
		pattern(data, len / 2, round + 100);
		dev_write(r, addr + len / 2, data, len / 2);
		dma_sync_single_range_for_cpu(r->dev, addr, len / 2, len / 2, DMA_BIDIRECTIONAL);
		assert_memory_equal(mem + len / 2, data, len / 2);
		dma_sync_single_range_for_device(r->dev, addr, len / 2, len / 2, DMA_BIDIRECTIONAL);
	}
	dma_unmap_single(r->dev, addr, len, DMA_BIDIRECTIONAL);
	sim_machine_kfree(r->machine, mem);
}

TEST(ownership_goes_to_and_fro_without_unmapping)
{
	for_each_wiring(pass_to_and_fro);
}

static void share_coherent(struct rig *r)
{
	static const unsigned long attrs[] = { 0, DMA_ATTR_WRITE_COMBINE, DMA_ATTR_FORCE_CONTIGUOUS,
					       DMA_ATTR_ALLOC_SINGLE_PAGES };
	const size_t len = 300000;

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		dma_addr_t addr;
		unsigned char *cpu = dma_alloc_attrs(r->dev, len, &addr, GFP_KERNEL, attrs[i]);

		assert_non_null(cpu);
		assert_u64_equal(addr & 0x7ffff, 0);
		memset(data, 0, len);
		dev_expect(r, addr, data, len);
		assert_memory_equal(cpu, data, len);
		pattern(data, len, 3);
		memcpy(cpu, data, len);
		dev_expect(r, addr, data, len);
		pattern(data, len, 4);
		dev_write(r, addr, data, len);
		assert_memory_equal(cpu, data, len);
		dma_free_attrs(r->dev, len, cpu, addr, attrs[i]);
		dev_gone(r, addr);
	}
}

TEST(coherent_memory_needs_no_syncs)
{
	for_each_wiring(share_coherent);
}

static void alloc_noncoherent(struct rig *r)
{
	const size_t len = 100000;
	dma_addr_t addr;
	unsigned char *cpu = dma_alloc_attrs(r->dev, len, &addr, GFP_KERNEL, DMA_ATTR_NON_COHERENT);

	assert_non_null(cpu);
	pattern(data, len, 5);
	memcpy(cpu, data, len);
	dma_sync_single_for_device(r->dev, addr, len, DMA_BIDIRECTIONAL);
	dev_expect(r, addr, data, len);
	pattern(data, len, 6);
	dev_write(r, addr, data, len);
	dma_sync_single_for_cpu(r->dev, addr, len, DMA_BIDIRECTIONAL);
	assert_memory_equal(cpu, data, len);
	dma_free_attrs(r->dev, len, cpu, addr, DMA_ATTR_NON_COHERENT);
}

TEST(non_coherent_memory_is_cached_and_synced)
{
	for_each_wiring(alloc_noncoherent);
}

static void keep_unmapped(struct rig *r)
{
	const size_t len = 1 << 20;
	struct sg_table sgt;
	struct scatterlist *sg;
	unsigned int i;
	dma_addr_t addr;
	unsigned char *cookie =
		dma_alloc_attrs(r->dev, len, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);

	assert_non_null(cookie);
	assert_true(segv_touch(cookie, false));
	assert_true(segv_touch(cookie, true));
	assert_true(segv_touch(cookie + len - 1, true));
	pattern(data, len, 7);
	dev_write(r, addr, data, len);
	assert_ok(
		dma_get_sgtable_attrs(r->dev, &sgt, cookie, addr, len, DMA_ATTR_NO_KERNEL_MAPPING));
	for_each_sgtable_sg(&sgt, sg, i)
	{
		const struct dma_phys_run run = { sg->phys, sg->length };

		assert_u64_equal(sim_machine_cpu_mapped_bytes(r->machine, &run, 1), 0);
	}
	sg_free_table(&sgt);
	dev_expect(r, addr, data, len);
	dma_free_attrs(r->dev, len, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
}

TEST(memory_without_kernel_mapping_has_none_and_its_cookie_faults)
{
	for_each_wiring(keep_unmapped);
}

static void show_to_program(struct rig *r)
{
	static const unsigned long attrs[] = { 0, DMA_ATTR_NO_KERNEL_MAPPING,
					       DMA_ATTR_WRITE_COMBINE };
	uint64_t page = (uint64_t)1 << r->p->page_lg2;
	struct dma_as *as;

	assert_ok(sim_as_new(r->machine, &as));
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		const size_t len = 5 * (size_t)page;
		struct dma_vma vma = { .as = as, .pgoff = 1 };
		dma_addr_t addr;
		void *cpu = dma_alloc_attrs(r->dev, len, &addr, GFP_KERNEL, attrs[i]);

		assert_non_null(cpu);
		vma.start = sim_as_find_free(as, 3 * page);
		vma.end = vma.start + 3 * page;
		assert_ok(dma_mmap_attrs(r->dev, &vma, cpu, addr, len, attrs[i]));
		pattern(data, 3 * (size_t)page, 8);
		dev_write(r, addr + page, data, 3 * (size_t)page);
		assert_memory_equal(sim_as_ptr(as, vma.start), data, 3 * (size_t)page);
		pattern(data, 3 * (size_t)page, 9);
		memcpy(sim_as_ptr(as, vma.start), data, 3 * (size_t)page);
		dev_expect(r, addr + page, data, 3 * (size_t)page);
		r->p->as_unmap(r->p, as, vma.start, 3 * page);
		dma_free_attrs(r->dev, len, cpu, addr, attrs[i]);
	}
	sim_as_exit(as);
}

TEST(a_program_sees_the_same_bytes_with_the_same_memory_type)
{
	for_each_wiring(show_to_program);
}

static void take_user_memory(struct rig *r)
{
	const size_t len = 300000 / 256 * 256;
	const uint64_t off = 5 * 256;
	struct dma_user_map *map;
	struct sim_as_stats stats;
	struct dma_as *as;
	uint64_t uaddr;
	dma_addr_t addr;

	assert_ok(sim_as_new(r->machine, &as));
	assert_ok(sim_as_alloc(as, len + off, 0, &uaddr));
	pattern(data, len, 10);
	memcpy(sim_as_ptr(as, uaddr + off), data, len);
	assert_ok(dma_map_user(r->dev, as, uaddr + off, len, DMA_BIDIRECTIONAL, 0, &map));
	addr = dma_user_map_addr(map);
	if (r->iommu != NULL) {
		/* However scattered, it is one range, and keeps its place in the page. */
		assert_int_equal(dma_user_map_sgtable(map)->nents, 1);
		assert_true(dma_user_map_sgtable(map)->orig_nents > 1);
		assert_u64_equal(addr & (((uint64_t)1 << r->w->granule_lg2) - 1), off);
		dev_expect(r, addr, data, len);
		pattern(more, len, 11);
		dev_write(r, addr, more, len);
		dma_sync_user_for_cpu(map);
		assert_memory_equal(sim_as_ptr(as, uaddr + off), more, len);
		memcpy(sim_as_ptr(as, uaddr + off), data, len);
		dma_sync_user_for_device(map);
		dev_expect(r, addr, data, len);
	} else {
		const struct sg_table *sgt = dma_user_map_sgtable(map);
		struct scatterlist *sg;
		size_t done = 0;
		unsigned int i;

		for_each_sgtable_dma_sg(sgt, sg, i)
		{
			dev_expect(r, sg_dma_address(sg), data + done, sg_dma_len(sg));
			done += sg_dma_len(sg);
		}
		assert_u64_equal(done, len);
	}
	dma_unmap_user(map);
	dev_gone(r, addr);
	sim_as_stats(as, &stats);
	assert_u64_equal(stats.locked_bytes, 0);
	assert_true(stats.dirtied_pages >= len >> r->p->page_lg2);
	sim_as_exit(as);
}

TEST(user_memory_is_one_range_for_the_device_at_its_offset)
{
	for_each_wiring(take_user_memory);
}

static void take_carveout(struct rig *r)
{
	struct dma_user_map *map;
	struct dma_as *as;
	phys_addr_t phys;
	uint64_t bytes;
	uint64_t uaddr;

	sim_machine_carveout(r->machine, &phys, &bytes);
	assert_ok(sim_as_new(r->machine, &as));
	assert_ok(sim_as_map_pfn(as, phys, 65536, DMA_MEM_WB, &uaddr));
	pattern(data, 65536, 12);
	memcpy(sim_as_ptr(as, uaddr), data, 65536);
	assert_int_equal(dma_map_user(r->dev, as, uaddr, 65536, DMA_TO_DEVICE, DMA_ATTR_MMIO, &map),
			 -EINVAL);
	assert_ok(dma_map_user(r->dev, as, uaddr, 65536, DMA_TO_DEVICE, 0, &map));
	dev_expect(r, dma_user_map_addr(map), data, 65536);
	dma_unmap_user(map);
	sim_as_exit(as);
}

TEST(memory_that_nobody_counts_is_mapped_and_synced_like_ram)
{
	for_each_wiring(take_carveout);
}

/* From one device to another: the second one maps what the first one got. */
static void hand_over(struct rig *r)
{
	const size_t len = 500000;
	struct sg_table sgt;
	struct dma_device *other;
	dma_addr_t addr;
	void *cookie;
	struct dma_device_desc desc = { .name = "other",
					.coherent = !r->w->noncoherent,
					.iommu = r->iommu,
					.requester = SID + 1 };

	assert_ok(sim_bus_add_requester(sim_machine_bus(r->machine),
					&(struct sim_requester){ .sid = SID + 1,
								 .addr_bits = 64,
								 .snoop = !r->w->noncoherent,
								 .no_iommu = r->iommu == NULL,
								 .name = "other" }));
	assert_ok(dma_device_create(r->p, &desc, &other));
	assert_ok(dma_set_mask_and_coherent(other, DMA_BIT_MASK(r->iommu != NULL ? 28 : 64)));
	dma_set_max_seg_size(other, UINT32_MAX);
	cookie = dma_alloc_attrs(r->dev, len, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	assert_non_null(cookie);
	assert_ok(
		dma_get_sgtable_attrs(r->dev, &sgt, cookie, addr, len, DMA_ATTR_NO_KERNEL_MAPPING));
	assert_ok(dma_map_sgtable(other, &sgt, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC));
	assert_int_equal(sgt.nents, 1);
	pattern(data, len, 13);
	dev_write(r, addr, data, len);
	assert_ok(sim_bus_dma(sim_machine_bus(r->machine), SID + 1, sg_dma_address(sgt.sgl), false,
			      more, len, NULL));
	assert_memory_equal(more, data, len);
	dma_unmap_sgtable(other, &sgt, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&sgt);
	dma_free_attrs(r->dev, len, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	dma_device_destroy(other);
}

TEST(a_buffer_goes_from_device_to_device_without_a_copy)
{
	for_each_wiring(hand_over);
}

/*
 * Fail every request in turn: the documented error, and nothing left. Caches (tables, IOVA, the
 * table of buffers) may have grown, so they are filled by one run that succeeds and given back.
 */
static int scenario(struct rig *r, struct dma_as *as, uint64_t uaddr)
{
	struct dma_user_map *map;
	struct sg_table sgt;
	dma_addr_t addr;
	int err = -ENOMEM;
	void *cpu;

	cpu = dma_alloc_attrs(r->dev, 200000, &addr, GFP_KERNEL, DMA_ATTR_NO_WARN);
	if (cpu == NULL)
		return err;
	err = dma_get_sgtable(r->dev, &sgt, cpu, addr, 200000);
	if (err != 0)
		goto free;
	err = dma_map_sgtable(r->dev, &sgt, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
	if (err != 0)
		goto free_table;
	err = dma_map_user(r->dev, as, uaddr + 256, 150016, DMA_FROM_DEVICE, 0, &map);
	if (err == 0)
		dma_unmap_user(map);
	dma_unmap_sgtable(r->dev, &sgt, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
free_table:
	sg_free_table(&sgt);
free:
	dma_free_attrs(r->dev, 200000, cpu, addr, DMA_ATTR_NO_WARN);
	return err;
}

static void fail_in_turn(struct rig *r)
{
	struct sim_machine_leaks before;
	struct sim_machine_leaks after;
	struct dma_as *as;
	uint64_t uaddr;
	uint64_t nth;
	int err;

	assert_ok(sim_as_new(r->machine, &as));
	assert_ok(sim_as_alloc(as, 0x30000, 0, &uaddr));
	assert_ok(scenario(r, as, uaddr));
	dma_trim(r->dev);
	sim_machine_leaks(r->machine, &before);
	for (nth = 1;; nth++) {
		uint64_t asked_before[5], failed_before[5];
		uint64_t failed = 0;

		for (int s = 0; s < 5; s++)
			sim_machine_inject_counts(r->machine, (enum dma_inject_site)s,
						  &asked_before[s], &failed_before[s]);
		sim_machine_fail_nth(r->machine, nth);
		err = scenario(r, as, uaddr);
		sim_machine_fail_nth(r->machine, 0);
		for (int s = 0; s < 5; s++) {
			uint64_t asked;
			uint64_t now;

			sim_machine_inject_counts(r->machine, (enum dma_inject_site)s, &asked,
						  &now);
			failed += now - failed_before[s];
		}
		if (failed == 0)
			break;
		/* Some requests may fail without harm: a larger piece, a cache. */
		assert_true(err == 0 || err == -ENOMEM);
		dma_trim(r->dev);
		sim_machine_leaks(r->machine, &after);
		assert_u64_equal(after.pinned_pages, 0);
		assert_u64_equal(after.cpu_maps, before.cpu_maps);
		assert_u64_equal(after.tokens, before.tokens);
		assert_true(after.pages <= before.pages);
	}
	assert_ok(err);
	assert_true(nth > 7);
	sim_as_exit(as);
}

TEST(every_request_that_fails_leaves_nothing_behind)
{
	for_each_wiring(fail_in_turn);
}

static void narrow_masks(struct rig *r)
{
	uint64_t mask = dma_get_mask(r->dev);
	struct dma_error e;
	dma_addr_t addr;

	if (r->iommu == NULL)
		return;
	/* IOVA 0 is nobody's, so one granule is not an aperture, and two are. */
	assert_int_equal(dma_set_mask(r->dev, ((uint64_t)1 << r->w->granule_lg2) - 1), -EIO);
	assert_ok(dma_last_error(r->dev, &e));
	assert_string_equal(dma_rule_name(e.rule), "mask");
	assert_u64_equal(e.need, ((uint64_t)2 << r->w->granule_lg2) - 1);
	assert_u64_equal(dma_get_mask(r->dev), mask);
	assert_ok(dma_set_mask_and_coherent(r->dev, DMA_BIT_MASK(24)));
	addr = dma_map_phys(r->dev, SIM_RAM_BASE, 256, DMA_TO_DEVICE, 0);
	assert_ok(dma_mapping_error(r->dev, addr));
	assert_true(addr <= DMA_BIT_MASK(24) - 255);
	dma_unmap_phys(r->dev, addr, 256, DMA_TO_DEVICE, 0);
}

TEST(behind_an_iommu_any_mask_with_an_aperture_will_do)
{
	for_each_wiring(narrow_masks);
}

static dma_addr_t table_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			    enum dma_data_direction dir, unsigned long attrs,
			    enum dma_origin origin)
{
	(void)dev;
	(void)size;
	(void)dir;
	(void)attrs;
	(void)origin;
	return phys ^ 0x1000000;
}

static void table_unmap(struct dma_device *dev, dma_addr_t addr, size_t size,
			enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)addr;
	(void)size;
	(void)dir;
	(void)attrs;
	(void)origin;
}

static void keep_table(struct rig *r)
{
	static const struct dma_map_ops table = { .size = sizeof(table),
						  .map_phys = table_map,
						  .unmap_phys = table_unmap };
	struct dma_domain *dom;

	if (r->iommu == NULL)
		return;
	assert_ok(dma_device_set_ops(r->dev, &table));
	assert_ok(dma_domain_alloc(r->iommu, DMA_DOMAIN_UNMANAGED, &dom));
	assert_ok(dma_domain_attach(dom, r->dev));
	assert_u64_equal(dma_map_phys(r->dev, SIM_RAM_BASE, 64, DMA_TO_DEVICE, 0),
			 SIM_RAM_BASE ^ 0x1000000);
	assert_ok(dma_domain_detach(r->dev));
	assert_true(dma_device_get_ops(r->dev)->map_phys == table_map);
	assert_ok(dma_domain_free(dom));
	assert_ok(dma_device_set_ops(r->dev, NULL));
	assert_u64_equal(dma_map_phys(r->dev, SIM_RAM_BASE, 64, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
}

TEST(a_table_of_the_users_survives_a_change_of_domain)
{
	for_each_wiring(keep_table);
}
