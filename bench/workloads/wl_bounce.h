/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounce buffer workloads: 64 MiB pool of 2 KiB slots.
 *   BN(x), BN_PEER, BN_NEW(), BN_MAP(c, pa, len) -> bounce address or ~0 (copies len bytes to the pool), BN_UNMAP(c, addr, len, sync)
 *   BN_BUF(c, bytes) -> physical address of a touched source buffer */
#include "wl_common.h"
struct BN(st) { void *c; uint64_t pa; uint32_t len, sync; uint64_t *live; uint32_t nl; uint64_t seed, fail; } __attribute__((aligned(128)));
static uint64_t BN(b_pair)(void *v, uint64_t n) { struct BN(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint64_t a = BN_MAP(t->c, t->pa, t->len); t->fail += a == ~0ull; BN_UNMAP(t->c, a, t->len, t->sync); } return n; }
static uint64_t BN(b_mix)(void *v, uint64_t n) { struct BN(st) *t = v; for (uint64_t i = 0; i < n; i++) { uint32_t j = wl_below(&t->seed, t->nl); if (t->live[j] != ~0ull) BN_UNMAP(t->c, t->live[j], t->len, 0); t->live[j] = BN_MAP(t->c, t->pa, t->len); t->fail += t->live[j] == ~0ull; } return n; }
static void BN(all)(int quick)
{
	static const struct { const char *n; uint32_t len, sync; } W[] = { { "bounce.pair.64", 64, 0 }, { "bounce.pair.2k", 2048, 0 }, { "bounce.pair.4k", 4096, 0 }, { "bounce.pair.4k.bidir", 4096, 1 }, { "bounce.pair.64k", 65536, 0 } };
	void *c = BN_NEW(); uint64_t pa = BN_BUF(c, 1 << 20);
	for (int i = 0; i < 5; i++) if (wl_wanted(BN_PEER, W[i].n)) { struct BN(st) t = { .c = c, .pa = pa, .len = W[i].len, .sync = W[i].sync }; wl_run(BN_PEER, W[i].n, BN(b_pair), &t, 1, 1000, 2000000); if (t.fail) wl_value(BN_PEER, W[i].n, "failures", t.fail); }
	/* occupancy: 4 KiB (=2 slots) each, pool 50% / 90% / 98% full, replace a random one */
	static const struct { const char *n; double f; uint32_t len; } O[] = { { "bounce.mix.64.occ25", .25, 64 }, { "bounce.mix.4k.occ25", .25, 4096 }, { "bounce.mix.64.occ50", .5, 64 }, { "bounce.mix.64.occ90", .9, 64 }, { "bounce.mix.64.occ98", .98, 64 }, { "bounce.mix.4k.occ50", .5, 4096 }, { "bounce.mix.4k.occ90", .9, 4096 }, { "bounce.mix.4k.occ98", .98, 4096 } };
	for (int i = 0; i < 8; i++) if (wl_wanted(BN_PEER, O[i].n)) {
		uint32_t slots = (O[i].len + 2047) / 2048, nl = 32768 / slots * O[i].f;
		struct BN(st) t = { .c = c, .pa = pa, .len = O[i].len, .nl = nl, .seed = WL_SEED, .live = malloc(nl * 8) };
		for (uint32_t k = 0; k < nl; k++) { t.live[k] = BN_MAP(c, pa, t.len); t.fail += t.live[k] == ~0ull; }
		if (t.fail) wl_value(BN_PEER, O[i].n, "fill_failures", t.fail); t.fail = 0;
		BN(b_mix)(&t, 2 * nl); t.fail = 0;
		wl_run(BN_PEER, O[i].n, BN(b_mix), &t, 1, 64, 1000000);
		if (t.fail) wl_value(BN_PEER, O[i].n, "alloc_failures", t.fail);
		for (uint32_t k = 0; k < nl; k++) if (t.live[k] != ~0ull) BN_UNMAP(c, t.live[k], t.len, 0);
		free(t.live);
	}
	if (wl_wanted(BN_PEER, "bounce.pair.4k.t2")) { struct BN(st) t = { .c = c, .pa = pa, .len = 4096 }, u = { .c = c, .pa = pa + 65536, .len = 4096 }; wl_run2(BN_PEER, "bounce.pair.4k.t2", BN(b_pair), &t, BN(b_pair), &u, 1, 1000, 1000000); }
}
