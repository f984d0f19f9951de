/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/sg.c and sync.c: lists without an IOMMU. */
#include "tests/support/dma_fixture.h"

static const struct dma_range two[] = {
	{ .cpu_start = RAM_BASE, .dma_start = 0x1000000, .size = 0x100000 },
	{ .cpu_start = RAM_BASE + 0x100000, .dma_start = 0x8000000, .size = 0x100000 },
	{ .size = 0 },
};

static void init(struct dma_fixture *f, bool coherent)
{
	const struct host_options opt = { .cache_line = 64 };
	const struct dma_device_desc desc = { .coherent = coherent, .ranges = two };

	dma_fixture_init(f, &opt, &desc);
}

/* Entry n: (n + 1) lines at a page of its own, every second one in the second window. */
static void fill(struct scatterlist *sg, uint32_t n)
{
	sg_init_table(sg, n);
	for (uint32_t i = 0; i < n; i++) {
		sg_set_phys(&sg[i], RAM_BASE + (i % 2) * 0x100000 + i * 0x1000, (i + 1) * 64);
		sg[i].dma_address = 0x77;
		sg[i].dma_length = 0x88;
	}
}

static uint64_t expected(uint32_t i)
{
	return (i % 2 != 0 ? 0x8000000 : 0x1000000) + i * 0x1000;
}

TEST(every_entry_gets_the_address_of_its_window)
{
	struct dma_fixture f;
	struct scatterlist sg[5];

	for (int coherent = 0; coherent < 2; coherent++) {
		init(&f, coherent != 0);
		fill(sg, 5);
		assert_int_equal(dma_map_sg(f.dev, sg, 5, DMA_TO_DEVICE), 5);
		for (uint32_t i = 0; i < 5; i++) {
			assert_u64_equal(sg_dma_address(&sg[i]), expected(i));
			assert_int_equal(sg_dma_len(&sg[i]), (i + 1) * 64);
		}
		assert_int_equal(f.nr_cache_ops, coherent != 0 ? 0 : 5);
		dma_unmap_sg(f.dev, sg, 5, DMA_TO_DEVICE);
		dma_fixture_expect_none(&f);
		dma_fixture_fini(&f);
	}
}

TEST(a_device_that_does_not_snoop_has_each_entry_maintained)
{
	struct dma_fixture f;
	struct scatterlist sg[3];

	init(&f, false);
	fill(sg, 3);
	assert_int_equal(dma_map_sg(f.dev, sg, 3, DMA_FROM_DEVICE), 3);
	dma_sync_sg_for_cpu(f.dev, sg, 3, DMA_FROM_DEVICE);
	dma_sync_sg_for_device(f.dev, sg, 3, DMA_FROM_DEVICE);
	dma_unmap_sg(f.dev, sg, 3, DMA_FROM_DEVICE);
	assert_int_equal(f.nr_cache_ops, 12);
	for (uint32_t i = 0; i < 12; i++)
		dma_fixture_expect_cache(&f, i, i / 3 % 2 == 0 ? FIXTURE_CLEAN : FIXTURE_INV,
					 sg[i % 3].phys, sg[i % 3].length);
	dma_fixture_fini(&f);
}

static void expect_failed(const struct scatterlist *sg, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_u64_equal(sg[i].dma_address, DMA_MAPPING_ERROR);
		assert_int_equal(sg[i].dma_length, 0);
		assert_u64_equal(sg[i].phys, RAM_BASE + (i % 2) * 0x100000 + i * 0x1000);
	}
}

TEST(an_entry_that_fails_unmaps_the_others_and_marks_all)
{
	struct dma_fixture f;
	struct scatterlist sg[4];

	for (int coherent = 0; coherent < 2; coherent++) {
		init(&f, coherent != 0);
		fill(sg, 4);
		/* Across the end of the first window. */
		sg[2].length = 0x100000;
		assert_int_equal(dma_map_sg(f.dev, sg, 4, DMA_FROM_DEVICE), 0);
		expect_failed(sg, 4);
		assert_int_equal(sg[2].length, 0x100000);
		dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_NO_RANGE,
				   RAM_BASE + 0x100000, RAM_BASE);
		/* What was cleaned stays cleaned; nothing is invalidated under the CPU. */
		for (uint32_t i = 0; i < f.nr_cache_ops; i++)
			assert_int_equal(f.cache_ops[i].what, FIXTURE_CLEAN);
		dma_fixture_fini(&f);
	}
}

TEST(bad_entries_are_found_before_anything_is_mapped)
{
	static const struct {
		uint64_t phys;
		uint32_t len;
		enum dma_rule rule;
		uint64_t found;
		uint64_t need;
	} bad[] = {
		{ RAM_BASE, 0, DMA_RULE_LENGTH, 0, 1 },
		{ UINT64_MAX, 2, DMA_RULE_OVERFLOW, 2, 1 },
		{ 0x1000, 64, DMA_RULE_NOT_RAM, 0x1000, RAM_LAST },
		{ RAM_LAST, 2, DMA_RULE_NOT_RAM, RAM_LAST + 1, RAM_LAST },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dma_fixture f;
		struct scatterlist sg[3];

		init(&f, false);
		fill(sg, 3);
		sg_set_phys(&sg[2], bad[i].phys, bad[i].len);
		assert_int_equal(dma_map_sg(f.dev, sg, 3, DMA_TO_DEVICE), 0);
		dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, bad[i].rule, bad[i].found,
				   bad[i].need);
		assert_int_equal(f.nr_cache_ops, 0);
		assert_u64_equal(sg[0].dma_address, DMA_MAPPING_ERROR);
		dma_fixture_fini(&f);
	}
}

TEST(arguments_that_are_refused_leave_the_list_alone)
{
	struct dma_fixture f;
	struct scatterlist sg[2];

	init(&f, true);
	fill(sg, 2);
	assert_int_equal(dma_map_sg(f.dev, sg, 0, DMA_TO_DEVICE), 0);
	dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_NENTS, 0, 1);
	assert_int_equal(dma_map_sg(f.dev, sg, -3, DMA_TO_DEVICE), 0);
	dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_NENTS, 0, 1);
	assert_int_equal(dma_map_sg(f.dev, sg, 2, DMA_NONE), 0);
	dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE,
			   DMA_FROM_DEVICE);
	assert_int_equal(dma_map_sg_attrs(f.dev, sg, 2, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED), 0);
	dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_CC_SHARED, 0);
	assert_u64_equal(sg[0].dma_address, 0x77);
	assert_int_equal(sg[1].dma_length, 0x88);
	assert_int_equal(dma_map_sg(f.dev, sg, 3, DMA_TO_DEVICE), 0);
	dma_fixture_expect(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_NENTS, 3, 2);
	dma_unmap_sg(f.dev, sg, 0, DMA_TO_DEVICE);
	dma_fixture_expect(&f, DMA_OP_UNMAP_SG, -EINVAL, DMA_RULE_NENTS, 0, 1);
	dma_unmap_sg(f.dev, sg, 2, DMA_NONE);
	dma_fixture_expect(&f, DMA_OP_UNMAP_SG, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE,
			   DMA_FROM_DEVICE);
	dma_sync_sg_for_cpu(f.dev, sg, 0, DMA_TO_DEVICE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_NENTS, 0, 1);
	dma_sync_sg_for_device(f.dev, sg, 2, DMA_NONE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_DIRECTION, DMA_NONE, DMA_FROM_DEVICE);
	dma_fixture_fini(&f);
}

TEST(tables_return_an_errno_and_set_nents_only_on_success)
{
	struct dma_fixture f;
	struct sg_table sgt;
	struct scatterlist *sg;
	unsigned int i;

	init(&f, false);
	assert_ok(sg_alloc_table(f.p, &sgt, 300, GFP_KERNEL));
	for_each_sgtable_sg(&sgt, sg, i) sg_set_phys(sg, RAM_BASE + i * 64, 64);
	sgt.nents = 12345;
	sg_last(sgt.sgl, 300)->length = 0;
	assert_int_equal(dma_map_sgtable(f.dev, &sgt, DMA_TO_DEVICE, 0), -EINVAL);
	assert_int_equal(sgt.nents, 12345);
	sg_last(sgt.sgl, 300)->length = 64;
	f.nr_cache_ops = 0;
	assert_ok(dma_map_sgtable(f.dev, &sgt, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC));
	assert_int_equal(sgt.nents, 300);
	for_each_sgtable_dma_sg(&sgt, sg, i)
		assert_u64_equal(sg_dma_address(sg), 0x1000000 + i * 64);
	assert_true(dma_sg_is_contiguous(sgt.sgl, sgt.nents));
	dma_unmap_sgtable(f.dev, &sgt, DMA_TO_DEVICE, 0);
	sg_free_table(&sgt);
	dma_fixture_fini(&f);
}

/* The library under test is a debug build: see remember_nents() in sg.c. */
TEST(a_debug_build_notices_unmap_with_another_count)
{
	struct dma_fixture f;
	struct scatterlist sg[3];

	init(&f, false);
	fill(sg, 3);
	assert_int_equal(dma_map_sg(f.dev, sg, 3, DMA_FROM_DEVICE), 3);
	if (sg[0].spare == 0) {
		dma_fixture_fini(&f);
		skip_test("assertions are compiled out");
	}
	f.nr_cache_ops = 0;
	dma_unmap_sg(f.dev, sg, 2, DMA_FROM_DEVICE);
	dma_fixture_expect(&f, DMA_OP_UNMAP_SG, -EINVAL, DMA_RULE_NENTS, 2, 3);
	dma_sync_sg_for_cpu(f.dev, sg, 1, DMA_FROM_DEVICE);
	dma_fixture_expect(&f, DMA_OP_SYNC, -EINVAL, DMA_RULE_NENTS, 1, 3);
	assert_int_equal(f.nr_cache_ops, 0);
	dma_unmap_sg(f.dev, sg, 3, DMA_FROM_DEVICE);
	assert_int_equal(f.nr_cache_ops, 3);
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

/* Two entries that a table has merged into segments which end elsewhere. */
static dma_addr_t no_map(struct dma_device *dev, phys_addr_t phys, size_t size,
			 enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)size;
	(void)dir;
	(void)attrs;
	(void)origin;
	return phys;
}

static void no_unmap(struct dma_device *dev, dma_addr_t addr, size_t size,
		     enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin)
{
	(void)dev;
	(void)addr;
	(void)size;
	(void)dir;
	(void)attrs;
	(void)origin;
}

static struct {
	dma_addr_t addr;
	phys_addr_t phys;
	size_t size;
} synced[8];
static uint32_t nr_synced;

static void note_sync(struct dma_device *dev, dma_addr_t addr, phys_addr_t phys, size_t size,
		      enum dma_data_direction dir)
{
	(void)dev;
	(void)dir;
	synced[nr_synced].addr = addr;
	synced[nr_synced].phys = phys;
	synced[nr_synced++].size = size;
}

TEST(a_sync_tells_memory_and_dma_address_of_every_piece)
{
	static const struct dma_map_ops ops = { .size = sizeof(ops),
						.map_phys = no_map,
						.unmap_phys = no_unmap,
						.sync_for_cpu = note_sync,
						.sync_for_device = note_sync };
	static const uint64_t want[][3] = {
		{ 0x1000, RAM_BASE, 100 },	   { 0x1064, RAM_BASE + 0x1000, 50 },
		{ 0x9000, RAM_BASE + 0x1032, 20 }, { 0xa000, RAM_BASE + 0x1046, 30 },
		{ 0xa01e, RAM_BASE + 0x2000, 7 },
	};
	struct scatterlist sg[4];
	struct dma_fixture f;

	init(&f, false);
	assert_ok(dma_device_set_ops(f.dev, &ops));
	sg_init_table(sg, 4);
	sg_set_phys(&sg[0], RAM_BASE, 100);
	sg_set_phys(&sg[1], RAM_BASE + 0x1000, 100);
	sg_set_phys(&sg[2], RAM_BASE + 0x2000, 7);
	sg_set_phys(&sg[3], RAM_BASE + 0x3000, 9);
	sg[0].dma_address = 0x1000;
	sg[0].dma_length = 150;
	sg[1].dma_address = 0x9000;
	sg[1].dma_length = 20;
	sg[2].dma_address = 0xa000;
	sg[2].dma_length = 37;
	for (int i = 0; i < 2; i++) {
		nr_synced = 0;
		if (i == 0)
			dma_sync_sg_for_cpu(f.dev, sg, 3, DMA_FROM_DEVICE);
		else
			dma_sync_sg_for_device(f.dev, sg, 3, DMA_FROM_DEVICE);
		assert_int_equal(nr_synced, 5);
		for (uint32_t k = 0; k < 5; k++) {
			assert_u64_equal(synced[k].addr, want[k][0]);
			assert_u64_equal(synced[k].phys, want[k][1]);
			assert_u64_equal(synced[k].size, want[k][2]);
		}
	}
	dma_fixture_fini(&f);
}
