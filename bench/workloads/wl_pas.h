/* SPDX-License-Identifier: BSD-2-Clause */
/* page address list shared by the page table and DMA workloads */
#include "wl_common.h"
#ifndef WL_PT_ONCE
#define WL_PT_ONCE
#define WL_NPG 32768u
static uint64_t *wl_pas_for(uint64_t pa0)	/* PA[i] = pa0 + 8192*perm[i]: no two neighbours are physically contiguous */
{
	uint64_t s = WL_SEED, *p = malloc(WL_NPG * sizeof(*p));
	for (uint32_t i = 0; i < WL_NPG; i++) p[i] = i;
	for (uint32_t i = WL_NPG - 1; i > 0; i--) { uint32_t j = wl_below(&s, i + 1); uint64_t t = p[i]; p[i] = p[j]; p[j] = t; }
	for (uint32_t i = 0; i < WL_NPG; i++) p[i] = pa0 + p[i] * 8192;
	return p;
}
extern volatile uint64_t wl_sink;
#endif
