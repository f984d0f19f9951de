/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IOMMU for tests of the core and of the ops table: a driver without hardware that caches
 * translations for ever, as real ones may, until it is told to forget them. A device access goes
 * through that cache, so what was not invalidated shows. It counts, and it fails on demand.
 *
 * Pass the address of a struct iommu_fake as mmio_base. Lock: a mutex around the cache; with
 * @no_tlb there is none and only the counters (relaxed atomics) are kept, so that the thread
 * sanitizer sees the library's own ordering.
 */
#ifndef DMAMAP_TESTS_SUPPORT_IOMMU_FAKE_H
#define DMAMAP_TESTS_SUPPORT_IOMMU_FAKE_H

#include <stdatomic.h>

#include <dmamap/device.h>
#include <dmamap/iommu-driver.h>

#include "iommu/iommu.h"

#define FAKE_REQUESTERS 16u
#define FAKE_TLB_LG2 14u
#define FAKE_FAULTS 512u

struct fake_tlb_entry {
	bool used;
	uint32_t dom;
	uint64_t page;
	phys_addr_t phys;
};

/**
 * struct iommu_fake - set the first part before dma_iommu_open(); zeros are the defaults
 * @granules: as in the caps; default 4, 16 and 64 KiB
 * @ias_bits: default 48
 * @oas_bits: default 48
 * @no_tlb: count only
 * @nr_domain_ids: default 64
 * @resv: what resv() says for every requester
 * @nr_resv: their number
 *
 * @fail_sync: not 0: every invalidation ends with this errno
 * @fail_attach: not 0: attach to anything but blocked does
 * @fail_block: not 0: attach to blocked does
 *
 * @nr_syncs: range invalidations
 * @nr_sync_alls: invalidations of everything
 * @nr_attaches: configuration changes that took place
 * @nr_domains: alive
 * @last: newest gather
 * @dom_of: what a requester uses
 * @faults: queue of records
 * @first_fault: oldest
 * @nr_faults: waiting
 */
struct iommu_fake {
	uint64_t granules;
	uint32_t ias_bits;
	uint32_t oas_bits;
	bool no_tlb;
	uint32_t nr_domain_ids;
	const struct dma_resv_region *resv;
	uint32_t nr_resv;

	int fail_sync;
	int fail_attach;
	int fail_block;

	_Atomic uint64_t nr_syncs;
	_Atomic uint64_t nr_sync_alls;
	uint32_t nr_attaches;
	uint32_t nr_domains;
	uint32_t next_id;
	struct gather last;
	struct dma_iommu_dom *dom_of[FAKE_REQUESTERS];
	struct dma_fault faults[FAKE_FAULTS];
	uint32_t first_fault;
	uint32_t nr_faults;
	uint64_t nr_tlb;
	_Atomic uint32_t tlb_lock;
	struct fake_tlb_entry tlb[1u << FAKE_TLB_LG2];
};

extern const struct dma_iommu_driver iommu_fake_driver;

/* Opens it at granule 2^@granule_lg2 (0: default); fails the test on error. */
struct dma_iommu *iommu_fake_open(struct iommu_fake *fake, struct dma_platform *p,
				  uint32_t granule_lg2);

/*
 * A device access of one byte, through the cache. True: *phys is where it went. False: it faulted,
 * and the fault is queued.
 */
bool iommu_fake_access(struct iommu_fake *fake, uint32_t requester, uint64_t iova, bool write,
		       phys_addr_t *phys);

/* Could an access anywhere in [@iova, @iova + @len) still use a cached translation? */
bool iommu_fake_caches(struct iommu_fake *fake, uint32_t requester, uint64_t iova, uint64_t len);

/* An event that the hardware reports. */
void iommu_fake_fault(struct iommu_fake *fake, uint32_t requester, uint64_t iova);

#endif
