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

/* The depot's lock is held. */
static struct iova_mag *pop_empty(struct iova_space *s)
{
	struct iova_mag *m = s->empty;

	if (m != NULL) {
		s->empty = m->next;
		s->nr_empty--;
	}
	return m;
}

static bool push_empty(struct iova_space *s, struct iova_mag *m)
{
	if (s->nr_empty >= DEPOT_EMPTY_MAX)
		return false;
	m->next = s->empty;
	m->nr = 0;
	s->empty = m;
	s->nr_empty++;
	return true;
}

struct iova_mag *iova_mag_new(struct iova_space *s)
{
	struct iova_mag *m;

	lock(s);
	m = pop_empty(s);
	unlock(s);
	return m != NULL ? m : iova_meta_alloc(&s->meta, IOVA_META_MAG, sizeof(*m));
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

struct iova_mag *iova_depot_get(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *empty)
{
	struct iova_mag *m;
	bool kept = true;

	lock(s);
	m = s->full[set][idx];
	if (m != NULL) {
		s->full[set][idx] = m->next;
		s->nr_full[set][idx]--;
		if (empty != NULL)
			kept = push_empty(s, empty);
	}
	unlock(s);
	if (!kept)
		iova_meta_free(&s->meta, IOVA_META_MAG, empty, sizeof(*empty));
	return m;
}

/* The depot's lock is held. */
static bool has_room(const struct iova_space *s, uint32_t set, uint32_t idx)
{
	uint64_t granules = (uint64_t)s->nr_full[set][idx] * s->cap[set][idx] * iova_class_nr(idx);

	return s->nr_full[set][idx] < s->cfg.max_depot && granules < s->max_depot_nr[set];
}

struct iova_mag *iova_depot_put(struct iova_space *s, uint32_t set, uint32_t idx,
				struct iova_mag *full)
{
	struct iova_mag *m;
	bool room;

	lock(s);
	room = has_room(s, set, idx);
	m = room ? pop_empty(s) : NULL;
	unlock(s);
	if (room && m == NULL)
		m = iova_meta_alloc(&s->meta, IOVA_META_MAG, sizeof(*m));
	if (m == NULL)
		return NULL;
	lock(s);
	full->next = s->full[set][idx];
	s->full[set][idx] = full;
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
