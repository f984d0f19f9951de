/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus of the simulated machine: MMIO dispatch by physical address, and DMA of requesters,
 * through the IOMMU model when there is one. Device accesses touch the device view of RAM only.
 * Not here: the IOMMU itself (sim/smmuv3.h), when devices work (sim/engine.h).
 *
 * Lock: the bus lock (recursive) covers the IOMMU model, and every DMA from its translation to
 * the end of its copy, so an invalidation that completed has no access in flight behind it.
 * MMIO handlers of devices are called without it. Order: engine lock, then bus lock.
 */
#ifndef SIM_BUS_H
#define SIM_BUS_H

#include <dmamap/types.h>

struct sim_bus;
struct sim_cache;
struct sim_engines;
struct sim_ram;
struct sim_trace;

#define SIM_NO_SSID UINT32_MAX

/**
 * struct sim_mmio_ops - registers of a device model
 * @read: value of the register at byte @offset of the window, @width bytes (1, 2, 4, 8)
 * @write: store to it
 *
 * Context: the caller of the platform's mmio_read/mmio_write, or of a DMA that hits the window;
 * without the bus lock. A device with an engine takes sim_engine_lock() inside.
 */
struct sim_mmio_ops {
	uint64_t (*read)(void *ctx, uint64_t offset, uint32_t width);
	void (*write)(void *ctx, uint64_t offset, uint32_t width, uint64_t value);
};

/**
 * struct sim_requester - a device as the bus sees it
 * @sid: stream id, unique on the bus
 * @addr_bits: address lines of the device, 1 to 64; bits above do not exist and are cut off
 * @snoop: accesses see and update the CPU caches (makes no difference on a coherent machine)
 * @no_iommu: not behind the IOMMU: puts physical addresses on the bus
 * @name: for messages; must outlive the bus
 */
struct sim_requester {
	uint32_t sid;
	uint32_t addr_bits;
	bool snoop;
	bool no_iommu;
	const char *name;
};

/**
 * struct sim_requester_stats - what a requester did
 * @read_bytes: bytes read from memory
 * @write_bytes: bytes written to memory
 * @aborts: DMA calls that ended in an abort
 * @truncated: DMA calls with address bits above @addr_bits
 */
struct sim_requester_stats {
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t aborts;
	uint64_t truncated;
};

/**
 * struct sim_bus_iommu - the IOMMU as the bus uses it
 * @translate: where @iova of @sid goes: stores phys and how many bytes from there (1 .. @len) are
 *	contiguous and allowed; -EFAULT when the IOMMU aborts the access (it recorded why)
 * @ctx: first argument of @translate
 *
 * Called with the bus lock held.
 */
struct sim_bus_iommu {
	int (*translate)(void *ctx, uint32_t sid, uint32_t ssid, uint64_t iova, bool write,
			 uint64_t len, uint64_t *phys, uint64_t *phys_len);
	void *ctx;
};

/* @cache NULL: the machine is coherent. @threaded: devices run in threads. */
int sim_bus_new(struct sim_ram *ram, struct sim_cache *cache, struct sim_trace *trace,
		bool threaded, struct sim_bus **bus);
void sim_bus_free(struct sim_bus *bus);
void sim_bus_set_iommu(struct sim_bus *bus, const struct sim_bus_iommu *iommu);

/* The engines of this machine; what a device model passes to sim_engine_new(). */
struct sim_engines *sim_bus_engines(struct sim_bus *bus);
void sim_bus_set_engines(struct sim_bus *bus, struct sim_engines *engines);

/**
 * sim_bus_add_mmio() - put a register window at a physical address
 * @bus: the bus
 * @name: for messages; must outlive the window
 * @base: physical address of the first byte
 * @len: bytes of the window
 * @ops: its registers; must outlive the window
 * @ctx: first argument of @ops
 *
 * Return: 0; -EINVAL when empty or beyond 64 bits; -EEXIST when it overlaps RAM or another window;
 * -ENOSPC when all windows are taken.
 */
DMA_MUST_CHECK int sim_bus_add_mmio(struct sim_bus *bus, const char *name, uint64_t base,
				    uint64_t len, const struct sim_mmio_ops *ops, void *ctx);
void sim_bus_remove_mmio(struct sim_bus *bus, uint64_t base);

/* 0; -EINVAL for addr_bits out of range, -EEXIST for a known sid, -ENOSPC. */
DMA_MUST_CHECK int sim_bus_add_requester(struct sim_bus *bus, const struct sim_requester *req);
void sim_bus_remove_requester(struct sim_bus *bus, uint32_t sid);

/**
 * sim_bus_dma() - one access of a device to memory
 * @bus: the bus
 * @sid: who; a requester added before
 * @iova: what it puts on the bus
 * @write: true: memory is written from @buf; false: @buf is filled from memory
 * @buf: the device's side
 * @len: bytes; 0 does nothing
 * @done: bytes transferred before the access ended; may be NULL
 *
 * Translates piece by piece. What lies behind the address decides: RAM, a register window (peer to
 * peer, as 8, 4, 2 and 1 byte accesses), or nothing (abort).
 *
 * Return: 0; -EFAULT after @done bytes when the IOMMU or the bus aborts; -ENODEV unknown sid.
 */
int sim_bus_dma(struct sim_bus *bus, uint32_t sid, uint64_t iova, bool write, void *buf, size_t len,
		size_t *done);

/* The same with a substream id (PASID). */
int sim_bus_dma_ssid(struct sim_bus *bus, uint32_t sid, uint32_t ssid, uint64_t iova, bool write,
		     void *buf, size_t len, size_t *done);

/* Access physical memory or registers, no IOMMU: table walks, messages. 0 or -EFAULT. */
int sim_bus_phys(struct sim_bus *bus, uint64_t phys, bool write, bool snoop, void *buf, size_t len);

/* 0 or -ENODEV. */
int sim_bus_stats(struct sim_bus *bus, uint32_t sid, struct sim_requester_stats *stats);

/* MMIO by the CPU. Without a window reads give all ones, writes do nothing; both are counted. */
uint64_t sim_bus_mmio_read(struct sim_bus *bus, uint64_t addr, uint32_t width);
void sim_bus_mmio_write(struct sim_bus *bus, uint64_t addr, uint32_t width, uint64_t value);
uint64_t sim_bus_bad_mmio(const struct sim_bus *bus);
/* True when @addr lies in a window; @len: bytes to its end. Else @len: bytes to the next one. */
bool sim_bus_is_mmio(struct sim_bus *bus, uint64_t addr, uint64_t *len);

/* Interrupt lines 0 .. 63: a device raises one; whoever waits takes the count since last time. */
void sim_bus_irq_raise(struct sim_bus *bus, uint32_t irq);
uint32_t sim_bus_irq_take(struct sim_bus *bus, uint32_t irq);

void sim_bus_lock(struct sim_bus *bus);
void sim_bus_unlock(struct sim_bus *bus);

#endif
