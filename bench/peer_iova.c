/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmamap's IOVA allocator as a peer of the IOVA workloads: one 48-bit space of 4 KiB granules, and
 * a cache per worker thread, as a domain has one per slot. The platform's heap is the C library's.
 */
#include <sched.h>
#include <stdatomic.h>

#include "bench/workloads/wl_common.h"

#include "iova/iova.h"

#define NR_WORKERS 2

static __thread unsigned cpu;

struct peer_domain {
	struct iova_cache *cache[NR_WORKERS];
	struct iova_space space;
};

void wl_set_cpu(int c)
{
	cpu = (unsigned)c;
}

static void *heap_alloc(struct dma_platform *p, size_t bytes, size_t align)
{
	void *mem = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));

	(void)p;
	if (mem != NULL)
		memset(mem, 0, bytes);
	return mem;
}

static void heap_free(struct dma_platform *p, void *mem, size_t bytes)
{
	(void)p;
	(void)bytes;
	free(mem);
}

static void spin_lock(struct dma_platform *p, struct dma_lock *lock)
{
	(void)p;
	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0) {
		for (unsigned n = 0; __atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0; n++) {
			__builtin_ia32_pause();
			if (n % 20000 == 19999)
				sched_yield();
		}
	}
}

static void spin_unlock(struct dma_platform *p, struct dma_lock *lock)
{
	(void)p;
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

static struct dma_platform platform = {
	.size = sizeof(platform),
	.name = "bench",
	.meta_alloc = heap_alloc,
	.meta_free = heap_free,
	.spin_lock = spin_lock,
	.spin_unlock = spin_unlock,
};

static void *peer_new(void)
{
	struct iova_cfg cfg = {
		.platform = &platform,
		.last = ((uint64_t)1 << 48) - 1,
		.granule_lg2 = 12,
		.span_lg2 = 21,
	};
	struct peer_domain *d = aligned_alloc(128, sizeof(*d));

	memset(d, 0, sizeof(*d));
	if (iova_space_init(&d->space, &cfg) != 0)
		abort();
	for (int i = 0; i < NR_WORKERS; i++) {
		d->cache[i] = heap_alloc(&platform, sizeof(*d->cache[i]), 128);
		iova_cache_init(d->cache[i], &d->space);
	}
	return d;
}

static void peer_del(void *domain)
{
	struct peer_domain *d = domain;

	for (int i = 0; i < NR_WORKERS; i++) {
		iova_cache_fini(d->cache[i]);
		free(d->cache[i]);
	}
	iova_space_fini(&d->space);
	free(d);
}

/* The workloads that run out of space have one thread, so the other slot counts as kept out. */
static __attribute__((noinline, cold)) uint64_t alloc_slow(struct peer_domain *d, uint32_t nr,
							   uint64_t last)
{
	struct iova_req req = { .nr = nr, .last = last };
	struct iova_entry e;
	int err = iova_alloc(&d->space, d->cache[cpu], &req, &e);

	if (err == -EAGAIN) {
		req.flags = IOVA_DRAINED;
		err = iova_alloc(&d->space, d->cache[cpu], &req, &e);
	}
	return err == 0 ? e.iova : 0;
}

/* The handle is the address: 0 is never handed out. */
static __attribute__((noinline)) uint64_t peer_alloc(struct peer_domain *d, uint32_t nr,
						     uint64_t last_pfn)
{
	uint64_t last = (last_pfn << 12) | 0xfff;
	struct iova_entry e;

	if (likely(iova_cache_alloc(d->cache[cpu], nr, last, &e)))
		return e.iova;
	return alloc_slow(d, nr, last);
}

static __attribute__((noinline)) void peer_free(struct peer_domain *d, uint64_t iova, uint32_t nr)
{
	if (unlikely(!iova_cache_free(d->cache[cpu], nr, iova, 0)))
		iova_free(&d->space, d->cache[cpu], iova, nr, 0);
}

#define IV(x) dmamap_##x
#define IV_PEER "dmamap"
#define IV_ALLOC(d, np, lim) peer_alloc(d, np, lim)
#define IV_FREE(d, h, np) peer_free(d, h, np)
#define IV_NEW() peer_new()
#define IV_DEL(d) peer_del(d)
#include "bench/workloads/wl_iova.h"

void peers_main(int quick)
{
	dmamap_all(quick);
}
