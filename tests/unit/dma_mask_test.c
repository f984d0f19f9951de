/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/mask.c: masks and limits without an IOMMU (rules.md 2.2). */
#include "tests/support/dma_fixture.h"

TEST(masks_start_at_32_bits_and_32_bits_are_always_accepted)
{
	struct dma_fixture f;

	/* RAM starts at 4 GiB: none of it can be reached, and Linux drivers expect no error. */
	dma_fixture_init(&f, NULL, NULL);
	assert_u64_equal(dma_get_mask(f.dev), DMA_BIT_MASK(32));
	assert_ok(dma_set_mask_and_coherent(f.dev, DMA_BIT_MASK(32)));
	assert_ok(dma_set_mask_and_coherent(f.dev, DMA_BIT_MASK(64)));
	assert_u64_equal(dma_get_mask(f.dev), UINT64_MAX);
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(40)));
	assert_u64_equal(dma_get_mask(f.dev), DMA_BIT_MASK(40));
	dma_fixture_fini(&f);
}

TEST(a_mask_below_all_ram_is_refused_and_changes_nothing)
{
	static const struct dma_range at16m[] = { { RAM_BASE, 0x1000000, RAM_BYTES }, { 0 } };
	const struct dma_device_desc desc = { .coherent = true, .ranges = at16m };
	struct dma_fixture f;

	dma_fixture_init(&f, NULL, &desc);
	assert_ok(dma_set_mask(f.dev, 0x1ffffff));
	assert_int_equal(dma_set_mask(f.dev, DMA_BIT_MASK(24)), -EIO);
	dma_fixture_expect(&f, DMA_OP_SET_MASK, -EIO, DMA_RULE_MASK, 0xffffff, 0x1000000);
	assert_int_equal(dma_set_mask_and_coherent(f.dev, 0), -EIO);
	dma_fixture_expect(&f, DMA_OP_SET_MASK, -EIO, DMA_RULE_MASK, 0, 0x1000000);
	assert_int_equal(dma_set_coherent_mask(f.dev, DMA_BIT_MASK(20)), -EIO);
	assert_u64_equal(dma_get_mask(f.dev), 0x1ffffff);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 0x1000000, DMA_TO_DEVICE, 0), 0x1000000);
	dma_fixture_fini(&f);
}

TEST(the_required_mask_covers_the_last_byte_of_memory)
{
	static const struct dma_range low[] = { { RAM_BASE, 0, RAM_BYTES }, { 0 } };
	struct dma_fixture f;

	dma_fixture_init(&f, NULL, NULL);
	assert_u64_equal(dma_get_required_mask(f.dev), DMA_BIT_MASK(33));
	assert_true(dma_addressing_limited(f.dev));
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(33)));
	assert_false(dma_addressing_limited(f.dev));
	dma_fixture_fini(&f);
	dma_fixture_init(&f, NULL, &(struct dma_device_desc){ .coherent = true, .ranges = low });
	assert_u64_equal(dma_get_required_mask(f.dev), DMA_BIT_MASK(24));
	assert_false(dma_addressing_limited(f.dev));
	dma_fixture_fini(&f);
}

TEST(memory_outside_the_windows_limits_a_device_with_any_mask)
{
	static const struct dma_range half[] = { { RAM_BASE, 0, RAM_BYTES / 2 }, { 0 } };
	struct dma_fixture f;

	dma_fixture_init(&f, NULL, &(struct dma_device_desc){ .coherent = true, .ranges = half });
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(64)));
	assert_true(dma_addressing_limited(f.dev));
	dma_fixture_fini(&f);
}

TEST(limits_have_linux_defaults_and_refuse_nonsense)
{
	struct dma_fixture f;

	dma_fixture_init(&f, &(struct host_options){ .cache_line = 128 }, NULL);
	assert_int_equal(dma_get_max_seg_size(f.dev), 65536);
	assert_u64_equal(dma_get_seg_boundary(f.dev), UINT64_MAX);
	assert_int_equal(dma_get_min_align_mask(f.dev), 0);
	assert_true(dma_max_mapping_size(f.dev) == SIZE_MAX);
	assert_true(dma_opt_mapping_size(f.dev) == SIZE_MAX);
	assert_int_equal(dma_get_merge_boundary(f.dev), 0);
	assert_int_equal(dma_get_cache_alignment(f.dev), 128);
	dma_set_max_seg_size(f.dev, 0);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	dma_set_seg_boundary(f.dev, 0xfff0);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_ALIGN, 0xfff0, 0xffff);
	dma_set_min_align_mask(f.dev, 5);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_ALIGN, 5, 7);
	dma_set_max_seg_size(f.dev, 4096);
	dma_set_seg_boundary(f.dev, 0xffff);
	dma_set_min_align_mask(f.dev, 4095);
	assert_int_equal(dma_get_max_seg_size(f.dev), 4096);
	assert_u64_equal(dma_get_seg_boundary(f.dev), 0xffff);
	assert_int_equal(dma_get_min_align_mask(f.dev), 4095);
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

TEST(descriptions_of_devices_are_checked_by_name)
{
	static const struct dma_range wraps[] = { { UINT64_MAX - 10, 0, 12 }, { 0 } };
	static const struct dma_range wraps_dma[] = { { 0, UINT64_MAX - 10, 12 }, { 0 } };
	static const struct dma_range good[] = { { RAM_BASE, 0, 4096 }, { 0 } };
	struct dma_device *dev = NULL;
	struct host_platform h;
	struct dma_error e;
	uint64_t n;

	host_platform_init(&h, NULL);
	assert_int_equal(
		dma_device_create(&h.p, &(struct dma_device_desc){ .ranges = wraps }, &dev),
		-EINVAL);
	assert_ok(dma_last_error(NULL, &e));
	assert_string_equal(dma_rule_name(e.rule), "overflow");
	assert_u64_equal(e.need, 11);
	assert_int_equal(
		dma_device_create(&h.p, &(struct dma_device_desc){ .ranges = wraps_dma }, &dev),
		-EINVAL);
	for (n = 1;; n++) {
		int err;

		host_platform_fail_nth(&h, n);
		err = dma_device_create(&h.p, &(struct dma_device_desc){ .ranges = good }, &dev);
		if (h.nr_injected == 0) {
			assert_ok(err);
			break;
		}
		assert_int_equal(err, -ENOMEM);
		assert_null(dev);
		assert_ok(dma_last_error(NULL, &e));
		assert_string_equal(dma_rule_name(e.rule), "no_meta");
		assert_int_equal(h.nr_metas, 0);
	}
	assert_int_equal(n, 3);
	dma_device_destroy(dev);
	dma_device_destroy(NULL);
	host_platform_fini(&h);
}

TEST(names_are_kept_up_to_31_bytes)
{
	struct dma_fixture f;

	dma_fixture_init(&f, NULL,
			 &(struct dma_device_desc){ .name = "0123456789012345678901234567890123",
						    .coherent = true });
	assert_string_equal(dma_device_name(f.dev), "0123456789012345678901234567890");
	assert_ptr_equal(dma_device_platform(f.dev), f.p);
	assert_null(dma_device_domain(f.dev));
	dma_fixture_fini(&f);
}
