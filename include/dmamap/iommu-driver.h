/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For implementers of IOMMU drivers whose page tables the library writes. The IOMMU core calls
 * down; a driver never calls back up: what it has to say is a return value, or lies in a structure
 * that it was given.
 */
#ifndef DMAMAP_IOMMU_DRIVER_H
#define DMAMAP_IOMMU_DRIVER_H

#include <dmamap/fault.h>
#include <dmamap/iommu.h>
#include <dmamap/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gather;

/* Page-table formats the library has; a driver names the ones its hardware walks. */
enum dma_pt_fmt {
	DMA_PT_NONE,
	DMA_PT_VMSAV8_4K, /* VMSAv8-64 stage 1, 4 KiB granule */
	DMA_PT_VMSAV8_16K,
	DMA_PT_VMSAV8_64K,
	DMA_PT_ARM_SHORT, /* ARMv7 short descriptors */
};

/**
 * struct dma_iommu_caps - what probe found
 * @granules: bit n: a granule of 2^n bytes can be walked
 * @ias_bits: input address bits
 * @oas_bits: output address bits
 * @nr_domain_ids: domains that can exist at a time (ASIDs, VMIDs, DIDs)
 * @nr_requesters: requester ids 0 .. nr - 1
 * @coherent_walk: the table walker snoops
 * @range_inval: ranges can be invalidated by one command
 */
struct dma_iommu_caps {
	uint64_t granules;
	uint32_t ias_bits;
	uint32_t oas_bits;
	uint32_t nr_domain_ids;
	uint32_t nr_requesters;
	bool coherent_walk;
	bool range_inval;
};

/**
 * struct dma_iommu_pt - the page table of a domain, as the hardware must be told
 * @fmt: format; DMA_PT_NONE for blocked and identity domains
 * @granule_lg2: smallest page
 * @ias_bits: IOVA bits translated
 * @oas_bits: output bits
 * @root: phys of the root table
 */
struct dma_iommu_pt {
	enum dma_pt_fmt fmt;
	uint32_t granule_lg2;
	uint32_t ias_bits;
	uint32_t oas_bits;
	phys_addr_t root;
};

/**
 * struct dma_iommu_dom - the driver's part of a domain
 * @type: blocked, identity, or translated
 * @pt: filled by the core before domain_init()
 * @id: hardware's domain id (ASID ...), the driver's
 * @priv: the driver's
 */
struct dma_iommu_dom {
	enum dma_domain_type type;
	struct dma_iommu_pt pt;
	uint32_t id;
	void *priv;
};

/**
 * struct dma_iommu_counts - what a driver counts; read by dma_iommu_get_info()
 * @invalidations: batches waited for
 * @commands: commands put into the queue
 * @command_errors: errors recovered from
 * @faults_lost: records the hardware could not queue
 */
struct dma_iommu_counts {
	uint64_t invalidations;
	uint64_t commands;
	uint64_t command_errors;
	uint64_t faults_lost;
};

/**
 * struct dma_iommu_hw - one IOMMU, the driver's part
 * @platform: platform
 * @desc: as given to dma_iommu_open(); desc.resv is not valid after probe
 * @caps: filled by probe
 * @priv: the driver's
 */
struct dma_iommu_hw {
	struct dma_platform *platform;
	struct dma_iommu_desc desc;
	struct dma_iommu_caps caps;
	void *priv;
};

/**
 * struct dma_iommu_driver - one driver
 * @size: sizeof(struct dma_iommu_driver) of whoever filled it
 * @name: "smmuv3"
 * @probe: find out whether the hardware is this driver's (-ENODEV if not), reset it, bring it up
 *	with every requester blocked. On error the hardware is off and nothing is held
 * @remove: turn it off, everything blocked, free all
 * @domain_init: take a domain id and build what the hardware needs for @dom (context descriptor);
 *	-ENOSPC, -ENOMEM
 * @domain_fini: no requester refers to @dom: invalidate everything of it and give its id back
 * @attach: make @requester use @dom; any domain type. When it returns 0 the hardware uses the new
 *	configuration only; on error it still uses the old one. Steps through states in
 *	which every access is translated by the old or by the new domain, or faults
 * @tlb_sync: return only when no new access can use an entry in @gather. Called without a lock, by
 *	several contexts at a time, also from interrupt-off contexts. Fast path. Its caller has
 *	made the entries visible (barrier, cache clean)
 * @tlb_sync_all: the same for all entries of @dom, tables included
 * @next_fault: take the oldest record out of the hardware's queue, bounds-checked: 1 and @fault
 *	filled (without dev), 0 none. Serialised by the core
 * @resv: regions this hardware reserves for @requester; at most @max are written; returns how many
 * @counts: statistics
 *
 * Every function that can fail is asked for with dma_platform.inject first, by the core.
 */
struct dma_iommu_driver {
	size_t size;
	const char *name;
	int (*probe)(struct dma_iommu_hw *hw);
	void (*remove)(struct dma_iommu_hw *hw);
	int (*domain_init)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);
	void (*domain_fini)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);
	int (*attach)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester);
	int (*tlb_sync)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
			const struct gather *gather);
	int (*tlb_sync_all)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);
	int (*next_fault)(struct dma_iommu_hw *hw, struct dma_fault *fault);
	uint32_t (*resv)(struct dma_iommu_hw *hw, uint32_t requester,
			 struct dma_resv_region *regions, uint32_t max);
	void (*counts)(struct dma_iommu_hw *hw, struct dma_iommu_counts *counts);
};

/* Drivers in the tree; name them in the array given to dma_iommu_open(). */
extern DMA_API const struct dma_iommu_driver dma_smmuv3_driver;

#ifdef __cplusplus
}
#endif
#endif
