/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O page table workloads. Include once per peer with:
 *   PT(x), PT_PEER
 *   PT_NEW() -> void*; PT_DEL(c)
 *   PT_MAP(c, iova, pa, len)      one physically contiguous range, R+W+cacheable -> 0 on success
 *   PT_SG_PREP(pas, n)            -> void* (outside the timed part; n scattered 4 KiB pages)
 *   PT_MAP_SG(c, iova, sg, pas, n)  map n scattered 4 KiB pages at consecutive IOVA -> 0 on success
 *   PT_UNMAP(c, iova, len)        -> 0 on success, includes whatever gathering of invalidations the API does;
 *                                 the hardware invalidation itself is a counted no-op
 *   PT_XLATE(c, iova)             -> pa
 *   PT_TABLE_BYTES()              bytes of table memory now live
 *   PT_IOVA0, PT_PA0, PT_BIG (1: 64-bit format, can hold 64 GiB) */
#include "wl_common.h"
#include "wl_pas.h"
struct PT(st) { void *c; uint64_t *pas; void **sg16; void *sgall; uint64_t iova0, seed, npg; uint32_t k, mul, add; uint64_t err; } __attribute__((aligned(128)));
static uint64_t PT(b_same)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += !!PT_MAP(t->c, t->iova0, t->pas[0], 4096); t->err += !!PT_UNMAP(t->c, t->iova0, 4096); } return n; }
static uint64_t PT(b_rot)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint32_t k = t->k++ & (WL_NPG / 2 - 1); uint64_t io = t->iova0 + (uint64_t)(k * t->mul + t->add) * 4096; t->err += !!PT_MAP(t->c, io, t->pas[k], 4096); t->err += !!PT_UNMAP(t->c, io, 4096); } return n; }
static uint64_t PT(b_sg64k)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint32_t k = t->k++ & 2047; uint64_t io = t->iova0 + (uint64_t)k * 65536; t->err += !!PT_MAP_SG(t->c, io, t->sg16[k], t->pas + k * 16, 16); t->err += !!PT_UNMAP(t->c, io, 65536); } return n; }
static uint64_t PT(b_sg128m)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += !!PT_MAP_SG(t->c, t->iova0, t->sgall, t->pas, WL_NPG); t->err += !!PT_UNMAP(t->c, t->iova0, WL_NPG * 4096ull); } return n; }
static uint64_t PT(b_sg128m_u4k)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += !!PT_MAP_SG(t->c, t->iova0, t->sgall, t->pas, WL_NPG); for (uint32_t k = 0; k < WL_NPG; k++) t->err += !!PT_UNMAP(t->c, t->iova0 + k * 4096ull, 4096); } return n; }
static uint64_t PT(b_blk128m)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += !!PT_MAP(t->c, t->iova0, PT_PA0, WL_NPG * 4096ull); t->err += !!PT_UNMAP(t->c, t->iova0, WL_NPG * 4096ull); } return n; }
static uint64_t PT(b_lin128m)(void *v, uint64_t n) { struct PT(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += !!PT_MAP(t->c, t->iova0, PT_PA0 + 4096, WL_NPG * 4096ull); t->err += !!PT_UNMAP(t->c, t->iova0, WL_NPG * 4096ull); } return n; }
static uint64_t PT(b_xl)(void *v, uint64_t n) { struct PT(st) *t = v; uint64_t s = 0; for (uint64_t i = 0; i < n; i++) s += PT_XLATE(t->c, t->iova0 + (uint64_t)wl_below(&t->seed, t->npg) * 4096); wl_sink += s; return n; }
static uint64_t PT(b_xldep)(void *v, uint64_t n) { struct PT(st) *t = v; uint64_t pa = 0; for (uint64_t i = 0; i < n; i++) { t->seed += pa >> 63; pa = PT_XLATE(t->c, t->iova0 + (uint64_t)wl_below(&t->seed, t->npg) * 4096); } wl_sink += pa; return n; }

static void PT(all)(int quick)
{
	uint64_t *pas = wl_pas_for(PT_PA0);
	void **sg16 = malloc(2048 * sizeof(void *)); for (int i = 0; i < 2048; i++) sg16[i] = PT_SG_PREP(pas + i * 16, 16);
	void *sgall = PT_SG_PREP(pas, WL_NPG);
#define PT_ST(c_) ((struct PT(st)){ .c = (c_), .pas = pas, .sg16 = sg16, .sgall = sgall, .iova0 = PT_IOVA0, .seed = WL_SEED, .mul = 1 })
	/* correctness guard: map the scattered set, check every translation, unmap, check empty */
	{
		void *c = PT_NEW(); uint64_t bad = 0;
		bad += !!PT_MAP_SG(c, PT_IOVA0, sgall, pas, WL_NPG);
		for (uint32_t i = 0; i < WL_NPG; i++) bad += PT_XLATE(c, PT_IOVA0 + i * 4096ull + 0x123) != pas[i] + 0x123;
		bad += !!PT_UNMAP(c, PT_IOVA0, WL_NPG * 4096ull);
		for (uint32_t i = 0; i < WL_NPG; i += 511) bad += PT_XLATE(c, PT_IOVA0 + i * 4096ull) != 0;
		if (bad) { fprintf(stderr, "%s: SELF-CHECK FAILED (%llu)\n", PT_PEER, (unsigned long long)bad); exit(1); }
		PT_DEL(c);
	}
	static const struct { const char *n; wl_body b; double u; uint64_t mn, mx; } W[] = {
		{ "pt.map4k.same", PT(b_same), 1, 1000, 4000000 }, { "pt.map4k.rot", PT(b_rot), 1, 1000, 4000000 }, { "pt.sg64k", PT(b_sg64k), 1, 100, 1000000 },
		{ "pt.sg128m", PT(b_sg128m), WL_NPG, 1, 1000 }, { "pt.sg128m.u4k", PT(b_sg128m_u4k), WL_NPG, 1, 1000 }, { "pt.blk128m", PT(b_blk128m), 1, 16, 200000 }, { "pt.lin128m", PT(b_lin128m), WL_NPG, 1, 10000 } };
	for (unsigned i = 0; i < sizeof(W) / sizeof(W[0]); i++) if (wl_wanted(PT_PEER, W[i].n)) {
		void *c = PT_NEW(); struct PT(st) t = PT_ST(c);
		PT_MAP(c, PT_IOVA0 + 0x8000000ull, PT_PA0, 4096);	/* keep one neighbour mapped so upper tables live */
		if (i < 3) { PT_MAP_SG(c, PT_IOVA0, sgall, pas, WL_NPG); for (uint32_t k = 0; k < WL_NPG; k++) PT_UNMAP(c, PT_IOVA0 + k * 4096ull, 4096); }	/* leaf tables present where the peer keeps them */
		wl_run(PT_PEER, W[i].n, W[i].b, &t, W[i].u, W[i].mn, W[i].mx);
		if (t.err) { fprintf(stderr, "%s %s: %llu errors\n", PT_PEER, W[i].n, (unsigned long long)t.err); exit(1); }
		PT_DEL(c);
	}
	static const struct { const char *n; uint64_t npg; wl_body b; } X[] = { { "pt.xlate128m", 32768, PT(b_xl) }, { "pt.xlate128m.dep", 32768, PT(b_xldep) }, { "pt.xlate64g", 16777216, PT(b_xl) }, { "pt.xlate64g.dep", 16777216, PT(b_xldep) } };
	for (int i = 0; i < 4; i++) if (wl_wanted(PT_PEER, X[i].n) && (i < 2 || PT_BIG)) {
		void *c = PT_NEW(); struct PT(st) t = PT_ST(c); t.npg = X[i].npg;
		for (uint64_t k = 0; k < X[i].npg; k += WL_NPG) PT_MAP_SG(c, PT_IOVA0 + k * 4096, sgall, pas, WL_NPG);
		wl_run(PT_PEER, X[i].n, X[i].b, &t, 1, 1000, 8000000);
		PT_DEL(c);
	}
	if (wl_wanted(PT_PEER, "pt.mem1g")) {
		void *c = PT_NEW(); uint64_t m0 = PT_TABLE_BYTES();
		for (uint64_t k = 0; k < 262144; k += WL_NPG) PT_MAP_SG(c, PT_IOVA0 + k * 4096, sgall, pas, WL_NPG);
		wl_value(PT_PEER, "pt.mem1g", "table_bytes_per_GiB_excl_root", PT_TABLE_BYTES() - m0);
		PT_DEL(c);
	}
	/* two threads: separate 64 MiB halves, then interleaved pages of the same leaf tables */
	for (int i = 0; i < 2; i++) { static const char *nm[] = { "pt.map4k.rot.t2", "pt.map4k.shared.t2" }; if (wl_wanted(PT_PEER, nm[i])) {
		void *c = PT_NEW(); struct PT(st) t = PT_ST(c), u = PT_ST(c);
		PT_MAP_SG(c, PT_IOVA0, sgall, pas, WL_NPG); for (uint32_t k = 0; k < WL_NPG; k++) PT_UNMAP(c, PT_IOVA0 + k * 4096ull, 4096);
		if (i == 0) u.add = WL_NPG / 2; else { t.mul = u.mul = 2; u.add = 1; }
		wl_run2(PT_PEER, nm[i], PT(b_rot), &t, PT(b_rot), &u, 1, 1000, 4000000);
		PT_DEL(c);
	} }
	free(pas);
}
