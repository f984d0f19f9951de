/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU ops table through the public API, over the fake IOMMU: single ranges, all granules,
 * strict and deferred, with and without snooping. Lists are in dma_iommu_sg_test.c, allocations in
 * dma_iommu_alloc_test.c.
 */
#include "tests/support/iommu_fixture.h"

static const uint32_t granules[] = { 12, 14, 16 };

static dma_addr_t map(struct iommu_fixture *f, phys_addr_t phys, size_t len,
		      enum dma_data_direction dir)
{
	dma_addr_t addr = dma_map_phys(f->dev, phys, len, dir, 0);

	assert_int_equal(dma_mapping_error(f->dev, addr), 0);
	assert_u64_equal(addr & (f->granule - 1), phys & (f->granule - 1));
	assert_true(addr >= f->granule);
	return addr;
}

TEST(a_page_is_reachable_while_it_is_mapped_and_not_after)
{
	for (uint32_t g = 0; g < ARRAY_LEN(granules); g++) {
		static struct iommu_fixture f;
		dma_addr_t addr;

		f = (struct iommu_fixture){ .granule_lg2 = granules[g] };
		iommu_fixture_open(&f);
		for (uint32_t i = 0; i < 300; i++) {
			addr = map(&f, FIX_RAM + i * 64, 4096 - 64, DMA_BIDIRECTIONAL);
			iommu_fixture_reaches(&f, addr, FIX_RAM + i * 64, 4096 - 64,
					      DMA_BIDIRECTIONAL);
			dma_unmap_phys(f.dev, addr, 4096 - 64, DMA_BIDIRECTIONAL, 0);
			iommu_fixture_blocked(&f, addr, 4096 - 64);
		}
		assert_int_equal(f.fake.nr_syncs, 300);
		assert_u64_equal(iommu_fixture_live(&f), 0);
		iommu_fixture_close(&f);
	}
}

TEST(directions_are_permissions)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	phys_addr_t phys;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 4; i++) {
		addr = map(&f, FIX_RAM, 4096, DMA_TO_DEVICE);
		assert_true(!iommu_fake_access(&f.fake, 0, addr, true, &phys));
		assert_true(iommu_fake_access(&f.fake, 0, addr, false, &phys));
		dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
		addr = map(&f, FIX_RAM, 4096, DMA_FROM_DEVICE);
		assert_true(iommu_fake_access(&f.fake, 0, addr, true, &phys));
		dma_unmap_phys(f.dev, addr, 4096, DMA_FROM_DEVICE, 0);
	}
	iommu_fixture_close(&f);
}

/* Twice, so that the second time comes from warm caches. */
static void all_sizes(struct iommu_fixture *f)
{
	static const size_t sizes[] = {
		1, 4095, 4096, 4097, 65536, 65537, 200000, 2u << 20, (2u << 20) + 8192, 5u << 20
	};

	/* What is queued stays in the fake's cache, which has room for less than the queue. */
	uint32_t nr = f->deferred ? 7 : ARRAY_LEN(sizes);

	iommu_fixture_open(f);
	for (uint32_t i = 0; i < nr * 14; i++) {
		size_t size = sizes[i / 14];
		phys_addr_t phys = FIX_RAM + (i % 7) * 12344;
		dma_addr_t addr = map(f, phys, size, DMA_BIDIRECTIONAL);

		assert_false(iommu_fake_caches(&f->fake, 0, addr, size));
		iommu_fixture_reaches(f, addr, phys, size, DMA_BIDIRECTIONAL);
		dma_unmap_phys(f->dev, addr, size, DMA_BIDIRECTIONAL, 0);
		if (!f->deferred)
			iommu_fixture_blocked(f, addr, size);
	}
	if (f->noncoherent) {
		assert_int_equal(f->h.nr_cleans, nr * 14);
		assert_int_equal(f->h.nr_invs, nr * 14);
	}
	assert_u64_equal(iommu_fixture_live(f), 0);
	iommu_fixture_close(f);
}

TEST(ranges_of_any_size_and_offset_are_mapped_whole)
{
	for (uint32_t i = 0; i < 4 * ARRAY_LEN(granules); i++) {
		static struct iommu_fixture f;

		f = (struct iommu_fixture){ .granule_lg2 = granules[i / 4],
					    .noncoherent = (i & 1) != 0,
					    .deferred = (i & 2) != 0 };
		all_sizes(&f);
	}
}

TEST(large_ranges_get_the_phase_of_their_memory)
{
	static struct iommu_fixture f;
	dma_addr_t a;
	dma_addr_t b;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	a = map(&f, FIX_RAM + 0x5000, 5u << 20, DMA_TO_DEVICE);
	assert_u64_equal(a & 0x1fffff, 0x5000);
	b = map(&f, FIX_RAM + 0x7123, 3u << 20, DMA_TO_DEVICE);
	assert_u64_equal(b & 0x1fffff, 0x7123);
	dma_unmap_phys(f.dev, a, 5u << 20, DMA_TO_DEVICE, 0);
	dma_unmap_phys(f.dev, b, 3u << 20, DMA_TO_DEVICE, 0);
	iommu_fixture_close(&f);
}

TEST(no_address_is_above_the_mask)
{
	for (uint32_t bits = 24; bits <= 40; bits += 4) {
		static struct iommu_fixture f;
		dma_addr_t addr[64];

		f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = bits };
		iommu_fixture_open(&f);
		for (uint32_t i = 0; i < 64; i++) {
			addr[i] = map(&f, FIX_RAM + i * 4096, (i + 1) * 1024, DMA_TO_DEVICE);
			assert_true(addr[i] + (i + 1) * 1024 - 1 <= DMA_BIT_MASK(bits));
		}
		for (uint32_t i = 0; i < 64; i++)
			dma_unmap_phys(f.dev, addr[i], (i + 1) * 1024, DMA_TO_DEVICE, 0);
		iommu_fixture_close(&f);
	}
}

TEST(an_exhausted_space_says_so_and_works_again_after_an_unmap)
{
	static dma_addr_t addr[1024];
	static struct iommu_fixture f;
	uint32_t nr = 0;

	/* 4 MiB of IOVA, page 0 never handed out */
	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 22, .deferred = true };
	iommu_fixture_open(&f);
	for (;; nr++) {
		dma_addr_t a = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, 0);

		if (a == DMA_MAPPING_ERROR)
			break;
		assert_true(nr < 1023);
		addr[nr] = a;
	}
	assert_int_equal(nr, 1023);
	iommu_fixture_failed(&f, DMA_OP_MAP_PHYS, -ENOMEM, DMA_RULE_NO_IOVA, 0, 4096);
	for (uint32_t i = 0; i < 8; i++) {
		dma_unmap_phys(f.dev, addr[i * 7], 4096, DMA_TO_DEVICE, 0);
		addr[i * 7] = map(&f, FIX_RAM + 8192, 4096, DMA_TO_DEVICE);
		assert_false(iommu_fake_caches(&f.fake, 0, addr[i * 7], 4096));
		iommu_fixture_reaches(&f, addr[i * 7], FIX_RAM + 8192, 4096, DMA_TO_DEVICE);
	}
	for (uint32_t i = 0; i < nr; i++)
		dma_unmap_phys(f.dev, addr[i], 4096, DMA_TO_DEVICE, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(unmapping_what_is_not_mapped_is_recorded_and_changes_nothing)
{
	static struct iommu_fixture f;
	dma_addr_t addr;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	dma_unmap_phys(f.dev, 0x10000, 4096, DMA_TO_DEVICE, 0);
	iommu_fixture_failed(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_NOT_MAPPED, 0, 4096);
	addr = map(&f, FIX_RAM, 8192, DMA_TO_DEVICE);
	dma_unmap_phys(f.dev, addr, 3 * 4096, DMA_TO_DEVICE, 0);
	iommu_fixture_failed(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_LENGTH, 3 * 4096, 8192);
	iommu_fixture_reaches(&f, addr, FIX_RAM, 8192, DMA_TO_DEVICE);
	dma_unmap_phys(f.dev, UINT64_MAX - 8191, 4096, DMA_TO_DEVICE, 0);
	iommu_fixture_failed(&f, DMA_OP_UNMAP, -EINVAL, DMA_RULE_NOT_MAPPED, 0, 4096);
	dma_unmap_phys(f.dev, addr, 8192, DMA_TO_DEVICE, 0);
	iommu_fixture_close(&f);
}

static void check_refused_unmap(struct iommu_fixture *f, uint64_t addr, size_t size, size_t len)
{
	enum dma_rule rule = len == 0 ? DMA_RULE_NOT_MAPPED : DMA_RULE_LENGTH;
	uint64_t whole = (size + f->granule - 1) & ~(f->granule - 1);

	dma_unmap_phys(f->dev, addr, size, DMA_BIDIRECTIONAL, 0);
	iommu_fixture_failed(f, DMA_OP_UNMAP, -EINVAL, rule, len == 0 ? 0 : whole,
			     len == 0 ? whole : len);
}

/* Neighbours on both sides stay; granules, groups, blocks and several tables. */
TEST(an_unmap_of_another_length_or_place_is_refused)
{
	static const size_t sizes[] = { 1, 2, 16, 40, 512, 520, 1100 };
	static struct iommu_fixture f;
	static dma_addr_t addr[3];

	for (uint32_t i = 0; i < 4 * ARRAY_LEN(sizes); i++) {
		size_t len = sizes[i / 4] * 4096;

		f = (struct iommu_fixture){ .granule_lg2 = 12,
					    .noncoherent = (i & 1) != 0,
					    .deferred = (i & 2) != 0,
					    .opt.cache_line = 64 };
		iommu_fixture_open(&f);
		for (uint32_t k = 0; k < 3; k++)
			addr[k] = map(&f, FIX_RAM, len, DMA_BIDIRECTIONAL);
		for (uint32_t k = 0; k < 3; k++) {
			check_refused_unmap(&f, addr[k], len + 4096, len);
			check_refused_unmap(&f, addr[k], 2 * len, len);
			if (len == 4096)
				continue;
			check_refused_unmap(&f, addr[k], len - 4096, len);
			check_refused_unmap(&f, addr[k], 4096, len);
			check_refused_unmap(&f, addr[k] + 4096, len - 4096, 0);
			check_refused_unmap(&f, addr[k] + len - 4096, 4096, 0);
		}
		for (uint32_t k = 0; k < 3; k++)
			iommu_fixture_reaches(&f, addr[k], FIX_RAM, len, DMA_BIDIRECTIONAL);
		for (uint32_t k = 0; k < 3; k++)
			dma_unmap_phys(f.dev, addr[k], len, DMA_BIDIRECTIONAL, 0);
		assert_u64_equal(iommu_fixture_live(&f), 0);
		iommu_fixture_close(&f);
	}
}

TEST(memory_beyond_the_output_size_is_refused)
{
	static struct iommu_fixture f;

	f = (struct iommu_fixture){ .granule_lg2 = 12,
				    .fake.oas_bits = 33,
				    .opt.ram_base = ((uint64_t)1 << 33) - (4u << 20) };
	iommu_fixture_open(&f);
	for (uint32_t i = 0; i < 2; i++) {
		dma_addr_t addr = map(&f, ((uint64_t)1 << 33) - 4096, 4096, DMA_TO_DEVICE);

		dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, 0);
		assert_u64_equal(dma_map_phys(f.dev, (uint64_t)1 << 33, 4096, DMA_TO_DEVICE, 0),
				 DMA_MAPPING_ERROR);
		iommu_fixture_failed(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_APERTURE,
				     ((uint64_t)1 << 33) + 4095, DMA_BIT_MASK(33));
	}
	iommu_fixture_close(&f);
}

TEST(a_device_that_does_not_snoop_gets_clean_and_invalidate)
{
	static struct iommu_fixture f;
	dma_addr_t addr;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .noncoherent = true, .opt.cache_line = 64 };
	iommu_fixture_open(&f);
	addr = map(&f, FIX_RAM, 8192, DMA_FROM_DEVICE);
	assert_int_equal(f.h.nr_cleans, 1);
	dma_unmap_phys(f.dev, addr, 8192, DMA_FROM_DEVICE, 0);
	assert_int_equal(f.h.nr_invs, 1);
	addr = map(&f, FIX_RAM, 8192, DMA_TO_DEVICE);
	assert_int_equal(f.h.nr_cleans, 2);
	dma_sync_single_for_cpu(f.dev, addr, 100, DMA_TO_DEVICE);
	dma_sync_single_for_device(f.dev, addr, 100, DMA_TO_DEVICE);
	assert_int_equal(f.h.nr_cleans, 3);
	dma_unmap_phys(f.dev, addr, 8192, DMA_TO_DEVICE, 0);
	assert_int_equal(f.h.nr_invs, 1);
	addr = dma_map_phys(f.dev, FIX_RAM + 8, 8192, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	assert_int_equal(dma_mapping_error(f.dev, addr), 0);
	dma_sync_single_for_cpu(f.dev, addr + 56, 64, DMA_FROM_DEVICE);
	assert_int_equal(f.h.nr_invs, 2);
	dma_unmap_phys(f.dev, addr, 8192, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	assert_int_equal(f.h.nr_invs, 2);
	assert_int_equal(f.h.nr_cleans, 3);
	iommu_fixture_close(&f);
}

TEST(a_shared_cache_line_is_refused_where_the_device_writes)
{
	static struct iommu_fixture f;
	dma_addr_t addr;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .noncoherent = true, .opt.cache_line = 64 };
	iommu_fixture_open(&f);
	assert_u64_equal(dma_map_phys(f.dev, FIX_RAM + 64, 100, DMA_FROM_DEVICE, 0),
			 DMA_MAPPING_ERROR);
	iommu_fixture_failed(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_CACHE_LINE, FIX_RAM + 164, 64);
	addr = map(&f, FIX_RAM + 64, 100, DMA_TO_DEVICE);
	dma_unmap_phys(f.dev, addr, 100, DMA_TO_DEVICE, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(registers_are_mapped_as_such)
{
	static struct iommu_fixture f;
	dma_addr_t addr;
	struct run run;

	f = (struct iommu_fixture){ .granule_lg2 = 12,
				    .noncoherent = true,
				    .opt.mmio_phys = 0x9000000,
				    .opt.mmio_bytes = 0x10000 };
	iommu_fixture_open(&f);
	addr = dma_map_resource(f.dev, 0x9000004, 4, DMA_BIDIRECTIONAL, 0);
	assert_int_equal(dma_mapping_error(f.dev, addr), 0);
	assert_ok(pgtable_next_run(&dma_device_domain(f.dev)->pt, addr & ~4095ull, addr, &run));
	assert_true((run.prot & DMA_PROT_MMIO) != 0);
	assert_true((run.prot & DMA_PROT_CACHE) == 0);
	dma_unmap_resource(f.dev, addr, 4, DMA_BIDIRECTIONAL, 0);
	assert_int_equal(f.h.nr_cleans + f.h.nr_invs, 0);
	addr = dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, DMA_ATTR_PRIVILEGED);
	assert_ok(pgtable_next_run(&dma_device_domain(f.dev)->pt, addr, addr, &run));
	assert_true((run.prot & DMA_PROT_PRIV) != 0);
	dma_unmap_phys(f.dev, addr, 4096, DMA_TO_DEVICE, DMA_ATTR_PRIVILEGED);
	iommu_fixture_close(&f);
}

TEST(contracts_that_cannot_be_kept_are_refused)
{
	static struct iommu_fixture f;
	struct dma_attr_info info;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .noncoherent = true };
	iommu_fixture_open(&f);
	assert_u64_equal(
		dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT),
		DMA_MAPPING_ERROR);
	iommu_fixture_failed(&f, DMA_OP_MAP_PHYS, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_REQUIRE_COHERENT,
			     0);
	assert_u64_equal(dma_map_phys(f.dev, FIX_RAM, 4096, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED),
			 DMA_MAPPING_ERROR);
	dma_query_attrs(f.dev, &info);
	assert_u64_equal(info.refused, DMA_ATTR_REQUIRE_COHERENT | DMA_ATTR_CC_SHARED);
	assert_u64_equal(info.honoured & info.refused, 0);
	assert_u64_equal(info.honoured | info.refused | info.ignored,
			 DMA_ATTR_HINTS | DMA_ATTR_CONTRACTS | DMA_ATTR_SKIP_CPU_SYNC);
	iommu_fixture_close(&f);
}

TEST(the_limits_are_those_of_the_granule)
{
	static struct iommu_fixture f;

	f = (struct iommu_fixture){ .granule_lg2 = 16 };
	iommu_fixture_open(&f);
	assert_u64_equal(dma_get_merge_boundary(f.dev), 0xffff);
	assert_u64_equal(dma_max_mapping_size(f.dev), SIZE_MAX);
	assert_u64_equal(dma_opt_mapping_size(f.dev), (size_t)1024 << 16);
	assert_true(dma_need_unmap(f.dev));
	iommu_fixture_close(&f);
}
