/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU core: the door header. IOMMUs, groups, domains, attach and detach, reserved regions,
 * quarantine, flush queues, faults. It knows numbers and rights, not scatterlists, masks or CPU
 * mappings (src/dma), and no hardware (src/iommu/<driver>).
 *
 * Locks: dma_iommu.mutex (sleeping) over everything that attach, detach and reserve change;
 * dma_iommu.lock (spin) over the list of groups, so that the fault path may look; dma_domain.lock
 * (spin) over unconfirmed ranges. Map and unmap take none of them.
 */
#ifndef DMAMAP_IOMMU_IOMMU_H
#define DMAMAP_IOMMU_IOMMU_H

#include <stdatomic.h>

#include <dmamap/fault.h>
#include <dmamap/iommu-driver.h>
#include <dmamap/iommu.h>

#include "core/device.h"
#include "core/slot.h"
#include "iommu/resv.h"
#include "iova/iova.h"
#include "pgtable/pgtable.h"

#define FLUSH_RING_ENTRIES 256u
#define FLUSH_MAX_AGE_NS 10000000ull	     /* as Linux: 10 ms */
#define FLUSH_MAX_BYTES ((uint64_t)64 << 20) /* of one ring: bounds what stays reachable */
#define FAULT_RING_ENTRIES 64u
#define DOMAIN_MAX_RESV 32u /* regions one requester may have from its driver */

/**
 * struct flush_entry - IOVA that was unmapped and waits for an invalidation
 * @iova: first byte
 * @nr: granules
 * @tag: for the IOVA cache
 */
struct flush_entry {
	uint64_t iova;
	uint64_t nr;
	uint64_t tag;
};

/**
 * struct flush_ring - a slot's flush queue in one domain; the owner's, or a drainer's
 * @nr: entries waiting
 * @bytes: their IOVA
 * @e: in the order they were unmapped
 */
struct flush_ring {
	uint32_t nr;
	uint64_t bytes;
	struct flush_entry e[FLUSH_RING_ENTRIES];
};

/**
 * struct domain_slot - what one slot keeps for one domain
 * @cursor: where it last found a leaf table
 * @ring: flush queue; made at the first deferred unmap
 * @oldest_ns: when @ring got its first entry, 0 while it is empty; read by anybody
 * @iova: IOVA cache
 */
struct domain_slot {
	_Alignas(128) struct pgtable_cursor cursor;
	struct flush_ring *ring;
	_Atomic uint64_t oldest_ns;
	struct iova_cache iova;
};

/**
 * struct domain_lost - what must stay out of use: the hardware did not confirm its invalidation
 * @next: list of the domain
 * @iova: first byte
 * @nr: granules
 * @spans: not an allocation but wholly free spans, taken out to retire @tables
 * @tables: tables that were unlinked below them
 */
struct domain_lost {
	struct domain_lost *next;
	uint64_t iova;
	uint64_t nr;
	bool spans;
	struct pgtable_freelist tables;
};

struct domain_msi;

/**
 * struct dma_domain - an IOVA space, its page table and the hardware's name for it
 * @hw: IOMMU
 * @tlb_sync: its driver's function
 * @deferred: unmaps are queued
 * @granule_lg2: of the page table
 * @slots: per-slot state, made by each slot at its first use
 * @pt: page table (DMA and unmanaged domains)
 * @iova: IOVA space (DMA domains; else NULL)
 * @dom: the driver's part
 *
 * The rest is touched by the slow paths only:
 *
 * @next: list of the IOMMU
 * @iommu: where it lives
 * @platform: platform of @iommu
 * @iova_last: highest IOVA that can be translated
 * @resv: what mappings keep out of
 * @msis: doorbells that are mapped
 * @nr_msi_iova: granules of @iova that doorbells took
 * @nr_groups: groups attached
 * @ready: the driver knows it
 * @holder: group that left live mappings behind; they stay until it is quiesced
 * @lock: spin lock over @lost
 * @lost: unmapped, not confirmed as invalidated
 * @nr_lost: granules that are lost, listed or not
 * @nr_flushes: batches of deferred invalidation
 * @buffers: belongs to the ops table (src/dma): memory of its allocations
 */
struct dma_domain {
	_Alignas(128) struct dma_iommu_hw *hw;
	int (*tlb_sync)(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
			const struct gather *gather);
	_Atomic bool deferred;
	uint32_t granule_lg2;
	struct domain_slot *_Atomic slots[DMA_NR_SLOTS];
	struct pgtable pt;
	struct iova_space *iova;
	struct dma_iommu_dom dom;

	struct dma_domain *next;
	struct dma_iommu *iommu;
	struct dma_platform *platform;
	uint64_t iova_last;
	struct resv_list resv;
	struct domain_msi *msis;
	uint64_t nr_msi_iova;
	uint32_t nr_groups;
	bool ready;
	struct dma_group *holder;
	struct dma_lock lock;
	struct domain_lost *lost;
	_Atomic uint64_t nr_lost;
	_Atomic uint64_t nr_flushes;
	void *buffers;
};

/**
 * struct dma_group - requesters the IOMMU cannot tell apart
 * @next: list of the IOMMU
 * @iommu: where
 * @requester: its id
 * @domain: attached; never NULL (the IOMMU's blocked domain at least)
 * @own: DMA domain made for the group, NULL when it has none
 * @held: domain with live mappings that the group left: its quarantine
 * @devices: list through dma_device.next
 */
struct dma_group {
	struct dma_group *next;
	struct dma_iommu *iommu;
	uint32_t requester;
	struct dma_domain *domain;
	struct dma_domain *own;
	struct dma_domain *held;
	struct dma_device *devices;
};

/**
 * struct fault_ring - faults that nobody has taken yet
 * @lock: spin lock; also serialises the drain of the hardware's queue
 * @first: oldest
 * @nr: waiting
 * @lost: dropped because the ring was full
 * @e: the faults
 */
struct fault_ring {
	struct dma_lock lock;
	uint32_t first;
	uint32_t nr;
	uint64_t lost;
	struct dma_fault e[FAULT_RING_ENTRIES];
};

/**
 * struct dma_iommu - one IOMMU
 * @hw: the driver's part
 * @drv: its driver
 * @fmt: page-table format in use
 * @granule_lg2: granule in use
 * @mutex: see above
 * @lock: see above
 * @pgsize_bitmap: page sizes of the format
 * @span_lg2: of the format
 * @groups: its groups
 * @domains: its domains, @blocked not among them
 * @blocked: where every group starts and ends
 * @resv: regions from firmware
 * @faults: fault ring
 */
struct dma_iommu {
	struct dma_iommu_hw hw;
	const struct dma_iommu_driver *drv;
	enum dma_pt_fmt fmt;
	uint32_t granule_lg2;
	uint64_t pgsize_bitmap;
	uint32_t span_lg2;
	struct dma_lock mutex;
	struct dma_lock lock;
	struct dma_group *groups;
	struct dma_domain *domains;
	struct dma_domain *blocked;
	struct resv_list resv;
	struct fault_ring faults;
};

static inline uint64_t domain_granule(const struct dma_domain *dom)
{
	return (uint64_t)1 << dom->granule_lg2;
}

static inline bool domain_translates(const struct dma_domain *dom)
{
	return dom->dom.type == DMA_DOMAIN_DMA || dom->dom.type == DMA_DOMAIN_UNMANAGED;
}

/* The calling slot's state in @dom; NULL at its first use: then domain_slot_make(). */
static inline struct domain_slot *domain_slot(struct dma_domain *dom, const struct dma_slot *slot)
{
	return atomic_load_explicit(&dom->slots[slot->idx], memory_order_relaxed);
}

/* Makes it; NULL when there is no metadata. Context: inside @slot; does not sleep. */
struct domain_slot *domain_slot_make(struct dma_domain *dom, const struct dma_slot *slot);

/* Fill rule, found and need; returns @err. */
static inline int error_why(struct dma_error *why, int err, enum dma_rule rule, uint64_t found,
			    uint64_t need)
{
	why->err = err;
	why->rule = rule;
	why->found = found;
	why->need = need;
	return err;
}

/* The driver refused or did not answer: the rule that stands for @err. Returns @err. */
int error_why_hw(struct dma_error *why, int err);

/* True: the request to the IOMMU at hand must fail with -ENOMEM (dma_platform.inject). */
static inline bool iommu_inject(struct dma_platform *p)
{
	return p->inject != NULL && p->inject(p, DMA_INJECT_IOMMU);
}

/* ---- domain.c; the caller holds the IOMMU's mutex and is outside any slot ---- */

DMA_MUST_CHECK int domain_new(struct dma_iommu *iommu, enum dma_domain_type type,
			      struct dma_domain **dom, struct dma_error *why);
/* No group is attached and nobody maps. */
void domain_del(struct dma_domain *dom);
/* Unmap and forget everything that is live: what quarantine ends with. */
DMA_MUST_CHECK int domain_reset(struct dma_domain *dom);

/* Page-table configuration of the domains of @iommu. */
struct pgtable_cfg domain_pt_cfg(const struct dma_iommu *iommu);

/* ---- window.c; as above ---- */

/*
 * Keep @regions out of @dom from now on, map direct ones. -EINVAL (a live mapping is in the way,
 * regions contradict each other), -ENOMEM. On error translations are as before; IOVA windows that
 * were reserved already stay so.
 */
DMA_MUST_CHECK int domain_add_resv(struct dma_domain *dom, const struct dma_resv_region *regions,
				   uint32_t nr, struct dma_error *why);
/* Everything of @dom->resv, in a space or page table that knows none of it yet. */
DMA_MUST_CHECK int domain_reserve_iova(struct dma_domain *dom, struct iova_space *space,
				       struct dma_error *why);

/* ---- group.c, attach.c ---- */

/*
 * Put @dev into the group of its requester, made if need be (then blocked). Sets dev->group only.
 * Context: sleeping, outside any slot; takes the IOMMU's mutex; so do the functions below.
 */
DMA_MUST_CHECK int group_join(struct dma_device *dev, struct dma_error *why);
/* The last device takes its group along, which is blocked and holds nothing. */
void group_leave(struct dma_device *dev);
/*
 * Move @group to @dom; sets dev->domain of each device. Reserved regions of its devices
 * become @dom's, direct ones are mapped. Live mappings of a DMA domain that it leaves as the last
 * group are held. Errors as in dma_domain_attach(); the old attachment stays then.
 */
DMA_MUST_CHECK int group_attach(struct dma_group *group, struct dma_domain *dom,
				struct dma_error *why);
/* Attach to the group's own DMA domain, made if need be. */
DMA_MUST_CHECK int group_attach_own(struct dma_group *group, bool deferred, struct dma_error *why);
/* Regions of a device that joined a group which is attached already. */
DMA_MUST_CHECK int group_add_regions(struct dma_group *group, struct dma_error *why);
/* Unmap what the group holds in quarantine; *@dom: the domain, NULL when there was none. */
DMA_MUST_CHECK int group_quiesce(struct dma_group *group, struct dma_domain **dom);

/* ---- tlb.c, flushq.c: inside a slot, no mutex ---- */

/*
 * Strict unmap, second half: @gather is stale, [@iova, @nr granules) was unmapped. Invalidates,
 * then gives the IOVA back with @tag; when the hardware does not confirm, the IOVA is kept and
 * counted instead and the errno is returned.
 */
DMA_MUST_CHECK int domain_put_strict(struct dma_domain *dom, struct domain_slot *ds,
				     const struct gather *gather, uint64_t iova, uint64_t nr,
				     uint64_t tag);
/*
 * Deferred unmap, second half. -EIO, -ETIMEDOUT only when a full ring could not be flushed: what it
 * held is lost then.
 */
DMA_MUST_CHECK int domain_put_deferred(struct dma_domain *dom, struct domain_slot *ds,
				       uint64_t iova, uint64_t nr, uint64_t tag);
/* Everything of @dom is stale; waits. Any context. */
DMA_MUST_CHECK int domain_sync_all(struct dma_domain *dom);
/* Invalidate all of @dom and give the IOVA of @ds's ring back. On error the ring stays. */
DMA_MUST_CHECK int domain_flush_ring(struct dma_domain *dom, struct domain_slot *ds);
/* The same for every slot; the caller keeps them all out. */
DMA_MUST_CHECK int domain_flush_rings_drained(struct dma_domain *dom);
/* Some slot has something queued. Any context. */
bool domain_has_queued(struct dma_domain *dom);

/* Give IOVA back that the device cannot reach any more. */
void domain_iova_free(struct dma_domain *dom, struct domain_slot *ds, uint64_t iova, uint64_t nr,
		      uint64_t tag);
/* Keep IOVA out of use: it was unmapped but not invalidated. */
void domain_lose(struct dma_domain *dom, uint64_t iova, uint64_t nr);
/* Ask the hardware again; on success nothing is lost any more. Every slot is kept out. */
DMA_MUST_CHECK int domain_recover_lost(struct dma_domain *dom);

/* ---- reclaim.c ---- */

/*
 * Slow path of IOVA allocation: @ds's cache and the arena, then own ring and cache flushed, then
 * all slots drained. Inside @slot, which is left and entered again while draining: the slot's
 * cursor and cache may have changed on return. -ENOMEM with rule no_iova or no_meta, -EINVAL.
 */
DMA_MUST_CHECK int domain_iova_alloc(struct dma_domain *dom, struct dma_slot *slot,
				     struct domain_slot *ds, const struct iova_req *req,
				     struct iova_entry *e, struct dma_error *why);
/*
 * Table memory is out: retire empty tables of free spans, none that serves @run. True: some were;
 * try again. Inside @slot, left and entered again as above.
 */
bool domain_reclaim_tables(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
			   const struct run *run);
/*
 * pgtable_reserve() with an invalidation where a table made way for a block, and one retry after
 * domain_reclaim_tables(). On error nothing is reserved. @slot NULL: no retry.
 */
DMA_MUST_CHECK int domain_reserve_tables(struct dma_domain *dom, struct dma_slot *slot,
					 struct domain_slot *ds, const struct run *run,
					 uint32_t flags, struct pgtable_reserve *rsv,
					 struct dma_error *why);
/* Something is handed out. Drains. Outside any slot. */
bool domain_is_live(struct dma_domain *dom);
/* dma_poll(): flush what waited too long. dma_trim(): give cached memory back. Outside any slot. */
void domain_poll(struct dma_domain *dom);
void domain_trim(struct dma_domain *dom);

#endif
