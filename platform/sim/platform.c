/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct dma_platform over the models. In told mode the machine works at these calls and nowhere
 * else: registers and relax() run engines, they and cache maintenance let cache lines move.
 * Lock: none of its own.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "platform/process/process.h"
#include "platform/sim/machine.h"
#include "sim/as_internal.h"

#define MMIO_NS 100u
#define RELAX_NS 500u
#define MMIO_STEPS 3u  /* fewer than that many engine steps at a register access */
#define RELAX_STEPS 8u /* at most that many at a relax() */

static uint32_t draw(struct sim_machine *m, uint32_t limit)
{
	uint32_t n;

	sim_ram_lock(m->ram);
	n = (uint32_t)sim_rng_below(&m->rng, limit);
	sim_ram_unlock(m->ram);
	return n;
}

static void caches_move(struct sim_machine *m)
{
	if (m->cache != NULL)
		sim_cache_step(m->cache);
}

static void *meta_alloc(struct dma_platform *p, size_t bytes, size_t align)
{
	struct sim_machine *m = sim_machine_of(p);
	void *mem;

	if (sim_inject_ask(&m->inject, DMA_INJECT_META) || bytes == 0 || align > 4096)
		return NULL;
	if (align < sizeof(void *))
		align = sizeof(void *);
	mem = bytes > SIZE_MAX - align ? NULL
				       : aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
	if (mem == NULL)
		return NULL;
	memset(mem, 0, bytes);
	atomic_fetch_add_explicit(&m->meta_bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->meta_allocs, 1, memory_order_relaxed);
	return mem;
}

static void meta_free(struct dma_platform *p, void *mem, size_t bytes)
{
	struct sim_machine *m = sim_machine_of(p);

	if (mem == NULL)
		return;
	atomic_fetch_sub_explicit(&m->meta_bytes, bytes, memory_order_relaxed);
	atomic_fetch_sub_explicit(&m->meta_allocs, 1, memory_order_relaxed);
	free(mem);
}

static void zero_pages(struct sim_machine *m, uint64_t phys, uint64_t len)
{
	sim_ram_fill(m->ram, phys, len, 0);
	if (m->cache != NULL)
		sim_cache_forget(m->cache, phys, len);
}

static int pages_take(struct sim_machine *m, const struct dma_pages_req *req, phys_addr_t *phys)
{
	int err = sim_ram_alloc(m->ram, req->len, req->align, req->last, phys);

	if (err != 0)
		return err;
	if ((req->flags & DMA_PAGES_ZERO) != 0)
		zero_pages(m, *phys, req->len);
	if ((req->flags & DMA_PAGES_LINEAR) != 0) {
		err = sim_mem_linear_map(m->mem, *phys, req->len);
		if (err != 0) {
			(void)sim_ram_release(m->ram, *phys, req->len);
			return err;
		}
	}
	atomic_fetch_add_explicit(&m->owned_pages, req->len >> m->cfg.page_lg2,
				  memory_order_relaxed);
	return 0;
}

static int pages_alloc(struct dma_platform *p, const struct dma_pages_req *req, phys_addr_t *phys)
{
	struct sim_machine *m = sim_machine_of(p);

	if (sim_inject_ask(&m->inject, DMA_INJECT_PAGES))
		return -ENOMEM;
	return pages_take(m, req, phys);
}

/* With the RAM lock held: is it a whole block? Its linear mapping goes. */
static void pages_unlink(struct sim_machine *m, phys_addr_t phys, uint64_t len)
{
	struct sim_page *page;

	if (!sim_ram_has(m->ram, phys, len))
		return;
	page = sim_ram_page(m->ram, phys);
	if (!page->allocated || page->block_pages != len >> m->cfg.page_lg2)
		return;
	if (page->linear)
		sim_mem_linear_unmap(m->mem, phys, len);
	for (uint64_t i = 0; i < len >> m->cfg.page_lg2; i++) {
		if (page[i].wb_maps != 0 || page[i].nc_maps != 0)
			atomic_fetch_add_explicit(&m->freed_mapped, 1, memory_order_relaxed);
	}
}

static void pages_free(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct sim_machine *m = sim_machine_of(p);
	int err;

	sim_ram_lock(m->ram);
	pages_unlink(m, phys, len);
	err = sim_ram_release(m->ram, phys, len);
	sim_ram_unlock(m->ram);
	if (err != 0)
		sim_machine_log(&m->cfg, DMA_LOG_ERR,
				"pages_free: 0x%llx + 0x%llx is no allocated block",
				(unsigned long long)phys, (unsigned long long)len);
	else
		atomic_fetch_sub_explicit(&m->owned_pages, len >> m->cfg.page_lg2,
					  memory_order_relaxed);
}

void *sim_machine_kmalloc(struct sim_machine *m, uint64_t len, uint64_t align)
{
	uint64_t page = sim_ram_page_bytes(m->ram);
	struct dma_pages_req req = {
		.len = (len + page - 1) & ~(page - 1),
		.align = align > page ? align : page,
		.last = UINT64_MAX,
		.node = -1,
		.flags = DMA_PAGES_LINEAR | DMA_PAGES_ZERO,
	};
	phys_addr_t phys;

	if (req.len < len || pages_take(m, &req, &phys) != 0)
		return NULL;
	sim_ram_lock(m->ram);
	sim_ram_page(m->ram, phys)->kmalloc = true;
	sim_ram_unlock(m->ram);
	return sim_mem_linear(m->mem, phys);
}

void sim_machine_kfree(struct sim_machine *m, void *mem)
{
	phys_addr_t phys;
	uint64_t len = 0;

	if (mem == NULL)
		return;
	if (sim_mem_linear_phys(m->mem, mem, &phys) == 0) {
		sim_ram_lock(m->ram);
		if (sim_ram_page(m->ram, phys)->kmalloc)
			len = (uint64_t)sim_ram_page(m->ram, phys)->block_pages << m->cfg.page_lg2;
		sim_ram_unlock(m->ram);
	}
	pages_free(&m->platform, len != 0 ? phys : 0, len);
}

static enum dma_phys_kind phys_kind(struct dma_platform *p, phys_addr_t phys, uint64_t *len)
{
	struct sim_machine *m = sim_machine_of(p);
	uint64_t owned_end = m->cfg.ram_base + m->cfg.ram_bytes - m->cfg.carveout_bytes;

	if (sim_ram_has(m->ram, phys, 1)) {
		bool owned = phys < owned_end;

		*len = (owned ? owned_end : m->cfg.ram_base + m->cfg.ram_bytes) - phys;
		return owned ? DMA_PHYS_RAM : DMA_PHYS_UNOWNED;
	}
	if (sim_bus_is_mmio(m->bus, phys, len))
		return DMA_PHYS_MMIO;
	if (phys < m->cfg.ram_base && m->cfg.ram_base - phys < *len)
		*len = m->cfg.ram_base - phys;
	return DMA_PHYS_NONE;
}

static phys_addr_t ram_last(struct dma_platform *p)
{
	struct sim_machine *m = sim_machine_of(p);

	return m->cfg.ram_base + (m->cfg.ram_bytes - 1);
}

static void *phys_to_virt(struct dma_platform *p, phys_addr_t phys)
{
	struct sim_machine *m = sim_machine_of(p);
	bool linear;

	if (!sim_ram_has(m->ram, phys, 1))
		return NULL;
	sim_ram_lock(m->ram);
	linear = sim_ram_page(m->ram, phys)->linear;
	sim_ram_unlock(m->ram);
	return linear ? sim_mem_linear(m->mem, phys) : NULL;
}

static int virt_to_phys(struct dma_platform *p, const void *virt, phys_addr_t *phys)
{
	return sim_mem_linear_phys(sim_machine_of(p)->mem, virt, phys);
}

static void *cpu_map(struct dma_platform *p, const struct dma_phys_run *runs, uint32_t nr_runs,
		     enum dma_memtype memtype)
{
	struct sim_machine *m = sim_machine_of(p);

	if (sim_inject_ask(&m->inject, DMA_INJECT_CPUMAP))
		return NULL;
	return sim_mem_vmap(m->mem, runs, nr_runs, memtype);
}

static void cpu_unmap(struct dma_platform *p, void *virt, uint64_t len)
{
	struct sim_machine *m = sim_machine_of(p);

	if (sim_mem_vunmap(m->mem, virt, len) != 0)
		sim_machine_log(&m->cfg, DMA_LOG_ERR, "cpu_unmap: no mapping of 0x%llx bytes there",
				(unsigned long long)len);
}

static int as_map(struct dma_platform *p, struct dma_as *as, uint64_t uaddr,
		  const struct dma_phys_run *runs, uint32_t nr_runs, enum dma_memtype memtype)
{
	if (sim_inject_ask(&sim_machine_of(p)->inject, DMA_INJECT_CPUMAP))
		return -ENOMEM;
	return sim_as_map_runs(as, uaddr, runs, nr_runs, memtype);
}

static void as_unmap(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len)
{
	(void)p;
	sim_as_unmap_runs(as, uaddr, len);
}

static int pin(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
	       struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs, uint64_t *covered)
{
	struct sim_machine *m = sim_machine_of(p);
	struct sim_as_stats stats;
	uint64_t hits;
	int err;

	if (sim_inject_ask(&m->inject, DMA_INJECT_PIN))
		return -ENOMEM;
	sim_as_stats(as, &stats);
	hits = stats.limit_hits;
	err = sim_as_pin(as, uaddr, len, write, runs, max_runs, nr_runs, covered);
	if (err == -ENOMEM) {
		sim_as_stats(as, &stats);
		if (stats.limit_hits != hits)
			sim_machine_log(&m->cfg, DMA_LOG_INFO,
					"pin: %llu bytes locked would exceed the limit of %llu",
					(unsigned long long)stats.limit_wanted,
					(unsigned long long)stats.locked_limit);
	}
	return err;
}

static void unpin(struct dma_platform *p, struct dma_as *as, const struct dma_pin_run *runs,
		  uint32_t nr_runs, bool dirty)
{
	(void)p;
	sim_as_unpin(as, runs, nr_runs, dirty);
}

/* A call per page of a big buffer would move too much: lines move at one call in four. */
static void maintain(struct dma_platform *p, phys_addr_t phys, uint64_t len,
		     void (*op)(struct sim_cache *cache, uint64_t phys, uint64_t len))
{
	struct sim_machine *m = sim_machine_of(p);

	if (m->cache == NULL)
		return;
	if (draw(m, 4) == 0)
		caches_move(m);
	op(m->cache, phys, len);
}

static void cache_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	maintain(p, phys, len, sim_cache_clean);
}

static void cache_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	maintain(p, phys, len, sim_cache_inv);
}

static void cache_clean_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	maintain(p, phys, len, sim_cache_clean_inv);
}

/* Told mode: the machine works a little around a register access. */
static void work_a_little(struct sim_machine *m)
{
	if (m->cfg.threaded)
		return;
	sim_engines_advance(m->engines, MMIO_NS);
	(void)sim_engines_run(m->engines, draw(m, MMIO_STEPS));
	caches_move(m);
}

static uint64_t mmio_read(struct dma_platform *p, uint64_t addr, uint32_t width)
{
	struct sim_machine *m = sim_machine_of(p);

	work_a_little(m);
	return sim_bus_mmio_read(m->bus, addr, width);
}

static void mmio_write(struct dma_platform *p, uint64_t addr, uint32_t width, uint64_t value)
{
	struct sim_machine *m = sim_machine_of(p);

	work_a_little(m);
	sim_bus_mmio_write(m->bus, addr, width, value);
}

static uint64_t now_ns(struct dma_platform *p)
{
	return sim_engines_now_ns(sim_machine_of(p)->engines);
}

/* An IOMMU that is stuck for some steps counts as idle: it is kicked, so that the steps pass. */
uint32_t sim_machine_run(struct sim_machine *m, uint32_t steps)
{
	uint32_t done;

	/* First, so that time can jump when there is nothing to do but this. */
	sim_engines_advance(m->engines, RELAX_NS);
	if (m->smmu_engine != NULL)
		sim_engine_kick(m->smmu_engine);
	done = sim_engines_run(m->engines, steps);
	caches_move(m);
	return done;
}

static void relax(struct dma_platform *p)
{
	struct sim_machine *m = sim_machine_of(p);

	(void)sim_machine_run(m, m->cfg.threaded ? 0 : 1 + draw(m, RELAX_STEPS));
}

static void log_line(struct dma_platform *p, enum dma_log_level level, const char *line)
{
	sim_machine_log(&sim_machine_of(p)->cfg, level, "%s", line);
}

static bool inject(struct dma_platform *p, enum dma_inject_site site)
{
	return sim_inject_ask(&sim_machine_of(p)->inject, site);
}

void sim_platform_fill(struct sim_machine *m)
{
	m->platform = (struct dma_platform){
		.size = sizeof(struct dma_platform),
		.name = "sim",
		.page_lg2 = m->cfg.page_lg2,
		.cache_line = m->cache != NULL ? sim_cache_line(m->cache) : 1,
		.linear_offset = (uint64_t)(uintptr_t)sim_mem_linear(m->mem, m->cfg.ram_base) -
				 m->cfg.ram_base,
		.meta_alloc = meta_alloc,
		.meta_free = meta_free,
		.pages_alloc = pages_alloc,
		.pages_free = pages_free,
		.phys_kind = phys_kind,
		.ram_last = ram_last,
		.phys_to_virt = phys_to_virt,
		.virt_to_phys = virt_to_phys,
		.cpu_map = cpu_map,
		.cpu_unmap = cpu_unmap,
		.as_map = as_map,
		.as_unmap = as_unmap,
		.pin = pin,
		.unpin = unpin,
		.cache_clean = cache_clean,
		.cache_inv = cache_inv,
		.cache_clean_inv = cache_clean_inv,
		.mmio_read = mmio_read,
		.mmio_write = mmio_write,
		.spin_lock = dma_process_spin_lock,
		.spin_unlock = dma_process_spin_unlock,
		.mutex_lock = dma_process_mutex_lock,
		.mutex_unlock = dma_process_mutex_unlock,
		.sync_slots = dma_process_sync_slots,
		.now_ns = now_ns,
		.relax = relax,
		.log = log_line,
		.inject = inject,
	};
}
