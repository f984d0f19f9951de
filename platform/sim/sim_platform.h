/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine as a platform: struct dma_platform over the models of sim/. One process
 * may open several. Devices are models added to sim_machine_bus(); this header knows none.
 *
 * Lock: sim_machine_* functions may be called from any thread; open and close from one.
 */
#ifndef PLATFORM_SIM_SIM_PLATFORM_H
#define PLATFORM_SIM_SIM_PLATFORM_H

#include <dmamap/platform.h>

#include "sim/as.h"
#include "sim/bus.h"
#include "sim/engine.h"

struct sim_machine;
struct sim_smmuv3;
struct sim_smmuv3_cfg;

/* Physical address map. RAM is above 4 GiB by default: a 32-bit device needs the IOMMU. */
#define SIM_SMMU_BASE 0x09050000ull
#define SIM_SMMU_LEN 0x20000ull
#define SIM_DEV_BASE 0x0a000000ull /* register window of device n: base + n * stride */
#define SIM_DEV_STRIDE 0x10000ull
#define SIM_RAM_BASE 0x100000000ull
#define SIM_RAM_BYTES (1ull << 30)
#define SIM_SMMU_IRQ 0u /* lines 0 to 3: enum sim_smmuv3_irq; devices take others */

enum sim_frag {
	SIM_FRAG_NONE,	  /* lowest free address first */
	SIM_FRAG_SCATTER, /* every block at a place drawn from the seed */
};

/**
 * struct sim_machine_cfg - a machine; all zero is a coherent one with 1 GiB and no IOMMU
 * @ram_base: physical address of RAM; 0: SIM_RAM_BASE
 * @ram_bytes: bytes of RAM, carve-out included; 0: SIM_RAM_BYTES
 * @carveout_bytes: the last bytes of RAM belong to nobody (DMA_PHYS_UNOWNED)
 * @carveout_no_token: nothing can keep the carve-out alive: pinning it gives -EOPNOTSUPP
 * @page_lg2: CPU page, 12, 14 or 16; 0: 12
 * @seed: of everything that is random
 * @frag: where page allocations land
 * @max_block_bytes: larger contiguous allocations fail; 0: no limit
 * @noncoherent: CPU caches that no device snoops, else memory is coherent
 * @cache_line: bytes, a power of two 16 .. 256; 0: 64
 * @evict_pages: non-coherent: cached pages whose lines may move, per platform call; 0: 4
 * @no_evict: lines move by maintenance only
 * @threaded: devices run in threads (for the thread sanitizer), else told mode
 * @smmu: NULL: no IOMMU. Otherwise an SMMUv3 at SIM_SMMU_BASE with these features; its walks and
 *	queues snoop the CPU caches if its @coherent is set
 * @as_bytes: user addresses of an address space; 0: ram_bytes
 * @locked_limit: bytes an address space may pin; 0: no limit
 * @log: one line; NULL: standard error
 * @log_ctx: first argument of @log
 * @log_max: messages of a level above are dropped; DMA_LOG_ERR .. DMA_LOG_DEBUG
 */
struct sim_machine_cfg {
	uint64_t ram_base;
	uint64_t ram_bytes;
	uint64_t carveout_bytes;
	bool carveout_no_token;
	uint32_t page_lg2;
	uint64_t seed;
	enum sim_frag frag;
	uint64_t max_block_bytes;
	bool noncoherent;
	uint32_t cache_line;
	uint32_t evict_pages;
	bool no_evict;
	bool threaded;
	const struct sim_smmuv3_cfg *smmu;
	uint64_t as_bytes;
	uint64_t locked_limit;
	void (*log)(void *ctx, enum dma_log_level level, const char *line);
	void *log_ctx;
	enum dma_log_level log_max;
};

/**
 * struct sim_machine_leaks - what was not given back
 * @pages: CPU pages of pages_alloc and sim_machine_kmalloc
 * @pinned_pages: CPU pages still pinned, of every address space
 * @tokens: pins of the carve-out, by CPU page
 * @cpu_maps: calls of cpu_map without cpu_unmap
 * @as_maps: CPU pages mapped by as_map without as_unmap (an exited program counts as unmapped)
 * @address_spaces: not exited, or exited with pins
 * @meta_bytes: bytes of metadata
 * @meta_allocs: pieces of metadata
 */
struct sim_machine_leaks {
	uint64_t pages;
	uint64_t pinned_pages;
	uint64_t tokens;
	uint64_t cpu_maps;
	uint64_t as_maps;
	uint64_t address_spaces;
	uint64_t meta_bytes;
	uint64_t meta_allocs;
};

/**
 * struct sim_machine_stats - counters of the models
 * @alias_violations: a page was mapped cacheable and not cacheable at the same time
 * @lines_cleaned: dirty lines written to memory by maintenance
 * @lines_dropped: dirty lines thrown away by an invalidation
 * @edge_lines_dropped: of those, lines that the range covered only in part: somebody's data
 * @lines_evicted: dirty lines written to memory by the cache itself
 * @lines_prefetched: clean lines refilled from memory with other contents
 * @pages_in_use: CPU pages allocated now
 * @pages_peak: at most at one time
 * @bad_frees: pages_free of what was not allocated like that
 * @bad_unmaps: unmap or unpin of what was not mapped or pinned like that
 * @freed_mapped: pages_free of a CPU page that is still mapped somewhere
 * @bad_mmio: MMIO accesses to nothing
 */
struct sim_machine_stats {
	uint64_t alias_violations;
	uint64_t lines_cleaned;
	uint64_t lines_dropped;
	uint64_t edge_lines_dropped;
	uint64_t lines_evicted;
	uint64_t lines_prefetched;
	uint64_t pages_in_use;
	uint64_t pages_peak;
	uint64_t bad_frees;
	uint64_t bad_unmaps;
	uint64_t freed_mapped;
	uint64_t bad_mmio;
};

/**
 * struct sim_machine_view - facts about CPU mappings of given memory, from /proc/self
 * @kernel_mapped_bytes: bytes that some mapping of the driver's side can touch
 * @user_mapped_bytes: bytes that some user program can touch
 * @kernel_touched_pages: host pages (4 KiB) present in a mapping of the driver's side
 * @user_touched_pages: the same for user programs
 * @kernel_written_pages: host pages the driver's side wrote since sim_machine_watch_writes()
 * @user_written_pages: the same for user programs
 * @exact_writes: the kernel tells written pages; if not, written is the same as touched
 *
 * A host may make neighbours present at a read, so touched is an upper bound; mapped and (if
 * @exact_writes) written are exact. The device view does not count.
 */
struct sim_machine_view {
	uint64_t kernel_mapped_bytes;
	uint64_t user_mapped_bytes;
	uint64_t kernel_touched_pages;
	uint64_t user_touched_pages;
	uint64_t kernel_written_pages;
	uint64_t user_written_pages;
	bool exact_writes;
};

/**
 * sim_machine_open() - bring up a simulated machine
 * @cfg: what it is; not kept
 * @machine: the machine
 *
 * Return: 0; -EINVAL with a line in the log that says which member and why; -ENOMEM.
 */
DMA_MUST_CHECK int sim_machine_open(const struct sim_machine_cfg *cfg,
				    struct sim_machine **machine);

/**
 * sim_machine_close() - end it, whatever is left on it
 * @machine: the machine; all engines were freed
 * @leaks: what was left; may be NULL
 *
 * Return: true when nothing was left.
 */
bool sim_machine_close(struct sim_machine *machine, struct sim_machine_leaks *leaks);

struct dma_platform *sim_machine_platform(struct sim_machine *machine);
struct sim_bus *sim_machine_bus(struct sim_machine *machine);
struct sim_engines *sim_machine_engines(struct sim_machine *machine);
/* NULL without an IOMMU. Call its functions with sim_bus_lock() held. */
struct sim_smmuv3 *sim_machine_smmu(struct sim_machine *machine);
/* What is in use now; the same as close would report. */
void sim_machine_leaks(struct sim_machine *machine, struct sim_machine_leaks *leaks);
void sim_machine_stats(struct sim_machine *machine, struct sim_machine_stats *stats);
/* A number that depends on everything that happened in told mode, and on no host address. */
uint64_t sim_machine_trace_hash(struct sim_machine *machine);

/* Told mode: let the machine work, up to @steps engine steps and as many of the IOMMU. */
uint32_t sim_machine_run(struct sim_machine *machine, uint32_t steps);

/* A user program; ends with sim_as_exit(). */
DMA_MUST_CHECK int sim_as_new(struct sim_machine *machine, struct dma_as **as);

/* Ordinary memory of the driver's side, physically contiguous, zeroed, cacheable; NULL if none. */
void *sim_machine_kmalloc(struct sim_machine *machine, uint64_t len, uint64_t align);
void sim_machine_kfree(struct sim_machine *machine, void *mem);

/* The carve-out: first byte and bytes. */
void sim_machine_carveout(struct sim_machine *machine, phys_addr_t *phys, uint64_t *len);

/*
 * What memory really holds, past caches and mappings: for oracles in tests only.
 * 0, or -EFAULT when it is not all RAM.
 */
int sim_machine_peek(struct sim_machine *machine, phys_addr_t phys, void *buf, size_t len);
int sim_machine_poke(struct sim_machine *machine, phys_addr_t phys, const void *buf, size_t len);

/* Failure injection. Sites are a mask of 1u << enum dma_inject_site. */
#define SIM_INJECT_ALL 0x1fu
/* Fail the @nth request from now (1: the next) at @sites, once; 0: none. */
void sim_machine_fail_nth_at(struct sim_machine *machine, uint32_t sites, uint64_t nth);
void sim_machine_fail_nth(struct sim_machine *machine, uint64_t nth);
/* Fail every request at @sites with probability @num / 2^32, drawn from @seed; 0: off. */
void sim_machine_fail_randomly(struct sim_machine *machine, uint32_t sites, uint32_t num,
			       uint64_t seed);
/* Requests asked and failed at one site since open. */
void sim_machine_inject_counts(struct sim_machine *machine, enum dma_inject_site site,
			       uint64_t *asked, uint64_t *failed);

/* From now on count written pages (clears the host kernel's marks of this process). */
void sim_machine_watch_writes(struct sim_machine *machine);
/* 0; -EINVAL when a run is not RAM or carve-out; -EIO when /proc cannot be read. */
DMA_MUST_CHECK int sim_machine_view(struct sim_machine *machine, const struct dma_phys_run *runs,
				    uint32_t nr_runs, struct sim_machine_view *view);
/* Bytes of @runs that the driver's side can touch; UINT64_MAX when it cannot be told. */
uint64_t sim_machine_cpu_mapped_bytes(struct sim_machine *machine, const struct dma_phys_run *runs,
				      uint32_t nr_runs);
/* Host pages of @runs that the driver's side or a user program wrote; UINT64_MAX if unknown. */
uint64_t sim_machine_cpu_touched_pages(struct sim_machine *machine, const struct dma_phys_run *runs,
				       uint32_t nr_runs);

#endif
