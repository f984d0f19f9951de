/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line (argp). Exit status: 0 done, 1 failed, 2 the input or an option is wrong. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dmamap/pipeline.h"

enum { MAX_FRAMES = 1000000 };
enum { KEY_USAGE = 256 }; /* no letter */

static char program[] = "dmamap pipeline";
static const char version[] = "dmamap 0.1.0";

static const struct argp_option pipeline_options[] = {
	{ "input", 'i', "FILE", 0, "Y4M stream (or -), or a PNG or JPEG picture to pan across", 0 },
	{ "frames", 'n', "N", 0, "frames; default 60 for a picture, all of a stream", 0 },
	{ "buffers", 'b', "mmap|user", 0,
	  "allocations without CPU mapping (default), or a user program's memory", 0 },
	{ "coherent", 'c', "yes|no", 0, "devices snoop the CPU's caches; default yes", 0 },
	{ "page", 'p', "4k|16k|64k", 0, "page of the simulated CPU; default: the granule", 0 },
	{ "granule", 'g', "4k|16k|64k", 0, "page of the IOMMU's tables; default 4k", 0 },
	{ "seed", 's', "N", 0, "of the machine's randomness; default 1", 0 },
	{ "out", 'o', "DIR", 0, "write frames.y4m, last.png, report.html, summary.json", 0 },
	{ "json", 'j', NULL, 0, "print the summary as JSON", 0 },
	{ "help", '?', NULL, 0, "print this and exit", -1 },
	{ "usage", KEY_USAGE, NULL, 0, "print the options in short and exit", 0 },
	{ "version", 'V', NULL, 0, "print the version and exit", 0 },
	{ 0 },
};

/* One clear line and status 2. */
static void usage_error(const char *what, const char *value, const char *need)
{
	fprintf(stderr, "dmamap pipeline: %s '%s': need %s\n", what, value, need);
	exit(PIPELINE_BAD_INPUT);
}

static uint64_t parse_number(const char *what, const char *s, uint64_t min, uint64_t max,
			     const char *need)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 0);
	if (*s == '\0' || *s == '-' || *end != '\0' || errno != 0 || v < min || v > max)
		usage_error(what, s, need);
	return v;
}

static uint32_t parse_page(const char *what, const char *s)
{
	if (strcmp(s, "4k") == 0)
		return 12;
	if (strcmp(s, "16k") == 0)
		return 14;
	if (strcmp(s, "64k") != 0)
		usage_error(what, s, "4k, 16k or 64k");
	return 16;
}

static bool parse_choice(const char *what, const char *s, const char *no, const char *yes,
			 const char *need)
{
	if (strcmp(s, no) != 0 && strcmp(s, yes) != 0)
		usage_error(what, s, need);
	return strcmp(s, yes) == 0;
}

static void print_help(const struct argp *argp, int key)
{
	if (key == 'V')
		puts(version);
	else
		argp_help(argp, stdout, key == '?' ? ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK
						   : ARGP_HELP_USAGE, program);
	exit(PIPELINE_OK);
}

static error_t parse_pipeline(int key, char *arg, struct argp_state *state)
{
	struct pipeline_opts *o = state->input;

	switch (key) {
	case 'i':
		o->input = arg;
		break;
	case 'n':
		o->nr_frames = (uint32_t)parse_number("--frames", arg, 1, MAX_FRAMES,
						      "a number from 1 to 1000000");
		break;
	case 'b':
		o->user_buffers = parse_choice("--buffers", arg, "mmap", "user", "mmap or user");
		break;
	case 'c':
		o->coherent = parse_choice("--coherent", arg, "no", "yes", "yes or no");
		break;
	case 'p':
		o->page_lg2 = parse_page("--page", arg);
		break;
	case 'g':
		o->granule_lg2 = parse_page("--granule", arg);
		break;
	case 's':
		o->seed = parse_number("--seed", arg, 0, UINT64_MAX, "a number");
		break;
	case 'o':
		if (*arg == '\0')
			usage_error("--out", arg, "a folder");
		o->out_dir = arg;
		break;
	case 'j':
		o->json = true;
		break;
	case '?':
	case KEY_USAGE:
	case 'V':
		print_help(state->root_argp, key);
		break;
	case ARGP_KEY_ERROR:
		usage_error("option", state->argv[state->next - 1],
			    "an option of --help, with its value");
		break;
	case ARGP_KEY_ARG:
		usage_error("argument", arg, "options only");
		break;
	case ARGP_KEY_END:
		if (o->input == NULL)
			usage_error("--input", "", "a file, or - for standard input");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int print_result(const struct pipeline_opts *opts, const struct pipeline_result *r)
{
	char *text = opts->json ? summary_json(opts, r) : summary_line(r);

	if (text == NULL || puts(text) < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "dmamap pipeline: the summary cannot be printed\n");
		free(text);
		return PIPELINE_FAILED;
	}
	free(text);
	return PIPELINE_OK;
}

static int cmd_pipeline(int argc, char **argv)
{
	static const struct argp argp = {
		.options = pipeline_options,
		.parser = parse_pipeline,
		.doc = "Camera, converter and display on a simulated machine: full-HD frames go "
		       "from device to device in 128 MiB of buffers that no CPU of the driver's "
		       "side maps.",
	};
	struct pipeline_opts opts = { .coherent = true, .granule_lg2 = 12, .seed = 1 };
	struct pipeline_result result = { 0 };
	char error[ERROR_LEN] = "failed";
	int status;

	/* argp itself would say more than one line. */
	argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &opts);
	if (opts.page_lg2 == 0)
		opts.page_lg2 = opts.granule_lg2;
	status = pipeline_run(&opts, &result, error);
	progress_end();
	if (status != PIPELINE_OK) {
		fprintf(stderr, "dmamap pipeline: %s\n", error);
		return status;
	}
	return print_result(&opts, &result);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "pipeline") == 0) {
		argv[1] = program;
		return cmd_pipeline(argc - 1, argv + 1);
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts(version);
		return 0;
	}
	fprintf(stderr, "Usage: dmamap pipeline --input FILE [OPTION...]\n"
			"Try 'dmamap pipeline --help'.\n");
	return PIPELINE_BAD_INPUT;
}
