/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole pipeline in small, from a machine whose SMMU is off to a picture on the panel: each
 * request on the way fails in turn, then each on the way back. After a failure nothing is left,
 * and the next attempt shows its frame.
 */
#include <stdlib.h>

#include "tests/fail/fail_rig.h"
#include "tests/support/video_chain.h"

static struct video_rig *rig;
static struct video_chain chain;
static bool user;

static bool sensor(void *ctx, uint32_t width, uint32_t height, uint8_t *y, uint8_t *cbcr)
{
	uint8_t *frame;

	(void)ctx;
	if (atomic_load(&rig->frames_left) == 0)
		return false;
	atomic_fetch_sub(&rig->frames_left, 1);
	frame = malloc((size_t)width * height * 3 / 2);
	assert_non_null(frame);
	video_rig_frame(atomic_fetch_add(&rig->frame, 1) + 1, width, height, frame);
	memcpy(y, frame, (size_t)width * height);
	memcpy(cbcr, frame + (size_t)width * height, (size_t)width * height / 2);
	free(frame);
	return true;
}

static void panel(void *ctx, uint32_t width, uint32_t height, const uint8_t *xrgb)
{
	(void)ctx;
	rig->width = width;
	rig->height = height;
	memcpy(rig->panel, xrgb, (size_t)width * height * 4);
	atomic_fetch_add(&rig->nr_shown, 1);
}

static struct sim_video_cfg model_cfg(const struct fail_rig *r, int i)
{
	return (struct sim_video_cfg){ .bus = r->bus,
				       .base = video_rig_base(i),
				       .sid = RIG_FIRST_SID + (uint32_t)i,
				       .snoop = !r->opts.noncoherent };
}

/* The hardware, and the program whose memory it may be. */
static void plug_in(struct fail_rig *r)
{
	struct sim_video_cfg cfg[RIG_DEVICES];

	rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	rig->machine = r->machine;
	rig->p = r->p;
	for (int i = 0; i < RIG_DEVICES; i++)
		cfg[i] = model_cfg(r, i);
	assert_ok(sim_camera_new(&cfg[CAMERA], sensor, NULL, &rig->model[CAMERA]));
	assert_ok(sim_converter_new(&cfg[CONVERTER], &rig->model[CONVERTER]));
	assert_ok(sim_display_new(&cfg[DISPLAY], panel, NULL, &rig->model[DISPLAY]));
	memset(&chain, 0, sizeof(chain));
	chain.rig = rig;
	if (user)
		assert_ok(chain_program(&chain, 64));
}

static void pull_out(struct fail_rig *r)
{
	(void)r;
	if (chain.as != NULL)
		sim_as_exit(chain.as);
	for (int i = 0; i < RIG_DEVICES; i++)
		sim_video_free(rig->model[i]);
	free(rig);
}

/* True: kept in quarantine, because the hardware did not confirm. The record is all that tells. */
static bool destroy(struct dma_device *dev)
{
	uint32_t before = dma_slot_self()->nr_errors;
	struct dma_error e;

	dma_device_destroy(dev);
	return dev != NULL && dma_slot_self()->nr_errors != before &&
	       dma_last_error(dev, &e) == 0 && e.err == -EBUSY && e.op == DMA_OP_DEVICE;
}

static void end(struct fail_rig *r)
{
	bool kept[RIG_DEVICES];

	for (int d = 0; d < RIG_DEVICES; d++) {
		if (chain.dev[d].dma != NULL)
			video_stop(&chain.dev[d]);
	}
	chain_free_buffers(&chain);
	for (int d = 0; d < RIG_DEVICES; d++)
		kept[d] = destroy(rig->dma[d]);
	sim_machine_fail_nth(r->machine, 0);
	for (int d = 0; d < RIG_DEVICES; d++) {
		if (kept[d])
			assert_ok(dma_device_quiesced(rig->dma[d]));
	}
	assert_ok(dma_iommu_close(r->iommu));
	memset(rig->dma, 0, sizeof(rig->dma));
	memset(chain.dev, 0, sizeof(chain.dev));
	r->iommu = NULL;
}

static int create_devices(struct fail_rig *r)
{
	int err = 0;

	for (int i = 0; i < RIG_DEVICES && err == 0; i++) {
		const struct dma_device_desc desc = { .name = "video",
						      .coherent = !r->opts.noncoherent,
						      .iommu = r->iommu,
						      .requester = RIG_FIRST_SID + (uint32_t)i,
						      .deferred = r->opts.deferred };

		err = dma_device_create(r->p, &desc, &rig->dma[i]);
	}
	return err;
}

static int show(struct fail_rig *r)
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	const struct dma_iommu_desc desc = { .mmio_base = SIM_SMMU_BASE,
					     .granule_lg2 = r->opts.granule_lg2 };
	uint32_t frame = atomic_load(&rig->frame);
	int err = dma_iommu_open(r->p, drivers, &desc, &r->iommu);

	if (err != 0)
		return err;
	err = create_devices(r);
	if (err == 0)
		err = chain_probe(&chain);
	if (err == 0)
		err = user ? chain_map_program(&chain) : chain_alloc(&chain);
	if (err == 0) {
		chain_start(&chain);
		err = chain_frame(&chain);
	}
	if (err == 0)
		video_rig_expect_panel(rig, frame + 1);
	else
		end(r);
	return err;
}

static const struct scenario whole = { .name = "pipeline",
				       .prepare = plug_in,
				       .go = show,
				       .undo = end,
				       .finish = pull_out,
				       .none = true,
				       .silent = true };

TEST(a_pipeline_of_allocated_buffers_fails_whole)
{
	user = false;
	fail_sweep(&whole, &(struct fail_opts){ .granule_lg2 = 12 });
	fail_sweep(&whole, &(struct fail_opts){ .granule_lg2 = 16, .noncoherent = true });
	fail_sweep(&whole, &(struct fail_opts){ .granule_lg2 = 14, .deferred = true });
}

TEST(a_pipeline_of_user_buffers_fails_whole)
{
	user = true;
	fail_sweep(&whole,
		   &(struct fail_opts){ .granule_lg2 = 12, .noncoherent = true, .deferred = true });
	fail_sweep(&whole, &(struct fail_opts){ .granule_lg2 = 14 });
}
