/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one-page report: the summary, and a picture of physical memory, in which the buffers are
 * scattered, above each device's address space, in which every buffer is one piece. Plain HTML and
 * SVG.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dmamap/machine.h"

enum {
	GRID_COLS = 128,
	GRID_ROWS = 32,
	NR_CELLS = GRID_COLS * GRID_ROWS,
	CELL_PX = 8,
	WIDTH_PX = GRID_COLS * CELL_PX,
	BAR_PX = 26,
};

#define CELL_BYTES (SIM_RAM_BYTES / NR_CELLS)

/* Bytes of each kind of buffer in each cell of physical memory. */
struct cells {
	uint32_t nv12[NR_CELLS];
	uint32_t xrgb[NR_CELLS];
};

static void count_run(uint32_t cells[NR_CELLS], struct dma_phys_run run)
{
	uint64_t at = run.phys - SIM_RAM_BASE, end = at + run.len;

	while (at < end) {
		uint64_t cell = at / CELL_BYTES, cell_end = (cell + 1) * CELL_BYTES;
		uint64_t upto = end < cell_end ? end : cell_end;

		cells[cell] += (uint32_t)(upto - at);
		at = upto;
	}
}

static void count_cells(const struct machine *m, struct cells *c)
{
	memset(c, 0, sizeof(*c));
	for (int i = 0; i < NR_BUFFERS; i++) {
		const struct frame_buffer *b = &m->buffers[i];

		for (uint32_t k = 0; k < b->nr_runs; k++)
			count_run(i < NR_NV12 ? c->nv12 : c->xrgb, b->runs[k]);
	}
}

/* One half of a square: the darker, the more of it is buffers of one kind. */
static void draw_half(FILE *f, int cell, bool right, uint32_t bytes, int hue)
{
	double share = (double)bytes / (double)CELL_BYTES;

	fprintf(f,
		"<rect x=\"%.1f\" y=\"%d\" width=\"3.5\" height=\"7\" "
		"fill=\"hsl(%d %d%% %.0f%%)\"/>",
		cell % GRID_COLS * CELL_PX + (right ? 3.5 : 0), cell / GRID_COLS * CELL_PX, hue,
		bytes != 0 ? 85 : 0, bytes != 0 ? 84 - 40 * (share > 0.5 ? 1 : 2 * share) : 94);
}

static void draw_memory(FILE *f, const struct machine *m)
{
	static struct cells c;

	count_cells(m, &c);
	fprintf(f, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"physical memory\">\n",
		WIDTH_PX, GRID_ROWS * CELL_PX);
	for (int i = 0; i < NR_CELLS; i++) {
		draw_half(f, i, false, c.nv12[i], 205);
		draw_half(f, i, true, c.xrgb[i], 28);
	}
	fprintf(f, "\n</svg>\n");
}

/* Where the device's buffers lie: the window from the first to the last of them. */
static bool device_window(const struct machine *m, int dev, uint64_t *start, uint64_t *end)
{
	*start = UINT64_MAX;
	*end = 0;
	for (int i = 0; i < NR_BUFFERS; i++) {
		const struct video_buffer *v = &m->buffers[i].on[dev];

		if (v->kind == VIDEO_BUFFER_NONE)
			continue;
		if (v->addr < *start)
			*start = v->addr;
		if (v->addr + v->len > *end)
			*end = v->addr + v->len;
	}
	return *end != 0;
}

static void draw_bar(FILE *f, const struct machine *m, int dev, uint64_t start, uint64_t end)
{
	double scale = (double)WIDTH_PX / (double)(end - start);

	fprintf(f, "<svg viewBox=\"0 0 %d %d\"><rect width=\"%d\" height=\"%d\" fill=\"#eee\"/>\n",
		WIDTH_PX, BAR_PX, WIDTH_PX, BAR_PX);
	for (int i = 0; i < NR_BUFFERS; i++) {
		const struct video_buffer *v = &m->buffers[i].on[dev];

		if (v->kind == VIDEO_BUFFER_NONE)
			continue;
		fprintf(f,
			"<rect x=\"%.2f\" width=\"%.2f\" height=\"%d\" class=\"%s\" "
			"stroke-width=\"%.1f\"><title>buffer %d: 0x%" PRIx64
			", %zu KiB, %u segment, %u physical pieces</title></rect>\n",
			(double)(v->addr - start) * scale, (double)v->len * scale, BAR_PX,
			i < NR_NV12 ? "nv12" : "xrgb", (double)v->len * scale > 8 ? 1.0 : 0.0, i,
			v->addr, v->len >> 10, v->nr_segments, m->buffers[i].nr_runs);
	}
	fprintf(f, "</svg>\n");
}

static void draw_device(FILE *f, const struct machine *m, int dev)
{
	uint64_t start, end;

	if (!device_window(m, dev, &start, &end))
		return;
	fprintf(f, "<h2>%s: %" PRIu32 " address bits</h2>\n", device_names[dev],
		device_addr_bits[dev]);
	fprintf(f, "<p>All it can address, 0 to 0x%" PRIx64 ":</p>\n",
		(UINT64_C(1) << device_addr_bits[dev]) - 1);
	draw_bar(f, m, dev, 0, UINT64_C(1) << device_addr_bits[dev]);
	fprintf(f, "<p>The part in use, 0x%" PRIx64 " to 0x%" PRIx64 ":</p>\n", start, end - 1);
	draw_bar(f, m, dev, start, end);
}

static void row(FILE *f, const char *what, const char *value)
{
	fprintf(f, "<tr><td>%s</td><td>%s</td></tr>\n", what, value);
}

static void row_number(FILE *f, const char *what, uint64_t value, const char *unit)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 "%s", value, unit);
	row(f, what, text);
}

static void draw_summary(FILE *f, const struct pipeline_opts *opts, const struct pipeline_result *r)
{
	fprintf(f, "<table>\n");
	row_number(f, "frames scanned out", r->frames, "");
	row_number(f, "bytes moved by DMA", r->dma_bytes, "");
	row_number(f, "buffers", r->buffer_bytes >> 20, " MiB");
	row_number(f, "of these mapped by the driver's side", r->cpu_mapped_bytes, " bytes");
	row_number(f, "of these mapped by a user program", r->user_mapped_bytes, " bytes");
	row_number(f, "buffer pages written by a CPU", r->cpu_copies, "");
	row_number(f, "IOMMU faults", r->faults, "");
	row_number(f, "invalidations", r->invalidations, "");
	row_number(f, "physical pieces of a buffer, at most", r->phys_runs_per_buffer, "");
	row_number(f, "segments of a buffer for a device, at most", r->iova_segments_per_buffer,
		   "");
	row(f, "buffers are", opts->user_buffers ? "memory of a user program" : "allocated");
	row(f, "machine", opts->coherent ? "cache-coherent" : "not cache-coherent");
	row_number(f, "CPU page", UINT64_C(1) << (opts->page_lg2 - 10), " KiB");
	row_number(f, "IOMMU granule", UINT64_C(1) << (opts->granule_lg2 - 10), " KiB");
	row(f, "SHA-256 of all pictures", r->output_sha256);
	fprintf(f, "</table>\n");
}

static const char head[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>dmamap "
	"pipeline</title>\n"
	"<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1040px;margin:2em auto;padding:0 "
	"1em;"
	"color:#222}h1{font-size:1.5em}h2{font-size:1.1em;margin:1.6em 0 .2em}p{margin:.4em 0}"
	"svg{width:100%;height:auto;display:block;margin:.3em 0}td{padding:.1em 1em .1em 0;"
	"overflow-wrap:anywhere}"
	"img{max-width:100%;margin-top:.5em}.nv12{fill:hsl(205 80% 45%);stroke:#fff}"
	".xrgb{fill:hsl(28 85% 52%);stroke:#fff}"
	".key{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 "
	"1em}</style></head><body>\n";

char *report_html(const struct machine *m, const struct pipeline_opts *opts,
		  const struct pipeline_result *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	fputs(head, f);
	fprintf(f, "<h1>Camera to converter to display, %" PRIu64 " frames, no copy</h1>\n",
		r->frames);
	draw_summary(f, opts, r);
	fprintf(f, "<h2>Physical memory, 0x%llx to 0x%llx; a square is %llu KiB</h2>\n",
		SIM_RAM_BASE, SIM_RAM_BASE + SIM_RAM_BYTES - 1, CELL_BYTES >> 10);
	fputs("<p>Above everything that the devices can address."
	      " Left half of a square:"
	      "<span class=\"key\" style=\"background:hsl(205 80% 45%)\"></span>NV12; right half:"
	      "<span class=\"key\" style=\"background:hsl(28 85% 52%)\"></span>XRGB</p>\n", f);
	draw_memory(f, m);
	for (int dev = 0; dev < NR_DEVICES; dev++)
		draw_device(f, m, dev);
	fputs("<h2>The last picture</h2><img src=\"last.png\" alt=\"last picture\">\n"
	      "</body></html>\n", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
