/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Little-endian words of hardware structures, on CPUs of either order. The conversions compile to
 * nothing on a little-endian CPU; the loads and stores also take unaligned addresses.
 */
#ifndef DMAMAP_CORE_ENDIAN_H
#define DMAMAP_CORE_ENDIAN_H

#include <stdint.h>

#include "core/mem.h"

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ENDIAN_SWAP(bits, v) __builtin_bswap##bits(v)
#else
#define ENDIAN_SWAP(bits, v) (v)
#endif

/* CPU order to little-endian and back: the same operation. */
static inline uint16_t endian_le16(uint16_t v)
{
	return ENDIAN_SWAP(16, v);
}

static inline uint32_t endian_le32(uint32_t v)
{
	return ENDIAN_SWAP(32, v);
}

static inline uint64_t endian_le64(uint64_t v)
{
	return ENDIAN_SWAP(64, v);
}

static inline uint16_t endian_load_le16(const void *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return endian_le16(v);
}

static inline uint32_t endian_load_le32(const void *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return endian_le32(v);
}

static inline uint64_t endian_load_le64(const void *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return endian_le64(v);
}

static inline void endian_store_le16(void *at, uint16_t v)
{
	v = endian_le16(v);
	memcpy(at, &v, sizeof(v));
}

static inline void endian_store_le32(void *at, uint32_t v)
{
	v = endian_le32(v);
	memcpy(at, &v, sizeof(v));
}

static inline void endian_store_le64(void *at, uint64_t v)
{
	v = endian_le64(v);
	memcpy(at, &v, sizeof(v));
}

#endif
