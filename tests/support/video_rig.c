/* SPDX-License-Identifier: BSD-2-Clause */
/* Bring-up and take-down of the machine with the three video devices; its sensor and its panel. */
#include "tests/support/video_rig.h"

#include <stdlib.h>

static const char *const names[RIG_DEVICES] = { "camera", "converter", "display" };

uint8_t video_rig_luma(uint32_t frame, uint32_t x, uint32_t y)
{
	return (uint8_t)(16 + (x * 7 + y * 13 + frame * 31 + x * y % 11) % 220);
}

/* @x: byte within the line, Cb and Cr in turn. */
uint8_t video_rig_chroma(uint32_t frame, uint32_t x, uint32_t y)
{
	return (uint8_t)(16 + (x * 5 + y * 17 + frame * 19) % 225);
}

void video_rig_frame(uint32_t frame, uint32_t width, uint32_t height, uint8_t *nv12)
{
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++)
			*nv12++ = video_rig_luma(frame, x, y);
	}
	for (uint32_t y = 0; y < height / 2; y++) {
		for (uint32_t x = 0; x < width; x++)
			*nv12++ = video_rig_chroma(frame, x, y);
	}
}

static bool sensor(void *ctx, uint32_t width, uint32_t height, uint8_t *y, uint8_t *cbcr)
{
	struct video_rig *r = ctx;
	uint8_t *frame;

	if (atomic_load(&r->frames_left) == 0)
		return false;
	atomic_fetch_sub(&r->frames_left, 1);
	frame = malloc((size_t)width * height * 3 / 2);
	if (frame == NULL)
		return false;
	video_rig_frame(atomic_fetch_add(&r->frame, 1) + 1, width, height, frame);
	memcpy(y, frame, (size_t)width * height);
	memcpy(cbcr, frame + (size_t)width * height, (size_t)width * height / 2);
	free(frame);
	return true;
}

static void panel(void *ctx, uint32_t width, uint32_t height, const uint8_t *xrgb)
{
	struct video_rig *r = ctx;

	r->width = width;
	r->height = height;
	if ((size_t)width * height * 4 <= sizeof(r->panel))
		memcpy(r->panel, xrgb, (size_t)width * height * 4);
	atomic_fetch_add(&r->nr_shown, 1);
}

static void open_machine(struct video_rig *r, const struct video_rig_opts *o)
{
	struct sim_smmuv3_cfg smmu;
	struct sim_machine_cfg cfg = {
		.ram_base = o->smmu ? 0 : RIG_RAM_LOW,
		.ram_bytes = (uint64_t)32 << 20,
		.page_lg2 = o->granule_lg2,
		.seed = o->seed,
		.frag = SIM_FRAG_SCATTER,
		.noncoherent = o->noncoherent || o->noncoherent_walk,
		.no_evict = o->no_evict,
		.threaded = o->threaded,
		.smmu = o->smmu ? &smmu : NULL,
		.log_max = DMA_LOG_ERR,
	};

	sim_smmuv3_cfg_default(&smmu);
	smmu.seed = o->seed;
	smmu.coherent = !o->noncoherent && !o->noncoherent_walk;
	smmu.ril = !o->no_range;
	smmu.asid16 = !o->few_asids;
	smmu.lazy_completion = o->lazy ? 50 : 0;
	smmu.cache_invalid_config = o->lazy;
	assert_ok(sim_machine_open(&cfg, &r->machine));
	r->p = sim_machine_platform(r->machine);
}

static void open_iommu(struct video_rig *r, const struct video_rig_opts *o)
{
	const struct dma_iommu_driver *const drivers[] = {
		o->driver != NULL ? o->driver : &dma_smmuv3_driver, NULL
	};
	const struct dma_iommu_desc desc = { .mmio_base = SIM_SMMU_BASE,
					     .granule_lg2 = o->granule_lg2 };

	assert_ok(dma_iommu_open(r->p, drivers, &desc, &r->iommu));
}

static void open_device(struct video_rig *r, const struct video_rig_opts *o, int i)
{
	const struct sim_video_cfg cfg = { .bus = sim_machine_bus(r->machine),
					   .base = video_rig_base(i),
					   .sid = RIG_FIRST_SID + (uint32_t)i,
					   .snoop = !o->noncoherent,
					   .no_iommu = !o->smmu };
	const struct dma_device_desc desc = { .name = names[i],
					      .coherent = !o->noncoherent,
					      .iommu = r->iommu,
					      .requester = cfg.sid,
					      .deferred = o->deferred };

	if (i == CAMERA)
		assert_ok(sim_camera_new(&cfg, sensor, r, &r->model[i]));
	else if (i == CONVERTER)
		assert_ok(sim_converter_new(&cfg, &r->model[i]));
	else
		assert_ok(sim_display_new(&cfg, panel, r, &r->model[i]));
	if (o->smmu || o->direct)
		assert_ok(dma_device_create(r->p, &desc, &r->dma[i]));
}

struct video_rig *video_rig_open(const struct video_rig_opts *opts)
{
	struct video_rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	open_machine(r, opts);
	if (opts->smmu)
		open_iommu(r, opts);
	for (int i = 0; i < RIG_DEVICES; i++)
		open_device(r, opts, i);
	return r;
}

static bool take_down(struct video_rig *r, struct sim_machine_leaks *leaks)
{
	bool clean = true;

	for (int i = 0; i < RIG_DEVICES; i++)
		video_rig_write(r, i, REG_CTRL, CTRL_RESET);
	for (int i = 0; i < RIG_DEVICES; i++) {
		dma_device_destroy(r->dma[i]);
		sim_video_free(r->model[i]);
	}
	clean = dma_iommu_close(r->iommu) == 0;
	clean = sim_machine_close(r->machine, leaks) && clean;
	free(r);
	return clean;
}

/* What the SMMU found that a driver must not do. */
static void expect_no_findings(struct video_rig *r)
{
	struct sim_smmuv3 *smmu = sim_machine_smmu(r->machine);

	for (int i = 0; smmu != NULL && i < SIM_SMMUV3_NR_FINDINGS; i++) {
		if (sim_smmuv3_stats(smmu)->findings[i] != 0)
			fail_msg("SMMU: %s",
				 sim_smmuv3_finding_text((enum sim_smmuv3_finding)i));
	}
}

void video_rig_close(struct video_rig *r)
{
	struct sim_machine_leaks leaks;
	struct sim_machine_stats stats;

	sim_machine_stats(r->machine, &stats);
	assert_u64_equal(stats.alias_violations, 0);
	assert_u64_equal(stats.bad_frees, 0);
	assert_u64_equal(stats.bad_unmaps, 0);
	assert_u64_equal(stats.freed_mapped, 0);
	assert_u64_equal(stats.edge_lines_dropped, 0);
	expect_no_findings(r);
	if (!take_down(r, &leaks))
		fail_msg("left: %" PRIu64 " pages, %" PRIu64 " pinned, %" PRIu64
			 " bytes of metadata",
			 leaks.pages, leaks.pinned_pages, leaks.meta_bytes);
}

void video_rig_abandon(struct video_rig *r)
{
	(void)take_down(r, NULL);
}

uint32_t video_rig_read(struct video_rig *r, int dev, uint32_t reg)
{
	return (uint32_t)r->p->mmio_read(r->p, video_rig_base(dev) + reg, 4);
}

void video_rig_write(struct video_rig *r, int dev, uint32_t reg, uint32_t value)
{
	r->p->mmio_write(r->p, video_rig_base(dev) + reg, 4, value);
}

void video_rig_run(struct video_rig *r)
{
	/* The SMMU takes a step each time, whether it has work or not. */
	uint32_t idle = r->iommu != NULL ? 1 : 0;

	while (sim_machine_run(r->machine, 1000) > idle)
		;
}

/* Within one of a true value between 0 and 255, without floating-point functions. */
static bool is_near(double want, uint8_t got)
{
	double clipped = want < 0 ? 0 : want > 255 ? 255 : want;

	return got - clipped < 1 && clipped - got < 1;
}

bool video_rig_is_converted(const uint8_t *nv12, uint32_t width, uint32_t height,
			    const uint8_t *xrgb)
{
	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *cbcr = nv12 + (size_t)width * (height + y / 2);

		for (uint32_t x = 0; x < width; x++, xrgb += 4) {
			double l = (nv12[(size_t)y * width + x] - 16) / 219.0;
			double u = (cbcr[x & ~1u] - 128) / 224.0, v = (cbcr[x | 1u] - 128) / 224.0;

			if (!is_near(255 * (l + 1.8556 * u), xrgb[0]) ||
			    !is_near(255 * (l - 0.1873243 * u - 0.4681243 * v), xrgb[1]) ||
			    !is_near(255 * (l + 1.5748 * v), xrgb[2]) || xrgb[3] != 0)
				return false;
		}
	}
	return true;
}

bool video_rig_panel_shows(const struct video_rig *r, uint32_t frame)
{
	uint8_t *nv12 = malloc((size_t)r->width * r->height * 3 / 2);
	bool shows;

	assert_non_null(nv12);
	video_rig_frame(frame, r->width, r->height, nv12);
	shows = video_rig_is_converted(nv12, r->width, r->height, r->panel);
	free(nv12);
	return shows;
}

void video_rig_expect_panel(const struct video_rig *r, uint32_t frame)
{
	if (!video_rig_panel_shows(r, frame))
		fail_msg("the panel does not show frame %u", frame);
}
