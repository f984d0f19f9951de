/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU mappings: MAP_FIXED windows of the RAM memfd or of the cache image inside PROT_NONE
 * reservations. Lock: the RAM lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/as_internal.h"
#include "sim/cache.h"
#include "sim/mem.h"
#include "sim/ram.h"
#include "sim/rng.h"

/* Mapped areas have twice as many addresses as there is RAM: guard pages, and late reuse. */
#define VMAP_FACTOR 2u

struct vmap_area {
	enum dma_memtype memtype;
	uint32_t nr_runs;
	uint64_t len;
	struct dma_phys_run runs[];
};

struct sim_mem {
	struct sim_mem_cfg cfg;
	uint64_t base;
	uint64_t bytes;
	uint64_t page;
	uint32_t page_lg2;
	uint8_t *linear;
	uint8_t *vmap;
	uint64_t vmap_pages;
	bool *vmap_used;
	struct vmap_area **areas; /* by first page */
	uint64_t vmap_next;	  /* addresses are reused as late as possible */
	struct sim_as_list as_list;
	struct sim_mem_stats stats;
};

/* Behind each reservation, so that the host never merges mappings of two of them. */
#define RESERVE_GUARD 0x10000u
#define RESERVE_ALIGN 0x10000u /* the largest CPU page; the host's may be smaller */

void *sim_mem_reserve(uint64_t len)
{
	uint8_t *host = mmap(NULL, len + RESERVE_GUARD + RESERVE_ALIGN, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t front;

	if (host == MAP_FAILED)
		return NULL;
	front = (0 - (uintptr_t)host) & (RESERVE_ALIGN - 1);
	if (front != 0)
		munmap(host, front);
	munmap(host + front + len + RESERVE_GUARD, RESERVE_ALIGN - front);
	return host + front;
}

void sim_mem_unreserve(void *host, uint64_t len)
{
	if (host != NULL)
		munmap(host, len + RESERVE_GUARD);
}

int sim_mem_new(const struct sim_mem_cfg *cfg, struct sim_mem **out)
{
	const struct sim_ram_cfg *ram_cfg = sim_ram_cfg(cfg->ram);
	struct sim_mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		return -ENOMEM;
	mem->cfg = *cfg;
	mem->base = ram_cfg->base;
	mem->bytes = ram_cfg->bytes;
	mem->page_lg2 = ram_cfg->page_lg2;
	mem->page = 1ull << mem->page_lg2;
	mem->vmap_pages = VMAP_FACTOR * (mem->bytes >> mem->page_lg2);
	mem->linear = sim_mem_reserve(mem->bytes);
	mem->vmap = sim_mem_reserve(mem->vmap_pages << mem->page_lg2);
	mem->vmap_used = calloc(mem->vmap_pages, sizeof(*mem->vmap_used));
	mem->areas = calloc(mem->vmap_pages, sizeof(struct vmap_area *));
	if (mem->linear == NULL || mem->vmap == NULL || mem->vmap_used == NULL ||
	    mem->areas == NULL) {
		sim_mem_free(mem);
		return -ENOMEM;
	}
	*out = mem;
	return 0;
}

void sim_mem_free(struct sim_mem *mem)
{
	if (mem == NULL)
		return;
	while (mem->as_list.first != NULL)
		sim_as_destroy(mem->as_list.first);
	for (uint64_t i = 0; mem->areas != NULL && i < mem->vmap_pages; i++)
		free(mem->areas[i]);
	sim_mem_unreserve(mem->linear, mem->bytes);
	sim_mem_unreserve(mem->vmap, mem->vmap_pages << mem->page_lg2);
	free(mem->vmap_used);
	free(mem->areas);
	free(mem);
}

const struct sim_mem_cfg *sim_mem_cfg(const struct sim_mem *mem)
{
	return &mem->cfg;
}

struct sim_mem_stats *sim_mem_counters(struct sim_mem *mem)
{
	return &mem->stats;
}

struct sim_as_list *sim_mem_as_list(struct sim_mem *mem)
{
	return &mem->as_list;
}

void sim_mem_stats(struct sim_mem *mem, struct sim_mem_stats *stats)
{
	sim_ram_lock(mem->cfg.ram);
	*stats = mem->stats;
	sim_ram_unlock(mem->cfg.ram);
}

static void count_page(struct sim_mem *mem, uint64_t phys, bool wb)
{
	struct sim_page *page = sim_ram_page(mem->cfg.ram, phys);

	if (wb && page->wb_maps++ == 0 && mem->cfg.cache != NULL)
		sim_cache_page_mapped(mem->cfg.cache, phys);
	if (!wb)
		page->nc_maps++;
	if (page->wb_maps != 0 && page->nc_maps != 0)
		mem->stats.alias_violations++;
}

static void uncount_page(struct sim_mem *mem, uint64_t phys, bool wb)
{
	struct sim_page *page = sim_ram_page(mem->cfg.ram, phys);

	if (wb && --page->wb_maps == 0 && mem->cfg.cache != NULL)
		sim_cache_page_unmapped(mem->cfg.cache, phys);
	if (!wb)
		page->nc_maps--;
}

int sim_mem_place(struct sim_mem *mem, void *host, uint64_t phys, uint64_t len,
		  enum dma_memtype memtype, uint32_t prot)
{
	bool wb = memtype == DMA_MEM_WB;
	int fd = wb && mem->cfg.cache != NULL ? sim_cache_fd(mem->cfg.cache)
					      : sim_ram_fd(mem->cfg.ram);

	if (mmap(host, len, (prot & 2u) != 0 ? PROT_READ | PROT_WRITE : PROT_READ,
		 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd,
		 (off_t)(phys - mem->base)) == MAP_FAILED)
		return -ENOMEM;
	sim_ram_lock(mem->cfg.ram);
	for (uint64_t off = 0; off < len; off += mem->page)
		count_page(mem, phys + off, wb);
	sim_trace_add(mem->cfg.trace, SIM_TRACE_MAP, phys + (uint64_t)memtype, len);
	sim_ram_unlock(mem->cfg.ram);
	return 0;
}

static void make_inaccessible(void *host, uint64_t len)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	if (mmap(host, len, PROT_NONE, flags | MAP_FIXED, -1, 0) != MAP_FAILED)
		return;
	/* At the host's limit of mappings nothing can be mapped over, but it can be unmapped. */
	if (munmap(host, len) == 0 &&
	    mmap(host, len, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0) == host)
		return;
	/* Going on would leave memory reachable that must not be. */
	perror("simulated machine: cannot unmap (vm.max_map_count?)");
	abort();
}

void sim_mem_remove(struct sim_mem *mem, void *host, uint64_t phys, uint64_t len,
		    enum dma_memtype memtype)
{
	make_inaccessible(host, len);
	sim_ram_lock(mem->cfg.ram);
	for (uint64_t off = 0; off < len; off += mem->page)
		uncount_page(mem, phys + off, memtype == DMA_MEM_WB);
	sim_trace_add(mem->cfg.trace, SIM_TRACE_MAP, ~phys, len);
	sim_ram_unlock(mem->cfg.ram);
}

bool sim_mem_runs_are_ram(struct sim_mem *mem, const struct dma_phys_run *runs, uint32_t nr_runs,
			  uint64_t *len)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nr_runs; i++) {
		if (!sim_ram_has(mem->cfg.ram, runs[i].phys, runs[i].len) ||
		    ((runs[i].phys | runs[i].len) & (mem->page - 1)) != 0)
			return false;
		sum += runs[i].len;
	}
	*len = sum;
	return sum != 0;
}

void *sim_mem_linear(const struct sim_mem *mem, uint64_t phys)
{
	return mem->linear + (phys - mem->base);
}

int sim_mem_linear_map(struct sim_mem *mem, uint64_t phys, uint64_t len)
{
	int err = sim_mem_place(mem, sim_mem_linear(mem, phys), phys, len, DMA_MEM_WB, SIM_PROT_RW);

	if (err != 0)
		return err;
	sim_ram_lock(mem->cfg.ram);
	for (uint64_t off = 0; off < len; off += mem->page)
		sim_ram_page(mem->cfg.ram, phys + off)->linear = true;
	sim_ram_unlock(mem->cfg.ram);
	return 0;
}

void sim_mem_linear_unmap(struct sim_mem *mem, uint64_t phys, uint64_t len)
{
	sim_ram_lock(mem->cfg.ram);
	for (uint64_t off = 0; off < len; off += mem->page)
		sim_ram_page(mem->cfg.ram, phys + off)->linear = false;
	sim_ram_unlock(mem->cfg.ram);
	sim_mem_remove(mem, sim_mem_linear(mem, phys), phys, len, DMA_MEM_WB);
}

int sim_mem_linear_phys(struct sim_mem *mem, const void *virt, uint64_t *phys)
{
	uintptr_t off = (uintptr_t)virt - (uintptr_t)mem->linear;
	bool linear;

	if (off >= mem->bytes)
		return -EFAULT;
	sim_ram_lock(mem->cfg.ram);
	linear = sim_ram_page(mem->cfg.ram, mem->base + off)->linear;
	sim_ram_unlock(mem->cfg.ram);
	if (!linear)
		return -EFAULT;
	*phys = mem->base + off;
	return 0;
}

/* First page of @nr + 1 unused ones (the last is the guard); vmap_pages if there are none. */
static uint64_t vmap_find(const struct sim_mem *mem, uint64_t from, uint64_t nr)
{
	uint64_t n = 0;

	for (uint64_t idx = from; idx < mem->vmap_pages; idx++) {
		n = mem->vmap_used[idx] ? 0 : n + 1;
		if (n == nr + 1)
			return idx - nr;
	}
	return mem->vmap_pages;
}

static int vmap_take(struct sim_mem *mem, uint64_t nr, struct vmap_area *area, uint64_t *first)
{
	uint64_t idx;

	sim_ram_lock(mem->cfg.ram);
	idx = vmap_find(mem, mem->vmap_next, nr);
	if (idx == mem->vmap_pages)
		idx = vmap_find(mem, 0, nr);
	if (idx != mem->vmap_pages) {
		memset(&mem->vmap_used[idx], true, nr + 1);
		mem->areas[idx] = area;
		mem->vmap_next = idx + nr + 1;
		mem->stats.cpu_maps++;
	}
	sim_ram_unlock(mem->cfg.ram);
	*first = idx;
	return idx == mem->vmap_pages ? -ENOMEM : 0;
}

static void vmap_give(struct sim_mem *mem, uint64_t first, uint64_t nr)
{
	sim_ram_lock(mem->cfg.ram);
	memset(&mem->vmap_used[first], false, nr + 1);
	mem->areas[first] = NULL;
	mem->stats.cpu_maps--;
	sim_ram_unlock(mem->cfg.ram);
}

static void vmap_remove_runs(struct sim_mem *mem, uint8_t *host, const struct vmap_area *area,
			     uint32_t nr_runs)
{
	for (uint32_t i = 0; i < nr_runs; i++) {
		sim_mem_remove(mem, host, area->runs[i].phys, area->runs[i].len, area->memtype);
		host += area->runs[i].len;
	}
}

void *sim_mem_vmap(struct sim_mem *mem, const struct dma_phys_run *runs, uint32_t nr_runs,
		   enum dma_memtype memtype)
{
	struct vmap_area *area;
	uint64_t len, first, off = 0;

	if (!sim_mem_runs_are_ram(mem, runs, nr_runs, &len))
		return NULL;
	area = malloc(sizeof(*area) + nr_runs * sizeof(*runs));
	if (area == NULL)
		return NULL;
	area->memtype = memtype;
	area->nr_runs = nr_runs;
	area->len = len;
	memcpy(area->runs, runs, nr_runs * sizeof(*runs));
	if (vmap_take(mem, len >> mem->page_lg2, area, &first) != 0) {
		free(area);
		return NULL;
	}
	for (uint32_t i = 0; i < nr_runs; i++) {
		uint8_t *host = mem->vmap + (first << mem->page_lg2);

		if (sim_mem_place(mem, host + off, runs[i].phys, runs[i].len, memtype,
				  SIM_PROT_RW) != 0) {
			vmap_remove_runs(mem, host, area, i);
			vmap_give(mem, first, len >> mem->page_lg2);
			free(area);
			return NULL;
		}
		off += runs[i].len;
	}
	return mem->vmap + (first << mem->page_lg2);
}

int sim_mem_vunmap(struct sim_mem *mem, void *virt, uint64_t len)
{
	uint64_t off = (uint64_t)((uintptr_t)virt - (uintptr_t)mem->vmap);
	uint64_t first = off >> mem->page_lg2;
	struct vmap_area *area = NULL;

	sim_ram_lock(mem->cfg.ram);
	if (first < mem->vmap_pages && (off & (mem->page - 1)) == 0)
		area = mem->areas[first];
	if (area != NULL && area->len != len)
		area = NULL;
	if (area == NULL)
		mem->stats.bad_unmaps++;
	sim_ram_unlock(mem->cfg.ram);
	if (area == NULL)
		return -EINVAL;
	vmap_remove_runs(mem, virt, area, area->nr_runs);
	vmap_give(mem, first, len >> mem->page_lg2);
	free(area);
	return 0;
}

void sim_mem_forget_touches(struct sim_mem *mem)
{
	madvise(mem->linear, mem->bytes, MADV_DONTNEED);
	madvise(mem->vmap, mem->vmap_pages << mem->page_lg2, MADV_DONTNEED);
}
