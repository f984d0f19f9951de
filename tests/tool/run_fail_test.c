/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole run of the pipeline on a machine that fails one request: it ends with one line that says
 * why, takes everything down, and leaves no output. Nothing fails: the machine's models found
 * nothing that a driver must not do.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/smmuv3.h"
#include "tests/support/check.h"
#include "tools/dmamap/pipeline.h"

#define FAILING_ORIGINALS
#include "tests/tool/failing.h"

enum { SIZE = 64 };

static uint64_t fail_at;     /* which request of the next machine fails; 0: none */
static uint64_t nr_asked;    /* requests of the last machine */
static uint64_t nr_failed;   /* of those, failed */
static bool left_something;  /* the last machine was closed with something on it */
static uint64_t nr_findings; /* of its models */

int failing_machine_open(const struct sim_machine_cfg *cfg, struct sim_machine **machine)
{
	int err = sim_machine_open(cfg, machine);

	if (err == 0)
		sim_machine_fail_nth(*machine, fail_at);
	return err;
}

bool failing_machine_close(struct sim_machine *machine, struct sim_machine_leaks *leaks)
{
	struct sim_machine_stats stats;
	bool clean;

	sim_machine_stats(machine, &stats);
	nr_findings = stats.alias_violations + stats.edge_lines_dropped + stats.bad_frees +
		      stats.bad_unmaps + stats.freed_mapped + stats.bad_mmio;
	if (sim_machine_smmu(machine) != NULL)
		nr_findings += sim_smmuv3_findings(sim_machine_smmu(machine));
	nr_asked = 0;
	nr_failed = 0;
	for (int site = DMA_INJECT_META; site <= DMA_INJECT_IOMMU; site++) {
		uint64_t asked, failed;

		sim_machine_inject_counts(machine, (enum dma_inject_site)site, &asked, &failed);
		nr_asked += asked;
		nr_failed += failed;
	}
	clean = sim_machine_close(machine, leaks);
	left_something = !clean;
	return clean;
}

/* A tiny stream of one grey frame. */
static void write_input(const char *path)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	fprintf(f, "YUV4MPEG2 W%d H%d F25:1 Cmono\nFRAME\n", SIZE, SIZE);
	for (int i = 0; i < SIZE * SIZE; i++)
		putc(100, f);
	assert_int_equal(fclose(f), 0);
}

static uint32_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	uint32_t nr = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		nr++;
	closedir(d);
	return nr - 2;
}

static int run_once(const char *dir, bool user, bool coherent, uint32_t lg2,
		    struct pipeline_result *result, char error[ERROR_LEN])
{
	char input[64], out[64];
	const struct pipeline_opts opts = { .input = input,
					    .user_buffers = user,
					    .coherent = coherent,
					    .page_lg2 = lg2,
					    .granule_lg2 = lg2,
					    .seed = 3,
					    .out_dir = out };

	snprintf(input, sizeof(input), "%s/in.y4m", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	memset(result, 0, sizeof(*result));
	error[0] = '\0';
	return pipeline_run(&opts, result, error);
}

static void remove_output(const char *dir)
{
	static const char *const names[] = { "out/frames.y4m", "out/last.png", "out/report.html",
					     "out/summary.json" };
	char path[64];

	for (uint32_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof(path), "%s/out", dir);
	assert_int_equal(rmdir(path), 0);
}

/* A failure in a call that cannot report one (unmap, free) may leave the result as it is. */
static void expect_end(const char *dir, int status, const char *error)
{
	assert_int_equal(nr_failed, 1);
	if (status == PIPELINE_OK) {
		remove_output(dir);
		return;
	}
	assert_int_equal(status, PIPELINE_FAILED);
	assert_true(strlen(error) > 10 && strchr(error, '\n') == NULL);
	assert_int_equal(files_in(dir), 1); /* the input */
	if (left_something)
		fail_msg("request %" PRIu64 " (%s): something is left on the machine", fail_at,
			 error);
}

static void requests_fail(bool user, bool coherent)
{
	char dir[] = "/tmp/dmamap-fail-XXXXXX", input[64], error[ERROR_LEN];
	struct pipeline_result result;
	uint64_t last, nr_told = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(input, sizeof(input), "%s/in.y4m", dir);
	write_input(input);
	fail_at = 0;
	assert_int_equal(run_once(dir, user, coherent, 16, &result, error), PIPELINE_OK);
	assert_int_equal(result.frames, 1);
	assert_false(left_something);
	assert_u64_equal(nr_findings, 0);
	remove_output(dir);
	last = nr_asked;
	/* Each of the first ones, then ever fewer; the last ones each again. */
	for (uint64_t n = 1; n <= last; n += n < 40 || n + 6 > last ? 1 : n / 8) {
		int status;

		fail_at = n;
		status = run_once(dir, user, coherent, 16, &result, error);
		expect_end(dir, status, error);
		nr_told += status != PIPELINE_OK;
	}
	assert_true(nr_told >= 40);
	unlink(input);
	rmdir(dir);
}

TEST(a_request_that_fails_ends_a_run_with_allocations)
{
	requests_fail(false, true);
}

TEST(a_request_that_fails_ends_a_run_with_a_programs_memory_where_nothing_snoops)
{
	requests_fail(true, false);
}

TEST(a_run_gives_the_models_nothing_to_complain_about)
{
	char dir[] = "/tmp/dmamap-fail-XXXXXX", input[64], error[ERROR_LEN];
	struct pipeline_result result;

	assert_non_null(mkdtemp(dir));
	snprintf(input, sizeof(input), "%s/in.y4m", dir);
	write_input(input);
	fail_at = 0;
	for (uint32_t i = 0; i < 12; i++) {
		assert_int_equal(run_once(dir, i % 2, i / 2 % 2, 12 + i / 4 * 2, &result, error),
				 PIPELINE_OK);
		assert_u64_equal(nr_findings, 0);
		assert_false(left_something);
		remove_output(dir);
	}
	unlink(input);
	rmdir(dir);
}
