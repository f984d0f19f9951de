/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/user.c: user memory of a device without an IOMMU: pins, kinds, limits, failures. */
#include "tests/support/dma_fixture.h"

static void init(struct dma_fixture *f, struct dma_as *as, bool coherent, uint32_t nr_pages)
{
	const struct host_options opt = { .cache_line = 64,
					  .mmio_phys = 0x10000000,
					  .mmio_bytes = 0x100000 };
	const struct dma_device_desc desc = { .coherent = coherent };

	dma_fixture_init(f, &opt, &desc);
	assert_ok(dma_set_mask_and_coherent(f->dev, DMA_BIT_MASK(64)));
	dma_fixture_as(f, as, nr_pages);
}

TEST(user_memory_is_pinned_mapped_and_given_back_dirty)
{
	struct dma_user_map *map = NULL;
	const struct sg_table *sgt;
	struct scatterlist *sg;
	struct dma_fixture f;
	struct dma_as as;
	uint64_t total = 0;
	unsigned int i;

	init(&f, &as, true, 40);
	/* From inside the first page to inside the last one. */
	assert_ok(dma_map_user(f.dev, &as, as.start + 0x123, 39 * 4096, DMA_FROM_DEVICE, 0, &map));
	assert_int_equal(as.nr_pinned, 40);
	sgt = dma_user_map_sgtable(map);
	assert_int_equal(sgt->orig_nents, 40);
	assert_int_equal(sgt->nents, 40);
	assert_u64_equal(dma_user_map_addr(map), as.pages[0].phys + 0x123);
	for_each_sgtable_sg(sgt, sg, i)
	{
		assert_u64_equal(sg->phys, as.pages[i].phys + (i == 0 ? 0x123 : 0));
		total += sg->length;
	}
	assert_u64_equal(total, 39 * 4096);
	dma_unmap_user(map);
	assert_int_equal(as.nr_pinned, 0);
	assert_int_equal(as.nr_dirty, 40);
	dma_unmap_user(NULL);
	dma_fixture_fini(&f);
}

TEST(what_the_device_only_read_stays_clean)
{
	struct dma_user_map *map;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, true, 4);
	as.not_writable = true;
	assert_ok(dma_map_user(f.dev, &as, as.start, 4 * 4096, DMA_TO_DEVICE, 0, &map));
	dma_unmap_user(map);
	assert_int_equal(as.nr_dirty, 0);
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 4096, DMA_BIDIRECTIONAL, 0, &map),
			 -EFAULT);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EFAULT, DMA_RULE_NOT_MAPPED, as.start, 0);
	dma_fixture_fini(&f);
}

TEST(neighbouring_pages_are_merged_up_to_a_segment_of_the_device)
{
	struct dma_user_map *map;
	const struct sg_table *sgt;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, true, 20);
	for (uint32_t i = 0; i < 20; i++)
		as.pages[i].phys = RAM_BASE + i * 4096;
	dma_set_max_seg_size(f.dev, 8 * 4096 + 100);
	assert_ok(dma_map_user(f.dev, &as, as.start + 0x10, 20 * 4096 - 0x10, DMA_TO_DEVICE, 0,
			       &map));
	sgt = dma_user_map_sgtable(map);
	assert_int_equal(sgt->orig_nents, 3);
	assert_int_equal(sgt->sgl[0].length, 8 * 4096 - 0x10);
	assert_int_equal(sgt->sgl[1].length, 8 * 4096);
	assert_int_equal(sgt->sgl[2].length, 4 * 4096);
	dma_unmap_user(map);
	dma_fixture_fini(&f);
}

TEST(syncs_reach_every_run)
{
	struct dma_user_map *map;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, false, 3);
	assert_ok(
		dma_map_user(f.dev, &as, as.start + 64, 3 * 4096 - 128, DMA_FROM_DEVICE, 0, &map));
	dma_sync_user_for_cpu(map);
	dma_sync_user_for_device(map);
	dma_unmap_user(map);
	assert_int_equal(f.nr_cache_ops, 12);
	for (uint32_t i = 0; i < 12; i++)
		dma_fixture_expect_cache(&f, i, i / 3 % 2 == 0 ? FIXTURE_CLEAN : FIXTURE_INV,
					 as.pages[i % 3].phys + (i % 3 == 0 ? 64 : 0),
					 i % 3 == 1 ? 4096 : 4096 - 64);
	dma_fixture_fini(&f);
}

TEST(a_shared_cache_line_at_an_end_is_refused)
{
	struct dma_user_map *map = NULL;
	struct dma_error e;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, false, 3);
	assert_int_equal(dma_map_user(f.dev, &as, as.start + 8, 4096, DMA_FROM_DEVICE, 0, &map),
			 -EINVAL);
	/* Told in the caller's words, not in those of the list made from them. */
	assert_ok(dma_last_error(f.dev, &e));
	assert_u64_equal(e.addr, as.start + 8);
	assert_u64_equal(e.len, 4096);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_CACHE_LINE, as.pages[0].phys + 8,
			   64);
	assert_int_equal(as.nr_pinned, 0);
	assert_null(map);
	assert_ok(dma_map_user(f.dev, &as, as.start + 8, 4096, DMA_TO_DEVICE, 0, &map));
	dma_unmap_user(map);
	dma_fixture_fini(&f);
}

TEST(memory_that_nobody_counts_is_synced_like_ram_and_needs_a_token)
{
	struct dma_user_map *map;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, false, 4);
	f.unowned_phys = as.pages[2].phys;
	f.unowned_bytes = 4096;
	as.pages[2].kind = DMA_PHYS_UNOWNED;
	assert_ok(dma_map_user(f.dev, &as, as.start, 4 * 4096, DMA_TO_DEVICE, 0, &map));
	assert_int_equal(f.nr_cache_ops, 4);
	dma_unmap_user(map);
	assert_int_equal(as.nr_pinned, 0);
	as.no_token = true;
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 4 * 4096, DMA_TO_DEVICE, 0, &map),
			 -EOPNOTSUPP);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EOPNOTSUPP, DMA_RULE_NOT_PINNABLE, as.start, 0);
	assert_int_equal(as.nr_pinned, 0);
	dma_fixture_fini(&f);
}

TEST(mmio_wants_its_attribute_and_ram_does_not_take_it)
{
	struct dma_user_map *map = NULL;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, false, 10);
	for (uint32_t i = 0; i < 10; i++) {
		as.pages[i].phys = 0x10000000 + i * 4096;
		as.pages[i].kind = DMA_PHYS_MMIO;
	}
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 8192, DMA_TO_DEVICE, 0, &map), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_NOT_RAM, 0x10000000, RAM_LAST);
	assert_ok(dma_map_user(f.dev, &as, as.start, 8192, DMA_FROM_DEVICE, DMA_ATTR_MMIO, &map));
	assert_u64_equal(dma_user_map_addr(map), 0x10000000);
	dma_unmap_user(map);
	assert_int_equal(f.nr_cache_ops, 0);
	/* The eighth page is RAM: pinned by the second call, found out after the first. */
	as.pages[8].phys = RAM_BASE;
	as.pages[8].kind = DMA_PHYS_RAM;
	map = NULL;
	assert_int_equal(
		dma_map_user(f.dev, &as, as.start, 10 * 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO, &map),
		-EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_IS_RAM, RAM_BASE, 0);
	assert_int_equal(as.nr_pinned, 0);
	assert_null(map);
	dma_fixture_fini(&f);
}

TEST(user_arguments_are_refused_by_name)
{
	struct dma_user_map *map = NULL;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, false, 10);
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 0, DMA_TO_DEVICE, 0, &map), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	assert_int_equal(dma_map_user(f.dev, &as, UINT64_MAX, 2, DMA_TO_DEVICE, 0, &map), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_OVERFLOW, 2, 1);
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 1, DMA_NONE, 0, &map), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE,
			   DMA_FROM_DEVICE);
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 64, DMA_TO_DEVICE,
				      DMA_ATTR_REQUIRE_COHERENT, &map),
			 -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_REQUIRE_COHERENT,
			   0);
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 11 * 4096, DMA_TO_DEVICE, 0, &map),
			 -EFAULT);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EFAULT, DMA_RULE_NOT_MAPPED, as.start + 7 * 4096,
			   0);
	assert_int_equal(as.nr_pinned, 0);
	as.limit = 9;
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 10 * 4096, DMA_TO_DEVICE, 0, &map),
			 -ENOMEM);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -ENOMEM, DMA_RULE_LOCKED_MEMORY, 7 * 4096,
			   10 * 4096);
	assert_int_equal(as.nr_pinned, 0);
	assert_ok(dma_set_mask(f.dev, DMA_BIT_MASK(32)));
	as.limit = 0;
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 4096, DMA_TO_DEVICE, 0, &map), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EINVAL, DMA_RULE_MASK, as.pages[0].phys + 4095,
			   DMA_BIT_MASK(32));
	assert_int_equal(as.nr_pinned, 0);
	assert_null(map);
	dma_fixture_fini(&f);
}

TEST(a_user_map_that_fails_anywhere_leaves_nothing_pinned)
{
	struct dma_user_map *map = NULL;
	struct dma_fixture f;
	struct dma_as as;
	uint64_t n;
	int err;

	init(&f, &as, true, 40);
	for (n = 1;; n++) {
		struct dma_error e;

		host_platform_fail_nth(&f.h, n);
		err = dma_map_user(f.dev, &as, as.start + 1, 39 * 4096, DMA_FROM_DEVICE, 0, &map);
		if (f.h.nr_injected == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_ok(dma_last_error(f.dev, &e));
		assert_int_equal(e.op, DMA_OP_MAP_USER);
		assert_true(e.rule == DMA_RULE_NO_META || e.rule == DMA_RULE_LOCKED_MEMORY);
		assert_int_equal(as.nr_pinned, 0);
		assert_int_equal(as.nr_dirty, 0);
		assert_int_equal(f.h.nr_metas, 1);
		assert_null(map);
	}
	assert_ok(err);
	assert_true(n > 10);
	dma_unmap_user(map);
	dma_fixture_fini(&f);
}

static int pin_nothing(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len,
		       bool write, struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs,
		       uint64_t *covered)
{
	(void)p;
	(void)as;
	(void)uaddr;
	(void)len;
	(void)write;
	(void)runs;
	(void)max_runs;
	*nr_runs = 0;
	*covered = 0;
	return 0;
}

TEST(a_platform_that_pins_nothing_is_not_asked_for_ever)
{
	struct dma_user_map *map = NULL;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, true, 2);
	f.p->pin = pin_nothing;
	assert_int_equal(dma_map_user(f.dev, &as, as.start, 4096, DMA_TO_DEVICE, 0, &map), -EFAULT);
	dma_fixture_expect(&f, DMA_OP_MAP_USER, -EFAULT, DMA_RULE_NOT_MAPPED, as.start, 0);
	dma_fixture_fini(&f);
}

TEST(segments_shorter_than_a_page_give_entries_of_a_page)
{
	struct dma_user_map *map;
	struct dma_fixture f;
	struct dma_as as;

	init(&f, &as, true, 3);
	for (uint32_t i = 0; i < 3; i++)
		as.pages[i].phys = RAM_BASE + i * 4096;
	dma_set_max_seg_size(f.dev, 512);
	assert_ok(dma_map_user(f.dev, &as, as.start, 3 * 4096, DMA_TO_DEVICE, 0, &map));
	assert_int_equal(dma_user_map_sgtable(map)->orig_nents, 3);
	dma_unmap_user(map);
	dma_fixture_fini(&f);
}
