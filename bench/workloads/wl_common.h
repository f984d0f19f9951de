/* SPDX-License-Identifier: BSD-2-Clause */
/* Workload definitions, part 0: PRNG, measurement API.
 * Self-contained, written from scratch for this comparison (no kernel code). */
#ifndef WL_COMMON_H
#define WL_COMMON_H
#include <stdint.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* splitmix64: the only PRNG used anywhere */
static inline uint64_t wl_rnd(uint64_t *s)
{
	uint64_t z = (*s += 0x9E3779B97F4A7C15ull);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}
/* uniform in [0,n): high 32 bits multiply-shift, n < 2^32 */
static inline uint32_t wl_below(uint64_t *s, uint32_t n) { return (uint32_t)(((wl_rnd(s) >> 32) * (uint64_t)n) >> 32); }

static inline uint64_t wl_tsc(void) { uint32_t a, d, c; __asm__ __volatile__("rdtscp" : "=a"(a), "=d"(d), "=c"(c) :: "memory"); return ((uint64_t)d << 32) | a; }

typedef uint64_t (*wl_body)(void *st, uint64_t n);	/* run n ops, return n or a checksum */

/* run body on one pinned thread; ops_per_n: how many reported units one op is */
void wl_run(const char *peer, const char *wl, wl_body b, void *st, double units_per_op, uint64_t nmin, uint64_t nmax);
/* two pinned threads, bodies b0(st0)/b1(st1) with the same n each */
void wl_run2(const char *peer, const char *wl, wl_body b0, void *st0, wl_body b1, void *st1, double units_per_op, uint64_t nmin, uint64_t nmax);
/* deterministic latency: passes times {setup, body(lat[]), teardown}; per-op minimum over passes */
typedef void *(*wl_setup)(void *arg);
typedef uint64_t (*wl_lbody)(void *st, uint64_t n, uint32_t *lat);	/* lat[2*i]=op A, lat[2*i+1]=op B, in TSC ticks */
typedef void (*wl_teardown)(void *st);
void wl_lat(const char *peer, const char *wl, const char *la, const char *lb, wl_setup s, void *arg, wl_lbody b, wl_teardown t, uint64_t n, int passes);
void wl_value(const char *peer, const char *wl, const char *metric, double v);
int wl_wanted(const char *peer, const char *wl);
double wl_now(void);
void wl_set_cpu(int cpu);	/* peer hook: called on each worker thread, cpu = 0 or 1 */
extern double wl_warm_cap;	/* seconds */
#define WL_SEED 0x1234567890ABCDEFull
#endif
