/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request of the IOMMU layer fails in turn: metadata, pages, CPU mappings, requests to the
 * IOMMU. Each failing call says why, and everything observable is as it was: translations, free
 * IOVA, pages, attachment, the list. Empty tables and caches may differ.
 */
#include "tests/support/iommu_fixture.h"

struct world {
	uint64_t live;
	uint64_t pages;
	struct dma_domain *dom;
	dma_addr_t kept;
};

/* One mapping stays throughout; it must still work after every failure. */
static void look(struct iommu_fixture *f, struct world *w)
{
	w->dom = dma_device_domain(f->dev);
	/* A doorbell stays mapped as long as the domain. */
	w->live = iommu_fixture_live(f) - w->dom->nr_msi_iova * f->granule;
	w->pages = f->h.nr_pages - w->dom->pt.pool.nr_chunks * (w->dom->pt.pool.chunk_bytes / 4096);
	iommu_fixture_reaches(f, w->kept, FIX_RAM, 4096, DMA_BIDIRECTIONAL);
}

static void same(struct iommu_fixture *f, const struct world *before)
{
	struct world now = { .kept = before->kept };

	look(f, &now);
	assert_u64_equal(now.live, before->live);
	assert_u64_equal(now.pages, before->pages);
	assert_ptr_equal(now.dom, before->dom);
}

/* 0, or the errno that was recorded. */
static int newest(struct dma_device *dev)
{
	struct dma_error e;

	if (dma_last_error(dev, &e) != 0)
		fail_msg("a failure without a record");
	assert_true(e.rule != DMA_RULE_NONE);
	assert_true(e.err < 0);
	return e.err;
}

typedef bool (*scenario)(struct iommu_fixture *f);

/*
 * Sweeps @run, which returns false when a call failed as it should. A failure that only cost a
 * cache (a ring, a larger block) lets it succeed: then the world is the same as well.
 */
static void sweep(const struct iommu_fixture *like, scenario run)
{
	static struct iommu_fixture f;

	for (uint32_t warm = 0; warm < 2; warm++) {
		for (uint64_t n = 1;; n++) {
			struct world before = { 0 };
			bool injected;

			f = *like;
			iommu_fixture_open(&f);
			before.kept = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_BIDIRECTIONAL, 0);
			if (warm != 0)
				assert_true(run(&f));
			look(&f, &before);
			host_platform_fail_nth(&f.h, n);
			(void)run(&f);
			injected = f.h.nr_injected != 0;
			host_platform_fail_nth(&f.h, 0);
			same(&f, &before);
			assert_true(run(&f));
			same(&f, &before);
			dma_unmap_phys(f.dev, before.kept, 4096, DMA_BIDIRECTIONAL, 0);
			iommu_fixture_close(&f);
			if (!injected)
				break;
			assert_true(n < 500);
		}
	}
}

static bool map_page(struct iommu_fixture *f)
{
	dma_addr_t addr = dma_map_phys(f->dev, FIX_RAM + 8192, 4096, DMA_TO_DEVICE, 0);

	if (addr == DMA_MAPPING_ERROR) {
		assert_int_equal(newest(f->dev), -ENOMEM);
		return false;
	}
	iommu_fixture_reaches(f, addr, FIX_RAM + 8192, 4096, DMA_TO_DEVICE);
	dma_unmap_phys(f->dev, addr, 4096, DMA_TO_DEVICE, 0);
	return true;
}

static bool map_large(struct iommu_fixture *f)
{
	size_t len = 5u << 20;
	dma_addr_t addr = dma_map_phys(f->dev, FIX_RAM + 4096, len, DMA_TO_DEVICE, 0);

	if (addr == DMA_MAPPING_ERROR) {
		assert_int_equal(newest(f->dev), -ENOMEM);
		return false;
	}
	iommu_fixture_reaches(f, addr, FIX_RAM + 4096, len, DMA_TO_DEVICE);
	dma_unmap_phys(f->dev, addr, len, DMA_TO_DEVICE, 0);
	return true;
}

static bool map_list(struct iommu_fixture *f)
{
	struct scatterlist sgl[20];
	int count;

	memset(sgl, 0, sizeof(sgl));
	for (uint32_t i = 0; i < 20; i++) {
		sgl[i].phys = FIX_RAM + (uint64_t)i * 2 * f->granule;
		sgl[i].length = (uint32_t)f->granule - (i == 19 ? 100 : 0);
		if (i == 7)
			sgl[i].length = 4u << 20;
	}
	sgl[19].flags = SG_END;
	count = (int)dma_map_sg_attrs(f->dev, sgl, 20, DMA_FROM_DEVICE, 0);
	if (count == 0) {
		assert_int_equal(newest(f->dev), -ENOMEM);
		for (uint32_t i = 0; i < 20; i++)
			assert_u64_equal(sgl[i].dma_address, DMA_MAPPING_ERROR);
		return false;
	}
	iommu_fixture_reaches(f, sgl[0].dma_address, FIX_RAM, f->granule, DMA_FROM_DEVICE);
	dma_unmap_sg_attrs(f->dev, sgl, 20, DMA_FROM_DEVICE, 0);
	return true;
}

static bool alloc_buffer(struct iommu_fixture *f)
{
	struct sg_table sgt;
	dma_addr_t addr;
	void *cookie = dma_alloc_attrs(f->dev, 300000, &addr, GFP_KERNEL,
				       DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN);
	bool ok;

	if (cookie == NULL) {
		assert_int_equal(newest(f->dev), -ENOMEM);
		return false;
	}
	ok = dma_get_sgtable_attrs(f->dev, &sgt, cookie, addr, 300000, 0) == 0;
	if (ok)
		sg_free_table(&sgt);
	else
		assert_int_equal(newest(f->dev), -ENOMEM);
	dma_free_attrs(f->dev, 300000, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	return ok;
}

static bool alloc_mapped(struct iommu_fixture *f)
{
	dma_addr_t addr;
	void *cpu = dma_alloc_attrs(f->dev, 65536, &addr, GFP_KERNEL,
				    DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_WARN);

	if (cpu == NULL) {
		assert_int_equal(newest(f->dev), -ENOMEM);
		return false;
	}
	memset(cpu, 1, 65536);
	dma_free_attrs(f->dev, 65536, cpu, addr, DMA_ATTR_FORCE_CONTIGUOUS);
	return true;
}

static bool map_doorbell(struct iommu_fixture *f)
{
	uint64_t iova;

	return dma_iommu_map_msi(f->dev, 0x9000040, &iova) == 0;
}

/* Another device, in and out of domains. */
static bool attach(struct iommu_fixture *f)
{
	struct dma_device_desc desc = {
		.name = "two", .coherent = true, .iommu = f->iommu, .requester = 7
	};
	struct dma_device *dev = NULL;
	struct dma_domain *dom = NULL;
	bool ok;

	if (dma_device_create(f->p, &desc, &dev) != 0) {
		assert_null(dev);
		assert_ptr_equal(f->fake.dom_of[7], NULL);
		newest(NULL);
		return false;
	}
	ok = dma_domain_alloc(f->iommu, DMA_DOMAIN_UNMANAGED, &dom) == 0;
	if (ok) {
		struct dma_domain *old = dma_device_domain(dev);

		ok = dma_domain_attach(dom, dev) == 0;
		assert_ptr_equal(dma_device_domain(dev), ok ? dom : old);
		if (ok) {
			ok = dma_domain_map(dom, 0x100000, FIX_RAM, 0x200000, DMA_PROT_READ) == 0;
			assert_u64_equal(dma_domain_iova_to_phys(dom, 0x100000),
					 ok ? FIX_RAM : DMA_MAPPING_ERROR);
			if (ok)
				(void)dma_domain_unmap(dom, 0x100000, 0x200000);
		}
		assert_ok(dma_domain_detach(dev));
		assert_ok(dma_domain_free(dom));
	}
	dma_device_destroy(dev);
	return ok;
}

static bool defer(struct iommu_fixture *f)
{
	bool ok = true;

	assert_ok(dma_domain_set_deferred(dma_device_domain(f->dev), true));
	for (uint32_t i = 0; i < 10; i++)
		ok = map_page(f) && ok;
	return dma_domain_set_deferred(dma_device_domain(f->dev), false) == 0 && ok;
}

TEST(a_page)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, map_page);
}

TEST(a_large_range)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, map_large);
	sweep(&(struct iommu_fixture){ .granule_lg2 = 16 }, map_large);
}

TEST(a_list)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, map_list);
	sweep(&(struct iommu_fixture){ .granule_lg2 = 14, .deferred = true }, map_list);
}

TEST(a_buffer_without_cpu_mapping)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12, .opt.scatter_seed = 3 }, alloc_buffer);
	sweep(&(struct iommu_fixture){ .granule_lg2 = 16, .opt.scatter_seed = 3 }, alloc_buffer);
}

TEST(a_contiguous_buffer)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, alloc_mapped);
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12,
				       .noncoherent = true,
				       .opt.cache_line = 64 },
	      alloc_mapped);
}

TEST(a_doorbell)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, map_doorbell);
}

TEST(another_device_and_its_domains)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, attach);
}

TEST(deferred_invalidation)
{
	sweep(&(struct iommu_fixture){ .granule_lg2 = 12 }, defer);
}

TEST(opening_an_iommu_and_making_a_device)
{
	static const struct dma_resv_region resv[] = {
		{ .start = 0x100000, .len = 0x2000, .prot = 3, .type = DMA_RESV_DIRECT },
		{ .start = 0x8000000, .len = 0x1000, .type = DMA_RESV_SW_MSI },
	};
	static const struct dma_iommu_driver *const drivers[] = { &iommu_fake_driver, NULL };
	static struct iommu_fake fake;
	static struct host_platform h;

	for (uint64_t n = 1;; n++) {
		struct dma_iommu_desc desc = { .mmio_base = (uintptr_t)&fake,
					       .resv = resv,
					       .nr_resv = 2 };
		struct dma_device_desc ddesc = { .name = "d", .coherent = true };
		struct dma_device *dev = NULL;
		struct dma_iommu *iommu = NULL;

		fake = (struct iommu_fake){ 0 };
		host_platform_init(&h, NULL);
		host_platform_fail_nth(&h, n);
		if (dma_iommu_open(&h.p, drivers, &desc, &iommu) == 0) {
			ddesc.iommu = iommu;
			if (dma_device_create(&h.p, &ddesc, &dev) != 0)
				assert_null(dev);
			dma_device_destroy(dev);
		} else {
			assert_null(iommu);
			newest(NULL);
		}
		assert_ok(dma_iommu_close(iommu));
		host_platform_fini(&h);
		if (h.nr_injected == 0)
			break;
		assert_true(n < 500);
	}
}
