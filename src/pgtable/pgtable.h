/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: the door header. A page table turns IOVA into phys for one domain; which bits mean
 * what is in fmt/<format>.h, how tables are walked in walk.h, once for all formats. This header is
 * for callers that do not know the format (ops, one indirect call) and holds what both share.
 * The second door, walk.h, compiles the walker into the includer with constant shifts.
 *
 * Words: level 0 is the leaf level in every format. A granule is the smallest page. A span is the
 * IOVA that one leaf table covers. A block is a leaf entry above level 0. A group is an
 * aligned set of neighbouring leaf entries that the hardware may cache as one translation
 * (contiguous hint, replicated large page). A table is empty when all its entries are 0.
 *
 * Concurrency: an entry belongs to whoever holds the IOVA it translates (a live mapping, or the
 * call that has just taken the IOVA), so calls on disjoint IOVA need no lock. Tables are linked by
 * compare-and-exchange. Only pgtable_retire() and pgtable_reserve() unlink, only below IOVA that
 * the caller holds alone. The table pool has a spin lock of its own.
 *
 * A map: pgtable_reserve() checks and allocates; if rsv->gather is not empty the caller invalidates
 * it; pgtable_map() writes and cannot fail; pgtable_release() gives back what was not needed.
 */
#ifndef DMAMAP_PGTABLE_PGTABLE_H
#define DMAMAP_PGTABLE_PGTABLE_H

#include <dmamap/iommu-driver.h>
#include <dmamap/iommu.h>
#include <dmamap/platform.h>

#include "pgtable/gather.h"

#define PGTABLE_MAX_LEVELS 6u
#define PGTABLE_PROT_ALL                                                                           \
	(DMA_PROT_READ | DMA_PROT_WRITE | DMA_PROT_CACHE | DMA_PROT_NOEXEC | DMA_PROT_MMIO |       \
	 DMA_PROT_PRIV)

/* run.phys of a run whose pages lie anywhere: granule entries only, phys is not checked */
#define PGTABLE_SCATTERED UINT64_MAX

/**
 * struct run - an IOVA range without holes and what it translates to
 * @iova: first byte, a multiple of the granule
 * @phys: first byte, a multiple of the granule
 * @len: bytes, a multiple of the granule, not 0
 * @prot: DMA_PROT_*, READ or WRITE or both. A format that has no write-only pages gives READ too
 */
struct run {
	uint64_t iova;
	phys_addr_t phys;
	uint64_t len;
	uint32_t prot;
};

#define PGTABLE_NO_BLOCKS (1u << 0) /* granule-sized entries (and groups of them) only */
#define PGTABLE_NO_GROUPS (1u << 1) /* no contiguous hint, no replicated large pages */

/**
 * struct pgtable_cfg - what a page table is made from
 * @platform: where table memory comes from
 * @ias_bits: IOVA bits; the format's limits apply (VMSAv8: 32 .. 48; short descriptors: 32)
 * @oas_bits: output bits the hardware can emit (VMSAv8: 32 .. 48; short descriptors: 32)
 * @features: PGTABLE_NO_*
 * @coherent_walk: the hardware walker snoops; else entries are cleaned from the cache
 * @max_clean: clean tables kept for reuse at least before memory is given back; 0: default
 */
struct pgtable_cfg {
	struct dma_platform *platform;
	uint32_t ias_bits;
	uint32_t oas_bits;
	uint32_t features;
	bool coherent_walk;
	uint32_t max_clean;
};

/**
 * struct pgtable_info - a page table as the hardware must be told
 * @pt: format, granule, sizes and root, as in the driver interface
 * @pgsize_bitmap: bit n: pages of 2^n bytes may be written (groups included)
 * @start_level: level of the root, counted as everywhere: 0 is the leaf level
 * @span_lg2: log2 of the IOVA that one leaf table covers
 * @mair: memory attributes by AttrIndx (VMSAv8; MAIR_EL1 layout), else 0
 * @t0sz: TCR.T0SZ (VMSAv8: 64 - ias_bits), else 0
 * @tg0: TCR.TG0 (VMSAv8: 0 4K, 1 64K, 2 16K), else 0
 * @ips: TCR.IPS, CD.IPS encoding of @pt.oas_bits (VMSAv8), else 0
 * @cacheability: TCR.IRGN0 and ORGN0: 1 write-back for a walker that snoops, 0 non-cacheable
 * @shareability: TCR.SH0: 3 inner for a walker that snoops, 2 outer
 */
struct pgtable_info {
	struct dma_iommu_pt pt;
	uint64_t pgsize_bitmap;
	uint32_t start_level;
	uint32_t span_lg2;
	uint64_t mair;
	uint32_t t0sz;
	uint32_t tg0;
	uint32_t ips;
	uint32_t cacheability;
	uint32_t shareability;
};

/**
 * struct pgtable_freelist - tables linked through their own first word
 * @head: phys of the first table; meaningless while @nr is 0
 * @nr: tables in the list
 *
 * The link is the next table's phys: its low bits are 0, so a walker that still has the unlinked
 * table in its walk cache reads an invalid entry, as it did before (every format).
 */
struct pgtable_freelist {
	phys_addr_t head;
	uint32_t nr;
};

/**
 * struct pgtable_reserve - tables that hang off a call
 * @tables: clean tables for pgtable_map(); released by pgtable_release()
 * @retired: empty tables that made way for blocks; pgtable_release() frees them
 * @gather: invalidate this before pgtable_map() and before pgtable_release(), unless empty
 * @counted_last: last IOVA for which tables are already counted; meaningless while !@counted
 * @counted: a run was reserved
 */
struct pgtable_reserve {
	struct pgtable_freelist tables;
	struct pgtable_freelist retired;
	struct gather gather;
	uint64_t counted_last;
	bool counted;
};

#define PGTABLE_RESERVE_EMPTY ((struct pgtable_reserve){ .gather = GATHER_EMPTY })

#define PGTABLE_CHECK (1u << 0)	 /* refuse with -EEXIST where something is mapped */
#define PGTABLE_ATOMIC (1u << 1) /* must not sleep: table memory is asked for accordingly */
#define PGTABLE_PAGES (1u << 2)	 /* plan no blocks: the run will be put in smaller pieces */

/**
 * struct pgtable_cursor - where a slot last found a leaf table
 * @span: iova >> span_lg2 of that table; UINT64_MAX: none
 * @gen: generation of the page table then
 * @table: its CPU address
 */
struct pgtable_cursor {
	uint64_t span;
	size_t gen;
	void *table;
};

#define PGTABLE_CURSOR_EMPTY ((struct pgtable_cursor){ .span = UINT64_MAX })

struct pgtable_chunk;

/**
 * struct pgtable_pool - table memory of one page table; private to src/pgtable
 * @lock: spin lock over everything below but the atomic counters
 * @clean: tables for reuse, all zero but for the link and the mark that say so
 * @fresh: phys of the first table of the newest chunk that was never handed out
 * @nr_fresh: such tables
 * @chunks: list of what came from the platform
 * @nr_chunks: their number
 * @chunk_bytes: size of one
 * @table_lg2: log2 of the size of one table in bytes
 * @max_clean: clean tables kept at least
 * @trim_at: clean tables that start the next trim
 * @nr_linked: tables that entries point to, the root not counted; atomic
 * @phys_last: highest phys a table may have
 */
struct pgtable_pool {
	struct dma_lock lock;
	struct pgtable_freelist clean;
	phys_addr_t fresh;
	uint32_t nr_fresh;
	struct pgtable_chunk *chunks;
	uint32_t nr_chunks;
	uint32_t chunk_bytes;
	uint32_t table_lg2;
	uint32_t max_clean;
	uint32_t trim_at;
	uint32_t nr_linked;
	phys_addr_t phys_last;
};

/**
 * struct pgtable_stats - table memory
 * @root_bytes: root table
 * @table_bytes: size of one other table
 * @nr_linked: tables that entries point to, empty ones included
 * @nr_empty: of these, tables without entries: kept as cache, pgtable_retire() unlinks them
 * @nr_clean: tables in the pool
 * @chunk_bytes: all memory taken from the platform, the root not counted
 */
struct pgtable_stats {
	uint64_t root_bytes;
	uint32_t table_bytes;
	uint32_t nr_linked;
	uint32_t nr_empty;
	uint32_t nr_clean;
	uint64_t chunk_bytes;
};

struct pgtable_ops;

/**
 * struct pgtable - one page table
 * @ops: the format's functions
 * @platform: as configured
 * @linear: phys + linear = CPU address, modulo the pointer size
 * @root: CPU address of the root table
 * @gen: bumped whenever tables were unlinked; cursors of another generation are not believed
 * @iova_last: highest IOVA
 * @phys_last: highest phys an entry may hold
 * @top_level: level of the root table
 * @leaf_levels: bit n: leaf entries may be written at level n
 * @group_levels: bit n: groups may be written at level n
 * @noncoherent: entries are cleaned from the cache
 * @root_phys: phys of the root table
 * @root_bytes: its size
 * @oas_bits: as configured
 * @ias_bits: as configured
 * @pool: table memory
 *
 * All but @gen and @pool is constant from init to fini.
 */
struct pgtable {
	const struct pgtable_ops *ops;
	struct dma_platform *platform;
	uintptr_t linear;
	void *root;
	size_t gen;
	uint64_t iova_last;
	phys_addr_t phys_last;
	uint8_t top_level;
	uint8_t leaf_levels;
	uint8_t group_levels;
	bool noncoherent;
	phys_addr_t root_phys;
	uint32_t root_bytes;
	uint32_t oas_bits;
	uint32_t ias_bits;
	_Alignas(64) struct pgtable_pool pool;
};

/**
 * struct pgtable_ops - one format, compiled; called through the functions below
 * @name: "vmsav8-4k"
 * @fmt: the format
 * @granule_lg2: log2 of the smallest page
 * @span_lg2: log2 of the IOVA that one leaf table covers
 * @init: see pgtable_init()
 * @reserve: see pgtable_reserve()
 * @map: see pgtable_map()
 * @unmap: see pgtable_unmap()
 * @iova_to_phys: see pgtable_iova_to_phys()
 * @next_run: see pgtable_next_run()
 * @retire: see pgtable_retire()
 * @info: see pgtable_info()
 * @count_empty: see struct pgtable_stats
 */
struct pgtable_ops {
	const char *name;
	enum dma_pt_fmt fmt;
	uint32_t granule_lg2;
	uint32_t span_lg2;
	DMA_MUST_CHECK int (*init)(struct pgtable *pt, const struct pgtable_cfg *cfg);
	DMA_MUST_CHECK int (*reserve)(struct pgtable *pt, const struct run *run, uint32_t flags,
				      struct pgtable_reserve *rsv);
	void (*map)(struct pgtable *pt, const struct run *run, struct pgtable_reserve *rsv);
	DMA_MUST_CHECK int (*unmap)(struct pgtable *pt, uint64_t iova, uint64_t len,
				    struct gather *gather);
	DMA_MUST_CHECK int (*iova_to_phys)(const struct pgtable *pt, uint64_t iova,
					   phys_addr_t *phys);
	DMA_MUST_CHECK int (*next_run)(const struct pgtable *pt, uint64_t iova, uint64_t last,
				       struct run *run);
	void (*retire)(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather,
		       struct pgtable_freelist *list);
	void (*info)(const struct pgtable *pt, struct pgtable_info *info);
	uint32_t (*count_empty)(const struct pgtable *pt);
};

extern const struct pgtable_ops pgtable_vmsav8_4k_ops;
extern const struct pgtable_ops pgtable_vmsav8_16k_ops;
extern const struct pgtable_ops pgtable_vmsav8_64k_ops;
extern const struct pgtable_ops pgtable_arm_short_ops;

/**
 * pgtable_ops_of() - the functions of a format
 * @fmt: format
 *
 * Refers to every format: an image that knows its format names the ops table instead.
 *
 * Context: any
 * Return: the ops; NULL if the library does not have the format
 */
const struct pgtable_ops *pgtable_ops_of(enum dma_pt_fmt fmt);

/**
 * pgtable_init() - make an empty page table
 * @pt: storage, contents ignored; must not move until pgtable_fini()
 * @ops: format
 * @cfg: copied; cfg->platform must outlive @pt
 *
 * Context: may sleep
 *
 * Return:
 * * %0 - the root exists and is visible to the hardware
 * * %-EINVAL - the format cannot do ias_bits or oas_bits
 * * %-ENOMEM - no memory for the root
 */
DMA_MUST_CHECK int pgtable_init(struct pgtable *pt, const struct pgtable_ops *ops,
				const struct pgtable_cfg *cfg);

/**
 * pgtable_fini() - free all tables, mapped or not
 * @pt: page table; the hardware no longer refers to it and its last invalidation is complete
 *
 * Every struct pgtable_reserve and struct pgtable_freelist of it has been given back.
 *
 * Context: may sleep
 */
void pgtable_fini(struct pgtable *pt);

/**
 * pgtable_reserve() - check a run and obtain every table that mapping it will need
 * @pt: page table
 * @run: run, held alone by the caller; phys may be %PGTABLE_SCATTERED (then prot is not checked)
 * @flags: PGTABLE_CHECK, PGTABLE_ATOMIC, PGTABLE_PAGES
 * @rsv: starts as PGTABLE_RESERVE_EMPTY. Several runs may be reserved into one, in ascending order
 *	of IOVA
 *
 * The only step of a map that allocates. Where a block will be written and an empty table is in
 * the way, the table is unlinked: then rsv->gather is not empty and the caller invalidates
 * it, waits, and only then maps (break before make, DDI0487 D8).
 *
 * Without PGTABLE_CHECK the caller guarantees that nothing is mapped there (debug builds check when
 * the entries are written).
 *
 * Context: any with PGTABLE_ATOMIC, else may sleep; takes the pool's lock
 *
 * Return:
 * * %0 - pgtable_map() of this run (as a whole, or in any pieces with PGTABLE_PAGES) cannot fail
 * * %-EINVAL - empty, not a multiple of the granule, or prot without READ and WRITE or unknown
 * * %-ERANGE - beyond the IOVA space, or phys beyond the output size
 * * %-EEXIST - something is mapped in the range (PGTABLE_CHECK, or in the way of a block)
 * * %-ENOMEM - no table memory
 *
 * On every error @rsv is as before the call, and so is every translation.
 */
DMA_MUST_CHECK int pgtable_reserve(struct pgtable *pt, const struct run *run, uint32_t flags,
				   struct pgtable_reserve *rsv);

/**
 * pgtable_map() - write a run that was reserved; cannot fail
 * @pt: page table
 * @run: as reserved, or a piece of it if PGTABLE_PAGES was given
 * @rsv: as reserved, rsv->gather invalidated
 *
 * Uses blocks and groups where iova, phys and length allow. On return the hardware sees the
 * entries before any store that the caller makes later.
 *
 * Context: any
 */
void pgtable_map(struct pgtable *pt, const struct run *run, struct pgtable_reserve *rsv);

/**
 * pgtable_release() - give back what a reservation has left
 * @pt: page table
 * @rsv: rsv->gather invalidated, also when the map was given up; empty afterwards
 *
 * Context: any; takes the pool's lock
 */
void pgtable_release(struct pgtable *pt, struct pgtable_reserve *rsv);

/**
 * pgtable_unmap() - remove every translation of a range, or none
 * @pt: page table
 * @iova: first byte, a multiple of the granule
 * @len: bytes, a multiple of the granule, not 0
 * @gather: the range is added to it
 *
 * Any number of whole mappings may lie in the range; it may begin and end inside a mapping made of
 * granule entries, but not inside a block or a group: these are not split. Tables stay linked.
 *
 * Context: any; the caller holds the IOVA alone
 *
 * Return:
 * * %0 - removed; the IOVA may be reused once @gather was invalidated
 * * %-EINVAL - empty, not a multiple of the granule, or it would split a block or a group
 * * %-ERANGE - beyond the IOVA space
 * * %-ENOENT - part of the range is not mapped
 */
DMA_MUST_CHECK int pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t len,
				 struct gather *gather);

/**
 * pgtable_iova_to_phys() - what the hardware would translate to
 * @pt: page table
 * @iova: any byte
 * @phys: result
 *
 * Context: any
 *
 * Return:
 * * %0 - translated
 * * %-ENOENT - not mapped, or beyond the IOVA space
 */
DMA_MUST_CHECK int pgtable_iova_to_phys(const struct pgtable *pt, uint64_t iova, phys_addr_t *phys);

/**
 * pgtable_next_run() - the first mapped run in a range
 * @pt: page table; nobody changes the range meanwhile
 * @iova: first byte of the range
 * @last: final byte of the range, inclusive
 * @run: as long as phys and protection go on, clipped to the range; prot as the entries say
 *
 * A dump is a loop: iova = run.iova + run.len until -ENOENT.
 *
 * Context: any
 *
 * Return:
 * * %0 - @run filled
 * * %-ENOENT - nothing is mapped in the range
 */
DMA_MUST_CHECK int pgtable_next_run(const struct pgtable *pt, uint64_t iova, uint64_t last,
				    struct run *run);

/**
 * pgtable_retire() - unlink the empty tables that lie wholly inside a range
 * @pt: page table
 * @iova: first byte of the range; the caller holds every IOVA in it, alone
 * @len: bytes, not 0
 * @gather: gets the range of each unlinked table, and walk_cache
 * @list: gets the tables; a zeroed struct is an empty list
 *
 * Cursors lose their belief by @pt's generation. Tables that still have entries stay.
 *
 * Context: any
 */
void pgtable_retire(struct pgtable *pt, uint64_t iova, uint64_t len, struct gather *gather,
		    struct pgtable_freelist *list);

/**
 * pgtable_free_tables() - put retired tables back into the pool
 * @pt: page table
 * @list: from pgtable_retire(), its gather invalidated since; empty afterwards
 *
 * May give memory back to the platform when more clean tables are kept than cfg.max_clean.
 *
 * Context: any; takes the pool's lock
 */
void pgtable_free_tables(struct pgtable *pt, struct pgtable_freelist *list);

/**
 * pgtable_trim() - give unused table memory back to the platform
 * @pt: page table
 *
 * Context: any; takes the pool's lock
 * Return: bytes given back
 */
uint64_t pgtable_trim(struct pgtable *pt);

/* What the hardware must be told. */
void pgtable_info(const struct pgtable *pt, struct pgtable_info *info);

/* Table memory now; walks all tables for nr_empty, so nobody may retire meanwhile. */
void pgtable_stats(struct pgtable *pt, struct pgtable_stats *stats);

/*
 * For walk.h only.
 *
 * pgtable_pool_take: adds @nr tables to @list or none; -ENOMEM. May sleep unless @atomic.
 * pgtable_pool_pop: takes one table off @list, without a valid entry, also in the walker's view.
 * pgtable_pool_push: puts a table that was never linked back on @list.
 * pgtable_pool_setup: root and pool; the format has set root_bytes and phys_last.
 */
DMA_MUST_CHECK int pgtable_pool_take(struct pgtable *pt, uint32_t nr, bool atomic,
				     struct pgtable_freelist *list);
phys_addr_t pgtable_pool_pop(struct pgtable *pt, struct pgtable_freelist *list);
void pgtable_pool_push(struct pgtable *pt, phys_addr_t table, struct pgtable_freelist *list);
DMA_MUST_CHECK int pgtable_pool_setup(struct pgtable *pt, uint32_t table_lg2, phys_addr_t phys_last,
				      uint32_t max_clean);

#endif
