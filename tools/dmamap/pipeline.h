/* SPDX-License-Identifier: BSD-2-Clause */
/* dmamap pipeline: camera -> converter -> display on the simulated machine. */
#ifndef DMAMAP_TOOL_PIPELINE_H
#define DMAMAP_TOOL_PIPELINE_H

#include "tools/dmamap/output.h"

/**
 * struct pipeline_opts - the command line
 * @input: Y4M stream, PNG or JPEG picture, or "-"
 * @nr_frames: frames of a pan, and the most that are taken of a stream
 * @user_buffers: buffers are memory of a user program instead of allocations
 * @coherent: devices snoop the CPU's caches
 * @page_lg2: CPU page of the machine
 * @granule_lg2: page of the IOMMU's tables
 * @seed: of everything random in the machine
 * @out_dir: where files go; NULL: none
 * @json: the summary is printed as JSON
 */
struct pipeline_opts {
	const char *input;
	uint32_t nr_frames;
	bool user_buffers;
	bool coherent;
	uint32_t page_lg2;
	uint32_t granule_lg2;
	uint64_t seed;
	const char *out_dir;
	bool json;
};

enum { PIPELINE_NR_DEVICES = 3, PIPELINE_MAX_BUFFERS = 32, PIPELINE_NAME_LEN = 16 };

/**
 * struct pipeline_result - what happened, from facts
 * @frames: pictures scanned out
 * @dma_bytes: bytes the three devices moved
 * @cpu_copies: host pages of the buffers that a CPU wrote
 * @cpu_mapped_bytes: bytes of the buffers that the driver's side can touch, from the memory map
 * @user_mapped_bytes: bytes of the buffers that a user program can touch
 * @buffer_bytes: bytes of all buffers
 * @faults: accesses the IOMMU refused
 * @invalidations: invalidation batches that were waited for
 * @iova_segments_per_buffer: DMA segments of the buffer that has most
 * @phys_runs_per_buffer: physically contiguous pieces of the buffer that has most
 * @output_sha256: over all scanned-out pictures
 */
struct pipeline_result {
	uint64_t frames;
	uint64_t dma_bytes;
	uint64_t cpu_copies;
	uint64_t cpu_mapped_bytes;
	uint64_t user_mapped_bytes;
	uint64_t buffer_bytes;
	uint64_t faults;
	uint64_t invalidations;
	uint64_t iova_segments_per_buffer;
	uint64_t phys_runs_per_buffer;
	char output_sha256[SHA256_HEX_LEN];
};

enum { PIPELINE_OK = 0, PIPELINE_FAILED = 1, PIPELINE_BAD_INPUT = 2 };

/* Runs it; PIPELINE_*, and on failure one line in @error and no output left behind. */
int pipeline_run(const struct pipeline_opts *opts, struct pipeline_result *result,
		 char error[ERROR_LEN]);

/* The summary as it is printed: one line of words, or JSON. The caller frees it. */
char *summary_line(const struct pipeline_result *r);
char *summary_json(const struct pipeline_opts *opts, const struct pipeline_result *r);

/* A progress bar on standard error, when that is a terminal. */
void progress_show(uint32_t done, uint32_t total);
void progress_end(void);

#endif
