/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/map.c, check.c, direct.c: one range, without an IOMMU. Every documented error by name. */
#include "tests/support/dma_fixture.h"

static const struct host_options with_mmio = {
	.cache_line = 64,
	.mmio_phys = 0x10000000,
	.mmio_bytes = 0x10000,
};

static void init64(struct dma_fixture *f, bool coherent)
{
	const struct dma_device_desc desc = { .name = "dev", .coherent = coherent };

	dma_fixture_init(f, &with_mmio, &desc);
	assert_ok(dma_set_mask_and_coherent(f->dev, DMA_BIT_MASK(64)));
}

TEST(a_direct_map_is_phys_and_needs_no_unmap)
{
	struct dma_fixture f;
	dma_addr_t addr;

	init64(&f, true);
	addr = dma_map_phys(f.dev, RAM_BASE + 0x1234, 77, DMA_TO_DEVICE, 0);
	assert_ok(dma_mapping_error(f.dev, addr));
	assert_u64_equal(addr, RAM_BASE + 0x1234);
	assert_false(dma_need_unmap(f.dev));
	assert_false(dma_need_sync(f.dev, addr));
	dma_unmap_phys(f.dev, addr, 77, DMA_TO_DEVICE, 0);
	assert_int_equal(f.nr_cache_ops, 0);
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

TEST(a_map_reaches_the_last_byte_of_ram_and_not_one_more)
{
	struct dma_fixture f;

	init64(&f, true);
	assert_u64_equal(dma_map_phys(f.dev, RAM_LAST, 1, DMA_TO_DEVICE, 0), RAM_LAST);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, RAM_BYTES, DMA_TO_DEVICE, 0), RAM_BASE);
	assert_u64_equal(dma_map_phys(f.dev, RAM_LAST, 2, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_NOT_RAM, RAM_LAST + 1, RAM_LAST);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE - 1, 2, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_NOT_RAM, RAM_BASE - 1, RAM_LAST);
	dma_fixture_fini(&f);
}

TEST(zero_length_is_refused_by_name)
{
	struct dma_fixture f;
	dma_addr_t addr;

	init64(&f, true);
	addr = dma_map_phys(f.dev, RAM_BASE, 0, DMA_TO_DEVICE, 0);
	assert_int_equal(dma_mapping_error(f.dev, addr), -ENOMEM);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	dma_unmap_phys(f.dev, RAM_BASE, 0, DMA_TO_DEVICE, 0);
	dma_fixture_expect(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	dma_sync_single_for_cpu(f.dev, RAM_BASE, 0, DMA_TO_DEVICE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	dma_fixture_fini(&f);
}

TEST(overflow_is_refused_by_name)
{
	struct dma_fixture f;

	init64(&f, true);
	assert_u64_equal(dma_map_phys(f.dev, UINT64_MAX - 15, 17, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_OVERFLOW, 17, 16);
	dma_unmap_phys(f.dev, UINT64_MAX - 15, 17, DMA_TO_DEVICE, 0);
	dma_fixture_expect(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_OVERFLOW, 17, 16);
	dma_sync_single_for_device(f.dev, UINT64_MAX - 15, 17, DMA_TO_DEVICE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_OVERFLOW, 17, 16);
	/* All of the top but the error value itself is a length that fits, and is not RAM. */
	assert_u64_equal(dma_map_phys(f.dev, UINT64_MAX - 15, 16, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_NOT_RAM, UINT64_MAX - 15,
			   RAM_LAST);
	dma_fixture_fini(&f);
}

TEST(directions_that_do_not_map_are_refused_by_name)
{
	struct dma_fixture f;

	init64(&f, true);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_NONE, 0), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE,
			   DMA_FROM_DEVICE);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, (enum dma_data_direction)99, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_DIRECTION, 99, DMA_FROM_DEVICE);
	dma_unmap_phys(f.dev, RAM_BASE, 64, DMA_NONE, 0);
	dma_fixture_expect(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE,
			   DMA_FROM_DEVICE);
	dma_sync_single_for_cpu(f.dev, RAM_BASE, 64, DMA_NONE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE, DMA_FROM_DEVICE);
	dma_fixture_fini(&f);
}

TEST(the_mask_bounds_the_last_byte)
{
	struct dma_fixture f;

	init64(&f, true);
	assert_ok(dma_set_mask(f.dev, RAM_BASE + 0xfff));
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 0x1000, DMA_TO_DEVICE, 0), RAM_BASE);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 0x1001, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_MASK, RAM_BASE + 0x1000,
			   RAM_BASE + 0xfff);
	dma_fixture_fini(&f);
}

TEST(the_bus_limit_clamps_the_mask)
{
	const struct dma_device_desc desc = { .coherent = true,
					      .bus_dma_limit = RAM_BASE + 0x7fff };
	struct dma_fixture f;

	dma_fixture_init(&f, NULL, &desc);
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(64)));
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 0x7000, 0x1000, DMA_TO_DEVICE, 0),
			 RAM_BASE + 0x7000);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 0x7000, 0x1001, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_MASK, RAM_BASE + 0x8000,
			   RAM_BASE + 0x7fff);
	dma_fixture_fini(&f);
}

TEST(a_page_is_an_encoded_pointer_and_its_offset_may_exceed_it)
{
	struct dma_fixture f;
	struct page *page = dma_page_of_phys(RAM_BASE);

	init64(&f, true);
	assert_u64_equal(dma_page_to_phys(page), RAM_BASE);
	assert_u64_equal(dma_map_page(f.dev, page, 0x2345, 16, DMA_FROM_DEVICE), RAM_BASE + 0x2345);
	dma_unmap_page(f.dev, RAM_BASE + 0x2345, 16, DMA_FROM_DEVICE);
	assert_u64_equal(dma_map_page(f.dev, page, 0, 0, DMA_FROM_DEVICE), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PAGE, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	assert_u64_equal(dma_map_page_attrs(f.dev, page, 0, 16, DMA_FROM_DEVICE, DMA_ATTR_MMIO),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PAGE, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_MMIO, 0);
	dma_fixture_fini(&f);
}

TEST(a_pointer_taken_for_a_page_is_refused)
{
	struct dma_fixture f;

	if (sizeof(uintptr_t) < 8)
		skip_test("every pointer of 32 bits is a page number");
	init64(&f, true);
	assert_u64_equal(
		dma_map_page(f.dev, (struct page *)(uintptr_t)(RAM_BASE >> 12 | (uint64_t)1 << 60),
			     0, 16, DMA_TO_DEVICE),
		DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PAGE, -EINVAL, DMA_RULE_OVERFLOW, 0, 0 - RAM_BASE);
	dma_fixture_fini(&f);
}

TEST(map_single_takes_ordinary_memory_only)
{
	struct dma_fixture f;
	char stack[16];
	char *ram;

	init64(&f, true);
	ram = host_platform_ram(&f.h, RAM_BASE + 0x4000);
	assert_u64_equal(dma_map_single(f.dev, ram, 100, DMA_TO_DEVICE), RAM_BASE + 0x4000);
	dma_unmap_single(f.dev, RAM_BASE + 0x4000, 100, DMA_TO_DEVICE);
	assert_u64_equal(dma_map_single(f.dev, stack, 16, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_SINGLE, -EINVAL, DMA_RULE_NOT_LINEAR, 0, 16);
	/* It starts in RAM and ends where nothing is. */
	ram = host_platform_ram(&f.h, RAM_LAST);
	assert_u64_equal(dma_map_single(f.dev, ram, 2, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_SINGLE, -EINVAL, DMA_RULE_NOT_LINEAR, RAM_LAST, 2);
	dma_fixture_fini(&f);
}

TEST(resources_are_mmio_and_ram_is_not)
{
	struct dma_fixture f;

	init64(&f, false);
	assert_u64_equal(dma_map_resource(f.dev, 0x10000100, 8, DMA_BIDIRECTIONAL, 0), 0x10000100);
	dma_unmap_resource(f.dev, 0x10000100, 8, DMA_BIDIRECTIONAL, 0);
	assert_u64_equal(dma_map_phys(f.dev, 0x10000100, 8, DMA_BIDIRECTIONAL, DMA_ATTR_MMIO),
			 0x10000100);
	dma_unmap_phys(f.dev, 0x10000100, 8, DMA_BIDIRECTIONAL, DMA_ATTR_MMIO);
	/* Unaligned, on a device that does not snoop: caches have no part in it. */
	assert_int_equal(f.nr_cache_ops, 0);
	assert_u64_equal(dma_map_phys(f.dev, 0x10000100, 8, DMA_BIDIRECTIONAL, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_NOT_RAM, 0x10000100, RAM_LAST);
	assert_u64_equal(dma_map_resource(f.dev, RAM_BASE, 64, DMA_BIDIRECTIONAL, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_RESOURCE, -EINVAL, DMA_RULE_IS_RAM, RAM_BASE, 0);
	assert_u64_equal(dma_map_resource(f.dev, 0x20000000, 64, DMA_BIDIRECTIONAL, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_RESOURCE, -EINVAL, DMA_RULE_NOT_MAPPED, 0x20000000, 0);
	dma_fixture_fini(&f);
}

TEST(contracts_are_kept_or_refused_and_hints_never)
{
	struct dma_fixture f;

	init64(&f, false);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_CC_SHARED, 0);
	assert_u64_equal(
		dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT),
		DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_REQUIRE_COHERENT,
			   0);
	assert_int_equal(f.nr_cache_ops, 0);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_HINTS),
			 RAM_BASE);
	dma_unmap_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_HINTS);
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
	init64(&f, true);
	assert_u64_equal(
		dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT),
		RAM_BASE);
	dma_fixture_fini(&f);
}

TEST(unknown_attributes_are_ignored_and_logged_once)
{
	struct dma_fixture f;

	init64(&f, true);
	for (int i = 0; i < 3; i++)
		assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, 1ul << 30),
				 RAM_BASE);
	assert_int_equal(f.h.nr_logs, 1);
	assert_string_equal(f.h.last_log, "dma: unknown attributes are ignored: 0x40000000");
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, 1ul << 0), RAM_BASE);
	assert_int_equal(f.h.nr_logs, 2);
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

TEST(a_device_that_does_not_snoop_gets_clean_before_and_invalidate_after)
{
	static const enum dma_data_direction dirs[] = { DMA_TO_DEVICE, DMA_FROM_DEVICE,
							DMA_BIDIRECTIONAL };

	for (int i = 0; i < 3; i++) {
		struct dma_fixture f;

		init64(&f, false);
		assert_true(dma_need_unmap(f.dev));
		assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 64, 128, dirs[i], 0),
				 RAM_BASE + 64);
		assert_int_equal(f.nr_cache_ops, 1);
		dma_fixture_expect_cache(&f, 0, FIXTURE_CLEAN, RAM_BASE + 64, 128);
		dma_unmap_phys(f.dev, RAM_BASE + 64, 128, dirs[i], 0);
		assert_int_equal(f.nr_cache_ops, dirs[i] == DMA_TO_DEVICE ? 1 : 2);
		if (dirs[i] != DMA_TO_DEVICE)
			dma_fixture_expect_cache(&f, 1, FIXTURE_INV, RAM_BASE + 64, 128);
		dma_fixture_fini(&f);
	}
}

TEST(syncs_follow_the_same_rule_and_may_take_a_part)
{
	struct dma_fixture f;

	init64(&f, false);
	assert_true(dma_need_sync(f.dev, RAM_BASE));
	dma_sync_single_range_for_cpu(f.dev, RAM_BASE, 64, 64, DMA_FROM_DEVICE);
	dma_fixture_expect_cache(&f, 0, FIXTURE_INV, RAM_BASE + 64, 64);
	dma_sync_single_range_for_device(f.dev, RAM_BASE, 64, 64, DMA_FROM_DEVICE);
	dma_fixture_expect_cache(&f, 1, FIXTURE_CLEAN, RAM_BASE + 64, 64);
	dma_sync_single_for_cpu(f.dev, RAM_BASE, 64, DMA_TO_DEVICE);
	assert_int_equal(f.nr_cache_ops, 2);
	dma_sync_single_for_device(f.dev, RAM_BASE, 64, DMA_TO_DEVICE);
	dma_fixture_expect_cache(&f, 2, FIXTURE_CLEAN, RAM_BASE, 64);
	dma_fixture_fini(&f);
}

TEST(skip_cpu_sync_leaves_the_caches_alone_and_never_fails)
{
	struct dma_fixture f;

	init64(&f, false);
	/* Not aligned: the duty is the caller's, and so are the lines. */
	assert_u64_equal(
		dma_map_phys(f.dev, RAM_BASE + 3, 10, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC),
		RAM_BASE + 3);
	dma_unmap_phys(f.dev, RAM_BASE + 3, 10, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	assert_int_equal(f.nr_cache_ops, 0);
	dma_fixture_fini(&f);
}

TEST(a_shared_cache_line_is_refused_only_when_the_device_writes)
{
	struct dma_fixture f;

	init64(&f, false);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 32, 96, DMA_FROM_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_CACHE_LINE, RAM_BASE + 32, 64);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 96, DMA_BIDIRECTIONAL, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_CACHE_LINE, RAM_BASE + 96, 64);
	assert_int_equal(f.nr_cache_ops, 0);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 32, 96, DMA_TO_DEVICE, 0), RAM_BASE + 32);
	dma_fixture_fini(&f);
	init64(&f, true);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 32, 96, DMA_FROM_DEVICE, 0), RAM_BASE + 32);
	dma_fixture_fini(&f);
}

TEST(ram_that_nobody_counts_is_still_ram)
{
	struct dma_fixture f;

	init64(&f, false);
	f.unowned_phys = RAM_BASE + 0x100000;
	f.unowned_bytes = 0x100000;
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 0xff000, 0x2000, DMA_TO_DEVICE, 0),
			 RAM_BASE + 0xff000);
	dma_fixture_expect_cache(&f, 0, FIXTURE_CLEAN, RAM_BASE + 0xff000, 0x2000);
	assert_u64_equal(dma_map_resource(f.dev, RAM_BASE + 0x100000, 64, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_RESOURCE, -EINVAL, DMA_RULE_IS_RAM, RAM_BASE + 0x100000,
			   0);
	dma_fixture_fini(&f);
}

TEST(names_of_memory_are_no_dma_addresses)
{
	const struct dma_device_desc desc = { .coherent = true };
	struct dma_device *dev;
	struct dma_fixture f;
	struct dma_error e;

	dma_fixture_init(&f, NULL, NULL);
	f.p->phys_is_name = true;
	assert_ok(dma_device_create(f.p, &desc, &dev));
	assert_u64_equal(dma_map_phys(dev, RAM_BASE, 64, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	assert_ok(dma_last_error(dev, &e));
	assert_string_equal(dma_rule_name(e.rule), "unsupported");
	assert_null(dma_alloc_coherent(dev, 64, &(dma_addr_t){ 0 }, GFP_KERNEL));
	assert_ok(dma_last_error(dev, &e));
	assert_string_equal(dma_rule_name(e.rule), "unsupported");
	dma_device_destroy(dev);
	dma_fixture_fini(&f);
}

TEST(the_last_four_failures_of_a_context_are_kept)
{
	struct dma_fixture f;
	struct dma_device *other;
	struct dma_error e;

	init64(&f, true);
	assert_ok(dma_device_create(f.p, &(struct dma_device_desc){ .coherent = true }, &other));
	(void)!dma_map_phys(other, RAM_BASE, 0, DMA_TO_DEVICE, 0);
	for (int i = 0; i < 3; i++)
		(void)!dma_map_phys(f.dev, RAM_BASE, 64, DMA_NONE, 0);
	assert_ok(dma_last_error(other, &e));
	assert_string_equal(dma_rule_name(e.rule), "length");
	assert_ok(dma_last_error(NULL, &e));
	assert_string_equal(dma_rule_name(e.rule), "direction");
	(void)!dma_map_phys(f.dev, RAM_BASE, 64, DMA_NONE, 0);
	assert_int_equal(dma_last_error(other, &e), -ENOENT);
	dma_device_destroy(other);
	dma_fixture_fini(&f);
}

TEST(the_error_value_is_never_an_address)
{
	static const struct dma_range top[] = { { RAM_BASE, UINT64_MAX - 4095, 4096 }, { 0 } };
	struct dma_fixture f;

	dma_fixture_init(&f, NULL, &(struct dma_device_desc){ .coherent = true, .ranges = top });
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(64)));
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 4094, 1, DMA_TO_DEVICE, 0), UINT64_MAX - 1);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE + 4095, 1, DMA_TO_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_MASK, UINT64_MAX, UINT64_MAX - 1);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 4096, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	dma_fixture_fini(&f);
}
