/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred invalidation, and invalidations that fail: no IOVA is handed out while the fake
 * IOMMU could still use a cached translation of it (rules.md 3.2).
 */
#include "tests/support/iommu_fixture.h"

static uint64_t fake_now;

static uint64_t now_ns(struct dma_platform *p)
{
	(void)p;
	return fake_now;
}

static dma_addr_t map_fresh(struct iommu_fixture *f, phys_addr_t phys, size_t len)
{
	dma_addr_t addr = dma_map_phys(f->dev, phys, len, DMA_BIDIRECTIONAL, 0);

	assert_int_equal(dma_mapping_error(f->dev, addr), 0);
	/* The rule of the whole file. */
	assert_false(iommu_fake_caches(&f->fake, f->requester, addr, len));
	iommu_fixture_reaches(f, addr, phys, len, DMA_BIDIRECTIONAL);
	return addr;
}

TEST(a_deferred_unmap_costs_one_invalidation_in_256)
{
	static struct iommu_fixture f;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .deferred = true };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 10 * FLUSH_RING_ENTRIES; i++) {
		dma_addr_t addr = map_fresh(&f, FIX_RAM + (i % 1000) * 4096, 4096);

		dma_unmap_phys(f.dev, addr, 4096, DMA_BIDIRECTIONAL, 0);
	}
	assert_int_equal(f.fake.nr_sync_alls, 10);
	assert_int_equal(f.fake.nr_syncs, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(what_is_queued_is_bounded_in_bytes)
{
	static struct iommu_fixture f;
	size_t len = (size_t)(FLUSH_MAX_BYTES / 4);

	f = (struct iommu_fixture){ .granule_lg2 = 12,
				    .deferred = true,
				    .mask_bits = 36,
				    .opt.ram_bytes = FLUSH_MAX_BYTES };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 10; i++) {
		dma_addr_t addr = dma_map_phys(f.dev, FIX_RAM, len, DMA_TO_DEVICE, 0);

		assert_int_equal(dma_mapping_error(f.dev, addr), 0);
		dma_unmap_phys(f.dev, addr, len, DMA_TO_DEVICE, 0);
	}
	assert_int_equal(f.fake.nr_sync_alls, 2);
	iommu_fixture_close(&f);
}

TEST(poll_flushes_what_waited_too_long)
{
	static struct iommu_fixture f;
	struct dma_iommu_info info;
	dma_addr_t addr;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .deferred = true };
	iommu_fixture_open(&f);
	f.p->now_ns = now_ns;
	fake_now = 1000;
	addr = map_fresh(&f, FIX_RAM, 8192);
	dma_unmap_phys(f.dev, addr, 8192, DMA_BIDIRECTIONAL, 0);
	assert_true(iommu_fake_caches(&f.fake, 0, addr, 8192));
	fake_now += FLUSH_MAX_AGE_NS - 1;
	dma_poll(f.dev);
	assert_true(iommu_fake_caches(&f.fake, 0, addr, 8192));
	dma_iommu_get_info(f.iommu, &info);
	assert_u64_equal(info.queued_bytes, 8192);
	fake_now += 3;
	dma_poll(f.dev);
	assert_false(iommu_fake_caches(&f.fake, 0, addr, 8192));
	dma_iommu_get_info(f.iommu, &info);
	assert_u64_equal(info.queued_bytes, 0);
	assert_u64_equal(info.nr_flushes, 1);
	assert_int_equal(f.fake.nr_sync_alls, 1);
	dma_poll(f.dev);
	assert_int_equal(f.fake.nr_sync_alls, 1);
	iommu_fixture_close(&f);
}

TEST(the_mode_changes_live_and_strict_means_flushed)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;
	dma_addr_t addr;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	dom = dma_device_domain(f.dev);
	assert_ok(dma_domain_set_deferred(dom, true));
	addr = map_fresh(&f, FIX_RAM, 4096);
	dma_unmap_phys(f.dev, addr, 4096, DMA_BIDIRECTIONAL, 0);
	assert_true(iommu_fake_caches(&f.fake, 0, addr, 4096));
	f.fake.fail_sync = -EIO;
	assert_int_equal(dma_domain_set_deferred(dom, false), -EIO);
	f.fake.fail_sync = 0;
	addr = map_fresh(&f, FIX_RAM, 4096);
	dma_unmap_phys(f.dev, addr, 4096, DMA_BIDIRECTIONAL, 0);
	assert_true(iommu_fake_caches(&f.fake, 0, addr, 4096));
	assert_ok(dma_domain_set_deferred(dom, false));
	assert_false(iommu_fake_caches(&f.fake, 0, addr, 4096));
	addr = map_fresh(&f, FIX_RAM, 4096);
	dma_unmap_phys(f.dev, addr, 4096, DMA_BIDIRECTIONAL, 0);
	assert_false(iommu_fake_caches(&f.fake, 0, addr, 4096));
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_UNMANAGED, &dom));
	assert_int_equal(dma_domain_set_deferred(dom, true), -EINVAL);
	assert_ok(dma_domain_free(dom));
	iommu_fixture_close(&f);
}

TEST(iova_whose_invalidation_failed_is_not_used_until_one_succeeds)
{
	for (uint32_t deferred = 0; deferred < 2; deferred++) {
		static struct iommu_fixture f;
		static dma_addr_t lost[300];
		struct dma_iommu_info info;

		f = (struct iommu_fixture){ .granule_lg2 = 12,
					    .mask_bits = 22,
					    .deferred = deferred != 0 };
		iommu_fixture_open(&f);
		for (uint32_t i = 0; i < 300; i++)
			lost[i] = map_fresh(&f, FIX_RAM + i * 4096, 4096);
		f.fake.fail_sync = -ETIMEDOUT;
		for (uint32_t i = 0; i < 300; i++)
			dma_unmap_phys(f.dev, lost[i], 4096, DMA_BIDIRECTIONAL, 0);
		iommu_fixture_failed(&f, DMA_OP_UNMAP, -ETIMEDOUT, DMA_RULE_HARDWARE, ETIMEDOUT, 0);
		for (uint32_t i = 0; i < 500; i++) {
			dma_addr_t addr = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);

			if (addr == DMA_MAPPING_ERROR)
				break;
			for (uint32_t k = 0; k < 300; k++)
				assert_true(addr != lost[k]);
			dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
		}
		dma_iommu_get_info(f.iommu, &info);
		assert_true(info.unconfirmed_bytes + info.queued_bytes >= 300 * 4096);
		f.fake.fail_sync = 0;
		assert_u64_equal(iommu_fixture_live(&f), 0);
		dma_iommu_get_info(f.iommu, &info);
		assert_u64_equal(info.unconfirmed_bytes + info.queued_bytes, 0);
		/* All of it, and nothing stale. */
		for (uint32_t i = 0; i < 1023; i++)
			map_fresh(&f, FIX_RAM, 4096);
		assert_ok(dma_domain_detach(f.dev));
		assert_ok(dma_device_quiesced(f.dev));
		iommu_fixture_close(&f);
	}
}

TEST(trim_retires_empty_tables_and_what_is_live_stays)
{
	static struct iommu_fixture f;
	static dma_addr_t addr[4096];
	struct dma_iommu_info info;
	struct dma_domain *dom;
	uint32_t nr_linked;
	dma_addr_t keep;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	keep = map_fresh(&f, FIX_RAM + 5 * 4096, 4096);
	for (uint32_t i = 0; i < 4096; i++)
		addr[i] = map_fresh(&f, FIX_RAM + (i % 64) * 4096, 4096);
	for (uint32_t i = 0; i < 4096; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_BIDIRECTIONAL, 0);
	dma_iommu_get_info(f.iommu, &info);
	assert_true(info.cached_table_bytes >= 7 * 4096);
	dom = dma_device_domain(f.dev);
	nr_linked = dom->pt.pool.nr_linked;
	dma_trim(f.dev);
	assert_true(dom->pt.pool.nr_linked <= nr_linked - 7);
	iommu_fixture_reaches(&f, keep, FIX_RAM + 5 * 4096, 4096, DMA_BIDIRECTIONAL);
	for (uint32_t i = 0; i < 4096; i++)
		addr[i] = map_fresh(&f, FIX_RAM + (i % 64) * 4096, 4096);
	for (uint32_t i = 0; i < 4096; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_BIDIRECTIONAL, 0);
	dma_unmap_phys(f.dev, keep, 4096, DMA_BIDIRECTIONAL, 0);
	iommu_fixture_close(&f);
}

TEST(a_trim_that_is_not_confirmed_keeps_tables_and_spans_out_of_use)
{
	static struct iommu_fixture f;
	static dma_addr_t addr[2048];

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 24 };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 2048; i++)
		addr[i] = map_fresh(&f, FIX_RAM, 4096);
	for (uint32_t i = 0; i < 2048; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_BIDIRECTIONAL, 0);
	f.fake.fail_sync = -EIO;
	dma_trim(f.dev);
	f.fake.fail_sync = 0;
	for (uint32_t i = 0; i < 2048; i++)
		addr[i] = map_fresh(&f, FIX_RAM, 4096);
	for (uint32_t i = 0; i < 2048; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_BIDIRECTIONAL, 0);
	dma_trim(f.dev);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}
