/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A platform for tests: RAM is one aligned block of the heap, named from ram_base upward (4 GiB by
 * default, so physical addresses never fit in 32 bits), always mapped, coherent. It counts what it
 * handed out and fails the test that leaks, and it can make the n-th request fail.
 *
 * What it cannot do, because the heap cannot: map scattered pages side by side, other address
 * spaces, non-coherent caches (it counts the calls), MMIO (a test puts its own functions into .p).
 *
 * Locks: one spin lock around the page map; counters are atomic, so threads may share it.
 */
#ifndef DMAMAP_TESTS_SUPPORT_HOST_PLATFORM_H
#define DMAMAP_TESTS_SUPPORT_HOST_PLATFORM_H

#include <stdatomic.h>

#include <dmamap/platform.h>

/**
 * struct host_options - what a test may choose; zeros are the defaults
 * @ram_bytes: size of RAM (default 16 MiB), a multiple of the page
 * @ram_base: phys of its first byte (default 4 GiB), a multiple of 2 MiB
 * @page_lg2: CPU page (default 12)
 * @cache_line: default 1, everything is coherent
 * @scatter_seed: not 0: pages are placed at random from this seed instead of first fit
 * @mmio_phys: start of a window that phys_kind() calls MMIO
 * @mmio_bytes: its length, 0 for none
 */
struct host_options {
	uint64_t ram_bytes;
	uint64_t ram_base;
	uint32_t page_lg2;
	uint32_t cache_line;
	uint64_t scatter_seed;
	uint64_t mmio_phys;
	uint64_t mmio_bytes;
};

/* The counters may be read by tests; the rest is private. */
struct host_platform {
	struct dma_platform p; /* first, so that a pointer to it is a pointer to this */
	struct host_options opt;

	_Atomic uint64_t nr_metas; /* live metadata blocks */
	_Atomic uint64_t meta_bytes;
	_Atomic uint64_t nr_pages; /* live pages */
	_Atomic uint64_t nr_pins;  /* live pinned runs */
	_Atomic uint64_t nr_cpu_maps;
	_Atomic uint64_t nr_cleans;
	_Atomic uint64_t nr_invs;
	_Atomic uint64_t nr_requests; /* requests that could have failed, since fail_nth() */
	_Atomic uint64_t nr_injected; /* requests that were made to fail, since fail_nth() */
	_Atomic uint64_t nr_logs;
	char last_log[256];

	uint64_t fail_at;
	uint64_t random;
	void *heap_block;
	unsigned char *ram;
	uint32_t *
		block_pages; /* per page: length of the block that starts here, 0 free, ~0 inside */
	struct dma_lock page_lock;
};

/* @opt may be NULL. Returns &h->p; fails the test when there is no memory. */
struct dma_platform *host_platform_init(struct host_platform *h, const struct host_options *opt);

/* Fails the test when metadata, pages, CPU mappings or pins are still out. */
void host_platform_fini(struct host_platform *h);

/*
 * Make the n-th request from now fail, counting from 1; 0: none. Metadata, pages, CPU mappings,
 * pins and whatever the library asks p->inject for are counted alike. A sweep goes
 *
 *	for (n = 1;; n++) {
 *		host_platform_fail_nth(&h, n);
 *		err = scenario();
 *		if (h.nr_injected == 0)
 *			break;
 *		... err is the documented one, and nothing changed ...
 *	}
 */
void host_platform_fail_nth(struct host_platform *h, uint64_t n);

/* CPU address of @phys; fails the test when it is not RAM. */
void *host_platform_ram(struct host_platform *h, phys_addr_t phys);

#endif
