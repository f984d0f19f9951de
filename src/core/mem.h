/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four functions that a compiler may call even in a freestanding program, so every
 * environment supplies them. Nothing else of <string.h> exists here.
 */
#ifndef DMAMAP_CORE_MEM_H
#define DMAMAP_CORE_MEM_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
