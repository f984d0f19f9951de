/* SPDX-License-Identifier: BSD-2-Clause */
/* The result of a run in words and as JSON (jansson), and the progress bar. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "tools/dmamap/pipeline.h"

enum { LINE_LEN = 512, BAR_LEN = 40 };

char *summary_line(const struct pipeline_result *r)
{
	char *line = malloc(LINE_LEN);

	if (line == NULL)
		return NULL;
	snprintf(line, LINE_LEN,
		 "frames %" PRIu64 ", copies %" PRIu64 ", cpu-mapped %" PRIu64 " B of %" PRIu64
		 " MiB, user-mapped %" PRIu64 " B, faults %" PRIu64 ", dma %" PRIu64
		 " MiB, invalidations %" PRIu64 ", physical pieces %" PRIu64
		 ", iova segments per buffer %" PRIu64 ", sha256 %s",
		 r->frames, r->cpu_copies, r->cpu_mapped_bytes, r->buffer_bytes >> 20,
		 r->user_mapped_bytes, r->faults, r->dma_bytes >> 20, r->invalidations,
		 r->phys_runs_per_buffer, r->iova_segments_per_buffer, r->output_sha256);
	return line;
}

static void put_int(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static json_t *options_json(const struct pipeline_opts *opts)
{
	json_t *o = json_object();

	json_object_set_new(o, "buffers", json_string(opts->user_buffers ? "user" : "mmap"));
	json_object_set_new(o, "coherent", json_boolean(opts->coherent));
	put_int(o, "page_bytes", 1ull << opts->page_lg2);
	put_int(o, "granule_bytes", 1ull << opts->granule_lg2);
	put_int(o, "seed", opts->seed);
	return o;
}

char *summary_json(const struct pipeline_opts *opts, const struct pipeline_result *r)
{
	json_t *o = json_object();
	char *text;

	put_int(o, "frames", r->frames);
	put_int(o, "dma_bytes", r->dma_bytes);
	put_int(o, "cpu_copies", r->cpu_copies);
	put_int(o, "cpu_mapped_bytes", r->cpu_mapped_bytes);
	put_int(o, "user_mapped_bytes", r->user_mapped_bytes);
	put_int(o, "buffer_bytes", r->buffer_bytes);
	put_int(o, "faults", r->faults);
	put_int(o, "invalidations", r->invalidations);
	put_int(o, "iova_segments_per_buffer", r->iova_segments_per_buffer);
	put_int(o, "phys_runs_per_buffer", r->phys_runs_per_buffer);
	json_object_set_new(o, "output_sha256", json_string(r->output_sha256));
	json_object_set_new(o, "options", options_json(opts));
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	return text;
}

void progress_show(uint32_t done, uint32_t total)
{
	char bar[BAR_LEN + 1];
	uint32_t full;

	if (!isatty(STDERR_FILENO))
		return;
	if (total == 0) {
		fprintf(stderr, "\rframe %u", done);
		return;
	}
	full = (uint32_t)((uint64_t)done * BAR_LEN / total);
	memset(bar, '.', BAR_LEN);
	memset(bar, '#', full < BAR_LEN ? full : BAR_LEN);
	bar[BAR_LEN] = '\0';
	fprintf(stderr, "\r[%s] frame %u of %u", bar, done, total);
}

void progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}
