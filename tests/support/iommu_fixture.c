/* SPDX-License-Identifier: BSD-2-Clause */
/* See iommu_fixture.h. */
#include "tests/support/iommu_fixture.h"

struct dma_device *iommu_fixture_device(struct iommu_fixture *f, uint32_t requester)
{
	struct dma_device_desc desc = {
		.name = "dev",
		.coherent = !f->noncoherent,
		.iommu = f->iommu,
		.requester = requester,
		.deferred = f->deferred,
	};
	struct dma_device *dev = NULL;

	assert_ok(dma_device_create(f->p, &desc, &dev));
	if (f->mask_bits != 0)
		assert_ok(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(f->mask_bits)));
	return dev;
}

void iommu_fixture_open(struct iommu_fixture *f)
{
	f->p = host_platform_init(&f->h, &f->opt);
	f->iommu = iommu_fake_open(&f->fake, f->p, f->granule_lg2);
	f->granule = (uint64_t)1 << f->iommu->granule_lg2;
	f->dev = iommu_fixture_device(f, f->requester);
}

void iommu_fixture_close(struct iommu_fixture *f)
{
	dma_device_destroy(f->dev);
	assert_ok(dma_iommu_close(f->iommu));
	host_platform_fini(&f->h);
}

/* First and last byte of each granule, and of the range. */
void iommu_fixture_reaches(struct iommu_fixture *f, uint64_t iova, phys_addr_t phys, uint64_t len,
			   enum dma_data_direction dir)
{
	for (uint64_t off = 0; off < len;) {
		uint64_t end = ((iova + off) | (f->granule - 1)) + 1 - iova;
		uint64_t last = (end < len ? end : len) - 1;
		phys_addr_t got = 0;

		if (dir != DMA_TO_DEVICE) {
			assert_true(
				iommu_fake_access(&f->fake, f->requester, iova + off, true, &got));
			assert_u64_equal(got, phys + off);
		}
		assert_true(iommu_fake_access(&f->fake, f->requester, iova + last, false, &got));
		assert_u64_equal(got, phys + last);
		off = end;
	}
}

void iommu_fixture_blocked(struct iommu_fixture *f, uint64_t iova, uint64_t len)
{
	for (uint64_t off = 0; off < len; off += f->granule) {
		uint32_t faults = f->fake.nr_faults;
		phys_addr_t got;

		assert_false(iommu_fake_access(&f->fake, f->requester, iova + off, false, &got));
		assert_int_equal(f->fake.nr_faults, faults + 1);
		f->fake.nr_faults--;
	}
}

void iommu_fixture_failed(struct iommu_fixture *f, enum dma_op op, int err, enum dma_rule rule,
			  uint64_t found, uint64_t need)
{
	struct dma_error e;

	assert_ok(dma_last_error(f->dev, &e));
	assert_string_equal(dma_op_name(e.op), dma_op_name(op));
	assert_int_equal(e.err, err);
	assert_string_equal(dma_rule_name(e.rule), dma_rule_name(rule));
	assert_u64_equal(e.found, found);
	assert_u64_equal(e.need, need);
}

uint64_t iommu_fixture_live(struct iommu_fixture *f)
{
	struct dma_domain *dom = dma_device_domain(f->dev);
	struct iova_stats st;

	dma_trim(f->dev);
	iova_stats(dom->iova, &st);
	return st.live << dom->granule_lg2;
}
