/* SPDX-License-Identifier: BSD-2-Clause */
/* The DMA API of one device without an IOMMU from several threads: records, buffers, lists. */
#include <pthread.h>

#include "tests/support/dma_fixture.h"

#define NR_THREADS 4u
#define ROUNDS 400u

struct worker {
	pthread_t thread;
	struct dma_device *dev;
	uint32_t idx;
	uint32_t nr_wrong;
};

/* Assertions end a test only in its own thread, so workers count. */
static void expect(struct worker *w, bool right)
{
	if (!right)
		w->nr_wrong++;
}

static void alloc_and_free(struct worker *w, uint32_t round)
{
	size_t size = 4096 * (size_t)(round % 3 + 1);
	dma_addr_t addr;
	uint32_t *cpu = dma_alloc_attrs(w->dev, size, &addr, GFP_ATOMIC, DMA_ATTR_NO_WARN);

	expect(w, cpu != NULL);
	if (cpu == NULL)
		return;
	expect(w, cpu[0] == 0);
	cpu[0] = w->idx;
	expect(w, dma_map_phys(w->dev, addr, size, DMA_TO_DEVICE, 1ul << (16 + round % 8)) == addr);
	expect(w, cpu[0] == w->idx);
	dma_free_attrs(w->dev, size, cpu, addr, 0);
}

/* A failure of this thread is not covered by those of the others. */
static void fail_and_ask(struct worker *w, uint32_t round)
{
	size_t size = w->idx * 1000 + round + 1;
	struct dma_error e;

	expect(w, dma_map_phys(w->dev, 0, size, DMA_TO_DEVICE, 0) == DMA_MAPPING_ERROR);
	expect(w, dma_last_error(w->dev, &e) == 0 && e.len == size && e.rule == DMA_RULE_NOT_RAM);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		alloc_and_free(w, round);
		fail_and_ask(w, round);
	}
	return NULL;
}

TEST(threads_share_a_device_and_not_their_failures)
{
	struct worker workers[NR_THREADS];
	struct host_platform h;
	struct dma_device *dev;

	host_platform_init(&h, NULL);
	assert_ok(dma_device_create(&h.p, &(struct dma_device_desc){ .coherent = true }, &dev));
	assert_ok(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	for (uint32_t i = 0; i < NR_THREADS; i++) {
		workers[i] = (struct worker){ .dev = dev, .idx = i };
		assert_ok(pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (uint32_t i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_join(workers[i].thread, NULL));
	for (uint32_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(workers[i].nr_wrong, 0);
	assert_int_equal(h.nr_pages, 0);
	/* Every unknown bit was logged once, whoever came first. */
	assert_int_equal(h.nr_logs, 8);
	dma_device_destroy(dev);
	host_platform_fini(&h);
}
