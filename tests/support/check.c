/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparisons with messages; how a test ends is check_cmocka.c's or check_mini.c's business. */
#include "tests/support/check.h"

#include <stdlib.h>

/* The linker collects pointers to the tests of a program in a section, in any order. */
extern const struct check_test *__start_check_tests[];
extern const struct check_test *__stop_check_tests[];

int check_argc;
char **check_argv;

static int by_line(const void *a, const void *b)
{
	const struct check_test *const *x = a;
	const struct check_test *const *y = b;

	return ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

const struct check_test **check_list(size_t *nr_tests)
{
	*nr_tests = (size_t)(__stop_check_tests - __start_check_tests);
	qsort(__start_check_tests, *nr_tests, sizeof(__start_check_tests[0]), by_line);
	return __start_check_tests;
}

void check_i64(const char *file, int line, const char *what, bool equal, int64_t a, int64_t b)
{
	if ((a == b) != equal)
		check_fail(file, line, "%s: %" PRId64 ", %" PRId64, what, a, b);
}

void check_u64(const char *file, int line, const char *what, bool equal, uint64_t a, uint64_t b)
{
	if ((a == b) != equal)
		check_fail(file, line, "%s: 0x%" PRIx64 ", 0x%" PRIx64, what, a, b);
}

void check_str(const char *file, int line, const char *what, const char *a, const char *b)
{
	if (strcmp(a, b) != 0)
		check_fail(file, line, "%s: \"%s\", \"%s\"", what, a, b);
}

void check_mem(const char *file, int line, const char *what, const void *a, const void *b,
	       size_t len)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (size_t i = 0; i < len; i++) {
		if (x[i] != y[i])
			check_fail(file, line, "%s: byte %zu of %zu: 0x%02x, 0x%02x", what, i, len,
				   x[i], y[i]);
	}
}
