/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena's policy; see arena.h. The caller holds the arena's lock, the public functions take it.
 *
 * Addresses are scarce from below: a device with a narrow mask can use nothing else. So a request
 * goes to the highest zone it can reach: above 4 GiB, above 256 MiB, above 16 MiB, anywhere; and
 * within a zone to the lowest place, so that page tables stay few.
 */
#include "iova/arena.h"

#include "core/assert.h"
#include "iova/meta.h"

static uint64_t pow2(uint32_t lg2)
{
	return (uint64_t)1 << lg2;
}

/* The first place at or after @at that satisfies phase and boundary. */
static uint64_t fit(const struct iova_want *w, uint64_t at)
{
	uint64_t mask = pow2(w->mod_lg2) - 1;

	at += (w->rem - at) & mask;
	if (w->bound_lg2 < 64 && at >> w->bound_lg2 != (at + w->nr - 1) >> w->bound_lg2) {
		at = bits_align_up(at + 1, pow2(w->bound_lg2));
		at += (w->rem - at) & mask;
	}
	return at;
}

static uint64_t search(const struct iova_space *s, uint64_t lo, uint64_t end, uint64_t nr,
		       uint32_t align)
{
	struct iova_search q = { .lo = lo, .end = end, .nr = nr, .align = align };

	return iova_tree_search(s, &q);
}

/* A run of how many granules surely contains a place for @len (@w->nr and guard). */
static uint64_t ample(const struct iova_want *w, uint64_t len)
{
	uint64_t slack = pow2(w->mod_lg2) - 1;

	if (w->bound_lg2 < 64 && w->mod_lg2 < w->bound_lg2)
		slack += slack + w->nr - 1;
	return len + slack < len ? UINT64_MAX : len + slack;
}

/* Try the runs of @len and more one after the other. */
static uint64_t search_all(const struct iova_space *s, const struct iova_want *w, uint64_t lo,
			   uint64_t end, uint64_t len)
{
	for (;;) {
		uint64_t run = search(s, lo, end, len, 0), at;

		if (run == IOVA_NONE)
			return IOVA_NONE;
		lo = iova_tree_differs(s, run, end, true);
		at = fit(w, run);
		if (at >= run && at < lo && lo - at >= len)
			return at;
	}
}

/* In what the root covers of @lo .. @end - 1. */
static uint64_t find(const struct iova_space *s, const struct iova_want *w, uint64_t lo,
		     uint64_t end, uint64_t len)
{
	bool bound = w->bound_lg2 < 64;
	uint32_t natural = bits_log2_ceil(w->nr);
	uint64_t at;

	/* Aligned that far it cannot cross. */
	if (natural <= w->mod_lg2)
		bound = false;
	if (w->rem == 0 && !bound && w->mod_lg2 <= TREE_MAX_ALIGN)
		return search(s, lo, end, len, w->mod_lg2);
	at = search(s, lo, end, ample(w, len), 0);
	if (at != IOVA_NONE)
		return fit(w, at);
	if (w->rem == 0 && natural <= TREE_MAX_ALIGN && w->mod_lg2 <= natural) {
		at = search(s, lo, end, len, natural);
		if (at != IOVA_NONE)
			return at;
	}
	return w->bounded ? IOVA_NONE : search_all(s, w, lo, end, len);
}

/* The same, and the root grows as long as it helps. */
static int find_or_grow(struct iova_space *s, const struct iova_want *w, uint64_t lo, uint64_t end,
			uint64_t len, uint64_t *first)
{
	int err;

	if (end > s->last)
		end = s->last + 1;
	if (lo >= end || end - lo < len)
		return -ENOSPC;
	for (;;) {
		*first = find(s, w, lo, end, len);
		if (*first != IOVA_NONE)
			return 0;
		if (s->root_level == s->max_level || pow2(s->root_level) >= end)
			return -ENOSPC;
		err = iova_tree_grow(s);
		if (err != 0)
			return err;
	}
}

/* xorshift64 */
static uint64_t next_random(struct iova_space *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

/* From a random place upwards; the caller tries the whole of it next. */
static int find_random(struct iova_space *s, const struct iova_want *w, uint64_t lo, uint64_t end,
		       uint64_t len, uint64_t *first)
{
	if (s->random == 0 || lo >= end || end - lo <= len)
		return -ENOSPC;
	return find_or_grow(s, w, lo + next_random(s) % (end - lo - len), end, len, first);
}

/* In the zones of one set, from above. */
static int find_in_set(struct iova_space *s, uint32_t set, const struct iova_want *w, uint64_t len,
		       uint64_t *first)
{
	static const uint32_t floors[] = { 28, 24, 0 }; /* log2 of bytes */
	uint64_t lo = set != 0 ? s->low_end : 0, end = bits_min(w->end, s->last + 1);
	int err;

	if (set == 0)
		end = bits_min(end, s->low_end);
	err = find_random(s, w, bits_max(lo, s->first), end, len, first);
	for (uint32_t i = 0; i < ARRAY_LEN(floors) && err == -ENOSPC; i++) {
		uint64_t floor = pow2(floors[i]) >> s->granule_lg2;

		err = find_or_grow(s, w, bits_max(floor, lo), end, len, first);
		if (floor <= lo)
			break;
	}
	return err;
}

/* Mark what was found. */
static int commit(struct iova_space *s, uint64_t first, uint64_t len)
{
	int err = iova_tree_prepare(s, first, first + len);

	if (err != 0)
		return err;
	DMA_ASSERT(iova_tree_differs(s, first, first + len, true) == first + len);
	iova_tree_set(s, first, first + len, IOVA_TAKE);
	s->nr_free -= len;
	return 0;
}

int iova_arena_take(struct iova_space *s, uint32_t set, const struct iova_want *w, uint64_t *first)
{
	int err = find_in_set(s, set, w, w->nr, first);

	return err != 0 ? err : commit(s, *first, w->nr);
}

void iova_arena_put(struct iova_space *s, uint64_t first, uint64_t nr)
{
	/* Else the range was freed twice, or with another size than it was allocated with. */
	DMA_ASSERT(iova_tree_differs(s, first, first + nr, false) == first + nr);
	iova_tree_set(s, first, first + nr, IOVA_RETURN);
	s->nr_free += nr;
}

/* Is @nr rounded up to its class in @set? Where the class is not cached there is no need. */
static bool is_rounded(const struct iova_space *s, uint32_t set, uint64_t nr)
{
	uint32_t idx;

	if (nr > IOVA_CACHE_MAX_NR)
		return false;
	idx = iova_class((uint32_t)nr);
	return iova_class_nr(idx) != nr && s->cap[set][idx] != 0;
}

/* Granules that a new range of @nr takes. */
static uint64_t length_in(const struct iova_space *s, uint32_t set, uint64_t nr)
{
	if (is_rounded(s, set, nr) && !s->thrift)
		nr = iova_class_nr(iova_class((uint32_t)nr));
	return nr + s->cfg.guard;
}

static uint64_t exact_bytes(const struct iova_space *s)
{
	return pow2(s->region_lg2) / 8;
}

/* Remember that the range at @first is not rounded, though others of its size are. */
static int exact_mark(struct iova_space *s, uint64_t first)
{
	struct iova_region *r = iova_tree_region(s, first);
	uint64_t bit = first & (pow2(s->region_lg2) - 1);

	if (r == NULL)
		return -ENOMEM;
	if (r->exact == NULL)
		r->exact = iova_meta_alloc(&s->meta, IOVA_META_EXACT, (size_t)exact_bytes(s));
	if (r->exact == NULL)
		return -ENOMEM;
	r->exact[bit / 64] |= pow2(bit % 64);
	s->nr_exact++;
	return 0;
}

/* Was it so? Forgets it; with the last one, thrift ends. */
static bool exact_unmark(struct iova_space *s, uint64_t first)
{
	struct iova_region *r;
	uint64_t bit = first & (pow2(s->region_lg2) - 1);

	if (s->nr_exact == 0)
		return false;
	r = iova_tree_region(s, first);
	if (r == NULL || r->exact == NULL || (r->exact[bit / 64] >> (bit % 64) & 1) == 0)
		return false;
	r->exact[bit / 64] &= ~pow2(bit % 64);
	if (--s->nr_exact == 0)
		s->thrift = false;
	return true;
}

/* A run that begins below 4 GiB and ends above. */
static int find_across(struct iova_space *s, const struct iova_want *w, uint64_t len,
		       uint64_t *first)
{
	if (w->end <= s->low_end || s->first >= s->low_end)
		return -ENOSPC;
	return find_or_grow(s, w, s->low_end > len ? s->low_end - len : 0,
			    bits_min(w->end, s->low_end + len - 1), len, first);
}

int iova_arena_alloc(struct iova_space *s, const struct iova_want *w, uint64_t *first)
{
	uint64_t len;
	uint32_t set;
	int err = -ENOSPC;

	for (set = s->low_end < w->end; err == -ENOSPC; set--) {
		len = length_in(s, set, w->nr);
		err = find_in_set(s, set, w, len, first);
		if (set == 0)
			break;
	}
	if (err == -ENOSPC) {
		len = length_in(s, 0, w->nr);
		err = find_across(s, w, len, first);
	}
	if (err == 0)
		err = commit(s, *first, len);
	if (err != 0 || !s->thrift || !is_rounded(s, iova_set_of(s, *first), w->nr))
		return err;
	err = exact_mark(s, *first);
	if (err != 0)
		iova_arena_put(s, *first, len);
	return err;
}

void iova_arena_free(struct iova_space *s, uint64_t first, uint64_t nr)
{
	if (is_rounded(s, iova_set_of(s, first), nr) && !exact_unmark(s, first))
		nr = iova_class_nr(iova_class((uint32_t)nr));
	iova_arena_put(s, first, nr + s->cfg.guard);
}

bool iova_arena_gap(const struct iova_space *s, uint64_t *at, uint64_t end, uint64_t *gap_end)
{
	for (const struct iova_window *w = s->windows; w != NULL && *at < end; w = w->next) {
		if (w->end <= *at)
			continue;
		if (w->first > *at) {
			*gap_end = bits_min(w->first, end);
			return true;
		}
		*at = w->end;
	}
	*gap_end = end;
	return *at < end;
}

/* Everything not yet reserved must be in the arena, and describable. */
static int reserve_check(struct iova_space *s, uint64_t first, uint64_t end)
{
	uint64_t gap_end;
	int err;

	end = bits_min(end, pow2(s->root_level));
	for (uint64_t at = first; iova_arena_gap(s, &at, end, &gap_end); at = gap_end) {
		if (iova_tree_differs(s, at, gap_end, true) != gap_end)
			return -EBUSY;
	}
	for (uint64_t at = first; iova_arena_gap(s, &at, end, &gap_end); at = gap_end) {
		err = iova_tree_prepare(s, at, gap_end);
		if (err != 0)
			return err;
	}
	return 0;
}

/* Put @n into the list; what it touches becomes part of it. */
static void insert_window(struct iova_space *s, struct iova_window *n)
{
	struct iova_window **link = &s->windows, *w;

	while (*link != NULL && (*link)->end < n->first)
		link = &(*link)->next;
	while ((w = *link) != NULL && w->first <= n->end) {
		n->first = bits_min(n->first, w->first);
		n->end = bits_max(n->end, w->end);
		*link = w->next;
		iova_meta_free(&s->meta, IOVA_META_WINDOW, w, sizeof(*w));
	}
	n->next = w;
	*link = n;
}

static int reserve(struct iova_space *s, uint64_t first, uint64_t end)
{
	struct iova_window *n;
	uint64_t gap_end;
	int err;

	n = iova_meta_alloc(&s->meta, IOVA_META_WINDOW, sizeof(*n));
	if (n == NULL)
		return -ENOMEM;
	*n = (struct iova_window){ first, end, NULL };
	err = reserve_check(s, first, end);
	if (err != 0) {
		iova_meta_free(&s->meta, IOVA_META_WINDOW, n, sizeof(*n));
		return err;
	}
	for (uint64_t at = first; iova_arena_gap(s, &at, end, &gap_end); at = gap_end) {
		uint64_t known_end = bits_min(gap_end, pow2(s->root_level));

		if (at < known_end)
			iova_tree_set(s, at, known_end, IOVA_HIDE);
		s->nr_free -= gap_end - at;
		s->nr_reserved += gap_end - at;
	}
	insert_window(s, n);
	return 0;
}

int iova_reserve(struct iova_space *s, uint64_t start, uint64_t last)
{
	struct dma_platform *p = s->cfg.platform;
	uint64_t first = bits_max(start >> s->granule_lg2, s->first);
	uint64_t end = bits_min(last >> s->granule_lg2, s->last) + 1;
	int err;

	if (last < start)
		return -EINVAL;
	if (first >= end)
		return 0;
	p->spin_lock(p, &s->lock);
	err = reserve(s, first, end);
	p->spin_unlock(p, &s->lock);
	return err;
}

uint32_t iova_take_free_spans(struct iova_space *s, uint64_t *from, struct iova_span *out,
			      uint32_t max)
{
	struct dma_platform *p = s->cfg.platform;
	uint64_t at = *from >> s->granule_lg2;
	uint32_t nr;

	if (*from == UINT64_MAX)
		return 0;
	p->spin_lock(p, &s->lock);
	nr = iova_tree_touched(s, &at, out, max);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t len = out[i].last - out[i].start + 1;

		iova_tree_set(s, out[i].start, out[i].last + 1, IOVA_HIDE);
		s->nr_free -= len;
		s->nr_taken += len;
	}
	p->spin_unlock(p, &s->lock);
	for (uint32_t i = 0; i < nr; i++) {
		out[i].start <<= s->granule_lg2;
		out[i].last = ((out[i].last + 1) << s->granule_lg2) - 1;
	}
	*from = at == UINT64_MAX ? at : at << s->granule_lg2;
	return nr;
}

void iova_give_back(struct iova_space *s, const struct iova_span *spans, uint32_t nr)
{
	struct dma_platform *p = s->cfg.platform;

	p->spin_lock(p, &s->lock);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t first = spans[i].start >> s->granule_lg2;
		uint64_t len = (spans[i].last >> s->granule_lg2) - first + 1;

		iova_arena_put(s, first, len);
		s->nr_taken -= len;
	}
	p->spin_unlock(p, &s->lock);
}
