/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bring-up and take-down, in this order and its reverse: board, IOMMU, devices, drivers, buffers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmamap/device.h>
#include <dmamap/fault.h>
#include <dmamap/iommu-driver.h>

#include "sim/smmuv3.h"
#include "tools/dmamap/machine.h"

const char *const device_names[NR_DEVICES] = { "camera", "converter", "display" };
const uint32_t device_addr_bits[NR_DEVICES] = { 32, 32, 28 };

/* Memory is never more contiguous than the SMMU's queues and the largest granule need. */
enum { MAX_BLOCK_BYTES = 64 << 10 };
enum { FIRST_SID = 1, USER_OFFSET = 3 * 64 }; /* the program's buffers start so far into a page */

static uint64_t device_base(int i)
{
	return SIM_DEV_BASE + (uint32_t)i * SIM_DEV_STRIDE;
}

/* The newest failure of the DMA layer as the line that the user sees. */
static int dma_failed(const char *what, int err, char error[ERROR_LEN])
{
	struct dma_error e;
	char text[ERROR_LEN];

	if (dma_last_error(NULL, &e) != 0) {
		snprintf(error, ERROR_LEN, "%s: error %d", what, err);
		return PIPELINE_FAILED;
	}
	dma_explain(&e, text, sizeof(text));
	snprintf(error, ERROR_LEN, "%.40s: %.210s", what, text);
	return e.rule == DMA_RULE_GRANULE ? PIPELINE_BAD_INPUT : PIPELINE_FAILED;
}

static void keep_log(void *ctx, enum dma_log_level level, const char *line)
{
	struct machine *m = ctx;

	(void)level;
	snprintf(m->log, sizeof(m->log), "%.250s", line);
}

static int open_board(struct machine *m, const struct pipeline_opts *opts, char error[ERROR_LEN])
{
	struct sim_smmuv3_cfg smmu;
	struct sim_machine_cfg cfg = {
		.page_lg2 = opts->page_lg2,
		.seed = opts->seed,
		.frag = SIM_FRAG_SCATTER,
		.max_block_bytes = MAX_BLOCK_BYTES,
		.noncoherent = !opts->coherent,
		.smmu = &smmu,
		.log = keep_log,
		.log_ctx = m,
		.log_max = DMA_LOG_WARN,
	};

	sim_smmuv3_cfg_default(&smmu);
	smmu.seed = opts->seed;
	smmu.coherent = opts->coherent;
	if (sim_machine_open(&cfg, &m->sim) != 0) {
		snprintf(error, ERROR_LEN, "the machine cannot be opened: %.200s", m->log);
		return PIPELINE_FAILED;
	}
	m->platform = sim_machine_platform(m->sim);
	return PIPELINE_OK;
}

static int open_iommu(struct machine *m, const struct pipeline_opts *opts, char error[ERROR_LEN])
{
	static const struct dma_iommu_driver *const drivers[] = { &dma_smmuv3_driver, NULL };
	const struct dma_iommu_desc desc = { .mmio_base = SIM_SMMU_BASE,
					     .granule_lg2 = opts->granule_lg2 };
	int err = dma_iommu_open(m->platform, drivers, &desc, &m->iommu);

	return err == 0 ? PIPELINE_OK : dma_failed("the SMMU", err, error);
}

static int open_model(struct machine *m, int i, const struct pipeline_opts *opts,
		      sim_camera_sensor_fn sensor, sim_display_panel_fn panel, void *ctx)
{
	const struct sim_video_cfg cfg = {
		.bus = sim_machine_bus(m->sim),
		.base = device_base(i),
		.sid = FIRST_SID + (uint32_t)i,
		.snoop = opts->coherent,
	};

	if (i == CAMERA)
		return sim_camera_new(&cfg, sensor, ctx, &m->models[i]);
	if (i == CONVERTER)
		return sim_converter_new(&cfg, &m->models[i]);
	return sim_display_new(&cfg, panel, ctx, &m->models[i]);
}

static int open_device(struct machine *m, int i, const struct pipeline_opts *opts,
		       char error[ERROR_LEN])
{
	static int (*const probe[NR_DEVICES])(struct video_dev *v, struct dma_platform *p,
					      struct dma_device *dma, uint64_t base) = {
		camera_probe, converter_probe, display_probe
	};
	const struct dma_device_desc desc = {
		.name = device_names[i],
		.coherent = opts->coherent,
		.iommu = m->iommu,
		.requester = FIRST_SID + (uint32_t)i,
	};
	int err = dma_device_create(m->platform, &desc, &m->devices[i]);

	if (err == 0) {
		err = probe[i](&m->drivers[i], m->platform, m->devices[i],
			       device_base(i));
	}
	return err == 0 ? PIPELINE_OK : dma_failed(device_names[i], err, error);
}

/* Allocated by the device at the narrow end, imported by the converter. */
static int alloc_buffer(struct machine *m, int i)
{
	struct frame_buffer *b = &m->buffers[i];
	int owner = i < NR_NV12 ? CAMERA : DISPLAY;
	int err = video_buffer_alloc(&m->drivers[owner], b->len, &b->on[owner]);

	if (err != 0)
		return err;
	return video_buffer_import(&m->drivers[CONVERTER], &b->on[owner],
				   i < NR_NV12 ? DMA_TO_DEVICE : DMA_FROM_DEVICE,
				   &b->on[CONVERTER]);
}

/* Memory that the program allocated page by page; whoever writes it first does the cache work. */
static int map_user_buffer(struct machine *m, int i)
{
	struct frame_buffer *b = &m->buffers[i];
	int writer = i < NR_NV12 ? CAMERA : CONVERTER, reader = i < NR_NV12 ? CONVERTER : DISPLAY;
	uint64_t uaddr;
	int err = sim_as_alloc(m->program, USER_OFFSET + b->len, 0, &uaddr);

	if (err != 0)
		return err;
	err = video_buffer_user(&m->drivers[writer], m->program, uaddr + USER_OFFSET, b->len,
				DMA_FROM_DEVICE, false, &b->on[writer]);
	if (err != 0)
		return err;
	return video_buffer_user(&m->drivers[reader], m->program, uaddr + USER_OFFSET, b->len,
				 DMA_TO_DEVICE, true, &b->on[reader]);
}

/* Neighbouring entries that are physically contiguous make one run. */
static int note_runs(struct frame_buffer *b)
{
	struct video_buffer *v = &b->on[CONVERTER];
	const struct sg_table *sgt = v->kind == VIDEO_BUFFER_USER ? dma_user_map_sgtable(v->user)
								  : &v->sgt;
	struct scatterlist *sg;
	unsigned int i;

	b->runs = calloc(sgt->orig_nents, sizeof(*b->runs));
	if (b->runs == NULL)
		return -ENOMEM;
	for_each_sg(sgt->sgl, sg, sgt->orig_nents, i) {
		struct dma_phys_run *last = b->nr_runs != 0 ? &b->runs[b->nr_runs - 1] : NULL;

		if (last != NULL && last->phys + last->len == sg_phys(sg))
			last->len += sg->length;
		else
			b->runs[b->nr_runs++] = (struct dma_phys_run){ sg_phys(sg), sg->length };
	}
	return 0;
}

static int open_buffers(struct machine *m, const struct pipeline_opts *opts, char error[ERROR_LEN])
{
	if (opts->user_buffers && sim_as_new(m->sim, &m->program) != 0) {
		snprintf(error, ERROR_LEN, "no user program can be started: %.200s", m->log);
		return PIPELINE_FAILED;
	}
	for (int i = 0; i < NR_BUFFERS; i++) {
		int err;

		m->buffers[i].len = i < NR_NV12 ? NV12_BYTES : XRGB_BYTES;
		err = opts->user_buffers ? map_user_buffer(m, i) : alloc_buffer(m, i);
		if (err != 0)
			return dma_failed(i < NR_NV12 ? "NV12 buffer" : "XRGB buffer", err, error);
		if (note_runs(&m->buffers[i]) != 0) {
			snprintf(error, ERROR_LEN, "out of memory");
			return PIPELINE_FAILED;
		}
	}
	return PIPELINE_OK;
}

int machine_open(struct machine *m, const struct pipeline_opts *opts, sim_camera_sensor_fn sensor,
		 sim_display_panel_fn panel, void *ctx, char error[ERROR_LEN])
{
	int status;

	memset(m, 0, sizeof(*m));
	status = open_board(m, opts, error);
	if (status == PIPELINE_OK)
		status = open_iommu(m, opts, error);
	for (int i = 0; i < NR_DEVICES && status == PIPELINE_OK; i++) {
		int err = open_model(m, i, opts, sensor, panel, ctx);

		if (err != 0) {
			snprintf(error, ERROR_LEN, "the %s cannot be plugged in: error %d",
				 device_names[i], err);
			return PIPELINE_FAILED;
		}
		status = open_device(m, i, opts, error);
	}
	if (status == PIPELINE_OK)
		status = open_buffers(m, opts, error);
	return status;
}

static void close_buffers(struct machine *m)
{
	for (int i = 0; i < NR_BUFFERS; i++) {
		struct frame_buffer *b = &m->buffers[i];

		/* The converter imports what camera and display own. */
		video_buffer_free(&b->on[CONVERTER]);
		video_buffer_free(&b->on[CAMERA]);
		video_buffer_free(&b->on[DISPLAY]);
		free(b->runs);
	}
	if (m->program != NULL)
		sim_as_exit(m->program);
}

static void close_devices(struct machine *m)
{
	for (int i = 0; i < NR_DEVICES; i++) {
		if (m->drivers[i].platform != NULL)
			video_stop(&m->drivers[i]);
	}
	close_buffers(m);
	for (int i = 0; i < NR_DEVICES; i++) {
		dma_device_destroy(m->devices[i]);
		sim_video_free(m->models[i]);
	}
}

bool machine_close(struct machine *m, char error[ERROR_LEN])
{
	struct sim_machine_leaks leaks;
	bool ok = true;

	if (m->sim == NULL)
		return true;
	close_devices(m);
	if (dma_iommu_close(m->iommu) != 0) {
		snprintf(error, ERROR_LEN, "the SMMU is still in use at the end");
		ok = false;
	}
	if (!sim_machine_close(m->sim, &leaks) && ok) {
		snprintf(error, ERROR_LEN,
			 "left behind: %llu pages, %llu pinned, %llu bytes of metadata",
			 (unsigned long long)leaks.pages, (unsigned long long)leaks.pinned_pages,
			 (unsigned long long)leaks.meta_bytes);
		ok = false;
	}
	m->sim = NULL;
	return ok;
}
