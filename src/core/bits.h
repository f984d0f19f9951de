/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit and range arithmetic: no policy, no state. */
#ifndef DMAMAP_CORE_BITS_H
#define DMAMAP_CORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline, cold))

static inline uint32_t bits_log2_floor(uint64_t v) /* v != 0 */
{
	return 63u - (uint32_t)__builtin_clzll(v);
}

static inline uint32_t bits_log2_ceil(uint64_t v) /* v != 0 */
{
	return v == 1 ? 0 : 64u - (uint32_t)__builtin_clzll(v - 1);
}

static inline uint32_t bits_ctz(uint64_t v) /* v != 0 */
{
	return (uint32_t)__builtin_ctzll(v);
}

static inline bool bits_is_pow2(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* align is a power of two */
static inline uint64_t bits_align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

/* align is a power of two; wraps to 0 when the result does not fit */
static inline uint64_t bits_align_up(uint64_t v, uint64_t align)
{
	return (v + (align - 1)) & ~(align - 1);
}

/* Last byte of [start, start + len), len != 0; true when it exists in 64 bits. */
static inline bool bits_range_last(uint64_t start, uint64_t len, uint64_t *last)
{
	return len != 0 && !__builtin_add_overflow(start, len - 1, last);
}

static inline uint64_t bits_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t bits_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
