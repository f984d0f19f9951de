/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes planted in a test copy of the video drivers, and in who uses them: each is noticed by a
 * scenario that the unspoilt copy passes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/video_chain.h"
#include "tests/tool/planted.h"

#define PLANTED_ORIGINALS
#include "tests/tool/planted_drv.h"

enum { MAX_HELD = 8 };

int planted_set_mask(struct dma_device *dev, uint64_t mask)
{
	return planted_is(PLANTED_NO_MASK) ? 0 : dma_set_mask_and_coherent(dev, mask);
}

int planted_map_sgtable(struct dma_device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			unsigned long attrs)
{
	if (dir == DMA_FROM_DEVICE && planted_is(PLANTED_OTHER_DIRECTION))
		dir = DMA_TO_DEVICE;
	return dma_map_sgtable(dev, sgt, dir, attrs);
}

int planted_map_user(struct dma_device *dev, struct dma_as *as, uint64_t uaddr, uint64_t len,
		     enum dma_data_direction dir, unsigned long attrs, struct dma_user_map **map)
{
	if (planted_is(PLANTED_USER_NOT_SYNCED))
		attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	return dma_map_user(dev, as, uaddr, len, dir, attrs, map);
}

uint32_t planted_readl(struct dma_platform *p, uint64_t addr)
{
	uint32_t value = dma_readl(p, addr), reg = addr & 0xfff;

	if (reg == REG_DONE_COUNT && planted_is(PLANTED_EARLY_DONE))
		return UINT32_MAX;
	if (reg == REG_STATUS && planted_is(PLANTED_ERROR_IGNORED))
		value &= ~(uint32_t)STATUS_ERROR;
	return value;
}

static struct {
	uint64_t addr[MAX_HELD];
	uint32_t value[MAX_HELD];
	uint32_t nr;
} held;

void planted_writel(struct dma_platform *p, uint64_t addr, uint32_t value)
{
	uint32_t reg = addr & 0xfff;

	if (reg == REG_CTRL && value == CTRL_RESET && planted_is(PLANTED_NO_STOP))
		return;
	if (reg >= REG_SRC0 && reg < REG_COOKIE && planted_is(PLANTED_QUEUE_FIRST)) {
		assert_true(held.nr < MAX_HELD);
		held.addr[held.nr] = addr;
		held.value[held.nr++] = value;
		return;
	}
	dma_writel(p, addr, value);
	for (uint32_t i = 0; reg == REG_QUEUE && i < held.nr; i++)
		dma_writel(p, held.addr[i], held.value[i]);
	if (reg == REG_QUEUE)
		held.nr = 0;
}

/* A scenario: NULL, or what is wrong. */
typedef const char *(*scenario_fn)(struct video_chain *c);

static bool shows(struct video_chain *c, const uint8_t *nv12)
{
	return c->rig->width == CHAIN_WIDTH && c->rig->height == CHAIN_HEIGHT &&
	       video_rig_is_converted(nv12, CHAIN_WIDTH, CHAIN_HEIGHT, c->rig->panel);
}

static const char *faults_of(struct video_chain *c)
{
	struct dma_fault fault;

	return dma_fault_poll(c->rig->iommu, &fault) == 1 ? "the IOMMU refused an access" : NULL;
}

/* Frames in allocated memory, from the sensor to the panel. */
static const char *frames(struct video_chain *c)
{
	if (chain_probe(c) != 0 || chain_alloc(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	for (uint32_t i = 1; i <= 3; i++) {
		int err = chain_capture(c);

		if (err == 0)
			err = chain_convert(c);
		if (planted_now == PLANTED_UNMAP_FIRST && i == 2) {
			planted_hits++;
			video_buffer_free(&c->xrgb[1]);
		}
		if (err == 0)
			err = chain_show(c);
		if (faults_of(c) != NULL)
			return "the IOMMU refused an access";
		if (err != 0)
			return err == -EINVAL ? "a device refuses a buffer" : "a device failed";
		if (atomic_load(&c->rig->nr_shown) != i || !video_rig_panel_shows(c->rig, i))
			return "the panel shows something else";
	}
	return NULL;
}

/* What a buffer of the camera holds, past every cache. */
static void peek_frame(struct video_chain *c, uint8_t *nv12)
{
	const struct sg_table *sgt = &c->nv12[1].sgt;
	size_t left = CHAIN_NV12_BYTES;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i)
	{
		size_t len = sg->length < left ? sg->length : left;

		assert_ok(sim_machine_peek(c->rig->machine, sg_phys(sg), nv12, len));
		nv12 += len;
		left -= len;
	}
}

/* Done means that the last byte is there. */
static const char *complete_when_done(struct video_chain *c)
{
	uint8_t got[CHAIN_NV12_BYTES], want[CHAIN_NV12_BYTES];
	uint32_t cookie;
	uint64_t addr;

	if (chain_probe(c) != 0 || chain_alloc(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	atomic_store(&c->rig->frames_left, 1);
	if (camera_queue(&c->dev[CAMERA], &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, 1) != 0)
		return "no buffer can be queued";
	while (video_poll(&c->dev[CAMERA], &cookie, &addr) == 0)
		;
	peek_frame(c, got);
	video_rig_frame(1, CHAIN_WIDTH, CHAIN_HEIGHT, want);
	return memcmp(got, want, sizeof(got)) == 0 ? NULL : "the frame is not complete";
}

/* The buffer goes while the device still has it. */
static const char *unmapped_in_work(struct video_chain *c)
{
	const char *wrong = NULL;

	if (chain_probe(c) != 0 || chain_alloc(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	atomic_store(&c->rig->frames_left, 1);
	if (camera_queue(&c->dev[CAMERA], &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, 1) != 0)
		return "no buffer can be queued";
	if (planted_is(PLANTED_UNMAP_FIRST))
		video_buffer_free(&c->nv12[0]);
	if (chain_wait(c, CAMERA) != 0)
		wrong = "the camera cannot write its buffer";
	return wrong;
}

/* The end: stopped, then freed; a frame of the sensor comes too late. */
static const char *end_of_work(struct video_chain *c)
{
	if (chain_probe(c) != 0 || chain_alloc(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	for (uint32_t i = 0; i < 3; i++) {
		if (camera_queue(&c->dev[CAMERA], &c->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, i) != 0)
			return "no buffer can be queued";
	}
	video_rig_run(c->rig);
	if (planted_is(PLANTED_FREE_FIRST)) {
		chain_free_buffers(c);
	} else {
		video_stop(&c->dev[CAMERA]);
		chain_free_buffers(c);
	}
	atomic_store(&c->rig->frames_left, 3);
	sim_camera_frame_ready(c->rig->model[CAMERA]);
	video_rig_run(c->rig);
	video_stop(&c->dev[CAMERA]);
	return faults_of(c);
}

/* An address that is nobody's: the driver must say so. */
static const char *refused_buffer(struct video_chain *c)
{
	const struct video_buffer nowhere = { .addr = 0x7000000, .len = CHAIN_XRGB_BYTES };

	if (chain_probe(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	if (display_queue(&c->dev[DISPLAY], &nowhere, CHAIN_WIDTH, CHAIN_HEIGHT, 1) != 0)
		return "no buffer can be queued";
	return chain_wait(c, DISPLAY) == -EIO ? NULL : "a refused access is not told";
}

/* The program draws a picture in its own memory and has it shown. */
static const char *drawn_by_the_program(struct video_chain *c)
{
	uint8_t nv12[CHAIN_NV12_BYTES], *at;

	if (chain_probe(c) != 0 || chain_program(c, 128) != 0)
		return "the machine does not come up";
	chain_start(c);
	for (uint32_t i = 0; i < 3; i++) {
		video_rig_frame(40 + i, CHAIN_WIDTH, CHAIN_HEIGHT, nv12);
		at = sim_as_ptr(c->as, c->nv12_uaddr);
		memcpy(at, nv12, sizeof(nv12));
		assert_ok(video_buffer_user(&c->dev[CONVERTER], c->as, c->nv12_uaddr,
					    CHAIN_NV12_BYTES, DMA_TO_DEVICE, false, &c->nv12[1]));
		assert_ok(video_buffer_user(&c->dev[CONVERTER], c->as, c->xrgb_uaddr,
					    CHAIN_XRGB_BYTES, DMA_FROM_DEVICE, false, &c->xrgb[0]));
		if (chain_convert(c) != 0)
			return "the converter failed";
		chain_free_buffers(c);
		at = sim_as_ptr(c->as, c->xrgb_uaddr);
		if (!video_rig_is_converted(nv12, CHAIN_WIDTH, CHAIN_HEIGHT, at))
			return "the program sees another picture than it drew";
		memset(at, 0x55, CHAIN_XRGB_BYTES);
	}
	return NULL;
}

/* Every pixel of the first lines gets @luma. */
static void draw(uint8_t *nv12, uint8_t luma)
{
	memset(nv12, luma, CHAIN_WIDTH * 8);
}

/* The program looks at each frame and draws into it, in buffers that stay mapped. */
static const char *looked_at_and_drawn_into(struct video_chain *c)
{
	uint8_t want[CHAIN_NV12_BYTES], *at;

	if (chain_probe(c) != 0 || chain_program(c, 64) != 0 || chain_map_program(c) != 0)
		return "the machine does not come up";
	chain_start(c);
	at = sim_as_ptr(c->as, c->nv12_uaddr);
	for (uint32_t i = 1; i <= 4; i++) {
		uint8_t luma = (uint8_t)(20 + 40 * i);

		if (planted_is(PLANTED_SYNC_BEFORE_DONE))
			dma_sync_user_for_cpu(c->nv12[0].user);
		if (chain_capture(c) != 0)
			return "the camera failed";
		if (planted_now != PLANTED_SYNC_BEFORE_DONE && !planted_is(PLANTED_NO_SYNC_CPU))
			dma_sync_user_for_cpu(c->nv12[0].user);
		video_rig_frame(i, CHAIN_WIDTH, CHAIN_HEIGHT, want);
		if (memcmp(at, want, sizeof(want)) != 0)
			return "the program does not see the frame";
		if (planted_is(PLANTED_SYNC_BEFORE_DRAW))
			dma_sync_user_for_device(c->nv12[1].user);
		draw(want, luma);
		draw(at, luma);
		if (planted_now != PLANTED_SYNC_BEFORE_DRAW && !planted_is(PLANTED_NO_SYNC_DEVICE))
			dma_sync_user_for_device(c->nv12[1].user);
		if (chain_convert(c) != 0 || chain_show(c) != 0)
			return "converter or display failed";
		if (!shows(c, want))
			return "the panel does not show what was drawn";
		dma_sync_user_for_device(c->nv12[0].user);
	}
	return NULL;
}

static const char *run(scenario_fn scenario, const struct video_rig_opts *opts, enum planted what)
{
	struct video_rig_opts with_smmu = *opts;
	struct video_chain c = { 0 };
	const char *wrong;

	with_smmu.smmu = true;
	held.nr = 0;
	planted_now = PLANTED_NOTHING;
	c.rig = video_rig_open(&with_smmu);
	planted_now = what;
	planted_hits = 0;
	wrong = scenario(&c);
	planted_now = PLANTED_NOTHING;
	if (wrong == NULL)
		wrong = faults_of(&c) != NULL && scenario != refused_buffer
				? "the IOMMU refused an access"
				: NULL;
	for (int d = 0; d < RIG_DEVICES; d++)
		video_rig_write(c.rig, d, REG_CTRL, CTRL_RESET);
	chain_free_buffers(&c);
	if (c.as != NULL)
		sim_as_exit(c.as);
	if (what == PLANTED_NOTHING)
		video_rig_close(c.rig);
	else
		video_rig_abandon(c.rig);
	return wrong;
}

/* The unspoilt copy passes, with every seed; the spoilt one does not. */
static void expect_noticed(enum planted what, scenario_fn scenario,
			   const struct video_rig_opts *opts)
{
	struct video_rig_opts plain = *opts;
	const char *wrong;

	for (uint64_t seed = 0; seed < 3; seed++) {
		plain.seed = seed;
		plain.no_evict = seed == 0 && opts->no_evict;
		wrong = run(scenario, &plain, PLANTED_NOTHING);
		if (wrong != NULL)
			fail_msg("nothing planted, but %s", wrong);
	}
	wrong = run(scenario, opts, what);
	if (planted_hits == 0)
		fail_msg("the mistake was never made");
	if (wrong == NULL)
		fail_msg("made %u times, not noticed", planted_hits);
	printf("# %s\n", wrong);
}

#define NOTICED(sentence, what, scenario, ...)                                                     \
	TEST(sentence)                                                                             \
	{                                                                                          \
		expect_noticed(what, scenario,                                                     \
			       &(const struct video_rig_opts){ .granule_lg2 = 12, __VA_ARGS__ }); \
	}

/* The drivers. */
NOTICED(address_lines_that_are_not_told_are_noticed, PLANTED_NO_MASK, frames, .seed = 1)
NOTICED(a_buffer_queued_before_its_addresses_is_noticed, PLANTED_QUEUE_FIRST, frames, .seed = 1)
NOTICED(a_device_that_is_not_stopped_is_noticed, PLANTED_NO_STOP, end_of_work, .seed = 1)
NOTICED(done_before_it_is_is_noticed, PLANTED_EARLY_DONE, complete_when_done, .seed = 1)
NOTICED(an_error_that_nobody_looks_at_is_noticed, PLANTED_ERROR_IGNORED, refused_buffer, .seed = 1)
NOTICED(an_import_in_the_wrong_direction_is_noticed, PLANTED_OTHER_DIRECTION, frames, .seed = 1)
NOTICED(a_programs_memory_mapped_without_sync_is_noticed, PLANTED_USER_NOT_SYNCED,
	drawn_by_the_program, .noncoherent = true, .no_evict = true)

/* Who uses them. */
NOTICED(freeing_before_stopping_is_noticed, PLANTED_FREE_FIRST, end_of_work, .seed = 1)
NOTICED(unmapping_before_the_device_is_done_is_noticed, PLANTED_UNMAP_FIRST, unmapped_in_work,
	.seed = 1)
NOTICED(unmapping_before_the_last_device_is_done_is_noticed, PLANTED_UNMAP_FIRST, frames, .seed = 1)
NOTICED(no_sync_before_the_cpu_reads_is_noticed, PLANTED_NO_SYNC_CPU, looked_at_and_drawn_into,
	.noncoherent = true, .no_evict = true)
NOTICED(no_sync_after_the_cpu_wrote_is_noticed, PLANTED_NO_SYNC_DEVICE, looked_at_and_drawn_into,
	.noncoherent = true, .no_evict = true)
NOTICED(a_sync_before_the_cpu_writes_is_noticed, PLANTED_SYNC_BEFORE_DRAW, looked_at_and_drawn_into,
	.noncoherent = true, .no_evict = true)
NOTICED(a_sync_before_the_device_is_done_is_noticed, PLANTED_SYNC_BEFORE_DONE,
	looked_at_and_drawn_into, .noncoherent = true, .no_evict = true)
