/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparisons with messages; how a test ends is check_cmocka.c's or check_mini.c's business. */
#include "tests/support/check.h"

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
