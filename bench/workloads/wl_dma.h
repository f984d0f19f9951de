/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole-path workloads (IOVA alloc + map + unmap + IOVA free). Include once per peer with:
 *   DM(x), DM_PEER
 *   DM_NEW() / DM_DEL(c)
 *   DM_MAP1(c, pa, len) -> dma address or ~0 ; DM_UNMAP1(c, dma, len)
 *   DM_SG_PREP(pas, n) -> void* reusable scatter list of n 4 KiB pages
 *   DM_MAPSG(c, sg, n) -> dma address of the first byte or ~0 ; DM_UNMAPSG(c, sg, n)
 *   DM_XLATE(c, dma) -> pa ;  DM_PA0 */
#include "wl_pas.h"
#define DM_RING 512
struct DM(st) { void *c; uint64_t *pas; void **sg16; void *sgall; uint64_t ring[DM_RING]; uint32_t k, nl; uint64_t seed; struct { void *sg; uint32_t n; } *live; void **pool[33]; uint32_t *top; uint64_t err; } __attribute__((aligned(128)));
static uint64_t DM(b_4k)(void *v, uint64_t n) { struct DM(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint64_t d = DM_MAP1(t->c, t->pas[t->k++ & (WL_NPG - 1)], 4096); t->err += d == ~0ull; DM_UNMAP1(t->c, d, 4096); } return n; }
static uint64_t DM(b_64k)(void *v, uint64_t n) { struct DM(st) *t = v; for (uint64_t i = 0; i < n; i++) { void *sg = t->sg16[t->k++ & 1023]; t->err += DM_MAPSG(t->c, sg, 16) == ~0ull; DM_UNMAPSG(t->c, sg, 16); } return n; }
static uint64_t DM(b_128m)(void *v, uint64_t n) { struct DM(st) *t = v; for (uint64_t i = 0; i < n; i++) { t->err += DM_MAPSG(t->c, t->sgall, WL_NPG) == ~0ull; DM_UNMAPSG(t->c, t->sgall, WL_NPG); } return n; }
/* ring: 512 outstanding 4 KiB mappings; each op unmaps the oldest and maps a new one */
static uint64_t DM(b_ring)(void *v, uint64_t n) { struct DM(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint32_t k = t->k++; uint64_t *r = &t->ring[k & (DM_RING - 1)]; if (*r) DM_UNMAP1(t->c, *r, 4096); *r = DM_MAP1(t->c, t->pas[k & (WL_NPG - 1)], 4096); t->err += *r == ~0ull; } return n; }
/* mixed: 1000 outstanding scatter lists of 1..32 scattered pages, replace a random one */
static uint64_t DM(b_mix)(void *v, uint64_t n)
{
	struct DM(st) *t = v;
	for (uint64_t i = 0; i < n; i++) {
		uint32_t j = wl_below(&t->seed, t->nl), np = 1 + wl_below(&t->seed, 32); void *sg;
		if (t->live[j].sg) { DM_UNMAPSG(t->c, t->live[j].sg, t->live[j].n); t->pool[t->live[j].n][t->top[t->live[j].n]++] = t->live[j].sg; }
		sg = t->pool[np][--t->top[np]];
		t->err += DM_MAPSG(t->c, sg, np) == ~0ull;
		t->live[j].sg = sg; t->live[j].n = np;
	}
	return n;
}
static void DM(drain)(struct DM(st) *t) { for (int i = 0; i < DM_RING; i++) if (t->ring[i]) { DM_UNMAP1(t->c, t->ring[i], 4096); t->ring[i] = 0; } }
/* the lists that a mixed run draws from, and 20,000 operations ahead of the measured ones */
static void DM(mix_fill)(struct DM(st) *t)
{
	t->live = calloc(1000, sizeof(*t->live)); t->top = calloc(33, sizeof(*t->top));
	for (int s = 1; s <= 32; s++) { t->pool[s] = malloc(1001 * sizeof(void *)); for (int k = 0; k < 1001; k++) t->pool[s][t->top[s]++] = DM_SG_PREP(t->pas + ((s * 1001 + k * 37) % (WL_NPG - 32)), s); }
	DM(b_mix)(t, 20000);
}
static void DM(mix_drain)(struct DM(st) *t) { for (int i = 0; i < 1000; i++) if (t->live[i].sg) DM_UNMAPSG(t->c, t->live[i].sg, t->live[i].n); }
static void DM(all)(int quick)
{
	uint64_t *pas = wl_pas_for(DM_PA0);
	void **sga = malloc(1024 * sizeof(void *)), **sgb = malloc(1024 * sizeof(void *));
	for (int i = 0; i < 1024; i++) { sga[i] = DM_SG_PREP(pas + i * 16, 16); sgb[i] = DM_SG_PREP(pas + 16384 + i * 16, 16); }
	void *sgall = DM_SG_PREP(pas, WL_NPG);
	{ void *c = DM_NEW(); uint64_t d = DM_MAPSG(c, sgall, WL_NPG), bad = d == ~0ull; for (uint32_t i = 0; i < WL_NPG; i++) bad += DM_XLATE(c, d + i * 4096ull) != pas[i]; DM_UNMAPSG(c, sgall, WL_NPG);
	  if (bad) { fprintf(stderr, "%s: SELF-CHECK FAILED\n", DM_PEER); exit(1); } DM_DEL(c); }
	static const struct { const char *n; wl_body b; double u; uint64_t mn, mx; } W[] = { { "dma.4k", DM(b_4k), 1, 1000, 2000000 }, { "dma.sg64k", DM(b_64k), 1, 100, 500000 }, { "dma.sg128m", DM(b_128m), WL_NPG, 1, 500 }, { "dma.ring512.4k", DM(b_ring), 1, 1000, 2000000 } };
	for (int i = 0; i < 4; i++) if (wl_wanted(DM_PEER, W[i].n)) {
		void *c = DM_NEW(); struct DM(st) t = { .c = c, .pas = pas, .sg16 = sga, .sgall = sgall };
		W[i].b(&t, W[i].mn * (i < 2 ? 4 : 1));
		wl_run(DM_PEER, W[i].n, W[i].b, &t, W[i].u, W[i].mn, W[i].mx);
		DM(drain)(&t); if (t.err) { fprintf(stderr, "%s errors\n", DM_PEER); exit(1); }
		DM_DEL(c);
	}
	if (wl_wanted(DM_PEER, "dma.mix1-32.L1k")) {
		void *c = DM_NEW(); struct DM(st) t = { .c = c, .pas = pas, .seed = WL_SEED, .nl = 1000 };
		DM(mix_fill)(&t);
		wl_run(DM_PEER, "dma.mix1-32.L1k", DM(b_mix), &t, 1, 1000, 1000000);
		if (t.err) { fprintf(stderr, "%s errors\n", DM_PEER); exit(1); }
		DM(mix_drain)(&t);
		DM_DEL(c);
	}
	static const struct { const char *n; wl_body b; } T[] = { { "dma.4k.t2", DM(b_4k) }, { "dma.sg64k.t2", DM(b_64k) }, { "dma.ring512.4k.t2", DM(b_ring) } };
	for (int i = 0; i < 3; i++) if (wl_wanted(DM_PEER, T[i].n)) {
		void *c = DM_NEW(); struct DM(st) t = { .c = c, .pas = pas, .sg16 = sga }, u = { .c = c, .pas = pas, .sg16 = sgb, .k = 7777 };
		wl_run2(DM_PEER, T[i].n, T[i].b, &t, T[i].b, &u, 1, 1000, 1000000);
		DM(drain)(&t); DM(drain)(&u);
		DM_DEL(c);
	}
	if (wl_wanted(DM_PEER, "dma.sg128m.t2")) {
		void *c = DM_NEW(); struct DM(st) t = { .c = c, .pas = pas, .sgall = sgall }, u = { .c = c, .pas = pas, .sgall = DM_SG_PREP(pas, WL_NPG) };
		wl_run2(DM_PEER, "dma.sg128m.t2", DM(b_128m), &t, DM(b_128m), &u, WL_NPG, 1, 500);
		if (t.err || u.err) { fprintf(stderr, "%s errors\n", DM_PEER); exit(1); }
		DM_DEL(c);
	}
	if (wl_wanted(DM_PEER, "dma.mix1-32.L1k.t2")) {
		void *c = DM_NEW(); struct DM(st) t = { .c = c, .pas = pas, .seed = WL_SEED, .nl = 1000 }, u = { .c = c, .pas = pas, .seed = WL_SEED + 1, .nl = 1000 };
		DM(mix_fill)(&t); DM(mix_fill)(&u);
		wl_run2(DM_PEER, "dma.mix1-32.L1k.t2", DM(b_mix), &t, DM(b_mix), &u, 1, 1000, 1000000);
		if (t.err || u.err) { fprintf(stderr, "%s errors\n", DM_PEER); exit(1); }
		DM(mix_drain)(&t); DM(mix_drain)(&u);
		DM_DEL(c);
	}
}
