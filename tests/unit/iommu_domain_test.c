/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains whose caller manages the IOVA, reserved regions, doorbells (rules.md IOM-07 .. 13). */
#include "tests/support/iommu_fixture.h"

#define RW (DMA_PROT_READ | DMA_PROT_WRITE)

static void expect(enum dma_op op, int err, enum dma_rule rule)
{
	struct dma_error e;

	assert_ok(dma_last_error(NULL, &e));
	assert_string_equal(dma_op_name(e.op), dma_op_name(op));
	assert_string_equal(dma_rule_name(e.rule), dma_rule_name(rule));
	assert_int_equal(e.err, err);
}

static struct dma_domain *open_unmanaged(struct iommu_fixture *f)
{
	struct dma_domain *dom = NULL;

	iommu_fixture_open(f);
	assert_ok(dma_domain_alloc(f->iommu, DMA_DOMAIN_UNMANAGED, &dom));
	assert_ok(dma_domain_attach(dom, f->dev));
	return dom;
}

static void close_unmanaged(struct iommu_fixture *f, struct dma_domain *dom)
{
	assert_ok(dma_domain_detach(f->dev));
	assert_ok(dma_domain_free(dom));
	iommu_fixture_close(f);
}

TEST(an_unmanaged_domain_maps_where_it_is_told)
{
	static const uint32_t granules[] = { 12, 14, 16 };

	for (uint32_t g = 0; g < ARRAY_LEN(granules); g++) {
		static struct iommu_fixture f;
		struct dma_domain *dom;

		f = (struct iommu_fixture){ .granule_lg2 = granules[g] };
		dom = open_unmanaged(&f);
		assert_ok(dma_domain_map(dom, 8u << 20, FIX_RAM + f.granule, 5 * f.granule, RW));
		iommu_fixture_reaches(&f, 8u << 20, FIX_RAM + f.granule, 5 * f.granule,
				      DMA_BIDIRECTIONAL);
		assert_u64_equal(dma_domain_iova_to_phys(dom, (8u << 20) + 5),
				 FIX_RAM + f.granule + 5);
		assert_ok(dma_domain_unmap(dom, 8u << 20, 5 * f.granule));
		iommu_fixture_blocked(&f, 8u << 20, 5 * f.granule);
		assert_int_equal(dma_domain_unmap(dom, 8u << 20, f.granule), -ENOENT);
		expect(DMA_OP_IOMMU_UNMAP, -ENOENT, DMA_RULE_NOT_MAPPED);
		assert_u64_equal(dma_domain_iova_to_phys(dom, 8u << 20), DMA_MAPPING_ERROR);
		close_unmanaged(&f, dom);
	}
}

TEST(what_cannot_be_mapped_is_refused_before_anything_changes)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .fake.ias_bits = 40 };
	dom = open_unmanaged(&f);
	assert_int_equal(dma_domain_map(dom, 0x1000, FIX_RAM, 0, RW), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_LENGTH);
	assert_int_equal(dma_domain_map(dom, 0x1000, FIX_RAM + 8, 4096, RW), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_GRANULE);
	assert_int_equal(dma_domain_map(dom, (1ull << 40) - 4096, FIX_RAM, 8192, RW), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_APERTURE);
	assert_int_equal(dma_domain_map(dom, UINT64_MAX - 4095, FIX_RAM, 8192, RW), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_OVERFLOW);
	assert_int_equal(dma_domain_map(dom, 0x1000, FIX_RAM, 4096, DMA_PROT_CACHE), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_UNSUPPORTED);
	assert_ok(dma_domain_map(dom, 0x200000, FIX_RAM, 4096, RW));
	assert_int_equal(dma_domain_map(dom, 0x1ff000, FIX_RAM + 0x100000, 0x3000, RW), -EEXIST);
	expect(DMA_OP_IOMMU_MAP, -EEXIST, DMA_RULE_OVERLAP);
	iommu_fixture_blocked(&f, 0x1ff000, 4096);
	iommu_fixture_reaches(&f, 0x200000, FIX_RAM, 4096, DMA_BIDIRECTIONAL);
	assert_int_equal(dma_domain_unmap(dom, 0x1ff000, 8192), -ENOENT);
	iommu_fixture_reaches(&f, 0x200000, FIX_RAM, 4096, DMA_BIDIRECTIONAL);
	assert_ok(dma_domain_unmap(dom, 0x200000, 4096));
	assert_ok(dma_domain_map(dom, 0x40000000, FIX_RAM, 0x400000, RW));
	assert_int_equal(dma_domain_unmap(dom, 0x40000000, 0x1000), -EINVAL);
	assert_ok(dma_domain_unmap(dom, 0x40000000, 0x400000));
	close_unmanaged(&f, dom);
}

TEST(a_dma_domain_is_not_mapped_by_hand_and_an_unmanaged_one_not_by_the_api)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	dom = open_unmanaged(&f);
	assert_u64_equal(dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	expect(DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_STATE);
	close_unmanaged(&f, dom);
	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	dom = dma_device_domain(f.dev);
	assert_int_equal(dma_domain_map(dom, 0x100000, FIX_RAM, 4096, RW), -EINVAL);
	expect(DMA_OP_IOMMU_MAP, -EINVAL, DMA_RULE_UNSUPPORTED);
	iommu_fixture_close(&f);
}

TEST(an_unconfirmed_unmap_is_reported)
{
	static struct iommu_fixture f;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	dom = open_unmanaged(&f);
	assert_ok(dma_domain_map(dom, 0x100000, FIX_RAM, 4096, RW));
	f.fake.fail_sync = -ETIMEDOUT;
	assert_int_equal(dma_domain_unmap(dom, 0x100000, 4096), -ETIMEDOUT);
	expect(DMA_OP_IOMMU_UNMAP, -ETIMEDOUT, DMA_RULE_HARDWARE);
	f.fake.fail_sync = 0;
	close_unmanaged(&f, dom);
}

TEST(reserved_regions_are_never_handed_out_and_direct_ones_are_mapped)
{
	static const struct dma_resv_region resv[] = {
		{ .start = 0x3000, .len = 0x1000, .type = DMA_RESV_RESERVED },
		{ .start = 0x1000, .len = 0x2000, .type = DMA_RESV_RESERVED },
		{ .start = 0x10000, .len = 0x8000, .prot = RW, .type = DMA_RESV_DIRECT },
		{ .start = 0x20100, .len = 0x80, .type = DMA_RESV_MSI },
	};
	static dma_addr_t addr[64];
	static struct iommu_fixture f;
	uint32_t nr = 0;

	f = (struct iommu_fixture){ .granule_lg2 = 12,
				    .mask_bits = 18,
				    .fake.resv = resv,
				    .fake.nr_resv = ARRAY_LEN(resv) };
	iommu_fixture_open(&f);
	iommu_fixture_reaches(&f, 0x10000, 0x10000, 0x8000, DMA_BIDIRECTIONAL);
	for (;; nr++) {
		dma_addr_t a = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);

		if (a == DMA_MAPPING_ERROR)
			break;
		assert_true(nr < 64);
		addr[nr] = a;
		for (uint32_t i = 0; i < ARRAY_LEN(resv); i++)
			assert_true(a + 4095 < (resv[i].start & ~4095ull) ||
				    a >= resv[i].start + resv[i].len);
	}
	/* 64 pages: the first, the three reserved, 8 direct, one for messages are not to be had */
	assert_int_equal(nr, 64 - 1 - 3 - 8 - 1);
	for (uint32_t i = 0; i < nr; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_TO_DEVICE, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(what_lies_between_the_windows_of_a_device_is_kept_out_of_its_iova)
{
	static const struct dma_range ranges[] = { { 0, 0x80000, 0x10000 },
						   { 0, 0x20000, 0x8000 },
						   { 0 } };
	static struct iommu_fixture f;
	struct dma_device_desc desc = {
		.name = "narrow", .coherent = true, .requester = 2, .ranges = ranges
	};
	static dma_addr_t addr[32];
	struct dma_device *dev;
	uint32_t nr = 0;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	desc.iommu = f.iommu;
	assert_ok(dma_device_create(f.p, &desc, &dev));
	for (;; nr++) {
		dma_addr_t a = dma_map_phys(dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);

		if (a == DMA_MAPPING_ERROR)
			break;
		assert_true((a >= 0x80000 && a < 0x90000) || (a >= 0x20000 && a < 0x28000));
		addr[nr] = a;
	}
	assert_int_equal(nr, 16 + 8);
	for (uint32_t i = 0; i < nr; i++)
		dma_unmap_phys(dev, addr[i], 4096, DMA_TO_DEVICE, 0);
	dma_device_destroy(dev);
	iommu_fixture_close(&f);
}

TEST(a_region_over_something_live_keeps_the_device_out)
{
	static const struct dma_resv_region resv = { .start = 0x200000,
						     .len = 0x1000,
						     .type = DMA_RESV_RESERVED };
	static struct iommu_fixture f;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_UNMANAGED, &dom));
	assert_ok(dma_domain_map(dom, 0x200000, FIX_RAM, 4096, RW));
	f.fake.resv = &resv;
	f.fake.nr_resv = 1;
	assert_int_equal(dma_domain_attach(dom, f.dev), -EINVAL);
	expect(DMA_OP_ATTACH, -EINVAL, DMA_RULE_OVERLAP);
	assert_ok(dma_domain_unmap(dom, 0x200000, 4096));
	assert_ok(dma_domain_attach(dom, f.dev));
	assert_int_equal(dma_domain_map(dom, 0x200000, FIX_RAM, 4096, RW), -EEXIST);
	expect(DMA_OP_IOMMU_MAP, -EEXIST, DMA_RULE_RESERVED);
	close_unmanaged(&f, dom);
}

TEST(each_doorbell_page_is_mapped_once)
{
	static const struct dma_resv_region resv = { .start = 0x8000000,
						     .len = 0x2000,
						     .type = DMA_RESV_SW_MSI };

	for (uint32_t windowed = 0; windowed < 2; windowed++) {
		static struct iommu_fixture f;
		uint64_t a;
		uint64_t b;
		uint64_t c;

		f = (struct iommu_fixture){ .granule_lg2 = 12,
					    .fake.resv = &resv,
					    .fake.nr_resv = windowed };
		iommu_fixture_open(&f);
		assert_ok(dma_iommu_map_msi(f.dev, 0x9000040, &a));
		assert_ok(dma_iommu_map_msi(f.dev, 0x9000080, &b));
		assert_ok(dma_iommu_map_msi(f.dev, 0x9001040, &c));
		assert_u64_equal(a & 0xfff, 0x40);
		assert_u64_equal(b, a + 0x40);
		assert_u64_equal(c & 0xfff, 0x40);
		assert_true(c - a >= 0x1000 || a - c >= 0x1000);
		if (windowed != 0) {
			assert_true(a - 0x8000000 < 0x2000 && c - 0x8000000 < 0x2000);
			assert_int_equal(dma_iommu_map_msi(f.dev, 0x9002040, &c), -ENOMEM);
		}
		iommu_fixture_reaches(&f, a & ~4095ull, 0x9000000, 4096, DMA_BIDIRECTIONAL);
		/* They are no live mappings: nothing is held when the device goes. */
		iommu_fixture_close(&f);
	}
}

TEST(doorbells_and_direct_regions_survive_quarantine)
{
	static const struct dma_resv_region resv = {
		.start = 0x400000, .len = 0x3000, .prot = RW, .type = DMA_RESV_DIRECT
	};
	static struct iommu_fixture f;
	struct dma_domain *own;
	uint64_t doorbell;
	dma_addr_t a;
	dma_addr_t b;

	f = (struct iommu_fixture){
		.granule_lg2 = 12, .mask_bits = 24, .fake.resv = &resv, .fake.nr_resv = 1
	};
	iommu_fixture_open(&f);
	own = dma_device_domain(f.dev);
	a = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);
	assert_ok(dma_iommu_map_msi(f.dev, 0x9000040, &doorbell));
	b = dma_map_phys(f.dev, FIX_RAM, 3u << 20, DMA_TO_DEVICE, 0);
	assert_ok(dma_domain_detach(f.dev));
	assert_ok(dma_device_quiesced(f.dev));
	assert_ok(dma_domain_attach(own, f.dev));
	iommu_fixture_blocked(&f, a, 4096);
	iommu_fixture_blocked(&f, b, 3u << 20);
	iommu_fixture_reaches(&f, 0x400000, 0x400000, 0x3000, DMA_BIDIRECTIONAL);
	iommu_fixture_reaches(&f, doorbell & ~4095ull, 0x9000000, 4096, DMA_BIDIRECTIONAL);
	/* Everything else can be handed out again, and only that. */
	for (uint32_t nr = 0;; nr++) {
		a = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);
		if (a == DMA_MAPPING_ERROR) {
			assert_int_equal(nr, 4096 - 1 - 3 - 1);
			break;
		}
		assert_true(a != (doorbell & ~4095ull) && (a < 0x400000 || a >= 0x403000));
	}
	assert_ok(dma_domain_detach(f.dev));
	assert_ok(dma_device_quiesced(f.dev));
	iommu_fixture_close(&f);
}

TEST(a_region_at_zero_is_known_when_it_comes_again)
{
	static const struct dma_resv_region resv[] = {
		{ .start = 0, .len = 0x8000, .prot = RW, .type = DMA_RESV_DIRECT },
	};
	static struct iommu_fixture f;
	struct dma_domain *un;
	struct dma_domain *own;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .fake.resv = resv, .fake.nr_resv = 1 };
	iommu_fixture_open(&f);
	own = dma_device_domain(f.dev);
	assert_ok(dma_domain_alloc(f.iommu, DMA_DOMAIN_UNMANAGED, &un));
	for (uint32_t i = 0; i < 3; i++) {
		assert_ok(dma_domain_attach(un, f.dev));
		assert_int_equal(un->resv.nr, 1);
		assert_ok(dma_domain_attach(own, f.dev));
		assert_int_equal(own->resv.nr, 1);
	}
	assert_ok(dma_domain_free(un));
	iommu_fixture_close(&f);
}
