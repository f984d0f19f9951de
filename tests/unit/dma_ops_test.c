/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/ops.c: tables of the user's, whole and partial, and what stands in for the rest. */
#include "tests/support/dma_fixture.h"

/* A table with the two required members: every DMA address has bit 40 set. */
#define MARK ((uint64_t)1 << 40)

static struct {
	uint32_t nr_maps;
	uint32_t nr_unmaps;
	uint32_t fail_at;
	enum dma_origin origin;
	unsigned long attrs;
} log_;

static dma_addr_t marked_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs,
			     enum dma_origin origin)
{
	log_.origin = origin;
	log_.attrs = attrs;
	if (++log_.nr_maps == log_.fail_at) {
		dma_set_seg_boundary(dev, size + (uint64_t)dir + 2); /* leaves a record */
		return DMA_MAPPING_ERROR;
	}
	return phys | MARK;
}

static void marked_unmap(struct dma_device *dev, dma_addr_t addr, size_t size,
			 enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)size;
	(void)dir;
	assert_u64_equal(addr & MARK, MARK);
	log_.origin = origin;
	log_.attrs = attrs;
	log_.nr_unmaps++;
}

static const struct dma_map_ops marked = {
	.size = sizeof(struct dma_map_ops),
	.map_phys = marked_map,
	.unmap_phys = marked_unmap,
};

static void init(struct dma_fixture *f, bool coherent)
{
	const struct host_options opt = { .cache_line = 64 };
	const struct dma_device_desc desc = { .coherent = coherent };

	memset(&log_, 0, sizeof(log_));
	dma_fixture_init(f, &opt, &desc);
	assert_ok(dma_device_set_ops(f->dev, &marked));
}

TEST(two_members_are_a_table)
{
	struct dma_fixture f;

	init(&f, true);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, DMA_ATTR_PRIVILEGED),
			 RAM_BASE | MARK);
	assert_int_equal(log_.origin, DMA_ORIGIN_PHYS);
	assert_u64_equal(log_.attrs, DMA_ATTR_PRIVILEGED);
	assert_u64_equal(dma_map_page(f.dev, dma_page_of_phys(RAM_BASE), 8, 8, DMA_TO_DEVICE),
			 (RAM_BASE + 8) | MARK);
	assert_int_equal(log_.origin, DMA_ORIGIN_PAGE);
	assert_u64_equal(dma_map_single(f.dev, host_platform_ram(&f.h, RAM_BASE), 8, DMA_TO_DEVICE),
			 RAM_BASE | MARK);
	assert_int_equal(log_.origin, DMA_ORIGIN_SINGLE);
	dma_unmap_page(f.dev, RAM_BASE | MARK, 8, DMA_TO_DEVICE);
	assert_int_equal(log_.origin, DMA_ORIGIN_PAGE);
	dma_unmap_single(f.dev, RAM_BASE | MARK, 8, DMA_TO_DEVICE);
	assert_int_equal(log_.origin, DMA_ORIGIN_SINGLE);
	assert_int_equal(log_.nr_unmaps, 2);
	/* The front checks for every table. */
	assert_u64_equal(dma_map_phys(f.dev, 0, 64, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	dma_fixture_expect(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_NOT_RAM, 0, RAM_LAST);
	assert_int_equal(log_.nr_maps, 3);
	dma_poll(f.dev);
	dma_trim(f.dev);
	assert_true(dma_need_unmap(f.dev));
	dma_fixture_fini(&f);
}

TEST(lists_are_inherited_and_unwound)
{
	struct scatterlist sg[5];
	struct dma_fixture f;

	init(&f, true);
	for (uint32_t fail = 0; fail <= 5; fail++) {
		sg_init_table(sg, 5);
		for (uint32_t i = 0; i < 5; i++)
			sg_set_phys(&sg[i], RAM_BASE + i * 0x1000, 0x100);
		memset(&log_, 0, sizeof(log_));
		log_.fail_at = fail;
		if (fail == 0) {
			assert_int_equal(dma_map_sg(f.dev, sg, 5, DMA_TO_DEVICE), 5);
			assert_u64_equal(sg[4].dma_address, (RAM_BASE + 0x4000) | MARK);
			assert_int_equal(log_.origin, DMA_ORIGIN_SG);
			dma_unmap_sg(f.dev, sg, 5, DMA_TO_DEVICE);
			assert_int_equal(log_.nr_unmaps, 5);
			continue;
		}
		assert_int_equal(dma_map_sg(f.dev, sg, 5, DMA_TO_DEVICE), 0);
		assert_int_equal(log_.nr_maps, fail);
		assert_int_equal(log_.nr_unmaps, fail - 1);
		for (uint32_t i = 0; i < 5; i++)
			assert_u64_equal(sg[i].dma_address, DMA_MAPPING_ERROR);
	}
	dma_fixture_fini(&f);
}

static dma_addr_t silent_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs,
			     enum dma_origin origin)
{
	(void)dev;
	(void)size;
	(void)dir;
	(void)attrs;
	(void)origin;
	return ++log_.nr_maps == log_.fail_at ? DMA_MAPPING_ERROR : phys | MARK;
}

TEST(a_table_that_records_nothing_does_not_inherit_an_old_failure)
{
	struct dma_map_ops silent = marked;
	struct scatterlist sgl[2];
	struct sg_table sgt = { .sgl = sgl, .nents = 2, .orig_nents = 2 };
	struct dma_fixture f;
	struct dma_error e;

	init(&f, true);
	silent.map_phys = silent_map;
	assert_ok(dma_device_set_ops(f.dev, &silent));
	sg_init_table(sgl, 2);
	sg_set_phys(&sgl[0], f.h.opt.ram_base, 4096);
	sg_set_phys(&sgl[1], f.h.opt.ram_base + 8192, 4096);
	/* An older failure with another errno. */
	assert_int_equal(dma_map_page(f.dev, dma_page_of_phys(0), 0, 0, DMA_TO_DEVICE) ==
				 DMA_MAPPING_ERROR,
			 true);
	log_.fail_at = 2;
	assert_int_equal(dma_map_sgtable(f.dev, &sgt, DMA_TO_DEVICE, 0), -EIO);
	assert_int_equal(log_.nr_unmaps, 1);
	assert_ok(dma_last_error(f.dev, &e));
	assert_int_equal(e.rule, DMA_RULE_UNSUPPORTED);
	assert_int_equal(e.err, -EIO);
	assert_u64_equal(sgl[0].dma_address, DMA_MAPPING_ERROR);
	dma_fixture_fini(&f);
}

TEST(allocation_is_inherited_and_goes_through_the_table)
{
	struct dma_fixture f;
	dma_addr_t addr;
	uint64_t metas;
	void *cpu;

	init(&f, false);
	cpu = dma_alloc_coherent(f.dev, 10000, &addr, GFP_KERNEL);
	assert_non_null(cpu);
	assert_u64_equal(addr & MARK, MARK);
	assert_int_equal(log_.origin, DMA_ORIGIN_COHERENT);
	assert_int_equal(dma_device_set_ops(f.dev, NULL), -EBUSY);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EBUSY, DMA_RULE_STATE, 0, 0);
	dma_free_coherent(f.dev, 10000, cpu, addr);
	assert_int_equal(log_.nr_unmaps, 1);
	/* A table that refuses the memory: everything goes back. */
	metas = f.h.nr_metas;
	log_.fail_at = 2;
	assert_null(dma_alloc_coherent(f.dev, 10000, &addr, GFP_KERNEL));
	assert_int_equal(f.h.nr_pages, 0);
	assert_int_equal(f.h.nr_cpu_maps, 0);
	assert_int_equal(f.h.nr_metas, metas);
	assert_ok(dma_device_set_ops(f.dev, NULL));
	dma_fixture_fini(&f);
}

TEST(syncs_of_lists_are_inherited_and_bare_addresses_are_not)
{
	struct scatterlist sg[1];
	struct dma_fixture f;

	init(&f, false);
	sg_init_table(sg, 1);
	sg_set_phys(sg, RAM_BASE, 64);
	assert_int_equal(dma_map_sg(f.dev, sg, 1, DMA_FROM_DEVICE), 1);
	dma_sync_sg_for_cpu(f.dev, sg, 1, DMA_FROM_DEVICE);
	dma_fixture_expect_cache(&f, 0, FIXTURE_INV, RAM_BASE, 64);
	dma_sync_sg_for_device(f.dev, sg, 1, DMA_FROM_DEVICE);
	dma_fixture_expect_cache(&f, 1, FIXTURE_CLEAN, RAM_BASE, 64);
	dma_sync_single_for_cpu(f.dev, RAM_BASE | MARK, 64, DMA_FROM_DEVICE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EOPNOTSUPP, DMA_RULE_UNSUPPORTED, 0, 0);
	assert_int_equal(f.nr_cache_ops, 2);
	dma_unmap_sg(f.dev, sg, 1, DMA_FROM_DEVICE);
	dma_fixture_fini(&f);
}

static void *own_alloc(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
		       unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)size;
	(void)gfp;
	(void)attrs;
	(void)origin;
	*dma_addr = 42;
	return &log_;
}

TEST(an_alloc_without_its_partners_says_so)
{
	struct dma_map_ops ops = marked;
	struct dma_vma vma = { .start = 0, .end = 4096 };
	struct sg_table sgt;
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init(&f, true);
	ops.alloc = own_alloc;
	assert_ok(dma_device_set_ops(f.dev, &ops));
	cpu = dma_alloc_coherent(f.dev, 64, &addr, GFP_KERNEL);
	assert_ptr_equal(cpu, &log_);
	assert_false(dma_can_mmap(f.dev));
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 64), -ENXIO);
	dma_fixture_expect(&f, DMA_OP_MMAP, -ENXIO, DMA_RULE_UNSUPPORTED, 0, 0);
	assert_int_equal(dma_get_sgtable(f.dev, &sgt, cpu, addr, 64), -ENXIO);
	dma_fixture_expect(&f, DMA_OP_GET_SGTABLE, -ENXIO, DMA_RULE_UNSUPPORTED, 0, 0);
	dma_free_coherent(f.dev, 64, cpu, addr);
	dma_fixture_expect(&f, DMA_OP_FREE, -EOPNOTSUPP, DMA_RULE_UNSUPPORTED, 0, 0);
	dma_fixture_fini(&f);
}

TEST(tables_are_checked_and_a_bad_one_changes_nothing)
{
	struct dma_map_ops ops = marked;
	struct dma_fixture f;

	init(&f, true);
	ops.size = sizeof(ops) + 8;
	assert_int_equal(dma_device_set_ops(f.dev, &ops), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_LENGTH, sizeof(ops) + 8,
			   sizeof(ops));
	ops.size = offsetof(struct dma_map_ops, unmap_phys);
	assert_int_equal(dma_device_set_ops(f.dev, &ops), -EINVAL);
	/* Half a member is none that could be called. */
	ops.size = offsetof(struct dma_map_ops, map_sg) + 3;
	assert_int_equal(dma_device_set_ops(f.dev, &ops), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_LENGTH, ops.size, sizeof(ops));
	ops = marked;
	ops.unmap_phys = NULL;
	assert_int_equal(dma_device_set_ops(f.dev, &ops), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_DEVICE, -EINVAL, DMA_RULE_UNSUPPORTED, 0, 0);
	assert_true(dma_device_get_ops(f.dev)->map_phys == marked_map);
	dma_fixture_fini(&f);
}

TEST(an_older_and_shorter_table_is_filled_up)
{
	struct dma_map_ops ops = marked;
	struct dma_fixture f;

	init(&f, true);
	ops.size = offsetof(struct dma_map_ops, sync_for_cpu);
	/* What lies behind its size is not part of it. */
	ops.poll = (void (*)(struct dma_device *))(uintptr_t)1;
	assert_ok(dma_device_set_ops(f.dev, &ops));
	dma_poll(f.dev);
	assert_int_equal(dma_device_get_ops(f.dev)->size, sizeof(struct dma_map_ops));
	dma_fixture_fini(&f);
}

/* A table around the one in force, as a sanitizer does it. */
static const struct dma_map_ops *inner;

static dma_addr_t wrap_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			   enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	assert_ptr_equal(dma_device_get_ops_priv(dev), &log_);
	log_.nr_maps++;
	return inner->map_phys(dev, phys, size, dir, attrs, origin);
}

TEST(a_table_can_wrap_the_one_in_force)
{
	struct dma_map_ops copy;
	struct dma_map_ops wrap;
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	memset(&log_, 0, sizeof(log_));
	dma_fixture_init(&f, NULL, NULL);
	assert_ok(dma_set_mask_and_coherent(f.dev, DMA_BIT_MASK(64)));
	copy = *dma_device_get_ops(f.dev);
	inner = &copy;
	wrap = copy;
	wrap.map_phys = wrap_map;
	assert_ok(dma_device_set_ops(f.dev, &wrap));
	dma_device_set_ops_priv(f.dev, &log_);
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, 0), RAM_BASE);
	assert_int_equal(log_.nr_maps, 1);
	cpu = dma_alloc_coherent(f.dev, 64, &addr, GFP_KERNEL);
	assert_non_null(cpu);
	assert_int_equal(log_.nr_maps, 2);
	dma_free_coherent(f.dev, 64, cpu, addr);
	assert_ok(dma_device_set_ops(f.dev, NULL));
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, 0), RAM_BASE);
	assert_int_equal(log_.nr_maps, 2);
	dma_fixture_fini(&f);
}

TEST(query_attrs_tells_three_classes_apart)
{
	for (int i = 0; i < 4; i++) {
		struct dma_attr_info info;
		struct dma_fixture f;

		init(&f, i % 2 != 0);
		if (i >= 2)
			assert_ok(dma_device_set_ops(f.dev, NULL));
		dma_query_attrs(f.dev, &info);
		assert_u64_equal(info.honoured & info.ignored, 0);
		assert_u64_equal(info.honoured & info.refused, 0);
		assert_u64_equal(info.honoured | info.ignored | info.refused,
				 DMA_ATTR_HINTS | DMA_ATTR_CONTRACTS | DMA_ATTR_SKIP_CPU_SYNC);
		assert_u64_equal(info.ignored & DMA_ATTR_CONTRACTS, 0);
		assert_u64_equal(info.refused & ~DMA_ATTR_CONTRACTS, 0);
		assert_true((info.refused & DMA_ATTR_CC_SHARED) != 0);
		assert_int_equal((info.honoured & DMA_ATTR_REQUIRE_COHERENT) != 0, i % 2 != 0);
		assert_int_equal((info.honoured & DMA_ATTR_NON_COHERENT) != 0, i % 2 == 0);
		dma_fixture_fini(&f);
	}
}

static int own_map_sg_result;

static int own_map_sg(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		      enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)sgl;
	(void)nents;
	(void)dir;
	(void)attrs;
	(void)origin;
	return own_map_sg_result;
}

TEST(map_sgtable_says_one_of_four_things)
{
	static const int rows[][2] = {
		{ -EINVAL, -EINVAL }, { -ENOMEM, -ENOMEM }, { -EREMOTEIO, -EREMOTEIO },
		{ -EPERM, -EIO },     { -EIO, -EIO },	    { 0, -EIO }
	};
	struct dma_map_ops ops = marked;
	struct dma_fixture f;
	struct sg_table sgt;

	init(&f, true);
	ops.map_sg = own_map_sg;
	assert_ok(dma_device_set_ops(f.dev, &ops));
	assert_ok(sg_alloc_table(f.p, &sgt, 2, GFP_KERNEL));
	sg_set_phys(&sgt.sgl[0], RAM_BASE, 64);
	sg_set_phys(&sgt.sgl[1], RAM_BASE + 64, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		own_map_sg_result = rows[i][0];
		assert_int_equal(dma_map_sgtable(f.dev, &sgt, DMA_TO_DEVICE, 0), rows[i][1]);
		assert_int_equal(dma_map_sg(f.dev, sgt.sgl, 2, DMA_TO_DEVICE), 0);
		assert_u64_equal(sgt.sgl->dma_address, DMA_MAPPING_ERROR);
	}
	sg_free_table(&sgt);
	dma_fixture_fini(&f);
}

TEST(a_table_may_be_replaced_by_itself)
{
	struct dma_fixture f;

	init(&f, true);
	assert_ok(dma_device_set_ops(f.dev, dma_device_get_ops(f.dev)));
	assert_u64_equal(dma_map_phys(f.dev, RAM_BASE, 64, DMA_TO_DEVICE, 0), RAM_BASE | MARK);
	dma_fixture_fini(&f);
}
