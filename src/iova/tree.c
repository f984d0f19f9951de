/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sparse part of the arena; see tree.h. Not the policy. The caller holds the arena's lock.
 * Recursion goes down one or two paths, at most 52 - 9 levels, with small frames.
 */
#include "iova/tree.h"

#include "core/assert.h"
#include "core/mem.h"
#include "iova/meta.h"

static uint64_t size_of(uint32_t level)
{
	return (uint64_t)1 << level;
}

static int32_t clamp(uint64_t nr)
{
	return (int32_t)bits_min(nr, TREE_LONG);
}

static void sum_fill(struct iova_sum *sum, uint32_t level, bool is_free)
{
	uint64_t nr = is_free ? size_of(level) : 0;

	for (uint32_t a = 0; a < TREE_NR_ALIGN; a++)
		sum->run[a] = a <= level ? clamp(nr) : 0;
	sum->longest = nr;
	sum->prefix = nr;
	sum->suffix = nr;
}

static bool all_used(const struct iova_node *n)
{
	return n->sum.longest == 0;
}

static bool all_free(const struct iova_node *n, uint32_t level)
{
	return n->sum.prefix == size_of(level);
}

static bool is_region(const struct iova_space *s, uint32_t level)
{
	return level == s->region_lg2;
}

/* What a node's child has free; @tmp holds it where nobody else does. */
static const struct iova_sum *child_sum(const struct iova_space *s, const struct iova_node *n,
					uint32_t level, uint32_t side, struct iova_sum *tmp)
{
	const struct iova_sum16 *sum;

	if (n->child[side] == NULL) {
		sum_fill(tmp, level, n->child_free[side]);
		return tmp;
	}
	if (!is_region(s, level))
		return &((const struct iova_node *)n->child[side])->sum;
	sum = iova_region_sum(n->child[side]);
	for (uint32_t a = 0; a <= REGION_MAX_LG2; a++)
		tmp->run[a] = sum->run[a];
	for (uint32_t a = REGION_MAX_LG2 + 1; a < TREE_NR_ALIGN; a++)
		tmp->run[a] = 0;
	tmp->longest = sum->run[0];
	tmp->prefix = sum->run[level];
	tmp->suffix = sum->suffix;
	return tmp;
}

/* Put @sum in the place of @old; true when they differ. */
static bool sum_replace(struct iova_sum *old, const struct iova_sum *sum)
{
	uint64_t diff = (old->longest ^ sum->longest) | (old->prefix ^ sum->prefix) |
			(old->suffix ^ sum->suffix);
	int32_t runs = 0;

	for (uint32_t a = 0; a < TREE_NR_ALIGN; a++)
		runs |= old->run[a] ^ sum->run[a];
	*old = *sum;
	return diff != 0 || runs != 0;
}

/* Constants instead of shifts and comparisons, as in region.c. */
static const int32_t aligned_mask[TREE_NR_ALIGN] = {
	-1,
	-1 * (1 << 1),
	-1 * (1 << 2),
	-1 * (1 << 3),
	-1 * (1 << 4),
	-1 * (1 << 5),
	-1 * (1 << 6),
	-1 * (1 << 7),
	-1 * (1 << 8),
	-1 * (1 << 9),
	-1 * (1 << 10),
	-1 * (1 << 11),
	-1 * (1 << 12),
	-1 * (1 << 13),
	-1 * (1 << 14),
	-1 * (1 << 15),
	-1 * (1 << 16),
	-1 * (1 << 17),
	-1 * (1 << 18),
	-1 * (1 << 19),
	-1 * (1 << 20),
	-1 * (1 << 21),
	-1 * (1 << 22),
	-1 * (1 << 23),
};
static const int32_t below_level[2 * TREE_NR_ALIGN] = {
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

static int32_t max32(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* Recompute a node of @level from its children; true when it changed. */
static bool node_merge(const struct iova_space *s, struct iova_node *n, uint32_t level)
{
	struct iova_sum tmp[2], sum;
	const struct iova_sum *left = child_sum(s, n, level - 1, 0, &tmp[0]);
	const struct iova_sum *right = child_sum(s, n, level - 1, 1, &tmp[1]);
	const int32_t *keep = below_level + (level < TREE_NR_ALIGN ? TREE_NR_ALIGN - level : 0);
	int32_t tail = clamp(left->suffix), head = clamp(right->prefix);
	uint64_t half = size_of(level - 1);

	for (uint32_t a = 0; a < TREE_NR_ALIGN; a++) {
		int32_t run = (tail & aligned_mask[a]) + head;

		run = max32(run, max32(left->run[a], right->run[a]));
		sum.run[a] = run & keep[a];
	}
	sum.longest =
		bits_max(left->suffix + right->prefix, bits_max(left->longest, right->longest));
	sum.prefix = left->prefix == half ? half + right->prefix : left->prefix;
	sum.suffix = right->suffix == half ? half + left->suffix : right->suffix;
	if (level < TREE_NR_ALIGN)
		sum.run[level] = clamp(sum.prefix);
	return sum_replace(&n->sum, &sum);
}

static struct iova_node *node_new(struct iova_space *s, uint32_t level, bool is_free, bool touched)
{
	struct iova_node *n = iova_meta_alloc(&s->meta, IOVA_META_NODE, sizeof(*n));

	if (n == NULL)
		return NULL;
	sum_fill(&n->sum, level, is_free);
	for (uint32_t side = 0; side < 2; side++) {
		n->child_free[side] = is_free;
		n->touched[side] = touched;
	}
	return n;
}

static void region_free(struct iova_space *s, struct iova_region *r)
{
	if (r->exact != NULL)
		iova_meta_free(&s->meta, IOVA_META_EXACT, r->exact,
			       (size_t)(size_of(r->level) / 8));
	iova_meta_free(&s->meta, IOVA_META_REGION, r, iova_region_bytes(r->level));
	s->nr_regions--;
}

/* Frees a subtree; @level is its root's. */
static void subtree_free(struct iova_space *s, void *sub, uint32_t level)
{
	struct iova_node *n = sub;

	if (sub == NULL)
		return;
	if (is_region(s, level)) {
		region_free(s, sub);
		return;
	}
	subtree_free(s, n->child[0], level - 1);
	subtree_free(s, n->child[1], level - 1);
	iova_meta_free(&s->meta, IOVA_META_NODE, n, sizeof(*n));
}

/* Hand the mark "everything was handed out" from a child's place to the child. */
static void push_touched(const struct iova_space *s, struct iova_node *n, uint32_t level,
			 uint32_t side)
{
	struct iova_node *child = n->child[side];

	if (!n->touched[side] || child == NULL)
		return;
	if (is_region(s, level))
		iova_region_touch(n->child[side]);
	else
		child->touched[0] = child->touched[1] = true;
	n->touched[side] = false;
}

/* Forget what was handed out beneath a node. */
static void clear_touched(const struct iova_space *s, struct iova_node *n, uint32_t level)
{
	for (uint32_t side = 0; side < 2; side++) {
		n->touched[side] = false;
		if (n->child[side] == NULL)
			continue;
		if (is_region(s, level - 1))
			((struct iova_region *)n->child[side])->touched = 0;
		else
			clear_touched(s, n->child[side], level - 1);
	}
}

/* Make a missing child of @n, a node of @level. */
static int child_new(struct iova_space *s, struct iova_node *n, uint32_t level, uint32_t side)
{
	bool is_free = all_free(n, level) || (!all_used(n) && n->child_free[side]);
	struct iova_region *r;

	if (!is_region(s, level - 1)) {
		n->child[side] = node_new(s, level - 1, is_free, n->touched[side]);
		if (n->child[side] == NULL)
			return -ENOMEM;
	} else {
		r = iova_meta_alloc(&s->meta, IOVA_META_REGION, iova_region_bytes(level - 1));
		if (r == NULL)
			return -ENOMEM;
		iova_region_init(r, level - 1, is_free, n->touched[side]);
		n->child[side] = r;
		s->nr_regions++;
	}
	n->touched[side] = false;
	return 0;
}

/* Make the nodes down to where @first .. @end - 1 ends inside nothing, on the way to @at. */
static int prepare_bound(struct iova_space *s, uint64_t at, uint64_t first, uint64_t end)
{
	struct iova_node *n = s->root;

	for (uint32_t level = s->root_level; level > s->region_lg2; level--) {
		uint32_t side = at >> (level - 1) & 1;
		uint64_t base = bits_align_down(at, size_of(level - 1));
		int err;

		if (first <= base && base + size_of(level - 1) <= end)
			return 0;
		if (n->child[side] == NULL) {
			err = child_new(s, n, level, side);
			if (err != 0)
				return err;
		}
		n = n->child[side];
	}
	return 0;
}

int iova_tree_prepare(struct iova_space *s, uint64_t first, uint64_t end)
{
	int err = prepare_bound(s, first, first, end);

	if (err != 0 || (first ^ (end - 1)) >> s->region_lg2 == 0)
		return err;
	return prepare_bound(s, end - 1, first, end);
}

/* All of a child of @level. */
static void fill_child(const struct iova_space *s, struct iova_node *n, uint32_t level,
		       uint32_t side, enum iova_change change)
{
	struct iova_node *child = n->child[side];

	n->child_free[side] = change == IOVA_RETURN;
	if (child != NULL && is_region(s, level)) {
		push_touched(s, n, level, side);
		iova_region_fill(n->child[side], change);
		return;
	}
	if (change != IOVA_RETURN)
		n->touched[side] = change == IOVA_TAKE;
	if (child == NULL)
		return;
	sum_fill(&child->sum, level, change == IOVA_RETURN);
	if (change == IOVA_HIDE)
		clear_touched(s, child, level);
}

/* Make stale children true. */
static void push_down(const struct iova_space *s, struct iova_node *n, uint32_t level)
{
	bool is_free = all_free(n, level);

	if (!is_free && !all_used(n))
		return;
	for (uint32_t side = 0; side < 2; side++) {
		n->child_free[side] = is_free;
		if (n->child[side] == NULL)
			continue;
		/* Only the state: what was handed out is another matter. */
		if (is_region(s, level - 1))
			iova_region_state(n->child[side], is_free);
		else
			sum_fill(&((struct iova_node *)n->child[side])->sum, level - 1, is_free);
	}
}

/* @n, of @level and beginning at @base, is not covered wholly. True when its summary changed. */
static bool node_set(const struct iova_space *s, struct iova_node *n, uint32_t level, uint64_t base,
		     const struct iova_span *range, enum iova_change change)
{
	uint64_t half = size_of(level - 1);
	bool changed = false;

	push_down(s, n, level);
	for (uint32_t side = 0; side < 2; side++, base += half) {
		uint64_t lo = bits_max(base, range->start);
		uint64_t hi = bits_min(base + half - 1, range->last);

		if (lo > hi)
			continue;
		if (hi - lo == half - 1) {
			fill_child(s, n, level - 1, side, change);
			changed = true;
			continue;
		}
		DMA_ASSERT(n->child[side] != NULL);
		push_touched(s, n, level - 1, side);
		if (is_region(s, level - 1))
			changed |= iova_region_set(n->child[side], (uint32_t)(lo - base),
						   (uint32_t)(hi - base) + 1, change);
		else
			changed |= node_set(s, n->child[side], level - 1, base, range, change);
	}
	return changed && node_merge(s, n, level);
}

/* The usual case: all within one region, that is one path and no recursion. */
static void set_in_region(const struct iova_space *s, uint64_t first, uint64_t end,
			  enum iova_change change)
{
	struct iova_node *path[65], *n = s->root;
	uint32_t level, mask = (1u << s->region_lg2) - 1;
	bool changed;

	for (level = s->root_level;; level--) {
		uint32_t side = first >> (level - 1) & 1;

		push_down(s, n, level);
		push_touched(s, n, level - 1, side);
		path[level] = n;
		n = n->child[side];
		DMA_ASSERT(n != NULL);
		if (is_region(s, level - 1))
			break;
	}
	changed = iova_region_set((struct iova_region *)(void *)n, (uint32_t)first & mask,
				  (uint32_t)(end - first) + ((uint32_t)first & mask), change);
	for (; changed && level <= s->root_level; level++)
		changed = node_merge(s, path[level], level);
}

void iova_tree_set(struct iova_space *s, uint64_t first, uint64_t end, enum iova_change change)
{
	struct iova_span range = { first, end - 1 };

	if (((first ^ (end - 1)) >> s->region_lg2) == 0 && end - first < size_of(s->region_lg2)) {
		set_in_region(s, first, end, change);
		return;
	}
	if (first == 0 && end == size_of(s->root_level)) {
		for (uint32_t side = 0; side < 2; side++)
			fill_child(s, s->root, s->root_level - 1, side, change);
		sum_fill(&s->root->sum, s->root_level, change == IOVA_RETURN);
		return;
	}
	node_set(s, s->root, s->root_level, 0, &range, change);
}

/* Apply the reserved windows that reach into the upper half of a root that just doubled. */
static int reserve_upper_half(struct iova_space *s)
{
	uint64_t half = size_of(s->root_level - 1), size = size_of(s->root_level);
	const struct iova_window *w;

	for (w = s->windows; w != NULL; w = w->next) {
		uint64_t lo = bits_max(w->first, half), hi = bits_min(w->end, size);
		int err = lo < hi ? iova_tree_prepare(s, lo, hi) : 0;

		if (err != 0)
			return err;
	}
	for (w = s->windows; w != NULL; w = w->next) {
		uint64_t lo = bits_max(w->first, half), hi = bits_min(w->end, size);

		if (lo < hi)
			iova_tree_set(s, lo, hi, IOVA_HIDE);
	}
	return 0;
}

int iova_tree_grow(struct iova_space *s)
{
	struct iova_node *old = s->root, *n = node_new(s, s->root_level + 1, true, false);
	int err;

	if (n == NULL)
		return -ENOMEM;
	n->child[0] = old;
	s->root = n;
	s->root_level++;
	node_merge(s, n, s->root_level);
	err = reserve_upper_half(s);
	if (err == 0)
		return 0;
	s->root_level--;
	s->root = old;
	subtree_free(s, n->child[1], s->root_level);
	iova_meta_free(&s->meta, IOVA_META_NODE, n, sizeof(*n));
	return err;
}

int iova_tree_init(struct iova_space *s)
{
	int err;

	s->root_level = s->region_lg2 + 1;
	s->root = node_new(s, s->root_level, true, false);
	if (s->root == NULL)
		return -ENOMEM;
	/* As if the upper half had just been added, and the same for the lower one. */
	err = reserve_upper_half(s);
	for (const struct iova_window *w = s->windows; w != NULL && err == 0; w = w->next) {
		uint64_t hi = bits_min(w->end, size_of(s->region_lg2));

		if (w->first >= hi)
			continue;
		err = iova_tree_prepare(s, w->first, hi);
		if (err == 0)
			iova_tree_set(s, w->first, hi, IOVA_HIDE);
	}
	if (err != 0)
		iova_tree_fini(s);
	return err;
}

void iova_tree_fini(struct iova_space *s)
{
	subtree_free(s, s->root, s->root_level);
	s->root = NULL;
}

static uint64_t search_run(struct iova_search *q, uint64_t first, uint64_t end)
{
	uint64_t start = bits_align_up(first - q->carry, size_of(q->align));

	if (start >= first - q->carry && start < end && end - start >= q->nr)
		return start;
	q->carry += end - first;
	return IOVA_NONE;
}

/* Does something long enough begin in a node? From TREE_LONG on only a guess that it may. */
static bool may_hold(const struct iova_sum *sum, uint32_t level, const struct iova_search *q)
{
	if (q->nr > TREE_LONG)
		return sum->longest >= q->nr;
	return q->align <= level && sum->run[q->align] >= (int32_t)q->nr;
}

/* As in region.c: step over a node in which nothing begins that is long enough. */
static bool search_over(const struct iova_sum *sum, uint32_t level, uint64_t base,
			struct iova_search *q, uint64_t *found)
{
	uint64_t carry = q->carry;

	*found = search_run(q, base, base + sum->prefix);
	if (*found != IOVA_NONE)
		return true;
	if (may_hold(sum, level, q)) {
		q->carry = carry;
		return false;
	}
	q->carry = sum->suffix;
	return true;
}

static uint64_t search_node(const struct iova_space *s, const struct iova_node *n, uint32_t level,
			    uint64_t base, struct iova_search *q)
{
	uint64_t half = size_of(level - 1), found;

	for (uint32_t side = 0; side < 2; side++, base += half) {
		struct iova_sum tmp;
		const struct iova_sum *sum;

		if (base >= q->end || base + half <= q->lo)
			continue;
		sum = child_sum(s, n, level - 1, side, &tmp);
		if (sum->longest == 0) {
			q->carry = 0;
			continue;
		}
		if (sum->prefix == half)
			found = search_run(q, bits_max(base, q->lo), bits_min(base + half, q->end));
		else if (base >= q->lo && base + half <= q->end &&
			 search_over(sum, level - 1, base, q, &found))
			; /* stepped over, or found in the prefix */
		else if (is_region(s, level - 1))
			found = iova_region_search(n->child[side], base, q);
		else
			found = search_node(s, n->child[side], level - 1, base, q);
		if (found != IOVA_NONE)
			return found;
	}
	return IOVA_NONE;
}

uint64_t iova_tree_search(const struct iova_space *s, struct iova_search *q)
{
	uint64_t size = size_of(s->root_level);

	q->end = bits_min(q->end, size);
	q->carry = 0;
	if (q->lo >= q->end || q->end - q->lo < q->nr || all_used(s->root))
		return IOVA_NONE;
	if (all_free(s->root, s->root_level))
		return search_run(q, q->lo, q->end);
	if (!may_hold(&s->root->sum, s->root_level, q))
		return IOVA_NONE;
	return search_node(s, s->root, s->root_level, 0, q);
}

/* The largest node around @at that is all free or all used, or NULL and its region. */
static struct iova_region *find_uniform(const struct iova_space *s, uint64_t at, uint32_t *level,
					bool *is_free)
{
	const struct iova_node *n = s->root;

	for (uint32_t l = s->root_level;; l--) {
		uint32_t side = at >> (l - 1) & 1;

		*level = l;
		*is_free = all_free(n, l);
		if (*is_free || all_used(n))
			return NULL;
		*level = l - 1;
		*is_free = n->child_free[side];
		if (n->child[side] == NULL)
			return NULL;
		if (is_region(s, l - 1))
			return n->child[side];
		n = n->child[side];
	}
}

uint64_t iova_tree_differs(const struct iova_space *s, uint64_t first, uint64_t end, bool is_free)
{
	end = bits_min(end, size_of(s->root_level));
	while (first < end) {
		uint32_t level;
		bool free_here;
		struct iova_region *r = find_uniform(s, first, &level, &free_here);
		uint64_t base = bits_align_down(first, size_of(level));
		uint64_t next = bits_min(end, base + size_of(level));

		if (r != NULL) {
			uint64_t at = base + iova_region_differs(r, (uint32_t)(first - base),
								 (uint32_t)(next - base), is_free);

			if (at < next)
				return at;
		} else if (free_here != is_free) {
			return first;
		}
		first = next;
	}
	return end;
}

struct iova_region *iova_tree_region(const struct iova_space *s, uint64_t granule)
{
	struct iova_node *n = s->root;

	if (granule >= size_of(s->root_level))
		return NULL;
	for (uint32_t l = s->root_level; l > s->region_lg2 + 1 && n != NULL; l--)
		n = n->child[granule >> (l - 1) & 1];
	return n != NULL ? n->child[granule >> s->region_lg2 & 1] : NULL;
}

struct listing {
	const struct iova_space *s;
	uint64_t from;
	struct iova_span *out;
	uint32_t max;
	uint32_t nr;
};

/* False when @out is full; then the listing goes on with @first. */
static bool list(struct listing *l, uint64_t first, uint64_t end)
{
	if (first < l->from)
		return true;
	if (l->nr > 0 && l->out[l->nr - 1].last + 1 == first) {
		l->out[l->nr - 1].last = end - 1;
		return true;
	}
	if (l->nr == l->max) {
		l->from = first;
		return false;
	}
	l->out[l->nr++] = (struct iova_span){ first, end - 1 };
	return true;
}

static bool list_region(struct listing *l, const struct iova_region *r, uint64_t base, bool is_free)
{
	uint32_t span = 1u << l->s->span_lg2;
	uint64_t chunks = UINT64_MAX >> (64 - (span >> CHUNK_LG2));

	for (uint32_t at = 0; at < 1u << r->level; at += span) {
		if ((r->touched >> (at >> CHUNK_LG2) & chunks) == 0)
			continue;
		if (!is_free && iova_region_differs(r, at, at + span, true) != at + span)
			continue;
		if (!list(l, base + at, base + at + span))
			return false;
	}
	return true;
}

/* @is_free: an ancestor says so, and what the node says is stale. */
static bool list_node(struct listing *l, struct iova_node *n, uint32_t level, uint64_t base,
		      bool is_free)
{
	const struct iova_space *s = l->s;
	uint64_t half = size_of(level - 1);

	is_free = is_free || all_free(n, level);
	if (!is_free && all_used(n))
		return true;
	for (uint32_t side = 0; side < 2; side++, base += half) {
		bool more = true;

		if (base + half <= l->from)
			continue;
		push_touched(s, n, level - 1, side);
		if (n->child[side] == NULL) {
			if (n->touched[side] && (is_free || n->child_free[side]))
				more = list(l, base, base + half);
		} else if (is_region(s, level - 1)) {
			more = list_region(l, n->child[side], base, is_free);
		} else {
			more = list_node(l, n->child[side], level - 1, base, is_free);
		}
		if (!more)
			return false;
	}
	return true;
}

uint32_t iova_tree_touched(const struct iova_space *s, uint64_t *from, struct iova_span *out,
			   uint32_t max)
{
	struct listing l = { .s = s, .from = *from, .out = out, .max = max };

	if (list_node(&l, s->root, s->root_level, 0, false))
		l.from = UINT64_MAX;
	*from = l.from;
	return l.nr;
}

/* True when the subtree is gone: it was all free and untouched. */
static bool trim_child(struct iova_space *s, struct iova_node *n, uint32_t level, uint32_t side,
		       bool is_free)
{
	struct iova_node *child = n->child[side];
	struct iova_region *r = n->child[side];

	if (child == NULL)
		return !n->touched[side] && (is_free || n->child_free[side]);
	if (n->touched[side])
		return false;
	if (is_region(s, level)) {
		if (r->touched != 0 ||
		    !(is_free || iova_region_sum(r)->run[level] == size_of(level)))
			return false;
		region_free(s, r);
	} else {
		bool low, high;

		is_free = is_free || all_free(child, level);
		low = trim_child(s, child, level - 1, 0, is_free);
		high = trim_child(s, child, level - 1, 1, is_free);
		if (!low || !high)
			return false;
		iova_meta_free(&s->meta, IOVA_META_NODE, child, sizeof(*child));
	}
	n->child[side] = NULL;
	n->child_free[side] = true;
	return true;
}

uint64_t iova_tree_trim(struct iova_space *s)
{
	uint64_t before = iova_meta_used(&s->meta);
	bool is_free = all_free(s->root, s->root_level);

	for (uint32_t side = 0; side < 2; side++)
		trim_child(s, s->root, s->root_level - 1, side, is_free);
	return before - iova_meta_used(&s->meta);
}
