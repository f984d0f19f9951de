/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of threads: a thread-local pointer to the slot, set at the first call of a thread, and a
 * thread-specific key whose destructor gives the slot back when the thread ends. The main thread
 * keeps its slot until the process ends. Lock: none; claiming is one compare-and-exchange.
 */
#include <pthread.h>
#include <sched.h>

#include "core/slot.h"

_Thread_local struct dma_slot *dma_slot_of_thread;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_exists;

static void give_back(void *arg)
{
	struct dma_slot *slot = arg;

	/* A destructor that runs after this one and calls the library claims a slot anew. */
	dma_slot_of_thread = NULL;
	dma_slot_release(slot);
}

static void make_key(void)
{
	key_exists = pthread_key_create(&key, give_back) == 0;
}

struct dma_slot *dma_slot_attach_self(void)
{
	struct dma_slot *slot;

	if (dma_slot_of_thread != NULL)
		return dma_slot_of_thread;
	pthread_once(&key_once, make_key);
	if (!key_exists)
		return NULL; /* the slot could never be given back */
	slot = dma_slot_claim();
	if (slot == NULL)
		return NULL;
	if (pthread_setspecific(key, slot) != 0) {
		dma_slot_release(slot);
		return NULL;
	}
	dma_slot_of_thread = slot;
	return slot;
}

void dma_slot_wait(void)
{
	sched_yield();
}
