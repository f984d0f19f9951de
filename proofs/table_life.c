/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table publication and retirement (docs/design/fast-path.md, "Spans and tags", "Table lifetime").
 * Publication: two mappers miss the same leaf table and link one each by compare-and-exchange,
 * while the walker looks. Retirement: one context draws a span, maps through its cursor, unmaps and
 * gives the span back, twice; another retires the span's empty table; the walker caches what it can
 * see.
 */
#include "proofs/explore.h"

/* LINK: the entry of the level above, 0 or a table. Tables are 1 and 2. */
enum var {
	LINK, READY1, READY2, LEAF1A, LEAF1B, LEAF2A, LEAF2B, POOL1, POOL2, MAPPED_A, MAPPED_B,
	LOCK, SPAN_FREE, GEN, WALK_CACHE, WROTE_POOL, READ_POOL, READ_RAW,
};

static uint8_t pool_var(uint8_t table)
{
	return table == 1 ? POOL1 : POOL2;
}

static uint8_t leaf_var(uint8_t table, int who)
{
	return (uint8_t)((table == 1 ? LEAF1A : LEAF2A) + who);
}

/* ---- publication ---- */

enum pub_mistake { PUB_NONE, PUB_PLAIN_STORE, PUB_LINK_BEFORE_READY };
enum { TABLE, SEEN_GEN, CUR_TABLE, CUR_GEN };

static void pub_init(struct world *w)
{
	w->mem[POOL1] = 1;
	w->mem[POOL2] = 1;
}

static bool pub_link(struct world *w, int c, enum pub_mistake mistake)
{
	struct ctx *x = &w->ctx[c];
	uint8_t mine = (uint8_t)(c + 1);

	if (mistake == PUB_PLAIN_STORE) {
		if (!store_release(w, c, LINK, mine))
			return false;
		x->regs[TABLE] = mine;
		x->pc = 4;
		return true;
	}
	if (mistake != PUB_LINK_BEFORE_READY && !fence(w, c))
		return false; /* cmpxchg with release: the table's content is visible first */
	if (w->mem[LINK] == 0) {
		w->mem[LINK] = mine;
		x->regs[TABLE] = mine;
	} else {
		w->mem[pool_var(mine)] = 1; /* lost: never reachable, straight back to the pool */
		x->regs[TABLE] = w->mem[LINK];
	}
	x->pc = 4;
	return true;
}

static bool pub_mapper(struct world *w, int c, enum pub_mistake mistake)
{
	struct ctx *x = &w->ctx[c];
	uint8_t mine = (uint8_t)(c + 1);

	switch (x->pc) {
	case 0:
		x->regs[TABLE] = load(w, c, LINK);
		x->pc = x->regs[TABLE] != 0 ? 4 : 1;
		return true;
	case 1: /* reserve: an own table, cleared */
		w->mem[pool_var(mine)] = 0;
		x->pc = 2;
		return true;
	case 2:
		if (!store_relaxed(w, c, mine == 1 ? READY1 : READY2, 1))
			return false;
		x->pc = 3;
		return true;
	case 3:
		return pub_link(w, c, mistake);
	case 4:
		if (!store_relaxed(w, c, leaf_var(x->regs[TABLE], c), 1))
			return false;
		x->pc = 5;
		return true;
	default: /* dma_wmb(), then the device may be told */
		if (!fence(w, c))
			return false;
		w->mem[MAPPED_A + c] = 1;
		x->pc = PC_DONE;
		return true;
	}
}

static bool pub_walker(struct world *w, int c)
{
	uint8_t table = w->mem[LINK];

	if (table == 0)
		return false;
	if (w->mem[pool_var(table)])
		w->mem[READ_POOL] = 1;
	if (!w->mem[table == 1 ? READY1 : READY2])
		w->mem[READ_RAW] = 1;
	w->ctx[c].pc = PC_DONE;
	return true;
}

static bool pub_step(struct world *w, int c, int choice)
{
	(void)choice;
	return c == 2 ? pub_walker(w, c) : pub_mapper(w, c, PUB_NONE);
}

static bool pub_step_plain(struct world *w, int c, int choice)
{
	(void)choice;
	return c == 2 ? pub_walker(w, c) : pub_mapper(w, c, PUB_PLAIN_STORE);
}

static bool pub_step_early(struct world *w, int c, int choice)
{
	(void)choice;
	return c == 2 ? pub_walker(w, c) : pub_mapper(w, c, PUB_LINK_BEFORE_READY);
}

static const char *pub_check(const struct world *w)
{
	if (w->mem[READ_POOL])
		return "the walker read a table that is in the pool";
	if (w->mem[READ_RAW])
		return "the walker read a table before it was cleared";
	for (int c = 0; c < 2; c++) {
		if (w->mem[MAPPED_A + c] &&
		    (w->mem[LINK] == 0 || !w->mem[leaf_var(w->mem[LINK], c)]))
			return "a mapping reported as made cannot be reached";
	}
	return 0;
}

/* ---- retirement ---- */

enum ret_mistake { RET_NONE, RET_FREE_FIRST, RET_NO_BARRIER, RET_NO_GEN, RET_SPAN_NOT_TAKEN };

static void ret_init(struct world *w)
{
	w->mem[LINK] = 1;
	w->mem[READY1] = 1;
	w->mem[POOL2] = 1;
	w->mem[SPAN_FREE] = 1;
	w->ctx[0].regs[CUR_TABLE] = 1;
}

/* Where to write the leaf: the cursor if its generation holds, else the link, else a new table. */
static bool ret_find_table(struct world *w, int c)
{
	struct ctx *x = &w->ctx[c];
	uint8_t gen = load(w, c, GEN), table;

	if (x->regs[CUR_TABLE] != 0 && x->regs[CUR_GEN] == gen) {
		x->regs[TABLE] = x->regs[CUR_TABLE];
		return true;
	}
	table = load(w, c, LINK);
	if (table == 0) {
		if (!fence(w, c) || (!w->mem[POOL1] && !w->mem[POOL2]))
			return false;
		table = w->mem[POOL1] ? 1 : 2;
		w->mem[pool_var(table)] = 0;
		w->mem[LINK] = table;
	}
	x->regs[TABLE] = table;
	x->regs[CUR_TABLE] = table;
	x->regs[CUR_GEN] = gen;
	return true;
}

/* The arena under its lock: take the span, or give it back. */
static bool span_move(struct world *w, int c, uint8_t from, uint8_t next_pc, uint8_t none_pc)
{
	struct ctx *x = &w->ctx[c];

	if (!lock_take(w, c, LOCK))
		return false;
	if (w->mem[SPAN_FREE] != from) {
		w->mem[LOCK] = 0;
		x->pc = none_pc;
		return true;
	}
	w->mem[SPAN_FREE] = !from;
	w->mem[LOCK] = 0;
	x->pc = next_pc;
	return true;
}

static bool ret_mapper(struct world *w, int c)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 0:
	case 10:
		return span_move(w, c, 1, (uint8_t)(x->pc + 1), x->pc);
	case 1:
	case 11:
		if (!ret_find_table(w, c))
			return false;
		x->pc++;
		return true;
	case 2:
	case 12: /* map: write the leaf entry */
		if (w->mem[pool_var(x->regs[TABLE])])
			w->mem[WROTE_POOL] = 1;
		if (w->mem[LINK] != x->regs[TABLE])
			w->mem[WROTE_POOL] = 1;
		x->pc++;
		return true;
	case 3:
	case 13: /* unmap and invalidate: leaf only, the walk cache may stay */
		if (!fence(w, c))
			return false;
		x->pc++;
		return true;
	case 4:
		return span_move(w, c, 0, 10, 10);
	default:
		return span_move(w, c, 0, PC_DONE, PC_DONE);
	}
}

static bool ret_retirer_tail(struct world *w, int c, enum ret_mistake mistake)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 4: /* barrier: the unlink is visible to the walker */
		if (mistake != RET_NO_BARRIER && !fence(w, c))
			return false;
		x->pc = mistake == RET_FREE_FIRST ? 6 : 5;
		return true;
	case 5: /* invalidate and wait */
		w->mem[WALK_CACHE] = 0;
		x->pc = mistake == RET_FREE_FIRST ? 7 : 6;
		return true;
	case 6:
		w->mem[pool_var(x->regs[TABLE])] = 1;
		x->pc = mistake == RET_FREE_FIRST ? 5 : 7;
		return true;
	default:
		if (mistake == RET_SPAN_NOT_TAKEN) {
			x->pc = PC_DONE;
			return true;
		}
		return span_move(w, c, 0, PC_DONE, PC_DONE);
	}
}

static bool ret_retirer(struct world *w, int c, enum ret_mistake mistake)
{
	struct ctx *x = &w->ctx[c];

	switch (x->pc) {
	case 0:
		if (mistake == RET_SPAN_NOT_TAKEN) {
			if (!w->mem[SPAN_FREE])
				return false;
			x->pc = 1;
			return true;
		}
		return span_move(w, c, 1, 1, 0);
	case 1:
		x->regs[TABLE] = load(w, c, LINK);
		x->pc = x->regs[TABLE] != 0 ? 2 : 7;
		return true;
	case 2:
		if (!store_relaxed(w, c, LINK, 0))
			return false;
		x->pc = mistake == RET_NO_GEN ? 4 : 3;
		return true;
	case 3:
		if (!store_relaxed(w, c, GEN, (uint8_t)(load(w, c, GEN) + 1)))
			return false;
		x->pc = 4;
		return true;
	default:
		return ret_retirer_tail(w, c, mistake);
	}
}

/* choice 0: cache the link that is visible; 1: use the walk cache. Both any number of times. */
static bool ret_walker(struct world *w, int choice)
{
	if (choice == 0) {
		if (w->mem[LINK] == w->mem[WALK_CACHE])
			return false;
		w->mem[WALK_CACHE] = w->mem[LINK];
		return true;
	}
	if (w->mem[WALK_CACHE] == 0 || !w->mem[pool_var(w->mem[WALK_CACHE])])
		return false;
	w->mem[READ_POOL] = 1;
	return true;
}

static bool ret_any(struct world *w, int c, int choice, enum ret_mistake mistake)
{
	if (c == 2) {
		if (w->ctx[0].pc == PC_DONE && w->ctx[1].pc == PC_DONE) {
			w->ctx[2].pc = PC_DONE;
			return true;
		}
		return ret_walker(w, choice);
	}
	if (choice != 0)
		return false;
	return c == 0 ? ret_mapper(w, c) : ret_retirer(w, c, mistake);
}

static bool ret_step(struct world *w, int c, int choice)
{
	return ret_any(w, c, choice, RET_NONE);
}

static bool ret_step_free_first(struct world *w, int c, int choice)
{
	return ret_any(w, c, choice, RET_FREE_FIRST);
}

static bool ret_step_no_barrier(struct world *w, int c, int choice)
{
	return ret_any(w, c, choice, RET_NO_BARRIER);
}

static bool ret_step_no_gen(struct world *w, int c, int choice)
{
	return ret_any(w, c, choice, RET_NO_GEN);
}

static bool ret_step_not_taken(struct world *w, int c, int choice)
{
	return ret_any(w, c, choice, RET_SPAN_NOT_TAKEN);
}

static const char *ret_check(const struct world *w)
{
	if (w->mem[WROTE_POOL])
		return "an entry was written into a table that is not linked";
	if (w->mem[READ_POOL])
		return "the walker can reach a table that is in the pool";
	if (w->mem[LINK] != 0 && w->mem[pool_var(w->mem[LINK])])
		return "a table in the pool is linked";
	return 0;
}

const struct model table_life_models[] = {
	{ "table publication", 3, 1, pub_init, pub_step, pub_check, false },
	{ "table publication by a plain store", 3, 1, pub_init, pub_step_plain, pub_check, true },
	{ "table linked before it is cleared", 3, 1, pub_init, pub_step_early, pub_check, true },
	{ "table retirement", 3, 2, ret_init, ret_step, ret_check, false },
	{ "table freed before the invalidation", 3, 2, ret_init, ret_step_free_first, ret_check,
	  true },
	{ "table unlinked without a barrier", 3, 2, ret_init, ret_step_no_barrier, ret_check,
	  true },
	{ "generation not bumped", 3, 2, ret_init, ret_step_no_gen, ret_check, true },
	{ "table retired while its span is in the arena", 3, 2, ret_init, ret_step_not_taken,
	  ret_check, true },
	{ 0 },
};
