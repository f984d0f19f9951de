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
 * - 32-bit CPUs without: two stores. The valid bits lie in the low half, so it is stored last to set
 *   and first to clear. Tables then lie below 4 GiB, and the low half alone is exchanged.
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

/* Halves in memory order: [0] is the low one. */
static inline volatile uint32_t *pt_half(const pt_word_t *e, uint32_t half)
{
	return (volatile uint32_t *)(uintptr_t)e + half;
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

/* Is one of n entries not 0? They belong to the caller. */
static inline bool pt_any(const pt_word_t *e, uint32_t nr)
{
	pt_word_t any = 0;

	for (; nr >= 4; nr -= 4, e += 4)
		any |= e[0] | e[1] | e[2] | e[3];
	for (; nr != 0; nr--, e++)
		any |= e[0];
	return any != 0;
}

/* Are all of n entries valid leaves of level 0? They belong to the caller. */
static inline bool pt_all_valid(const pt_word_t *e, uint32_t nr)
{
	pt_word_t a = 1;
	pt_word_t b = 1;

	for (; nr >= 4; nr -= 4, e += 4) {
		a = pt_fmt_fold_valid(pt_fmt_fold_valid(a, PT_LE(e[0])), PT_LE(e[1]));
		b = pt_fmt_fold_valid(pt_fmt_fold_valid(b, PT_LE(e[2])), PT_LE(e[3]));
	}
	for (; nr != 0; nr--, e++)
		a = pt_fmt_fold_valid(a, PT_LE(e[0]));
	return (a & b & 1) != 0;
}

static inline void pt_clear(pt_word_t *e, uint32_t nr)
{
	for (; nr >= 4; nr -= 4, e += 4) {
		pt_store(e, 0);
		pt_store(e + 1, 0);
		pt_store(e + 2, 0);
		pt_store(e + 3, 0);
	}
	for (; nr != 0; nr--, e++)
		pt_store(e, 0);
}

static inline void pt_fill(pt_word_t *e, uint32_t nr, pt_word_t v, pt_word_t step)
{
	for (; nr >= 4; nr -= 4, e += 4) {
		pt_store(e, v);
		pt_store(e + 1, v + step);
		pt_store(e + 2, v + 2 * step);
		pt_store(e + 3, v + 3 * step);
		v += 4 * step;
	}
	for (; nr != 0; nr--, e++, v += step)
		pt_store(e, v);
}

#endif
