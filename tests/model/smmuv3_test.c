/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 driver against the model of the SMMUv3 (sim/smmuv3.h), two readings of IHI0070 that
 * know nothing of each other, with real page tables between them. Memory is the host platform's;
 * where the SMMU does not snoop it has a view of its own, fed by cleans only.
 *
 * The random part works on two domains and three requesters, seeded, and compares every
 * translation with a flat array. A clean run leaves no finding in the model.
 */
#include <stdlib.h>

#include "core/slot.h"
#include "pgtable/pgtable.h"
#include "sim/smmuv3.h"
#include "tests/support/check.h"
#include "tests/support/host_platform.h"

#define MMIO UINT64_C(0x09050000)
#define SID 0x0810u
#define IOVA UINT64_C(0x7f0000000)
#define DATA UINT64_C(0x80000000)

struct machine {
	struct host_platform host; /* first */
	struct sim_smmuv3 *sim;
	struct dma_iommu_hw hw;
	uint8_t *device_view; /* NULL: coherent */
	uint64_t now_ns;
};

static struct machine m;
static struct sim_smmuv3_cfg cfg;

/* Commands that a test made illegal are findings, too. */
static bool illegal_wanted;

static uint8_t *view(uint64_t phys, size_t len)
{
	uint64_t off = phys - m.host.opt.ram_base;

	if (phys < m.host.opt.ram_base || off > m.host.opt.ram_bytes - len)
		return NULL;
	return (m.device_view != NULL ? m.device_view : m.host.ram) + off;
}

static int sim_read(void *ctx, uint64_t phys, void *buf, size_t len)
{
	const uint8_t *at = view(phys, len);

	(void)ctx;
	if (at == NULL)
		return -1;
	memcpy(buf, at, len);
	return 0;
}

static int sim_write(void *ctx, uint64_t phys, const void *buf, size_t len)
{
	uint8_t *at = view(phys, len);

	(void)ctx;
	if (at == NULL)
		return -1;
	memcpy(at, buf, len);
	return 0;
}

static void cache_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	(void)p;
	if (m.device_view != NULL)
		memcpy(view(phys, (size_t)len), host_platform_ram(&m.host, phys), (size_t)len);
}

static void cache_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	(void)p;
	if (m.device_view != NULL)
		memcpy(host_platform_ram(&m.host, phys), view(phys, (size_t)len), (size_t)len);
}

static int (*host_pages_alloc)(struct dma_platform *p, const struct dma_pages_req *req,
			       phys_addr_t *phys);

static int pages_alloc(struct dma_platform *p, const struct dma_pages_req *req, phys_addr_t *phys)
{
	int err = host_pages_alloc(p, req, phys);

	if (err == 0 && m.device_view != NULL)
		memset(view(*phys, (size_t)req->len), (req->flags & DMA_PAGES_ZERO) != 0 ? 0 : 0xa5,
		       (size_t)req->len);
	return err;
}

static uint64_t mmio_read(struct dma_platform *p, uint64_t addr, uint32_t width)
{
	(void)p;
	return sim_smmuv3_mmio_read(m.sim, addr - MMIO, width);
}

static void mmio_write(struct dma_platform *p, uint64_t addr, uint32_t width, uint64_t value)
{
	(void)p;
	sim_smmuv3_mmio_write(m.sim, addr - MMIO, width, value);
}

static uint64_t now_ns(struct dma_platform *p)
{
	(void)p;
	return m.now_ns;
}

static void relax(struct dma_platform *p)
{
	(void)p;
	sim_smmuv3_step(m.sim);
	m.now_ns += 1000000;
}

/* The machine of cfg, its SMMU probed. */
static void start(void)
{
	const struct sim_smmuv3_host host = { NULL, sim_read, sim_write, NULL };
	struct dma_platform *p;

	memset(&m, 0, sizeof(m));
	illegal_wanted = false;
	p = host_platform_init(&m.host, NULL);
	if (!cfg.coherent) {
		m.device_view = calloc(1, (size_t)m.host.opt.ram_bytes);
		assert_non_null(m.device_view);
		p->cache_line = 64;
	}
	host_pages_alloc = p->pages_alloc;
	p->pages_alloc = pages_alloc;
	p->cache_clean = cache_clean;
	p->cache_inv = cache_inv;
	p->mmio_read = mmio_read;
	p->mmio_write = mmio_write;
	p->now_ns = now_ns;
	p->relax = relax;
	m.sim = sim_smmuv3_new(&cfg, &host);
	assert_non_null(m.sim);
	m.hw.platform = p;
	m.hw.desc.mmio_base = MMIO;
	assert_ok(dma_smmuv3_driver.probe(&m.hw));
}

static void expect_no_findings(void)
{
	const struct sim_smmuv3_stats *st = sim_smmuv3_stats(m.sim);

	for (uint32_t i = 0; i < SIM_SMMUV3_NR_FINDINGS; i++) {
		if (st->findings[i] != 0 &&
		    !(illegal_wanted && i == SIM_SMMUV3_FIND_ILLEGAL_COMMAND))
			fail_msg("%" PRIu64 " x %s, the first at 0x%" PRIx64, st->findings[i],
				 sim_smmuv3_finding_text((enum sim_smmuv3_finding)i),
				 st->finding_arg[i]);
	}
}

static void stop(void)
{
	dma_smmuv3_driver.remove(&m.hw);
	expect_no_findings();
	sim_smmuv3_free(m.sim);
	free(m.device_view);
	host_platform_fini(&m.host);
}

/* A domain with a page table of its own. */
struct domain {
	struct dma_iommu_dom dom;
	struct pgtable pt;
};

static void domain_new(struct domain *d, const struct pgtable_ops *ops)
{
	const struct pgtable_cfg pt_cfg = {
		.platform = m.hw.platform,
		.ias_bits = m.hw.caps.ias_bits,
		.oas_bits = m.hw.caps.oas_bits,
		.coherent_walk = m.hw.caps.coherent_walk,
	};
	struct pgtable_info info;

	memset(d, 0, sizeof(*d));
	assert_ok(pgtable_init(&d->pt, ops, &pt_cfg));
	pgtable_info(&d->pt, &info);
	d->dom.type = DMA_DOMAIN_DMA;
	d->dom.pt = info.pt;
	assert_ok(dma_smmuv3_driver.domain_init(&m.hw, &d->dom));
}

static void domain_free(struct domain *d)
{
	dma_smmuv3_driver.domain_fini(&m.hw, &d->dom);
	pgtable_fini(&d->pt);
}

static void map(struct domain *d, uint64_t iova, uint64_t phys, uint64_t len, uint32_t prot)
{
	const struct run run = { iova, phys, len, prot };
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;

	assert_ok(pgtable_reserve(&d->pt, &run, PGTABLE_CHECK, &rsv));
	if (!gather_is_empty(&rsv.gather))
		assert_ok(dma_smmuv3_driver.tlb_sync(&m.hw, &d->dom, &rsv.gather));
	pgtable_map(&d->pt, &run, &rsv);
	pgtable_release(&d->pt, &rsv);
}

static struct gather unmap(struct domain *d, uint64_t iova, uint64_t len)
{
	struct gather g = GATHER_EMPTY;

	assert_ok(pgtable_unmap(&d->pt, iova, len, &g));
	return g;
}

static void sync_gather(struct domain *d, const struct gather *g)
{
	assert_ok(dma_smmuv3_driver.tlb_sync(&m.hw, &d->dom, g));
}

static void attach(struct dma_iommu_dom *dom, uint32_t sid)
{
	assert_ok(dma_smmuv3_driver.attach(&m.hw, dom, sid));
}

static void block(uint32_t sid)
{
	struct dma_iommu_dom blocked = { .type = DMA_DOMAIN_BLOCKED };

	attach(&blocked, sid);
}

/* phys behind @iova for @sid; UINT64_MAX when aborted */
static uint64_t translate(uint32_t sid, uint64_t iova, bool write)
{
	const struct sim_smmuv3_txn txn = { .sid = sid, .iova = iova, .write = write };
	uint64_t phys = UINT64_MAX, len;

	if (sim_smmuv3_translate(m.sim, &txn, &phys, &len) == SIM_SMMUV3_ABORT)
		return UINT64_MAX;
	return phys;
}

static void expect_fault(uint32_t sid, uint64_t iova, bool write, enum dma_fault_reason reason)
{
	struct dma_fault fault;

	assert_int_equal(dma_smmuv3_driver.next_fault(&m.hw, &fault), 1);
	assert_u64_equal(fault.requester, sid);
	assert_u64_equal(fault.iova, iova);
	assert_int_equal(fault.write, write);
	assert_int_equal(fault.reason, reason);
}

static void expect_no_fault(void)
{
	struct dma_fault fault;

	assert_int_equal(dma_smmuv3_driver.next_fault(&m.hw, &fault), 0);
}

static const struct pgtable_ops *const formats[] = {
	&pgtable_vmsav8_4k_ops,
	&pgtable_vmsav8_16k_ops,
	&pgtable_vmsav8_64k_ops,
};

/* Map, use, unmap; stale until the sync, gone after it; with the record to prove it. */
static void check_life_of_a_mapping(const struct pgtable_ops *ops)
{
	uint64_t page = (uint64_t)1 << ops->granule_lg2;
	struct domain d;
	struct gather g;

	domain_new(&d, ops);
	attach(&d.dom, SID);
	map(&d, IOVA, DATA, 4 * page, DMA_PROT_READ);
	map(&d, IOVA + 4 * page, DATA, page, DMA_PROT_READ | DMA_PROT_WRITE);
	assert_u64_equal(translate(SID, IOVA + page + 5, false), DATA + page + 5);
	assert_u64_equal(translate(SID, IOVA + 4 * page, true), DATA);
	assert_u64_equal(translate(SID, IOVA + 5, true), UINT64_MAX);
	expect_fault(SID, IOVA + 5, true, DMA_FAULT_PERMISSION);
	assert_u64_equal(translate(SID, IOVA + 5 * page, false), UINT64_MAX);
	expect_fault(SID, IOVA + 5 * page, false, DMA_FAULT_TRANSLATION);
	expect_no_fault();
	g = unmap(&d, IOVA, 4 * page);
	assert_u64_equal(translate(SID, IOVA + page, false), DATA + page); /* stale: never_evict */
	sync_gather(&d, &g);
	for (uint64_t i = 0; i < 4; i++) {
		assert_u64_equal(translate(SID, IOVA + i * page, false), UINT64_MAX);
		expect_fault(SID, IOVA + i * page, false, DMA_FAULT_TRANSLATION);
	}
	assert_u64_equal(translate(SID, IOVA + 4 * page, true), DATA);
	g = unmap(&d, IOVA + 4 * page, page);
	sync_gather(&d, &g);
	block(SID);
	domain_free(&d);
}

TEST(a_mapping_lives_and_dies_on_every_granule_and_hardware)
{
	for (uint32_t i = 0; i < 64; i++) {
		sim_smmuv3_cfg_default(&cfg);
		cfg.two_level_strtab = (i & 1) != 0;
		cfg.ril = (i & 2) != 0;
		cfg.coherent = (i & 4) != 0;
		cfg.lazy_completion = (i & 8) != 0 ? 5 : 0;
		cfg.lazy_ack = (i & 8) != 0 ? 3 : 0;
		cfg.cache_invalid_config = (i & 16) != 0;
		cfg.attr_ovr = (i & 16) != 0;
		cfg.asid16 = (i & 32) != 0;
		cfg.sid_bits = (i & 32) != 0 ? 16 : 12;
		start();
		for (uint32_t k = 0; k < 3; k++)
			check_life_of_a_mapping(formats[k]);
		stop();
	}
}

TEST(requesters_start_blocked_and_unknown_ones_are_named)
{
	struct dma_iommu_dom identity = { .type = DMA_DOMAIN_IDENTITY };

	sim_smmuv3_cfg_default(&cfg);
	cfg.cache_invalid_config = true;
	start();
	assert_u64_equal(translate(SID, 0x1000, false), UINT64_MAX);
	expect_fault(SID, 0, false, DMA_FAULT_CONFIG); /* no second-level table */
	attach(&identity, SID);
	assert_u64_equal(translate(SID, 0x123456, true), 0x123456);
	assert_u64_equal(translate(SID + 1, 0x1000, false), UINT64_MAX);
	expect_no_fault(); /* a blocked requester is aborted in silence, IHI0070 5.2 Config */
	assert_u64_equal(translate(0x10000, 0x1000, false), UINT64_MAX);
	expect_fault(0x10000, 0, false, DMA_FAULT_CONFIG);
	block(SID);
	assert_u64_equal(translate(SID, 0x123456, true), UINT64_MAX);
	stop();
}

TEST(a_requester_moves_between_domains_without_a_gap)
{
	struct domain a, b;

	sim_smmuv3_cfg_default(&cfg);
	cfg.cache_invalid_config = true;
	start();
	domain_new(&a, &pgtable_vmsav8_4k_ops);
	domain_new(&b, &pgtable_vmsav8_4k_ops);
	map(&a, IOVA, DATA, 0x1000, DMA_PROT_READ);
	map(&b, IOVA, DATA + 0x1000, 0x1000, DMA_PROT_READ);
	for (uint32_t i = 0; i < 10; i++) {
		attach(&a.dom, SID);
		assert_u64_equal(translate(SID, IOVA, false), DATA);
		attach(&b.dom, SID);
		assert_u64_equal(translate(SID, IOVA, false), DATA + 0x1000);
	}
	block(SID);
	domain_free(&a);
	domain_free(&b);
	stop();
}

TEST(a_command_error_is_recovered_from_and_the_page_is_gone)
{
	struct domain d;
	struct gather g;
	struct dma_iommu_counts counts;

	for (uint32_t lazy = 0; lazy < 2; lazy++) {
		sim_smmuv3_cfg_default(&cfg);
		cfg.lazy_completion = lazy * 4;
		start();
		domain_new(&d, &pgtable_vmsav8_4k_ops);
		attach(&d.dom, SID);
		map(&d, IOVA, DATA, 0x1000, DMA_PROT_READ);
		assert_u64_equal(translate(SID, IOVA, false), DATA);
		sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_CMD_ILL, 1);
		g = unmap(&d, IOVA, 0x1000);
		sync_gather(&d, &g);
		assert_u64_equal(translate(SID, IOVA, false), UINT64_MAX);
		dma_smmuv3_driver.counts(&m.hw, &counts);
		assert_u64_equal(counts.command_errors, 1);
		sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_CMD_ABT, 1);
		assert_int_equal(dma_smmuv3_driver.tlb_sync(&m.hw, &d.dom, &g), -EIO);
		sync_gather(&d, &g);
		block(SID);
		domain_free(&d);
		dma_smmuv3_driver.remove(&m.hw);
		/* The injected errors are the only findings. */
		assert_u64_equal(
			sim_smmuv3_findings(m.sim),
			sim_smmuv3_stats(m.sim)->findings[SIM_SMMUV3_FIND_ILLEGAL_COMMAND]);
		sim_smmuv3_free(m.sim);
		host_platform_fini(&m.host);
	}
}

TEST(a_stuck_queue_is_an_error_and_not_for_ever)
{
	struct domain d;
	struct gather g;

	sim_smmuv3_cfg_default(&cfg);
	cfg.lazy_completion = 3;
	start();
	domain_new(&d, &pgtable_vmsav8_4k_ops);
	attach(&d.dom, SID);
	map(&d, IOVA, DATA, 0x1000, DMA_PROT_READ);
	g = unmap(&d, IOVA, 0x1000);
	sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_STUCK, UINT64_MAX);
	assert_int_equal(dma_smmuv3_driver.tlb_sync(&m.hw, &d.dom, &g), -ETIMEDOUT);
	sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_STUCK, 0);
	sync_gather(&d, &g);
	sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_SYNC_STUCK, 200);
	sync_gather(&d, &g); /* late, but in time */
	block(SID);
	domain_free(&d);
	stop();
}

TEST(an_event_queue_overflow_is_counted)
{
	struct dma_iommu_counts counts;
	struct dma_fault fault;
	struct domain d;
	uint32_t n;

	sim_smmuv3_cfg_default(&cfg);
	cfg.evtq_lg2_max = 4;
	start();
	domain_new(&d, &pgtable_vmsav8_4k_ops);
	attach(&d.dom, SID);
	for (uint32_t round = 1; round <= 3; round++) {
		for (uint64_t i = 0; i < 40; i++)
			assert_u64_equal(translate(SID, IOVA + (i << 12), false), UINT64_MAX);
		for (n = 0; dma_smmuv3_driver.next_fault(&m.hw, &fault) == 1; n++)
			assert_u64_equal(fault.iova, IOVA + ((uint64_t)n << 12));
		assert_int_equal(n, 16);
		dma_smmuv3_driver.counts(&m.hw, &counts);
		assert_u64_equal(counts.faults_lost, round);
	}
	block(SID);
	domain_free(&d);
	stop();
}

TEST(a_bus_error_in_a_walk_is_external)
{
	struct domain d;

	sim_smmuv3_cfg_default(&cfg);
	start();
	domain_new(&d, &pgtable_vmsav8_4k_ops);
	attach(&d.dom, SID);
	map(&d, IOVA, DATA, 0x1000, DMA_PROT_READ);
	sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_WALK_ABORT, d.dom.pt.root);
	assert_u64_equal(translate(SID, 0x1000, false), UINT64_MAX);
	expect_fault(SID, 0x1000, false, DMA_FAULT_EXTERNAL);
	sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_WALK_ABORT, UINT64_MAX);
	block(SID);
	domain_free(&d);
	stop();
}

TEST(retired_tables_are_out_of_the_walk_cache)
{
	struct pgtable_freelist list = { 0 };
	struct domain d;
	struct gather g;

	for (uint32_t ril = 0; ril < 2; ril++) {
		sim_smmuv3_cfg_default(&cfg);
		cfg.ril = ril != 0;
		start();
		domain_new(&d, &pgtable_vmsav8_4k_ops);
		attach(&d.dom, SID);
		for (uint64_t i = 0; i < 3; i++) {
			map(&d, i << 21, DATA, 0x1000, DMA_PROT_READ);
			assert_u64_equal(translate(SID, i << 21, false), DATA);
			g = unmap(&d, i << 21, 0x1000);
			sync_gather(&d, &g);
		}
		g = GATHER_EMPTY;
		pgtable_retire(&d.pt, 0, 3 << 21, &g, &list);
		assert_true(list.nr >= 3);
		assert_true(g.walk_cache);
		sync_gather(&d, &g);
		pgtable_free_tables(&d.pt, &list);
		for (uint64_t i = 0; i < 3; i++) {
			map(&d, i << 21, DATA + (i << 21), 0x200000, DMA_PROT_READ);
			assert_u64_equal(translate(SID, i << 21, false), DATA + (i << 21));
		}
		g = unmap(&d, 0, 3 << 21);
		sync_gather(&d, &g);
		for (uint64_t i = 0; i < 3; i++)
			assert_u64_equal(translate(SID, i << 21, false), UINT64_MAX);
		block(SID);
		domain_free(&d);
		stop();
	}
}

/* --- random work --- */

#define NR_DOMAINS 2u
#define NR_SIDS 3u
#define NR_PAGES 192u

static uint64_t rng;
static struct domain doms[NR_DOMAINS];
static uint64_t truth[NR_DOMAINS][NR_PAGES]; /* phys, 0: unmapped */
static uint32_t attached[NR_SIDS];	     /* domain, NR_DOMAINS: blocked */
static uint32_t page_lg2;

static uint32_t sid_of(uint32_t i)
{
	return 0x100 + i * 0x180; /* two of them share no second-level table */
}

static uint64_t dice(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % n;
}

static void random_map(uint32_t d)
{
	uint64_t first = dice(NR_PAGES), nr = 1 + dice(16);
	uint64_t phys = DATA + (dice(1000) << page_lg2);

	for (uint64_t i = first; i < first + nr; i++) {
		if (i >= NR_PAGES || truth[d][i] != 0)
			return;
	}
	map(&doms[d], first << page_lg2, phys, nr << page_lg2, DMA_PROT_READ | DMA_PROT_WRITE);
	for (uint64_t i = 0; i < nr; i++)
		truth[d][first + i] = phys + (i << page_lg2);
}

static void random_unmap(uint32_t d)
{
	uint64_t first = dice(NR_PAGES), nr = 0;
	struct gather g = GATHER_EMPTY;

	while (first + nr < NR_PAGES && truth[d][first + nr] != 0 && nr < 40)
		nr++;
	/* Groups (contiguous hint) cannot be split: then nothing changes. */
	if (nr == 0 || pgtable_unmap(&doms[d].pt, first << page_lg2, nr << page_lg2, &g) != 0)
		return;
	sync_gather(&doms[d], &g);
	memset(&truth[d][first], 0, (size_t)nr * sizeof(truth[d][0]));
}

static void random_attach(void)
{
	uint32_t s = (uint32_t)dice(NR_SIDS);

	attached[s] = (uint32_t)dice(NR_DOMAINS + 1);
	if (attached[s] == NR_DOMAINS)
		block(sid_of(s));
	else
		attach(&doms[attached[s]].dom, sid_of(s));
}

static void check_translation(uint64_t seed)
{
	uint32_t s = (uint32_t)dice(NR_SIDS), d = attached[s];
	uint64_t page = dice(NR_PAGES);
	uint64_t got = translate(sid_of(s), page << page_lg2, dice(2) != 0);
	uint64_t want = d == NR_DOMAINS || truth[d][page] == 0 ? UINT64_MAX : truth[d][page];

	if (got != want)
		fail_msg("seed %" PRIu64 ": requester %u page %" PRIu64 " gave 0x%" PRIx64
			 ", not 0x%" PRIx64,
			 seed, s, page, got, want);
}

static void random_cfg(void)
{
	sim_smmuv3_cfg_default(&cfg);
	cfg.seed = rng;
	cfg.ril = dice(2) != 0;
	cfg.two_level_strtab = dice(2) != 0;
	cfg.coherent = dice(2) != 0;
	cfg.lazy_completion = (unsigned int)dice(6);
	cfg.lazy_ack = (unsigned int)dice(4);
	cfg.cache_invalid_config = dice(2) != 0;
	cfg.contig_as_one = (unsigned int)dice(3);
	cfg.prefetch_permille = dice(2) != 0 ? 300 : 0;
	cfg.cmdq_lg2_max = 2 + (unsigned int)dice(8);
	cfg.bbml = (unsigned int)dice(3);
	cfg.sid_bits = 11 + (unsigned int)dice(4);
	cfg.attr_ovr = dice(2) != 0;
}

TEST(random_work_agrees_with_a_flat_array)
{
	struct dma_fault fault;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		rng = seed * 0x9e3779b97f4a7c15;
		random_cfg();
		start();
		memset(truth, 0, sizeof(truth));
		page_lg2 = formats[seed % 3]->granule_lg2;
		for (uint32_t i = 0; i < NR_SIDS; i++)
			attached[i] = NR_DOMAINS;
		for (uint32_t i = 0; i < NR_DOMAINS; i++)
			domain_new(&doms[i], formats[seed % 3]);
		illegal_wanted = seed % 2 == 0;
		for (uint32_t step = 0; step < 600; step++) {
			uint32_t d = (uint32_t)dice(NR_DOMAINS);

			if (illegal_wanted && dice(30) == 0)
				sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_CMD_ILL, 1 + dice(2));

			switch (dice(8)) {
			case 0:
			case 1:
				random_map(d);
				break;
			case 2:
			case 3:
				random_unmap(d);
				break;
			case 4:
				random_attach();
				break;
			default:
				check_translation(seed);
			}
			while (dma_smmuv3_driver.next_fault(&m.hw, &fault) == 1) {
			}
		}
		sim_smmuv3_inject(m.sim, SIM_SMMUV3_INJECT_CMD_ILL, 0);
		for (uint32_t i = 0; i < NR_SIDS; i++)
			block(sid_of(i));
		for (uint32_t i = 0; i < NR_DOMAINS; i++)
			domain_free(&doms[i]);
		stop();
	}
}
