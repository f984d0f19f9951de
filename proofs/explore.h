/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exhaustive interleavings of 2 to 4 contexts on a small machine with store buffers: a store
 * becomes visible to the others later; stores of one context to different variables may become
 * visible in any order, except that a release store waits for all earlier ones. Loads are in
 * program order (the code uses acquire where that matters). Every reachable state is visited once
 * and checked.
 */
#ifndef DMAMAP_PROOFS_EXPLORE_H
#define DMAMAP_PROOFS_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

enum { NR_VARS = 24, NR_CTX = 4, NR_REGS = 4, NR_STORES = 5 };

struct store {
	uint8_t var;
	uint8_t val;
	uint8_t release;
};

struct ctx {
	uint8_t pc;
	uint8_t nr_stores;
	uint8_t sync_wait; /* contexts that have not passed a barrier since this one's sync */
	uint8_t syncing;
	uint8_t regs[NR_REGS];
	struct store stores[NR_STORES];
};

struct world {
	uint8_t mem[NR_VARS];
	struct ctx ctx[NR_CTX];
};

enum { PC_DONE = 255 };

/**
 * struct model - one protocol, or a broken variant of it
 * @name: for messages
 * @nr_ctx: contexts
 * @nr_choices: alternatives a context may have at one step (tried 0 .. nr_choices - 1)
 * @init: first state
 * @step: run one step of context @c, alternative @choice; false: not enabled now
 * @check: what is wrong in this state, or NULL
 * @broken: the explorer must find a violation
 */
struct model {
	const char *name;
	int nr_ctx;
	int nr_choices;
	void (*init)(struct world *w);
	bool (*step)(struct world *w, int c, int choice);
	const char *(*check)(const struct world *w);
	bool broken;
};

/* As context c sees it: its own latest buffered store, else memory. */
uint8_t load(const struct world *w, int c, uint8_t var);
/* Buffered; false (step not enabled) while the buffer is full. */
bool store_relaxed(struct world *w, int c, uint8_t var, uint8_t val);
bool store_release(struct world *w, int c, uint8_t var, uint8_t val);
/* Full barrier, locked instruction: enabled when the own buffer is empty. */
bool fence(const struct world *w, int c);
/* Every other context passes a full barrier: call repeatedly; true when all have. */
bool sync_others(struct world *w, int c, int nr_ctx);
/* Lock as compare-and-exchange with acquire; unlock with release. */
bool lock_take(struct world *w, int c, uint8_t var);

/*
 * 0: as expected (violation found if and only if @broken). Prints one line, and the path of a
 * violation.
 */
int explore(const struct model *m);

extern const struct model slot_drain_models[];
extern const struct model table_life_models[];
extern const struct model flush_queue_models[];

#endif
