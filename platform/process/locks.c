/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks of a process over one C11 atomic word: 0 free, 1 held. There are no interrupts in a
 * process, so the spin lock is interrupt-safe by itself, and the sleeping lock may be the same
 * lock: both yield, because the holder can be preempted. Not fair; library locks are slow-path.
 */
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "platform/process/process.h"

#define SPINS_BEFORE_YIELD 64

_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "a lock word is an atomic word");

static _Atomic uint32_t *word_of(struct dma_lock *lock)
{
	return (_Atomic uint32_t *)&lock->word;
}

void dma_process_spin_lock(struct dma_platform *p, struct dma_lock *lock)
{
	_Atomic uint32_t *word = word_of(lock);
	uint32_t spins = 0;

	(void)p;
	while (atomic_exchange_explicit(word, 1, memory_order_acquire) != 0) {
		while (atomic_load_explicit(word, memory_order_relaxed) != 0) {
			if (++spins > SPINS_BEFORE_YIELD)
				sched_yield();
		}
	}
}

void dma_process_spin_unlock(struct dma_platform *p, struct dma_lock *lock)
{
	(void)p;
	atomic_store_explicit(word_of(lock), 0, memory_order_release);
}

void dma_process_mutex_lock(struct dma_platform *p, struct dma_lock *lock)
{
	dma_process_spin_lock(p, lock);
}

void dma_process_mutex_unlock(struct dma_platform *p, struct dma_lock *lock)
{
	dma_process_spin_unlock(p, lock);
}

uint64_t dma_process_now_ns(struct dma_platform *p)
{
	struct timespec t;

	(void)p;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void dma_process_relax(struct dma_platform *p)
{
	(void)p;
	sched_yield();
}
