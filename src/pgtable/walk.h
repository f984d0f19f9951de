/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker: one text for all formats, compiled into the includer with constant shifts. The second
 * door header of this folder. Say which format first:
 *
 *	#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
 *	#include "pgtable/walk.h"
 *
 * One format per translation unit. PT_NONCOHERENT(pt) may be defined as 0 or 1 where the includer
 * knows; by default the page table is asked. Locks: none (see pgtable.h, Concurrency).
 *
 * Here: entries of one page (pt_leaf, pt_set_leaf, pt_clear_leaf), runs (struct pt_writer), unmap
 * and translation. What is rare (reserve, retire, dump) is in walk_ops.h, compiled once per format.
 */
#ifndef DMAMAP_PGTABLE_WALK_H
#define DMAMAP_PGTABLE_WALK_H

/*
 * What a format header supplies. Levels count from the leaves; a word is an entry in CPU order. An
 * entry is 0, a table or a leaf, nothing else; 0 and every value with the valid bits clear
 * are invalid to the hardware, which then ignores the other bits.
 *
 * PT_NAME, PT_FMT		its name and enum dma_pt_fmt
 * PT_WORD_BYTES		8 or 4
 * PT_GRANULE_LG2		log2 of the page that a level 0 entry maps
 * PT_IDX_LG2, PT_TOP_IDX_LG2	log2 of the entries of a table; of the highest level
 * PT_NR_LEVELS			levels when IAS is largest; the root may be lower
 * PT_LEAF_LEVELS		bit n: leaf entries exist at level n
 * PT_GROUP_LEVELS		bit n: groups exist at level n
 * PT_GROUP_LG2(level)		log2 of the entries of a group
 * PT_GROUP_REPLICATES		1: all words of a group are equal; 0: addresses go on
 * PT_IAS_MIN .. PT_OAS_MAX	bits it can be configured for
 * PT_TABLE_PHYS_LAST		highest phys of a table
 * PT_SYNCED			a bit of table entries that is free for software, or 0
 * PT_FIRST, PT_MORE		bits of leaf entries that are free for software (mapping.h), or 0
 * PT_FMT_TYPE			bits that tell tables from leaves and both from 0, above level 0
 * PT_FMT_FOLD_VALID(acc, v)	bit 0 stays 1 while all level 0 words are valid; also for vectors
 * PT_FMT_ENCODE(phys)		8-byte words: address field; also for vectors
 * pt_fmt_encode(phys)		address field of a leaf; linear in phys
 * pt_fmt_word(prot, level, group)	the rest of a leaf
 * pt_fmt_is_table, pt_fmt_is_leaf, pt_fmt_is_group(level, v)
 * pt_fmt_table_word(phys), pt_fmt_table_phys(v)	table entry and back
 * pt_fmt_leaf_lg2, pt_fmt_leaf_phys(level, v)	size and start of the memory a leaf names
 * pt_fmt_prot(level, v)	DMA_PROT_* of a leaf
 * pt_fmt_info(pt, info)	what struct pgtable_info says beyond the common part
 */

#include "core/assert.h"
#include "core/bits.h"
#include "pgtable/pgtable.h"

#include PT_FMT_H

#include "pgtable/entry.h"

#ifndef PT_NONCOHERENT
#define PT_NONCOHERENT(pt) unlikely((pt)->noncoherent)
#endif

#define PT_GRANULE (UINT64_C(1) << PT_GRANULE_LG2)
#define PT_SPAN_LG2 (PT_GRANULE_LG2 + PT_IDX_LG2)
#define PT_SPAN (UINT64_C(1) << PT_SPAN_LG2)
#define PT_LEAF_ENTRIES (UINT32_C(1) << PT_IDX_LG2)
#define PT_TABLE_LG2 (PT_IDX_LG2 + PT_WORD_LG2)
/* Out of line, so that the fast path around it stays small; not every includer uses each. */
#define PT_SLOW static __attribute__((noinline, unused))

/* log2 of the IOVA that one entry of a level translates */
static inline uint32_t pt_entry_lg2(uint32_t level)
{
	return PT_GRANULE_LG2 + level * PT_IDX_LG2;
}

static inline uint32_t pt_nr_entries(uint32_t level)
{
	return UINT32_C(1) << (level == PT_NR_LEVELS - 1 ? PT_TOP_IDX_LG2 : PT_IDX_LG2);
}

static inline uint32_t pt_index(uint64_t iova, uint32_t level)
{
	return (uint32_t)(iova >> pt_entry_lg2(level)) & (pt_nr_entries(level) - 1);
}

/* log2 of the IOVA that one table of a level covers */
static inline uint32_t pt_table_span_lg2(uint32_t level)
{
	return pt_entry_lg2(level + 1);
}

static inline pt_word_t *pt_table_cpu(const struct pgtable *pt, phys_addr_t table)
{
	return (pt_word_t *)((uintptr_t)table + pt->linear);
}

static inline pt_word_t *pt_next_table(const struct pgtable *pt, pt_word_t v)
{
	return pt_table_cpu(pt, pt_fmt_table_phys(v));
}

static inline size_t pt_gen(const struct pgtable *pt)
{
	return __atomic_load_n(&pt->gen, __ATOMIC_RELAXED);
}

/* On 32-bit CPUs too: every table lies within 2 GiB of the root (pool.c). */
static inline phys_addr_t pt_entry_phys(const struct pgtable *pt, const pt_word_t *e)
{
	intptr_t from_root = (intptr_t)((uintptr_t)e - (uintptr_t)pt->root);

	return pt->root_phys + (uint64_t)(int64_t)from_root;
}

/* Entries [e, e + nr) to memory, whole cache lines at a time. */
PT_SLOW void pt_clean(const struct pgtable *pt, const pt_word_t *e, uint32_t nr)
{
	uint64_t line = pt->platform->cache_line;
	phys_addr_t start = pt_entry_phys(pt, e);
	phys_addr_t end = start + ((uint64_t)nr << PT_WORD_LG2);

	dma_wmb();
	start = bits_align_down(start, line);
	pt->platform->cache_clean(pt->platform, start, bits_align_up(end, line) - start);
}

/**
 * struct pt_prot - a protection as words that only miss the address
 * @page: a granule entry
 * @word: leaf entries by level; [1] in a group
 */
struct pt_prot {
	pt_word_t page;
	pt_word_t word[PT_NR_LEVELS][2];
};

/* DMA_PROT_* with READ or WRITE set; compute once, keep. */
static inline struct pt_prot pt_prot(uint32_t prot)
{
	struct pt_prot p;

	for (uint32_t level = 0; level < PT_NR_LEVELS; level++) {
		p.word[level][0] = pt_fmt_word(prot, level, false);
		p.word[level][1] = pt_fmt_word(prot, level, true);
	}
	p.page = p.word[0][0];
	return p;
}

/*
 * Descend towards the table of level @stop that serves @iova, as far as tables go: *level is where
 * it ended. @iova lies in the IOVA space.
 */
static inline pt_word_t *pt_walk(const struct pgtable *pt, uint64_t iova, uint32_t stop,
				 uint32_t *level)
{
	pt_word_t *table = pt->root;
	uint32_t at = pt->top_level;

	while (at > stop) {
		pt_word_t v = pt_load_shared(table + pt_index(iova, at));

		if (!pt_fmt_is_table(at, v))
			break;
		table = pt_next_table(pt, v);
		at--;
	}
	*level = at;
	return table;
}

static inline void pt_cursor_set(const struct pgtable *pt, struct pgtable_cursor *cursor,
				 uint64_t iova, pt_word_t *table)
{
	cursor->span = iova >> PT_SPAN_LG2;
	cursor->gen = pt_gen(pt);
	cursor->table = table;
}

static inline bool pt_cursor_hit(const struct pgtable *pt, const struct pgtable_cursor *cursor,
				 uint64_t iova)
{
	return cursor->span == iova >> PT_SPAN_LG2 && cursor->gen == pt_gen(pt);
}

PT_SLOW pt_word_t *pt_leaf_walk(const struct pgtable *pt, struct pgtable_cursor *cursor,
				uint64_t iova)
{
	uint32_t level;
	pt_word_t *table;

	if (iova > pt->iova_last)
		return NULL;
	table = pt_walk(pt, iova, 0, &level);
	if (level != 0)
		return NULL;
	pt_cursor_set(pt, cursor, iova, table);
	return table + pt_index(iova, 0);
}

/**
 * pt_leaf() - the leaf entry of a page
 * @pt: page table
 * @cursor: the caller's slot's
 * @iova: held by the caller
 *
 * Return: its place, valid while the caller holds @iova; NULL when no leaf table is linked there
 */
ALWAYS_INLINE pt_word_t *pt_leaf(const struct pgtable *pt, struct pgtable_cursor *cursor,
				 uint64_t iova)
{
	if (likely(pt_cursor_hit(pt, cursor, iova)))
		return (pt_word_t *)cursor->table + pt_index(iova, 0);
	return pt_leaf_walk(pt, cursor, iova);
}

/* Write one granule entry that is empty. The walker sees it before any later store. */
ALWAYS_INLINE void pt_set_leaf(const struct pgtable *pt, pt_word_t *leaf, phys_addr_t phys,
			       pt_word_t prot_word)
{
	DMA_ASSERT(pt_load(leaf) == 0);
	pt_store(leaf, pt_fmt_encode(phys) | prot_word);
	if (PT_NONCOHERENT(pt))
		pt_clean(pt, leaf, 1);
	dma_wmb();
}

/*
 * Clear one granule entry. False, and nothing changed, when it is empty or part of a group: then
 * pt_unmap() knows what to do.
 */
ALWAYS_INLINE bool pt_clear_leaf(const struct pgtable *pt, pt_word_t *leaf)
{
	pt_word_t v = pt_load(leaf);

	if (unlikely(v == 0 || pt_fmt_is_group(0, v)))
		return false;
	pt_store(leaf, 0);
	if (PT_NONCOHERENT(pt))
		pt_clean(pt, leaf, 1);
	dma_wmb();
	return true;
}

/* Software's bits (mapping.h) of entries that nobody uses yet; memory need not know them. */
static inline void pt_mark_mapping(pt_word_t *first, pt_word_t *last)
{
	pt_store(last, pt_load(last) & ~(pt_word_t)PT_MORE);
	pt_store(first, pt_load(first) | PT_FIRST);
}

/*
 * A table entry that others may have written and not yet cleaned: no translation below it may be
 * relied on before the walker sees it. Cleaning twice does no harm.
 */
static inline void pt_sync_entry(const struct pgtable *pt, pt_word_t *e, pt_word_t v)
{
	if (!PT_NONCOHERENT(pt) || (v & PT_SYNCED_BIT) != 0)
		return;
	pt_clean(pt, e, 1);
	pt_mark_synced(e);
}

/* The table of @level that serves @iova; missing ones are linked from the reservation. */
PT_SLOW pt_word_t *pt_walk_make(struct pgtable *pt, uint64_t iova, uint32_t level,
				struct pgtable_reserve *rsv)
{
	pt_word_t *table = pt->root;

	for (uint32_t at = pt->top_level; at > level; at--) {
		pt_word_t *e = table + pt_index(iova, at);
		pt_word_t v = pt_load_shared(e);

		if (v == 0) {
			phys_addr_t fresh = pgtable_pool_pop(pt, &rsv->tables);

			v = pt_fmt_table_word(fresh);
			if (pt_link(e, pt_fmt_table_word(fresh), &v))
				__atomic_fetch_add(&pt->pool.nr_linked, 1, __ATOMIC_RELAXED);
			else
				pgtable_pool_push(pt, fresh, &rsv->tables);
		}
		DMA_ASSERT(pt_fmt_is_table(at, v));
		pt_sync_entry(pt, e, v);
		table = pt_next_table(pt, v);
	}
	return table;
}

/* The highest level at which one leaf entry can start at (iova, phys) within len bytes */
static inline uint32_t pt_best_level(const struct pgtable *pt, uint64_t iova, phys_addr_t phys,
				     uint64_t len)
{
	for (uint32_t level = PT_NR_LEVELS - 1; level > 0; level--) {
		uint64_t size = UINT64_C(1) << pt_entry_lg2(level);

		if ((pt->leaf_levels >> level & 1) == 0)
			continue;
		if (((iova | phys) & (size - 1)) == 0 && len >= size)
			return level;
	}
	return 0;
}

/*
 * @nr leaf entries of @level from index @idx on, contiguous from @phys; groups wherever a whole
 * aligned one is written with an aligned output.
 */
PT_SLOW void pt_write(const struct pgtable *pt, uint32_t level, pt_word_t *table, uint32_t idx,
		      uint32_t nr, phys_addr_t phys, const struct pt_prot *prot)
{
	uint32_t size_lg2 = pt_entry_lg2(level);
	uint32_t group = UINT32_C(1) << PT_GROUP_LG2(level);
	pt_word_t step = pt_fmt_encode(UINT64_C(1) << size_lg2);
	pt_word_t v = pt_fmt_encode(phys);
	uint32_t phase = (uint32_t)(phys >> size_lg2) ^ idx;
	uint32_t head = (0 - idx) & (group - 1);
	uint32_t grouped;

	DMA_ASSERT(!pt_any(table + idx, nr));
	if ((pt->group_levels >> level & 1) == 0 || (phase & (group - 1)) != 0 ||
	    nr < head + group) {
		pt_fill(table + idx, nr, v | prot->word[level][0], step);
		return;
	}
	pt_fill(table + idx, head, v | prot->word[level][0], step);
	grouped = (nr - head) & ~(group - 1);
	for (uint32_t i = head; i < head + grouped; i += group)
		pt_fill(table + idx + i, group, (v + i * step) | prot->word[level][1],
			PT_GROUP_REPLICATES ? 0 : step);
	head += grouped;
	pt_fill(table + idx + head, nr - head, (v + head * step) | prot->word[level][0], step);
}

/**
 * struct pt_window - where a writer is: two registers
 * @at: next granule entry; @at == @end: none is at hand
 * @end: end of its table
 *
 * Travels by value, so that in a loop of pt_writer_put() it never goes through memory.
 */
struct pt_window {
	pt_word_t *at;
	pt_word_t *end;
};

/**
 * struct pt_writer - writes one run after another at ascending IOVA without holes
 * @pt: page table
 * @cursor: the caller's slot's
 * @rsv: holds the tables that are missing
 * @prot: protection
 * @word: prot->page
 * @from: first entry of the table at hand that was not cleaned yet
 * @first: first entry of all
 * @last: last block, if that came last
 * @end_iova: IOVA that the window's end stands for
 *
 *	win = pt_writer_begin(&w, ...);
 *	for each piece: win = pt_writer_put(&w, win, phys, len);
 *	pt_writer_end(&w, win);
 *
 * The pieces were reserved, or pt_ready() said that there is nothing to reserve.
 */
struct pt_writer {
	struct pgtable *pt;
	struct pgtable_cursor *cursor;
	struct pgtable_reserve *rsv;
	const struct pt_prot *prot;
	pt_word_t word;
	pt_word_t *from;
	pt_word_t *first;
	pt_word_t *last;
	uint64_t end_iova;
};

/*
 * Does one linked leaf table serve the whole range, so that writing granule entries into it needs
 * no reservation? @len is not 0. Says nothing about whether the entries are empty.
 */
ALWAYS_INLINE bool pt_ready(const struct pgtable *pt, struct pgtable_cursor *cursor, uint64_t iova,
			    uint64_t len)
{
	if (((iova ^ (iova + len - 1)) >> PT_SPAN_LG2) != 0)
		return false;
	return pt_leaf(pt, cursor, iova) != NULL;
}

static inline void pt_writer_clean(struct pt_writer *w, const pt_word_t *at)
{
	if (PT_NONCOHERENT(w->pt) && w->from != at)
		pt_clean(w->pt, w->from, (uint32_t)(at - w->from));
}

/* Take the leaf table that serves w->end_iova in hand. */
static inline struct pt_window pt_writer_seek(struct pt_writer *w)
{
	uint64_t iova = w->end_iova;
	pt_word_t *table;

	if (pt_cursor_hit(w->pt, w->cursor, iova)) {
		table = w->cursor->table;
	} else {
		table = pt_walk_make(w->pt, iova, 0, w->rsv);
		pt_cursor_set(w->pt, w->cursor, iova, table);
	}
	w->from = table + pt_index(iova, 0);
	if (w->first == NULL)
		w->first = w->from;
	w->end_iova = (iova | (PT_SPAN - 1)) + 1;
	return (struct pt_window){ w->from, table + PT_LEAF_ENTRIES };
}

static inline struct pt_window pt_writer_begin(struct pt_writer *w, struct pgtable *pt,
					       struct pgtable_cursor *cursor,
					       struct pgtable_reserve *rsv,
					       const struct pt_prot *prot, uint64_t iova)
{
	w->pt = pt;
	w->cursor = cursor;
	w->rsv = rsv;
	w->prot = prot;
	w->word = prot->page;
	w->from = NULL;
	w->first = NULL;
	w->last = NULL;
	w->end_iova = iova;
	if (likely(pt_cursor_hit(pt, cursor, iova)))
		return pt_writer_seek(w);
	return (struct pt_window){ NULL, NULL };
}

/* As many blocks of @level as follow one another; 0 when a table is in the way. */
static inline uint64_t pt_writer_blocks(struct pt_writer *w, uint32_t level, phys_addr_t phys,
					uint64_t len)
{
	uint64_t iova = w->end_iova;
	uint32_t idx = pt_index(iova, level);
	pt_word_t *table = pt_walk_make(w->pt, iova, level, w->rsv);
	uint64_t room = bits_min(len >> pt_entry_lg2(level), pt_nr_entries(level) - idx);
	uint32_t nr = (uint32_t)room;

	if (unlikely(pt_any(table + idx, nr))) {
		for (nr = 0; pt_load(table + idx + nr) == 0; nr++)
			;
	}
	pt_write(w->pt, level, table, idx, nr, phys, w->prot);
	if (PT_NONCOHERENT(w->pt) && nr != 0)
		pt_clean(w->pt, table + idx, nr);
	if (nr != 0) {
		w->first = w->first == NULL ? table + idx : w->first;
		w->last = table + idx + nr - 1;
	}
	w->end_iova += (uint64_t)nr << pt_entry_lg2(level);
	return (uint64_t)nr << pt_entry_lg2(level);
}

/* Between two tables: blocks if they fit, at the highest level that takes them. */
static inline uint64_t pt_writer_big(struct pt_writer *w, phys_addr_t phys, uint64_t len)
{
	uint32_t level = pt_best_level(w->pt, w->end_iova, phys, len);
	uint64_t done = 0;

	for (; level > 0 && done == 0; level--) {
		if ((w->pt->leaf_levels >> level & 1) != 0)
			done = pt_writer_blocks(w, level, phys, len);
	}
	return done;
}

PT_SLOW struct pt_window pt_writer_put_run(struct pt_writer *w, struct pt_window win,
					   phys_addr_t phys, uint64_t len)
{
	while (len != 0) {
		uint64_t done = 0;

		if (win.at == win.end) {
			pt_writer_clean(w, win.at);
			done = pt_writer_big(w, phys, len);
			if (done == 0)
				win = pt_writer_seek(w);
			else
				win = (struct pt_window){ NULL, NULL };
			w->from = win.at;
		}
		if (done == 0) {
			pt_word_t *table = win.end - PT_LEAF_ENTRIES;
			uint64_t nr = bits_min((uint64_t)(win.end - win.at), len >> PT_GRANULE_LG2);

			pt_write(w->pt, 0, table, (uint32_t)(win.at - table), (uint32_t)nr, phys,
				 w->prot);
			win.at += nr;
			done = nr << PT_GRANULE_LG2;
		}
		phys += done;
		len -= done;
	}
	return win;
}

/* The next @len bytes of IOVA translate to @phys on; both multiples of the granule, @len not 0. */
ALWAYS_INLINE struct pt_window pt_writer_put(struct pt_writer *w, struct pt_window win,
					     phys_addr_t phys, uint64_t len)
{
	if (unlikely(len != PT_GRANULE || win.at == win.end))
		return pt_writer_put_run(w, win, phys, len);
	DMA_ASSERT(pt_load(win.at) == 0);
	pt_store(win.at, pt_fmt_encode(phys) | w->word);
	win.at++;
	return win;
}

/* The next @nr granules of IOVA translate to phys[0], phys[1] ... */
static inline struct pt_window pt_writer_put_pages(struct pt_writer *w, struct pt_window win,
						   const phys_addr_t *phys, uint32_t nr)
{
	const phys_addr_t *last = phys + nr;

	while (phys != last) {
		uint32_t n;

		if (win.at == win.end) {
			pt_writer_clean(w, win.at);
			win = pt_writer_seek(w);
		}
		n = (uint32_t)bits_min((uint64_t)(last - phys), (uint64_t)(win.end - win.at));
		DMA_ASSERT(!pt_any(win.at, n));
		pt_put(win.at, phys, n, w->word);
		win.at += n;
		phys += n;
	}
	return win;
}

/* The walker sees everything that was put before any later store. */
static inline void pt_writer_end(struct pt_writer *w, struct pt_window win)
{
	if ((w->word & PT_MORE) != 0 && w->first != NULL)
		pt_mark_mapping(w->first, win.at != NULL ? win.at - 1 : w->last);
	pt_writer_clean(w, win.at);
	dma_wmb();
}

/* Would a cut before or behind the entries [idx, idx + nr) go through a group? */
static inline bool pt_splits_group(uint32_t level, const pt_word_t *table, uint32_t idx,
				   uint32_t nr)
{
	uint32_t mask = (UINT32_C(1) << PT_GROUP_LG2(level)) - 1;

	if ((idx & mask) != 0 && pt_fmt_is_group(level, pt_load(table + idx)))
		return true;
	return ((idx + nr) & mask) != 0 && pt_fmt_is_group(level, pt_load(table + idx + nr - 1));
}

/* How many leaf entries of @level follow one another from @iova on; at least 1, within @len */
static inline int pt_count_blocks(uint32_t level, const pt_word_t *table, uint64_t iova,
				  uint64_t len, uint32_t *nr)
{
	uint64_t size = UINT64_C(1) << pt_entry_lg2(level);
	const pt_word_t *e = table + pt_index(iova, level);
	uint64_t max =
		bits_min(len >> pt_entry_lg2(level), pt_nr_entries(level) - pt_index(iova, level));

	if (!pt_fmt_is_leaf(level, pt_load_shared(e)))
		return -ENOENT;
	if ((iova & (size - 1)) != 0 || max == 0)
		return -EINVAL;
	*nr = (uint32_t)max;
	if (likely(pt_same_type(e, *nr)))
		return 0;
	for (*nr = 1; pt_fmt_is_leaf(level, pt_load_shared(e + *nr)); ++*nr)
		;
	return 0;
}

/* The entries that serve the head of [iova, iova + len): one table's worth, all valid */
static inline int pt_find(const struct pgtable *pt, struct pgtable_cursor *cursor, uint64_t iova,
			  uint64_t len, pt_word_t **table, uint32_t *level, uint32_t *nr)
{
	uint32_t idx;
	int err;

	if (pt_cursor_hit(pt, cursor, iova)) {
		*table = cursor->table;
		*level = 0;
	} else {
		*table = pt_walk(pt, iova, 0, level);
	}
	idx = pt_index(iova, *level);
	if (*level != 0) {
		err = pt_count_blocks(*level, *table, iova, len, nr);
		if (err != 0)
			return err;
	} else {
		pt_cursor_set(pt, cursor, iova, *table);
		*nr = (uint32_t)bits_min(len >> PT_GRANULE_LG2, PT_LEAF_ENTRIES - idx);
		if (!pt_all_valid(*table + idx, *nr))
			return -ENOENT;
	}
	return pt_splits_group(*level, *table, idx, *nr) ? -EINVAL : 0;
}

PT_SLOW int pt_unmap_range(const struct pgtable *pt, struct pgtable_cursor *cursor, uint64_t iova,
			   uint64_t len, struct gather *gather)
{
	int err = 0;

	while (len != 0) {
		pt_word_t *table;
		uint32_t level;
		uint32_t idx;
		uint64_t done;
		uint32_t nr;

		err = pt_find(pt, cursor, iova, len, &table, &level, &nr);
		if (unlikely(err != 0))
			break;
		idx = pt_index(iova, level);
		done = (uint64_t)nr << pt_entry_lg2(level);
		pt_clear(table + idx, nr);
		if (PT_NONCOHERENT(pt))
			pt_clean(pt, table + idx, nr);
		gather_add(gather, iova, iova + done - 1, level);
		iova += done;
		len -= done;
	}
	dma_wmb();
	return err;
}

/**
 * pt_unmap() - remove the translations of a range that the caller knows to be mapped whole
 * @pt: page table
 * @cursor: the caller's slot's
 * @iova: first byte, a multiple of the granule, in the IOVA space
 * @len: bytes, a multiple of the granule, not 0, in the IOVA space
 * @gather: what was cleared is added
 *
 * Checks one table at a time, and stops where a check fails; @gather says what is gone then. Where
 * nothing at all may change on an error, use pgtable_unmap().
 *
 * Return:
 * * %0 - all gone
 * * %-ENOENT - part of the range is not mapped
 * * %-EINVAL - it would split a block or a group
 */
ALWAYS_INLINE int pt_unmap(const struct pgtable *pt, struct pgtable_cursor *cursor, uint64_t iova,
			   uint64_t len, struct gather *gather)
{
	if (likely(len == PT_GRANULE && pt_cursor_hit(pt, cursor, iova))) {
		if (likely(pt_clear_leaf(pt, (pt_word_t *)cursor->table + pt_index(iova, 0)))) {
			gather_add(gather, iova, iova + PT_GRANULE - 1, 0);
			return 0;
		}
	}
	return pt_unmap_range(pt, cursor, iova, len, gather);
}

static inline phys_addr_t pt_leaf_phys(uint32_t level, pt_word_t v, uint64_t iova)
{
	uint64_t mask = (UINT64_C(1) << pt_fmt_leaf_lg2(level, v)) - 1;

	return pt_fmt_leaf_phys(level, v) | (iova & mask);
}

/* One step down; true when *v, found at @level, is no table and ends the walk. */
ALWAYS_INLINE bool pt_step(const struct pgtable *pt, const pt_word_t **table, uint64_t iova,
			   uint32_t level, pt_word_t *v)
{
	*v = pt_load_shared(*table + pt_index(iova, level));
	if (level == 0 || unlikely(!pt_fmt_is_table(level, *v)))
		return true;
	*table = pt_next_table(pt, *v);
	return false;
}

/* An entry is 0, a table or a leaf: nothing else is ever written. */
ALWAYS_INLINE bool pt_decode(uint32_t level, pt_word_t v, uint64_t iova, phys_addr_t *phys)
{
	if (unlikely(v == 0))
		return false;
	*phys = pt_leaf_phys(level, v, iova);
	return true;
}

/* False: not mapped, or beyond the IOVA space. Unrolled: the shifts are constants. */
ALWAYS_INLINE bool pt_iova_to_phys(const struct pgtable *pt, uint64_t iova, phys_addr_t *phys)
{
	const pt_word_t *table = pt->root;
	uint32_t top = pt->top_level;
	pt_word_t v = 0;

	_Static_assert(PT_NR_LEVELS <= 4, "one step per level");
	if (unlikely(iova > pt->iova_last))
		return false;
	if (likely(top >= 3) && pt_step(pt, &table, iova, 3, &v))
		return pt_decode(3, v, iova, phys);
	if (likely(top >= 2) && pt_step(pt, &table, iova, 2, &v))
		return pt_decode(2, v, iova, phys);
	if (pt_step(pt, &table, iova, 1, &v))
		return pt_decode(1, v, iova, phys);
	pt_step(pt, &table, iova, 0, &v);
	return pt_decode(0, v, iova, phys);
}

#include "pgtable/mapping.h"

#endif
