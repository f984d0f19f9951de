/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU mappings of the simulated machine: the linear view (phys + linear offset, where it is
 * mapped at all), mapped areas (cpu_map), and the mappings user address spaces are made of. A
 * cacheable mapping shows the cache image on a non-coherent machine, everything else shows RAM.
 * What is not mapped is PROT_NONE.
 *
 * Lock: that of RAM, taken inside.
 */
#ifndef SIM_MEM_H
#define SIM_MEM_H

#include <dmamap/platform.h>

struct sim_cache;
struct sim_mem;
struct sim_ram;
struct sim_trace;

/**
 * struct sim_mem_cfg - what memory management needs to know
 * @ram: RAM
 * @cache: NULL: coherent
 * @trace: may be NULL
 * @as_bytes: user addresses of an address space, default of sim_as_new()
 * @locked_limit: bytes an address space may pin; 0: no limit
 * @carveout_no_token: nothing keeps the carve-out alive, it cannot be pinned
 * @is_mmio: is there a register window at phys, and how many bytes to its end; may be NULL
 * @is_mmio_ctx: its first argument
 */
struct sim_mem_cfg {
	struct sim_ram *ram;
	struct sim_cache *cache;
	struct sim_trace *trace;
	uint64_t as_bytes;
	uint64_t locked_limit;
	bool carveout_no_token;
	bool (*is_mmio)(void *ctx, uint64_t phys, uint64_t *len);
	void *is_mmio_ctx;
};

/**
 * struct sim_mem_stats - what is mapped and what went wrong
 * @cpu_maps: areas of sim_mem_vmap() now
 * @as_map_pages: CPU pages mapped by sim_as_map_runs() now
 * @address_spaces: address spaces that exist, exited ones with pins included
 * @tokens: pins of the carve-out, by CPU page
 * @alias_violations: a page became mapped cacheable and not cacheable at the same time
 * @bad_unmaps: unmap or unpin of what was not mapped or pinned like that
 */
struct sim_mem_stats {
	uint64_t cpu_maps;
	uint64_t as_map_pages;
	uint64_t address_spaces;
	uint64_t tokens;
	uint64_t alias_violations;
	uint64_t bad_unmaps;
};

DMA_MUST_CHECK int sim_mem_new(const struct sim_mem_cfg *cfg, struct sim_mem **mem);
/* Frees what is left of address spaces and areas, too. */
void sim_mem_free(struct sim_mem *mem);
const struct sim_mem_cfg *sim_mem_cfg(const struct sim_mem *mem);
void sim_mem_stats(struct sim_mem *mem, struct sim_mem_stats *stats);
/* For the rest of sim/: the counters, with the lock held. */
struct sim_mem_stats *sim_mem_counters(struct sim_mem *mem);

/* Where phys would be in the linear view, mapped or not; @phys is RAM. */
void *sim_mem_linear(const struct sim_mem *mem, uint64_t phys);
/* Map pages of RAM there, cacheable; -ENOMEM. */
DMA_MUST_CHECK int sim_mem_linear_map(struct sim_mem *mem, uint64_t phys, uint64_t len);
void sim_mem_linear_unmap(struct sim_mem *mem, uint64_t phys, uint64_t len);
/* The phys behind an address in a mapped part of the linear view; -EFAULT elsewhere. */
int sim_mem_linear_phys(struct sim_mem *mem, const void *virt, uint64_t *phys);

/* Map page-aligned runs of RAM at one contiguous address, a guard page behind; NULL. */
void *sim_mem_vmap(struct sim_mem *mem, const struct dma_phys_run *runs, uint32_t nr_runs,
		   enum dma_memtype memtype);
/* -EINVAL (counted) when it is not one whole area. */
int sim_mem_vunmap(struct sim_mem *mem, void *virt, uint64_t len);

/* Drop the host's page-table entries of linear view and areas; contents stay. */
void sim_mem_forget_touches(struct sim_mem *mem);

#define SIM_PROT_RO 1u
#define SIM_PROT_RW 3u

/* Map page-aligned RAM at a host address inside a reservation and count it; -ENOMEM. */
DMA_MUST_CHECK int sim_mem_place(struct sim_mem *mem, void *host, uint64_t phys, uint64_t len,
				 enum dma_memtype memtype, uint32_t prot);
/* PROT_NONE again. */
void sim_mem_remove(struct sim_mem *mem, void *host, uint64_t phys, uint64_t len,
		    enum dma_memtype memtype);
/* A PROT_NONE range of host addresses; NULL. */
void *sim_mem_reserve(uint64_t len);
void sim_mem_unreserve(void *host, uint64_t len);
/* Are all runs page-aligned, not empty, RAM (carve-out included)? @len: their sum. */
bool sim_mem_runs_are_ram(struct sim_mem *mem, const struct dma_phys_run *runs, uint32_t nr_runs,
			  uint64_t *len);

/* Address spaces hang in a list of the machine. */
struct sim_as_list {
	struct dma_as *first;
};
struct sim_as_list *sim_mem_as_list(struct sim_mem *mem);

#endif
