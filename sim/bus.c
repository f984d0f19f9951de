/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus: windows, requesters, DMA piece by piece. Lock: that of RAM, recursive; released
 * while a register window of a device is accessed.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/bus.h"
#include "sim/cache.h"
#include "sim/ram.h"
#include "sim/rng.h"

#define MAX_WINDOWS 64u
#define MAX_REQUESTERS 64u
#define NR_IRQS 64u

struct window {
	const char *name;
	uint64_t base;
	uint64_t len; /* 0: unused */
	const struct sim_mmio_ops *ops;
	void *ctx;
};

struct requester {
	struct sim_requester cfg;
	bool used;
	struct sim_requester_stats stats;
};

struct sim_bus {
	struct sim_ram *ram;
	struct sim_cache *cache;
	struct sim_trace *trace;
	struct sim_engines *engines;
	struct sim_bus_iommu iommu;
	struct window windows[MAX_WINDOWS];
	struct requester requesters[MAX_REQUESTERS];
	uint32_t irqs[NR_IRQS];
	uint64_t bad_mmio;
};

int sim_bus_new(struct sim_ram *ram, struct sim_cache *cache, struct sim_trace *trace,
		bool threaded, struct sim_bus **out)
{
	struct sim_bus *bus = calloc(1, sizeof(*bus));

	if (bus == NULL)
		return -ENOMEM;
	bus->ram = ram;
	bus->cache = cache;
	bus->trace = threaded ? NULL : trace;
	*out = bus;
	return 0;
}

void sim_bus_free(struct sim_bus *bus)
{
	free(bus);
}

void sim_bus_lock(struct sim_bus *bus)
{
	sim_ram_lock(bus->ram);
}

void sim_bus_unlock(struct sim_bus *bus)
{
	sim_ram_unlock(bus->ram);
}

void sim_bus_set_iommu(struct sim_bus *bus, const struct sim_bus_iommu *iommu)
{
	sim_bus_lock(bus);
	if (iommu != NULL)
		bus->iommu = *iommu;
	else
		memset(&bus->iommu, 0, sizeof(bus->iommu));
	sim_bus_unlock(bus);
}

struct sim_engines *sim_bus_engines(struct sim_bus *bus)
{
	return bus->engines;
}

void sim_bus_set_engines(struct sim_bus *bus, struct sim_engines *engines)
{
	bus->engines = engines;
}

static bool ranges_meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a <= b + (b_len - 1) && b <= a + (a_len - 1);
}

static int window_place(struct sim_bus *bus, uint64_t base, uint64_t len, struct window **place)
{
	const struct sim_ram_cfg *ram = sim_ram_cfg(bus->ram);

	if (ranges_meet(base, len, ram->base, ram->bytes))
		return -EEXIST;
	*place = NULL;
	for (uint32_t i = 0; i < MAX_WINDOWS; i++) {
		struct window *w = &bus->windows[i];

		if (w->len == 0 && *place == NULL)
			*place = w;
		if (w->len != 0 && ranges_meet(base, len, w->base, w->len))
			return -EEXIST;
	}
	return *place == NULL ? -ENOSPC : 0;
}

int sim_bus_add_mmio(struct sim_bus *bus, const char *name, uint64_t base, uint64_t len,
		     const struct sim_mmio_ops *ops, void *ctx)
{
	struct window *w;
	int err;

	if (len == 0 || base + (len - 1) < base)
		return -EINVAL;
	sim_bus_lock(bus);
	err = window_place(bus, base, len, &w);
	if (err == 0)
		*w = (struct window){ name, base, len, ops, ctx };
	sim_bus_unlock(bus);
	return err;
}

void sim_bus_remove_mmio(struct sim_bus *bus, uint64_t base)
{
	sim_bus_lock(bus);
	for (uint32_t i = 0; i < MAX_WINDOWS; i++) {
		if (bus->windows[i].base == base)
			bus->windows[i].len = 0;
	}
	sim_bus_unlock(bus);
}

/* The window of an address, by value, so that it can be used without the lock; len 0: none. */
static struct window window_of(struct sim_bus *bus, uint64_t addr)
{
	struct window found = { .len = 0 };

	sim_bus_lock(bus);
	for (uint32_t i = 0; i < MAX_WINDOWS; i++) {
		const struct window *w = &bus->windows[i];

		if (w->len != 0 && addr >= w->base && addr - w->base < w->len)
			found = *w;
	}
	sim_bus_unlock(bus);
	return found;
}

bool sim_bus_is_mmio(struct sim_bus *bus, uint64_t addr, uint64_t *len)
{
	struct window w = window_of(bus, addr);
	uint64_t next = UINT64_MAX;

	if (w.len != 0) {
		*len = w.len - (addr - w.base);
		return true;
	}
	sim_bus_lock(bus);
	for (uint32_t i = 0; i < MAX_WINDOWS; i++) {
		if (bus->windows[i].len != 0 && bus->windows[i].base > addr &&
		    bus->windows[i].base - addr < next)
			next = bus->windows[i].base - addr;
	}
	sim_bus_unlock(bus);
	*len = next;
	return false;
}

static struct requester *requester_of(struct sim_bus *bus, uint32_t sid)
{
	for (uint32_t i = 0; i < MAX_REQUESTERS; i++) {
		if (bus->requesters[i].used && bus->requesters[i].cfg.sid == sid)
			return &bus->requesters[i];
	}
	return NULL;
}

int sim_bus_add_requester(struct sim_bus *bus, const struct sim_requester *req)
{
	int err = -ENOSPC;

	if (req->addr_bits < 1 || req->addr_bits > 64)
		return -EINVAL;
	sim_bus_lock(bus);
	if (requester_of(bus, req->sid) != NULL)
		err = -EEXIST;
	for (uint32_t i = 0; err == -ENOSPC && i < MAX_REQUESTERS; i++) {
		if (!bus->requesters[i].used) {
			bus->requesters[i] = (struct requester){ .cfg = *req, .used = true };
			err = 0;
		}
	}
	sim_bus_unlock(bus);
	return err;
}

void sim_bus_remove_requester(struct sim_bus *bus, uint32_t sid)
{
	struct requester *r;

	sim_bus_lock(bus);
	r = requester_of(bus, sid);
	if (r != NULL)
		r->used = false;
	sim_bus_unlock(bus);
}

int sim_bus_stats(struct sim_bus *bus, uint32_t sid, struct sim_requester_stats *stats)
{
	struct requester *r;

	sim_bus_lock(bus);
	r = requester_of(bus, sid);
	if (r != NULL)
		*stats = r->stats;
	sim_bus_unlock(bus);
	return r == NULL ? -ENODEV : 0;
}

static void ram_access(struct sim_bus *bus, uint64_t phys, bool write, bool snoop, void *buf,
		       size_t len)
{
	if (snoop && bus->cache != NULL) {
		if (write)
			sim_cache_snoop_write(bus->cache, phys, buf, len);
		else
			sim_cache_snoop_read(bus->cache, phys, buf, len);
	} else if (write) {
		(void)sim_ram_write(bus->ram, phys, buf, len);
	} else {
		(void)sim_ram_read(bus->ram, phys, buf, len);
	}
}

/* The widest access that alignment and the rest allow. */
static uint32_t mmio_width(uint64_t offset, size_t len)
{
	uint32_t width = 8;

	while (width > len || (offset & (width - 1)) != 0)
		width /= 2;
	return width;
}

/* A device model is little-endian and so is the buffer: byte n of the register goes to byte n. */
static void window_access(const struct window *w, uint64_t addr, bool write, uint8_t *buf,
			  size_t len)
{
	uint64_t offset = addr - w->base;

	while (len > 0) {
		uint32_t width = mmio_width(offset, len);
		uint64_t value = 0;

		for (uint32_t i = 0; write && i < width; i++)
			value |= (uint64_t)buf[i] << (8 * i);
		if (write)
			w->ops->write(w->ctx, offset, width, value);
		else
			value = w->ops->read(w->ctx, offset, width);
		for (uint32_t i = 0; !write && i < width; i++)
			buf[i] = (uint8_t)(value >> (8 * i));
		offset += width, buf += width, len -= width;
	}
}

/*
 * Access up to @len bytes at @phys: RAM, or a window to its end, or nothing. Returns the bytes
 * done. @depth: how often this thread holds the bus lock; a window is accessed without it.
 */
static size_t phys_access(struct sim_bus *bus, uint64_t phys, bool write, bool snoop, void *buf,
			  size_t len, int depth)
{
	const struct sim_ram_cfg *ram = sim_ram_cfg(bus->ram);
	uint64_t off = phys - ram->base;
	struct window w;
	size_t piece;

	if (phys >= ram->base && off < ram->bytes) {
		piece = len < ram->bytes - off ? len : (size_t)(ram->bytes - off);
		ram_access(bus, phys, write, snoop, buf, piece);
		return piece;
	}
	w = window_of(bus, phys);
	if (w.len == 0)
		return 0;
	piece = len < w.len - (phys - w.base) ? len : (size_t)(w.len - (phys - w.base));
	for (int i = 0; i < depth; i++)
		sim_bus_unlock(bus);
	window_access(&w, phys, write, buf, piece);
	for (int i = 0; i < depth; i++)
		sim_bus_lock(bus);
	return piece;
}

int sim_bus_phys(struct sim_bus *bus, uint64_t phys, bool write, bool snoop, void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len > 0) {
		size_t piece = phys_access(bus, phys, write, snoop, at, len, 0);

		if (piece == 0)
			return -EFAULT;
		phys += piece, at += piece, len -= piece;
	}
	return 0;
}

/* One translated piece of a DMA, with the bus lock held once. Returns the bytes done, 0: abort. */
static size_t dma_piece(struct sim_bus *bus, const struct sim_requester *req, uint32_t ssid,
			uint64_t iova, bool write, void *buf, size_t len)
{
	uint64_t phys = iova, phys_len = len;

	if (bus->iommu.translate != NULL && !req->no_iommu) {
		if (bus->iommu.translate(bus->iommu.ctx, req->sid, ssid, iova, write, len, &phys,
					 &phys_len) != 0)
			return 0;
		if (phys_len > len)
			phys_len = len;
	}
	return phys_access(bus, phys, write, req->snoop, buf, (size_t)phys_len, 1);
}

static void count_dma(struct sim_bus *bus, uint32_t sid, bool write, size_t bytes, bool aborted,
		      bool truncated)
{
	struct requester *r;

	sim_bus_lock(bus);
	r = requester_of(bus, sid);
	if (r != NULL) {
		if (write)
			r->stats.write_bytes += bytes;
		else
			r->stats.read_bytes += bytes;
		r->stats.aborts += aborted;
		r->stats.truncated += truncated;
	}
	sim_bus_unlock(bus);
}

int sim_bus_dma_ssid(struct sim_bus *bus, uint32_t sid, uint32_t ssid, uint64_t iova, bool write,
		     void *buf, size_t len, size_t *done)
{
	uint64_t mask, truncated = 0;
	struct requester *r;
	struct sim_requester req;
	size_t at = 0;

	if (done != NULL)
		*done = 0;
	sim_bus_lock(bus);
	r = requester_of(bus, sid);
	if (r != NULL)
		req = r->cfg;
	sim_bus_unlock(bus);
	if (r == NULL)
		return -ENODEV;
	mask = req.addr_bits == 64 ? UINT64_MAX : (1ull << req.addr_bits) - 1;
	while (at < len) {
		uint64_t addr = iova + at;
		size_t left = len - at, piece;

		truncated |= addr & ~mask;
		/* The piece ends where the address lines wrap. */
		if (left - 1 > mask - (addr & mask))
			left = (size_t)(mask - (addr & mask)) + 1;
		sim_bus_lock(bus);
		piece = dma_piece(bus, &req, ssid, addr & mask, write, (uint8_t *)buf + at, left);
		sim_bus_unlock(bus);
		if (piece == 0)
			break;
		at += piece;
	}
	count_dma(bus, sid, write, at, at < len, truncated != 0);
	sim_trace_add(bus->trace, SIM_TRACE_DMA, iova ^ ((uint64_t)sid << 40), at * 2 + write);
	if (done != NULL)
		*done = at;
	return at < len ? -EFAULT : 0;
}

int sim_bus_dma(struct sim_bus *bus, uint32_t sid, uint64_t iova, bool write, void *buf, size_t len,
		size_t *done)
{
	return sim_bus_dma_ssid(bus, sid, SIM_NO_SSID, iova, write, buf, len, done);
}

/* A window that holds the whole access; counts what hits none. */
static bool mmio_find(struct sim_bus *bus, uint64_t addr, uint32_t width, struct window *w)
{
	*w = window_of(bus, addr);
	if (w->len != 0 && width <= w->len - (addr - w->base))
		return true;
	sim_bus_lock(bus);
	bus->bad_mmio++;
	sim_bus_unlock(bus);
	return false;
}

uint64_t sim_bus_mmio_read(struct sim_bus *bus, uint64_t addr, uint32_t width)
{
	uint64_t value = UINT64_MAX >> (64 - 8 * width);
	struct window w;

	if (mmio_find(bus, addr, width, &w))
		value &= w.ops->read(w.ctx, addr - w.base, width);
	sim_trace_add(bus->trace, SIM_TRACE_MMIO, addr, value);
	return value;
}

void sim_bus_mmio_write(struct sim_bus *bus, uint64_t addr, uint32_t width, uint64_t value)
{
	struct window w;

	value &= UINT64_MAX >> (64 - 8 * width);
	sim_trace_add(bus->trace, SIM_TRACE_MMIO, ~addr, value);
	if (mmio_find(bus, addr, width, &w))
		w.ops->write(w.ctx, addr - w.base, width, value);
}

uint64_t sim_bus_bad_mmio(const struct sim_bus *bus)
{
	return bus->bad_mmio;
}

void sim_bus_irq_raise(struct sim_bus *bus, uint32_t irq)
{
	sim_bus_lock(bus);
	if (irq < NR_IRQS)
		bus->irqs[irq]++;
	sim_bus_unlock(bus);
}

uint32_t sim_bus_irq_take(struct sim_bus *bus, uint32_t irq)
{
	uint32_t nr = 0;

	sim_bus_lock(bus);
	if (irq < NR_IRQS) {
		nr = bus->irqs[irq];
		bus->irqs[irq] = 0;
	}
	sim_bus_unlock(bus);
	return nr;
}
