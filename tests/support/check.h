/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions and the list of tests. TEST(sentence) { ... } defines a test and registers it;
 * main() comes from the support library: on top of cmocka on the host (check_cmocka.c), alone
 * where cmocka does not exist (check_mini.c). The output is TAP in both cases.
 *
 * An assertion that fails ends the test. Assert only in the thread that runs the test.
 */
#ifndef DMAMAP_TESTS_SUPPORT_CHECK_H
#define DMAMAP_TESTS_SUPPORT_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/check_run.h"

#define TEST(sentence)                                                                             \
	static void sentence(void);                                                                \
	static const struct check_test check_test_##sentence = { __LINE__, #sentence, sentence };  \
	static const struct check_test *check_entry_##sentence                                     \
		__attribute__((used, section("check_tests"))) = &check_test_##sentence;            \
	static void sentence(void)

void check_i64(const char *file, int line, const char *what, bool equal, int64_t a, int64_t b);
void check_u64(const char *file, int line, const char *what, bool equal, uint64_t a, uint64_t b);
void check_str(const char *file, int line, const char *what, const char *a, const char *b);
void check_mem(const char *file, int line, const char *what, const void *a, const void *b,
	       size_t len);

#define CHECK_HERE __FILE__, __LINE__
#define assert_true(c) ((c) ? (void)0 : check_fail(CHECK_HERE, "%s is false", #c))
#define assert_false(c) ((c) ? check_fail(CHECK_HERE, "%s is true", #c) : (void)0)
#define assert_null(p) ((p) == NULL ? (void)0 : check_fail(CHECK_HERE, "%s is not NULL", #p))
#define assert_non_null(p) ((p) != NULL ? (void)0 : check_fail(CHECK_HERE, "%s is NULL", #p))
#define assert_ptr_equal(a, b)                                                                     \
	check_u64(CHECK_HERE, #a " == " #b, true, (uint64_t)(uintptr_t)(a),                        \
		  (uint64_t)(uintptr_t)(b))
/* Signed, printed in decimal: results, errnos, counts. */
#define assert_int_equal(a, b) check_i64(CHECK_HERE, #a " == " #b, true, (int64_t)(a), (int64_t)(b))
#define assert_int_not_equal(a, b)                                                                 \
	check_i64(CHECK_HERE, #a " != " #b, false, (int64_t)(a), (int64_t)(b))
/* Unsigned, printed in hexadecimal: addresses, entries, lengths. */
#define assert_u64_equal(a, b)                                                                     \
	check_u64(CHECK_HERE, #a " == " #b, true, (uint64_t)(a), (uint64_t)(b))
#define assert_u64_not_equal(a, b)                                                                 \
	check_u64(CHECK_HERE, #a " != " #b, false, (uint64_t)(a), (uint64_t)(b))
#define assert_string_equal(a, b) check_str(CHECK_HERE, #a " == " #b, (a), (b))
#define assert_memory_equal(a, b, len) check_mem(CHECK_HERE, #a " == " #b, (a), (b), (len))
/* assert_ok(f()) for functions that return 0 or -errno */
#define assert_ok(call) check_i64(CHECK_HERE, #call " == 0", true, (int64_t)(call), 0)
#define fail_msg(...) check_fail(CHECK_HERE, __VA_ARGS__)
#define skip_test(why) check_skip(CHECK_HERE, (why))

#endif
