/* SPDX-License-Identifier: BSD-2-Clause */
/* The test support itself: assertions that hold pass, and the list holds more than one test. */
#include "tests/support/check.h"

TEST(assertions_that_hold_let_a_test_pass)
{
	int x = 0;

	assert_true(x == 0);
	assert_false(x != 0);
	assert_non_null(&x);
	assert_null((void *)0);
	assert_ptr_equal(&x, &x);
	assert_int_equal(-12, -12);
	assert_int_not_equal(-12, 0);
	assert_u64_equal(UINT64_MAX, UINT64_MAX);
	assert_u64_not_equal((uint64_t)1 << 32, 0);
	assert_string_equal("granule", "granule");
	assert_memory_equal("abc", "abd", 2);
}

TEST(numbers_beyond_32_bits_compare_whole)
{
	assert_u64_not_equal(0x100000000, 0);
	assert_int_not_equal(0x100000000, 0);
}
