/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engines: when device models work. A device does its work in steps (one line of a frame, one
 * descriptor); an engine runs them.
 *
 * Told mode: nothing runs by itself. sim_engines_run() runs steps of the runnable engines in an
 * order drawn from one seed; the platform calls it from relax() and from MMIO. Time is simulated.
 * Thread mode: every engine has a thread; time is the host's.
 *
 * Lock: one per engine, held while a step runs and by the device's MMIO handlers. Order: engine
 * lock, then bus lock. Only kick may be called for another device's engine.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <dmamap/types.h>

struct sim_engine;
struct sim_engines;
struct sim_trace;

enum sim_step {
	SIM_STEP_IDLE, /* nothing left to do; runs again after a kick */
	SIM_STEP_MORE, /* did a piece of work, has more */
};

/* One bounded piece of work. The engine's lock is held; sim_bus_dma() may be called. */
typedef enum sim_step (*sim_step_fn)(void *ctx);

int sim_engines_new(uint64_t seed, bool threaded, struct sim_trace *trace,
		    struct sim_engines **engines);
/* All engines must have been freed. */
void sim_engines_free(struct sim_engines *engines);

/**
 * sim_engine_new() - give a device model an engine
 * @engines: of the machine: sim_bus_engines()
 * @name: for messages; must outlive the engine
 * @step: one piece of work
 * @ctx: its argument
 * @engine: the engine, idle until kicked
 *
 * Return: 0, -ENOMEM, -ENOSPC when all engines are taken, -EAGAIN when no thread can be made.
 */
DMA_MUST_CHECK int sim_engine_new(struct sim_engines *engines, const char *name, sim_step_fn step,
				  void *ctx, struct sim_engine **engine);
/* Ends its thread after the current step. Not from a step, nor with the engine's lock held. */
void sim_engine_free(struct sim_engine *engine);

/* There is work. From anywhere, with or without the lock. */
void sim_engine_kick(struct sim_engine *engine);
/* There will be work at @at_ns of sim_engines_now_ns(); a later call replaces an earlier one. */
void sim_engine_kick_at(struct sim_engine *engine, uint64_t at_ns);

void sim_engine_lock(struct sim_engine *engine);
void sim_engine_unlock(struct sim_engine *engine);

/* Told mode: run up to @max_steps steps; returns how many ran. Thread mode: yields, returns 0. */
uint32_t sim_engines_run(struct sim_engines *engines, uint32_t max_steps);
/* True when no engine has work now (timed kicks in the future do not count). */
bool sim_engines_idle(struct sim_engines *engines);

uint64_t sim_engines_now_ns(struct sim_engines *engines);
/* Told mode: time passes. With no work at all it may jump towards the next timed kick, 100 us. */
void sim_engines_advance(struct sim_engines *engines, uint64_t ns);

#endif
