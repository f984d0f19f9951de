/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmamap's page table as a peer of the page-table workloads: rooms 2 to 4 in one translation unit,
 * as the DMA layer compiles them, without the IOVA allocator. The platform is one arena of huge
 * pages; the hardware invalidation is a counted no-op, as for every peer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/workloads/wl_common.h"

#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
#include "pgtable/walk.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define ARENA_ALIGN (UINT64_C(2) << 20)

static __thread unsigned cpu;
static struct dma_platform platform;
static uint64_t arena_used;
static struct bench_free {
	struct bench_free *next;
} * arena_free;

struct peer_pt {
	struct {
		struct pgtable_cursor cursor;
		uint64_t nr_invalidations;
		uint64_t pad[12]; /* its own cache lines */
	} slot[2];
	struct pt_prot prot;
	struct pgtable pt;
};

void wl_set_cpu(int c)
{
	cpu = (unsigned)c;
}

/* Only chunks of one size and roots are asked for; roots are wasted. */
static int bench_pages_alloc(struct dma_platform *p, const struct dma_pages_req *req,
			     phys_addr_t *phys)
{
	struct bench_free *block = arena_free;

	if (req->len == 65536 && block != NULL) {
		arena_free = block->next;
		memset(block, 0, req->len);
		*phys = (uintptr_t)block - (uintptr_t)p->linear_offset;
		return 0;
	}
	arena_used = (arena_used + req->align - 1) & ~(req->align - 1);
	*phys = arena_used;
	arena_used += req->len;
	return arena_used <= ARENA_BYTES ? 0 : -ENOMEM;
}

static void bench_pages_free(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct bench_free *block = (void *)(uintptr_t)(phys + p->linear_offset);

	if (len != 65536)
		return;
	block->next = arena_free;
	arena_free = block;
}

static void *bench_meta_alloc(struct dma_platform *p, size_t bytes, size_t align)
{
	(void)p;
	(void)align;
	return calloc(1, bytes);
}

static void bench_meta_free(struct dma_platform *p, void *mem, size_t bytes)
{
	(void)p;
	(void)bytes;
	free(mem);
}

static void bench_lock(struct dma_platform *p, struct dma_lock *lock)
{
	(void)p;
	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0)
		;
}

static void bench_unlock(struct dma_platform *p, struct dma_lock *lock)
{
	(void)p;
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

static void bench_platform(void)
{
	char *arena = mmap(NULL, ARENA_BYTES + ARENA_ALIGN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t base = ((uintptr_t)arena + ARENA_ALIGN - 1) & ~(uintptr_t)(ARENA_ALIGN - 1);

	if (arena == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	madvise((void *)base, ARENA_BYTES, MADV_HUGEPAGE);
	memset((void *)base, 0, (size_t)300 << 20);
	platform = (struct dma_platform){
		.size = sizeof(platform),
		.name = "bench",
		.page_lg2 = 12,
		.cache_line = 1,
		.linear_offset = base,
		.meta_alloc = bench_meta_alloc,
		.meta_free = bench_meta_free,
		.pages_alloc = bench_pages_alloc,
		.pages_free = bench_pages_free,
		.spin_lock = bench_lock,
		.spin_unlock = bench_unlock,
	};
}

static void *peer_new(void)
{
	const struct pgtable_cfg cfg = {
		.platform = &platform,
		.ias_bits = 48,
		.oas_bits = 48,
		.coherent_walk = true,
	};
	struct peer_pt *c = aligned_alloc(128, (sizeof(*c) + 127) & ~(size_t)127);

	for (unsigned i = 0; i < 2; i++)
		c->slot[i].cursor = PGTABLE_CURSOR_EMPTY;
	c->prot = pt_prot(DMA_PROT_READ | DMA_PROT_WRITE | DMA_PROT_CACHE);
	if (pgtable_init(&c->pt, &pgtable_vmsav8_4k_ops, &cfg) != 0)
		exit(1);
	return c;
}

static void peer_del(void *v)
{
	struct peer_pt *c = v;

	pgtable_fini(&c->pt);
	free(c);
}

/* Plan and reserve, as a caller does that has no allocator to vouch for the range. */
static inline int peer_reserve(struct peer_pt *c, const struct run *run,
			       struct pgtable_reserve *rsv)
{
	struct pgtable_cursor *cursor = &c->slot[cpu].cursor;
	bool pages = run->phys == PGTABLE_SCATTERED || run->len < PT_SPAN;

	if (pages && pt_ready(&c->pt, cursor, run->iova, run->len))
		return pt_any(pt_leaf(&c->pt, cursor, run->iova), (uint32_t)(run->len / 4096)) ? -1
											       : 0;
	return pgtable_reserve(&c->pt, run, PGTABLE_CHECK, rsv);
}

static inline void peer_release(struct peer_pt *c, struct pgtable_reserve *rsv)
{
	if (unlikely(rsv->tables.nr != 0 || !gather_is_empty(&rsv->gather)))
		pgtable_release(&c->pt, rsv);
}

static __attribute__((noinline)) int peer_map_run(struct peer_pt *c, uint64_t iova, uint64_t phys,
						  uint64_t len)
{
	const struct run run = { iova, phys, len, DMA_PROT_READ | DMA_PROT_WRITE | DMA_PROT_CACHE };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct pt_window win;
	struct pt_writer w;

	if (peer_reserve(c, &run, &rsv) != 0)
		return -1;
	win = pt_writer_begin(&w, &c->pt, &c->slot[cpu].cursor, &rsv, &c->prot, iova);
	win = pt_writer_put(&w, win, phys, len);
	pt_writer_end(&w, win);
	peer_release(c, &rsv);
	return 0;
}

static __attribute__((noinline)) int peer_map(struct peer_pt *c, uint64_t iova, uint64_t phys,
					      uint64_t len)
{
	if (unlikely(((iova | phys | len) & 4095) != 0 || iova + len - 1 > c->pt.iova_last ||
		     phys + len - 1 > c->pt.phys_last))
		return -1;
	if (likely(len == 4096)) {
		pt_word_t *leaf = pt_leaf(&c->pt, &c->slot[cpu].cursor, iova);

		if (likely(leaf != NULL)) {
			if (unlikely(pt_load(leaf) != 0))
				return -1;
			pt_set_leaf(&c->pt, leaf, phys, c->prot.page);
			return 0;
		}
	}
	return peer_map_run(c, iova, phys, len);
}

static __attribute__((noinline)) int peer_map_sg(struct peer_pt *c, uint64_t iova,
						 const uint64_t *pas, uint32_t nr)
{
	const struct run run = { iova, PGTABLE_SCATTERED, nr * UINT64_C(4096), 0 };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct pt_window win;
	struct pt_writer w;
	uint64_t any = 0;
	uint64_t odd = 0;

	for (uint32_t i = 0; i + 1 < nr; i += 2) {
		any |= pas[i];
		odd |= pas[i + 1];
	}
	any |= odd | pas[nr - 1];
	if ((any & 4095) != 0 || any > c->pt.phys_last || peer_reserve(c, &run, &rsv) != 0)
		return -1;
	win = pt_writer_begin(&w, &c->pt, &c->slot[cpu].cursor, &rsv, &c->prot, iova);
	win = pt_writer_put_pages(&w, win, pas, nr);
	pt_writer_end(&w, win);
	peer_release(c, &rsv);
	return 0;
}

static __attribute__((noinline)) void peer_sync(struct peer_pt *c, const struct gather *gather)
{
	__asm__ volatile("" ::"r"(gather->start), "r"(gather->last));
	c->slot[cpu].nr_invalidations++;
}

static __attribute__((noinline)) int peer_unmap(struct peer_pt *c, uint64_t iova, uint64_t len)
{
	struct gather gather = GATHER_EMPTY;
	int err;

	if (unlikely(((iova | len) & 4095) != 0 || iova + len - 1 > c->pt.iova_last))
		return -1;
	err = pt_unmap(&c->pt, &c->slot[cpu].cursor, iova, len, &gather);
	peer_sync(c, &gather);
	return err;
}

static __attribute__((noinline)) uint64_t peer_xlate(struct peer_pt *c, uint64_t iova)
{
	phys_addr_t phys;

	return pt_iova_to_phys(&c->pt, iova, &phys) ? phys : 0;
}

static uint64_t peer_table_bytes;

static uint64_t peer_count(const struct peer_pt *c)
{
	return c->pt.pool.nr_linked * UINT64_C(4096);
}

#define PT(x) dmamap_##x
#define PT_PEER "dmamap"
#define PT_NEW() peer_new()
#define PT_DEL(c) (peer_table_bytes = 0, peer_del(c))
#define PT_MAP(c, i, p, l) peer_map(c, i, p, l)
#define PT_SG_PREP(pas, n) ((void *)(pas))
#define PT_MAP_SG(c, i, sg, pas, n) peer_map_sg(c, i, pas, n)
#define PT_UNMAP(c, i, l) peer_unmap(c, i, l)
#define PT_XLATE(c, i) peer_xlate(c, i)
#define PT_TABLE_BYTES() peer_count(c)
#define PT_IOVA0 0x100000000ull
#define PT_PA0 0x100000000ull
#define PT_BIG 1
#include "bench/workloads/wl_pt.h"

void peers_main(int quick)
{
	bench_platform();
	dmamap_all(quick);
}
