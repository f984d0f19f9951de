/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/alloc.c, mmap.c: allocation without an IOMMU, its other views, and their failures. */
#include "tests/support/dma_fixture.h"

static void init64(struct dma_fixture *f, bool coherent)
{
	const struct host_options opt = { .cache_line = 64 };
	const struct dma_device_desc desc = { .coherent = coherent };

	dma_fixture_init(f, &opt, &desc);
	assert_ok(dma_set_mask_and_coherent(f->dev, DMA_BIT_MASK(64)));
}

static bool is_zero(const unsigned char *mem, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (mem[i] != 0)
			return false;
	}
	return true;
}

TEST(memory_is_zeroed_page_granular_and_aligned_to_its_size)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 10000, 65536, 100000 };
	struct dma_fixture f;

	init64(&f, true);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t pages = (sizes[i] + 4095) / 4096;
		uint64_t align = 4096;
		dma_addr_t addr = 0;
		unsigned char *cpu = dma_alloc_coherent(f.dev, sizes[i], &addr, GFP_KERNEL);

		while (align < sizes[i])
			align *= 2;
		assert_non_null(cpu);
		assert_u64_equal(addr & (align - 1), 0);
		assert_ptr_equal(cpu, host_platform_ram(&f.h, addr));
		assert_true(is_zero(cpu, sizes[i]));
		assert_int_equal(f.h.nr_pages, pages);
		dma_free_coherent(f.dev, sizes[i], cpu, addr);
		assert_int_equal(f.h.nr_pages, 0);
	}
	assert_int_equal(f.h.nr_cpu_maps, 0);
	dma_fixture_fini(&f);
}

TEST(the_memory_type_follows_coherency_and_attributes)
{
	static const struct {
		bool coherent;
		unsigned long attrs;
		int memtype; /* -1: the linear mapping */
	} rows[] = {
		{ true, 0, -1 },
		{ true, DMA_ATTR_WRITE_COMBINE, -1 },
		{ true, DMA_ATTR_NON_COHERENT, -1 },
		{ false, 0, DMA_MEM_UNCACHED },
		{ false, DMA_ATTR_WRITE_COMBINE, DMA_MEM_WC },
		{ false, DMA_ATTR_NON_COHERENT, -1 },
		{ false, DMA_ATTR_REQUIRE_COHERENT, DMA_MEM_UNCACHED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dma_vma vma = { .start = 0x7000, .end = 0x8000 };
		struct dma_as as = { .start = 0 };
		struct dma_fixture f;
		dma_addr_t addr;
		void *cpu;

		init64(&f, rows[i].coherent);
		cpu = dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, rows[i].attrs);
		assert_non_null(cpu);
		assert_int_equal(f.h.nr_cpu_maps, rows[i].memtype == -1 ? 0 : 1);
		if (rows[i].memtype != -1)
			assert_int_equal(f.memtype, rows[i].memtype);
		/* Another mapping has the type of the first one. */
		vma.as = &as;
		assert_ok(dma_mmap_attrs(f.dev, &vma, cpu, addr, 4096, rows[i].attrs));
		assert_int_equal(as.memtype, rows[i].memtype == -1 ? DMA_MEM_WB : rows[i].memtype);
		assert_int_equal(vma.memtype, as.memtype);
		/* Whatever it is, alloc and free need no cache maintenance. */
		dma_free_attrs(f.dev, 4096, cpu, addr, rows[i].attrs);
		assert_int_equal(f.nr_cache_ops, 0);
		dma_fixture_fini(&f);
	}
}

TEST(non_coherent_memory_follows_the_streaming_rules)
{
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init64(&f, false);
	cpu = dma_alloc_attrs(f.dev, 8192, &addr, GFP_KERNEL, DMA_ATTR_NON_COHERENT);
	assert_non_null(cpu);
	dma_sync_single_for_device(f.dev, addr + 4096, 64, DMA_BIDIRECTIONAL);
	dma_sync_single_for_cpu(f.dev, addr + 4096, 64, DMA_BIDIRECTIONAL);
	dma_fixture_expect_cache(&f, 0, FIXTURE_CLEAN, addr + 4096, 64);
	dma_fixture_expect_cache(&f, 1, FIXTURE_INV, addr + 4096, 64);
	dma_free_attrs(f.dev, 8192, cpu, addr, DMA_ATTR_NON_COHERENT);
	dma_fixture_fini(&f);
}

TEST(no_kernel_mapping_means_none_and_each_buffer_has_its_cookie)
{
	struct dma_fixture f;
	struct sg_table sgt;
	dma_addr_t addr[2];
	void *cookie[2];

	init64(&f, true);
	for (int i = 0; i < 2; i++) {
		cookie[i] = dma_alloc_attrs(f.dev, 65536, &addr[i], GFP_KERNEL,
					    DMA_ATTR_NO_KERNEL_MAPPING);
		assert_non_null(cookie[i]);
		assert_int_equal(f.h.nr_cpu_maps, 0);
		assert_true(cookie[i] != host_platform_ram(&f.h, addr[i]));
	}
	assert_true(cookie[0] != cookie[1]);
	assert_ok(dma_get_sgtable_attrs(f.dev, &sgt, cookie[1], addr[1], 65536,
					DMA_ATTR_NO_KERNEL_MAPPING));
	assert_int_equal(sgt.orig_nents, 1);
	assert_u64_equal(sgt.sgl->phys, addr[1]);
	assert_int_equal(sgt.sgl->length, 65536);
	sg_free_table(&sgt);
	for (int i = 0; i < 2; i++)
		dma_free_attrs(f.dev, 65536, cookie[i], addr[i], DMA_ATTR_NO_KERNEL_MAPPING);
	dma_fixture_fini(&f);
}

TEST(allocation_arguments_are_refused_by_name)
{
	struct dma_fixture f;
	dma_addr_t addr = 7;

	init64(&f, false);
	assert_null(dma_alloc_attrs(f.dev, 0, &addr, GFP_KERNEL, 0));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	assert_null(dma_alloc_attrs(f.dev, SIZE_MAX, &addr, GFP_KERNEL, 0));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -EINVAL, DMA_RULE_LENGTH, SIZE_MAX, SIZE_MAX / 2 + 1);
	assert_null(dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, DMA_ATTR_MMIO));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_MMIO, 0);
	assert_null(dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, DMA_ATTR_CC_SHARED));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_CC_SHARED, 0);
	assert_null(dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL,
				    DMA_ATTR_REQUIRE_COHERENT | DMA_ATTR_NON_COHERENT));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_REQUIRE_COHERENT, 0);
	assert_null(dma_alloc_attrs(f.dev, (size_t)RAM_BYTES * 2, &addr, GFP_KERNEL, 0));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -ENOMEM, DMA_RULE_NO_MEMORY, 0, RAM_BYTES * 2);
	assert_ok(dma_set_mask_and_coherent(f.dev, DMA_BIT_MASK(32)));
	assert_null(dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, 0));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -ENOMEM, DMA_RULE_MASK, RAM_BASE, DMA_BIT_MASK(32));
	assert_u64_equal(addr, 7);
	dma_fixture_fini(&f);
}

TEST(a_failed_allocation_is_logged_unless_asked_not_to)
{
	struct dma_fixture f;
	dma_addr_t addr;

	init64(&f, true);
	assert_null(dma_alloc_attrs(f.dev, 0, &addr, GFP_KERNEL, DMA_ATTR_NO_WARN));
	assert_null(dma_alloc_attrs(f.dev, 0, &addr, GFP_KERNEL | __GFP_NOWARN, 0));
	assert_int_equal(f.h.nr_logs, 0);
	assert_null(dma_alloc_attrs(f.dev, 0, &addr, GFP_KERNEL, 0));
	assert_int_equal(f.h.nr_logs, 1);
	assert_string_equal(f.h.last_log,
			    "alloc of 0 at 0x0: rule length (value 0, need 1): the length is out "
			    "of range; pass the size of the buffer");
	dma_fixture_fini(&f);
}

TEST(memory_comes_from_a_window_of_the_device)
{
	static const struct dma_range ranges[] = {
		{ RAM_BASE + 0x20000, 0x100000, 0x10000 },
		{ RAM_BASE + 0x800000, 0x800000, 0x20000 },
		{ 0 },
	};
	struct dma_fixture f;
	dma_addr_t addr[8];
	void *cpu[8];
	int n;

	dma_fixture_init(&f, NULL, &(struct dma_device_desc){ .coherent = true, .ranges = ranges });
	/* First fit starts below the windows, so the platform offers memory that will not do. */
	for (n = 0; n < 8; n++) {
		cpu[n] = dma_alloc_attrs(f.dev, 0x10000, &addr[n], GFP_KERNEL, DMA_ATTR_NO_WARN);
		if (cpu[n] == NULL)
			break;
		assert_true(addr[n] == 0x100000 || (addr[n] >= 0x800000 && addr[n] < 0x820000));
	}
	dma_fixture_forget(&f);
	while (n > 0) {
		n--;
		dma_free_attrs(f.dev, 0x10000, cpu[n], addr[n], 0);
	}
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

TEST(free_believes_only_what_was_allocated)
{
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init64(&f, true);
	cpu = dma_alloc_coherent(f.dev, 8192, &addr, GFP_KERNEL);
	dma_free_coherent(f.dev, 8192, NULL, 0);
	dma_fixture_expect_none(&f);
	dma_free_coherent(f.dev, 8192, cpu, addr + 4096);
	dma_fixture_expect(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr + 4096, 0);
	dma_free_coherent(f.dev, 4096, cpu, addr);
	dma_fixture_expect(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr, 0);
	assert_int_equal(f.h.nr_pages, 2);
	dma_free_coherent(f.dev, 8192, cpu, addr);
	dma_free_coherent(f.dev, 8192, cpu, addr);
	dma_fixture_expect(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr, 0);
	dma_fixture_fini(&f);
}

TEST(mmap_takes_any_part_and_nothing_outside)
{
	struct dma_as as = { .start = 0 };
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init64(&f, true);
	cpu = dma_alloc_coherent(f.dev, 5 * 4096 - 1, &addr, GFP_KERNEL);
	assert_true(dma_can_mmap(f.dev));
	for (uint64_t off = 0; off < 7; off++) {
		for (uint64_t n = 0; n < 7; n++) {
			struct dma_vma vma = {
				.as = &as, .start = 0x10000, .end = 0x10000 + n * 4096, .pgoff = off
			};
			int err = dma_mmap_coherent(f.dev, &vma, cpu, addr, 5 * 4096 - 1);

			as.nr_mapped = 0;
			if (n == 0 || off + n > 5) {
				assert_int_equal(err, -ENXIO);
				dma_fixture_expect(&f, DMA_OP_MMAP, -ENXIO, DMA_RULE_OFFSET,
						   n == 0 ? 0 : off + n, 5);
				continue;
			}
			assert_ok(err);
			assert_u64_equal(as.mapped.phys, addr + off * 4096);
			assert_u64_equal(as.mapped.len, n * 4096);
		}
	}
	dma_free_coherent(f.dev, 5 * 4096 - 1, cpu, addr);
	dma_fixture_fini(&f);
}

TEST(mmap_errors_have_their_names)
{
	struct dma_as as = { .start = 0 };
	struct dma_vma vma = { .as = &as, .start = 0x1000, .end = 0x2000 };
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init64(&f, true);
	cpu = dma_alloc_coherent(f.dev, 8192, &addr, GFP_KERNEL);
	vma.end = 0x2001;
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MMAP, -EINVAL, DMA_RULE_ALIGN, 0x2001, 4096);
	vma.end = 0x1000;
	vma.start = 0x2000;
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192), -ENXIO);
	dma_fixture_expect(&f, DMA_OP_MMAP, -ENXIO, DMA_RULE_OFFSET, 0, 2);
	vma.start = 0x1000;
	vma.end = 0x2000;
	vma.pgoff = UINT64_MAX;
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192), -ENXIO);
	vma.pgoff = 0;
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr + 1, 8192), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_MMAP, -EINVAL, DMA_RULE_NOT_MAPPED, addr + 1, 0);
	host_platform_fail_nth(&f.h, 1);
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192), -ENOMEM);
	dma_fixture_expect(&f, DMA_OP_MMAP, -ENOMEM, DMA_RULE_NO_META, 0, 4096);
	assert_ok(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192));
	assert_int_equal(dma_mmap_coherent(f.dev, &vma, cpu, addr, 8192), -EEXIST);
	dma_fixture_expect(&f, DMA_OP_MMAP, -EEXIST, DMA_RULE_OVERLAP, 0x1000, 0);
	dma_free_coherent(f.dev, 8192, cpu, addr);
	dma_fixture_fini(&f);
}

TEST(get_sgtable_errors_have_their_names)
{
	struct sg_table sgt = { .nents = 9 };
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	init64(&f, true);
	cpu = dma_alloc_coherent(f.dev, 8192, &addr, GFP_KERNEL);
	assert_int_equal(dma_get_sgtable(f.dev, &sgt, cpu, addr, 0), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_GET_SGTABLE, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	assert_int_equal(dma_get_sgtable(f.dev, &sgt, cpu, addr ^ 4096, 8192), -EINVAL);
	dma_fixture_expect(&f, DMA_OP_GET_SGTABLE, -EINVAL, DMA_RULE_NOT_MAPPED, addr ^ 4096, 0);
	host_platform_fail_nth(&f.h, 1);
	assert_int_equal(dma_get_sgtable(f.dev, &sgt, cpu, addr, 8192), -ENOMEM);
	dma_fixture_expect(&f, DMA_OP_GET_SGTABLE, -ENOMEM, DMA_RULE_NO_META, 0, 32);
	assert_int_equal(sgt.nents, 9);
	dma_free_coherent(f.dev, 8192, cpu, addr);
	dma_fixture_fini(&f);
}

TEST(an_allocation_that_fails_anywhere_leaves_nothing)
{
	static const unsigned long attrs[] = { 0, DMA_ATTR_NO_KERNEL_MAPPING, DMA_ATTR_NON_COHERENT,
					       DMA_ATTR_WRITE_COMBINE };

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		struct dma_fixture f;
		dma_addr_t addr = 5;
		uint64_t metas;
		uint64_t n;
		void *cpu;

		init64(&f, false);
		/* The table of buffers stays once it is there. */
		cpu = dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, attrs[i]);
		dma_free_attrs(f.dev, 4096, cpu, addr, attrs[i]);
		metas = f.h.nr_metas;
		addr = 5;
		for (n = 1;; n++) {
			struct dma_error e;

			host_platform_fail_nth(&f.h, n);
			cpu = dma_alloc_attrs(f.dev, 12345, &addr, GFP_KERNEL, attrs[i]);
			if (f.h.nr_injected == 0)
				break;
			assert_null(cpu);
			assert_ok(dma_last_error(f.dev, &e));
			assert_int_equal(e.err, -ENOMEM);
			assert_int_equal(e.op, DMA_OP_ALLOC);
			assert_true(e.rule == DMA_RULE_NO_META || e.rule == DMA_RULE_NO_MEMORY);
			assert_int_equal(f.h.nr_metas, metas);
			assert_int_equal(f.h.nr_pages, 0);
			assert_int_equal(f.h.nr_cpu_maps, 0);
			assert_u64_equal(addr, 5);
		}
		assert_non_null(cpu);
		assert_true(n > 2);
		dma_free_attrs(f.dev, 12345, cpu, addr, attrs[i]);
		dma_fixture_fini(&f);
	}
}

TEST(buffers_outlive_their_device_until_it_is_quiet)
{
	struct dma_fixture f;
	struct dma_device *dev;
	dma_addr_t addr;

	init64(&f, true);
	assert_ok(dma_device_create(f.p, &(struct dma_device_desc){ .coherent = true }, &dev));
	assert_int_equal(dma_device_quiesced(dev), -EBUSY);
	assert_ok(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	assert_non_null(dma_alloc_coherent(dev, 8192, &addr, GFP_KERNEL));
	dma_device_destroy(dev);
	assert_int_equal(f.h.nr_pages, 2);
	assert_ok(dma_device_quiesced(dev));
	assert_int_equal(f.h.nr_pages, 0);
	dma_fixture_fini(&f);
}

TEST(many_buffers_are_told_apart)
{
	struct dma_fixture f;
	dma_addr_t addr[200];
	void *cpu[200];

	init64(&f, true);
	for (uint32_t i = 0; i < 200; i++) {
		cpu[i] = dma_alloc_coherent(f.dev, 4096 * (i % 3 + 1), &addr[i], GFP_ATOMIC);
		assert_non_null(cpu[i]);
		memset(cpu[i], (int)i, 4096 * (i % 3 + 1));
	}
	for (uint32_t k = 0; k < 200; k++) {
		uint32_t i = k * 77 % 200;

		assert_int_equal(*(unsigned char *)cpu[i], i);
		dma_free_coherent(f.dev, 4096 * (i % 3 + 1), cpu[i], addr[i]);
	}
	dma_fixture_expect_none(&f);
	dma_fixture_fini(&f);
}

TEST(a_window_that_shifts_by_less_than_the_size_cannot_align)
{
	static const struct dma_range shifted[] = { { RAM_BASE, 0x3000, RAM_BYTES }, { 0 } };
	struct dma_fixture f;
	dma_addr_t addr;
	void *cpu;

	dma_fixture_init(&f, NULL,
			 &(struct dma_device_desc){ .coherent = true, .ranges = shifted });
	cpu = dma_alloc_coherent(f.dev, 4096, &addr, GFP_KERNEL);
	assert_non_null(cpu);
	dma_free_coherent(f.dev, 4096, cpu, addr);
	assert_null(dma_alloc_coherent(f.dev, 16384, &addr, GFP_KERNEL));
	dma_fixture_expect(&f, DMA_OP_ALLOC, -ENOMEM, DMA_RULE_ALIGN, 0x3000, 16384);
	assert_int_equal(f.h.nr_pages, 0);
	dma_fixture_fini(&f);
}
