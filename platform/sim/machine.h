/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine inside: what its files share. Not for users of sim_platform.h.
 * Lock: every model has its own; counters here are atomic.
 */
#ifndef PLATFORM_SIM_MACHINE_H
#define PLATFORM_SIM_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "platform/sim/sim_platform.h"
#include "sim/cache.h"
#include "sim/mem.h"
#include "sim/ram.h"
#include "sim/rng.h"

#define SIM_NR_SITES 5u

/* Failure injection; @lock covers all of it. */
struct sim_inject {
	pthread_mutex_t lock;
	uint32_t nth_sites;
	uint64_t nth_left; /* 0: none */
	uint32_t random_sites;
	uint32_t random_num;
	struct sim_rng rng;
	uint64_t asked[SIM_NR_SITES];
	uint64_t failed[SIM_NR_SITES];
};

struct sim_machine {
	struct dma_platform platform;
	struct sim_machine_cfg cfg; /* defaults filled in; cfg.smmu is not kept */
	struct sim_trace trace;
	struct sim_ram *ram;
	struct sim_cache *cache; /* NULL: coherent */
	struct sim_mem *mem;
	struct sim_bus *bus;
	struct sim_engines *engines;
	struct sim_smmuv3 *smmu;
	struct sim_engine *smmu_engine;
	bool smmu_snoops;
	bool exact_writes;  /* the host tells written pages */
	struct sim_rng rng; /* of the pace; under the RAM lock */
	struct sim_inject inject;
	_Atomic uint64_t owned_pages;
	_Atomic uint64_t meta_bytes;
	_Atomic uint64_t meta_allocs;
	_Atomic uint64_t freed_mapped;
};

static inline struct sim_machine *sim_machine_of(struct dma_platform *p)
{
	return (struct sim_machine *)(void *)p;
}

_Static_assert(offsetof(struct sim_machine, platform) == 0, "the platform comes first");

/* Fill m->platform. The machine's models exist. */
void sim_platform_fill(struct sim_machine *m);

/* One line to the machine's log. */
void sim_machine_log(const struct sim_machine_cfg *cfg, enum dma_log_level level, const char *fmt,
		     ...) __attribute__((format(printf, 3, 4)));

int sim_inject_init(struct sim_inject *inject);
void sim_inject_fini(struct sim_inject *inject);
bool sim_inject_ask(struct sim_inject *inject, enum dma_inject_site site);

/* The SMMU on the bus, with its engine; undo. */
DMA_MUST_CHECK int sim_machine_smmu_init(struct sim_machine *m, const struct sim_smmuv3_cfg *cfg);
void sim_machine_smmu_fini(struct sim_machine *m);

#endif
