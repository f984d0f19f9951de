/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table pool: table memory of one page table, taken from the platform in chunks because each
 * request is a slow call. A table in the pool is all zero but for its first two words: the link,
 * and a mark that no table in use can hold there. Neither looks like a valid entry in any format.
 * Lock: the pool's spin lock, held for list operations only, never around a call that allocates.
 */
#include "core/assert.h"
#include "core/bits.h"
#include "core/endian.h"
#include "core/mem.h"
#include "pgtable/pgtable.h"

#define POOL_CHUNK_BYTES 65536u
#define POOL_MAX_CLEAN 64u
/* The low two bits of both halves are 0: invalid as an 8-byte and as two 4-byte entries. */
#define POOL_MARK UINT64_C(0x636c65606e746238)
#define POOL_LEAVING UINT64_C(0x6c656174696e6720)
#define POOL_VALID_BITS UINT64_C(0x0000000300000003)
_Static_assert(((POOL_MARK | POOL_LEAVING) & POOL_VALID_BITS) == 0,
	       "no format takes it for an entry");

struct pgtable_chunk {
	struct pgtable_chunk *next;
	phys_addr_t phys;
};

static void *pool_cpu(const struct pgtable *pt, phys_addr_t table)
{
	return (void *)((uintptr_t)table + pt->linear);
}

static uint64_t pool_word(const struct pgtable *pt, phys_addr_t table, uint32_t idx)
{
	return endian_load_le64((const char *)pool_cpu(pt, table) + 8 * idx);
}

static void pool_set_word(const struct pgtable *pt, phys_addr_t table, uint32_t idx, uint64_t v)
{
	endian_store_le64((char *)pool_cpu(pt, table) + 8 * idx, v);
}

static uint32_t pool_per_chunk(const struct pgtable_pool *pool)
{
	return pool->chunk_bytes >> pool->table_lg2;
}

void pgtable_pool_push(struct pgtable *pt, phys_addr_t table, struct pgtable_freelist *list)
{
	pool_set_word(pt, table, 0, list->nr != 0 ? list->head : 0);
	list->head = table;
	list->nr++;
}

static phys_addr_t pool_unlink(struct pgtable *pt, struct pgtable_freelist *list)
{
	phys_addr_t table = list->head;

	DMA_ASSERT(list->nr != 0);
	list->head = pool_word(pt, table, 0);
	list->nr--;
	return table;
}

static bool pool_is_zero(const struct pgtable *pt, phys_addr_t table)
{
	for (uint32_t i = 0; i < 1u << (pt->pool.table_lg2 - 3); i++) {
		if (pool_word(pt, table, i) != 0)
			return false;
	}
	return true;
}

/* A walker that does not snoop may still read the old link and mark: as invalid as the zeros. */
phys_addr_t pgtable_pool_pop(struct pgtable *pt, struct pgtable_freelist *list)
{
	phys_addr_t table = pool_unlink(pt, list);

	pool_set_word(pt, table, 0, 0);
	DMA_ASSERT(pool_is_zero(pt, table));
	return table;
}

/* Lock held: move up to @nr tables to @list. */
static uint32_t pool_move(struct pgtable *pt, uint32_t nr, struct pgtable_freelist *list)
{
	struct pgtable_pool *pool = &pt->pool;
	uint32_t done = 0;
	phys_addr_t table;

	for (; done < nr && pool->clean.nr != 0; done++) {
		table = pool_unlink(pt, &pool->clean);
		DMA_ASSERT(pool_word(pt, table, 1) == POOL_MARK);
		pool_set_word(pt, table, 1, 0);
		pgtable_pool_push(pt, table, list);
	}
	for (; done < nr && pool->nr_fresh != 0; done++) {
		pgtable_pool_push(pt, pool->fresh, list);
		pool->fresh += UINT64_C(1) << pool->table_lg2;
		pool->nr_fresh--;
	}
	return done;
}

/* Lock held: fresh tables become clean ones, so that a new chunk can take their place. */
static void pool_put_clean(struct pgtable *pt, phys_addr_t table)
{
	DMA_ASSERT(pool_word(pt, table, 1) == 0);
	pgtable_pool_push(pt, table, &pt->pool.clean);
	pool_set_word(pt, table, 1, POOL_MARK);
}

static void pool_retire_fresh(struct pgtable *pt)
{
	struct pgtable_pool *pool = &pt->pool;

	for (; pool->nr_fresh != 0; pool->nr_fresh--) {
		pool_put_clean(pt, pool->fresh);
		pool->fresh += UINT64_C(1) << pool->table_lg2;
	}
}

static int pool_pages(struct pgtable *pt, uint64_t len, uint64_t align, bool atomic,
		      phys_addr_t *phys)
{
	const struct dma_pages_req req = {
		.len = len,
		.align = align,
		.last = pt->pool.phys_last,
		.node = -1,
		.flags = DMA_PAGES_LINEAR | DMA_PAGES_ZERO | (atomic ? DMA_PAGES_ATOMIC : 0),
	};

	return pt->platform->pages_alloc(pt->platform, &req, phys);
}

/*
 * The walker tells a table's phys from its CPU address and the root's. On a 32-bit CPU with memory
 * above 4 GiB that works within 2 GiB of the root.
 */
static bool pool_in_reach(const struct pgtable *pt, phys_addr_t phys)
{
	return sizeof(uintptr_t) >= 8 || phys - pt->root_phys + (UINT64_C(1) << 31) <= UINT32_MAX;
}

static int pool_grow(struct pgtable *pt, bool atomic)
{
	struct dma_platform *p = pt->platform;
	struct pgtable_pool *pool = &pt->pool;
	struct pgtable_chunk *chunk;
	int err;

	chunk = p->meta_alloc(p, sizeof(*chunk), _Alignof(struct pgtable_chunk));
	if (chunk == NULL)
		return -ENOMEM;
	err = pool_pages(pt, pool->chunk_bytes, pool->chunk_bytes, atomic, &chunk->phys);
	if (err == 0 && !pool_in_reach(pt, chunk->phys)) {
		p->pages_free(p, chunk->phys, pool->chunk_bytes);
		err = -ENOMEM;
	}
	if (err != 0) {
		p->meta_free(p, chunk, sizeof(*chunk));
		return err;
	}
	p->spin_lock(p, &pool->lock);
	pool_retire_fresh(pt);
	pool->fresh = chunk->phys;
	pool->nr_fresh = pool_per_chunk(pool);
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->nr_chunks++;
	p->spin_unlock(p, &pool->lock);
	return 0;
}

int pgtable_pool_take(struct pgtable *pt, uint32_t nr, bool atomic, struct pgtable_freelist *list)
{
	struct dma_platform *p = pt->platform;
	struct pgtable_freelist taken = { 0 };
	int err = 0;

	for (;;) {
		p->spin_lock(p, &pt->pool.lock);
		pool_move(pt, nr - taken.nr, &taken);
		p->spin_unlock(p, &pt->pool.lock);
		if (taken.nr == nr)
			break;
		err = pool_grow(pt, atomic);
		if (err != 0) {
			pgtable_free_tables(pt, &taken);
			return err;
		}
	}
	while (taken.nr != 0)
		pgtable_pool_push(pt, pool_unlink(pt, &taken), list);
	return 0;
}

/* Lock held: is every table of the chunk in the pool? */
static bool pool_chunk_idle(const struct pgtable *pt, const struct pgtable_chunk *chunk)
{
	const struct pgtable_pool *pool = &pt->pool;

	for (uint32_t i = 0; i < pool_per_chunk(pool); i++) {
		phys_addr_t table = chunk->phys + ((uint64_t)i << pool->table_lg2);

		if (pool_word(pt, table, 1) != POOL_MARK)
			return false;
	}
	return true;
}

/* Lock held: take idle chunks off the list; their tables leave the clean list. */
static struct pgtable_chunk *pool_take_idle(struct pgtable *pt)
{
	struct pgtable_pool *pool = &pt->pool;
	struct pgtable_freelist all = pool->clean;
	struct pgtable_chunk **at = &pool->chunks;
	struct pgtable_chunk *idle = NULL;

	while (*at != NULL) {
		struct pgtable_chunk *chunk = *at;

		if (!pool_chunk_idle(pt, chunk)) {
			at = &chunk->next;
			continue;
		}
		for (uint32_t i = 0; i < pool_per_chunk(pool); i++)
			pool_set_word(pt, chunk->phys + ((uint64_t)i << pool->table_lg2), 1,
				      POOL_LEAVING);
		*at = chunk->next;
		chunk->next = idle;
		idle = chunk;
		pool->nr_chunks--;
	}
	pool->clean = (struct pgtable_freelist){ 0 };
	while (all.nr != 0) {
		phys_addr_t table = pool_unlink(pt, &all);

		if (pool_word(pt, table, 1) != POOL_LEAVING)
			pgtable_pool_push(pt, table, &pool->clean);
	}
	return idle;
}

uint64_t pgtable_trim(struct pgtable *pt)
{
	struct dma_platform *p = pt->platform;
	struct pgtable_pool *pool = &pt->pool;
	struct pgtable_chunk *idle;
	uint64_t bytes = 0;

	p->spin_lock(p, &pool->lock);
	pool_retire_fresh(pt);
	idle = pool_take_idle(pt);
	pool->trim_at = (uint32_t)bits_max(pool->max_clean, 2 * (uint64_t)pool->clean.nr);
	p->spin_unlock(p, &pool->lock);
	while (idle != NULL) {
		struct pgtable_chunk *next = idle->next;

		p->pages_free(p, idle->phys, pool->chunk_bytes);
		p->meta_free(p, idle, sizeof(*idle));
		bytes += pool->chunk_bytes;
		idle = next;
	}
	return bytes;
}

void pgtable_free_tables(struct pgtable *pt, struct pgtable_freelist *list)
{
	struct dma_platform *p = pt->platform;
	bool trim;

	if (list->nr == 0)
		return;
	p->spin_lock(p, &pt->pool.lock);
	while (list->nr != 0)
		pool_put_clean(pt, pool_unlink(pt, list));
	trim = pt->pool.clean.nr > pt->pool.trim_at;
	p->spin_unlock(p, &pt->pool.lock);
	*list = (struct pgtable_freelist){ 0 };
	if (trim)
		pgtable_trim(pt);
}

static uint64_t pool_root_len(const struct pgtable *pt)
{
	return bits_align_up(pt->root_bytes, UINT64_C(1) << pt->platform->page_lg2);
}

int pgtable_pool_setup(struct pgtable *pt, uint32_t table_lg2, phys_addr_t phys_last,
		       uint32_t max_clean)
{
	struct pgtable_pool *pool = &pt->pool;
	uint64_t len = pool_root_len(pt);
	int err;

	pool->table_lg2 = table_lg2;
	pool->chunk_bytes =
		(uint32_t)bits_max(POOL_CHUNK_BYTES, UINT64_C(1) << pt->platform->page_lg2);
	pool->max_clean = max_clean != 0 ? max_clean : POOL_MAX_CLEAN;
	pool->trim_at = pool->max_clean;
	pool->phys_last = bits_min(phys_last, pt->phys_last);
	err = pool_pages(pt, len, len, false, &pt->root_phys);
	if (err != 0)
		return err;
	pt->root = pool_cpu(pt, pt->root_phys);
	return 0;
}

void pgtable_fini(struct pgtable *pt)
{
	struct dma_platform *p = pt->platform;
	struct pgtable_chunk *chunk = pt->pool.chunks;

	while (chunk != NULL) {
		struct pgtable_chunk *next = chunk->next;

		p->pages_free(p, chunk->phys, pt->pool.chunk_bytes);
		p->meta_free(p, chunk, sizeof(*chunk));
		chunk = next;
	}
	p->pages_free(p, pt->root_phys, pool_root_len(pt));
	*pt = (struct pgtable){ .ops = NULL };
}

void pgtable_stats(struct pgtable *pt, struct pgtable_stats *stats)
{
	struct dma_platform *p = pt->platform;

	*stats = (struct pgtable_stats){
		.root_bytes = pt->root_bytes,
		.table_bytes = UINT32_C(1) << pt->pool.table_lg2,
		.nr_linked = __atomic_load_n(&pt->pool.nr_linked, __ATOMIC_RELAXED),
		.nr_empty = pt->ops->count_empty(pt),
	};
	p->spin_lock(p, &pt->pool.lock);
	stats->nr_clean = pt->pool.clean.nr + pt->pool.nr_fresh;
	stats->chunk_bytes = (uint64_t)pt->pool.nr_chunks * pt->pool.chunk_bytes;
	p->spin_unlock(p, &pt->pool.lock);
}
