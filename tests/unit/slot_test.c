/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots: claimed once per thread, given back, drained against running owners. */
#include "core/slot.h"

#include <pthread.h>
#include <sched.h>

#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define NR_CONTENDERS (DMA_NR_SLOTS + 16)
#define NR_OWNERS 3
#define NR_DRAINS 200

static uint32_t nr_claimed(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++)
		n += dma_slots[i].claimed != 0;
	return n;
}

TEST(a_context_finds_the_same_slot_at_every_call)
{
	struct dma_slot *slot = dma_slot_enter();

	assert_non_null(slot);
	assert_int_equal(slot->busy, 1);
	assert_ptr_equal(slot, &dma_slots[slot->idx]);
	dma_slot_leave(slot);
	assert_int_equal(slot->busy, 0);
	assert_ptr_equal(dma_slot_enter(), slot);
	dma_slot_leave(slot);
}

struct contender {
	pthread_t thread;
	struct dma_slot *slot;
};

static pthread_barrier_t all_tried;

static void *contend(void *arg)
{
	struct contender *c = arg;

	c->slot = dma_slot_enter();
	if (c->slot != NULL)
		dma_slot_leave(c->slot);
	pthread_barrier_wait(&all_tried);
	return NULL;
}

TEST(more_threads_than_slots_share_no_slot_and_all_come_back)
{
	static struct contender c[NR_CONTENDERS];
	bool taken[DMA_NR_SLOTS] = { false };
	uint32_t before = nr_claimed();
	uint32_t nr_without = 0;

	pthread_barrier_init(&all_tried, NULL, NR_CONTENDERS);
	for (uint32_t i = 0; i < NR_CONTENDERS; i++)
		assert_ok(pthread_create(&c[i].thread, NULL, contend, &c[i]));
	for (uint32_t i = 0; i < NR_CONTENDERS; i++)
		assert_ok(pthread_join(c[i].thread, NULL));
	pthread_barrier_destroy(&all_tried);
	for (uint32_t i = 0; i < NR_CONTENDERS; i++) {
		if (c[i].slot == NULL) {
			nr_without++;
			continue;
		}
		assert_false(taken[c[i].slot->idx]);
		taken[c[i].slot->idx] = true;
	}
	assert_int_equal(nr_without, NR_CONTENDERS - (DMA_NR_SLOTS - before));
	assert_int_equal(nr_claimed(), before);
}

/* What an owner changes inside its slot with plain stores; a torn pair is what drains prevent. */
static struct {
	uint64_t a;
	uint64_t b;
} cache[DMA_NR_SLOTS];

static _Atomic uint32_t stop;
static _Atomic uint64_t nr_torn;

static void *own(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		struct dma_slot *slot = dma_slot_enter();

		if (slot == NULL)
			continue;
		if (cache[slot->idx].a != cache[slot->idx].b)
			atomic_fetch_add_explicit(&nr_torn, 1, memory_order_relaxed);
		cache[slot->idx].a++;
		atomic_signal_fence(memory_order_seq_cst);
		cache[slot->idx].b++;
		dma_slot_leave(slot);
	}
	return NULL;
}

/* Drains as a caller inside its slot, or as one that has none. */
static void *drain(void *arg)
{
	struct host_platform *h = arg;

	for (uint32_t n = 0; n < NR_DRAINS; n++) {
		struct dma_slot *self = n % 2 == 0 ? dma_slot_enter() : NULL;

		dma_slots_drain_begin(&h->p, self);
		for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
			if (cache[i].a != cache[i].b)
				atomic_fetch_add_explicit(&nr_torn, 1, memory_order_relaxed);
			cache[i].a = cache[i].b = 0;
		}
		dma_slots_drain_end(&h->p, self);
		if (self != NULL)
			dma_slot_leave(self);
	}
	return NULL;
}

TEST(two_drainers_see_whole_caches_while_owners_run)
{
	struct host_platform h;
	pthread_t owners[NR_OWNERS];
	pthread_t drainers[2];

	host_platform_init(&h, NULL);
	atomic_store(&stop, 0);
	atomic_store(&nr_torn, 0);
	for (uint32_t i = 0; i < NR_OWNERS; i++)
		assert_ok(pthread_create(&owners[i], NULL, own, NULL));
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(pthread_create(&drainers[i], NULL, drain, &h));
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(pthread_join(drainers[i], NULL));
	atomic_store(&stop, 1);
	for (uint32_t i = 0; i < NR_OWNERS; i++)
		assert_ok(pthread_join(owners[i], NULL));
	assert_u64_equal(nr_torn, 0);
	for (uint32_t i = 0; i < DMA_NR_SLOTS; i++) {
		assert_int_equal(dma_slots[i].drain, 0);
		assert_int_equal(dma_slots[i].busy, 0);
	}
	host_platform_fini(&h);
}

static void *enter_and_leave(void *arg)
{
	struct dma_slot *slot = dma_slot_enter();

	atomic_store((_Atomic uint32_t *)arg, 1);
	dma_slot_leave(slot);
	return NULL;
}

TEST(a_thread_that_claims_a_slot_during_a_drain_waits_for_its_end)
{
	_Atomic uint32_t entered = 0;
	struct host_platform h;
	pthread_t thread;

	host_platform_init(&h, NULL);
	dma_slots_drain_begin(&h.p, NULL);
	assert_ok(pthread_create(&thread, NULL, enter_and_leave, &entered));
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_int_equal(atomic_load(&entered), 0);
	dma_slots_drain_end(&h.p, NULL);
	assert_ok(pthread_join(thread, NULL));
	assert_int_equal(atomic_load(&entered), 1);
	host_platform_fini(&h);
}

TEST(a_drainer_is_inside_its_own_slot_again_afterwards)
{
	struct host_platform h;
	struct dma_slot *self = dma_slot_enter();

	host_platform_init(&h, NULL);
	dma_slots_drain_begin(&h.p, self);
	assert_int_equal(self->busy, 0);
	assert_int_equal(self->drain, 0);
	dma_slots_drain_end(&h.p, self);
	assert_int_equal(self->busy, 1);
	dma_slot_leave(self);
	host_platform_fini(&h);
}

static struct dma_device *device(uintptr_t n)
{
	return (struct dma_device *)n; /* compared, never dereferenced */
}

static void record(struct dma_slot *slot, uintptr_t dev, uint64_t found)
{
	dma_error_record(slot, &(struct dma_error){ .dev = device(dev), .found = found });
}

TEST(the_last_four_failures_are_kept_newest_first)
{
	struct dma_slot *slot = dma_slot_enter();
	struct dma_error err = { 0 };

	for (uint64_t n = 1; n <= 6; n++)
		record(slot, (uintptr_t)(0x10 * n), n);
	dma_slot_leave(slot);
	assert_true(dma_error_newest(NULL, &err));
	assert_u64_equal(err.found, 6);
	assert_true(dma_error_newest(device(0x30), &err));
	assert_u64_equal(err.found, 3);
	err.found = 77;
	assert_false(dma_error_newest(device(0x20), &err));
	assert_u64_equal(err.found, 77);
}

static void *look_for_failures(void *arg)
{
	struct dma_error err;

	*(bool *)arg = dma_error_newest(NULL, &err);
	return NULL;
}

TEST(a_new_owner_of_a_slot_sees_no_failure_of_the_last_one)
{
	struct dma_error err;
	pthread_t thread;
	bool found = true;

	record(NULL, 0x10, 1);
	assert_true(dma_error_newest(NULL, &err));
	assert_ok(pthread_create(&thread, NULL, look_for_failures, &found));
	assert_ok(pthread_join(thread, NULL));
	assert_false(found);
}

static void *fail_without_slot(void *arg)
{
	struct dma_slot *slot = dma_slot_enter();

	if (slot != NULL) {
		dma_slot_leave(slot);
		return NULL;
	}
	record(NULL, 0x40, 4711);
	(void)dma_error_newest(device(0x40), arg);
	return NULL;
}

TEST(a_thread_without_a_slot_reads_its_failure_from_the_shared_record)
{
	struct dma_slot *all[DMA_NR_SLOTS];
	struct dma_error err = { 0 };
	uint32_t n = 0;
	pthread_t thread;

	while ((all[n] = dma_slot_claim()) != NULL) {
		if (++n == DMA_NR_SLOTS)
			break;
	}
	assert_ok(pthread_create(&thread, NULL, fail_without_slot, &err));
	assert_ok(pthread_join(thread, NULL));
	while (n > 0)
		dma_slot_release(all[--n]);
	assert_u64_equal(err.found, 4711);
}
