/* SPDX-License-Identifier: BSD-2-Clause */
/* Failure injection: the nth request at some sites, or requests drawn at random. Own lock. */
#include "platform/sim/machine.h"

#define RNG_STREAM 4u

int sim_inject_init(struct sim_inject *inject)
{
	return pthread_mutex_init(&inject->lock, NULL) != 0 ? -ENOMEM : 0;
}

void sim_inject_fini(struct sim_inject *inject)
{
	pthread_mutex_destroy(&inject->lock);
}

bool sim_inject_ask(struct sim_inject *inject, enum dma_inject_site site)
{
	uint32_t bit = 1u << site;
	bool fail = false;

	if ((uint32_t)site >= SIM_NR_SITES)
		return false;
	pthread_mutex_lock(&inject->lock);
	inject->asked[site]++;
	if (inject->nth_left != 0 && (inject->nth_sites & bit) != 0)
		fail = --inject->nth_left == 0;
	if ((inject->random_sites & bit) != 0)
		fail |= sim_rng_next(&inject->rng) >> 32 < inject->random_num;
	inject->failed[site] += fail;
	pthread_mutex_unlock(&inject->lock);
	return fail;
}

void sim_machine_fail_nth_at(struct sim_machine *m, uint32_t sites, uint64_t nth)
{
	pthread_mutex_lock(&m->inject.lock);
	m->inject.nth_sites = sites;
	m->inject.nth_left = nth;
	pthread_mutex_unlock(&m->inject.lock);
}

void sim_machine_fail_nth(struct sim_machine *m, uint64_t nth)
{
	sim_machine_fail_nth_at(m, SIM_INJECT_ALL, nth);
}

void sim_machine_fail_randomly(struct sim_machine *m, uint32_t sites, uint32_t num, uint64_t seed)
{
	pthread_mutex_lock(&m->inject.lock);
	m->inject.random_sites = num == 0 ? 0 : sites;
	m->inject.random_num = num;
	m->inject.rng = sim_rng_make(seed, RNG_STREAM);
	pthread_mutex_unlock(&m->inject.lock);
}

void sim_machine_inject_counts(struct sim_machine *m, enum dma_inject_site site, uint64_t *asked,
			       uint64_t *failed)
{
	pthread_mutex_lock(&m->inject.lock);
	*asked = (uint32_t)site < SIM_NR_SITES ? m->inject.asked[site] : 0;
	*failed = (uint32_t)site < SIM_NR_SITES ? m->inject.failed[site] : 0;
	pthread_mutex_unlock(&m->inject.lock);
}
