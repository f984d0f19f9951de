/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the layers share of a device. Written at creation, attach, set_mask and set_ops, under the
 * caller's exclusion; read everywhere without a lock. The first lines are what the fast path reads.
 */
#ifndef DMAMAP_CORE_DEVICE_H
#define DMAMAP_CORE_DEVICE_H

#include <stdatomic.h>

#include <dmamap/device.h>
#include <dmamap/dma-map-ops.h>
#include <dmamap/platform.h>

/**
 * struct dma_device - one requester
 * @ops: table in force, complete (no NULL members)
 * @domain: the IOVA space it is attached to; NULL without an IOMMU
 * @platform: where it lives
 * @iova_last: highest IOVA it can use: min(mask, bus limit, aperture); kept by dma_set_mask()
 * @window_start: start of the window: RAM of which a map needs no further check of the address
 * @window_bytes: its length; what lies outside is checked byte by byte (dma/check.c)
 * @window_offset: DMA address - phys inside the window, modulo 2^64; only if @direct
 * @dma_mask: streaming mask
 * @coherent_dma_mask: mask of allocations
 * @bus_dma_limit: highest address the bus carries, ~0 if no limit
 * @max_seg_size: bytes of the longest segment it takes (default 64 KiB)
 * @seg_boundary: mask no segment may cross (default ~0)
 * @min_align_mask: low address bits to keep
 * @coherent: its accesses snoop
 * @direct: coherent, no IOMMU, no ops table of its own: a map inside the window is an addition
 * @need_sync: syncs do something
 * @sg_checked: @ops.map_sg checks each entry with dma_entry_ok() itself (dma/dma.h)
 * @ranges: windows, or NULL
 * @nr_ranges: their number
 * @iommu: IOMMU in front of it, or NULL
 * @requester: its id there
 * @group: what the IOMMU cannot tell apart (iommu/)
 * @ops_priv: belongs to the ops table
 * @own_ops: @ops is a table of the user's
 * @destroyed: dma_device_destroy() was called, quarantine keeps it
 * @attrs_logged: unknown attribute bits that the log has seen
 * @buffers: live allocations without an IOMMU (dma/alloc.c), or NULL
 * @quarantine: live mappings at detach (iommu/), or NULL
 * @next: list of the group
 * @name: for messages
 */
struct dma_device {
	_Alignas(64) struct dma_map_ops ops;
	struct dma_domain *domain;
	struct dma_platform *platform;
	uint64_t iova_last;
	uint64_t window_start;
	uint64_t window_bytes;
	uint64_t window_offset;
	uint32_t min_align_mask;
	bool coherent;
	bool direct;
	bool need_sync;
	bool sg_checked;
	uint64_t dma_mask;
	uint64_t coherent_dma_mask;
	uint64_t bus_dma_limit;
	uint64_t seg_boundary;
	uint32_t max_seg_size;
	const struct dma_range *ranges;
	uint32_t nr_ranges;
	uint32_t requester;
	struct dma_iommu *iommu;
	struct dma_group *group;
	void *ops_priv;
	bool own_ops;
	bool destroyed;
	_Atomic unsigned long attrs_logged;
	struct dma_buffers *_Atomic buffers;
	void *quarantine;
	struct dma_device *next;
	char name[32];
};

#endif
