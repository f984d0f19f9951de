/* SPDX-License-Identifier: BSD-2-Clause */
/* The dense part of the arena; see region.h. No policy. The caller holds the arena's lock. */
#include "iova/region.h"

#include "core/assert.h"
#include "core/mem.h"

/* A level of n nodes stands behind n - 1 nodes of the levels above. */
static struct iova_sum16 *node_at(const struct iova_region *r, uint32_t level, uint32_t idx)
{
	return r->sums + ((size_t)1 << (r->level - level)) - 1 + idx;
}

static uint64_t *chunk_words(const struct iova_region *r, uint32_t idx)
{
	return r->words + (size_t)idx * CHUNK_WORDS;
}

static bool all_used(const struct iova_sum16 *n)
{
	return n->run[0] == 0;
}

static bool all_free(const struct iova_sum16 *n, uint32_t level)
{
	/* The prefix is everything. The mask changes no level: it is a bound that gcc can see. */
	return n->run[level & REGION_MAX_LG2] == 1u << level;
}

size_t iova_region_bytes(uint32_t level)
{
	size_t nr_nodes = ((size_t)2 << (level - CHUNK_LG2)) - 1;
	size_t bytes = sizeof(struct iova_region) + ((size_t)1 << (level - 3)) +
		       nr_nodes * sizeof(struct iova_sum16);

	return (bytes + 63) & ~(size_t)63;
}

/* One node, for everything beneath. */
static void node_fill(struct iova_sum16 *n, uint32_t level, bool is_free)
{
	uint16_t run = (uint16_t)(is_free ? 1u << level : 0);

	for (uint32_t a = 0; a <= REGION_MAX_LG2; a++)
		n->run[a] = a <= level ? run : 0;
	n->suffix = run;
}

void iova_region_touch(struct iova_region *r)
{
	r->touched = UINT64_MAX >> (64 - (1u << (r->level - CHUNK_LG2)));
}

void iova_region_init(struct iova_region *r, uint32_t level, bool is_free, bool touched)
{
	r->level = level;
	r->words = (uint64_t *)(void *)(r + 1);
	r->sums = (struct iova_sum16 *)(void *)(r->words + ((size_t)1 << (level - 6)));
	if (touched)
		iova_region_touch(r);
	node_fill(r->sums, level, is_free);
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

/* Put @sum in the place of @n; true when they differ. */
static bool node_replace(struct iova_sum16 *n, const struct iova_sum16 *sum)
{
	uint16_t diff = n->suffix ^ sum->suffix;

	for (uint32_t a = 0; a <= REGION_MAX_LG2; a++)
		diff |= n->run[a] ^ sum->run[a];
	*n = *sum;
	return diff != 0;
}

/* A free run @pos .. @end - 1 of a chunk, for every alignment that a granule of it has. */
static void sum_run(struct iova_sum16 *sum, uint32_t pos, uint32_t end)
{
	/* The farthest aligned one; granule 0 is aligned to everything. */
	uint32_t top = pos == 0 ? CHUNK_LG2 : bits_log2_floor((pos - 1) ^ (end - 1));

	/* Runs fall with alignment: what is no longer than the last of them adds nothing. */
	if (end - pos <= sum->run[top])
		return;
	for (uint32_t a = 0; a <= top; a++) {
		uint32_t start = (pos + (1u << a) - 1) & ~((1u << a) - 1);

		if (end - start > sum->run[a])
			sum->run[a] = (uint16_t)(end - start);
	}
}

/* Recompute a chunk's summary from its bits; true when it changed. */
static bool chunk_sum(const uint64_t *words, struct iova_sum16 *n)
{
	struct iova_sum16 sum = { 0 };
	uint64_t last = 0; /* the bit before this word */
	uint32_t pos = 0;
	bool in_run = false;

	for (uint32_t i = 0; i < CHUNK_WORDS; i++) {
		uint64_t w = words[i], flips = w ^ (w << 1 | last);

		for (; flips != 0; flips &= flips - 1) {
			uint32_t at = i * 64 + bits_ctz(flips);

			if (in_run)
				sum_run(&sum, pos, at);
			pos = at;
			in_run = !in_run;
		}
		last = w >> 63;
	}
	if (in_run) {
		sum_run(&sum, pos, CHUNK_NR);
		sum.suffix = (uint16_t)(CHUNK_NR - pos);
	}
	return node_replace(n, &sum);
}

static uint16_t max16(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

/* Constants instead of shifts and comparisons, so that compilers make vectors of the loop below. */
static const uint16_t aligned_mask[REGION_MAX_LG2 + 1] = {
	0xffff, 0xfffe, 0xfffc, 0xfff8, 0xfff0, 0xffe0, 0xffc0, 0xff80,
	0xff00, 0xfe00, 0xfc00, 0xf800, 0xf000, 0xe000, 0xc000, 0x8000,
};
/* From entry 16 - level on: which alignments a node of that level answers for, but its own. */
static const uint16_t below_level[2 * (REGION_MAX_LG2 + 1)] = {
	0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,
	0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,
};

/* Recompute a node of @level from its children; true when it changed. */
static bool node_merge(const struct iova_region *r, uint32_t level, uint32_t idx)
{
	const struct iova_sum16 *left = node_at(r, level - 1, 2 * idx), *right = left + 1;
	const uint16_t *keep = below_level + (REGION_MAX_LG2 + 1 - level);
	uint16_t half = (uint16_t)(1u << (level - 1)), tail = left->suffix;
	uint16_t head = right->run[level - 1];
	struct iova_sum16 sum;

	for (uint32_t a = 0; a <= REGION_MAX_LG2; a++) {
		/* The aligned tail of the left child, and on into the right one. */
		uint16_t run = (uint16_t)((tail & aligned_mask[a]) + head);

		run = max16(run, max16(left->run[a], right->run[a]));
		sum.run[a] = run & keep[a];
	}
	sum.run[level] = left->run[level - 1];
	if (sum.run[level] == half)
		sum.run[level] = (uint16_t)(half + head);
	sum.suffix = right->suffix;
	if (sum.suffix == half)
		sum.suffix = (uint16_t)(half + tail);
	return node_replace(node_at(r, level, idx), &sum);
}

/* Make stale contents true on the way down to @chunk. */
static void push_down(struct iova_region *r, uint32_t chunk)
{
	for (uint32_t level = r->level; level > CHUNK_LG2; level--) {
		uint32_t idx = chunk >> (level - CHUNK_LG2);
		struct iova_sum16 *n = node_at(r, level, idx);
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
	struct iova_sum16 *n = node_at(r, CHUNK_LG2, chunk);
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

/*
 * Recompute what stands above two chunks, as far as something changed there (@low, @high). All
 * that lies between them changes hands, so up to where the paths meet no node stays the same.
 */
static bool merge_paths(struct iova_region *r, uint32_t lo, uint32_t hi, bool low, bool high)
{
	for (uint32_t level = CHUNK_LG2 + 1; level <= r->level && (low || high); level++) {
		lo >>= 1;
		hi >>= 1;
		if (lo == hi) {
			low = node_merge(r, level, lo);
			high = false;
			continue;
		}
		low = low && node_merge(r, level, lo);
		high = high && node_merge(r, level, hi);
	}
	return low;
}

bool iova_region_set(struct iova_region *r, uint32_t first, uint32_t end, enum iova_change change)
{
	uint32_t lo = first >> CHUNK_LG2, hi = (end - 1) >> CHUNK_LG2;
	bool value = change == IOVA_RETURN, low, high = false;

	touch(r, (UINT64_MAX >> (63 - (hi - lo))) << lo, change);
	push_down(r, lo);
	if (lo == hi) {
		low = chunk_set(r, lo, first % CHUNK_NR, (end - 1) % CHUNK_NR + 1, value);
	} else {
		push_down(r, hi);
		low = chunk_set(r, lo, first % CHUNK_NR, CHUNK_NR, value);
		high = chunk_set(r, hi, 0, (end - 1) % CHUNK_NR + 1, value);
		fill_chunks(r, lo + 1, hi, value);
	}
	return merge_paths(r, lo, hi, low, high);
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
static bool search_over(const struct iova_sum16 *n, uint32_t level, uint64_t base,
			struct iova_search *q, uint64_t *found)
{
	uint32_t size = 1u << level;
	*found = search_run(q, base, base + n->run[level]);
	if (*found != IOVA_NONE || n->run[level] == size)
		return true;
	if (q->align <= level && n->run[q->align] >= q->nr)
		return false;
	q->carry = n->suffix;
	return true;
}

/* Something long enough begins in this node, which lies wholly in the window. */
static uint64_t search_inside(const struct iova_region *r, uint32_t level, uint32_t idx,
			      uint64_t base, struct iova_search *q)
{
	for (; level > CHUNK_LG2; level--) {
		const struct iova_sum16 *left = node_at(r, level - 1, 2 * idx), *right = left + 1;
		uint32_t half = 1u << (level - 1), tail;

		if (q->align >= level || all_free(node_at(r, level, idx), level))
			return base; /* the only place, or the first */
		idx = 2 * idx;
		if (q->align < level && left->run[q->align] >= q->nr)
			continue;
		tail = left->suffix & aligned_mask[q->align];
		if (tail + right->run[level - 1] >= q->nr)
			return base + half - tail;
		idx++;
		base += half;
	}
	q->carry = 0;
	if (all_free(node_at(r, CHUNK_LG2, idx), CHUNK_LG2))
		return base;
	return search_chunk(chunk_words(r, idx), base, q);
}

static uint64_t search_node(const struct iova_region *r, uint32_t level, uint32_t idx,
			    uint64_t base, struct iova_search *q)
{
	const struct iova_sum16 *n = node_at(r, level, idx);
	uint64_t size = (uint64_t)1 << level, found;

	if (base >= q->end || base + size <= q->lo)
		return IOVA_NONE;
	if (all_used(n)) {
		q->carry = 0;
		return IOVA_NONE;
	}
	if (all_free(n, level))
		return search_run(q, bits_max(base, q->lo), bits_min(base + size, q->end));
	if (base >= q->lo && base + size <= q->end)
		return search_over(n, level, base, q, &found)
			       ? found
			       : search_inside(r, level, idx, base, q);
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
		const struct iova_sum16 *n = node_at(r, level, pos >> level);

		if (level == CHUNK_LG2 || all_used(n) || all_free(n, level))
			return level;
	}
}

uint32_t iova_region_differs(const struct iova_region *r, uint32_t first, uint32_t end,
			     bool is_free)
{
	while (first < end) {
		uint32_t level = uniform_level(r, first);
		const struct iova_sum16 *n = node_at(r, level, first >> level);
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
