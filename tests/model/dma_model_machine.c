/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of one seed: RAM, caches and an SMMU with features drawn from it, and the devices,
 * one or more of each ops table. At the end nothing may be left, and the models may have nothing to
 * complain about.
 */
#include <stdlib.h>

#include "tests/model/dma_model.h"

#define RAM_BYTES (64ull << 20)
#define CARVEOUT_BYTES (1ull << 20)
#define WIN0_BYTES (24ull << 20)
#define WIN1_BYTES (36ull << 20)
#define WIN0_DMA 0x20000000ull
#define WIN1_DMA 0x80000000ull

/* Windows of a device without IOMMU; the last 4 MiB of RAM are in none of them. */
static const struct dma_range windows[] = {
	{ SIM_RAM_BASE, WIN0_DMA, WIN0_BYTES },
	{ SIM_RAM_BASE + WIN0_BYTES, WIN1_DMA, WIN1_BYTES },
	{ 0, 0, 0 },
};

static uint64_t peer_read(void *ctx, uint64_t offset, uint32_t width)
{
	uint64_t value = 0;

	(void)ctx;
	for (uint32_t i = 0; i < width; i++)
		value |= (uint64_t)model.peer_regs[offset + i] << (8 * i);
	return value;
}

static void peer_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	(void)ctx;
	for (uint32_t i = 0; i < width; i++)
		model.peer_regs[offset + i] = (uint8_t)(value >> (8 * i));
}

static const struct sim_mmio_ops peer_ops = { .read = peer_read, .write = peer_write };

static void draw_smmu(struct sim_smmuv3_cfg *cfg)
{
	static const unsigned int entries[] = { 0, 8, 64, 1024 };

	sim_smmuv3_cfg_default(cfg);
	cfg->seed = sim_rng_next(&model.rng);
	cfg->coherent = !model.opt.noncoherent || model_chance(40);
	cfg->ril = model_chance(60);
	cfg->two_level_strtab = model_chance(70);
	cfg->lazy_completion = (unsigned int)model_below(4);
	cfg->lazy_ack = (unsigned int)model_below(3);
	cfg->never_evict = model_chance(60);
	cfg->iotlb_entries = entries[1 + model_below(3)];
	cfg->walk_entries = entries[model_below(4)];
	cfg->config_entries = entries[model_below(3)];
	cfg->cache_invalid_config = model_chance(50);
	cfg->prefetch_permille = model_chance(50) ? 0 : 20;
	cfg->contig_as_one = (unsigned int)model_below(3);
	cfg->check_bbm = true;
	cfg->oas_bits = model_chance(50) ? 40 : 48;
	cfg->sid_bits = 8;
}

static uint32_t draw_page_lg2(void)
{
	if (model_chance(60))
		return model.opt.granule_lg2;
	return model_chance(60) ? 12 : 12 + 2 * (uint32_t)model_below(3);
}

static void quiet(void *ctx, enum dma_log_level level, const char *line)
{
	(void)ctx;
	if (level == DMA_LOG_ERR)
		model_note("log: %s", line);
}

static void open_machine(void)
{
	struct sim_smmuv3_cfg smmu;
	struct sim_machine_cfg cfg = {
		.ram_bytes = RAM_BYTES,
		.carveout_bytes = CARVEOUT_BYTES,
		.page_lg2 = draw_page_lg2(),
		.seed = sim_rng_next(&model.rng),
		.max_block_bytes = 1u << 20,
		.noncoherent = model.opt.noncoherent,
		.cache_line = 32u << model_below(3),
		.evict_pages = 1 + (uint32_t)model_below(4),
		.smmu = &smmu,
		.log = quiet,
	};

	draw_smmu(&smmu);
	model.no_token = model_chance(30);
	cfg.carveout_no_token = model.no_token;
	/* Large blocks are needed where a granule is several pages: no scatter there. */
	cfg.frag = cfg.page_lg2 >= model.opt.granule_lg2 && model_chance(70) ? SIM_FRAG_SCATTER
									     : SIM_FRAG_NONE;
	assert_ok(sim_machine_open(&cfg, &model.machine));
	model.p = sim_machine_platform(model.machine);
	model.bus = sim_machine_bus(model.machine);
	model.page = 1ull << cfg.page_lg2;
	model.granule = 1ull << model.opt.granule_lg2;
	model.line = model.p->cache_line;
	model.ram_base = SIM_RAM_BASE;
	model.ram_bytes = RAM_BYTES;
	model.max_block = cfg.max_block_bytes;
	model_note("page %" PRIu64 ", granule %" PRIu64 ", line %" PRIu64 ", scatter %d, walks %s",
		   model.page, model.granule, model.line, cfg.frag == SIM_FRAG_SCATTER,
		   smmu.coherent ? "snoop" : "do not snoop");
}

static void open_iommu(void)
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	const struct dma_resv_region resv = { .start = MODEL_RESV_START,
					      .len = MODEL_RESV_LEN,
					      .type = DMA_RESV_RESERVED };
	const struct dma_iommu_desc desc = {
		.mmio_base = SIM_SMMU_BASE,
		.granule_lg2 = model.opt.granule_lg2,
		.resv = &resv,
		.nr_resv = 1,
		.no_range_inval = model_chance(20),
	};

	assert_ok(dma_iommu_open(model.p, drivers, &desc, &model.iommu));
}

static struct model_dev *add_device(const char *name, enum model_table table, bool coherent,
				    bool translated)
{
	struct model_dev *d = &model.devs[model.nr_devs];
	const struct sim_requester req = {
		.sid = 16 + model.nr_devs * 3,
		.addr_bits = 64,
		.snoop = coherent,
		.no_iommu = !translated,
		.name = name,
	};
	struct dma_device_desc desc = { .name = name, .coherent = coherent };

	memset(d, 0, sizeof(*d));
	model.nr_devs++;
	d->name = name;
	d->table = table;
	d->sid = req.sid;
	d->coherent = coherent;
	d->translated = translated;
	d->ranges = table == TABLE_DIRECT || table == TABLE_DIRECT_NC;
	d->deferred = (table == TABLE_IOMMU || table == TABLE_IOMMU_NC) && model_chance(50);
	d->mask = d->cmask = DMA_BIT_MASK(32);
	d->max_seg = 65536;
	d->boundary = UINT64_MAX;
	oracle_dev_init(d);
	assert_ok(sim_bus_add_requester(model.bus, &req));
	desc.iommu = translated ? model.iommu : NULL;
	desc.requester = d->sid;
	desc.deferred = d->deferred;
	desc.ranges = d->ranges ? windows : NULL;
	assert_ok(dma_device_create(model.p, &desc, &d->dev));
	d->dom = dma_device_domain(d->dev);
	return d;
}

static void add_user_table(bool coherent)
{
	struct model_dev *d = add_device("user", TABLE_USER, coherent, true);

	assert_ok(dma_domain_alloc(model.iommu, DMA_DOMAIN_UNMANAGED, &d->own));
	assert_ok(dma_domain_attach(d->own, d->dev));
	d->dom = d->own;
	d->next_iova = 0x10000000;
	assert_ok(dma_device_set_ops(d->dev,
				     coherent ? &model_ops_coherent : &model_ops_noncoherent));
	dma_device_set_ops_priv(d->dev, d);
}

/* A device without windows: RAM lies above 4 GiB, so that it needs a larger mask. */
static void add_wide_direct(bool coherent)
{
	struct model_dev *d =
		add_device("wide", coherent ? TABLE_DIRECT : TABLE_DIRECT_NC, coherent, false);

	dma_device_destroy(d->dev);
	d->ranges = false;
	assert_ok(dma_device_create(
		model.p, &(struct dma_device_desc){ .name = "wide", .coherent = coherent },
		&d->dev));
	d->mask = d->cmask = DMA_BIT_MASK(64);
	assert_ok(dma_set_mask_and_coherent(d->dev, d->mask));
}

static void add_devices(void)
{
	bool nc = model.opt.noncoherent;
	struct model_dev *small;

	if (nc) {
		add_device("direct-nc", TABLE_DIRECT_NC, false, false);
		add_device("iommu-nc", TABLE_IOMMU_NC, false, true);
		if (model_chance(50))
			add_device("direct", TABLE_DIRECT, true, false);
		else
			add_wide_direct(model_chance(50));
		add_device("iommu", TABLE_IOMMU, true, true);
		small = add_device("small-nc", TABLE_IOMMU_NC, false, true);
	} else {
		add_device("direct", TABLE_DIRECT, true, false);
		add_device("iommu", TABLE_IOMMU, true, true);
		add_wide_direct(true);
		small = add_device("small", TABLE_IOMMU, true, true);
	}
	/* 64 to 128 granules of aperture: it runs out. */
	small->mask = small->cmask = (model.granule << 6) - 1 + model_below(model.granule << 6);
	assert_ok(dma_set_mask_and_coherent(small->dev, small->mask));
	add_user_table(!nc);
}

void model_machine_open(void)
{
	open_machine();
	model.mem = calloc(1, RAM_BYTES);
	model.peer = calloc(1, MODEL_PEER_LEN);
	model.peer_regs = calloc(1, MODEL_PEER_LEN);
	model.scratch = malloc(MODEL_SCRATCH_BYTES);
	assert_true(model.mem != NULL && model.peer != NULL && model.peer_regs != NULL &&
		    model.scratch != NULL);
	assert_ok(sim_bus_add_mmio(model.bus, "peer", MODEL_PEER_BASE, MODEL_PEER_LEN, &peer_ops,
				   NULL));
	assert_ok(sim_as_new(model.machine, &model.as));
	open_iommu();
	model.nr_devs = 0;
	add_devices();
	memset(model.bufs, 0, sizeof(model.bufs));
	memset(model.maps, 0, sizeof(model.maps));
}

static void check_models(void)
{
	const struct sim_smmuv3_stats *st = sim_smmuv3_stats(sim_machine_smmu(model.machine));
	struct sim_machine_stats ms;

	for (uint32_t i = 0; i < SIM_SMMUV3_NR_FINDINGS; i++)
		model_check(st->findings[i] == 0, "the SMMU found: %s, first at 0x%" PRIx64,
			    sim_smmuv3_finding_text((enum sim_smmuv3_finding)i),
			    st->finding_arg[i]);
	sim_machine_stats(model.machine, &ms);
	model_check(ms.alias_violations == 0, "%" PRIu64 " cacheable aliases", ms.alias_violations);
	model_check(ms.edge_lines_dropped == 0, "%" PRIu64 " lines of others were dropped",
		    ms.edge_lines_dropped);
	model_check(ms.bad_frees == 0 && ms.bad_unmaps == 0 && ms.freed_mapped == 0,
		    "%" PRIu64 " bad frees, %" PRIu64 " bad unmaps, %" PRIu64 " freed while mapped",
		    ms.bad_frees, ms.bad_unmaps, ms.freed_mapped);
	model_check(ms.bad_mmio == 0, "%" PRIu64 " accesses to no register", ms.bad_mmio);
}

static void close_device(struct model_dev *d)
{
	model_unmap_all(d);
	for (uint32_t i = 0; i < 8; i++)
		model_probe_stale(d);
	dma_device_destroy(d->dev);
	if (d->own != NULL)
		assert_ok(dma_domain_free(d->own));
	oracle_dev_fini(d);
}

void model_machine_close(void)
{
	struct sim_machine_leaks leaks;

	for (uint32_t i = 0; i < model.nr_devs; i++)
		close_device(&model.devs[i]);
	model_no_faults();
	for (uint32_t i = 0; i < MODEL_MAX_BUFS; i++) {
		if (model.bufs[i].kind != BUF_NONE)
			model_buf_free(&model.bufs[i]);
	}
	assert_ok(dma_iommu_close(model.iommu));
	sim_as_exit(model.as);
	check_models();
	if (!sim_machine_close(model.machine, &leaks))
		model_fail(CHECK_HERE,
			   "left: %" PRIu64 " pages, %" PRIu64 " pins, %" PRIu64 " tokens, %" PRIu64
			   " CPU mappings, %" PRIu64 " bytes of metadata in %" PRIu64 " pieces",
			   leaks.pages, leaks.pinned_pages, leaks.tokens, leaks.cpu_maps,
			   leaks.meta_bytes, leaks.meta_allocs);
	free(model.mem);
	free(model.peer);
	free(model.peer_regs);
	free(model.scratch);
}

bool model_direct_addr(const struct model_dev *d, phys_addr_t phys, uint64_t size, dma_addr_t *addr)
{
	*addr = phys;
	for (const struct dma_range *r = windows; d->ranges && r->size != 0; r++) {
		if (phys >= r->cpu_start && phys + size <= r->cpu_start + r->size) {
			*addr = r->dma_start + (phys - r->cpu_start);
			return true;
		}
	}
	return !d->ranges;
}

/* Registers of others are on the bus as they are. */
bool model_direct_phys(const struct model_dev *d, dma_addr_t addr, phys_addr_t *phys, uint64_t *len)
{
	*phys = addr;
	if (addr - MODEL_PEER_BASE < MODEL_PEER_LEN) {
		*len = MODEL_PEER_LEN - (addr - MODEL_PEER_BASE);
		return true;
	}
	for (const struct dma_range *r = windows; d->ranges && r->size != 0; r++) {
		if (addr - r->dma_start < r->size) {
			*phys = r->cpu_start + (addr - r->dma_start);
			*len = r->size - (addr - r->dma_start);
			return true;
		}
	}
	*len = model.ram_bytes - (addr - model.ram_base);
	return !d->ranges && addr - model.ram_base < model.ram_bytes;
}
