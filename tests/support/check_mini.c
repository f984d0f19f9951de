/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of a program with nothing but a libc: for targets without cmocka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/support/check_run.h"

enum outcome { PASSED, FAILED, SKIPPED };

static jmp_buf end_of_test;

void check_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n# %s:%d\n", file, line);
	va_end(args);
	longjmp(end_of_test, FAILED);
}

void check_skip(const char *file, int line, const char *why)
{
	printf("# %s:%d: %s\n", file, line, why);
	longjmp(end_of_test, SKIPPED);
}

static enum outcome run_one(const struct check_test *test)
{
	int outcome = setjmp(end_of_test);

	if (outcome == PASSED)
		test->run();
	return (enum outcome)outcome;
}

int main(int argc, char **argv)
{
	size_t nr_tests;
	const struct check_test **list = check_list(&nr_tests);
	int nr_failed = 0;

	check_argc = argc;
	check_argv = argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", nr_tests);
	for (size_t i = 0; i < nr_tests; i++) {
		const struct check_test *test = list[i];
		enum outcome outcome = run_one(test);

		nr_failed += outcome == FAILED;
		printf("%s %zu - %s%s\n", outcome == FAILED ? "not ok" : "ok", i + 1, test->name,
		       outcome == SKIPPED ? " # SKIP" : "");
	}
	return nr_failed != 0;
}
