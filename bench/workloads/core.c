/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "wl_common.h"
#include <time.h>
#include <sched.h>
#include <pthread.h>
#include <unistd.h>
#include <fnmatch.h>
#include <sys/syscall.h>
#include <sys/ioctl.h>
#include <linux/perf_event.h>

volatile uint64_t wl_sink;
double wl_warm_cap = 3.0;
static int reps = 9; static double target = 0.05; static FILE *csv; static const char *only; static uint64_t fixed_n; static int noperf; static double tsc_per_ns;
static int cpus[2] = { 0, 1 };
static const char *tag = "";

double wl_now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static double cpu_now(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static void pin(int i) { cpu_set_t s; CPU_ZERO(&s); CPU_SET(cpus[i], &s); if (getenv("WL_NOPIN")) { wl_set_cpu(i); return; } pthread_setaffinity_np(pthread_self(), sizeof(s), &s); wl_set_cpu(i); }

struct pm { int fd[4]; int ok; };
static const uint64_t evc[4] = { PERF_COUNT_HW_INSTRUCTIONS, PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_BRANCH_MISSES, PERF_COUNT_HW_CACHE_MISSES };
static void pm_open(struct pm *p)
{
	p->ok = 0; if (noperf) return;
	for (int i = 0; i < 4; i++) {
		struct perf_event_attr a; memset(&a, 0, sizeof(a)); a.size = sizeof(a); a.type = PERF_TYPE_HARDWARE; a.config = evc[i];
		a.exclude_kernel = 1; a.exclude_hv = 1; a.read_format = PERF_FORMAT_GROUP;
		p->fd[i] = syscall(SYS_perf_event_open, &a, 0, -1, i ? p->fd[0] : -1, 0);
		if (p->fd[i] < 0) { noperf = 1; return; }
	}
	p->ok = 1;
}
static void pm_read(struct pm *p, uint64_t *v) { uint64_t b[5] = { 0 }; if (p->ok && read(p->fd[0], b, sizeof(b)) != sizeof(b)) p->ok = 0; for (int i = 0; i < 4; i++) v[i] = b[i + 1]; }
static void pm_close(struct pm *p) { if (p->ok) for (int i = 0; i < 4; i++) close(p->fd[i]); }

int wl_wanted(const char *peer, const char *wl)
{
	char b[256]; if (!only) return 1;
	snprintf(b, sizeof(b), "%s/%s", peer, wl);
	char *s = strdup(only), *sv, *q; int r = 0;
	for (q = strtok_r(s, ",", &sv); q; q = strtok_r(NULL, ",", &sv)) if (!fnmatch(q, b, 0)) r = 1;
	free(s); return r;
}
static int cmpd(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return x < y ? -1 : x > y; }
static void emit(const char *peer, const char *wl, int thr, const char *metric, double *v, int n, uint64_t ops)
{
	qsort(v, n, sizeof(*v), cmpd);
	double med = n & 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	if (csv) { fprintf(csv, "%s%s,%s,%d,%s,%.6g,%.6g,%.6g,%d,%llu\n", peer, tag, wl, thr, metric, med, v[0], v[n - 1], n, (unsigned long long)ops); fflush(csv); }
}
void wl_value(const char *peer, const char *wl, const char *metric, double v)
{
	if (csv) { fprintf(csv, "%s%s,%s,1,%s,%.9g,%.9g,%.9g,1,1\n", peer, tag, wl, metric, v, v, v); fflush(csv); }
	printf("%-22s %-24s %-30s %.6g\n", peer, wl, metric, v); fflush(stdout);
}
static const char *mname[6] = { "wall_ns", "cpu_ns", "instr", "cycles", "br_miss", "cache_miss" };
static uint64_t calib(wl_body b, void *st, uint64_t nmin, uint64_t nmax)
{
	if (fixed_n) return fixed_n;
	uint64_t n = nmin; double t;
	for (;;) { double t0 = cpu_now(); b(st, n); t = cpu_now() - t0; if (t >= target / 4 || n >= nmax) break; n *= t < target / 40 ? 8 : 2; }
	double f = target / (t > 1e-9 ? t : 1e-9); uint64_t m = n * (f < 1 ? 1 : f);
	if (m > nmax) m = nmax; if (m < nmin) m = nmin;
	if (nmin >= 4096) m -= m % nmin;
	return m;
}
void wl_run(const char *peer, const char *wl, wl_body b, void *st, double u, uint64_t nmin, uint64_t nmax)
{
	struct pm p; double r[6][64];
	pin(1);
	pm_open(&p);
	uint64_t n = calib(b, st, nmin, nmax);
	for (int i = 0; i < reps; i++) {
		uint64_t a[4], z[4]; double w0, w1, c0, c1;
		pm_read(&p, a); w0 = wl_now(); c0 = cpu_now();
		b(st, n);
		c1 = cpu_now(); w1 = wl_now(); pm_read(&p, z);
		double d = n * u;
		r[0][i] = (w1 - w0) * 1e9 / d; r[1][i] = (c1 - c0) * 1e9 / d;
		for (int k = 0; k < 4; k++) r[2 + k][i] = (z[k] - a[k]) / d;
	}
	for (int k = 0; k < (p.ok ? 6 : 2); k++) emit(peer, wl, 1, mname[k], r[k], reps, n);
	printf("%-22s %-24s t1 %10.2f ns (min %.2f, wall %.2f) %8.1f instr %8.1f cyc  n=%llu\n", peer, wl, r[1][reps / 2], r[1][0], r[0][reps / 2], p.ok ? r[2][reps / 2] : 0, p.ok ? r[3][reps / 2] : 0, (unsigned long long)n); fflush(stdout);
	pm_close(&p);
}
struct thr { wl_body b; void *st; uint64_t n; int id; double wall, cpu; uint64_t ev[4]; pthread_barrier_t *bar; double t0, t1; };
static void *thr_main(void *v)
{
	struct thr *t = v; struct pm p; uint64_t a[4], z[4];
	pin(t->id); pm_open(&p);
	pthread_barrier_wait(t->bar);
	pm_read(&p, a); t->t0 = wl_now(); double c0 = cpu_now();
	t->b(t->st, t->n);
	t->cpu = cpu_now() - c0; t->t1 = wl_now(); pm_read(&p, z);
	for (int k = 0; k < 4; k++) t->ev[k] = z[k] - a[k];
	t->wall = t->t1 - t->t0;
	pm_close(&p);
	return 0;
}
/* reported ns/op: wall time of the whole two-thread section / n, i.e. latency per op per thread; aggregate throughput = 2/that */
void wl_run2(const char *peer, const char *wl, wl_body b0, void *st0, wl_body b1, void *st1, double u, uint64_t nmin, uint64_t nmax)
{
	double r[6][64]; uint64_t n = nmin;
	for (int i = -64; i < reps; i++) {
		struct thr t[2] = { { b0, st0, n, 0 }, { b1, st1, n, 1 } }; pthread_barrier_t bar; pthread_t th[2];
		pthread_barrier_init(&bar, 0, 2); t[0].bar = t[1].bar = &bar;
		for (int k = 0; k < 2; k++) pthread_create(&th[k], 0, thr_main, &t[k]);
		for (int k = 0; k < 2; k++) pthread_join(th[k], 0);
		double w = (t[0].t1 > t[1].t1 ? t[0].t1 : t[1].t1) - (t[0].t0 < t[1].t0 ? t[0].t0 : t[1].t0);
		if (i < 0) { if (fixed_n) n = fixed_n; if (w >= target / 2 || n >= nmax || fixed_n) { if (!fixed_n) { double f = target / w; uint64_t m = n * (f < 1 ? 1 : f); n = m > nmax ? nmax : m; } i = -1; } else n *= 2; continue; }
		double d = n * u;
		r[0][i] = w * 1e9 / d; r[1][i] = (t[0].cpu + t[1].cpu) / 2 * 1e9 / d;
		for (int k = 0; k < 4; k++) r[2 + k][i] = (t[0].ev[k] + t[1].ev[k]) / 2.0 / d;
	}
	for (int k = 0; k < (noperf ? 2 : 6); k++) emit(peer, wl, 2, mname[k], r[k], reps, n);
	printf("%-22s %-24s t2 %10.2f ns (min %.2f, cpu %.2f) %8.1f instr %8.1f cyc  n=%llu\n", peer, wl, r[0][reps / 2], r[0][0], r[1][reps / 2], noperf ? 0 : r[2][reps / 2], noperf ? 0 : r[3][reps / 2], (unsigned long long)n); fflush(stdout);
}
static int cmpu(const void *a, const void *b) { uint32_t x = *(uint32_t *)a, y = *(uint32_t *)b; return x < y ? -1 : x > y; }
void wl_lat(const char *peer, const char *wl, const char *la, const char *lb, wl_setup s, void *arg, wl_lbody b, wl_teardown td, uint64_t n, int passes)
{
	uint32_t *lat = malloc(2 * n * 4), *best = malloc(2 * n * 4);
	pin(1);
	memset(best, 0xff, 2 * n * 4); memset(lat, 0, 2 * n * 4);
	for (int p = 0; p < passes; p++) {
		void *st = s(arg); b(st, n, lat); td(st);
		for (uint64_t i = 0; i < 2 * n; i++) if (lat[i] < best[i]) best[i] = lat[i];
	}
	for (int k = 0; k < 2; k++) {
		uint32_t *v = malloc(n * 4); for (uint64_t i = 0; i < n; i++) v[i] = best[2 * i + k];
		qsort(v, n, 4, cmpu);
		double q[5] = { v[n / 2], v[n * 99 / 100], v[n * 999 / 1000], v[n - 1], 0 }; uint64_t sum = 0; for (uint64_t i = 0; i < n; i++) sum += v[i]; q[4] = (double)sum / n;
		static const char *qn[5] = { "p50", "p99", "p999", "max", "mean" }; char m[64];
		for (int j = 0; j < 5; j++) { snprintf(m, sizeof(m), "%s_%s_ns", k ? lb : la, qn[j]); double x = q[j] / tsc_per_ns; emit(peer, wl, 1, m, &x, 1, n); q[j] = x; }
		printf("%-22s %-24s %-5s p50 %.0f p99 %.0f p99.9 %.0f max %.0f mean %.0f ns (n=%llu, per-op min of %d passes)\n", peer, wl, k ? lb : la, q[0], q[1], q[2], q[3], q[4], (unsigned long long)n, passes); fflush(stdout);
		free(v);
	}
	free(lat); free(best);
}
void peers_main(int quick);
int main(int argc, char **argv)
{
	int quick = 0;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--csv")) { const char *f = argv[++i]; csv = fopen(f, "a"); }
		else if (!strcmp(argv[i], "--only")) only = argv[++i];
		else if (!strcmp(argv[i], "--reps")) reps = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--n")) fixed_n = strtoull(argv[++i], 0, 0);
		else if (!strcmp(argv[i], "--ms")) target = atof(argv[++i]) / 1000;
		else if (!strcmp(argv[i], "--tag")) tag = argv[++i];
		else if (!strcmp(argv[i], "--noperf")) noperf = 1;
		else if (!strcmp(argv[i], "--quick")) quick = 1;
		else { fprintf(stderr, "usage: %s [--csv f] [--only glob,glob] [--reps n] [--n ops] [--ms per-repeat] [--tag s] [--noperf]\n", argv[0]); return 1; }
	}
	if (reps > 63) reps = 63;
	{ double t0 = wl_now(); uint64_t a = wl_tsc(); while (wl_now() - t0 < 0.05) ; uint64_t z = wl_tsc(); tsc_per_ns = (z - a) / ((wl_now() - t0) * 1e9); }
	pin(1);
	peers_main(quick);
	return 0;
}
