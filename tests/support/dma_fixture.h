/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device without an IOMMU on the platform for tests, with what the DMA API needs besides:
 * a record of cache maintenance, user address spaces whose pages lie anywhere, memory that
 * cannot be counted.
 *
 * Lock: none; single-threaded tests only.
 */
#ifndef DMAMAP_TESTS_SUPPORT_DMA_FIXTURE_H
#define DMAMAP_TESTS_SUPPORT_DMA_FIXTURE_H

#include <dmamap/dma-mapping.h>

#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define FIXTURE_CACHE_OPS 64u
#define FIXTURE_AS_PAGES 64u

enum fixture_cache { FIXTURE_CLEAN, FIXTURE_INV };

struct fixture_cache_op {
	enum fixture_cache what;
	phys_addr_t phys;
	uint64_t len;
};

/**
 * struct dma_as - a user program
 * @start: its first user address
 * @nr_pages: pages from there on
 * @pages: where each lies, and its kind
 * @not_writable: pin for writing fails
 * @no_token: UNOWNED pages cannot be kept alive
 * @limit: pages it may pin; 0: no limit
 * @nr_pinned: pages pinned now
 * @nr_dirty: pages given back dirty
 * @nr_mapped: pages mapped by as_map
 * @mapped_at: user address of the last as_map
 * @mapped: its first run
 * @memtype: its memory type
 */
struct dma_as {
	uint64_t start;
	uint32_t nr_pages;
	struct {
		phys_addr_t phys;
		enum dma_phys_kind kind;
	} pages[FIXTURE_AS_PAGES];
	bool not_writable;
	bool no_token;
	uint32_t limit;
	uint32_t nr_pinned;
	uint32_t nr_dirty;
	uint32_t nr_mapped;
	uint64_t mapped_at;
	struct dma_phys_run mapped;
	enum dma_memtype memtype;
};

struct dma_fixture {
	struct host_platform h; /* first: the platform's functions find the fixture by it */
	struct dma_platform *p;
	struct dma_device *dev;
	uint64_t unowned_phys; /* this part of RAM is UNOWNED */
	uint64_t unowned_bytes;
	uint32_t nr_cache_ops;
	struct fixture_cache_op cache_ops[FIXTURE_CACHE_OPS];
	enum dma_memtype memtype; /* of the last cpu_map */
};

/* @opt and @desc may be NULL: defaults, and a coherent device named "dev". */
void dma_fixture_init(struct dma_fixture *f, const struct host_options *opt,
		      const struct dma_device_desc *desc);
/* Fails the test when anything is left. */
void dma_fixture_fini(struct dma_fixture *f);

/* The newest failure of the device is @rule with these values; fails the test otherwise. */
void dma_fixture_expect(struct dma_fixture *f, enum dma_op op, int err, enum dma_rule rule,
			uint64_t found, uint64_t need);
/* No failure was recorded since the last dma_fixture_forget(). */
void dma_fixture_expect_none(struct dma_fixture *f);
void dma_fixture_forget(struct dma_fixture *f);

/* Cache operation @i is this one. */
void dma_fixture_expect_cache(struct dma_fixture *f, uint32_t i, enum fixture_cache what,
			      phys_addr_t phys, uint64_t len);

/* @nr_pages pages of RAM, every second one before its neighbour: no two are contiguous. */
void dma_fixture_as(struct dma_fixture *f, struct dma_as *as, uint32_t nr_pages);

#define RAM_BASE ((uint64_t)4 << 30) /* of the platform for tests, by default */
#define RAM_BYTES ((uint64_t)16 << 20)
#define RAM_LAST (RAM_BASE + RAM_BYTES - 1)

#endif
