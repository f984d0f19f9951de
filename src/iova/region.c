/* SPDX-License-Identifier: BSD-2-Clause */
/* The dense part of the arena; see region.h. No policy. The caller holds the arena's lock. */
#include "iova/region.h"

#include "core/assert.h"
#include "core/mem.h"

static uint16_t *node_at(const struct iova_region *r, uint32_t level, uint32_t idx)
{
	return r->sums + r->off[level] + (size_t)idx * (level + 2);
}

static uint64_t *chunk_words(const struct iova_region *r, uint32_t idx)
{
	return r->words + (size_t)idx * CHUNK_WORDS;
}

static bool all_used(const uint16_t *n)
{
	return n[0] == 0;
}

static bool all_free(const uint16_t *n, uint32_t level)
{
	return n[level] == 1u << level; /* the prefix is everything */
}

static size_t nr_sums(uint32_t level)
{
	size_t nr = 0;

	for (uint32_t l = CHUNK_LG2; l <= level; l++)
		nr += (size_t)(l + 2) << (level - l);
	return nr;
}

size_t iova_region_bytes(uint32_t level)
{
	size_t bytes = sizeof(struct iova_region) + ((size_t)1 << (level - 3)) +
		       nr_sums(level) * sizeof(uint16_t);

	return (bytes + 63) & ~(size_t)63;
}

/* One node, for everything beneath. */
static void node_fill(uint16_t *n, uint32_t level, bool is_free)
{
	uint16_t run = (uint16_t)(is_free ? 1u << level : 0);

	for (uint32_t i = 0; i < level + 2; i++)
		n[i] = run;
}

void iova_region_touch(struct iova_region *r)
{
	r->touched = UINT64_MAX >> (64 - (1u << (r->level - CHUNK_LG2)));
}

void iova_region_init(struct iova_region *r, uint32_t level, bool is_free, bool touched)
{
	uint32_t off = 0;

	r->level = level;
	r->words = (uint64_t *)(void *)(r + 1);
	r->sums = (uint16_t *)(void *)(r->words + ((size_t)1 << (level - 6)));
	for (uint32_t l = level; l >= CHUNK_LG2; l--) {
		r->off[l] = (uint16_t)off;
		off += (l + 2) << (level - l);
	}
	if (touched)
		iova_region_touch(r);
	node_fill(node_at(r, level, 0), level, is_free);
}

static void touch(struct iova_region *r, uint64_t chunks, enum iova_change change)
{
	if (change == IOVA_TAKE)
		r->touched |= chunks;
	else if (change == IOVA_HIDE)
		r->touched &= ~chunks;
}

void iova_region_fill(struct iova_region *r, enum iova_change change)
{
	if (change == IOVA_TAKE)
		iova_region_touch(r);
	else if (change == IOVA_HIDE)
		r->touched = 0;
	iova_region_state(r, change == IOVA_RETURN);
}

void iova_region_state(struct iova_region *r, bool is_free)
{
	node_fill(node_at(r, r->level, 0), r->level, is_free);
}

/* First bit of value @set at or after @pos, at least @end when there is none before. */
static uint32_t next_bit(const uint64_t *words, uint32_t pos, uint32_t end, bool set)
{
	uint64_t flip = set ? 0 : UINT64_MAX;
	uint64_t w = (words[pos / 64] ^ flip) & (UINT64_MAX << (pos % 64));

	while (w == 0) {
		pos = (pos / 64 + 1) * 64;
		if (pos >= end)
			return end;
		w = words[pos / 64] ^ flip;
	}
	return (pos & ~63u) + bits_ctz(w);
}

static void set_bits(uint64_t *words, uint32_t first, uint32_t end, bool value)
{
	while (first < end) {
		uint32_t shift = first % 64;
		uint32_t nr = end - first < 64 - shift ? end - first : 64 - shift;
		uint64_t mask = (UINT64_MAX >> (64 - nr)) << shift;

		if (value)
			words[first / 64] |= mask;
		else
			words[first / 64] &= ~mask;
		first += nr;
	}
}

/* Recompute a chunk's summary from its bits; true when it changed. */
static bool chunk_sum(const uint64_t *words, uint16_t *n)
{
	uint16_t sum[CHUNK_LG2 + 2] = { 0 };
	uint32_t pos = next_bit(words, 0, CHUNK_NR, true);
	bool changed;

	while (pos < CHUNK_NR) {
		uint32_t end = next_bit(words, pos, CHUNK_NR, false);

		for (uint32_t a = 0; a <= CHUNK_LG2; a++) {
			uint32_t start = (pos + (1u << a) - 1) & ~((1u << a) - 1);

			if (start >= end)
				break;
			if (end - start > sum[a])
				sum[a] = (uint16_t)(end - start);
		}
		if (end == CHUNK_NR) {
			sum[CHUNK_LG2 + 1] = (uint16_t)(end - pos);
			break;
		}
		pos = next_bit(words, end, CHUNK_NR, true);
	}
	changed = memcmp(n, sum, sizeof(sum)) != 0;
	memcpy(n, sum, sizeof(sum));
	return changed;
}

/* Recompute a node of @level from its children; true when it changed. */
static bool node_merge(const struct iova_region *r, uint32_t level, uint32_t idx)
{
	uint16_t *n = node_at(r, level, idx);
	const uint16_t *left = node_at(r, level - 1, 2 * idx), *right = left + level + 1;
	uint32_t half = 1u << (level - 1), left_suffix = left[level], prefix = right[level - 1];
	uint32_t diff = 0, run;

	for (uint32_t a = 0; a < level; a++) {
		/* The aligned tail of the left child, and on into the right one. */
		run = (left_suffix & (UINT32_MAX << a)) + prefix;
		run = run > left[a] ? run : left[a];
		run = run > right[a] ? run : right[a];
		diff |= run ^ n[a];
		n[a] = (uint16_t)run;
	}
	run = left[level - 1] == half ? half + prefix : left[level - 1];
	diff |= run ^ n[level];
	n[level] = (uint16_t)run;
	run = right[level] == half ? half + left_suffix : right[level];
	diff |= run ^ n[level + 1];
	n[level + 1] = (uint16_t)run;
	return diff != 0;
}

/* Make stale contents true on the way down to @chunk. */
static void push_down(struct iova_region *r, uint32_t chunk)
{
	for (uint32_t level = r->level; level > CHUNK_LG2; level--) {
		uint32_t idx = chunk >> (level - CHUNK_LG2);
		uint16_t *n = node_at(r, level, idx);
		bool is_free = all_free(n, level);

		if (is_free || all_used(n)) {
			node_fill(node_at(r, level - 1, 2 * idx), level - 1, is_free);
			node_fill(node_at(r, level - 1, 2 * idx + 1), level - 1, is_free);
		}
	}
}

/* Bits @first .. @end - 1 of a chunk; true when its summary changed. */
static bool chunk_set(struct iova_region *r, uint32_t chunk, uint32_t first, uint32_t end,
		      bool value)
{
	uint16_t *n = node_at(r, CHUNK_LG2, chunk);
	uint64_t *words = chunk_words(r, chunk);

	if (end - first == CHUNK_NR) {
		node_fill(n, CHUNK_LG2, value);
		return true;
	}
	if (all_used(n))
		memset(words, 0, CHUNK_WORDS * sizeof(*words));
	else if (all_free(n, CHUNK_LG2))
		memset(words, 0xff, CHUNK_WORDS * sizeof(*words));
	set_bits(words, first, end, value);
	return chunk_sum(words, n);
}

/* Whole chunks @lo .. @hi - 1, each largest possible node at once. */
static void fill_chunks(struct iova_region *r, uint32_t lo, uint32_t hi, bool value)
{
	for (uint32_t level = CHUNK_LG2; lo < hi; level++) {
		if ((lo & 1) != 0)
			node_fill(node_at(r, level, lo++), level, value);
		if ((hi & 1) != 0)
			node_fill(node_at(r, level, --hi), level, value);
		lo >>= 1;
		hi >>= 1;
	}
}

bool iova_region_set(struct iova_region *r, uint32_t first, uint32_t end, enum iova_change change)
{
	uint32_t lo = first >> CHUNK_LG2, hi = (end - 1) >> CHUNK_LG2;
	bool value = change == IOVA_RETURN, changed;

	touch(r, (UINT64_MAX >> (63 - (hi - lo))) << lo, change);
	push_down(r, lo);
	if (lo == hi) {
		changed = chunk_set(r, lo, first % CHUNK_NR, (end - 1) % CHUNK_NR + 1, value);
	} else {
		push_down(r, hi);
		chunk_set(r, lo, first % CHUNK_NR, CHUNK_NR, value);
		chunk_set(r, hi, 0, (end - 1) % CHUNK_NR + 1, value);
		fill_chunks(r, lo + 1, hi, value);
		changed = true;
	}
	for (uint32_t level = CHUNK_LG2 + 1; level <= r->level && changed; level++) {
		lo >>= 1;
		hi >>= 1;
		changed = node_merge(r, level, lo);
		if (lo != hi) {
			node_merge(r, level, hi);
			changed = true;
		}
	}
	return changed;
}

static uint64_t align_up(uint64_t v, uint32_t align)
{
	return bits_align_up(v, (uint64_t)1 << align);
}

/* Free granules @first .. @end - 1 continue the walk: the place if they complete a run. */
static uint64_t search_run(struct iova_search *q, uint64_t first, uint64_t end)
{
	uint64_t start = align_up(first - q->carry, q->align);

	if (start < end && end - start >= q->nr)
		return start;
	q->carry += end - first;
	return IOVA_NONE;
}

static uint64_t search_chunk(const uint64_t *words, uint64_t base, struct iova_search *q)
{
	uint32_t lo = q->lo > base ? (uint32_t)(q->lo - base) : 0;
	uint32_t hi = q->end - base < CHUNK_NR ? (uint32_t)(q->end - base) : CHUNK_NR;

	while (lo < hi) {
		uint32_t first = next_bit(words, lo, hi, true), end;
		uint64_t found;

		if (first != lo)
			q->carry = 0;
		if (first >= hi)
			break;
		end = next_bit(words, first, hi, false);
		end = end < hi ? end : hi;
		found = search_run(q, base + first, base + end);
		if (found != IOVA_NONE)
			return found;
		lo = end;
	}
	return IOVA_NONE;
}

/*
 * Step over a node that lies wholly in the window, if nothing begins in it: true, with *found
 * set when a run that ends in its prefix is long enough. Else the run lies inside: go down.
 */
static bool search_over(const uint16_t *n, uint32_t level, uint64_t base, struct iova_search *q,
			uint64_t *found)
{
	uint32_t size = 1u << level;
	uint64_t carry = q->carry;

	*found = search_run(q, base, base + n[level]);
	if (*found != IOVA_NONE || n[level] == size)
		return true;
	if (q->align <= level && n[q->align] >= q->nr) {
		q->carry = carry;
		return false;
	}
	q->carry = n[level + 1];
	return true;
}

static uint64_t search_node(const struct iova_region *r, uint32_t level, uint32_t idx,
			    uint64_t base, struct iova_search *q)
{
	const uint16_t *n = node_at(r, level, idx);
	uint64_t size = (uint64_t)1 << level, found;

	if (base >= q->end || base + size <= q->lo)
		return IOVA_NONE;
	if (all_used(n)) {
		q->carry = 0;
		return IOVA_NONE;
	}
	if (all_free(n, level))
		return search_run(q, bits_max(base, q->lo), bits_min(base + size, q->end));
	if (base >= q->lo && base + size <= q->end && search_over(n, level, base, q, &found))
		return found;
	if (level == CHUNK_LG2)
		return search_chunk(chunk_words(r, idx), base, q);
	found = search_node(r, level - 1, 2 * idx, base, q);
	if (found != IOVA_NONE)
		return found;
	return search_node(r, level - 1, 2 * idx + 1, base + size / 2, q);
}

uint64_t iova_region_search(const struct iova_region *r, uint64_t base, struct iova_search *q)
{
	return search_node(r, r->level, 0, base, q);
}

/* The largest node around @pos that is all free or all used, or its chunk. */
static uint32_t uniform_level(const struct iova_region *r, uint32_t pos)
{
	for (uint32_t level = r->level;; level--) {
		const uint16_t *n = node_at(r, level, pos >> level);

		if (level == CHUNK_LG2 || all_used(n) || all_free(n, level))
			return level;
	}
}

uint32_t iova_region_differs(const struct iova_region *r, uint32_t first, uint32_t end,
			     bool is_free)
{
	while (first < end) {
		uint32_t level = uniform_level(r, first);
		const uint16_t *n = node_at(r, level, first >> level);
		uint32_t base = first & ~((1u << level) - 1);

		if (all_used(n) || all_free(n, level)) {
			if (all_free(n, level) != is_free)
				return first;
		} else {
			uint32_t pos = next_bit(chunk_words(r, first >> CHUNK_LG2),
						first % CHUNK_NR, CHUNK_NR, !is_free);

			if (pos < CHUNK_NR)
				return base + pos < end ? base + pos : end;
		}
		first = base + (1u << level);
	}
	return end;
}
