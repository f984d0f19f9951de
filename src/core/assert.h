/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA_ASSERT: programmer errors and broken invariants, never the state of the world. The build
 * chooses (meson option "asserts"); without it the expression is compiled, not evaluated.
 */
#ifndef DMAMAP_CORE_ASSERT_H
#define DMAMAP_CORE_ASSERT_H

#include <stdbool.h>

#ifndef DMA_ASSERTS
#define DMA_ASSERTS 1
#endif

/* Supplied by the port (platform/process/assert.c aborts); does not return. */
_Noreturn void dma_assert_failed(const char *file, int line, const char *expr);

#if DMA_ASSERTS
#define DMA_ASSERT(expr) ((expr) ? (void)0 : dma_assert_failed(__FILE__, __LINE__, #expr))
#else
#define DMA_ASSERT(expr) ((void)sizeof(!(expr)))
#endif

#endif
