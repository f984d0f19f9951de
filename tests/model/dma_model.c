/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the model: draws a device and a function, rarely called ones first, and counts. With
 * --seed N --steps M one machine is run again up to that step; --trace 1 prints each call.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/model/dma_model.h"

#define NOTES 24u
#define NOTE_BYTES 200u
#define LIVE_TARGET 14u
#define MIN_CALLS 1000u

struct model model;

static char notes[NOTES][NOTE_BYTES];
static uint32_t nr_notes;
static bool trace;

#define MODEL_FN_NAME(name) #name,
static const char *const fn_names[NR_FNS] = { MODEL_FNS(MODEL_FN_NAME) };
static const char *const table_names[NR_TABLES] = { "direct", "direct-nc", "iommu", "iommu-nc",
						    "user" };

const char *model_fn_name(enum model_fn fn)
{
	return fn_names[fn];
}

void model_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(notes[nr_notes % NOTES], NOTE_BYTES, fmt, args);
	va_end(args);
	if (trace)
		printf("# %" PRIu64 ": %s\n", model.step, notes[nr_notes % NOTES]);
	nr_notes++;
}

void model_fail(const char *file, int line, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (uint32_t i = nr_notes < NOTES ? 0 : nr_notes - NOTES; i < nr_notes; i++)
		printf("# %s\n", notes[i % NOTES]);
	printf("# again: --seed %" PRIu64 " --steps %" PRIu64 "\n", model.seed, model.step);
	fflush(stdout);
	check_fail(file, line, "seed %" PRIu64 ", step %" PRIu64 ": %s", model.seed, model.step,
		   text);
}

uint64_t model_below(uint64_t limit)
{
	return sim_rng_below(&model.rng, limit);
}

bool model_chance(uint32_t percent)
{
	return model_below(100) < percent;
}

static uint32_t nr_errors(void)
{
	return dma_slot_self()->nr_errors;
}

void model_asks(struct model_dev *d, enum model_fn fn)
{
	model.asked[fn][d->table]++;
	model.nr_errors = nr_errors();
}

void model_surprise(const char *what, enum model_fn fn, uint64_t rules)
{
	struct dma_error e = { 0 };
	char text[256];

	(void)dma_last_error(NULL, &e);
	(void)dma_explain(&e, text, sizeof(text));
	model_fail(CHECK_HERE, "%s: %s; rules 0x%" PRIx64 "; %s (%d): %s", fn_names[fn], what,
		   rules, dma_rule_name(e.rule), e.err, text);
}

void model_ok(struct model_dev *d, enum model_fn fn)
{
	if (nr_errors() != model.nr_errors)
		model_surprise("succeeds, but something was recorded", fn, 0);
	model.good[fn][d->table]++;
}

uint64_t model_settle(uint64_t rules, bool failed)
{
	if ((rules & MODEL_MAYBE) == 0)
		return rules;
	return failed ? rules & ~MODEL_MAYBE : 0;
}

void model_refused(struct model_dev *d, enum model_fn fn, uint64_t rules, int err)
{
	/* A user's table calls the domain, which knows no device. */
	bool domain = d == NULL || (d->table == TABLE_USER && rules == R(NOT_MAPPED) &&
				    (fn == FN_unmap_phys || fn == FN_unmap_page ||
				     fn == FN_unmap_single || fn == FN_unmap_resource));
	struct dma_error e;
	char text[256];

	if (nr_errors() == model.nr_errors)
		model_fail(CHECK_HERE, "%s left no record; rules 0x%" PRIx64, fn_names[fn], rules);
	if (dma_last_error(domain ? NULL : d->dev, &e) != 0)
		model_surprise("the record names another device", fn, rules);
	if ((rules >> e.rule & 1) == 0)
		model_surprise("another rule was recorded", fn, rules);
	if (err != 0 && e.err != err && !domain)
		model_surprise("another error was recorded", fn, rules);
	model_check(dma_explain(&e, text, sizeof(text)) < sizeof(text), "an explanation that fits");
}

static void call(struct model_dev *d, enum model_fn fn)
{
	switch (fn) {
	case FN_map_phys:
	case FN_map_page:
	case FN_map_single:
	case FN_map_resource:
	case FN_mapping_error:
		model_call_map(d, fn == FN_mapping_error ? FN_map_phys : fn);
		break;
	case FN_unmap_phys:
	case FN_unmap_page:
	case FN_unmap_single:
	case FN_unmap_resource:
		model_call_unmap(d, fn);
		break;
	case FN_map_sg:
	case FN_map_sgtable:
		model_call_map_sg(d, fn);
		break;
	case FN_unmap_sg:
	case FN_unmap_sgtable:
		model_call_unmap_sg(d, fn);
		break;
	case FN_map_user:
		model_call_map_user(d);
		break;
	case FN_unmap_user:
		model_call_unmap_user(d);
		break;
	case FN_alloc:
		model_call_alloc(d);
		break;
	case FN_free:
		model_call_free(d);
		break;
	case FN_mmap:
		model_call_mmap(d);
		break;
	case FN_get_sgtable:
		model_call_get_sgtable(d);
		break;
	case FN_set_mask:
	case FN_set_coherent_mask:
	case FN_set_mask_and_coherent:
		model_call_set_mask(d, fn);
		break;
	case FN_poll:
	case FN_trim:
	case FN_set_deferred:
		model_call_house(d, fn);
		break;
	case FN_limits:
		model_call_limits(d);
		break;
	default:
		model_call_sync(d, fn);
		break;
	}
}

static bool applies(enum model_fn fn, enum model_table table)
{
	return fn != FN_set_deferred || table >= TABLE_IOMMU;
}

/* Of some draws the function that was called least, so that none is rare. */
static enum model_fn draw_fn(const struct model_dev *d)
{
	enum model_fn best = (enum model_fn)model_below(NR_FNS);

	for (uint32_t i = 0; i < 3; i++) {
		enum model_fn fn = (enum model_fn)model_below(NR_FNS);

		if (!applies(best, d->table) ||
		    (applies(fn, d->table) &&
		     model.asked[fn][d->table] < model.asked[best][d->table]))
			best = fn;
	}
	return best;
}

static void thin_out(struct model_dev *d)
{
	struct model_map *m;

	while (d->nr_live > LIVE_TARGET) {
		m = model_map_any(d, NR_FNS);
		if (m == NULL || !model_map_free_of_others(m))
			return;
		model_unmap(m);
	}
}

static uint64_t calls_of(enum model_table table)
{
	uint64_t n = 0;

	for (uint32_t fn = 0; fn < NR_FNS; fn++)
		n += model.asked[fn][table];
	return n;
}

/* Of two devices the one whose table was called less. */
static struct model_dev *draw_dev(void)
{
	struct model_dev *a = &model.devs[model_below(model.nr_devs)];
	struct model_dev *b = &model.devs[model_below(model.nr_devs)];

	return calls_of(a->table) <= calls_of(b->table) ? a : b;
}

static void step(void)
{
	struct model_dev *d = draw_dev();
	struct model_map *m = &model.maps[model_below(MODEL_MAX_MAPS)];

	thin_out(d);
	model_bufs_churn();
	call(d, draw_fn(d));
	if (m->d != NULL)
		model_map_touch(m);
	if (model_chance(30))
		model_probe_stale(d);
	if (model_chance(5))
		model_no_faults();
}

static void run_seed(uint64_t seed, uint64_t nr_steps)
{
	model.seed = seed;
	model.step = 0;
	model.rng = sim_rng_make(seed, 77);
	nr_notes = 0;
	model_machine_open();
	while (model.step < nr_steps) {
		model.step++;
		step();
	}
	model_machine_close();
}

static uint64_t print_counts(bool enough)
{
	uint64_t all = 0;
	uint64_t good = 0;
	uint64_t rare = 0;

	printf("# %-24s", "calls (successful)");
	for (uint32_t t = 0; t < NR_TABLES; t++)
		printf(" %17s", table_names[t]);
	printf("\n");
	for (uint32_t fn = 0; fn < NR_FNS; fn++) {
		printf("# %-24s", fn_names[fn]);
		for (uint32_t t = 0; t < NR_TABLES; t++) {
			uint64_t n = model.asked[fn][t];

			printf(" %8" PRIu64 " %8" PRIu64, n, model.good[fn][t]);
			all += n;
			good += model.good[fn][t];
			rare += applies((enum model_fn)fn, (enum model_table)t) && n < MIN_CALLS;
		}
		printf("\n");
	}
	printf("# %" PRIu64 " calls, %" PRIu64 " successful; devices moved %" PRIu64
	       " bytes, faulted %" PRIu64 " times\n",
	       all, good, model.dma_bytes, model.dma_faults);
	fflush(stdout);
	if (enough) {
		if (rare != 0)
			fail_msg("%" PRIu64 " cells have less than %u calls", rare, MIN_CALLS);
		assert_true(good * 2 >= all);
	}
	return all;
}

static bool option(const char *name, uint64_t *value)
{
	for (int i = 1; i + 1 < check_argc; i++) {
		if (strcmp(check_argv[i], name) == 0) {
			*value = strtoull(check_argv[i + 1], NULL, 0);
			return true;
		}
	}
	return false;
}

void model_run(const struct model_opt *opts, uint32_t nr_opts, uint64_t nr_seeds, uint64_t nr_steps,
	       uint64_t min_calls)
{
	uint64_t only = 0;
	bool one;

	dma_slot_leave(dma_slot_enter());
	memset(&model, 0, sizeof(model));
	one = option("--seed", &only);
	(void)option("--steps", &nr_steps);
	trace = option("--trace", &(uint64_t){ 0 });
	for (uint64_t seed = 1; seed <= nr_seeds; seed++) {
		if (one && seed != 1)
			break;
		/* The seed also says which of the machines it is. */
		model.opt = opts[(one ? only : seed) % nr_opts];
		run_seed(one ? only : seed, nr_steps);
	}
	if (print_counts(!one) < min_calls && !one)
		fail_msg("less than %" PRIu64 " calls", min_calls);
}
