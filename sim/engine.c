/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engines. Told mode: whoever calls sim_engines_run() runs them, one caller at a time. Thread
 * mode: one thread each, which sleeps until kicked.
 *
 * Locks: engine->work (recursive) while a step runs; engine->state for kicks and the timer,
 * innermost, so a kick is possible from anywhere; engines->run keeps told mode to one caller.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "sim/engine.h"
#include "sim/rng.h"

#define RNG_STREAM 3u
#define MAX_ENGINES 32u
#define NEVER UINT64_MAX
#define MAX_JUMP_NS 100000u

struct sim_engine {
	struct sim_engines *engines;
	const char *name;
	sim_step_fn step;
	void *ctx;
	pthread_mutex_t work;
	pthread_mutex_t state;
	pthread_cond_t kicked_cond;
	bool kicked;
	bool stop;
	uint64_t at_ns; /* NEVER: no timed kick */
	pthread_t thread;
	uint32_t idx;
};

struct sim_engines {
	bool threaded;
	struct sim_rng rng;
	struct sim_trace *trace;
	_Atomic uint64_t now_ns; /* told mode */
	pthread_mutex_t run;
	struct sim_engine *engine[MAX_ENGINES];
};

static uint64_t host_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int sim_engines_new(uint64_t seed, bool threaded, struct sim_trace *trace, struct sim_engines **out)
{
	struct sim_engines *engines = calloc(1, sizeof(*engines));

	if (engines == NULL)
		return -ENOMEM;
	engines->threaded = threaded;
	engines->rng = sim_rng_make(seed, RNG_STREAM);
	engines->trace = threaded ? NULL : trace;
	if (pthread_mutex_init(&engines->run, NULL) != 0) {
		free(engines);
		return -ENOMEM;
	}
	*out = engines;
	return 0;
}

void sim_engines_free(struct sim_engines *engines)
{
	if (engines == NULL)
		return;
	pthread_mutex_destroy(&engines->run);
	free(engines);
}

/* Takes a due timed kick, too. With engine->state held. */
static bool has_work(struct sim_engine *engine)
{
	if (engine->at_ns != NEVER && engine->at_ns <= sim_engines_now_ns(engine->engines)) {
		engine->at_ns = NEVER;
		engine->kicked = true;
	}
	return engine->kicked;
}

/* With engine->state held. */
static void wait_for_work(struct sim_engine *engine)
{
	if (engine->at_ns == NEVER) {
		pthread_cond_wait(&engine->kicked_cond, &engine->state);
	} else {
		struct timespec t = {
			.tv_sec = (time_t)(engine->at_ns / 1000000000u),
			.tv_nsec = (long)(engine->at_ns % 1000000000u),
		};

		pthread_cond_timedwait(&engine->kicked_cond, &engine->state, &t);
	}
}

/* The kick is taken before the step, so one that arrives during the step is not lost. */
static void run_step(struct sim_engine *engine)
{
	enum sim_step result;

	pthread_mutex_lock(&engine->work);
	pthread_mutex_lock(&engine->state);
	engine->kicked = false;
	pthread_mutex_unlock(&engine->state);
	result = engine->step(engine->ctx);
	pthread_mutex_unlock(&engine->work);
	if (result == SIM_STEP_MORE) {
		pthread_mutex_lock(&engine->state);
		engine->kicked = true;
		pthread_mutex_unlock(&engine->state);
	}
}

static void *engine_thread(void *arg)
{
	struct sim_engine *engine = arg;
	bool stop;

	do {
		pthread_mutex_lock(&engine->state);
		while (!engine->stop && !has_work(engine))
			wait_for_work(engine);
		stop = engine->stop;
		pthread_mutex_unlock(&engine->state);
		if (!stop)
			run_step(engine);
	} while (!stop);
	return NULL;
}

static int sync_init(struct sim_engine *engine)
{
	pthread_mutexattr_t mutex_attr;
	pthread_condattr_t cond_attr;
	int err;

	if (pthread_mutexattr_init(&mutex_attr) != 0)
		return -ENOMEM;
	pthread_mutexattr_settype(&mutex_attr, PTHREAD_MUTEX_RECURSIVE);
	err = pthread_mutex_init(&engine->work, &mutex_attr);
	pthread_mutexattr_destroy(&mutex_attr);
	if (err != 0)
		return -ENOMEM;
	if (pthread_condattr_init(&cond_attr) != 0) {
		pthread_mutex_destroy(&engine->work);
		return -ENOMEM;
	}
	pthread_condattr_setclock(&cond_attr, CLOCK_MONOTONIC);
	err = pthread_cond_init(&engine->kicked_cond, &cond_attr);
	pthread_condattr_destroy(&cond_attr);
	if (err == 0)
		err = pthread_mutex_init(&engine->state, NULL);
	if (err != 0)
		pthread_mutex_destroy(&engine->work);
	return err != 0 ? -ENOMEM : 0;
}

static void sync_fini(struct sim_engine *engine)
{
	pthread_mutex_destroy(&engine->work);
	pthread_mutex_destroy(&engine->state);
	pthread_cond_destroy(&engine->kicked_cond);
}

static int list_add(struct sim_engines *engines, struct sim_engine *engine)
{
	int err = -ENOSPC;

	pthread_mutex_lock(&engines->run);
	for (uint32_t i = 0; i < MAX_ENGINES && err != 0; i++) {
		if (engines->engine[i] == NULL) {
			engine->idx = i;
			engines->engine[i] = engine;
			err = 0;
		}
	}
	pthread_mutex_unlock(&engines->run);
	return err;
}

static void list_del(struct sim_engine *engine)
{
	pthread_mutex_lock(&engine->engines->run);
	engine->engines->engine[engine->idx] = NULL;
	pthread_mutex_unlock(&engine->engines->run);
}

int sim_engine_new(struct sim_engines *engines, const char *name, sim_step_fn step, void *ctx,
		   struct sim_engine **out)
{
	struct sim_engine *engine = calloc(1, sizeof(*engine));
	int err;

	if (engine == NULL)
		return -ENOMEM;
	engine->engines = engines;
	engine->name = name;
	engine->step = step;
	engine->ctx = ctx;
	engine->at_ns = NEVER;
	err = sync_init(engine);
	if (err != 0)
		goto free_engine;
	err = list_add(engines, engine);
	if (err != 0)
		goto fini_sync;
	if (engines->threaded &&
	    pthread_create(&engine->thread, NULL, engine_thread, engine) != 0) {
		err = -EAGAIN;
		goto del_list;
	}
	*out = engine;
	return 0;

del_list:
	list_del(engine);
fini_sync:
	sync_fini(engine);
free_engine:
	free(engine);
	return err;
}

void sim_engine_free(struct sim_engine *engine)
{
	if (engine == NULL)
		return;
	if (engine->engines->threaded) {
		pthread_mutex_lock(&engine->state);
		engine->stop = true;
		pthread_cond_signal(&engine->kicked_cond);
		pthread_mutex_unlock(&engine->state);
		pthread_join(engine->thread, NULL);
	}
	list_del(engine);
	sync_fini(engine);
	free(engine);
}

void sim_engine_kick(struct sim_engine *engine)
{
	pthread_mutex_lock(&engine->state);
	engine->kicked = true;
	pthread_cond_signal(&engine->kicked_cond);
	pthread_mutex_unlock(&engine->state);
}

void sim_engine_kick_at(struct sim_engine *engine, uint64_t at_ns)
{
	pthread_mutex_lock(&engine->state);
	engine->at_ns = at_ns;
	pthread_cond_signal(&engine->kicked_cond);
	pthread_mutex_unlock(&engine->state);
}

void sim_engine_lock(struct sim_engine *engine)
{
	pthread_mutex_lock(&engine->work);
}

void sim_engine_unlock(struct sim_engine *engine)
{
	pthread_mutex_unlock(&engine->work);
}

/* Runnable engines, in the order of their making. */
static uint32_t collect(struct sim_engines *engines, struct sim_engine **ready)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < MAX_ENGINES; i++) {
		struct sim_engine *engine = engines->engine[i];

		if (engine == NULL)
			continue;
		pthread_mutex_lock(&engine->state);
		if (has_work(engine))
			ready[nr++] = engine;
		pthread_mutex_unlock(&engine->state);
	}
	return nr;
}

uint32_t sim_engines_run(struct sim_engines *engines, uint32_t max_steps)
{
	struct sim_engine *ready[MAX_ENGINES];
	uint32_t done;

	if (engines->threaded) {
		sched_yield();
		return 0;
	}
	/* Somebody runs them already; perhaps this very thread, from inside a step. */
	if (pthread_mutex_trylock(&engines->run) != 0)
		return 0;
	for (done = 0; done < max_steps; done++) {
		uint32_t nr = collect(engines, ready), pick;

		if (nr == 0)
			break;
		pick = (uint32_t)sim_rng_below(&engines->rng, nr);
		sim_trace_add(engines->trace, SIM_TRACE_STEP, ready[pick]->idx, nr);
		run_step(ready[pick]);
	}
	pthread_mutex_unlock(&engines->run);
	return done;
}

bool sim_engines_idle(struct sim_engines *engines)
{
	struct sim_engine *ready[MAX_ENGINES];
	uint32_t nr;

	pthread_mutex_lock(&engines->run);
	nr = collect(engines, ready);
	pthread_mutex_unlock(&engines->run);
	return nr == 0;
}

uint64_t sim_engines_now_ns(struct sim_engines *engines)
{
	if (engines->threaded)
		return host_now_ns();
	return atomic_load_explicit(&engines->now_ns, memory_order_relaxed);
}

/* How far time may pass with no work at all: to the next timed kick, but not by much. */
static uint64_t idle_jump_ns(struct sim_engines *engines)
{
	uint64_t now = sim_engines_now_ns(engines), next = NEVER;

	for (uint32_t i = 0; i < MAX_ENGINES; i++) {
		struct sim_engine *engine = engines->engine[i];

		if (engine == NULL)
			continue;
		pthread_mutex_lock(&engine->state);
		if (has_work(engine))
			next = now;
		else if (engine->at_ns < next)
			next = engine->at_ns;
		pthread_mutex_unlock(&engine->state);
	}
	if (next == NEVER || next <= now)
		return 0;
	return next - now < MAX_JUMP_NS ? next - now : MAX_JUMP_NS;
}

void sim_engines_advance(struct sim_engines *engines, uint64_t ns)
{
	if (engines->threaded || pthread_mutex_trylock(&engines->run) != 0)
		return;
	ns += idle_jump_ns(engines);
	pthread_mutex_unlock(&engines->run);
	atomic_fetch_add_explicit(&engines->now_ns, ns, memory_order_relaxed);
}
