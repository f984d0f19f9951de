/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, queue and errors of the video devices, from docs/design/video-devices.md. What a
 * device does with a buffer is in camera.c, converter.c and display.c.
 */
#include <stdlib.h>
#include <string.h>

#include <dmamap/errno.h>

#include "sim/video_model.h"

enum reg {
	REG_ID = 0x00,
	REG_CAPS = 0x04,
	REG_CTRL = 0x08,
	REG_STATUS = 0x0c,
	REG_DONE_COUNT = 0x10,
	REG_QUEUED = 0x14,
	REG_ERROR_ADDR = 0x18,
	REG_ERROR_COUNT = 0x1c,
	REG_WIDTH = 0x20,
	REG_HEIGHT = 0x24,
	REG_SRC0_ADDR = 0x28,
	REG_SRC0_STRIDE = 0x2c,
	REG_SRC1_ADDR = 0x30,
	REG_SRC1_STRIDE = 0x34,
	REG_DST0_ADDR = 0x38,
	REG_DST0_STRIDE = 0x3c,
	REG_DST1_ADDR = 0x40,
	REG_DST1_STRIDE = 0x44,
	REG_COOKIE = 0x48,
	REG_QUEUE = 0x4c,
	REG_DONE_COOKIE = 0x50,
	REGS_LEN = 0x1000,
};

#define CTRL_RUN 0x1u
#define CTRL_RESET 0x2u
#define STATUS_DONE 0x1u
#define STATUS_ERROR 0x2u
#define STATUS_OVERFLOW 0x4u
#define STATUS_BAD_CONFIG 0x8u
#define STATUS_CLEARABLE 0xfu
#define STATUS_BUSY 0x100u
#define STATUS_FULL 0x200u

/* The parameter registers in the shadow job; NULL for any other offset. */
static uint32_t *shadow_reg(struct sim_video *v, uint64_t offset)
{
	struct video_job *s = &v->shadow;

	switch (offset) {
	case REG_WIDTH:
		return &s->width;
	case REG_HEIGHT:
		return &s->height;
	case REG_SRC0_ADDR:
		return &s->src_addr[0];
	case REG_SRC0_STRIDE:
		return &s->src_stride[0];
	case REG_SRC1_ADDR:
		return &s->src_addr[1];
	case REG_SRC1_STRIDE:
		return &s->src_stride[1];
	case REG_DST0_ADDR:
		return &s->dst_addr[0];
	case REG_DST0_STRIDE:
		return &s->dst_stride[0];
	case REG_DST1_ADDR:
		return &s->dst_addr[1];
	case REG_DST1_STRIDE:
		return &s->dst_stride[1];
	case REG_COOKIE:
		return &s->cookie;
	default:
		return NULL;
	}
}

static bool is_addr_reg(uint64_t offset)
{
	return offset == REG_SRC0_ADDR || offset == REG_SRC1_ADDR || offset == REG_DST0_ADDR ||
	       offset == REG_DST1_ADDR;
}

static bool size_ok(uint32_t n)
{
	return n >= 2 && n <= VIDEO_MAX_SIZE && n % 2 == 0;
}

static bool stride_ok(uint32_t stride, uint32_t width, uint32_t bytes)
{
	return bytes == 0 || (stride % 4 == 0 && stride >= width * bytes);
}

static bool job_ok(const struct video_kind *k, const struct video_job *j)
{
	bool ok = size_ok(j->width) && size_ok(j->height);

	for (int i = 0; i < 2; i++) {
		ok = ok && stride_ok(j->src_stride[i], j->width, k->src_bytes[i]) &&
		     stride_ok(j->dst_stride[i], j->width, k->dst_bytes[i]);
	}
	return ok;
}

static void enqueue(struct sim_video *v)
{
	if (v->nr_queued == VIDEO_QUEUE_DEPTH) {
		v->status |= STATUS_OVERFLOW;
		return;
	}
	if (!job_ok(v->kind, &v->shadow)) {
		v->status |= STATUS_BAD_CONFIG;
		return;
	}
	v->queue[v->nr_queued++] = v->shadow;
}

static void reset(struct sim_video *v)
{
	v->running = 0;
	v->status = 0;
	v->done_count = 0;
	v->done_cookie = 0;
	v->error_addr = 0;
	v->error_count = 0;
	v->nr_queued = 0;
	v->begun = false;
	memset(&v->shadow, 0, sizeof(v->shadow));
}

static uint32_t read_locked(struct sim_video *v, uint64_t offset)
{
	const uint32_t *shadow = shadow_reg(v, offset);

	if (shadow != NULL)
		return *shadow;
	switch (offset) {
	case REG_ID:
		return v->kind->id;
	case REG_CAPS:
		return v->kind->addr_bits | VIDEO_QUEUE_DEPTH << 8;
	case REG_CTRL:
		return v->running;
	case REG_STATUS:
		return v->status | (v->nr_queued != 0 && v->running ? STATUS_BUSY : 0) |
		       (v->nr_queued == VIDEO_QUEUE_DEPTH ? STATUS_FULL : 0);
	case REG_DONE_COUNT:
		return v->done_count;
	case REG_QUEUED:
		return v->nr_queued;
	case REG_ERROR_ADDR:
		return v->error_addr;
	case REG_ERROR_COUNT:
		return v->error_count;
	case REG_DONE_COOKIE:
		return v->done_cookie;
	default:
		return 0;
	}
}

static uint64_t video_read(void *ctx, uint64_t offset, uint32_t width)
{
	struct sim_video *v = ctx;
	uint32_t value;

	if (width != 4 || offset % 4 != 0)
		return UINT64_MAX;
	sim_engine_lock(v->engine);
	value = read_locked(v, offset);
	sim_engine_unlock(v->engine);
	return value;
}

static void write_locked(struct sim_video *v, uint64_t offset, uint32_t value)
{
	uint32_t *shadow = shadow_reg(v, offset);

	if (shadow != NULL) {
		uint32_t bits = is_addr_reg(offset) ? v->kind->addr_bits : 32;

		*shadow = bits == 32 ? value : value & ((1u << bits) - 1);
	} else if (offset == REG_CTRL && (value & CTRL_RESET)) {
		reset(v);
	} else if (offset == REG_CTRL) {
		if (!v->running)
			v->begun = false;
		v->running = value & CTRL_RUN;
	} else if (offset == REG_STATUS) {
		v->status &= ~(value & STATUS_CLEARABLE);
	} else if (offset == REG_QUEUE) {
		enqueue(v);
	}
}

static void video_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	struct sim_video *v = ctx;

	if (width != 4 || offset % 4 != 0)
		return;
	sim_engine_lock(v->engine);
	write_locked(v, offset, (uint32_t)value);
	sim_engine_unlock(v->engine);
	sim_engine_kick(v->engine);
}

static const struct sim_mmio_ops video_regs = { .read = video_read, .write = video_write };

bool video_dma(struct sim_video *v, uint32_t addr, bool write, void *buf, uint32_t len)
{
	size_t done = 0;

	if (sim_bus_dma(v->cfg.bus, v->cfg.sid, addr, write, buf, len, &done) == 0)
		return true;
	if (!(v->status & STATUS_ERROR))
		v->error_addr = addr + (uint32_t)done;
	v->status |= STATUS_ERROR;
	v->error_count++;
	v->running = 0;
	return false;
}

static void complete(struct sim_video *v)
{
	struct video_job job = v->queue[0];

	if (v->kind->end != NULL)
		v->kind->end(v, &job);
	v->nr_queued--;
	memmove(&v->queue[0], &v->queue[1], v->nr_queued * sizeof(v->queue[0]));
	v->begun = false;
	v->done_cookie = job.cookie;
	v->done_count++;
	v->status |= STATUS_DONE;
}

/* The engine holds the lock. One step: VIDEO_ROWS_A_STEP lines. */
static enum sim_step video_step(void *ctx)
{
	struct sim_video *v = ctx;
	struct video_job *job = &v->queue[0];
	uint32_t nr;

	if (!v->running || v->nr_queued == 0)
		return SIM_STEP_IDLE;
	if (!v->begun) {
		if (v->kind->begin != NULL && !v->kind->begin(v, job))
			return SIM_STEP_IDLE;
		v->begun = true;
		v->row = 0;
	}
	nr = job->height - v->row;
	if (nr > VIDEO_ROWS_A_STEP)
		nr = VIDEO_ROWS_A_STEP;
	if (!v->kind->rows(v, job, v->row, nr)) {
		v->begun = false;
		return SIM_STEP_IDLE;
	}
	v->row += nr;
	if (v->row == job->height)
		complete(v);
	return SIM_STEP_MORE;
}

static void free_memory(struct sim_video *v)
{
	free(v->picture);
	free(v->lines);
	free(v);
}

static int plug_in(struct sim_video *v)
{
	const struct sim_requester req = {
		.sid = v->cfg.sid,
		.addr_bits = v->kind->addr_bits,
		.snoop = v->cfg.snoop,
		.no_iommu = v->cfg.no_iommu,
		.name = v->kind->name,
	};
	int err;

	err = sim_engine_new(sim_bus_engines(v->cfg.bus), v->kind->name, video_step, v, &v->engine);
	if (err != 0)
		return err;
	err = sim_bus_add_requester(v->cfg.bus, &req);
	if (err != 0)
		goto undo_engine;
	err = sim_bus_add_mmio(v->cfg.bus, v->kind->name, v->cfg.base, REGS_LEN, &video_regs, v);
	if (err != 0)
		goto undo_requester;
	return 0;

undo_requester:
	sim_bus_remove_requester(v->cfg.bus, v->cfg.sid);
undo_engine:
	sim_engine_free(v->engine);
	return err;
}

int video_new(const struct sim_video_cfg *cfg, const struct video_kind *kind,
	      struct sim_video **video)
{
	struct sim_video *v = calloc(1, sizeof(*v));
	int err = -ENOMEM;

	if (v == NULL)
		return -ENOMEM;
	v->kind = kind;
	v->cfg = *cfg;
	v->picture = malloc((size_t)VIDEO_MAX_SIZE * VIDEO_MAX_SIZE * 4);
	v->lines = malloc((size_t)VIDEO_ROWS_A_STEP * VIDEO_MAX_SIZE * 8);
	if (v->picture != NULL && v->lines != NULL)
		err = plug_in(v);
	if (err != 0) {
		free_memory(v);
		return err;
	}
	*video = v;
	return 0;
}

void sim_video_free(struct sim_video *video)
{
	if (video == NULL)
		return;
	sim_bus_remove_mmio(video->cfg.bus, video->cfg.base);
	sim_engine_free(video->engine);
	sim_bus_remove_requester(video->cfg.bus, video->cfg.sid);
	free_memory(video);
}
