/* SPDX-License-Identifier: BSD-2-Clause */
/* Magazines and the depot; see mag.h. Takes the depot's lock. */
#include "iova/mag.h"
#include "iova/meta.h"

#define DEPOT_EMPTY_MAX 64u

static void lock(struct iova_space *s)
{
	s->cfg.platform->spin_lock(s->cfg.platform, &s->depot_lock);
}

static void unlock(struct iova_space *s)
{
	s->cfg.platform->spin_unlock(s->cfg.platform, &s->depot_lock);
}

const struct iova_mag iova_mag_none __attribute__((aligned(IOVA_MAG_BYTES))) = { 0 };

static struct iova_mag *next_of(const struct iova_mag *m)
{
	return (struct iova_mag *)(uintptr_t)m->e[0].tag;
}

static void push(struct iova_mag **list, struct iova_mag *m)
{
	m->e[0].tag = (uintptr_t)*list;
	*list = m;
}

static struct iova_mag *pop(struct iova_mag **list)
{
	struct iova_mag *m = *list;

	if (m != NULL)
		*list = next_of(m);
	return m;
}

/* The depot's lock is held, here and in the next two. */
static struct iova_mag *pop_empty(struct iova_space *s)
{
	s->nr_empty -= s->empty != NULL;
	return pop(&s->empty);
}

static bool push_empty(struct iova_space *s, struct iova_mag *m)
{
	if (s->nr_empty >= DEPOT_EMPTY_MAX)
		return false;
	push(&s->empty, m);
	s->nr_empty++;
	return true;
}

static bool has_room(const struct iova_space *s, uint32_t set, uint32_t idx)
{
	uint64_t granules = (uint64_t)s->nr_full[set][idx] * s->cap[set][idx] * iova_class_nr(idx);

	return s->nr_full[set][idx] < s->cfg.max_depot && granules < s->max_depot_nr[set];
}

static struct iova_mag *mag_alloc(struct iova_space *s)
{
	return iova_meta_alloc(&s->meta, IOVA_META_MAG, sizeof(struct iova_mag));
}

struct iova_mag *iova_mag_new(struct iova_space *s)
{
	struct iova_mag *m;

	lock(s);
	m = pop_empty(s);
	unlock(s);
	return m != NULL ? m : mag_alloc(s);
}

void iova_mag_free(struct iova_space *s, struct iova_mag *m)
{
	bool kept;

	lock(s);
	kept = push_empty(s, m);
	unlock(s);
	if (!kept)
		iova_meta_free(&s->meta, IOVA_META_MAG, m, sizeof(*m));
}

/* Another CPU wrote it last: have all lines on the way before the first one is needed. */
static struct iova_mag *fetch(struct iova_mag *m)
{
	for (size_t i = 0; m != NULL && i < sizeof(*m); i += 64)
		__builtin_prefetch((char *)m + i, 1);
	return m;
}

struct iova_mag *iova_depot_get(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *empty)
{
	struct iova_mag *m;
	bool kept = true;

	lock(s);
	m = pop(&s->full[set][idx]);
	if (m != NULL) {
		s->nr_full[set][idx]--;
		if (empty != NULL)
			kept = push_empty(s, empty);
	}
	unlock(s);
	if (!kept)
		iova_meta_free(&s->meta, IOVA_META_MAG, empty, sizeof(*empty));
	return fetch(m);
}

struct iova_mag *iova_depot_put(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *full)
{
	struct iova_mag *m;
	bool room;

	lock(s);
	room = has_room(s, set, idx);
	m = room ? pop_empty(s) : NULL;
	if (m != NULL) {
		push(&s->full[set][idx], full);
		s->nr_full[set][idx]++;
	}
	unlock(s);
	if (!room || m != NULL)
		return fetch(m);
	m = mag_alloc(s);
	if (m == NULL)
		return NULL;
	lock(s);
	push(&s->full[set][idx], full);
	s->nr_full[set][idx]++;
	unlock(s);
	return m;
}

void iova_depot_trim(struct iova_space *s)
{
	struct iova_mag *m;

	do {
		lock(s);
		m = pop_empty(s);
		unlock(s);
		if (m != NULL)
			iova_meta_free(&s->meta, IOVA_META_MAG, m, sizeof(*m));
	} while (m != NULL);
}

void iova_entries_purge(struct iova_entry *e, uint32_t nr, uint64_t bytes, uint64_t start,
			uint64_t last)
{
	for (uint32_t i = 0; i < nr; i++) {
		if (e[i].iova <= last && e[i].iova + (bytes - 1) >= start)
			e[i].tag = 0;
	}
}

void iova_depot_purge(struct iova_space *s, uint64_t start, uint64_t last)
{
	lock(s);
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;
		uint32_t cap = s->cap[set][idx];
		uint64_t bytes = (uint64_t)iova_class_nr(idx) << s->granule_lg2;

		for (struct iova_mag *m = s->full[set][idx]; m != NULL; m = next_of(m))
			iova_entries_purge(iova_mag_bottom(m, cap), cap, bytes, start, last);
	}
	unlock(s);
}
