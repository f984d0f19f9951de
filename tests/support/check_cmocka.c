/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of a program with cmocka, which also catches their crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/check_run.h"

void check_fail(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	print_error("%s\n", text);
	_fail(file, line);
	abort(); /* _fail() does not return */
}

void check_skip(const char *file, int line, const char *why)
{
	print_message("# %s\n", why);
	_skip(file, line);
	abort(); /* _skip() does not return */
}

static void run_one(void **state)
{
	const struct check_test *test = *state;

	test->run();
}

int main(int argc, char **argv)
{
	size_t nr_tests;
	const struct check_test **list = check_list(&nr_tests);
	struct CMUnitTest *tests = calloc(nr_tests, sizeof(*tests));
	int nr_failed;

	check_argc = argc;
	check_argv = argv;
	if (tests == NULL)
		return 1;
	for (size_t i = 0; i < nr_tests; i++) {
		tests[i].name = list[i]->name;
		tests[i].test_func = run_one;
		/* cmocka hands the state through unchanged */
		tests[i].initial_state = (void *)(uintptr_t)list[i];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	nr_failed = _cmocka_run_group_tests("", tests, nr_tests, NULL, NULL);
	free(tests);
	return nr_failed != 0;
}
