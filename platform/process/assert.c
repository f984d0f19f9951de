/* SPDX-License-Identifier: BSD-2-Clause */
/* How a process ends when DMA_ASSERT fails: one line on standard error, then SIGABRT. */
#include <stdio.h>
#include <stdlib.h>

#include "core/assert.h"

void dma_assert_failed(const char *file, int line, const char *expr)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}
