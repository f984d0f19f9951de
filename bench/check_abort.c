/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform for tests fails a test; in a bench there is none, so it ends the program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/check_run.h"

void check_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}
