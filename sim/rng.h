/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers of the models (the public-domain generator splitmix64) and the hash of what
 * happened. Every model has its own generator, so one model's draws do not shift another's.
 * Lock: the owner's; the trace hash takes none (with several threads there is no order to hash).
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdatomic.h>
#include <stdint.h>

struct sim_rng {
	uint64_t state;
};

static inline uint64_t sim_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline struct sim_rng sim_rng_make(uint64_t seed, uint64_t stream)
{
	return (struct sim_rng){ .state = sim_mix(seed + 0x9e3779b97f4a7c15u * (stream + 1)) };
}

static inline uint64_t sim_rng_next(struct sim_rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15u;
	return sim_mix(rng->state);
}

/* 0 .. limit - 1; limit != 0. The bias is below limit / 2^32 and of no matter here. */
static inline uint64_t sim_rng_below(struct sim_rng *rng, uint64_t limit)
{
	return (sim_rng_next(rng) >> 1) % limit;
}

enum sim_trace_tag {
	SIM_TRACE_ALLOC = 1,
	SIM_TRACE_FREE,
	SIM_TRACE_EVICT,
	SIM_TRACE_MAINTAIN,
	SIM_TRACE_DMA,
	SIM_TRACE_MMIO,
	SIM_TRACE_STEP,
	SIM_TRACE_MAP,
	SIM_TRACE_PIN,
};

struct sim_trace {
	_Atomic uint64_t hash;
};

/* @trace may be NULL. Never pass a host address. */
static inline void sim_trace_add(struct sim_trace *trace, enum sim_trace_tag tag, uint64_t a,
				 uint64_t b)
{
	uint64_t h;

	if (trace == NULL)
		return;
	h = atomic_load_explicit(&trace->hash, memory_order_relaxed);
	h = sim_mix(h ^ sim_mix(a + ((uint64_t)tag << 56)) ^ (sim_mix(~b) >> 1));
	atomic_store_explicit(&trace->hash, h, memory_order_relaxed);
}

#endif
