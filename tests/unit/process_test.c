/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process gives every platform: locks exclude, barriers order, time goes forward. */
#include "platform/process/process.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/assert.h"
#include "platform/process/sync_slots.h"
#include "tests/support/check.h"

#define NR_THREADS 4
#define NR_ROUNDS 20000

static struct dma_lock lock;
static uint64_t counter; /* plain: only the lock protects it */

static void *count(void *arg)
{
	bool mutex = arg != NULL;

	for (int i = 0; i < NR_ROUNDS; i++) {
		(mutex ? dma_process_mutex_lock : dma_process_spin_lock)(NULL, &lock);
		counter++;
		(mutex ? dma_process_mutex_unlock : dma_process_spin_unlock)(NULL, &lock);
	}
	return NULL;
}

static void count_in_threads(void *arg)
{
	pthread_t threads[NR_THREADS];

	counter = 0;
	for (int i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_create(&threads[i], NULL, count, arg));
	for (int i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_join(threads[i], NULL));
	assert_u64_equal(counter, NR_THREADS * NR_ROUNDS);
	assert_u64_equal(lock.word, 0);
}

TEST(spin_locks_exclude_other_threads)
{
	count_in_threads(NULL);
}

TEST(mutexes_exclude_other_threads)
{
	count_in_threads(&lock);
}

TEST(the_barrier_that_the_kernel_offers_runs)
{
	assert_true(dma_process_barrier_run(dma_process_barrier_chosen()));
	dma_process_sync_slots(NULL);
}

TEST(the_barrier_without_membarrier_runs)
{
	assert_true(dma_process_barrier_run(DMA_PROCESS_BARRIER_SWITCH));
}

TEST(time_goes_forward)
{
	uint64_t start = dma_process_now_ns(NULL);
	uint64_t now = start;

	for (int i = 0; i < 1000000 && now == start; i++)
		now = dma_process_now_ns(NULL);
	assert_true(now > start);
}

static bool ended_by_abort(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(a_failed_assertion_ends_the_process)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		close(STDERR_FILENO);
		DMA_ASSERT(child != 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(ended_by_abort(status) == (DMA_ASSERTS != 0));
}
