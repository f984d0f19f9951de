/* SPDX-License-Identifier: BSD-2-Clause */
/* Little-endian words have the same bytes on every CPU. */
#include "core/endian.h"
#include "tests/support/check.h"

TEST(stored_words_have_the_least_byte_first)
{
	const unsigned char expected[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	unsigned char bytes[9];

	for (size_t at = 0; at < 2; at++) { /* aligned and not */
		endian_store_le64(bytes + at, 0x0102030405060708u);
		assert_memory_equal(bytes + at, expected, 8);
		endian_store_le32(bytes + at, 0x05060708u);
		assert_memory_equal(bytes + at, expected, 4);
		endian_store_le16(bytes + at, 0x0708u);
		assert_memory_equal(bytes + at, expected, 2);
	}
}

TEST(loads_undo_stores_at_any_alignment)
{
	unsigned char bytes[9];

	for (size_t at = 0; at < 2; at++) {
		endian_store_le64(bytes + at, 0xfedcba9876543210u);
		assert_u64_equal(endian_load_le64(bytes + at), 0xfedcba9876543210u);
		assert_u64_equal(endian_load_le32(bytes + at), 0x76543210u);
		assert_u64_equal(endian_load_le16(bytes + at), 0x3210u);
	}
}

TEST(converted_words_have_the_least_byte_first)
{
	uint64_t v64 = endian_le64(0x0102030405060708u);
	uint32_t v32 = endian_le32(0x05060708u);
	uint16_t v16 = endian_le16(0x0708u);
	const unsigned char expected[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };

	assert_memory_equal(&v64, expected, 8);
	assert_memory_equal(&v32, expected, 4);
	assert_memory_equal(&v16, expected, 2);
	assert_u64_equal(endian_le64(v64), 0x0102030405060708u);
}
