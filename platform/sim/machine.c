/* SPDX-License-Identifier: BSD-2-Clause */
/* Bring-up and end of the simulated machine, and what it counts. Lock: none of its own. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "platform/sim/machine.h"

#define RNG_STREAM 5u

void sim_machine_log(const struct sim_machine_cfg *cfg, enum dma_log_level level, const char *fmt,
		     ...)
{
	char line[256];
	va_list args;

	if (level > cfg->log_max)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (cfg->log != NULL)
		cfg->log(cfg->log_ctx, level, line);
	else
		fprintf(stderr, "sim: %s\n", line);
}

static void fill_defaults(struct sim_machine_cfg *cfg)
{
	if (cfg->ram_base == 0)
		cfg->ram_base = SIM_RAM_BASE;
	if (cfg->ram_bytes == 0)
		cfg->ram_bytes = SIM_RAM_BYTES;
	if (cfg->page_lg2 == 0)
		cfg->page_lg2 = 12;
	if (cfg->cache_line == 0)
		cfg->cache_line = 64;
	if (cfg->evict_pages == 0)
		cfg->evict_pages = 4;
	/* Lines that another thread writes now must not move. */
	if (cfg->no_evict || cfg->threaded)
		cfg->evict_pages = 0;
	if (cfg->as_bytes == 0)
		cfg->as_bytes = cfg->ram_bytes;
}

/* NULL when the configuration can be built. */
static const char *cfg_complaint(const struct sim_machine_cfg *cfg)
{
	uint64_t page = 1ull << (cfg->page_lg2 & 63);

	if (cfg->page_lg2 != 12 && cfg->page_lg2 != 14 && cfg->page_lg2 != 16)
		return "page_lg2 must be 12, 14 or 16";
	if (cfg->ram_base % 0x10000 != 0 || cfg->ram_bytes % 0x10000 != 0)
		return "ram_base and ram_bytes must be multiples of 64 KiB";
	if (cfg->ram_bytes > 1ull << 40 || cfg->ram_base + (cfg->ram_bytes - 1) < cfg->ram_base ||
	    cfg->ram_base >= 1ull << 52)
		return "RAM must end below 2^52 and have at most 1 TiB";
	if (cfg->carveout_bytes % page != 0 || cfg->carveout_bytes >= cfg->ram_bytes)
		return "carveout_bytes must be a multiple of the page and less than ram_bytes";
	if (cfg->cache_line < 16 || cfg->cache_line > 256 ||
	    (cfg->cache_line & (cfg->cache_line - 1)) != 0)
		return "cache_line must be a power of two from 16 to 256";
	if (cfg->as_bytes % page != 0)
		return "as_bytes must be a multiple of the page";
	return NULL;
}

static int open_memory(struct sim_machine *m)
{
	const struct sim_machine_cfg *cfg = &m->cfg;
	const struct sim_ram_cfg ram_cfg = {
		.base = cfg->ram_base,
		.bytes = cfg->ram_bytes,
		.carveout_bytes = cfg->carveout_bytes,
		.page_lg2 = cfg->page_lg2,
		.scatter = cfg->frag == SIM_FRAG_SCATTER,
		.max_block_bytes = cfg->max_block_bytes,
		.seed = cfg->seed,
	};
	const struct sim_cache_cfg cache_cfg = {
		.line = cfg->cache_line,
		.evict_windows = cfg->evict_pages,
		.seed = cfg->seed,
	};
	int err = sim_ram_new(&ram_cfg, &m->trace, &m->ram);

	if (err == 0 && cfg->noncoherent)
		err = sim_cache_new(m->ram, &cache_cfg, &m->trace, &m->cache);
	if (err == 0)
		err = sim_bus_new(m->ram, m->cache, &m->trace, cfg->threaded, &m->bus);
	return err;
}

static bool is_mmio(void *ctx, uint64_t phys, uint64_t *len)
{
	return sim_bus_is_mmio(ctx, phys, len);
}

static int open_rest(struct sim_machine *m, const struct sim_smmuv3_cfg *smmu)
{
	const struct sim_mem_cfg mem_cfg = {
		.ram = m->ram,
		.cache = m->cache,
		.trace = &m->trace,
		.as_bytes = m->cfg.as_bytes,
		.locked_limit = m->cfg.locked_limit,
		.carveout_no_token = m->cfg.carveout_no_token,
		.is_mmio = is_mmio,
		.is_mmio_ctx = m->bus,
	};
	int err = sim_mem_new(&mem_cfg, &m->mem);

	if (err == 0)
		err = sim_engines_new(m->cfg.seed, m->cfg.threaded, &m->trace, &m->engines);
	if (err != 0)
		return err;
	sim_bus_set_engines(m->bus, m->engines);
	if (smmu != NULL) {
		err = sim_machine_smmu_init(m, smmu);
		if (err == -EINVAL)
			sim_machine_log(&m->cfg, DMA_LOG_ERR, "smmu: sizes outside their ranges");
		if (err == -EEXIST)
			sim_machine_log(&m->cfg, DMA_LOG_ERR,
					"ram_base: RAM lies over the SMMU at 0x%llx",
					SIM_SMMU_BASE);
	}
	return err == -EEXIST ? -EINVAL : err;
}

static void free_all(struct sim_machine *m)
{
	sim_machine_smmu_fini(m);
	sim_engines_free(m->engines);
	sim_mem_free(m->mem);
	sim_bus_free(m->bus);
	sim_cache_free(m->cache);
	sim_ram_free(m->ram);
	sim_inject_fini(&m->inject);
	free(m);
}

int sim_machine_open(const struct sim_machine_cfg *cfg, struct sim_machine **out)
{
	struct sim_machine *m = calloc(1, sizeof(*m));
	const char *complaint;
	int err;

	if (m == NULL)
		return -ENOMEM;
	m->cfg = *cfg;
	m->cfg.smmu = NULL;
	fill_defaults(&m->cfg);
	complaint = cfg_complaint(&m->cfg);
	if (complaint != NULL) {
		sim_machine_log(cfg, DMA_LOG_ERR, "%s", complaint);
		free(m);
		return -EINVAL;
	}
	if (sim_inject_init(&m->inject) != 0) {
		free(m);
		return -ENOMEM;
	}
	m->rng = sim_rng_make(cfg->seed, RNG_STREAM);
	err = open_memory(m);
	if (err == 0)
		err = open_rest(m, cfg->smmu);
	if (err != 0) {
		if (err == -ENOMEM)
			sim_machine_log(cfg, DMA_LOG_ERR,
					"not enough memory for a machine with %" PRIu64
					" bytes of RAM",
					m->cfg.ram_bytes);
		free_all(m);
		return err;
	}
	sim_platform_fill(m);
	*out = m;
	return 0;
}

void sim_machine_leaks(struct sim_machine *m, struct sim_machine_leaks *leaks)
{
	struct sim_mem_stats mem;
	struct sim_ram_stats ram;

	sim_mem_stats(m->mem, &mem);
	sim_ram_stats(m->ram, &ram);
	*leaks = (struct sim_machine_leaks){
		.pages = atomic_load_explicit(&m->owned_pages, memory_order_relaxed),
		.pinned_pages = ram.pinned_pages,
		.tokens = mem.tokens,
		.cpu_maps = mem.cpu_maps,
		.as_maps = mem.as_map_pages,
		.address_spaces = mem.address_spaces,
		.meta_bytes = atomic_load_explicit(&m->meta_bytes, memory_order_relaxed),
		.meta_allocs = atomic_load_explicit(&m->meta_allocs, memory_order_relaxed),
	};
}

bool sim_machine_close(struct sim_machine *m, struct sim_machine_leaks *out)
{
	struct sim_machine_leaks leaks;
	bool clean;

	if (m == NULL)
		return true;
	sim_machine_leaks(m, &leaks);
	clean = leaks.pages == 0 && leaks.pinned_pages == 0 && leaks.tokens == 0 &&
		leaks.cpu_maps == 0 && leaks.as_maps == 0 && leaks.address_spaces == 0 &&
		leaks.meta_bytes == 0 && leaks.meta_allocs == 0;
	if (out != NULL)
		*out = leaks;
	free_all(m);
	return clean;
}

struct dma_platform *sim_machine_platform(struct sim_machine *m)
{
	return &m->platform;
}

struct sim_bus *sim_machine_bus(struct sim_machine *m)
{
	return m->bus;
}

struct sim_engines *sim_machine_engines(struct sim_machine *m)
{
	return m->engines;
}

struct sim_smmuv3 *sim_machine_smmu(struct sim_machine *m)
{
	return m->smmu;
}

void sim_machine_stats(struct sim_machine *m, struct sim_machine_stats *stats)
{
	struct sim_cache_stats cache = { .cleaned = 0 };
	struct sim_mem_stats mem;
	struct sim_ram_stats ram;

	sim_mem_stats(m->mem, &mem);
	sim_ram_stats(m->ram, &ram);
	if (m->cache != NULL)
		sim_cache_stats(m->cache, &cache);
	*stats = (struct sim_machine_stats){
		.alias_violations = mem.alias_violations,
		.lines_cleaned = cache.cleaned,
		.lines_dropped = cache.dropped,
		.edge_lines_dropped = cache.edge_dropped,
		.lines_evicted = cache.evicted,
		.lines_prefetched = cache.prefetched,
		.pages_in_use = ram.pages_in_use,
		.pages_peak = ram.pages_peak,
		.bad_frees = ram.bad_frees,
		.bad_unmaps = mem.bad_unmaps,
		.freed_mapped = atomic_load_explicit(&m->freed_mapped, memory_order_relaxed),
		.bad_mmio = sim_bus_bad_mmio(m->bus),
	};
}

uint64_t sim_machine_trace_hash(struct sim_machine *m)
{
	return atomic_load_explicit(&m->trace.hash, memory_order_relaxed);
}

int sim_as_new(struct sim_machine *m, struct dma_as **as)
{
	return sim_as_open(m->mem, m->cfg.as_bytes, as);
}

void sim_machine_carveout(struct sim_machine *m, phys_addr_t *phys, uint64_t *len)
{
	*phys = m->cfg.ram_base + m->cfg.ram_bytes - m->cfg.carveout_bytes;
	*len = m->cfg.carveout_bytes;
}

int sim_machine_peek(struct sim_machine *m, phys_addr_t phys, void *buf, size_t len)
{
	return sim_ram_read(m->ram, phys, buf, len);
}

int sim_machine_poke(struct sim_machine *m, phys_addr_t phys, const void *buf, size_t len)
{
	return sim_ram_write(m->ram, phys, buf, len);
}
