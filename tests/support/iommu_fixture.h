/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A platform for tests with the fake IOMMU and one device behind it, and the checks that tests
 * of the ops table share. Lock: none.
 */
#ifndef DMAMAP_TESTS_SUPPORT_IOMMU_FIXTURE_H
#define DMAMAP_TESTS_SUPPORT_IOMMU_FIXTURE_H

#include <dmamap/dma-mapping.h>

#include "tests/support/check.h"
#include "tests/support/host_platform.h"
#include "tests/support/iommu_fake.h"

#define FIX_RAM ((uint64_t)4 << 30) /* phys of the first byte, as the host platform places it */

/**
 * struct iommu_fixture - set options, then iommu_fixture_open()
 * @opt: of the platform
 * @granule_lg2: of the IOMMU; 0: default
 * @noncoherent: the device does not snoop
 * @deferred: invalidation
 * @mask_bits: of the device; 0: 32
 * @requester: of @dev
 */
struct iommu_fixture {
	struct host_options opt;
	uint32_t granule_lg2;
	bool noncoherent;
	bool deferred;
	uint32_t mask_bits;
	uint32_t requester;

	struct host_platform h;
	struct dma_platform *p;
	struct iommu_fake fake;
	struct dma_iommu *iommu;
	struct dma_device *dev;
	uint64_t granule;
};

void iommu_fixture_open(struct iommu_fixture *f);
/* Device, IOMMU and platform; fails the test when anything is left. */
void iommu_fixture_close(struct iommu_fixture *f);

/* A device like @f->dev; fails the test on error. */
struct dma_device *iommu_fixture_device(struct iommu_fixture *f, uint32_t requester);

/* Every byte of [@iova, @iova + @len) reaches @phys on, in the directions of @dir. */
void iommu_fixture_reaches(struct iommu_fixture *f, uint64_t iova, phys_addr_t phys, uint64_t len,
			   enum dma_data_direction dir);
/* No byte of it reaches anything. */
void iommu_fixture_blocked(struct iommu_fixture *f, uint64_t iova, uint64_t len);

/* The newest failure of @f->dev. */
void iommu_fixture_failed(struct iommu_fixture *f, enum dma_op op, int err, enum dma_rule rule,
			  uint64_t found, uint64_t need);

/* IOVA handed out in the device's domain now, in bytes, caches flushed. */
uint64_t iommu_fixture_live(struct iommu_fixture *f);

#endif
