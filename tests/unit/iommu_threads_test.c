/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU core and its ops table with several threads, also under the thread sanitizer. The fake
 * IOMMU only counts here, with relaxed atomics: every order that the accesses below need has to
 * come from the library. Who owns an IOVA is written into a table that is not atomic, so an IOVA
 * that two threads hold at once, or that passes between them without order, is a race.
 */
#include <pthread.h>

#include "tests/support/iommu_fixture.h"

#define NR_THREADS 4
#define IOVA_PAGES 4096u

static struct iommu_fixture f;
static pthread_barrier_t gate;
static uint32_t owner[IOVA_PAGES];

struct worker {
	pthread_t thread;
	uint32_t id;
	uint32_t rounds;
	uint32_t nr_live;
	uint64_t seed;
	uint64_t nr_failed;
	bool bad;
	dma_addr_t addr[128];
	uint32_t pages[128];
};

static uint32_t rnd(uint64_t *s, uint32_t n)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*s >> 33) % n;
}

static void own(struct worker *w, dma_addr_t addr, uint32_t pages, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < pages; i++) {
		uint32_t *o = &owner[(addr >> 12) + i];

		w->bad |= *o != from;
		*o = to;
	}
}

static void map_one(struct worker *w, uint32_t k)
{
	uint32_t pages = 1 + rnd(&w->seed, 4);

	w->addr[k] = dma_map_phys(f.dev, FIX_RAM, pages * 4096, DMA_TO_DEVICE, 0);
	if (w->addr[k] == DMA_MAPPING_ERROR) {
		w->addr[k] = 0;
		w->nr_failed++;
		return;
	}
	w->pages[k] = pages;
	own(w, w->addr[k], pages, 0, w->id);
}

static void unmap_one(struct worker *w, uint32_t k)
{
	own(w, w->addr[k], w->pages[k], w->id, 0);
	dma_unmap_phys(f.dev, w->addr[k], w->pages[k] * 4096, DMA_TO_DEVICE, 0);
	w->addr[k] = 0;
}

/* All threads hold what they got before any gives something back. */
static void *churn(void *arg)
{
	struct worker *w = arg;

	for (uint32_t k = 0; k < w->nr_live; k++)
		map_one(w, k);
	pthread_barrier_wait(&gate);
	for (uint32_t i = 0; i < w->rounds; i++) {
		uint32_t k = rnd(&w->seed, w->nr_live);

		if (w->addr[k] != 0)
			unmap_one(w, k);
		else
			map_one(w, k);
	}
	for (uint32_t k = 0; k < w->nr_live; k++) {
		if (w->addr[k] != 0)
			unmap_one(w, k);
	}
	return NULL;
}

static void start(struct worker *w, uint32_t nr, uint32_t rounds, uint32_t nr_live)
{
	memset(owner, 0, sizeof(owner));
	assert_ok(pthread_barrier_init(&gate, NULL, nr));
	for (uint32_t i = 0; i < nr; i++) {
		w[i] = (struct worker){
			.id = i + 1, .rounds = rounds, .nr_live = nr_live, .seed = i + 7
		};
		assert_ok(pthread_create(&w[i].thread, NULL, churn, &w[i]));
	}
}

static uint64_t finish(struct worker *w, uint32_t nr)
{
	uint64_t failed = 0;

	for (uint32_t i = 0; i < nr; i++) {
		assert_ok(pthread_join(w[i].thread, NULL));
		failed += w[i].nr_failed;
	}
	for (uint32_t i = 0; i < nr; i++)
		assert_false(w[i].bad);
	return failed;
}

TEST(no_iova_is_in_two_hands)
{
	static struct worker w[NR_THREADS];

	for (uint32_t deferred = 0; deferred < 2; deferred++) {
		f = (struct iommu_fixture){ .granule_lg2 = 12,
					    .mask_bits = 24,
					    .deferred = deferred != 0,
					    .fake.no_tlb = true };
		iommu_fixture_open(&f);
		start(w, NR_THREADS, 20000, 64);
		assert_int_equal(finish(w, NR_THREADS), 0);
		assert_u64_equal(iommu_fixture_live(&f), 0);
		iommu_fixture_close(&f);
	}
}

TEST(a_full_space_is_shared_out_by_draining)
{
	static struct worker w[NR_THREADS];

	for (uint32_t deferred = 0; deferred < 2; deferred++) {
		/* 255 pages for four threads that want 1,280 */
		f = (struct iommu_fixture){ .granule_lg2 = 12,
					    .mask_bits = 20,
					    .deferred = deferred != 0,
					    .fake.no_tlb = true };
		iommu_fixture_open(&f);
		start(w, NR_THREADS, 5000, 128);
		assert_true(finish(w, NR_THREADS) > 0);
		assert_u64_equal(iommu_fixture_live(&f), 0);
		iommu_fixture_close(&f);
	}
}

TEST(trim_poll_and_mode_changes_may_come_at_any_time)
{
	static struct worker w[2];
	struct dma_iommu_info info;
	struct dma_domain *dom;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 24, .fake.no_tlb = true };
	iommu_fixture_open(&f);
	dom = dma_device_domain(f.dev);
	start(w, 2, 20000, 64);
	for (uint32_t i = 0; i < 60; i++) {
		dma_trim(f.dev);
		assert_ok(dma_domain_set_deferred(dom, i % 2 == 0));
		dma_poll(f.dev);
		dma_iommu_get_info(f.iommu, &info);
	}
	assert_int_equal(finish(w, 2), 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

static void *lists(void *arg)
{
	struct worker *w = arg;
	struct scatterlist sgl[24];

	for (uint32_t i = 0; i < w->rounds; i++) {
		uint32_t nents = 1 + rnd(&w->seed, 24);

		memset(sgl, 0, sizeof(sgl));
		for (uint32_t k = 0; k < nents; k++) {
			sgl[k].phys = FIX_RAM + (uint64_t)rnd(&w->seed, 2048) * 8192;
			sgl[k].length = 4096;
		}
		sgl[nents - 1].flags = SG_END;
		if (dma_map_sg_attrs(f.dev, sgl, (int)nents, DMA_FROM_DEVICE, 0) == 0) {
			w->nr_failed++;
			continue;
		}
		w->bad |= sgl[0].dma_length < 4096 * (nents < 16 ? nents : 16);
		own(w, sgl[0].dma_address, nents, 0, w->id);
		own(w, sgl[0].dma_address, nents, w->id, 0);
		dma_unmap_sg_attrs(f.dev, sgl, (int)nents, DMA_FROM_DEVICE, 0);
	}
	return NULL;
}

TEST(lists_and_single_ranges_mix)
{
	static struct worker w[2];
	static struct worker l[2];

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 24, .fake.no_tlb = true };
	iommu_fixture_open(&f);
	start(w, 2, 10000, 64);
	for (uint32_t i = 0; i < 2; i++) {
		l[i] = (struct worker){ .id = 10 + i, .rounds = 4000, .seed = 99 + i };
		assert_ok(pthread_create(&l[i].thread, NULL, lists, &l[i]));
	}
	assert_int_equal(finish(l, 2), 0);
	assert_int_equal(finish(w, 2), 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

static void *buffers(void *arg)
{
	struct worker *w = arg;

	for (uint32_t i = 0; i < w->rounds; i++) {
		size_t size = 4096 * (1 + rnd(&w->seed, 8));
		dma_addr_t addr;
		void *cookie = dma_alloc_attrs(f.dev, size, &addr, GFP_KERNEL,
					       DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_NO_WARN);

		if (cookie == NULL) {
			w->nr_failed++;
			continue;
		}
		own(w, addr, (uint32_t)(size / 4096), 0, w->id);
		own(w, addr, (uint32_t)(size / 4096), w->id, 0);
		dma_free_attrs(f.dev, size, cookie, addr, DMA_ATTR_NO_KERNEL_MAPPING);
	}
	return NULL;
}

TEST(allocations_mix_with_maps)
{
	static struct worker w[2];
	static struct worker b[2];

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 24, .fake.no_tlb = true };
	iommu_fixture_open(&f);
	start(w, 2, 5000, 64);
	for (uint32_t i = 0; i < 2; i++) {
		b[i] = (struct worker){ .id = 10 + i, .rounds = 500, .seed = 99 + i };
		assert_ok(pthread_create(&b[i].thread, NULL, buffers, &b[i]));
	}
	assert_int_equal(finish(b, 2), 0);
	assert_int_equal(finish(w, 2), 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}
