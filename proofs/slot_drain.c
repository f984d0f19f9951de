/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slot draining (docs/design/fast-path.md, "Slots"): one owner that works in its slot twice, one or
 * two drainers that take what is in it. The slot's content is a count of items: popped by the owner
 * or taken by a drainer, never both, never lost.
 */
#include "proofs/explore.h"

enum var { BUSY, DRAIN, LOCK, ITEMS, POPPED, TAKEN, OWNER_IN, DRAINER_IN };
enum { NR_ITEMS = 3, OWNER = 0, NR_ROUNDS = 2 };
enum reg { SEEN, ROUND };

static void init_items(struct world *w)
{
	w->mem[ITEMS] = NR_ITEMS;
}

/* The owner: enter, pop one item with plain loads and stores, leave; NR_ROUNDS times. */
static bool owner_step(struct world *w, int c)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 0: /* busy = 1, not ordered with the load that follows */
		if (!store_relaxed(w, c, BUSY, 1))
			return false;
		x->pc = 1;
		return true;
	case 1: /* drain? */
		x->pc = load(w, c, DRAIN) != 0 ? 10 : 2;
		return true;
	case 2: /* inside: OWNER_IN is the observer's, not a store of the program */
		w->mem[OWNER_IN] = 1;
		x->regs[SEEN] = load(w, c, ITEMS);
		x->pc = 3;
		return true;
	case 3:
		if (x->regs[SEEN] != 0) {
			if (!store_relaxed(w, c, ITEMS, (uint8_t)(x->regs[SEEN] - 1)))
				return false;
			w->mem[POPPED]++;
		}
		w->mem[OWNER_IN] = 0;
		x->pc = 4;
		return true;
	case 4: /* busy = 0, release */
		if (!store_release(w, c, BUSY, 0))
			return false;
		x->pc = ++x->regs[ROUND] == NR_ROUNDS ? PC_DONE : 0;
		return true;
	case 10: /* somebody wants in: step out and wait */
		if (!store_release(w, c, BUSY, 0))
			return false;
		x->pc = 11;
		return true;
	default:
		if (load(w, c, DRAIN) != 0)
			return false;
		x->pc = 0;
		return true;
	}
}

/* A drainer; skip_sync and skip_wait are the planted mistakes. */
static bool drainer_step(struct world *w, int c, int nr_ctx, bool skip_sync, bool skip_wait)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 0:
		if (!lock_take(w, c, LOCK))
			return false;
		x->pc = 1;
		return true;
	case 1:
		if (!store_relaxed(w, c, DRAIN, 1))
			return false;
		x->pc = skip_sync ? 3 : 2;
		return true;
	case 2:
		if (!sync_others(w, c, nr_ctx))
			return false;
		x->pc = 3;
		return true;
	case 3:
		if (!skip_wait && load(w, c, BUSY) != 0)
			return false;
		w->mem[DRAINER_IN]++;
		x->regs[SEEN] = load(w, c, ITEMS);
		x->pc = 4;
		return true;
	case 4:
		if (!store_relaxed(w, c, ITEMS, 0))
			return false;
		w->mem[TAKEN] = (uint8_t)(w->mem[TAKEN] + x->regs[SEEN]);
		w->mem[DRAINER_IN]--;
		x->pc = 5;
		return true;
	case 5:
		if (!store_release(w, c, DRAIN, 0))
			return false;
		x->pc = 6;
		return true;
	default:
		if (!store_release(w, c, LOCK, 0))
			return false;
		x->pc = PC_DONE;
		return true;
	}
}

static bool step_one(struct world *w, int c, int choice)
{
	(void)choice;
	return c == OWNER ? owner_step(w, c) : drainer_step(w, c, 2, false, false);
}

static bool step_two(struct world *w, int c, int choice)
{
	(void)choice;
	return c == OWNER ? owner_step(w, c) : drainer_step(w, c, 3, false, false);
}

static bool step_no_sync(struct world *w, int c, int choice)
{
	(void)choice;
	return c == OWNER ? owner_step(w, c) : drainer_step(w, c, 2, true, false);
}

static bool step_no_wait(struct world *w, int c, int choice)
{
	(void)choice;
	return c == OWNER ? owner_step(w, c) : drainer_step(w, c, 2, false, true);
}

static const char *check(const struct world *w)
{
	bool done = true;

	if (w->mem[OWNER_IN] && w->mem[DRAINER_IN])
		return "owner and drainer inside one slot";
	if (w->mem[DRAINER_IN] > 1)
		return "two drainers inside one slot";
	for (int c = 0; c < NR_CTX; c++)
		done &= (w->ctx[c].pc == PC_DONE || w->ctx[c].pc == 0) && w->ctx[c].nr_stores == 0;
	if (done && w->ctx[OWNER].pc == PC_DONE && w->ctx[1].pc == PC_DONE &&
	    w->mem[POPPED] + w->mem[TAKEN] + w->mem[ITEMS] != NR_ITEMS)
		return "an item was handed out twice or lost";
	return 0;
}

const struct model slot_drain_models[] = {
	{ "slot draining, one drainer", 2, 1, init_items, step_one, check, false },
	{ "slot draining, two drainers", 3, 1, init_items, step_two, check, false },
	{ "slot draining without sync_slots()", 2, 1, init_items, step_no_sync, check, true },
	{ "slot draining without waiting for busy", 2, 1, init_items, step_no_wait, check, true },
	{ 0 },
};
