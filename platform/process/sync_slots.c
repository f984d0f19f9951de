/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync_slots for threads: every other thread of the process passes a full barrier before the
 * call returns. A fence of the caller alone would not do: it orders the caller's accesses, not
 * those of an owner between its store of busy and its load of drain (src/core/slot.h).
 *
 * Three ways, the first that the kernel has:
 * 1. membarrier(2) PRIVATE_EXPEDITED: interrupts the CPUs that run a thread of this process.
 * 2. membarrier(2) GLOBAL: waits until every CPU has switched contexts; milliseconds.
 * 3. No membarrier: run on every CPU in turn. To run there, the CPU has to switch away from
 *    whatever thread it ran, and a context switch is a full barrier. CPUs that refuse
 *    this thread are outside the process's CPU set and run none of its threads.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/assert.h"
#include "platform/process/process.h"
#include "platform/process/sync_slots.h"

static pthread_once_t choose_once = PTHREAD_ONCE_INIT;
static enum dma_process_barrier chosen;

static int membarrier(int cmd)
{
	return (int)syscall(SYS_membarrier, cmd, 0, 0);
}

static void choose(void)
{
	int commands = membarrier(MEMBARRIER_CMD_QUERY);

	chosen = DMA_PROCESS_BARRIER_SWITCH;
	if (commands < 0)
		return;
	if ((commands & MEMBARRIER_CMD_GLOBAL) != 0)
		chosen = DMA_PROCESS_BARRIER_GLOBAL;
	if ((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
	    membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
		chosen = DMA_PROCESS_BARRIER_EXPEDITED;
}

/* Larger masks than cpu_set_t are not handled: sched_getaffinity() fails and says so. */
static bool switch_on_every_cpu(void)
{
	cpu_set_t old;

	if (sched_getaffinity(0, sizeof(old), &old) != 0)
		return false;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		/* Returns on that CPU, or fails when the process may not run there. */
		(void)sched_setaffinity(0, sizeof(one), &one);
	}
	return sched_setaffinity(0, sizeof(old), &old) == 0;
}

enum dma_process_barrier dma_process_barrier_chosen(void)
{
	pthread_once(&choose_once, choose);
	return chosen;
}

bool dma_process_barrier_run(enum dma_process_barrier how)
{
	switch (how) {
	case DMA_PROCESS_BARRIER_EXPEDITED:
		return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
	case DMA_PROCESS_BARRIER_GLOBAL:
		return membarrier(MEMBARRIER_CMD_GLOBAL) == 0;
	case DMA_PROCESS_BARRIER_SWITCH:
		break;
	}
	return switch_on_every_cpu();
}

void dma_process_sync_slots(struct dma_platform *p)
{
	(void)p;
	/* The caller's own accesses: membarrier orders them too, the switch below may not. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!dma_process_barrier_run(dma_process_barrier_chosen()) && !switch_on_every_cpu())
		dma_assert_failed(__FILE__, __LINE__,
				  "no way to make other threads pass a barrier");
	atomic_thread_fence(memory_order_seq_cst);
}
