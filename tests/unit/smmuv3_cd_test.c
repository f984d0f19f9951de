/* SPDX-License-Identifier: BSD-2-Clause */
/* Context descriptors bit by bit, address space ids, and their failures (IHI0070 5.4). */
#include "iommu/smmuv3/smmuv3.h"

#include "tests/support/check.h"
#include "tests/support/smmuv3_fake.h"

static struct smmuv3_fake f;

static void expect_cd(const struct dma_iommu_pt *pt, uint32_t asid, bool noncoherent,
		      uint64_t word0)
{
	uint64_t cd[8];

	memset(cd, 0xff, sizeof(cd));
	smmuv3_cd_fill(cd, pt, asid, noncoherent);
	assert_u64_equal(cd[0], word0);
	assert_u64_equal(cd[1], pt->root);
	assert_u64_equal(cd[2], 0);
	assert_u64_equal(cd[3], 0x04ff44);
	for (uint32_t i = 4; i < 8; i++)
		assert_u64_equal(cd[i], 0);
}

/*
 * Word 0 by hand: T0SZ [5:0], TG0 [7:6], IR0 [9:8], OR0 [11:10], SH0 [13:12], EPD1 30, V 31, IPS
 * [34:32], AFFD 35, AA64 41, R 45, A 46, ASET 47, ASID [63:48].
 */
TEST(context_descriptors_are_what_the_specification_says)
{
	const struct dma_iommu_pt a = { DMA_PT_VMSAV8_4K, 12, 48, 44, 0x123456789000 };
	const struct dma_iommu_pt b = { DMA_PT_VMSAV8_16K, 14, 47, 48, 0x4000 };
	const struct dma_iommu_pt c = { DMA_PT_VMSAV8_64K, 16, 32, 32, 0xffff00000000 };

	expect_cd(&a, 0x1234, false, 0x1234e20cc0003510);
	expect_cd(&b, 0x0001, false, 0x0001e20dc0003591);
	expect_cd(&c, 0xffff, true, 0xffffe208c0002060);
}

TEST(memory_attributes_are_those_the_page_table_uses)
{
	struct pgtable_info info;
	struct pgtable pt;
	const struct pgtable_cfg cfg = { .ias_bits = 48, .oas_bits = 44, .coherent_walk = true };
	struct pgtable_cfg mine = cfg;

	fake_init(&f);
	mine.platform = f.hw.platform;
	assert_ok(pgtable_init(&pt, &pgtable_vmsav8_4k_ops, &mine));
	pgtable_info(&pt, &info);
	assert_u64_equal(info.mair, SMMUV3_MAIR);
	pgtable_fini(&pt);
	fake_fini(&f);
}

TEST(a_domain_has_an_asid_and_a_descriptor_the_hardware_can_see)
{
	for (uint32_t coherent = 0; coherent < 2; coherent++) {
		struct dma_iommu_dom dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);

		fake_init(&f);
		f.idr0 = coherent != 0 ? f.idr0 : f.idr0 & ~0x10u;
		fake_probe(&f);
		assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
		assert_int_not_equal(dom.id, 0);
		assert_u64_equal(fake_load(&f, smmuv3_cd_phys(&dom)) >> 48, dom.id);
		assert_u64_equal(fake_load(&f, smmuv3_cd_phys(&dom) + 8), 0x100200000);
		assert_u64_equal(smmuv3_cd_phys(&dom) & 63, 0);
		fake_forget(&f);
		dma_smmuv3_driver.domain_fini(&f.hw, &dom);
		assert_u64_equal(f.nr_cmds,
				 2); /* its ASID is invalidated before it can be reused */
		assert_u64_equal(f.cmds[0].word0 & 0xff, 0x11);
		dma_smmuv3_driver.remove(&f.hw);
		fake_fini(&f);
	}
}

TEST(asids_run_out_and_come_back)
{
	static struct dma_iommu_dom doms[256];
	bool seen[256] = { false };

	fake_init(&f);
	f.idr0 &= ~0x1000u;
	fake_probe(&f);
	for (uint32_t i = 0; i < 255; i++) {
		doms[i] = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
		assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &doms[i]));
		assert_true(doms[i].id > 0 && doms[i].id < 256 && !seen[doms[i].id]);
		seen[doms[i].id] = true;
	}
	doms[255] = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &doms[255]), -ENOSPC);
	assert_null(doms[255].priv);
	dma_smmuv3_driver.domain_fini(&f.hw, &doms[100]);
	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &doms[255]));
	for (uint32_t i = 0; i < 256; i++)
		dma_smmuv3_driver.domain_fini(&f.hw, &doms[i]);
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

TEST(an_asid_rests_before_it_is_given_out_again)
{
	struct dma_iommu_dom dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
	uint32_t last = 0;

	fake_init(&f);
	fake_probe(&f);
	for (uint32_t i = 0; i < 10; i++) {
		assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
		assert_int_equal(dom.id, last + 1);
		last = dom.id;
		dma_smmuv3_driver.domain_fini(&f.hw, &dom);
	}
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

TEST(an_asid_whose_invalidation_failed_is_never_given_out_again)
{
	struct dma_iommu_dom dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
	uint32_t bad;

	fake_init(&f);
	f.idr0 &= ~0x1000u;
	fake_probe(&f);
	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
	bad = dom.id;
	f.stuck = true;
	dma_smmuv3_driver.domain_fini(&f.hw, &dom);
	f.stuck = false;
	for (uint32_t i = 0; i < 600; i++) {
		assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
		assert_int_not_equal(dom.id, bad);
		dma_smmuv3_driver.domain_fini(&f.hw, &dom);
	}
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

TEST(page_tables_the_hardware_cannot_walk_are_refused)
{
	struct dma_iommu_dom dom;

	fake_init(&f);
	f.idr5 = 0x14; /* 4 KiB, 44 bits */
	fake_probe(&f);
	dom = fake_domain(DMA_PT_VMSAV8_16K, 0x100200000);
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &dom), -EINVAL);
	dom = fake_domain(DMA_PT_ARM_SHORT, 0x100200000);
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &dom), -EINVAL);
	dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
	dom.pt.oas_bits = 48;
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &dom), -EINVAL);
	dom.pt.oas_bits = 44;
	dom.pt.ias_bits = 24;
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &dom), -EINVAL);
	dom.pt.ias_bits = 49;
	assert_int_equal(dma_smmuv3_driver.domain_init(&f.hw, &dom), -EINVAL);
	dom.pt.ias_bits = 25;
	assert_ok(dma_smmuv3_driver.domain_init(&f.hw, &dom));
	dma_smmuv3_driver.domain_fini(&f.hw, &dom);
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

TEST(a_domain_that_finds_no_memory_leaves_nothing)
{
	struct dma_iommu_dom dom;
	uint64_t metas, pages, n;

	fake_init(&f);
	fake_probe(&f);
	metas = f.host.nr_metas;
	pages = f.host.nr_pages;
	for (n = 1;; n++) {
		int err;

		dom = fake_domain(DMA_PT_VMSAV8_4K, 0x100200000);
		host_platform_fail_nth(&f.host, n);
		err = dma_smmuv3_driver.domain_init(&f.hw, &dom);
		if (f.host.nr_injected == 0) {
			assert_ok(err);
			break;
		}
		assert_int_equal(err, -ENOMEM);
		assert_u64_equal(f.host.nr_metas, metas);
		assert_u64_equal(f.host.nr_pages, pages);
	}
	assert_u64_equal(n, 3);
	dma_smmuv3_driver.domain_fini(&f.hw, &dom);
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}
