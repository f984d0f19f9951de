/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run leaves behind, in one folder: frames.y4m, last.png, report.html, summary.json.
 * Everything is written under a temporary name; output_commit() renames, output_discard() leaves
 * nothing.
 */
#ifndef DMAMAP_TOOL_OUTPUT_H
#define DMAMAP_TOOL_OUTPUT_H

#include "tools/dmamap/source.h"

struct output;

enum output_file { OUTPUT_FRAMES, OUTPUT_LAST, OUTPUT_REPORT, OUTPUT_SUMMARY, NR_OUTPUT_FILES };

enum { SHA256_HEX_LEN = 65 };

/**
 * output_open() - begin a run's output
 * @dir: folder, made if it does not exist; NULL: nothing is written, frames are only hashed
 * @rate_num: frames per second, numerator
 * @rate_den: denominator
 * @output: the output
 * @error: one line on failure
 */
bool output_open(const char *dir, uint32_t rate_num, uint32_t rate_den, struct output **output,
		 char error[ERROR_LEN]);
/* One scanned-out picture, 1920x1080 XRGB8888. Failures are kept and told by output_commit(). */
void output_frame(struct output *output, const uint8_t *xrgb);
uint32_t output_nr_frames(const struct output *output);
/* Over the XRGB bytes of all frames so far. */
void output_sha256(const struct output *output, char hex[SHA256_HEX_LEN]);
/* A text file of the run (report, summary). */
bool output_text(struct output *output, enum output_file file, const char *text,
		 char error[ERROR_LEN]);
/*
 * Gives every file its name; the output is gone afterwards in any case, on failure with its files.
 */
bool output_commit(struct output *output, char error[ERROR_LEN]);
void output_discard(struct output *output);

#endif
