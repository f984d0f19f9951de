/* SPDX-License-Identifier: BSD-2-Clause */
/* Bring-up of the machine, the pictures, the sweep. */
#include "tests/fail/fail_rig.h"

#include "sim/rng.h"

#define RAM_BYTES ((uint64_t)32 << 20)
#define MAX_REQUESTS 3000u
#define MAX_RUNS 4096u

/**
 * struct picture - what can be observed
 * @leaks: pages, pins, mappings, metadata
 * @live: granules handed out
 * @live_second: the same for the second device
 * @runs: hash of all translations
 * @nr_runs: how many
 * @dom: domain of the device
 * @mask: its mask
 * @locked: bytes the program has locked
 */
struct picture {
	struct sim_machine_leaks leaks;
	uint64_t live;
	uint64_t live_second;
	uint64_t runs;
	uint64_t nr_runs;
	struct dma_domain *dom;
	uint64_t mask;
	uint64_t locked;
};

static const struct scenario *now_sweeping;
static uint64_t now_n;
static int now_site;

static void quiet(void *ctx, enum dma_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

int fail_rig_bring_up(struct fail_rig *r)
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	static const struct dma_resv_region resv[] = {
		{ .start = 0x8000000, .len = 0x100000, .type = DMA_RESV_RESERVED },
		{ .start = 0x9000000, .len = 0x100000, .type = DMA_RESV_MSI },
	};
	const struct dma_iommu_desc desc = { .mmio_base = SIM_SMMU_BASE,
					     .granule_lg2 = r->opts.granule_lg2,
					     .resv = resv,
					     .nr_resv = 2 };
	struct dma_device_desc dev = { .name = "dev",
				       .coherent = !r->opts.noncoherent,
				       .requester = RIG_SID,
				       .deferred = r->opts.deferred };
	int err = dma_iommu_open(r->p, drivers, &desc, &r->iommu);

	if (err != 0)
		return err;
	dev.iommu = r->iommu;
	err = dma_device_create(r->p, &dev, &r->dev);
	if (err != 0) {
		assert_ok(dma_iommu_close(r->iommu));
		r->iommu = NULL;
	}
	return err;
}

/* What the hardware did not confirm keeps the device in quarantine. */
void fail_rig_take_down(struct fail_rig *r)
{
	dma_device_destroy(r->dev);
	if (dma_iommu_close(r->iommu) != 0) {
		sim_machine_fail_nth(r->machine, 0);
		assert_ok(dma_device_quiesced(r->dev));
		assert_ok(dma_iommu_close(r->iommu));
	}
	r->dev = NULL;
	r->iommu = NULL;
}

static void add_requesters(struct fail_rig *r)
{
	const struct sim_requester behind = {
		.sid = RIG_SID, .addr_bits = 64, .name = "dev", .snoop = !r->opts.noncoherent
	};
	const struct sim_requester direct = { .sid = RIG_DIRECT_SID,
					      .addr_bits = 64,
					      .name = "direct",
					      .no_iommu = true,
					      .snoop = !r->opts.noncoherent };

	assert_ok(sim_bus_add_requester(r->bus, &behind));
	assert_ok(sim_bus_add_requester(r->bus, &direct));
}

static void open_direct(struct fail_rig *r)
{
	const struct dma_device_desc desc = { .name = "direct", .coherent = !r->opts.noncoherent };

	assert_ok(dma_device_create(r->p, &desc, &r->direct));
	assert_ok(dma_set_mask_and_coherent(r->direct, DMA_BIT_MASK(40)));
}

void fail_rig_open(struct fail_rig *r, const struct fail_opts *opts, bool none, bool bare)
{
	struct sim_smmuv3_cfg smmu;
	struct sim_machine_cfg cfg = {
		.ram_bytes = RAM_BYTES,
		.page_lg2 = opts->granule_lg2,
		.seed = 11,
		.frag = SIM_FRAG_SCATTER,
		.noncoherent = opts->noncoherent,
		.smmu = &smmu,
		.log = quiet,
	};

	memset(r, 0, sizeof(*r));
	r->opts = *opts;
	r->none = none;
	r->granule = 1ull << opts->granule_lg2;
	sim_smmuv3_cfg_default(&smmu);
	smmu.coherent = !opts->noncoherent;
	assert_ok(sim_machine_open(&cfg, &r->machine));
	r->p = sim_machine_platform(r->machine);
	r->bus = sim_machine_bus(r->machine);
	r->mem = sim_machine_kmalloc(r->machine, RIG_KMEM, 0);
	assert_non_null(r->mem);
	assert_ok(r->p->virt_to_phys(r->p, r->mem, &r->phys));
	assert_ok(sim_as_new(r->machine, &r->as));
	assert_ok(sim_as_alloc(r->as, RIG_USER, 0, &r->uaddr));
	add_requesters(r);
	if (none)
		return;
	assert_ok(fail_rig_bring_up(r));
	open_direct(r);
	if (bare)
		return;
	r->kept = dma_map_phys(r->dev, r->phys, (size_t)r->granule, DMA_BIDIRECTIONAL, 0);
	assert_true(r->kept != DMA_MAPPING_ERROR);
}

void fail_rig_close(struct fail_rig *r)
{
	struct sim_machine_leaks leaks;
	struct sim_machine_stats stats;
	uint64_t findings;

	if (r->kept != 0)
		dma_unmap_phys(r->dev, r->kept, (size_t)r->granule, DMA_BIDIRECTIONAL, 0);
	if (!r->none) {
		dma_device_destroy(r->direct);
		fail_rig_take_down(r);
	}
	sim_machine_kfree(r->machine, r->mem);
	sim_as_exit(r->as);
	findings = sim_smmuv3_findings(sim_machine_smmu(r->machine));
	sim_machine_stats(r->machine, &stats);
	assert_u64_equal(stats.bad_frees, 0);
	assert_u64_equal(stats.bad_unmaps, 0);
	assert_u64_equal(stats.freed_mapped, 0);
	assert_u64_equal(stats.alias_violations, 0);
	assert_u64_equal(findings, 0);
	if (!sim_machine_close(r->machine, &leaks))
		fail_msg("%s, request %" PRIu64 ": left %" PRIu64 " pages, %" PRIu64
			 " pins, %" PRIu64 " mappings, %" PRIu64 " bytes of metadata",
			 now_sweeping->name, now_n, leaks.pages, leaks.pinned_pages, leaks.cpu_maps,
			 leaks.meta_bytes);
}

void fail_rig_arm(struct fail_rig *r, uint64_t n)
{
	for (uint32_t i = 0; i < 5; i++) {
		uint64_t asked;

		sim_machine_inject_counts(r->machine, (enum dma_inject_site)i, &asked,
					  &r->failed[i]);
	}
	sim_machine_fail_nth(r->machine, n);
}

int fail_rig_disarm(struct fail_rig *r)
{
	int site = -1;

	sim_machine_fail_nth(r->machine, 0);
	for (int i = 0; i < 5; i++) {
		uint64_t asked;
		uint64_t failed;

		sim_machine_inject_counts(r->machine, (enum dma_inject_site)i, &asked, &failed);
		if (failed != r->failed[i])
			site = i;
	}
	return site;
}

bool fail_rig_reaches(struct fail_rig *r, dma_addr_t addr)
{
	uint8_t byte;

	return sim_bus_dma(r->bus, RIG_SID, addr, false, &byte, 1, NULL) == 0;
}

static void drop_faults(struct fail_rig *r)
{
	struct dma_fault f;

	while (r->iommu != NULL && dma_fault_poll(r->iommu, &f) == 1)
		;
}

void fail_rig_no_faults(struct fail_rig *r)
{
	struct dma_fault f;

	if (r->iommu != NULL && dma_fault_poll(r->iommu, &f) == 1)
		fail_msg("%s, request %" PRIu64 ": a fault at 0x%" PRIx64, now_sweeping->name,
			 now_n, f.iova);
}

/* All translations, as the table has them and as the device sees them. */
static void look_at_translations(struct fail_rig *r, struct picture *pic)
{
	uint64_t iova = 0;
	struct run run;

	pic->runs = 1;
	while (pgtable_next_run(&pic->dom->pt, iova, pic->dom->iova_last, &run) == 0) {
		if (pic->nr_runs++ < MAX_RUNS) {
			pic->runs = sim_mix(pic->runs ^ run.iova);
			pic->runs = sim_mix(pic->runs ^ run.phys);
			pic->runs = sim_mix(pic->runs ^ run.len ^ run.prot);
		}
		if (run.phys - SIM_RAM_BASE < RAM_BYTES && !fail_rig_reaches(r, run.iova))
			fail_msg("%s, request %" PRIu64 ": 0x%" PRIx64
				 " is mapped but out of reach",
				 now_sweeping->name, now_n, run.iova);
		if (run.iova + (run.len - 1) >= pic->dom->iova_last)
			break;
		iova = run.iova + run.len;
	}
}

/* What is not mapped around the kept mapping must be out of reach for the hardware, too. */
static void look_around(struct fail_rig *r, const struct picture *pic)
{
	phys_addr_t phys;

	for (int i = -24; i <= 24 && r->kept != 0; i++) {
		dma_addr_t at = r->kept + (uint64_t)((int64_t)i * (int64_t)r->granule);
		bool mapped = pgtable_iova_to_phys(&pic->dom->pt, at, &phys) == 0;

		if (at >> 40 != 0 || at == 0)
			continue;
		if (mapped != fail_rig_reaches(r, at))
			fail_msg("%s, request %" PRIu64 ": 0x%" PRIx64 " is %s reach",
				 now_sweeping->name, now_n, at, mapped ? "out of" : "within");
	}
	drop_faults(r);
}

/* Caches given back; what is handed out then. */
static uint64_t live_of(struct fail_rig *r, struct dma_device *dev)
{
	struct dma_domain *dom = dma_device_domain(dev);
	struct iova_stats iova = { 0 };

	sim_engines_advance(sim_machine_engines(r->machine), 20000000);
	dma_poll(dev);
	dma_trim(dev);
	if (dom->iova != NULL)
		iova_stats(dom->iova, &iova);
	return iova.live;
}

static void take_picture(struct fail_rig *r, struct picture *pic)
{
	struct sim_as_stats st;

	memset(pic, 0, sizeof(*pic));
	if (r->second != NULL)
		pic->live_second = live_of(r, r->second);
	if (r->dev != NULL) {
		pic->live = live_of(r, r->dev);
		pic->dom = dma_device_domain(r->dev);
		pic->mask = dma_get_mask(r->dev);
		look_at_translations(r, pic);
		look_around(r, pic);
	}
	sim_as_stats(r->as, &st);
	pic->locked = st.locked_bytes;
	sim_machine_leaks(r->machine, &pic->leaks);
}

static void differ(const char *what, uint64_t before, uint64_t after)
{
	fail_msg("%s, request %" PRIu64 " (site %d): %s was 0x%" PRIx64 ", is 0x%" PRIx64,
		 now_sweeping->name, now_n, now_site, what, before, after);
}

#define SAME(member)                                                                               \
	do {                                                                                       \
		if (before->member != now.member)                                                  \
			differ(#member, (uint64_t)before->member, (uint64_t)now.member);           \
	} while (0)

/* @meta: metadata that may be there now, besides: what a first use makes and keeps. */
static void compare(struct fail_rig *r, const struct picture *before, uint64_t meta)
{
	struct picture now;

	take_picture(r, &now);
	SAME(leaks.pages);
	SAME(leaks.pinned_pages);
	SAME(leaks.tokens);
	SAME(leaks.cpu_maps);
	SAME(leaks.as_maps);
	SAME(live);
	SAME(live_second);
	SAME(runs);
	SAME(nr_runs);
	SAME(locked);
	SAME(mask);
	if (before->dom != now.dom)
		differ("domain", 0, 1);
	if (now.leaks.meta_bytes > before->leaks.meta_bytes + meta)
		differ("metadata", before->leaks.meta_bytes, now.leaks.meta_bytes);
	fail_rig_no_faults(r);
}

/* The rules that fit a failure at a site. */
static uint64_t rules_of(int site)
{
	static const uint64_t rules[] = {
		[DMA_INJECT_META] = 1ull << DMA_RULE_NO_META | 1ull << DMA_RULE_NO_TABLE,
		[DMA_INJECT_PAGES] = 1ull << DMA_RULE_NO_MEMORY | 1ull << DMA_RULE_NO_TABLE |
				     1ull << DMA_RULE_NO_META,
		[DMA_INJECT_CPUMAP] = 1ull << DMA_RULE_NO_META,
		[DMA_INJECT_PIN] = 1ull << DMA_RULE_LOCKED_MEMORY,
		[DMA_INJECT_IOMMU] = 1ull << DMA_RULE_HARDWARE | 1ull << DMA_RULE_NO_META,
	};

	return rules[site];
}

static uint32_t nr_records(void)
{
	return dma_slot_self()->nr_errors;
}

static void check_record(int err, int site, uint32_t before)
{
	struct dma_error e;
	char text[256];

	if (nr_records() == before || dma_last_error(NULL, &e) != 0)
		fail_msg("%s, request %" PRIu64 ": %d without a record", now_sweeping->name, now_n,
			 err);
	(void)dma_explain(&e, text, sizeof(text));
	if ((rules_of(site) >> e.rule & 1) == 0)
		fail_msg("%s, request %" PRIu64 " at site %d: rule %s: %s", now_sweeping->name,
			 now_n, site, dma_rule_name(e.rule), text);
	if (err != e.err)
		fail_msg("%s, request %" PRIu64 ": returned %d, recorded %d: %s",
			 now_sweeping->name, now_n, err, e.err, text);
}

/*
 * One turn with the @n-th request of @go failing. False: none failed. @meta: see compare(); 0 when
 * the scenario was done before on this machine.
 */
static bool turn(struct fail_rig *r, const struct scenario *s, uint64_t n, uint64_t meta)
{
	struct picture before;
	uint32_t records;
	int site;
	int err;

	now_n = n;
	take_picture(r, &before);
	records = nr_records();
	fail_rig_arm(r, n);
	err = s->go(r);
	site = now_site = fail_rig_disarm(r);
	if (err != 0 && site < 0)
		fail_msg("%s: %d though nothing failed", s->name, err);
	if (err != 0)
		check_record(err, site, records);
	else
		s->undo(r);
	compare(r, &before, meta);
	return site >= 0;
}

/* The same for @undo. Nothing may be left in the end, whatever the hardware did not confirm. */
static bool turn_undo(struct fail_rig *r, const struct scenario *s, uint64_t n)
{
	struct picture before;
	uint32_t records;
	int site;

	now_n = n;
	take_picture(r, &before);
	assert_ok(s->go(r));
	records = nr_records();
	fail_rig_arm(r, n);
	s->undo(r);
	site = now_site = fail_rig_disarm(r);
	if (site == DMA_INJECT_IOMMU && nr_records() == records && !s->silent)
		fail_msg("%s, undo, request %" PRIu64 ": not confirmed, and no record", s->name, n);
	compare(r, &before, 0);
	return site >= 0;
}

static void start(struct fail_rig *r, const struct scenario *s, const struct fail_opts *opts,
		  bool bare)
{
	fail_rig_open(r, opts, s->none, bare);
	if (s->prepare != NULL)
		s->prepare(r);
}

static void stop(struct fail_rig *r, const struct scenario *s)
{
	if (s->finish != NULL)
		s->finish(r);
	fail_rig_close(r);
}

/* What the first use leaves in metadata, after a trim. */
static uint64_t kept_meta(struct fail_rig *r, const struct scenario *s)
{
	struct picture before;
	struct picture after;

	take_picture(r, &before);
	for (uint32_t i = 0; i < 3; i++) {
		assert_ok(s->go(r));
		s->undo(r);
	}
	take_picture(r, &after);
	return after.leaks.meta_bytes > before.leaks.meta_bytes
		       ? after.leaks.meta_bytes - before.leaks.meta_bytes
		       : 0;
}

void fail_sweep(const struct scenario *s, const struct fail_opts *opts)
{
	static struct fail_rig r;
	uint64_t n = 1;
	uint64_t meta;
	bool more;

	now_sweeping = s;
	start(&r, s, opts, true);
	meta = kept_meta(&r, s);
	stop(&r, s);
	start(&r, s, opts, false);
	(void)kept_meta(&r, s);
	while (turn(&r, s, n, 0))
		assert_true(n++ < MAX_REQUESTS);
	for (n = 1; turn_undo(&r, s, n); n++)
		assert_true(n < MAX_REQUESTS);
	stop(&r, s);
	n = 1;
	do {
		start(&r, s, opts, true);
		more = turn(&r, s, n, meta);
		stop(&r, s);
	} while (more && n++ < MAX_REQUESTS);
}

void fail_sweep_all(const struct scenario *s)
{
	for (uint32_t granule_lg2 = 12; granule_lg2 <= 16; granule_lg2 += 2) {
		for (uint32_t i = 0; i < 4; i++) {
			const struct fail_opts opts = { .granule_lg2 = granule_lg2,
							.noncoherent = (i & 1) != 0,
							.deferred = (i & 2) != 0 };

			fail_sweep(s, &opts);
		}
	}
}
