/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference of the page-table contract: a flat array of pages, a shadow of what a walker that
 * does not snoop can see, and the TLB. Included by pgtable_contract.h, once per format.
 */
#include <stdlib.h>

#include "pgtable/walk.h"
#include "tests/contract/pgtable_naive.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define RAM_BYTES (UINT64_C(32) << 20)
#define RAM_BASE (UINT64_C(1) << 30)
#define LINE 64u
#define RW (DMA_PROT_READ | DMA_PROT_WRITE)
#define WINDOW_BYTES (CT_NR_PAGES * PT_GRANULE)

/* One page of the reference; @unit_lg2: size of the leaf entry or group it lies in, 0: none */
struct ref_page {
	uint64_t phys;
	uint32_t prot;
	uint32_t unit_lg2;
};

struct ct {
	struct host_platform host; /* first */
	struct pgtable pt;
	struct pgtable_info info;
	struct pgtable_cursor cursor;
	struct naive naive;
	uint8_t *shadow;
	int (*host_pages_alloc)(struct dma_platform *p, const struct dma_pages_req *req,
				phys_addr_t *phys);
	uint64_t random;
	uint64_t step;
	struct ref_page page[CT_NR_PAGES];
	uint64_t tlb[CT_NR_PAGES]; /* phys + 1 of a cached translation, 0: none */
};

static uint64_t ct_random(struct ct *t, uint64_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (t->random >> 11) % below;
}

static uint8_t read_ram(void *ctx, uint64_t phys)
{
	struct ct *t = ctx;

	return *(uint8_t *)host_platform_ram(&t->host, phys);
}

static uint8_t read_shadow(void *ctx, uint64_t phys)
{
	struct ct *t = ctx;

	assert_true(phys >= RAM_BASE && phys < RAM_BASE + RAM_BYTES);
	return t->shadow[phys - RAM_BASE];
}

static void shadow_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct ct *t = (struct ct *)p;

	assert_u64_equal((phys | len) & (LINE - 1), 0); /* whole lines */
	memcpy(t->shadow + (phys - RAM_BASE), host_platform_ram(&t->host, phys), (size_t)len);
}

static int shadow_pages_alloc(struct dma_platform *p, const struct dma_pages_req *req,
			      phys_addr_t *phys)
{
	struct ct *t = (struct ct *)p;
	int err = t->host_pages_alloc(p, req, phys);

	if (err == 0)
		memset(t->shadow + (*phys - RAM_BASE),
		       (req->flags & DMA_PAGES_ZERO) != 0 ? 0 : 0xa5, (size_t)req->len);
	return err;
}

/* A cache may write back any dirty line at any time; most tables lie low in RAM. */
static void evict_some(struct ct *t)
{
	for (uint32_t i = 0; i < 64; i++)
		shadow_clean(&t->host.p, RAM_BASE + ct_random(t, RAM_BYTES / 32 / LINE) * LINE,
			     LINE);
}

static struct ct *ct_new(uint64_t seed, bool coherent, uint32_t features)
{
	const struct host_options opt = {
		.ram_bytes = RAM_BYTES,
		.ram_base = RAM_BASE,
		.cache_line = coherent ? 1 : LINE,
	};
	struct pgtable_cfg cfg = {
		.ias_bits = CT_IAS,
		.oas_bits = CT_OAS,
		.features = features,
		.coherent_walk = coherent,
		.max_clean = 4,
	};
	struct ct *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->shadow = malloc(RAM_BYTES);
	assert_non_null(t->shadow);
	memset(t->shadow, 0xa5, RAM_BYTES);
	t->random = seed;
	cfg.platform = host_platform_init(&t->host, &opt);
	if (!coherent) {
		t->host_pages_alloc = cfg.platform->pages_alloc;
		cfg.platform->pages_alloc = shadow_pages_alloc;
		cfg.platform->cache_clean = shadow_clean;
	}
	assert_ok(pgtable_init(&t->pt, &CT_OPS, &cfg));
	pgtable_info(&t->pt, &t->info);
	t->cursor = PGTABLE_CURSOR_EMPTY;
	t->naive = (struct naive){
		.read = coherent ? read_ram : read_shadow,
		.ctx = t,
		.root = t->info.pt.root,
		.granule_lg2 = t->info.pt.granule_lg2,
		.ias_bits = CT_IAS,
	};
	return t;
}

static void ct_free(struct ct *t)
{
	pgtable_fini(&t->pt);
	host_platform_fini(&t->host);
	free(t->shadow);
	free(t);
}

static struct ref_page *ref_at(struct ct *t, uint64_t iova)
{
	assert_true(iova >= CT_BASE && iova < CT_BASE + WINDOW_BYTES);
	return &t->page[(iova - CT_BASE) / PT_GRANULE];
}

/* The largest page size whose aligned unit around @iova lies in the run, in phase with phys */
static uint32_t ref_unit(const struct ct *t, const struct run *run, uint64_t iova)
{
	for (uint64_t sizes = t->info.pgsize_bitmap; sizes != PT_GRANULE;) {
		uint32_t lg2 = bits_log2_floor(sizes);
		uint64_t size = UINT64_C(1) << lg2;
		uint64_t start = iova / size * size;

		sizes ^= size;
		if (start >= run->iova && start + size <= run->iova + run->len &&
		    (run->iova ^ run->phys) % size == 0)
			return lg2;
	}
	return PT_GRANULE_LG2;
}

static bool ref_any(struct ct *t, uint64_t iova, uint64_t len)
{
	for (uint64_t at = iova; at < iova + len; at += PT_GRANULE) {
		if (ref_at(t, at)->unit_lg2 != 0)
			return true;
	}
	return false;
}

static bool ref_all(struct ct *t, uint64_t iova, uint64_t len)
{
	for (uint64_t at = iova; at < iova + len; at += PT_GRANULE) {
		if (ref_at(t, at)->unit_lg2 == 0)
			return false;
	}
	return true;
}

/* Does a cut at @iova go through a unit? */
static bool ref_cuts(struct ct *t, uint64_t iova, const struct ref_page *page)
{
	(void)t;
	return page->unit_lg2 != 0 && iova % (UINT64_C(1) << page->unit_lg2) != 0;
}

/* What the format can express of a protection: no write-only, MMIO is never executed nor cached */
static uint32_t ref_prot(uint32_t prot)
{
	prot |= DMA_PROT_READ;
	if ((prot & DMA_PROT_MMIO) != 0)
		prot = (prot | DMA_PROT_NOEXEC) & ~DMA_PROT_CACHE;
	return prot;
}

/* One page, as the hardware and as the library see it, and as the TLB remembers it */
static void check_page(struct ct *t, uint64_t iova)
{
	const struct ref_page *ref = ref_at(t, iova);
	uint64_t offset = ct_random(t, PT_GRANULE);
	struct naive_leaf leaf;
	phys_addr_t phys = 0;
	bool there = CT_NAIVE(&t->naive, iova + offset, &leaf);
	uint64_t *tlb = &t->tlb[ref - t->page];

	if (there != (ref->unit_lg2 != 0))
		fail_msg("step %llu: %llx is %s", (unsigned long long)t->step,
			 (unsigned long long)iova, there ? "mapped" : "not mapped");
	assert_int_equal(pgtable_iova_to_phys(&t->pt, iova + offset, &phys), there ? 0 : -ENOENT);
	assert_true(pt_iova_to_phys(&t->pt, iova + offset, &phys) == there);
	if (*tlb != 0 && (!there || *tlb - 1 != ref->phys))
		fail_msg("step %llu: stale translation of %llx", (unsigned long long)t->step,
			 (unsigned long long)iova);
	if (!there)
		return;
	assert_u64_equal(leaf.phys, ref->phys + offset);
	assert_u64_equal(phys, ref->phys + offset);
	assert_u64_equal(leaf.prot, ref_prot(ref->prot));
	assert_u64_equal(leaf.size, UINT64_C(1) << ref->unit_lg2);
	*tlb = ref->phys + 1;
}

static void check_range(struct ct *t, uint64_t iova, uint64_t len)
{
	uint64_t start = bits_max(CT_BASE, iova - PT_GRANULE);
	uint64_t end = bits_min(CT_BASE + WINDOW_BYTES, iova + len + PT_GRANULE);

	for (uint64_t at = start; at < end; at += PT_GRANULE)
		check_page(t, at);
}

/* The ends of a long range, and a sample of its inside */
static void check_some(struct ct *t, uint64_t iova, uint64_t len)
{
	const uint64_t edge = 8 * PT_GRANULE;

	if (len <= 64 * PT_GRANULE) {
		check_range(t, iova, len);
		return;
	}
	check_range(t, iova, edge);
	check_range(t, iova + len - edge, edge);
	for (uint32_t i = 0; i < 64; i++)
		check_page(t, iova + ct_random(t, len / PT_GRANULE) * PT_GRANULE);
}

/* The run that starts at the first mapped page from @iova on, by the reference */
static bool ref_next_run(struct ct *t, uint64_t iova, struct run *run)
{
	const struct ref_page *page;

	for (; iova < CT_BASE + WINDOW_BYTES; iova += PT_GRANULE) {
		if (ref_at(t, iova)->unit_lg2 != 0)
			break;
	}
	if (iova >= CT_BASE + WINDOW_BYTES)
		return false;
	page = ref_at(t, iova);
	*run = (struct run){ iova, page->phys, PT_GRANULE, ref_prot(page->prot) };
	while (run->iova + run->len < CT_BASE + WINDOW_BYTES) {
		page = ref_at(t, run->iova + run->len);
		if (page->unit_lg2 == 0 || page->phys != run->phys + run->len ||
		    ref_prot(page->prot) != run->prot)
			break;
		run->len += PT_GRANULE;
	}
	return true;
}

static void check_runs(struct ct *t)
{
	uint64_t at = CT_BASE;
	struct run expect;
	struct run run;

	while (ref_next_run(t, at, &expect)) {
		assert_ok(pgtable_next_run(&t->pt, at, CT_BASE + WINDOW_BYTES - 1, &run));
		assert_u64_equal(run.iova, expect.iova);
		assert_u64_equal(run.len, expect.len);
		assert_u64_equal(run.phys, expect.phys);
		assert_u64_equal(run.prot, expect.prot);
		at = run.iova + run.len;
	}
	assert_int_equal(pgtable_next_run(&t->pt, at, UINT64_MAX, &run), -ENOENT);
}

static void check_all(struct ct *t)
{
	check_range(t, CT_BASE, WINDOW_BYTES);
	check_runs(t);
}

static void tlb_drop(struct ct *t, const struct gather *gather)
{
	uint64_t last = bits_min(gather->last, CT_BASE + WINDOW_BYTES - 1);

	for (uint64_t at = bits_max(gather->start, CT_BASE); at <= last; at += PT_GRANULE)
		t->tlb[(at - CT_BASE) / PT_GRANULE] = 0;
}
