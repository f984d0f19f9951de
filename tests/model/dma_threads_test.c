/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads map, sync and unmap, on one domain and on several, while devices work in threads
 * of their own; also under the thread sanitizer. Every mapping shows memory with contents that
 * no other memory has, and its device reads and writes it: IOVA that two threads hold at once, or
 * that is used again before its invalidation, shows the wrong memory. A small aperture forces
 * drains; modes change under way.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>

#include "platform/sim/sim_platform.h"
#include "sim/rng.h"
#include "sim/smmuv3.h"
#include "tests/support/check.h"

#define NR_WORKERS 4u
#define MAX_PIECES 4u
#define JOB_BYTES ((size_t)32768)
#define MEM_BYTES ((uint64_t)256 << 10)
#define RAM_BYTES ((uint64_t)64 << 20)
#define FIRST_SID 3u
#define NR_LIVE 8u

/* What a worker asks the device's engine to do; handed over by @state. */
struct job {
	_Atomic int state; /* 0: the worker's; 1: the engine's */
	uint32_t sid;
	uint64_t dma;
	size_t len;
	bool write;
	int err;
	struct sim_bus *bus;
	struct sim_engine *engine;
	uint8_t buf[JOB_BYTES];
};

struct opts {
	bool noncoherent;
	bool deferred;
	bool switches;
	bool exhausts;
	uint32_t nr_devs;
	uint64_t mask;
	uint64_t most; /* bytes of a mapping of nobody's memory, 0: none */
	uint32_t rounds;
};

struct live {
	dma_addr_t dma;
	phys_addr_t phys;
	size_t len;
};

struct worker {
	pthread_t thread;
	uint32_t id;
	struct dma_device *dev;
	const struct opts *opts;
	struct sim_rng rng;
	uint8_t *mem;
	phys_addr_t phys;
	struct job job;
	struct live live[NR_LIVE];
	uint64_t nr_done;
	uint64_t nr_refused;
	const char *bad;
	uint64_t bad_at;
};

static struct sim_machine *machine;
static struct dma_platform *p;
static struct dma_iommu *iommu;
static struct dma_device *devs[NR_WORKERS];
static struct worker workers[NR_WORKERS];
static _Atomic bool stop;
static pthread_barrier_t gate;

static enum sim_step job_step(void *ctx)
{
	struct job *j = ctx;

	if (atomic_load_explicit(&j->state, memory_order_acquire) == 0)
		return SIM_STEP_IDLE;
	j->err = sim_bus_dma(j->bus, j->sid, j->dma, j->write, j->buf, j->len, NULL);
	atomic_store_explicit(&j->state, 0, memory_order_release);
	return SIM_STEP_IDLE;
}

static void work(struct worker *w, dma_addr_t dma, size_t len, bool write)
{
	struct job *j = &w->job;

	j->dma = dma;
	j->len = len;
	j->write = write;
	atomic_store_explicit(&j->state, 1, memory_order_release);
	sim_engine_kick(j->engine);
	while (atomic_load_explicit(&j->state, memory_order_acquire) != 0)
		sched_yield();
}

static uint32_t draw(struct worker *w, uint32_t limit)
{
	return (uint32_t)sim_rng_below(&w->rng, limit);
}

static void complain(struct worker *w, const char *what, uint64_t at)
{
	if (w->bad == NULL) {
		w->bad = what;
		w->bad_at = at;
	}
}

/* Exhaustion is the only reason to refuse. */
static void refused(struct worker *w)
{
	struct dma_error e = { .rule = DMA_RULE_NONE };

	(void)dma_last_error(w->dev, &e);
	if (e.rule != DMA_RULE_NO_IOVA)
		complain(w, dma_rule_name(e.rule), e.addr);
	w->nr_refused++;
}

static void fill(struct worker *w, uint8_t *at, size_t len)
{
	uint64_t r = sim_rng_next(&w->rng);

	for (size_t i = 0; i < len; i += 8) {
		r = sim_mix(r + 1);
		memcpy(at + i, &r, 8);
	}
}

/* The device must see what the CPU wrote. */
static void device_reads(struct worker *w, dma_addr_t dma, const uint8_t *want, size_t len)
{
	work(w, dma, len, false);
	if (w->job.err != 0)
		complain(w, "a read faults", dma);
	else if (memcmp(w->job.buf, want, len) != 0)
		complain(w, "the device sees other memory", dma);
}

/* The CPU must see what the device wrote; @mem was given back to the CPU by the caller. */
static void device_writes(struct worker *w, dma_addr_t dma, size_t len)
{
	fill(w, w->job.buf, len);
	work(w, dma, len, true);
	if (w->job.err != 0)
		complain(w, "a write faults", dma);
}

static void cpu_checks(struct worker *w, const uint8_t *at, size_t len, dma_addr_t dma)
{
	if (memcmp(w->job.buf, at, len) != 0)
		complain(w, "the CPU sees other memory", dma);
}

static void round_single(struct worker *w)
{
	size_t off = (size_t)draw(w, 8) * 4096 + (size_t)draw(w, 8) * 256;
	size_t len = 256u * (1 + draw(w, 32));
	uint8_t *at = w->mem + off;
	dma_addr_t dma;

	fill(w, at, len);
	dma = dma_map_single(w->dev, at, len, DMA_BIDIRECTIONAL);
	if (dma == DMA_MAPPING_ERROR) {
		refused(w);
		return;
	}
	device_reads(w, dma, at, len);
	device_writes(w, dma, len);
	dma_sync_single_for_cpu(w->dev, dma, len, DMA_BIDIRECTIONAL);
	cpu_checks(w, at, len, dma);
	fill(w, at, len);
	dma_sync_single_for_device(w->dev, dma, len, DMA_BIDIRECTIONAL);
	device_reads(w, dma, at, len);
	device_writes(w, dma, len);
	dma_unmap_single(w->dev, dma, len, DMA_BIDIRECTIONAL);
	cpu_checks(w, at, len, dma);
}

static void round_list(struct worker *w)
{
	struct scatterlist sgl[MAX_PIECES];
	int nr = 1 + (int)draw(w, MAX_PIECES);
	struct scatterlist *sg = sgl;
	unsigned int count;
	uint64_t done = 0;

	sg_init_table(sgl, (unsigned int)nr);
	fill(w, w->mem, (size_t)nr * 8192);
	for (int i = 0; i < nr; i++)
		sg_set_phys(&sgl[i], w->phys + (uint64_t)i * 8192, 4096u << draw(w, 2));
	count = dma_map_sg(w->dev, sgl, nr, DMA_TO_DEVICE);
	if (count == 0) {
		refused(w);
		return;
	}
	/* Entries and segments hold the same bytes; the first ones of each segment are read. */
	for (unsigned int i = 0; i < count; i++, sg = sg_next(sg)) {
		uint64_t at = 0;
		uint64_t left = done;

		for (int k = 0; k < nr && left >= sgl[k].length; k++) {
			left -= sgl[k].length;
			at = (uint64_t)(k + 1) * 8192;
		}
		device_reads(w, sg->dma_address, w->mem + at + left, 512);
		done += sg->dma_length;
	}
	dma_sync_sg_for_cpu(w->dev, sgl, nr, DMA_TO_DEVICE);
	dma_unmap_sg(w->dev, sgl, nr, DMA_TO_DEVICE);
}

static void round_alloc(struct worker *w)
{
	unsigned long attrs = draw(w, 2) == 0 ? DMA_ATTR_NO_KERNEL_MAPPING : 0;
	size_t len = 4096u * (1 + draw(w, 6));
	dma_addr_t dma;
	void *cpu = dma_alloc_attrs(w->dev, len, &dma, GFP_KERNEL, attrs | DMA_ATTR_NO_WARN);
	size_t part = len < JOB_BYTES ? len : JOB_BYTES;

	if (cpu == NULL) {
		refused(w);
		return;
	}
	device_writes(w, dma, part);
	if (attrs == 0) {
		cpu_checks(w, cpu, part, dma);
		fill(w, cpu, part);
		device_reads(w, dma, cpu, part);
	}
	dma_free_attrs(w->dev, len, cpu, dma, attrs);
}

/* Mappings that live on while others come and go; large ones of memory that nobody writes. */
static void round_live(struct worker *w)
{
	struct live *l = &w->live[draw(w, NR_LIVE)];
	uint8_t *at = w->mem + MEM_BYTES / 2;
	uint64_t most = w->opts->most;

	if (l->len != 0) {
		if (l->phys == w->phys + MEM_BYTES / 2)
			device_reads(w, l->dma, at, 256);
		dma_unmap_phys(w->dev, l->dma, l->len, DMA_TO_DEVICE, 0);
		l->len = 0;
		return;
	}
	*l = (struct live){ .phys = w->phys + MEM_BYTES / 2, .len = 1 + draw(w, 16384) };
	if (most != 0 && draw(w, 2) == 0) {
		l->phys = SIM_RAM_BASE + ((uint64_t)draw(w, 8) << 20);
		l->len = (size_t)(most / 2 + draw(w, (uint32_t)(most / 2)));
	}
	l->dma = dma_map_phys(w->dev, l->phys, l->len, DMA_TO_DEVICE, 0);
	if (l->dma == DMA_MAPPING_ERROR) {
		l->len = 0;
		refused(w);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	fill(w, w->mem + MEM_BYTES / 2, 256);
	pthread_barrier_wait(&gate);
	for (uint32_t i = 0; i < w->opts->rounds && w->bad == NULL; i++) {
		switch (draw(w, 8)) {
		case 0:
		case 1:
			round_list(w);
			break;
		case 2:
			round_alloc(w);
			break;
		case 3:
		case 4:
			round_live(w);
			break;
		default:
			round_single(w);
			break;
		}
		if (draw(w, 64) == 0)
			dma_poll(w->dev);
		if (draw(w, 256) == 0)
			dma_trim(w->dev);
		w->nr_done++;
	}
	for (uint32_t i = 0; i < NR_LIVE; i++) {
		if (w->live[i].len != 0)
			dma_unmap_phys(w->dev, w->live[i].dma, w->live[i].len, DMA_TO_DEVICE, 0);
	}
	return NULL;
}

/* Deferred and strict in turn, and what is kept as cache given back, under everybody's feet. */
static void *switcher_main(void *arg)
{
	const struct opts *o = arg;

	pthread_barrier_wait(&gate);
	for (uint32_t i = 0; !atomic_load(&stop); i++) {
		struct dma_device *dev = devs[i % o->nr_devs];

		if (dma_domain_set_deferred(dma_device_domain(dev), i % 3 != 0) != 0)
			workers[0].bad = "set_deferred fails";
		if (i % 4 == 0)
			dma_trim(dev);
		for (uint32_t n = 0; n < 50; n++)
			sched_yield();
	}
	return NULL;
}

static void open_devices(const struct opts *o)
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	const struct dma_iommu_desc desc = { .mmio_base = SIM_SMMU_BASE, .granule_lg2 = 12 };

	assert_ok(dma_iommu_open(p, drivers, &desc, &iommu));
	for (uint32_t i = 0; i < o->nr_devs; i++) {
		const struct sim_requester req = { .sid = FIRST_SID + i,
						   .addr_bits = 64,
						   .snoop = !o->noncoherent,
						   .name = "dev" };
		const struct dma_device_desc dev = { .name = "dev",
						     .iommu = iommu,
						     .coherent = !o->noncoherent,
						     .requester = req.sid,
						     .deferred = o->deferred };

		assert_ok(sim_bus_add_requester(sim_machine_bus(machine), &req));
		assert_ok(dma_device_create(p, &dev, &devs[i]));
		assert_ok(dma_set_mask_and_coherent(devs[i], o->mask));
	}
}

static void open_worker(const struct opts *o, uint32_t i)
{
	struct worker *w = &workers[i];

	memset(w, 0, sizeof(*w));
	w->id = i;
	w->opts = o;
	w->dev = devs[i % o->nr_devs];
	w->rng = sim_rng_make(41 + i, 3);
	w->mem = sim_machine_kmalloc(machine, MEM_BYTES, 0);
	assert_non_null(w->mem);
	assert_ok(p->virt_to_phys(p, w->mem, &w->phys));
	w->job.bus = sim_machine_bus(machine);
	w->job.sid = FIRST_SID + i % o->nr_devs;
	assert_ok(sim_engine_new(sim_machine_engines(machine), "dma", job_step, &w->job,
				 &w->job.engine));
}

static void open_machine(const struct opts *o)
{
	struct sim_smmuv3_cfg smmu;
	const struct sim_machine_cfg cfg = {
		.ram_bytes = RAM_BYTES,
		.seed = 5,
		.noncoherent = o->noncoherent,
		.threaded = true,
		.smmu = &smmu,
	};

	sim_smmuv3_cfg_default(&smmu);
	smmu.coherent = !o->noncoherent;
	assert_ok(sim_machine_open(&cfg, &machine));
	p = sim_machine_platform(machine);
	open_devices(o);
	for (uint32_t i = 0; i < NR_WORKERS; i++)
		open_worker(o, i);
}

static void close_machine(const struct opts *o)
{
	struct dma_fault f;

	if (dma_fault_poll(iommu, &f) == 1)
		fail_msg("a fault at 0x%" PRIx64, f.iova);
	for (uint32_t i = 0; i < NR_WORKERS; i++) {
		sim_engine_free(workers[i].job.engine);
		sim_machine_kfree(machine, workers[i].mem);
	}
	for (uint32_t i = 0; i < o->nr_devs; i++)
		dma_device_destroy(devs[i]);
	assert_ok(dma_iommu_close(iommu));
	assert_u64_equal(sim_smmuv3_findings(sim_machine_smmu(machine)), 0);
	assert_true(sim_machine_close(machine, NULL));
}

static void run(const struct opts *o)
{
	uint64_t nr_refused = 0;
	uint64_t nr_done = 0;
	pthread_t switcher;

	open_machine(o);
	atomic_store(&stop, false);
	assert_ok(pthread_barrier_init(&gate, NULL, NR_WORKERS + (o->switches ? 1 : 0)));
	for (uint32_t i = 0; i < NR_WORKERS; i++)
		assert_ok(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]));
	if (o->switches)
		assert_ok(pthread_create(&switcher, NULL, switcher_main, (void *)(uintptr_t)o));
	for (uint32_t i = 0; i < NR_WORKERS; i++)
		assert_ok(pthread_join(workers[i].thread, NULL));
	atomic_store(&stop, true);
	if (o->switches)
		assert_ok(pthread_join(switcher, NULL));
	pthread_barrier_destroy(&gate);
	for (uint32_t i = 0; i < NR_WORKERS; i++) {
		if (workers[i].bad != NULL)
			fail_msg("worker %" PRIu32 ", round %" PRIu64 ": %s (0x%" PRIx64 ")", i,
				 workers[i].nr_done, workers[i].bad, workers[i].bad_at);
		nr_refused += workers[i].nr_refused;
		nr_done += workers[i].nr_done;
	}
	printf("# %" PRIu64 " rounds, %" PRIu64 " refused for want of IOVA\n", nr_done, nr_refused);
	/* Exhaustion must be met, not be the rule. */
	assert_true(nr_refused * 4 < nr_done);
	assert_true((nr_refused != 0) == o->exhausts);
	close_machine(o);
}

static const uint32_t rounds = 2500;

TEST(threads_share_a_strict_domain)
{
	run(&(struct opts){ .nr_devs = 1, .mask = DMA_BIT_MASK(32), .rounds = rounds });
}

TEST(threads_share_a_deferred_domain)
{
	run(&(struct opts){
		.nr_devs = 1, .deferred = true, .mask = DMA_BIT_MASK(32), .rounds = rounds });
}

TEST(threads_use_domains_of_their_own)
{
	run(&(struct opts){ .nr_devs = NR_WORKERS,
			    .deferred = true,
			    .switches = true,
			    .mask = DMA_BIT_MASK(32),
			    .rounds = rounds });
}

TEST(threads_share_a_domain_of_28_bits_that_runs_out)
{
	run(&(struct opts){ .nr_devs = 1,
			    .deferred = true,
			    .mask = DMA_BIT_MASK(28),
			    .most = 26u << 20,
			    .exhausts = true,
			    .rounds = rounds });
}

TEST(threads_share_a_domain_of_few_granules_that_changes_its_mode)
{
	run(&(struct opts){ .nr_devs = 1,
			    .deferred = true,
			    .switches = true,
			    .mask = 72 * 4096 - 1,
			    .exhausts = true,
			    .rounds = rounds });
}

TEST(threads_share_a_table_that_is_not_snooped)
{
	run(&(struct opts){ .nr_devs = 1,
			    .noncoherent = true,
			    .mask = DMA_BIT_MASK(32),
			    .rounds = rounds });
}

TEST(threads_use_tables_that_are_not_snooped)
{
	run(&(struct opts){ .nr_devs = 2,
			    .noncoherent = true,
			    .deferred = true,
			    .switches = true,
			    .mask = DMA_BIT_MASK(28),
			    .rounds = rounds / 2 });
}
