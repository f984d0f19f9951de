/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames through the machine: a buffer is free, with the camera, waiting for the converter, with
 * the converter, waiting for the display, or with the display; never with two of them. No picture
 * data is touched here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmamap/fault.h>
#include <dmamap/iommu.h>

#include "tools/dmamap/machine.h"

enum { MAX_IDLE_POLLS = 2000000 };

/* A first-in first-out list of buffer numbers. */
struct fifo {
	uint32_t nr;
	uint32_t idx[NR_BUFFERS];
};

/**
 * struct run - one run of the pipeline
 * @machine: the machine
 * @source: where the sensor's frames come from
 * @output: where the panel's pictures go
 * @nv12_free: NV12 buffers nobody uses
 * @nv12_full: with a frame for the converter
 * @xrgb_free: XRGB buffers nobody uses
 * @xrgb_full: with a picture for the display
 * @nv12_of: by XRGB buffer in the converter: the NV12 buffer it is made from
 * @nr_sensed: frames the sensor gave
 * @ended: the sensor has no more frames
 * @source_failed: because of an error
 * @error: the line that tells
 */
struct run {
	struct machine machine;
	struct source *source;
	struct output *output;
	struct fifo nv12_free, nv12_full, xrgb_free, xrgb_full;
	uint32_t nv12_of[NR_BUFFERS];
	uint32_t nr_sensed;
	bool ended;
	bool source_failed;
	char *error;
};

static void fifo_put(struct fifo *f, uint32_t idx)
{
	f->idx[f->nr++] = idx;
}

static uint32_t fifo_take(struct fifo *f)
{
	uint32_t idx = f->idx[0];

	f->nr--;
	memmove(&f->idx[0], &f->idx[1], f->nr * sizeof(f->idx[0]));
	return idx;
}

static bool sensor(void *ctx, uint32_t width, uint32_t height, uint8_t *y, uint8_t *cbcr)
{
	struct run *r = ctx;
	int got;

	(void)width;
	(void)height;
	if (r->ended)
		return false;
	got = source_read(r->source, y, cbcr, r->error);
	r->ended = got != 1;
	r->source_failed = got < 0;
	r->nr_sensed += got == 1;
	return got == 1;
}

static void panel(void *ctx, uint32_t width, uint32_t height, const uint8_t *xrgb)
{
	struct run *r = ctx;

	(void)width;
	(void)height;
	output_frame(r->output, xrgb);
	progress_show(output_nr_frames(r->output), source_nr_frames(r->source));
}

/* A device refused or was refused: say what the IOMMU saw. */
static int device_failed(struct run *r, int dev, int err, uint64_t addr)
{
	struct dma_fault fault;

	if (err == -EIO && dma_fault_poll(r->machine.iommu, &fault) == 1) {
		snprintf(r->error, ERROR_LEN, "%s: access to 0x%llx refused: %s at 0x%llx",
			 device_names[dev], (unsigned long long)addr,
			 dma_fault_reason_name(fault.reason), (unsigned long long)fault.iova);
	} else {
		snprintf(r->error, ERROR_LEN, "%s: error %d at 0x%llx", device_names[dev], err,
			 (unsigned long long)addr);
	}
	return PIPELINE_FAILED;
}

static int feed(struct run *r)
{
	struct machine *m = &r->machine;
	int err = 0, dev = CAMERA;

	while (err == 0 && !r->ended && r->nv12_free.nr != 0) {
		uint32_t i = r->nv12_free.idx[0];

		dev = CAMERA;
		err = camera_queue(&m->drivers[CAMERA], &m->buffers[i].on[CAMERA], SOURCE_WIDTH,
				   SOURCE_HEIGHT, i);
		if (err == 0)
			fifo_take(&r->nv12_free);
	}
	while ((err == 0 || err == -EAGAIN) && r->nv12_full.nr != 0 && r->xrgb_free.nr != 0) {
		uint32_t from = r->nv12_full.idx[0], to = r->xrgb_free.idx[0];

		dev = CONVERTER;
		err = converter_queue(&m->drivers[CONVERTER], &m->buffers[from].on[CONVERTER],
				      &m->buffers[to].on[CONVERTER], SOURCE_WIDTH, SOURCE_HEIGHT,
				      to);
		if (err != 0)
			break;
		r->nv12_of[fifo_take(&r->xrgb_free)] = fifo_take(&r->nv12_full);
	}
	while ((err == 0 || err == -EAGAIN) && r->xrgb_full.nr != 0) {
		uint32_t i = r->xrgb_full.idx[0];

		dev = DISPLAY;
		err = display_queue(&m->drivers[DISPLAY], &m->buffers[i].on[DISPLAY], SOURCE_WIDTH,
				    SOURCE_HEIGHT, i);
		if (err != 0)
			break;
		fifo_take(&r->xrgb_full);
	}
	return err == 0 || err == -EAGAIN ? PIPELINE_OK : device_failed(r, dev, err, 0);
}

/* What is done moves on; @moved counts. */
static int collect(struct run *r, uint32_t *moved)
{
	struct machine *m = &r->machine;

	for (int dev = 0; dev < NR_DEVICES; dev++) {
		uint64_t addr = 0;
		uint32_t idx;
		int got;

		while ((got = video_poll(&m->drivers[dev], &idx, &addr)) == 1) {
			(*moved)++;
			if (dev == CAMERA) {
				fifo_put(&r->nv12_full, idx);
			} else if (dev == CONVERTER) {
				fifo_put(&r->nv12_free, r->nv12_of[idx]);
				fifo_put(&r->xrgb_full, idx);
			} else {
				fifo_put(&r->xrgb_free, idx);
			}
		}
		if (got < 0)
			return device_failed(r, dev, got, addr);
	}
	return PIPELINE_OK;
}

static int move_frames(struct run *r)
{
	uint32_t idle = 0;

	for (int i = 0; i < NR_DEVICES; i++)
		video_start(&r->machine.drivers[i]);
	while (!r->ended || output_nr_frames(r->output) != r->nr_sensed) {
		uint32_t moved = 0;
		int status = feed(r);

		if (status == PIPELINE_OK)
			status = collect(r, &moved);
		if (status != PIPELINE_OK)
			return status;
		idle = moved != 0 ? 0 : idle + 1;
		if (idle == MAX_IDLE_POLLS) {
			snprintf(r->error, ERROR_LEN, "the devices stand still at frame %u",
				 output_nr_frames(r->output));
			return PIPELINE_FAILED;
		}
		r->machine.platform->relax(r->machine.platform);
	}
	return r->source_failed ? PIPELINE_BAD_INPUT : PIPELINE_OK;
}

/* Facts about the buffers' memory, while they are all in use. */
static int note_view(struct run *r, struct pipeline_result *res)
{
	struct machine *m = &r->machine;
	struct sim_machine_view view;

	for (int i = 0; i < NR_BUFFERS; i++) {
		const struct frame_buffer *b = &m->buffers[i];

		if (sim_machine_view(m->sim, b->runs, b->nr_runs, &view) != 0) {
			snprintf(r->error, ERROR_LEN, "the process's memory map cannot be read");
			return PIPELINE_FAILED;
		}
		res->buffer_bytes += b->len;
		res->cpu_mapped_bytes += view.kernel_mapped_bytes;
		res->user_mapped_bytes += view.user_mapped_bytes;
		res->cpu_copies += view.kernel_written_pages + view.user_written_pages;
		if (b->nr_runs > res->phys_runs_per_buffer)
			res->phys_runs_per_buffer = b->nr_runs;
		for (int dev = 0; dev < NR_DEVICES; dev++) {
			if (b->on[dev].nr_segments > res->iova_segments_per_buffer)
				res->iova_segments_per_buffer = b->on[dev].nr_segments;
		}
	}
	return PIPELINE_OK;
}

static void note_counts(struct run *r, struct pipeline_result *res)
{
	struct machine *m = &r->machine;
	struct sim_requester_stats stats;
	struct dma_iommu_info info;
	struct dma_fault fault;

	for (uint32_t sid = 1; sid <= NR_DEVICES; sid++) {
		if (sim_bus_stats(sim_machine_bus(m->sim), sid, &stats) == 0)
			res->dma_bytes += stats.read_bytes + stats.write_bytes;
	}
	while (dma_fault_poll(m->iommu, &fault) == 1)
		res->faults++;
	res->faults += dma_fault_lost(m->iommu);
	dma_iommu_get_info(m->iommu, &info);
	res->invalidations = info.nr_invalidations;
	res->frames = output_nr_frames(r->output);
	output_sha256(r->output, res->output_sha256);
}

static int write_texts(struct run *r, const struct pipeline_opts *opts,
		       const struct pipeline_result *res)
{
	char *json = summary_json(opts, res), *html = report_html(&r->machine, opts, res);
	bool ok = json != NULL && html != NULL;

	if (!ok)
		snprintf(r->error, ERROR_LEN, "out of memory");
	ok = ok && output_text(r->output, OUTPUT_SUMMARY, json, r->error) &&
	     output_text(r->output, OUTPUT_REPORT, html, r->error);
	free(json);
	free(html);
	return ok ? PIPELINE_OK : PIPELINE_FAILED;
}

static int run_machine(struct run *r, const struct pipeline_opts *opts, struct pipeline_result *res)
{
	char close_error[ERROR_LEN];
	int status = machine_open(&r->machine, opts, sensor, panel, r, r->error);

	for (uint32_t i = 0; i < NR_NV12; i++)
		fifo_put(&r->nv12_free, i);
	for (uint32_t i = NR_NV12; i < NR_BUFFERS; i++)
		fifo_put(&r->xrgb_free, i);
	if (status == PIPELINE_OK) {
		sim_machine_watch_writes(r->machine.sim);
		status = move_frames(r);
	}
	if (status == PIPELINE_OK)
		status = note_view(r, res);
	if (status == PIPELINE_OK) {
		note_counts(r, res);
		status = write_texts(r, opts, res);
	}
	if (!machine_close(&r->machine, close_error) && status == PIPELINE_OK) {
		snprintf(r->error, ERROR_LEN, "%s", close_error);
		status = PIPELINE_FAILED;
	}
	return status;
}

int pipeline_run(const struct pipeline_opts *opts, struct pipeline_result *result,
		 char error[ERROR_LEN])
{
	struct run *r = calloc(1, sizeof(*r));
	uint32_t rate_num, rate_den;
	int status = PIPELINE_BAD_INPUT;

	if (r == NULL) {
		snprintf(error, ERROR_LEN, "out of memory");
		return PIPELINE_FAILED;
	}
	r->error = error;
	if (!source_open(opts->input, opts->nr_frames, &r->source, error))
		goto out_run;
	source_rate(r->source, &rate_num, &rate_den);
	if (!output_open(opts->out_dir, rate_num, rate_den, &r->output, error))
		goto out_source;
	status = run_machine(r, opts, result);
	if (status != PIPELINE_OK)
		output_discard(r->output);
	else if (!output_commit(r->output, error))
		status = PIPELINE_FAILED;

out_source:
	source_close(r->source);
out_run:
	free(r);
	return status;
}
