/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How entries are read and written: little-endian in memory, whole for the table walker. Included
 * by walk.h only, after the format.
 *
 * A leaf entry belongs to whoever holds its IOVA: no other thread touches it, but the walker may
 * read it at any time, so a store must not be torn into halves of which one alone is valid. An
 * entry that may point to a table is shared by threads: load-acquire, compare-and-exchange release.
 *
 * - 64-bit CPUs: an aligned volatile access is one access.
 * - 32-bit CPUs with 64-bit atomics (ARMv7: ldrexd, strexd): relaxed atomics.
 * - 32-bit CPUs without: two stores. The valid bits lie in the low half, so it is stored last to
 *   set and first to clear. Tables then lie below 4 GiB, and the low half alone is exchanged.
 */
#ifndef DMAMAP_PGTABLE_ENTRY_H
#define DMAMAP_PGTABLE_ENTRY_H

#include "arch/barrier.h"
#include "core/endian.h"

#if PT_WORD_BYTES == 8
typedef uint64_t pt_word_t;
#define PT_WORD_LG2 3
#define PT_LE(v) endian_le64(v)
#else
typedef uint32_t pt_word_t;
#define PT_WORD_LG2 2
#define PT_LE(v) endian_le32(v)
#endif

#ifndef PT_SPLIT_STORES
#if PT_WORD_BYTES == 8 && __SIZEOF_POINTER__ < 8 && __GCC_ATOMIC_LLONG_LOCK_FREE < 2
#define PT_SPLIT_STORES 1
#else
#define PT_SPLIT_STORES 0
#endif
#endif

#if PT_SPLIT_STORES

typedef uint32_t pt_half_t __attribute__((may_alias));

/* Halves in memory order: [0] is the low one. */
static inline volatile pt_half_t *pt_half(const pt_word_t *e, uint32_t half)
{
	return (volatile pt_half_t *)(uintptr_t)e + half;
}

static inline pt_word_t pt_load_shared(const pt_word_t *e)
{
	uint32_t low = endian_le32(__atomic_load_n(pt_half(e, 0), __ATOMIC_ACQUIRE));

	return low | (uint64_t)endian_le32(*pt_half(e, 1)) << 32;
}

static inline pt_word_t pt_load(const pt_word_t *e)
{
	return endian_le32(*pt_half(e, 0)) | (uint64_t)endian_le32(*pt_half(e, 1)) << 32;
}

static inline void pt_store(pt_word_t *e, pt_word_t v)
{
	uint32_t first = v == 0 ? 0 : 1;

	*pt_half(e, first) = endian_le32((uint32_t)(v >> (32 * first)));
	dma_wmb();
	*pt_half(e, 1 - first) = endian_le32((uint32_t)(v >> (32 * (1 - first))));
}

/* 0 -> v; true when done, else *found is what is there */
static inline bool pt_link(pt_word_t *e, pt_word_t v, pt_word_t *found)
{
	uint32_t zero = 0;

	if (__atomic_compare_exchange_n(pt_half(e, 0), &zero, endian_le32((uint32_t)v), false,
					__ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		return true;
	*found = endian_le32(zero);
	return false;
}

#define PT_SYNCED_BIT ((pt_word_t)0)

#else

static inline pt_word_t pt_load_shared(const pt_word_t *e)
{
	return PT_LE(__atomic_load_n(e, __ATOMIC_ACQUIRE));
}

#if __SIZEOF_POINTER__ >= PT_WORD_BYTES
static inline pt_word_t pt_load(const pt_word_t *e)
{
	return PT_LE(*(const volatile pt_word_t *)e);
}

static inline void pt_store(pt_word_t *e, pt_word_t v)
{
	*(volatile pt_word_t *)e = PT_LE(v);
}
#else
static inline pt_word_t pt_load(const pt_word_t *e)
{
	return PT_LE(__atomic_load_n(e, __ATOMIC_RELAXED));
}

static inline void pt_store(pt_word_t *e, pt_word_t v)
{
	__atomic_store_n(e, PT_LE(v), __ATOMIC_RELAXED);
}
#endif

/* 0 -> v; true when done, else *found is what is there */
static inline bool pt_link(pt_word_t *e, pt_word_t v, pt_word_t *found)
{
	pt_word_t zero = 0;

	if (__atomic_compare_exchange_n(e, &zero, PT_LE(v), false, __ATOMIC_RELEASE,
					__ATOMIC_ACQUIRE))
		return true;
	*found = PT_LE(zero);
	return false;
}

#define PT_SYNCED_BIT ((pt_word_t)PT_SYNCED)

#endif

/* The entry has reached memory: whoever finds the mark need not clean it again. */
static inline void pt_mark_synced(pt_word_t *e)
{
	if (PT_SYNCED_BIT != 0)
		__atomic_fetch_or(e, PT_LE(PT_SYNCED_BIT), __ATOMIC_RELAXED);
}

/*
 * Many entries at a time, all of them the caller's. With 16-byte vectors, where the CPU has them,
 * each 64-bit element of an 8-byte aligned vector is still stored as a whole (SSE2, Advanced SIMD);
 * and while a range is filled or cleared no device may use it. @nr_vec is the vectorised part.
 */
#if !PT_SPLIT_STORES && (defined(__SSE2__) ||                                                      \
			 (defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)))
typedef pt_word_t pt_vec_t __attribute__((vector_size(16), aligned(PT_WORD_BYTES), may_alias));
#define PT_VEC_WORDS (16 / PT_WORD_BYTES)

static inline pt_word_t pt_vec_or(pt_vec_t v)
{
	pt_word_t any = v[0] | v[1];

	for (uint32_t i = 2; i < PT_VEC_WORDS; i++)
		any |= v[i];
	return any;
}

static inline pt_word_t pt_vec_and(pt_vec_t v)
{
	pt_word_t all = v[0] & v[1];

	for (uint32_t i = 2; i < PT_VEC_WORDS; i++)
		all &= v[i];
	return all;
}

static inline uint32_t pt_any_vec(const pt_word_t *e, uint32_t nr, pt_word_t *any)
{
	uint32_t nr_vec = nr & ~(2 * PT_VEC_WORDS - 1u);
	pt_vec_t a = { 0 };
	pt_vec_t b = { 0 };

	for (const pt_word_t *end = e + nr_vec; e != end; e += 2 * PT_VEC_WORDS) {
		a |= *(const pt_vec_t *)e;
		b |= *(const pt_vec_t *)(e + PT_VEC_WORDS);
	}
	*any = pt_vec_or(a | b);
	return nr_vec;
}

static inline uint32_t pt_valid_vec(const pt_word_t *e, uint32_t nr, pt_word_t *all)
{
	uint32_t nr_vec = nr & ~(2 * PT_VEC_WORDS - 1u);
	pt_vec_t a = ~(pt_vec_t){ 0 };
	pt_vec_t b = a;

	for (const pt_word_t *end = e + nr_vec; e != end; e += 2 * PT_VEC_WORDS) {
		a = PT_FMT_FOLD_VALID(a, *(const pt_vec_t *)e);
		b = PT_FMT_FOLD_VALID(b, *(const pt_vec_t *)(e + PT_VEC_WORDS));
	}
	*all = pt_vec_and(a & b);
	return nr_vec;
}

static inline uint32_t pt_diff_vec(const pt_word_t *e, uint32_t nr, pt_word_t *diff)
{
	uint32_t nr_vec = nr & ~(PT_VEC_WORDS - 1u);
	pt_vec_t first = (pt_vec_t){ 0 } + e[0];
	pt_vec_t d = { 0 };

	for (const pt_word_t *end = e + nr_vec; e != end; e += PT_VEC_WORDS)
		d |= *(const pt_vec_t *)e ^ first;
	*diff = pt_vec_or(d);
	return nr_vec;
}

#if PT_WORD_BYTES == 8
static inline uint32_t pt_put_vec(pt_word_t *e, const phys_addr_t *phys, uint32_t nr,
				  pt_word_t word)
{
	uint32_t nr_vec = nr & ~(PT_VEC_WORDS - 1u);

	for (uint32_t i = 0; i < nr_vec; i += PT_VEC_WORDS)
		*(volatile pt_vec_t *)(e + i) = PT_FMT_ENCODE(*(const pt_vec_t *)(phys + i)) | word;
	return nr_vec;
}
#endif

static inline uint32_t pt_fill_vec(pt_word_t *e, uint32_t nr, pt_word_t v, pt_word_t step)
{
	uint32_t nr_vec = nr & ~(PT_VEC_WORDS - 1u);
	pt_vec_t out;
	pt_vec_t add = (pt_vec_t){ 0 } + step * PT_VEC_WORDS;

	for (uint32_t i = 0; i < PT_VEC_WORDS; i++)
		out[i] = v + i * step;
	for (pt_word_t *end = e + nr_vec; e != end; e += PT_VEC_WORDS) {
		*(volatile pt_vec_t *)e = out;
		out += add;
	}
	return nr_vec;
}
#else
static inline uint32_t pt_any_vec(const pt_word_t *e, uint32_t nr, pt_word_t *any)
{
	(void)e;
	(void)nr;
	*any = 0;
	return 0;
}

static inline uint32_t pt_valid_vec(const pt_word_t *e, uint32_t nr, pt_word_t *all)
{
	(void)e;
	(void)nr;
	*all = ~(pt_word_t)0;
	return 0;
}

static inline uint32_t pt_diff_vec(const pt_word_t *e, uint32_t nr, pt_word_t *diff)
{
	(void)e;
	(void)nr;
	*diff = 0;
	return 0;
}

static inline uint32_t pt_fill_vec(pt_word_t *e, uint32_t nr, pt_word_t v, pt_word_t step)
{
	(void)e;
	(void)nr;
	(void)v;
	(void)step;
	return 0;
}
#endif

#ifndef PT_VEC_WORDS
#define PT_VEC_WORDS 1
#endif
#if PT_VEC_WORDS == 1 || PT_WORD_BYTES != 8
static inline uint32_t pt_put_vec(pt_word_t *e, const phys_addr_t *phys, uint32_t nr,
				  pt_word_t word)
{
	(void)e;
	(void)phys;
	(void)nr;
	(void)word;
	return 0;
}
#endif

/* Is one of @nr entries not 0? */
static inline bool pt_any(const pt_word_t *e, uint32_t nr)
{
	pt_word_t any;

	for (uint32_t i = pt_any_vec(e, nr, &any); i < nr; i++)
		any |= e[i];
	return any != 0;
}

static inline pt_word_t pt_fold_valid(const pt_word_t *e, uint32_t nr)
{
	pt_word_t all;

	for (uint32_t i = pt_valid_vec(e, nr, &all); i < nr; i++)
		all = PT_FMT_FOLD_VALID(all, PT_LE(e[i]));
	return all;
}

/* Are all of @nr entries valid leaves of level 0? */
static inline bool pt_all_valid(const pt_word_t *e, uint32_t nr)
{
	return (pt_fold_valid(e, nr) & 1) != 0;
}

/* Are @nr entries, at least one, exactly what was mapped at once? */
static inline bool pt_one_mapping(const pt_word_t *e, uint32_t nr)
{
	return (PT_LE(e[0]) & PT_FIRST) != 0 && (PT_LE(e[nr - 1]) & PT_MORE) == 0 &&
	       (pt_fold_valid(e, nr - 1) & PT_MORE) != 0;
}

/* Have all of @nr entries, at least one, the same descriptor type? */
static inline bool pt_same_type(const pt_word_t *e, uint32_t nr)
{
	pt_word_t diff;

	for (uint32_t i = pt_diff_vec(e, nr, &diff); i < nr; i++)
		diff |= e[i] ^ e[0];
	return (PT_LE(diff) & PT_FMT_TYPE) == 0;
}

/* Granule entries for phys[0], phys[1] ... */
static inline void pt_put(pt_word_t *e, const phys_addr_t *phys, uint32_t nr, pt_word_t word)
{
	for (uint32_t i = pt_put_vec(e, phys, nr, word); i < nr; i++)
		pt_store(e + i, pt_fmt_encode(phys[i]) | word);
}

/* @nr words: v, v + step, v + 2 step ... */
static inline void pt_fill(pt_word_t *e, uint32_t nr, pt_word_t v, pt_word_t step)
{
	for (uint32_t i = pt_fill_vec(e, nr, v, step); i < nr; i++)
		pt_store(e + i, v + i * step);
}

static inline void pt_clear(pt_word_t *e, uint32_t nr)
{
	pt_fill(e, nr, 0, 0);
}

#endif
