/* SPDX-License-Identifier: BSD-2-Clause */
/* What check.h and the runners share: the list of tests, and the two ways a test ends early. */
#ifndef DMAMAP_TESTS_SUPPORT_CHECK_RUN_H
#define DMAMAP_TESTS_SUPPORT_CHECK_RUN_H

struct check_test {
	const char *name;
	void (*run)(void);
};

/* The linker collects the tests of a program here. */
extern const struct check_test *const __start_check_tests[];
extern const struct check_test *const __stop_check_tests[];

/* Ends the test as failed, or as skipped, with a reason. */
_Noreturn void check_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void check_skip(const char *file, int line, const char *why);

#endif
