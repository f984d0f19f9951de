/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening an IOMMU, groups, attach and detach, quarantine (rules.md IOM-02, IOM-05, IOM-06). */
#include "tests/support/iommu_fixture.h"

static const struct dma_iommu_driver *const drivers[] = { &iommu_fake_driver, NULL };

static void expect_rule(enum dma_rule rule)
{
	struct dma_error e;

	assert_ok(dma_last_error(NULL, &e));
	assert_string_equal(dma_rule_name(e.rule), dma_rule_name(rule));
}

TEST(the_granule_is_the_smallest_that_holds_a_cpu_page)
{
	static const struct {
		uint64_t hw;
		uint32_t page;
		uint32_t want;
	} cases[] = { { 0x15000, 12, 12 },
		      { 0x15000, 14, 14 },
		      { 0x14000, 12, 14 },
		      { 0x1000, 16, 12 },
		      { 0x10000, 14, 16 } };

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct iommu_fixture f;
		struct dma_iommu_info info;

		f = (struct iommu_fixture){ .fake.granules = cases[i].hw,
					    .opt.page_lg2 = cases[i].page };
		iommu_fixture_open(&f);
		dma_iommu_get_info(f.iommu, &info);
		assert_int_equal(info.granule_lg2, cases[i].want);
		assert_string_equal(info.name, "fake");
		assert_true(info.table_bytes > 0);
		assert_true(info.cached_table_bytes <= info.table_bytes);
		iommu_fixture_close(&f);
	}
}

TEST(a_granule_or_a_region_that_cannot_be_is_refused)
{
	static struct iommu_fixture f;
	struct dma_resv_region r[2] = {
		{ .start = 0x10000, .len = 0x800, .type = DMA_RESV_DIRECT }
	};
	struct dma_iommu_desc desc = { .mmio_base = (uintptr_t)&f.fake, .granule_lg2 = 14 };
	struct dma_iommu *iommu = NULL;

	f = (struct iommu_fixture){ .fake.granules = 0x1000 };
	f.p = host_platform_init(&f.h, NULL);
	assert_int_equal(dma_iommu_open(f.p, drivers, &desc, &iommu), -EINVAL);
	expect_rule(DMA_RULE_GRANULE);
	desc.granule_lg2 = 12;
	desc.resv = r;
	desc.nr_resv = 1;
	assert_int_equal(dma_iommu_open(f.p, drivers, &desc, &iommu), -EINVAL);
	expect_rule(DMA_RULE_GRANULE);
	r[0].len = 0;
	assert_int_equal(dma_iommu_open(f.p, drivers, &desc, &iommu), -EINVAL);
	expect_rule(DMA_RULE_LENGTH);
	r[0] = (struct dma_resv_region){ .start = 0x10000,
					 .len = 0x4000,
					 .type = DMA_RESV_RESERVED };
	r[1] = (struct dma_resv_region){ .start = 0x12000, .len = 0x4000, .type = DMA_RESV_MSI };
	desc.nr_resv = 2;
	assert_int_equal(dma_iommu_open(f.p, drivers, &desc, &iommu), -EINVAL);
	expect_rule(DMA_RULE_OVERLAP);
	desc.mmio_base = 0;
	assert_int_equal(dma_iommu_open(f.p, drivers, &desc, &iommu), -ENODEV);
	assert_null(iommu);
	host_platform_fini(&f.h);
}

TEST(an_iommu_with_devices_or_domains_does_not_close)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ 0 };
	iommu_fixture_open(&f);
	assert_int_equal(dma_iommu_close(f.iommu), -EBUSY);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_UNMANAGED, &dom));
	assert_int_equal(dma_domain_free(dma_device_domain(f.dev)), -EBUSY);
	assert_ok(dma_domain_free(dom));
	assert_ok(dma_domain_free(NULL));
	assert_ok(dma_iommu_close(NULL));
	iommu_fixture_close(&f);
	assert_int_equal(f.fake.nr_domains, 0);
}

TEST(devices_with_one_requester_share_a_domain_and_others_do_not)
{
	static struct iommu_fixture f;
	struct dma_device *twin;
	struct dma_device *other;
	dma_addr_t addr;
	phys_addr_t phys;

	f = (struct iommu_fixture){ .requester = 3 };
	iommu_fixture_open(&f);
	twin = iommu_fixture_device(&f, 3);
	other = iommu_fixture_device(&f, 4);
	assert_ptr_equal(dma_device_domain(twin), dma_device_domain(f.dev));
	assert_true(dma_device_domain(other) != dma_device_domain(f.dev));
	addr = dma_map_phys(twin, FIX_RAM, 4096, DMA_TO_DEVICE, 0);
	assert_true(iommu_fake_access(&f.fake, 3, addr, false, &phys));
	assert_false(iommu_fake_access(&f.fake, 4, addr, false, &phys));
	dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
	dma_device_destroy(twin);
	/* The group lives on. */
	addr = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);
	assert_true(iommu_fake_access(&f.fake, 3, addr, false, &phys));
	dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
	dma_device_destroy(other);
	iommu_fixture_close(&f);
}

TEST(a_requester_the_hardware_does_not_have_is_refused)
{
	static struct iommu_fixture f;
	struct dma_device_desc desc = { .name = "x", .requester = FAKE_REQUESTERS };
	struct dma_device *dev = NULL;

	f = (struct iommu_fixture){ 0 };
	iommu_fixture_open(&f);
	desc.iommu = f.iommu;
	assert_int_equal(dma_device_create(f.p, &desc, &dev), -EINVAL);
	expect_rule(DMA_RULE_UNSUPPORTED);
	assert_null(dev);
	iommu_fixture_close(&f);
}

TEST(a_failed_attach_leaves_the_old_attachment)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;
	dma_addr_t addr;
	phys_addr_t phys;

	f = (struct iommu_fixture){ 0 };
	iommu_fixture_open(&f);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_DMA, &dom));
	addr = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);
	f.fake.fail_attach = -EIO;
	assert_int_equal(dma_domain_attach(dom, f.dev), -EIO);
	expect_rule(DMA_RULE_HARDWARE);
	assert_true(dma_device_domain(f.dev) != dom);
	assert_true(iommu_fake_access(&f.fake, 0, addr, false, &phys));
	f.fake.fail_block = -ETIMEDOUT;
	assert_int_equal(dma_domain_detach(f.dev), -ETIMEDOUT);
	assert_true(iommu_fake_access(&f.fake, 0, addr, false, &phys));
	dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
	f.fake.fail_attach = 0;
	f.fake.fail_block = 0;
	assert_ok(dma_domain_free(dom));
	iommu_fixture_close(&f);
}

TEST(a_domain_of_another_iommu_does_not_suit)
{
	static struct iommu_fixture f;
	static struct iommu_fake second;
	struct dma_iommu *iommu;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ 0 };
	second = (struct iommu_fake){ 0 };
	iommu_fixture_open(&f);
	iommu = iommu_fake_open(&second, f.p, 0);
	assert_ok(dma_domain_alloc(iommu, DMA_DOMAIN_DMA, &dom));
	assert_int_equal(dma_domain_attach(dom, f.dev), -EINVAL);
	assert_ok(dma_domain_free(dom));
	assert_ok(dma_iommu_close(iommu));
	iommu_fixture_close(&f);
}

TEST(a_blocked_device_maps_nothing_and_an_identity_domain_lets_everything_through)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;
	struct dma_domain *old;
	phys_addr_t phys;

	f = (struct iommu_fixture){ .mask_bits = 40 };
	iommu_fixture_open(&f);
	old = dma_device_domain(f.dev);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_IDENTITY, &dom));
	assert_ok(dma_domain_detach(f.dev));
	assert_u64_equal(dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	iommu_fixture_failed(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_STATE, DMA_DOMAIN_BLOCKED,
			     DMA_DOMAIN_DMA);
	assert_false(iommu_fake_access(&f.fake, 0, FIX_RAM, false, &phys));
	assert_ok(dma_domain_attach(dom, f.dev));
	assert_u64_equal(dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0), FIX_RAM);
	assert_true(iommu_fake_access(&f.fake, 0, FIX_RAM + 8, false, &phys));
	assert_u64_equal(phys, FIX_RAM + 8);
	assert_ok(dma_domain_attach(old, f.dev));
	assert_ok(dma_domain_free(dom));
	iommu_fixture_close(&f);
}

TEST(live_mappings_are_held_until_the_device_is_quiet)
{
	static struct iommu_fixture f;
	struct dma_domain *own;
	dma_addr_t addr;
	void *cpu;
	dma_addr_t buf;
	uint64_t pages;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	own = dma_device_domain(f.dev);
	assert_int_equal(dma_device_quiesced(f.dev), -EBUSY);
	addr = dma_map_phys(f.dev, FIX_RAM, 8192, DMA_TO_DEVICE, 0);
	cpu = dma_alloc_attrs(f.dev, 16384, &buf, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING);
	assert_non_null(cpu);
	pages = f.h.nr_pages;
	assert_ok(dma_domain_detach(f.dev));
	iommu_fixture_blocked(&f, addr, 8192);
	assert_int_equal(f.h.nr_pages, pages);
	assert_u64_equal(dma_domain_iova_to_phys(own, addr), FIX_RAM);
	assert_int_equal(dma_domain_attach(own, f.dev), -EBUSY);
	assert_ok(dma_device_quiesced(f.dev));
	assert_true(f.h.nr_pages < pages);
	assert_u64_equal(dma_domain_iova_to_phys(own, addr), DMA_MAPPING_ERROR);
	assert_ok(dma_domain_attach(own, f.dev));
	addr = dma_map_phys(f.dev, FIX_RAM + 4096, 4096, DMA_TO_DEVICE, 0);
	iommu_fixture_reaches(&f, addr, FIX_RAM + 4096, 4096, DMA_TO_DEVICE);
	dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(a_destroyed_device_with_live_mappings_stays_until_it_is_quiet)
{
	static struct iommu_fixture f;
	struct dma_device_desc desc = { .name = "next" };
	struct dma_device *next = NULL;
	dma_addr_t addr;
	dma_addr_t buf;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	addr = dma_map_phys(f.dev, FIX_RAM, 8192, DMA_TO_DEVICE, 0);
	assert_non_null(dma_alloc_attrs(f.dev, 4096, &buf, GFP_KERNEL, 0));
	dma_device_destroy(f.dev);
	iommu_fixture_blocked(&f, addr, 8192);
	assert_int_equal(dma_iommu_close(f.iommu), -EBUSY);
	desc.iommu = f.iommu;
	assert_int_equal(dma_device_create(f.p, &desc, &next), -EBUSY);
	expect_rule(DMA_RULE_STATE);
	f.fake.fail_sync = -ETIMEDOUT;
	assert_int_equal(dma_device_quiesced(f.dev), -EIO);
	f.fake.fail_sync = 0;
	assert_ok(dma_device_quiesced(f.dev));
	assert_ok(dma_iommu_close(f.iommu));
	host_platform_fini(&f.h);
}

TEST(faults_name_their_device_and_a_full_ring_counts_what_it_drops)
{
	static struct iommu_fixture f;
	struct dma_fault fault;
	uint32_t nr = 0;

	f = (struct iommu_fixture){ .requester = 5 };
	iommu_fixture_open(&f);
	assert_int_equal(dma_fault_poll(f.iommu, &fault), 0);
	iommu_fake_fault(&f.fake, 5, 0x1234);
	iommu_fake_fault(&f.fake, 6, 0x5678);
	assert_int_equal(dma_fault_poll(f.iommu, &fault), 1);
	assert_ptr_equal(fault.dev, f.dev);
	assert_u64_equal(fault.iova, 0x1234);
	assert_int_equal(dma_fault_poll(f.iommu, &fault), 1);
	assert_null(fault.dev);
	assert_int_equal(fault.requester, 6);
	assert_int_equal(dma_fault_lost(f.iommu), 0);
	for (uint32_t i = 0; i < FAULT_RING_ENTRIES + 40; i++)
		iommu_fake_fault(&f.fake, 5, i);
	while (dma_fault_poll(f.iommu, &fault) == 1)
		assert_u64_equal(fault.iova, nr++);
	assert_int_equal(nr, FAULT_RING_ENTRIES);
	assert_int_equal(dma_fault_lost(f.iommu), 40);
	iommu_fixture_close(&f);
}

TEST(domains_that_the_library_made_are_not_freed_by_hand)
{
	static struct iommu_fixture f;
	struct dma_domain *own;
	struct dma_domain *blocked;

	f = (struct iommu_fixture){ 0 };
	iommu_fixture_open(&f);
	own = dma_device_domain(f.dev);
	assert_ok(dma_domain_detach(f.dev));
	blocked = dma_device_domain(f.dev);
	assert_int_equal(dma_domain_free(own), -EBUSY);
	expect_rule(DMA_RULE_STATE);
	assert_ok(dma_domain_attach(own, f.dev));
	assert_int_equal(dma_domain_free(blocked), -EBUSY);
	iommu_fixture_close(&f);
}

TEST(buffers_at_identity_addresses_keep_the_device_where_it_is)
{
	static struct iommu_fixture f;
	struct dma_domain *own;
	struct dma_domain *id;
	dma_addr_t buf;
	uint64_t pages;
	void *cpu;

	f = (struct iommu_fixture){ 0 };
	iommu_fixture_open(&f);
	assert_ok(dma_set_mask_and_coherent(f.dev, DMA_BIT_MASK(64)));
	own = dma_device_domain(f.dev);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_IDENTITY, &id));
	assert_ok(dma_domain_attach(id, f.dev));
	cpu = dma_alloc_attrs(f.dev, 4096, &buf, GFP_KERNEL, 0);
	assert_non_null(cpu);
	assert_int_equal(dma_domain_attach(own, f.dev), -EBUSY);
	expect_rule(DMA_RULE_STATE);
	assert_ptr_equal(dma_device_domain(f.dev), id);
	assert_int_equal(dma_device_quiesced(f.dev), -EBUSY);
	dma_free_attrs(f.dev, 4096, cpu, buf, 0);
	assert_ok(dma_domain_attach(own, f.dev));
	assert_ok(dma_domain_attach(id, f.dev));
	assert_non_null(dma_alloc_attrs(f.dev, 8192, &buf, GFP_KERNEL, 0));
	pages = f.h.nr_pages;
	/* Blocking is never refused; it is quarantine for them, too. */
	assert_ok(dma_domain_detach(f.dev));
	assert_int_equal(dma_domain_attach(own, f.dev), -EBUSY);
	assert_int_equal(f.h.nr_pages, pages);
	assert_ok(dma_device_quiesced(f.dev));
	assert_int_equal(f.h.nr_pages, pages - 2);
	assert_ok(dma_domain_attach(own, f.dev));
	assert_ok(dma_domain_free(id));
	iommu_fixture_close(&f);
}
