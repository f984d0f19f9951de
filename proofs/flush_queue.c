/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flush-queue reclamation (docs/design/fast-path.md, "Strict and deferred"). An owner unmaps two
 * IOVAs, one before and one while a flush is on its way, and gives each back after the invalidation
 * that covers it; another context takes what is given back; the IOMMU caches every entry it can
 * see. An invalidation takes effect at any moment between its issue and its completion.
 */
#include "proofs/explore.h"

enum var { ENTRY_X, ENTRY_Y, TLB_X, TLB_Y, FREE_X, FREE_Y, TAKEN_X, TAKEN_Y, INVAL, DIRTY_REUSE };
enum { OLD = 1, NEW = 2, INVAL_NONE = 0, INVAL_ISSUED = 1, INVAL_DONE = 2 };
enum mistake { NONE, NO_BARRIER, NO_WAIT, RELEASE_LATER_ONES, RELEASE_FIRST };

static void init_mapped(struct world *w)
{
	w->mem[ENTRY_X] = OLD;
	w->mem[ENTRY_Y] = OLD;
}

static bool issue(struct world *w, int c, enum mistake mistake)
{
	if (mistake != NO_BARRIER && !fence(w, c))
		return false;
	w->mem[INVAL] = INVAL_ISSUED;
	w->ctx[c].pc++;
	return true;
}

static bool wait_done(struct world *w, int c, enum mistake mistake)
{
	if (mistake != NO_WAIT && w->mem[INVAL] != INVAL_DONE)
		return false;
	w->ctx[c].pc++;
	return true;
}

static bool store_next(struct world *w, int c, uint8_t var, uint8_t val)
{
	if (!store_release(w, c, var, val))
		return false;
	w->ctx[c].pc++;
	return true;
}

static bool owner_step(struct world *w, int c, enum mistake mistake)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 0: /* unmap X: clear, queue */
		if (mistake == RELEASE_FIRST && !store_release(w, c, FREE_X, 1))
			return false;
		return store_next(w, c, ENTRY_X, 0);
	case 1: /* flush what is queued now: X */
		return issue(w, c, mistake);
	case 2: /* unmap Y meanwhile: clear, queue; not covered by this flush */
		return store_next(w, c, ENTRY_Y, 0);
	case 3:
		return wait_done(w, c, mistake);
	case 4:
		return store_next(w, c, FREE_X, 1);
	case 5:
		if (mistake != RELEASE_LATER_ONES) {
			x->pc = 6;
			return true;
		}
		return store_next(w, c, FREE_Y, 1);
	case 6: /* next flush: Y */
		return issue(w, c, mistake);
	case 7:
		return wait_done(w, c, mistake);
	default:
		if (!store_release(w, c, FREE_Y, 1))
			return false;
		x->pc = PC_DONE;
		return true;
	}
}

/* Takes X then Y when they are free, and maps them anew. */
static bool taker_step(struct world *w, int c)
{
	struct ctx *x = &w->ctx[c];
	uint8_t which = x->pc >= 2;

	if (x->pc == 0 || x->pc == 2) {
		if (load(w, c, FREE_X + which) == 0)
			return false;
		w->mem[TAKEN_X + which] = 1;
		if (w->mem[TLB_X + which] == OLD || w->mem[ENTRY_X + which] == OLD)
			w->mem[DIRTY_REUSE] = 1;
		x->pc++;
		return true;
	}
	if (!store_release(w, c, ENTRY_X + which, NEW))
		return false;
	x->pc = x->pc == 3 ? PC_DONE : 2;
	return true;
}

/* choice 0, 1: cache X, Y; 2: the invalidation takes effect and completes. */
static bool iommu_step(struct world *w, int c, int choice)
{
	if (w->ctx[0].pc == PC_DONE && w->ctx[1].pc == PC_DONE) {
		w->ctx[c].pc = PC_DONE;
		return true;
	}
	if (choice == 2) {
		if (w->mem[INVAL] != INVAL_ISSUED)
			return false;
		w->mem[TLB_X] = 0;
		w->mem[TLB_Y] = 0;
		w->mem[INVAL] = INVAL_DONE;
		return true;
	}
	if (w->mem[ENTRY_X + choice] == 0 || w->mem[TLB_X + choice] == w->mem[ENTRY_X + choice])
		return false;
	w->mem[TLB_X + choice] = w->mem[ENTRY_X + choice];
	return true;
}

static bool any(struct world *w, int c, int choice, enum mistake mistake)
{
	if (c == 2)
		return iommu_step(w, c, choice);
	if (choice != 0)
		return false;
	return c == 0 ? owner_step(w, c, mistake) : taker_step(w, c);
}

static bool step(struct world *w, int c, int choice)
{
	return any(w, c, choice, NONE);
}

static bool step_no_barrier(struct world *w, int c, int choice)
{
	return any(w, c, choice, NO_BARRIER);
}

static bool step_no_wait(struct world *w, int c, int choice)
{
	return any(w, c, choice, NO_WAIT);
}

static bool step_later(struct world *w, int c, int choice)
{
	return any(w, c, choice, RELEASE_LATER_ONES);
}

static bool step_first(struct world *w, int c, int choice)
{
	return any(w, c, choice, RELEASE_FIRST);
}

static const char *check(const struct world *w)
{
	return w->mem[DIRTY_REUSE] ? "an IOVA was handed out while its old translation was alive"
				   : 0;
}

const struct model flush_queue_models[] = {
	{ "flush queue", 3, 3, init_mapped, step, check, false },
	{ "invalidation before the barrier", 3, 3, init_mapped, step_no_barrier, check, true },
	{ "IOVA released without waiting", 3, 3, init_mapped, step_no_wait, check, true },
	{ "a flush releases what was queued after it", 3, 3, init_mapped, step_later, check, true },
	{ "IOVA released before the entry is cleared", 3, 3, init_mapped, step_first, check, true },
	{ 0 },
};
