/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the caches do when a hit path returns false: two magazines per class and slot, full ones
 * exchanged through the depot, windows carved into small sizes; and what is done to foreign
 * caches while their slots are kept out. Not the hit paths (iova.h), not the search (arena.c).
 *
 * A cache belongs to its slot. The arena's lock is taken here, the depot's in mag.c.
 */
#include "iova/arena.h"
#include "iova/mag.h"

#include "core/mem.h"

static void lock(struct iova_space *s)
{
	s->cfg.platform->spin_lock(s->cfg.platform, &s->lock);
}

static void unlock(struct iova_space *s)
{
	s->cfg.platform->spin_unlock(s->cfg.platform, &s->lock);
}

static struct iova_entry *top_of(const struct iova_cache *c, uint32_t set, uint32_t idx)
{
	return atomic_load_explicit(&c->top[set][idx], memory_order_relaxed);
}

static void top_set(struct iova_cache *c, uint32_t set, uint32_t idx, struct iova_entry *top)
{
	atomic_store_explicit(&c->top[set][idx], top, memory_order_relaxed);
}

static bool has_mag(const struct iova_cache *c, uint32_t set, uint32_t idx)
{
	return top_of(c, set, idx) != iova_mag_full(&iova_mag_none);
}

static uint32_t nr_loaded(const struct iova_cache *c, uint32_t set, uint32_t idx)
{
	return iova_mag_nr(top_of(c, set, idx), c->space->cap[set][idx]);
}

static uint32_t nr_spare(const struct iova_cache *c, uint32_t set, uint32_t idx)
{
	return iova_mag_nr(c->spare[set][idx], c->space->cap[set][idx]);
}

/* Granules in spares and windows, for statistics. */
static void held_add(struct iova_cache *c, uint32_t nr)
{
	uint32_t held = atomic_load_explicit(&c->held, memory_order_relaxed);

	atomic_store_explicit(&c->held, held + nr, memory_order_relaxed);
}

uint64_t iova_cache_nr(const struct iova_cache *c)
{
	uint64_t nr = atomic_load_explicit(&c->held, memory_order_relaxed);

	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;

		nr += (uint64_t)iova_unit(c->space, idx) * nr_loaded(c, set, idx);
	}
	return nr;
}

/* Entry by entry into the arena, whose lock is held. */
static void put_entries(struct iova_space *s, uint32_t idx, const struct iova_entry *e, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		iova_arena_put(s, e[i].iova >> s->granule_lg2, iova_unit(s, idx));
}

/* What is left of a window; the arena's lock is held. */
static void put_window(struct iova_space *s, struct iova_cache *c, uint32_t set)
{
	uint32_t nr = c->window_nr[set];

	if (nr == 0)
		return;
	iova_arena_put(s, c->window_end[set] - nr, nr);
	held_add(c, 0u - nr);
	c->window_nr[set] = 0;
}

/* Classes that round sizes up are not cached while the space is in thrift. */
static bool class_is_open(struct iova_space *s, struct iova_cache *c, uint32_t set, uint32_t idx)
{
	if (s->cap[set][idx] == 0)
		return false;
	if (idx < IOVA_NR_EXACT || !c->thrift)
		return true;
	lock(s);
	c->thrift = s->thrift;
	unlock(s);
	return !c->thrift;
}

/* An empty magazine ready for a class; NULL: no memory. Gives its top. */
static struct iova_entry *new_empty(struct iova_space *s, struct iova_mag *m, uint32_t set,
				    uint32_t idx)
{
	struct iova_entry *bottom;

	if (m == NULL)
		m = iova_mag_new(s);
	if (m == NULL)
		return NULL;
	bottom = iova_mag_bottom(m, s->cap[set][idx]);
	bottom[-1].iova = 0;
	return bottom;
}

/* Exchange the loaded magazine and the spare; both exist. */
static void swap(struct iova_cache *c, uint32_t set, uint32_t idx)
{
	struct iova_entry *top = top_of(c, set, idx);

	held_add(c, (nr_loaded(c, set, idx) - nr_spare(c, set, idx)) * iova_unit(c->space, idx));
	top_set(c, set, idx, c->spare[set][idx]);
	c->spare[set][idx] = top;
}

/* Makes sure that there is a magazine to work with. */
static bool have_loaded(struct iova_cache *c, uint32_t set, uint32_t idx)
{
	struct iova_entry *top;

	if (has_mag(c, set, idx))
		return true;
	top = new_empty(c->space, NULL, set, idx);
	if (top == NULL)
		return false;
	top_set(c, set, idx, top);
	return true;
}

/* Carve up to @max entries from the slot's window, the lowest on top; the arena's lock is held. */
static uint32_t carve(struct iova_space *s, struct iova_cache *c, uint32_t set, uint32_t idx,
		      uint64_t end, struct iova_entry *e, uint32_t max)
{
	uint32_t unit = iova_unit(s, idx), nr = (uint32_t)1 << s->window_lg2[set];
	struct iova_want w = {
		.nr = nr, .end = end, .mod_lg2 = s->window_lg2[set], .bound_lg2 = 64
	};
	uint64_t at;

	if (s->window_lg2[set] == 0 || unit > nr / 4)
		return 0;
	if (c->window_nr[set] < unit) {
		put_window(s, c, set);
		if (iova_arena_take(s, set, &w, &at) != 0)
			return 0;
		c->window_end[set] = at + nr;
		c->window_nr[set] = nr;
		held_add(c, nr);
	}
	at = c->window_end[set] - c->window_nr[set];
	nr = c->window_nr[set] / unit < max ? c->window_nr[set] / unit : max;
	if (at + (uint64_t)nr * unit > end)
		return 0;
	for (uint32_t i = nr; i-- > 0; at += unit)
		e[i] = (struct iova_entry){ at << s->granule_lg2, 0 };
	c->window_nr[set] -= nr * unit;
	held_add(c, 0u - nr * unit);
	return nr;
}

/*
 * Up to @max entries from the arena, the lowest on top: side by side if possible, else one. The
 * arena's lock is held.
 */
static uint32_t draw(struct iova_space *s, uint32_t set, uint32_t idx, uint64_t end,
		     struct iova_entry *e, uint32_t max)
{
	uint32_t unit = iova_unit(s, idx);
	struct iova_want w = { .nr = (uint64_t)unit * max, .end = end, .bound_lg2 = 64 };
	uint64_t at;

	if (iova_arena_take(s, set, &w, &at) != 0) {
		max = 1;
		w.nr = unit;
		if (iova_arena_take(s, set, &w, &at) != 0)
			return 0;
	}
	for (uint32_t i = max; i-- > 0; at += unit)
		e[i] = (struct iova_entry){ at << s->granule_lg2, 0 };
	return max;
}

/* Fill the loaded magazine, which is empty, from the arena. */
static bool refill(struct iova_space *s, struct iova_cache *c, uint32_t set, uint32_t idx,
		   uint64_t end)
{
	struct iova_entry *e = top_of(c, set, idx);
	uint32_t half = (s->cap[set][idx] + 1u) / 2, unit = iova_unit(s, idx);
	uint32_t max = unit >= REFILL_NR ? 1 : REFILL_NR / unit, nr;

	lock(s);
	nr = carve(s, c, set, idx, end, e, max < half ? max : half);
	if (nr == 0)
		nr = draw(s, set, idx, end, e, half < REFILL_DRAWS ? half : REFILL_DRAWS);
	unlock(s);
	top_set(c, set, idx, e + nr);
	return nr != 0;
}

/* Bring entries of a class that ran out into the loaded magazine. */
static bool stock(struct iova_space *s, struct iova_cache *c, uint32_t nr, uint64_t last)
{
	uint32_t set = last > c->low_last, idx = iova_class(nr);
	struct iova_mag *m;

	if (idx >= IOVA_NR_CLASSES || !class_is_open(s, c, set, idx) || !have_loaded(c, set, idx))
		return false;
	if (nr_loaded(c, set, idx) != 0)
		return false; /* what is there lies above the limit */
	if (nr_spare(c, set, idx) != 0) {
		swap(c, set, idx);
		return true;
	}
	m = iova_depot_get(s, set, idx, iova_mag_of(top_of(c, set, idx)));
	if (m != NULL) {
		top_set(c, set, idx, iova_mag_full(m));
		return true;
	}
	return refill(s, c, set, idx, iova_limit_end(s, last));
}

/* Give the arena a part of a full spare, and load it. */
static void spill(struct iova_space *s, struct iova_cache *c, uint32_t set, uint32_t idx)
{
	uint32_t nr = nr_spare(c, set, idx) < SPILL_NR ? nr_spare(c, set, idx) : SPILL_NR;

	c->spare[set][idx] -= nr;
	held_add(c, 0u - nr * iova_unit(s, idx));
	lock(s);
	put_entries(s, idx, c->spare[set][idx], nr);
	unlock(s);
	swap(c, set, idx);
}

/* Make room in a class that is full or was never used; false when it must go to the arena. */
static bool make_room(struct iova_space *s, struct iova_cache *c, uint32_t set, uint32_t idx)
{
	uint32_t cap = s->cap[set][idx];
	struct iova_mag *m;

	if (!class_is_open(s, c, set, idx) || !have_loaded(c, set, idx))
		return false;
	if (nr_loaded(c, set, idx) < cap)
		return true;
	if (c->spare[set][idx] == NULL)
		c->spare[set][idx] = new_empty(s, NULL, set, idx);
	if (c->spare[set][idx] == NULL)
		return false;
	if (nr_spare(c, set, idx) < cap) {
		swap(c, set, idx);
		return true;
	}
	m = iova_depot_put(s, set, idx, iova_mag_of(c->spare[set][idx]));
	if (m == NULL) {
		spill(s, c, set, idx);
		return true;
	}
	held_add(c, 0u - cap * iova_unit(s, idx));
	c->spare[set][idx] = new_empty(s, m, set, idx);
	swap(c, set, idx);
	return true;
}

void iova_free(struct iova_space *s, struct iova_cache *c, uint64_t iova, uint64_t nr, uint64_t tag)
{
	uint64_t first = iova >> s->granule_lg2;

	if (c != NULL && nr <= IOVA_CACHE_MAX_NR &&
	    make_room(s, c, iova_set_of(s, first), iova_class((uint32_t)nr)) &&
	    iova_cache_free(c, (uint32_t)nr, iova, tag))
		return;
	lock(s);
	iova_arena_free(s, first, nr);
	unlock(s);
}

/* Empty one cache into the arena, whose lock is held. */
static void flush(struct iova_space *s, struct iova_cache *c)
{
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;
		uint32_t nr = nr_loaded(c, set, idx);

		if (nr != 0) {
			top_set(c, set, idx, top_of(c, set, idx) - nr);
			put_entries(s, idx, top_of(c, set, idx), nr);
		}
		nr = nr_spare(c, set, idx);
		if (nr != 0) {
			c->spare[set][idx] -= nr;
			put_entries(s, idx, c->spare[set][idx], nr);
		}
	}
	for (uint32_t set = 0; set < IOVA_NR_SETS; set++)
		put_window(s, c, set);
	atomic_store_explicit(&c->held, 0, memory_order_relaxed);
}

void iova_cache_flush(struct iova_space *s, struct iova_cache *c)
{
	lock(s);
	flush(s, c);
	unlock(s);
}

void iova_depot_flush(struct iova_space *s)
{
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;
		struct iova_mag *m;

		while ((m = iova_depot_get(s, set, idx, NULL)) != NULL) {
			lock(s);
			put_entries(s, idx, iova_mag_bottom(m, s->cap[set][idx]), s->cap[set][idx]);
			unlock(s);
			iova_mag_free(s, m);
		}
	}
}

/* Give up a class's magazines, which are empty. */
static void drop_class(struct iova_cache *c, uint32_t set, uint32_t idx)
{
	if (has_mag(c, set, idx))
		iova_mag_free(c->space, iova_mag_of(top_of(c, set, idx)));
	if (c->spare[set][idx] != NULL)
		iova_mag_free(c->space, iova_mag_of(c->spare[set][idx]));
	top_set(c, set, idx, iova_mag_full(&iova_mag_none));
	c->spare[set][idx] = NULL;
}

/* Stop caching the classes that round sizes up; they are empty. */
static void close_rounding(struct iova_cache *c)
{
	c->thrift = true;
	for (uint32_t set = 0; set < IOVA_NR_SETS; set++) {
		for (uint32_t idx = IOVA_NR_EXACT; idx < IOVA_NR_CLASSES; idx++)
			drop_class(c, set, idx);
	}
}

/* Every slot but the caller's is out. */
static void flush_all(struct iova_space *s)
{
	lock(s);
	for (struct iova_cache *c = s->caches; c != NULL; c = c->next)
		flush(s, c);
	unlock(s);
	iova_depot_flush(s);
}

/*
 * Nothing is cached any more, and a rounded size does not fit: hand sizes out to the granule from
 * now on, until the last such range is back. Meanwhile rounding classes are not cached, because
 * nobody could tell such a range from a rounded one.
 */
static int alloc_thrift(struct iova_space *s, const struct iova_want *w, uint64_t *first)
{
	int err;

	lock(s);
	s->thrift = true;
	err = iova_arena_alloc(s, w, first);
	if (s->nr_exact == 0)
		s->thrift = false;
	else
		for (struct iova_cache *c = s->caches; c != NULL; c = c->next)
			close_rounding(c);
	unlock(s);
	return err;
}

static int alloc_locked(struct iova_space *s, const struct iova_want *w, uint64_t *first)
{
	int err;

	lock(s);
	err = iova_arena_alloc(s, w, first);
	unlock(s);
	return err;
}

/* Could it help to keep other slots out? They hold something, or thrift has not begun. */
static bool drain_helps(struct iova_space *s, const struct iova_cache *c, uint64_t nr, bool *others)
{
	bool helps = false;

	*others = false;
	lock(s);
	for (const struct iova_cache *i = s->caches; i != NULL; i = i->next) {
		if (i == c)
			continue;
		*others = true;
		helps = helps || iova_cache_nr(i) != 0;
	}
	if (nr <= IOVA_CACHE_MAX_NR && iova_class_nr(iova_class((uint32_t)nr)) != nr)
		helps = helps || !s->thrift;
	unlock(s);
	return helps;
}

/* The arena said no: empty the caches that may be touched, and ask again. */
static int alloc_exhausted(struct iova_space *s, struct iova_cache *c, const struct iova_want *w,
			   bool drained, uint64_t *first)
{
	bool others, helps;
	int err;

	if (c != NULL)
		iova_cache_flush(s, c);
	iova_depot_flush(s);
	err = alloc_locked(s, w, first);
	if (err != -ENOSPC)
		return err;
	helps = drain_helps(s, c, w->nr, &others);
	if (!drained && others)
		return helps ? -EAGAIN : -ENOSPC;
	flush_all(s);
	return alloc_thrift(s, w, first);
}

/* In granules; false when nothing can satisfy it. */
static bool want_of(const struct iova_space *s, const struct iova_req *req, struct iova_want *w)
{
	uint32_t g = s->granule_lg2;
	uint32_t align = req->align_lg2 > g ? req->align_lg2 - g : 0;
	uint32_t phase = req->phase_lg2 > g ? req->phase_lg2 - g : 0;
	uint64_t rem = phase != 0 ? req->phase >> g : 0, mask = ((uint64_t)1 << g) - 1;

	*w = (struct iova_want){
		.nr = req->nr,
		.end = iova_limit_end(s, req->last),
		.mod_lg2 = align > phase ? align : phase,
		.bounded = (req->flags & IOVA_BOUNDED) != 0,
		.bound_lg2 = 64,
	};
	if (req->nr == 0 || req->nr > UINT64_MAX >> g || w->mod_lg2 > 63 - g ||
	    (phase != 0 && (req->phase & mask) != 0))
		return false;
	/* Beyond the phase's modulus an alignment asks for the multiples, which have phase 0. */
	if (align < phase)
		w->rem = rem & (((uint64_t)1 << phase) - 1);
	if (phase != 0 && (rem & (((uint64_t)1 << (align < phase ? align : phase)) - 1)) != 0)
		return false;
	if (req->boundary != 0 && req->boundary != UINT64_MAX) {
		if (!bits_is_pow2(req->boundary + 1) || (req->boundary & mask) != mask)
			return false;
		w->bound_lg2 = bits_log2_floor((req->boundary >> g) + 1);
		rem = w->rem & (req->boundary >> g);
		if (req->nr > ((uint64_t)1 << w->bound_lg2) - rem)
			return false;
	}
	return true;
}

static bool is_plain(const struct iova_want *w, const struct iova_req *req)
{
	return w->mod_lg2 == 0 && w->bound_lg2 == 64 && w->nr <= IOVA_CACHE_MAX_NR &&
	       (req->flags & IOVA_NO_CACHE) == 0;
}

int iova_alloc(struct iova_space *s, struct iova_cache *c, const struct iova_req *req,
	       struct iova_entry *e)
{
	struct iova_want w;
	uint64_t first;
	int err;

	if (!want_of(s, req, &w))
		return -EINVAL;
	if (c != NULL && is_plain(&w, req) && stock(s, c, (uint32_t)w.nr, req->last) &&
	    iova_cache_alloc(c, (uint32_t)w.nr, req->last, e))
		return 0;
	err = alloc_locked(s, &w, &first);
	if (err == -ENOSPC && !w.bounded)
		err = alloc_exhausted(s, c, &w, (req->flags & IOVA_DRAINED) != 0, &first);
	if (err == 0)
		*e = (struct iova_entry){ first << s->granule_lg2, 0 };
	return err;
}

void iova_cache_purge(struct iova_cache *c, uint64_t start, uint64_t last)
{
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;
		uint64_t bytes = (uint64_t)iova_class_nr(idx) << c->granule_lg2;
		uint32_t loaded = nr_loaded(c, set, idx), spare = nr_spare(c, set, idx);

		if (loaded != 0)
			iova_entries_purge(top_of(c, set, idx) - loaded, loaded, bytes, start,
					   last);
		if (spare != 0)
			iova_entries_purge(c->spare[set][idx] - spare, spare, bytes, start, last);
	}
}

void iova_cache_init(struct iova_cache *c, struct iova_space *s)
{
	c->space = s;
	c->granule_lg2 = s->granule_lg2;
	c->last = ((s->last + 1) << s->granule_lg2) - 1;
	c->low_last = s->low_end != 0 ? (s->low_end << s->granule_lg2) - 1 : 0;
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++)
		top_set(c, i / IOVA_NR_CLASSES, i % IOVA_NR_CLASSES, iova_mag_full(&iova_mag_none));
	lock(s);
	c->thrift = s->thrift;
	c->next = s->caches;
	s->caches = c;
	unlock(s);
}

void iova_cache_fini(struct iova_cache *c)
{
	struct iova_space *s = c->space;
	struct iova_cache **link;

	if (s == NULL)
		return;
	lock(s);
	flush(s, c);
	for (link = &s->caches; *link != c;)
		link = &(*link)->next;
	*link = c->next;
	unlock(s);
	iova_cache_drop_mags(c);
	c->space = NULL;
}

void iova_cache_drop_mags(struct iova_cache *c)
{
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++)
		drop_class(c, i / IOVA_NR_CLASSES, i % IOVA_NR_CLASSES);
}
