/* SPDX-License-Identifier: BSD-2-Clause */
/* IOVA allocator workloads. Include once per peer with:
 *   IV(x)              name pasting, e.g. #define IV(x) rcache_##x
 *   IV_PEER            string
 *   IV_ALLOC(d,np,lim) -> uint64_t handle, 0 on failure.  np pages, pfn <= lim
 *   IV_FREE(d,h,np)
 *   IV_NEW()           -> void* domain (granule 4096, start_pfn 1)
 *   IV_DEL(d)
 * All limits are inclusive page frame numbers. */
#include "wl_common.h"
#define IV_LIM64 ((1ull << 36) - 1)	/* 48-bit IOVA space */
#define IV_LIM32 ((1ull << 20) - 1)	/* 32-bit IOVA space */

struct IV(slot) { uint64_t h; uint32_t np; };
struct IV(st) { void *d; uint64_t seed; uint32_t L, lo, hi, pow2; uint64_t lim; struct IV(slot) *s; uint64_t fail, req, okpages; uint32_t fixed, pos; } __attribute__((aligned(128)));

static inline uint32_t IV(size)(struct IV(st) *t)
{
	if (t->pow2) return 1u << wl_below(&t->seed, 6);	/* 1,2,4,8,16,32 */
	return t->lo + wl_below(&t->seed, t->hi - t->lo + 1);
}
/* I-pair: alloc(np) ; free */
static uint64_t IV(b_pair)(void *v, uint64_t n)
{
	struct IV(st) *t = v; uint32_t np = t->fixed; void *d = t->d;
	for (uint64_t i = 0; i < n; i++) { uint64_t h = IV_ALLOC(d, np, t->lim); IV_FREE(d, h, np); }
	return n;
}
/* I-burst: alloc L of np pages, then free all L in allocation order; op = one alloc+free */
static uint64_t IV(b_burst)(void *v, uint64_t n)
{
	struct IV(st) *t = v; uint32_t np = t->fixed, L = t->L; void *d = t->d;
	for (uint64_t i = 0; i < n; i += L) {
		for (uint32_t k = 0; k < L; k++) t->s[k].h = IV_ALLOC(d, np, t->lim);
		for (uint32_t k = 0; k < L; k++) IV_FREE(d, t->s[k].h, np);
	}
	return n;
}
/* I-mix: pick slot (L>0), free it, alloc a new random size into it; L==0: alloc random size, free */
static uint64_t IV(b_mix)(void *v, uint64_t n)
{
	struct IV(st) *t = v; void *d = t->d;
	if (!t->L) {
		for (uint64_t i = 0; i < n; i++) { uint32_t np = IV(size)(t); uint64_t h = IV_ALLOC(d, np, t->lim); IV_FREE(d, h, np); }
		return n;
	}
	for (uint64_t i = 0; i < n; i++) {
		struct IV(slot) *s = &t->s[wl_below(&t->seed, t->L)];
		if (s->h) IV_FREE(d, s->h, s->np);
		s->np = IV(size)(t);
		s->h = IV_ALLOC(d, s->np, t->lim);
		t->fail += !s->h;
	}
	return n;
}
/* same sequence with per-op TSC: A = alloc, B = free */
static uint64_t IV(l_mix)(void *v, uint64_t n, uint32_t *lat)
{
	struct IV(st) *t = v; void *d = t->d;
	for (uint64_t i = 0; i < n; i++) {
		struct IV(slot) *s = &t->s[wl_below(&t->seed, t->L)];
		uint64_t a = wl_tsc();
		if (s->h) IV_FREE(d, s->h, s->np);
		uint64_t b = wl_tsc();
		s->np = IV(size)(t);
		uint64_t c = wl_tsc();
		s->h = IV_ALLOC(d, s->np, t->lim);
		uint64_t e = wl_tsc();
		t->fail += !s->h;
		lat[2 * i + 1] = (b - a) > 0xffffffffu ? 0xffffffffu : b - a; lat[2 * i] = (e - c) > 0xffffffffu ? 0xffffffffu : e - c;
	}
	return n;
}
static struct IV(st) *IV(mk)(void *d, uint32_t L, uint32_t lo, uint32_t hi, uint64_t lim, uint64_t seed)
{
	struct IV(st) *t = aligned_alloc(128, sizeof(*t)); memset(t, 0, sizeof(*t));
	t->d = d; t->seed = seed; t->L = L; t->lo = lo; t->hi = hi; t->lim = lim;
	t->s = calloc(L ? L : 1, sizeof(*t->s));
	for (uint32_t i = 0; i < L; i++) { t->s[i].np = IV(size)(t); t->s[i].h = IV_ALLOC(d, t->s[i].np, lim); }
	return t;
}
static void IV(warm)(struct IV(st) *t)
{
	uint64_t w = 2ull * t->L; if (w > 2000000) w = 2000000;
	double t0 = wl_now();
	for (uint64_t i = 0; i < w && wl_now() - t0 < wl_warm_cap; i += 256) IV(b_mix)(t, 256);
}
static void IV(rm)(struct IV(st) *t) { for (uint32_t i = 0; i < t->L; i++) if (t->s[i].h) IV_FREE(t->d, t->s[i].h, t->s[i].np); free(t->s); free(t); }

/* nearly full 32-bit space: keep allocating random sizes until frac*2^20 pages are taken; a failed request is
 * skipped (next random size), 256 failures in a row end the fill. firstfail = fraction taken at the first failure */
static double IV(firstfail);
static struct IV(st) *IV(mkfull)(void *d, double frac, int pow2, uint32_t lo, uint32_t hi, uint64_t seed)
{
	struct IV(st) *t = aligned_alloc(128, sizeof(*t)); unsigned run = 0; memset(t, 0, sizeof(*t));
	t->d = d; t->seed = seed; t->pow2 = pow2; t->lo = lo; t->hi = hi; t->lim = IV_LIM32;
	t->s = calloc(1 << 20, sizeof(*t->s)); IV(firstfail) = 1;
	while (t->okpages < frac * (1 << 20)) {
		uint32_t np = IV(size)(t); uint64_t h = IV_ALLOC(d, np, t->lim);
		if (!h) { if (!t->fail++) IV(firstfail) = t->okpages / (double)(1 << 20); if (++run == 256) break; continue; }
		run = 0;
		t->s[t->L].h = h; t->s[t->L++].np = np; t->okpages += np;
	}
	return t;
}
struct IV(lcfg) { uint32_t L, lo, hi; uint64_t lim; int full; uint64_t warm; };
static void *IV(lsetup)(void *a)
{
	struct IV(lcfg) *c = a; void *d = IV_NEW(); struct IV(st) *t;
	t = c->full ? IV(mkfull)(d, 0.90, c->full == 1, 1, 1, WL_SEED) : IV(mk)(d, c->L, c->lo, c->hi, c->lim, WL_SEED);
	IV(b_mix)(t, c->warm);	/* deterministic warm-up, no time cap */
	t->fail = 0;
	return t;
}
static uint64_t IV(lastfail);
static void IV(ltd)(void *v) { struct IV(st) *t = v; void *d = t->d; IV(lastfail) = t->fail; IV(rm)(t); IV_DEL(d); }

/* cross-thread free: thread 0 allocates size 1 and pushes into a 1024-entry SPSC ring, thread 1 frees */
struct IV(xr) { void *d; uint64_t lim; volatile uint64_t head __attribute__((aligned(64))); volatile uint64_t tail __attribute__((aligned(64))); uint64_t r[1024] __attribute__((aligned(64))); };
static uint64_t IV(b_xprod)(void *v, uint64_t n)
{
	struct IV(xr) *x = v;
	for (uint64_t i = 0; i < n; i++) {
		while (x->head - __atomic_load_n(&x->tail, __ATOMIC_ACQUIRE) >= 1024) __builtin_ia32_pause();
		x->r[x->head & 1023] = IV_ALLOC(x->d, 1, x->lim);
		__atomic_store_n(&x->head, x->head + 1, __ATOMIC_RELEASE);
	}
	return n;
}
static uint64_t IV(b_xcons)(void *v, uint64_t n)
{
	struct IV(xr) *x = v;
	for (uint64_t i = 0; i < n; i++) {
		while (x->tail == __atomic_load_n(&x->head, __ATOMIC_ACQUIRE)) __builtin_ia32_pause();
		uint64_t h = x->r[x->tail & 1023];
		__atomic_store_n(&x->tail, x->tail + 1, __ATOMIC_RELEASE);
		IV_FREE(x->d, h, 1);
	}
	return n;
}

static void IV(all)(int quick)
{
	static const struct { const char *n; uint32_t np; } pairs[] = { { "iova.pair.1", 1 }, { "iova.pair.16", 16 }, { "iova.pair.64", 64 }, { "iova.pair.1024", 1024 } };
	for (int i = 0; i < 4; i++) if (wl_wanted(IV_PEER, pairs[i].n)) {
		void *d = IV_NEW(); struct IV(st) t = { .d = d, .fixed = pairs[i].np, .lim = IV_LIM64 };
		wl_run(IV_PEER, pairs[i].n, IV(b_pair), &t, 1, 1000, 2000000); IV_DEL(d);
	}
	static const struct { const char *n; uint32_t np, L; } bursts[] = { { "iova.burst512.1", 1, 512 }, { "iova.burst4096.1", 1, 4096 } };
	for (int i = 0; i < 2; i++) if (wl_wanted(IV_PEER, bursts[i].n)) {
		void *d = IV_NEW(); struct IV(st) t = { .d = d, .fixed = bursts[i].np, .lim = IV_LIM64, .L = bursts[i].L }; t.s = calloc(t.L, sizeof(*t.s));
		wl_run(IV_PEER, bursts[i].n, IV(b_burst), &t, 1, 8192, 1 << 21); free(t.s); IV_DEL(d);
	}
	/* lw/lnn/lp: latency runs' warm-up replacements, measured ops, passes */
	static const struct { const char *n, *ln; uint32_t L, lo, hi; uint32_t lw, lnn, lp; } mix[] = {
		{ "iova.mix32.L0", 0, 0, 1, 32 }, { "iova.mix32.L1k", "iova.lat.mix32.L1k", 1000, 1, 32, 2000, 200000, 5 }, { "iova.mix32.L100k", "iova.lat.mix32.L100k", 100000, 1, 32, 100000, 200000, 5 }, { "iova.mix32.L1M", "iova.lat.mix32.L1M", 1000000, 1, 32, 100000, 200000, 3 },
		{ "iova.big.L0", 0, 0, 33, 1024 }, { "iova.big.L1k", "iova.lat.big.L1k", 1000, 33, 1024, 2000, 50000, 5 }, { "iova.big.L10k", "iova.lat.big.L10k", 10000, 33, 1024, 20000, 20000, 3 }, { "iova.big.L100k", "iova.lat.big.L100k", 100000, 33, 1024, 2000, 4000, 3 } };
	for (int i = 0; i < 8; i++) {
		if (wl_wanted(IV_PEER, mix[i].n)) {
			void *d = IV_NEW(); struct IV(st) *t = IV(mk)(d, mix[i].L, mix[i].lo, mix[i].hi, IV_LIM64, WL_SEED);
			IV(warm)(t); t->fail = 0;
			wl_run(IV_PEER, mix[i].n, IV(b_mix), t, 1, 64, 2000000);
			if (t->fail) wl_value(IV_PEER, mix[i].n, "alloc_failures", t->fail);
			IV(rm)(t); IV_DEL(d);
		}
		if (mix[i].ln && wl_wanted(IV_PEER, mix[i].ln)) {
			struct IV(lcfg) c = { mix[i].L, mix[i].lo, mix[i].hi, IV_LIM64, 0, mix[i].lw };
			wl_lat(IV_PEER, mix[i].ln, "alloc", "free", IV(lsetup), &c, IV(l_mix), IV(ltd), mix[i].lnn, mix[i].lp);
		}
	}
	for (int k = 0; k < 2; k++) {	/* full32: sizes 1,2,4..32; full32s1: all size 1 */
		const char *nm = k ? "iova.full32s1" : "iova.full32", *ln = k ? "iova.lat.full32s1" : "iova.lat.full32";
		if (wl_wanted(IV_PEER, nm)) {
			void *d = IV_NEW(); double t0 = wl_now(); struct IV(st) *t = IV(mkfull)(d, 0.90, !k, 1, 1, WL_SEED);
			wl_value(IV_PEER, nm, "fill_seconds", wl_now() - t0); wl_value(IV_PEER, nm, "first_failure_at", IV(firstfail));
			wl_value(IV_PEER, nm, "fill_fraction", t->okpages / (double)(1 << 20)); wl_value(IV_PEER, nm, "live", t->L);
			t->fail = 0; IV(warm)(t); t->fail = 0;
			wl_run(IV_PEER, nm, IV(b_mix), t, 1, 64, 2000000);
			wl_value(IV_PEER, nm, "alloc_failures_total", t->fail);
			IV(rm)(t); IV_DEL(d);
		}
		if (wl_wanted(IV_PEER, ln)) {
			struct IV(lcfg) c = { .full = 1 + k, .warm = 1000 };
			wl_lat(IV_PEER, ln, "alloc", "free", IV(lsetup), &c, IV(l_mix), IV(ltd), k ? 100000 : 4000, 3);
			wl_value(IV_PEER, ln, "alloc_failures_in_lat_run", IV(lastfail));
		}
	}
	static const struct { const char *n; uint32_t hi; } ff[] = { { "iova.firstfail32.1-32", 32 }, { "iova.firstfail32.1-256", 256 } };
	for (int i = 0; i < 2; i++) if (wl_wanted(IV_PEER, ff[i].n)) {	/* share of the 2^20 pages handed out (as requested) before the first failure */
		void *d = IV_NEW(); struct IV(st) *t = IV(mkfull)(d, 1.0, 0, 1, ff[i].hi, WL_SEED); wl_value(IV_PEER, ff[i].n, "first_failure_at", IV(firstfail)); wl_value(IV_PEER, ff[i].n, "final_fill", t->okpages / (double)(1 << 20)); IV(rm)(t); IV_DEL(d);
	}
	/* two threads */
	for (int i = 0; i < 2; i++) { static const char *nm[] = { "iova.pair.1.t2", "iova.pair.64.t2" }; if (wl_wanted(IV_PEER, nm[i])) {
		void *d = IV_NEW(); struct IV(st) t = { .d = d, .fixed = i ? 64 : 1, .lim = IV_LIM64 }, u = t;
		wl_run2(IV_PEER, nm[i], IV(b_pair), &t, IV(b_pair), &u, 1, 1000, 2000000); IV_DEL(d);
	} }
	static const struct { const char *n; uint32_t L, lo, hi; } m2[] = { { "iova.mix32.L1k.t2", 1000, 1, 32 }, { "iova.mix32.L100k.t2", 100000, 1, 32 }, { "iova.big.L1k.t2", 1000, 33, 1024 } };
	for (int i = 0; i < 3; i++) if (wl_wanted(IV_PEER, m2[i].n)) {
		void *d = IV_NEW(); struct IV(st) *t = IV(mk)(d, m2[i].L, m2[i].lo, m2[i].hi, IV_LIM64, WL_SEED), *u = IV(mk)(d, m2[i].L, m2[i].lo, m2[i].hi, IV_LIM64, WL_SEED + 1);
		IV(warm)(t); IV(warm)(u);
		wl_run2(IV_PEER, m2[i].n, IV(b_mix), t, IV(b_mix), u, 1, 64, 1000000);
		IV(rm)(t); IV(rm)(u); IV_DEL(d);
	}
	if (wl_wanted(IV_PEER, "iova.xfree.1.t2")) {
		void *d = IV_NEW(); struct IV(xr) *x = aligned_alloc(64, sizeof(*x)); memset(x, 0, sizeof(*x)); x->d = d; x->lim = IV_LIM64;
		wl_run2(IV_PEER, "iova.xfree.1.t2", IV(b_xprod), x, IV(b_xcons), x, 1, 100000, 1000000);
		free(x); IV_DEL(d);
	}
}
