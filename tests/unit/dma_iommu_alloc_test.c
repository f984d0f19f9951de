/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocations behind an IOMMU (rules.md 2.3, 2.6): what the device sees, alignment, attributes,
 * memory types, other views, and what happens when an invalidation is not confirmed. The platform
 * for tests cannot map scattered pages for the CPU, so large buffers are contiguous here or have no
 * CPU mapping; the simulated machine does the rest.
 */
#include <dmamap/scatterlist.h>

#include "tests/support/iommu_fixture.h"

static const uint32_t granules[] = { 12, 14, 16 };

/* Sum of what the table covers, and where the first byte after @off lies. */
static uint64_t table_bytes(const struct sg_table *sgt, uint64_t off, phys_addr_t *phys)
{
	struct scatterlist *sg;
	uint64_t sum = 0;
	uint32_t i;

	for_each_sg(sgt->sgl, sg, sgt->orig_nents, i)
	{
		if (off >= sum && off < sum + sg->length)
			*phys = sg->phys + (off - sum);
		sum += sg->length;
	}
	return sum;
}

TEST(a_buffer_without_a_cpu_mapping_is_scattered_memory_at_one_aligned_address)
{
	static const size_t sizes[] = { 1, 4096, 4097, 65536, 100000, 1u << 20, 3u << 20 };

	for (uint32_t g = 0; g < ARRAY_LEN(granules); g++) {
		static struct iommu_fixture f;

		f = (struct iommu_fixture){ .granule_lg2 = granules[g],
					    .opt.scatter_seed = g + 1,
					    .opt.ram_bytes = 32u << 20 };
		iommu_fixture_open(&f);
		for (uint32_t i = 0; i < ARRAY_LEN(sizes); i++) {
			uint64_t whole = (sizes[i] + 4095) & ~4095ull;
			struct sg_table sgt;
			dma_addr_t addr = 0;
			void *cookie = dma_alloc_attrs(f.dev, sizes[i], &addr, GFP_KERNEL,
						       DMA_ATTR_NO_KERNEL_MAPPING);

			assert_non_null(cookie);
			assert_u64_equal(addr & (((uint64_t)1 << bits_log2_ceil(whole)) - 1), 0);
			assert_ok(dma_get_sgtable_attrs(f.dev, &sgt, cookie, addr, sizes[i],
							DMA_ATTR_NO_KERNEL_MAPPING));
			for (uint64_t off = 0; off < whole; off += 4096) {
				phys_addr_t phys = 0;

				assert_u64_equal(table_bytes(&sgt, off, &phys), whole);
				iommu_fixture_reaches(&f, addr + off, phys, 4096,
						      DMA_BIDIRECTIONAL);
				/* zeroed, whoever looks */
				assert_int_equal(*(char *)host_platform_ram(&f.h, phys + 77), 0);
			}
			sg_free_table(&sgt);
			dma_free_attrs(f.dev, sizes[i], cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
			iommu_fixture_blocked(&f, addr, whole);
		}
		assert_int_equal(f.h.nr_cpu_maps, 0);
		assert_u64_equal(iommu_fixture_live(&f), 0);
		iommu_fixture_close(&f);
	}
}

TEST(cookies_of_live_buffers_differ_and_are_no_metadata)
{
	static struct iommu_fixture f;
	void *cookie[200];
	dma_addr_t addr[200];

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 200; i++) {
		cookie[i] = dma_alloc_attrs(f.dev, 4096, &addr[i], GFP_KERNEL,
					    DMA_ATTR_NO_KERNEL_MAPPING);
		assert_non_null(cookie[i]);
		for (uint32_t k = 0; k < i; k++)
			assert_true(cookie[k] != cookie[i]);
	}
	for (uint32_t i = 0; i < 200; i++)
		dma_free_attrs(f.dev, 4096, cookie[i], addr[i], DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_close(&f);
}

TEST(forced_contiguous_memory_is_contiguous_and_the_cpu_writes_what_the_device_reads)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	phys_addr_t phys;
	unsigned char *cpu;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	cpu = dma_alloc_attrs(f.dev, 1u << 20, &addr, GFP_ATOMIC, DMA_ATTR_FORCE_CONTIGUOUS);
	assert_non_null(cpu);
	assert_true(iommu_fake_access(&f.fake, 0, addr, true, &phys));
	iommu_fixture_reaches(&f, addr, phys, 1u << 20, DMA_BIDIRECTIONAL);
	cpu[0x12345] = 99;
	assert_int_equal(*(unsigned char *)host_platform_ram(&f.h, phys + 0x12345), 99);
	dma_free_attrs(f.dev, 1u << 20, cpu, addr, DMA_ATTR_FORCE_CONTIGUOUS);
	/* Not even the largest block would be enough. */
	assert_null(dma_alloc_attrs(f.dev, 64u << 20, &addr, GFP_KERNEL,
				    DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_WARN));
	iommu_fixture_failed(&f, DMA_OP_ALLOC, -ENOMEM, DMA_RULE_NO_MEMORY, 0, 64u << 20);
	iommu_fixture_close(&f);
}

static enum dma_memtype seen_memtype;
static void *(*host_cpu_map)(struct dma_platform *p, const struct dma_phys_run *runs,
			     uint32_t nr_runs, enum dma_memtype memtype);

static void *watch_cpu_map(struct dma_platform *p, const struct dma_phys_run *runs,
			   uint32_t nr_runs, enum dma_memtype memtype)
{
	seen_memtype = memtype;
	return host_cpu_map(p, runs, nr_runs, memtype);
}

TEST(the_memory_type_follows_the_device_and_the_attributes)
{
	static const struct {
		unsigned long attrs;
		enum dma_memtype want;
		bool cache;
	} cases[] = { { 0, DMA_MEM_UNCACHED, false },
		      { DMA_ATTR_WRITE_COMBINE, DMA_MEM_WC, false },
		      { DMA_ATTR_NON_COHERENT | DMA_ATTR_FORCE_CONTIGUOUS, DMA_MEM_WB, false } };
	static struct iommu_fixture f;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .noncoherent = true, .opt.cache_line = 64 };
	iommu_fixture_open(&f);
	host_cpu_map = f.p->cpu_map;
	f.p->cpu_map = watch_cpu_map;
	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run run;
		dma_addr_t addr;
		void *cpu;

		seen_memtype = DMA_MEM_WB;
		cpu = dma_alloc_attrs(f.dev, 4096, &addr, GFP_KERNEL, cases[i].attrs);
		assert_non_null(cpu);
		assert_int_equal(seen_memtype, cases[i].want);
		assert_ok(pgtable_next_run(&dma_device_domain(f.dev)->pt, addr, addr, &run));
		assert_int_equal((run.prot & DMA_PROT_CACHE) != 0, cases[i].cache);
		dma_free_attrs(f.dev, 4096, cpu, addr, cases[i].attrs);
	}
	f.p->cpu_map = host_cpu_map;
	iommu_fixture_close(&f);
}

TEST(the_coherent_mask_bounds_allocations)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	void *cookie;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 40 };
	iommu_fixture_open(&f);
	assert_ok(dma_set_coherent_mask(f.dev, DMA_BIT_MASK(20)));
	cookie = dma_alloc_attrs(f.dev, 500000, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	assert_non_null(cookie);
	assert_u64_equal(addr, 0x80000);
	assert_null(dma_alloc_attrs(f.dev, 500000, &addr, GFP_KERNEL,
				    DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN));
	iommu_fixture_failed(&f, DMA_OP_ALLOC, -ENOMEM, DMA_RULE_NO_IOVA, 0, 503808);
	dma_free_attrs(f.dev, 500000, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_close(&f);
}

TEST(free_believes_the_dma_address_and_the_size_only)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	void *cookie;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	cookie = dma_alloc_attrs(f.dev, 8192, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	dma_free_attrs(f.dev, 4096, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_failed(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr, 4096);
	dma_free_attrs(f.dev, 8192, cookie, addr + 4096, DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_failed(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr + 4096, 8192);
	dma_free_attrs(f.dev, 8192, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	dma_free_attrs(f.dev, 8192, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_failed(&f, DMA_OP_FREE, -EINVAL, DMA_RULE_NOT_MAPPED, addr, 8192);
	dma_free_attrs(f.dev, 8192, NULL, addr, 0);
	iommu_fixture_close(&f);
}

TEST(memory_is_not_given_back_before_its_invalidation_is_confirmed)
{
	static struct iommu_fixture f;
	phys_addr_t phys;
	dma_addr_t addr;
	uint64_t pages;
	void *cookie;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	cookie = dma_alloc_attrs(f.dev, 8192, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	assert_true(iommu_fake_access(&f.fake, 0, addr, true, &phys));
	pages = f.h.nr_pages;
	f.fake.fail_sync = -ETIMEDOUT;
	dma_free_attrs(f.dev, 8192, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	iommu_fixture_failed(&f, DMA_OP_FREE, -ETIMEDOUT, DMA_RULE_HARDWARE, ETIMEDOUT, 0);
	/* The device still reaches it, so it belongs to nobody. */
	assert_true(iommu_fake_access(&f.fake, 0, addr, true, &phys));
	dma_trim(f.dev);
	assert_int_equal(f.h.nr_pages, pages);
	f.fake.fail_sync = 0;
	dma_trim(f.dev);
	assert_true(f.h.nr_pages < pages);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(a_device_that_goes_with_unconfirmed_memory_gives_it_back_when_quiet)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	void *cookie;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	cookie = dma_alloc_attrs(f.dev, 8192, &addr, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	f.fake.fail_sync = -ETIMEDOUT;
	dma_free_attrs(f.dev, 8192, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	dma_device_destroy(f.dev);
	assert_int_equal(dma_iommu_close(f.iommu), -EBUSY);
	f.fake.fail_sync = 0;
	assert_ok(dma_device_quiesced(f.dev));
	assert_ok(dma_iommu_close(f.iommu));
	host_platform_fini(&f.h);
}

TEST(many_buffers_are_found_again)
{
	static struct iommu_fixture f;
	static dma_addr_t addr[1000];
	static void *cookie[1000];

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 1000; i++) {
		cookie[i] = dma_alloc_attrs(f.dev, 4096 * (1 + i % 3), &addr[i], GFP_KERNEL,
					    DMA_ATTR_NO_KERNEL_MAPPING);
		assert_non_null(cookie[i]);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t k = (i * 389) % 1000;

		dma_free_attrs(f.dev, 4096 * (1 + k % 3), cookie[k], addr[k],
			       DMA_ATTR_NO_KERNEL_MAPPING);
	}
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}
