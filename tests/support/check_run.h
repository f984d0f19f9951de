/* SPDX-License-Identifier: BSD-2-Clause */
/* What check.h and the runners share: the list of tests, and the two ways a test ends early. */
#ifndef DMAMAP_TESTS_SUPPORT_CHECK_RUN_H
#define DMAMAP_TESTS_SUPPORT_CHECK_RUN_H

#include <stddef.h>

struct check_test {
	int line;
	const char *name;
	void (*run)(void);
};

/* The tests of the program, first line first; their number through @nr_tests. */
const struct check_test **check_list(size_t *nr_tests);

/* Arguments of the program, for tests that can be told what to do. */
extern int check_argc;
extern char **check_argv;

/* Ends the test as failed, or as skipped, with a reason. */
_Noreturn void check_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void check_skip(const char *file, int line, const char *why);

#endif
