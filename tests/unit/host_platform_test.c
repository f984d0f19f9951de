/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform for tests keeps the promises of platform.h that other tests build on. */
#include "tests/support/host_platform.h"

#include "tests/support/check.h"

static const struct dma_pages_req four_pages = {
	.len = 4 * 4096, .align = 4 * 4096, .last = UINT64_MAX, .node = -1, .flags = DMA_PAGES_ZERO
};

TEST(pages_are_aligned_zeroed_named_above_4_gib_and_reachable_by_the_linear_offset)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	const unsigned char zeroes[4096] = { 0 };
	unsigned char *linear;
	phys_addr_t phys;
	phys_addr_t back;

	assert_ok(p->pages_alloc(p, &four_pages, &phys));
	assert_u64_equal(phys & (four_pages.align - 1), 0);
	assert_true(phys >= (uint64_t)4 << 30);
	linear = (unsigned char *)(uintptr_t)(phys + p->linear_offset);
	assert_ptr_equal(linear, p->phys_to_virt(p, phys));
	assert_memory_equal(linear + 3 * 4096, zeroes, 4096);
	assert_ok(p->virt_to_phys(p, linear + 5, &back));
	assert_u64_equal(back, phys + 5);
	assert_int_equal(p->virt_to_phys(p, zeroes, &back), -EFAULT);
	p->pages_free(p, phys, four_pages.len);
	host_platform_fini(&h);
}

TEST(pages_above_the_limit_are_refused)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct dma_pages_req req = four_pages;
	phys_addr_t phys = 1;

	req.last = UINT32_MAX;
	assert_int_equal(p->pages_alloc(p, &req, &phys), -ENOMEM);
	assert_u64_equal(phys, 1);
	host_platform_fini(&h);
}

TEST(ram_runs_out_and_comes_back)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(
		&h, &(struct host_options){ .ram_bytes = 8 * 4096, .scatter_seed = 7 });
	phys_addr_t a;
	phys_addr_t b;
	phys_addr_t c;

	assert_ok(p->pages_alloc(p, &four_pages, &a));
	assert_ok(p->pages_alloc(p, &four_pages, &b));
	assert_u64_not_equal(a, b);
	assert_int_equal(p->pages_alloc(p, &four_pages, &c), -ENOMEM);
	p->pages_free(p, a, four_pages.len);
	assert_ok(p->pages_alloc(p, &four_pages, &c));
	assert_u64_equal(c, a);
	p->pages_free(p, b, four_pages.len);
	p->pages_free(p, c, four_pages.len);
	host_platform_fini(&h);
}

TEST(metadata_is_zeroed_aligned_and_counted)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	const unsigned char zeroes[100] = { 0 };

	for (size_t align = 1; align <= 4096; align *= 2) {
		void *mem = p->meta_alloc(p, 100, align);

		assert_non_null(mem);
		assert_u64_equal((uintptr_t)mem & (align - 1), 0);
		assert_memory_equal(mem, zeroes, 100);
		assert_u64_equal(h.nr_metas, 1);
		assert_u64_equal(h.meta_bytes, 100);
		memset(mem, 0xff, 100);
		p->meta_free(p, mem, 100);
	}
	host_platform_fini(&h);
}

TEST(the_nth_request_fails_and_only_that_one)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	phys_addr_t phys;
	void *a;

	host_platform_fail_nth(&h, 2);
	a = p->meta_alloc(p, 8, 8);
	assert_non_null(a);
	assert_int_equal(p->pages_alloc(p, &four_pages, &phys), -ENOMEM);
	assert_u64_equal(h.nr_injected, 1);
	assert_ok(p->pages_alloc(p, &four_pages, &phys));
	assert_false(p->inject(p, DMA_INJECT_IOMMU));
	assert_u64_equal(h.nr_requests, 4);
	p->pages_free(p, phys, four_pages.len);
	p->meta_free(p, a, 8);
	host_platform_fini(&h);
}

TEST(every_phys_has_a_kind_and_a_distance)
{
	struct host_platform h;
	const uint64_t ram = (uint64_t)4 << 30;
	struct dma_platform *p = host_platform_init(
		&h, &(struct host_options){ .mmio_phys = 0x9000000, .mmio_bytes = 0x1000 });
	uint64_t len;

	assert_int_equal(p->phys_kind(p, ram + 16, &len), DMA_PHYS_RAM);
	assert_u64_equal(len, h.opt.ram_bytes - 16);
	assert_u64_equal(p->ram_last(p), ram + h.opt.ram_bytes - 1);
	assert_int_equal(p->phys_kind(p, 0x9000004, &len), DMA_PHYS_MMIO);
	assert_u64_equal(len, 0xffc);
	assert_int_equal(p->phys_kind(p, 0, &len), DMA_PHYS_NONE);
	assert_u64_equal(len, 0x9000000);
	assert_int_equal(p->phys_kind(p, 0x9001000, &len), DMA_PHYS_NONE);
	assert_u64_equal(len, ram - 0x9001000);
	assert_int_equal(p->phys_kind(p, ram + h.opt.ram_bytes, &len), DMA_PHYS_NONE);
	host_platform_fini(&h);
}

TEST(pinning_yields_one_run_per_page_from_the_offset_in_the_first)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct dma_pin_run runs[4];
	uint64_t covered;
	uint32_t nr_runs;
	phys_addr_t phys;

	assert_ok(p->pages_alloc(p, &four_pages, &phys));
	assert_ok(p->pin(p, NULL, (uintptr_t)p->phys_to_virt(p, phys + 64), 2 * 4096, true, runs, 4,
			 &nr_runs, &covered));
	assert_int_equal(nr_runs, 3);
	assert_u64_equal(covered, 2 * 4096);
	assert_u64_equal(runs[0].phys, phys + 64);
	assert_u64_equal(runs[0].len, 4096 - 64);
	assert_u64_equal(runs[2].phys, phys + 2 * 4096);
	assert_u64_equal(runs[2].len, 64);
	p->unpin(p, NULL, runs, nr_runs, true);
	p->pages_free(p, phys, four_pages.len);
	host_platform_fini(&h);
}
