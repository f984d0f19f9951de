/* SPDX-License-Identifier: BSD-2-Clause */
/* physical limits of this machine, in the same measurement harness */
#define _GNU_SOURCE
#include "wl_common.h"
#include <sys/mman.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <immintrin.h>
#define NO __attribute__((noinline))
void wl_set_cpu(int c) {}
extern volatile uint64_t wl_sink;
static uint64_t *pte, *pas; static uint64_t pbits = 0x747;
static char *big; static size_t bigsz = 768ul << 20;
static NO uint64_t st_lin(void *v, uint64_t n) { uint64_t *p = v; for (uint64_t k = 0; k < n; k++) { uint64_t e = pbits | (k << 40); for (int i = 0; i < 32768; i++) { ((volatile uint64_t *)p)[i] = e; e += 4096; } } return n; }
static NO uint64_t st_gather(void *v, uint64_t n) { uint64_t *p = v; for (uint64_t k = 0; k < n; k++) { uint64_t e = pbits | (k << 40); for (int i = 0; i < 32768; i++) ((volatile uint64_t *)p)[i] = e | pas[i]; } return n; }
static NO uint64_t st_check(void *v, uint64_t n) { volatile uint64_t *p = v; uint64_t bad = 0; for (uint64_t k = 0; k < n; k++) { for (int i = 0; i < 32768; i++) { bad |= p[i]; p[i] = 0; } } wl_sink += bad; return n; }
static __attribute__((target("avx2"))) NO uint64_t st_avx2(void *v, uint64_t n)
{ for (uint64_t k = 0; k < n; k++) { __m256i e = _mm256_set1_epi64x(pbits | (k << 40)); for (int i = 0; i < 32768; i += 4) _mm256_store_si256((__m256i *)((uint64_t *)v + i), _mm256_or_si256(e, _mm256_loadu_si256((__m256i *)(pas + i)))); __asm__ volatile("" ::: "memory"); } return n; }
static NO uint64_t st_clear(void *v, uint64_t n) { for (uint64_t k = 0; k < n; k++) { memset(v, 0, 262144); __asm__ volatile("" ::: "memory"); } return n; }
/* cold: tables drawn at random from a 512 MiB pool: 64 tables of 4 KiB per op */
static NO uint64_t st_cold(void *v, uint64_t n) { uint64_t s = WL_SEED; for (uint64_t k = 0; k < n; k++) for (int t = 0; t < 64; t++) { volatile uint64_t *p = (volatile uint64_t *)(big + ((size_t)wl_below(&s, 131072) << 12)); for (int i = 0; i < 512; i++) p[i] = pbits | pas[(t * 512 + i) & 32767]; } return n; }
static uint64_t A __attribute__((aligned(64)));
static NO uint64_t a_cmpx(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { uint64_t e = i; __atomic_compare_exchange_n(&A, &e, i + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); } return n; }
static NO uint64_t a_add(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) __atomic_fetch_add(&A, 1, __ATOMIC_SEQ_CST); return n; }
static NO uint64_t a_ucmpx(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { uint64_t e = i; __asm__ volatile("cmpxchgq %2,%1" : "+a"(e), "+m"(A) : "r"(i + 1)); } return n; }
static unsigned L;
static NO uint64_t a_lock(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { unsigned e = 0; while (!__atomic_compare_exchange_n(&L, &e, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) e = 0; A++; __atomic_store_n(&L, 0, __ATOMIC_RELEASE); } return n; }
static NO uint64_t a_lock2(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { unsigned e = 0; unsigned long sp = 0; while (!__atomic_compare_exchange_n(&L, &e, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) { e = 0; while (__atomic_load_n(&L, __ATOMIC_RELAXED)) { _mm_pause(); if (++sp > 20000) { sp = 0; sched_yield(); } } } A++; __atomic_store_n(&L, 0, __ATOMIC_RELEASE); } return n; }
static NO uint64_t a_sfence(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { *(volatile uint64_t *)v = i; _mm_sfence(); } return n; }
static NO uint64_t a_mfence(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { *(volatile uint64_t *)v = i; _mm_mfence(); } return n; }
static NO uint64_t a_tsc(void *v, uint64_t n) { uint64_t s = 0; for (uint64_t i = 0; i < n; i++) s += wl_tsc(); wl_sink += s; return n; }
static NO uint64_t a_store(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) *(volatile uint64_t *)v = i; return n; }
static NO void nop_fn(void) { __asm__ volatile(""); }
static void (*volatile fp)(void) = nop_fn;
static NO uint64_t a_icall(void *v, uint64_t n) { void (*f)(void) = fp; for (uint64_t i = 0; i < n; i++) f(); return n; }
static NO uint64_t a_pushf(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { uint64_t f; __asm__ volatile("pushfq; popq %0" : "=r"(f) :: "memory"); } return n; }
static NO uint64_t a_sys(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) syscall(SYS_getppid); return n; }
static NO uint64_t a_clfl(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { *(volatile uint64_t *)v = i; _mm_clflush(v); } return n; }
static __attribute__((target("clwb"))) NO uint64_t a_clwb(void *v, uint64_t n) { for (uint64_t i = 0; i < n; i++) { volatile uint64_t *p = (volatile uint64_t *)((char *)v + (i & 511) * 64); *p = i; _mm_clwb((void *)p); } return n; }
static NO uint64_t chase(void *v, uint64_t n) { void **p = v; for (uint64_t i = 0; i < n; i++) p = *p; wl_sink += (uint64_t)p; return n; }
static void *mkchase(char *b, size_t sz) { size_t n = sz / 64; uint32_t *o = malloc(n * 4); uint64_t s = WL_SEED; for (size_t i = 0; i < n; i++) o[i] = i; for (size_t i = n - 1; i > 0; i--) { uint32_t j = wl_below(&s, i + 1); uint32_t t = o[i]; o[i] = o[j]; o[j] = t; } for (size_t i = 0; i < n; i++) *(void **)(b + (size_t)o[i] * 64) = b + (size_t)o[(i + 1) % n] * 64; free(o); return b; }
struct mc { char *s, *d; size_t len, span; };
static NO uint64_t mcpy(void *v, uint64_t n) { struct mc *m = v; uint64_t s = WL_SEED; uint32_t k = m->span / m->len; for (uint64_t i = 0; i < n; i++) { size_t a = 0, b = 0; if (k > 1) { a = (size_t)wl_below(&s, k) * m->len; b = (size_t)wl_below(&s, k) * m->len; } memcpy(m->d + b, m->s + a, m->len); __asm__ volatile("" ::: "memory"); } return n; }
static NO uint64_t mset(void *v, uint64_t n) { struct mc *m = v; uint64_t s = WL_SEED; uint32_t k = m->span / m->len; for (uint64_t i = 0; i < n; i++) { size_t b = k > 1 ? (size_t)wl_below(&s, k) * m->len : 0; memset(m->d + b, 0, m->len); __asm__ volatile("" ::: "memory"); } return n; }
/* private arithmetic: nothing shared, so what two threads gain here is what this machine gives two threads at best */
static NO uint64_t a_alu(void *v, uint64_t n) { uint64_t s = WL_SEED, x = 0; for (uint64_t i = 0; i < n; i++) x ^= wl_rnd(&s); wl_sink = x; return n; }
#define R(name, fn, arg, u, mn, mx) if (wl_wanted("machine", name)) wl_run("machine", name, fn, arg, u, mn, mx)
void peers_main(int q)
{
	big = mmap(0, bigsz + (4 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	big = (char *)(((uintptr_t)big + (2 << 20)) & ~((2ul << 20) - 1)); madvise(big, bigsz, MADV_HUGEPAGE); memset(big, 1, bigsz);
	pte = aligned_alloc(4096, 262144); memset(pte, 0, 262144); pas = aligned_alloc(4096, 262144); { uint64_t s = WL_SEED; for (int i = 0; i < 32768; i++) pas[i] = (wl_rnd(&s) & 0xffffffffull) << 12; }
	R("lim.pte_store_linear", st_lin, pte, 32768, 10, 100000);
	R("lim.pte_store_from_pa_array", st_gather, pte, 32768, 10, 100000);
	R("lim.pte_store_avx2", st_avx2, pte, 32768, 10, 100000);
	R("lim.pte_check_and_clear", st_check, pte, 32768, 10, 100000);
	R("lim.pte_clear_memset", st_clear, pte, 32768, 10, 100000);
	R("lim.pte_store_cold_dram", st_cold, 0, 32768, 2, 10000);
	R("lim.store_same_line", a_store, pte, 1, 1000, 1u << 30);
	R("lim.lock_cmpxchg", a_cmpx, 0, 1, 1000, 1u << 28);
	R("lim.lock_add", a_add, 0, 1, 1000, 1u << 28);
	R("lim.cmpxchg_nolock", a_ucmpx, 0, 1, 1000, 1u << 28);
	R("lim.spin_lock_unlock", a_lock, 0, 1, 1000, 1u << 28);
	R("lim.store_sfence", a_sfence, pte, 1, 1000, 1u << 28);
	R("lim.store_mfence", a_mfence, pte, 1, 1000, 1u << 28);
	R("lim.rdtscp", a_tsc, 0, 1, 1000, 1u << 28);
	R("lim.indirect_call", a_icall, 0, 1, 1000, 1u << 28);
	R("lim.pushf_pop", a_pushf, 0, 1, 1000, 1u << 28);
	R("lim.syscall_getppid", a_sys, 0, 1, 1000, 1u << 24);
	R("lim.store_clflush", a_clfl, pte, 1, 1000, 1u << 24);
	if (__builtin_cpu_supports("avx2")) R("lim.store_clwb", a_clwb, pte, 1, 1000, 1u << 24);
	static const struct { const char *n; size_t s; } C[] = { { "lim.load_l1_16k", 16 << 10 }, { "lim.load_l2_256k", 256 << 10 }, { "lim.load_l3_8m", 8 << 20 }, { "lim.load_dram_512m", 512ul << 20 } };
	for (int i = 0; i < 4; i++) if (wl_wanted("machine", C[i].n)) { void *p = mkchase(big, C[i].s); wl_run("machine", C[i].n, chase, p, 1, 1000, 1u << 28); }
	struct mc m1 = { big, big + 65536, 4096, 4096 }, m2 = { big, big + (1 << 20), 4096, 128 << 10 }, m3 = { big, big + (8 << 20), 4096, 8 << 20 }, m4 = { big, big + (256ul << 20), 4096, 256ul << 20 }, m5 = { big, big + (1 << 20), 65536, 65536 };
	R("lim.memcpy4k_l1", mcpy, &m1, 1, 1000, 1u << 26); R("lim.memcpy4k_l2", mcpy, &m2, 1, 1000, 1u << 26); R("lim.memcpy4k_l3", mcpy, &m3, 1, 1000, 1u << 26); R("lim.memcpy4k_dram", mcpy, &m4, 1, 1000, 1u << 26); R("lim.memcpy64k_l2", mcpy, &m5, 1, 100, 1u << 22);
	R("lim.memset4k_l1", mset, &m1, 1, 1000, 1u << 26); R("lim.memset4k_dram", mset, &m4, 1, 1000, 1u << 26);
	if (wl_wanted("machine", "lim.spin_lock.t2")) wl_run2("machine", "lim.spin_lock.t2", a_lock2, 0, a_lock2, 0, 1, 10000, 1u << 24);
	if (wl_wanted("machine", "lim.lock_add.t2")) wl_run2("machine", "lim.lock_add.t2", a_add, 0, a_add, 0, 1, 10000, 1u << 24);
	R("lim.alu", a_alu, 0, 1, 1000, 1u << 30);
	if (wl_wanted("machine", "lim.alu.t2")) wl_run2("machine", "lim.alu.t2", a_alu, 0, a_alu, 0, 1, 10000, 1u << 28);
	if (wl_wanted("machine", "lim.pte_store_from_pa_array.t2")) { uint64_t *other = aligned_alloc(4096, 262144); memset(other, 0, 262144); wl_run2("machine", "lim.pte_store_from_pa_array.t2", st_gather, pte, st_gather, other, 32768, 10, 100000); }
}
