/* SPDX-License-Identifier: BSD-2-Clause */
/* The explorer: breadth-first over all states, each kept once, with its parent for the path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/explore.h"

struct node {
	struct world world;
	uint32_t parent;
	int8_t actor;
};

struct space {
	struct node *nodes;
	uint32_t nr, max;
	uint32_t *table;
	uint32_t table_len;
};

#define NO_PARENT UINT32_MAX
#define FIRST_TABLE_LEN 65536u

uint8_t load(const struct world *w, int c, uint8_t var)
{
	const struct ctx *x = &w->ctx[c];

	for (int i = x->nr_stores; i-- > 0;) {
		if (x->stores[i].var == var)
			return x->stores[i].val;
	}
	return w->mem[var];
}

static bool store_any(struct world *w, int c, uint8_t var, uint8_t val, uint8_t release)
{
	struct ctx *x = &w->ctx[c];

	if (x->nr_stores == NR_STORES)
		return false;
	x->stores[x->nr_stores++] = (struct store){ var, val, release };
	return true;
}

bool store_relaxed(struct world *w, int c, uint8_t var, uint8_t val)
{
	return store_any(w, c, var, val, 0);
}

bool store_release(struct world *w, int c, uint8_t var, uint8_t val)
{
	return store_any(w, c, var, val, 1);
}

bool fence(const struct world *w, int c)
{
	return w->ctx[c].nr_stores == 0;
}

bool sync_others(struct world *w, int c, int nr_ctx)
{
	struct ctx *x = &w->ctx[c];

	if (x->nr_stores != 0)
		return false;
	if (!x->syncing) {
		x->syncing = 1;
		x->sync_wait = (uint8_t)(((1u << nr_ctx) - 1u) & ~(1u << c));
	}
	if (x->sync_wait != 0)
		return false;
	x->syncing = 0;
	return true;
}

bool lock_take(struct world *w, int c, uint8_t var)
{
	if (!fence(w, c) || w->mem[var] != 0)
		return false;
	w->mem[var] = 1;
	return true;
}

/*
 * May buffered store i become visible now? Not before an older one to the same place, nor a release
 * early.
 */
static bool can_drain(const struct ctx *x, int i)
{
	if (i != 0 && x->stores[i].release)
		return false;
	for (int k = 0; k < i; k++) {
		if (x->stores[k].var == x->stores[i].var)
			return false;
	}
	return true;
}

static void drain_one(struct world *w, int c, int i)
{
	struct ctx *x = &w->ctx[c];

	w->mem[x->stores[i].var] = x->stores[i].val;
	for (int k = i + 1; k < x->nr_stores; k++)
		x->stores[k - 1] = x->stores[k];
	x->nr_stores--;
	x->stores[x->nr_stores] = (struct store){ 0, 0, 0 };
}

static uint64_t hash_world(const struct world *w)
{
	const uint8_t *b = (const uint8_t *)w;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h ^ (h >> 29);
}

static void *must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "explore: out of memory\n");
		exit(2);
	}
	return p;
}

static void table_grow(struct space *s)
{
	uint32_t len = s->table_len ? s->table_len * 2 : FIRST_TABLE_LEN;

	free(s->table);
	s->table = must(calloc(len, sizeof(*s->table)));
	s->table_len = len;
	for (uint32_t n = 0; n < s->nr; n++) {
		uint32_t i = (uint32_t)hash_world(&s->nodes[n].world) & (len - 1);

		while (s->table[i] != 0)
			i = (i + 1) & (len - 1);
		s->table[i] = n + 1;
	}
}

/* Keep a state unless it is known. */
static void visit(struct space *s, const struct world *w, uint32_t parent, int actor)
{
	uint32_t i;

	if (s->nr * 2 >= s->table_len)
		table_grow(s);
	i = (uint32_t)hash_world(w) & (s->table_len - 1);
	for (; s->table[i] != 0; i = (i + 1) & (s->table_len - 1)) {
		if (memcmp(&s->nodes[s->table[i] - 1].world, w, sizeof(*w)) == 0)
			return;
	}
	if (s->nr == s->max) {
		s->max = s->max ? s->max * 2 : 1024;
		s->nodes = must(realloc(s->nodes, s->max * sizeof(*s->nodes)));
	}
	s->nodes[s->nr] = (struct node){ *w, parent, (int8_t)actor };
	s->table[i] = ++s->nr;
}

/* Everything context c can do next; true if it can do anything. */
static bool expand_ctx(struct space *s, const struct model *m, uint32_t n, int c)
{
	struct world w = s->nodes[n].world;
	bool any = false;

	for (int i = 0; i < s->nodes[n].world.ctx[c].nr_stores; i++) {
		w = s->nodes[n].world;
		if (!can_drain(&w.ctx[c], i))
			continue;
		drain_one(&w, c, i);
		visit(s, &w, n, c);
		any = true;
	}
	for (int k = 0; k < m->nr_ctx; k++) {
		w = s->nodes[n].world;
		if (!(w.ctx[k].sync_wait & (1u << c)) || w.ctx[c].nr_stores != 0)
			continue;
		w.ctx[k].sync_wait &= (uint8_t)~(1u << c);
		visit(s, &w, n, c);
		any = true;
	}
	for (int choice = 0; choice < m->nr_choices; choice++) {
		w = s->nodes[n].world;
		if (w.ctx[c].pc == PC_DONE)
			break;
		if (m->step(&w, c, choice)) {
			visit(s, &w, n, c);
			any = true;
		} else if (memcmp(&w, &s->nodes[n].world, sizeof(w)) != 0) {
			visit(s, &w, n, c); /* a sync that began */
			any = true;
		}
	}
	return any;
}

static const char *expand(struct space *s, const struct model *m, uint32_t n)
{
	const char *bad = m->check(&s->nodes[n].world);
	bool any = false, done = true;

	if (bad != NULL)
		return bad;
	for (int c = 0; c < m->nr_ctx; c++) {
		any |= expand_ctx(s, m, n, c);
		done &= s->nodes[n].world.ctx[c].pc == PC_DONE;
	}
	return any || done ? NULL : "stuck: no context can go on";
}

static void print_path(const struct space *s, uint32_t n, int nr_ctx)
{
	uint32_t path[512], len = 0;

	for (; n != NO_PARENT && len < 512; n = s->nodes[n].parent)
		path[len++] = n;
	while (len-- > 0) {
		const struct node *x = &s->nodes[path[len]];

		printf("    by %2d  pc", x->actor);
		for (int c = 0; c < nr_ctx; c++)
			printf(" %3d/%d", x->world.ctx[c].pc, x->world.ctx[c].nr_stores);
		printf("  mem");
		for (int v = 0; v < NR_VARS; v++)
			printf(" %d", x->world.mem[v]);
		printf("\n");
	}
}

int explore(const struct model *m)
{
	struct space s = { 0 };
	struct world first;
	const char *bad = NULL;
	uint32_t n;
	bool ok;

	memset(&first, 0, sizeof(first));
	m->init(&first);
	visit(&s, &first, NO_PARENT, -1);
	for (n = 0; n < s.nr && bad == NULL; n++)
		bad = expand(&s, m, n);
	ok = (bad != NULL) == m->broken;
	printf("%-4s %-46s %8u states  %s\n", ok ? "ok" : "BAD", m->name, s.nr,
	       bad ? bad : "no violation");
	if (!ok && bad != NULL)
		print_path(&s, n - 1, m->nr_ctx);
	free(s.nodes);
	free(s.table);
	return ok ? 0 : 1;
}
