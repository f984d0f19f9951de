/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM of the simulated machine: one memfd, its device view, and who has which page. The device
 * view is the only mapping here; CPU mappings are sim/mem.h's. The last bytes may be a carve-out
 * that nobody can count.
 *
 * Lock: sim_ram_lock(), recursive, one per machine; models of memory and the bus share it.
 * Functions here take it inside unless they say otherwise.
 */
#ifndef SIM_RAM_H
#define SIM_RAM_H

#include <dmamap/types.h>

struct sim_ram;
struct sim_trace;

/**
 * struct sim_ram_cfg - RAM
 * @base: physical address, a multiple of 64 KiB
 * @bytes: a multiple of 64 KiB, carve-out included
 * @carveout_bytes: the last bytes, a multiple of the page
 * @page_lg2: CPU page: 12, 14 or 16
 * @scatter: put every block at a place drawn from @seed, else at the lowest free address
 * @max_block_bytes: larger blocks cannot be had; 0: no limit
 * @seed: of the places
 */
struct sim_ram_cfg {
	uint64_t base;
	uint64_t bytes;
	uint64_t carveout_bytes;
	uint32_t page_lg2;
	bool scatter;
	uint64_t max_block_bytes;
	uint64_t seed;
};

/**
 * struct sim_page - one CPU page of RAM
 * @block_pages: first page of an allocated block: pages of the block, else 0
 * @pins: pins that hold it
 * @wb_maps: cacheable CPU mappings
 * @nc_maps: other CPU mappings
 * @allocated: not free
 * @orphan: its owner freed it; the last unpin gives it back
 * @linear: mapped in the linear view
 * @kmalloc: block of sim_machine_kmalloc()
 */
struct sim_page {
	uint32_t block_pages;
	uint32_t pins;
	uint32_t wb_maps;
	uint32_t nc_maps;
	bool allocated;
	bool orphan;
	bool linear;
	bool kmalloc;
};

struct sim_ram_stats {
	uint64_t pages_in_use; /* orphans included */
	uint64_t pages_peak;
	uint64_t pinned_pages;
	uint64_t bad_frees;
};

/* 0; -EINVAL for sizes outside the ranges above; -ENOMEM. */
DMA_MUST_CHECK int sim_ram_new(const struct sim_ram_cfg *cfg, struct sim_trace *trace,
			       struct sim_ram **ram);
void sim_ram_free(struct sim_ram *ram);

void sim_ram_lock(struct sim_ram *ram);
void sim_ram_unlock(struct sim_ram *ram);

const struct sim_ram_cfg *sim_ram_cfg(const struct sim_ram *ram);
int sim_ram_fd(const struct sim_ram *ram);
uint64_t sim_ram_page_bytes(const struct sim_ram *ram);
/* Is [phys, phys + len), len != 0, inside RAM (carve-out included)? */
bool sim_ram_has(const struct sim_ram *ram, uint64_t phys, uint64_t len);
bool sim_ram_is_carveout(const struct sim_ram *ram, uint64_t phys);
/* The page of an address inside RAM. With the lock held. */
struct sim_page *sim_ram_page(struct sim_ram *ram, uint64_t phys);

/* The device view of [phys, phys + len); NULL when that is not all RAM. For models only. */
uint8_t *sim_ram_dev(const struct sim_ram *ram, uint64_t phys, uint64_t len);

/*
 * Access by a device: relaxed atomic loads and stores of 8 bytes where aligned, else of 1.
 * 0, or -EFAULT with nothing done when it is not all RAM. No lock.
 */
int sim_ram_read(const struct sim_ram *ram, uint64_t phys, void *buf, size_t len);
int sim_ram_write(struct sim_ram *ram, uint64_t phys, const void *buf, size_t len);
/* Fill with a byte, by plain stores: memory that no device uses now. */
void sim_ram_fill(struct sim_ram *ram, uint64_t phys, uint64_t len, uint8_t byte);

/**
 * sim_ram_alloc() - physically contiguous pages; contents are undefined
 * @ram: the RAM
 * @len: bytes, a multiple of the page
 * @align: of the physical address, a power of two, at least the page
 * @last: highest byte address allowed
 * @phys: first byte
 *
 * Return: 0; -EINVAL for @len or @align; -ENOMEM.
 */
DMA_MUST_CHECK int sim_ram_alloc(struct sim_ram *ram, uint64_t len, uint64_t align, uint64_t last,
				 uint64_t *phys);

/* Give back a whole block; pinned pages follow at unpin. -EINVAL (counted): it is not one. */
int sim_ram_release(struct sim_ram *ram, uint64_t phys, uint64_t len);

/* Hold a page of an allocated block; let go. Of carve-out pages nobody counts. */
void sim_ram_pin(struct sim_ram *ram, uint64_t phys);
/* False when the page is not pinned. */
bool sim_ram_unpin(struct sim_ram *ram, uint64_t phys);

void sim_ram_stats(struct sim_ram *ram, struct sim_ram_stats *stats);

#endif
