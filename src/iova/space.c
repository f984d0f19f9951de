/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life and accounts of a space: limits and bounds are chosen here, once. No search, no caches.
 * Takes the arena's lock and the depot's, one at a time.
 */
#include "iova/arena.h"
#include "iova/mag.h"
#include "iova/meta.h"

static bool cfg_is_valid(const struct iova_cfg *cfg)
{
	uint64_t mask = ((uint64_t)1 << cfg->granule_lg2) - 1;

	return cfg->platform != NULL && cfg->granule_lg2 >= 12 && cfg->granule_lg2 <= 16 &&
	       cfg->span_lg2 >= cfg->granule_lg2 + 4 &&
	       cfg->span_lg2 <= cfg->granule_lg2 + REGION_MAX_LG2 && (cfg->start & mask) == 0 &&
	       ((cfg->last + 1) & mask) == 0 && cfg->last > cfg->start && cfg->guard <= 1024 &&
	       cfg->max_mag <= IOVA_MAG_ENTRIES && cfg->max_depot <= 1024 &&
	       ((uintptr_t)cfg->mem & 63) == 0;
}

/* Granules of the aperture in one set. */
static uint64_t nr_in_set(const struct iova_space *s, uint32_t set)
{
	uint64_t lo = set == 0 ? s->first : bits_max(s->first, s->low_end);
	uint64_t end = set == 0 ? bits_min(s->last + 1, s->low_end) : s->last + 1;

	return lo < end ? end - lo : 0;
}

/*
 * Bounds: a magazine holds at most 1/512 of its part of the aperture (of rounding classes, of
 * which there are many, 1/4096), the depot 1/64 per class, a window 1/1024.
 */
static void choose_bounds(struct iova_space *s)
{
	uint32_t max = s->cfg.max_mag != 0 ? s->cfg.max_mag : IOVA_MAG_ENTRIES;

	if (s->cfg.max_depot == 0)
		s->cfg.max_depot = 64;
	for (uint32_t set = 0; set < IOVA_NR_SETS; set++) {
		uint64_t nr = nr_in_set(s, set);

		s->max_depot_nr[set] = nr / 64;
		s->window_lg2[set] = nr < 1024 * 32 ? 0 : bits_log2_floor(nr / 1024);
		if (s->window_lg2[set] > s->span_lg2)
			s->window_lg2[set] = s->span_lg2;
		for (uint32_t idx = 0; idx < IOVA_NR_CLASSES; idx++) {
			uint64_t share = idx < IOVA_NR_EXACT ? nr / 512 : nr / 4096;
			uint64_t cap = bits_min(share / iova_unit(s, idx), max);

			s->cap[set][idx] = (uint8_t)(cap < 2 && max >= 2 ? 0 : cap);
		}
	}
}

static int add_window(struct iova_space *s, uint64_t first, uint64_t end)
{
	struct iova_window *w = iova_meta_alloc(&s->meta, IOVA_META_WINDOW, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	*w = (struct iova_window){ first, end, s->windows };
	s->windows = w;
	return 0;
}

static void free_windows(struct iova_space *s)
{
	while (s->windows != NULL) {
		struct iova_window *w = s->windows;

		s->windows = w->next;
		iova_meta_free(&s->meta, IOVA_META_WINDOW, w, sizeof(*w));
	}
}

/* Everything outside the aperture is a reserved window. */
static int make_tree(struct iova_space *s)
{
	int err = 0;

	if (s->last + 1 < (uint64_t)1 << s->max_level)
		err = add_window(s, s->last + 1, UINT64_MAX);
	if (err == 0)
		err = add_window(s, 0, s->first);
	if (err == 0)
		err = iova_tree_init(s);
	if (err != 0)
		free_windows(s);
	return err;
}

int iova_space_init(struct iova_space *s, const struct iova_cfg *cfg)
{
	uint32_t g = cfg->granule_lg2;
	uint32_t level;

	if (!cfg_is_valid(cfg))
		return -EINVAL;
	s->cfg = *cfg;
	s->granule_lg2 = g;
	s->span_lg2 = cfg->span_lg2 - g > CHUNK_LG2 ? cfg->span_lg2 - g : CHUNK_LG2;
	s->first = bits_max(cfg->start >> g, 1);
	s->last = (cfg->last >> g) - (cfg->last == UINT64_MAX);
	if (s->first > s->last)
		return -EINVAL;
	s->low_end = ((uint64_t)1 << 32) >> g;
	if (s->last < s->low_end)
		s->low_end = 0;
	level = bits_log2_ceil(s->last + 1);
	s->region_lg2 = level < s->span_lg2 ? s->span_lg2 : level;
	if (s->region_lg2 > REGION_MAX_LG2)
		s->region_lg2 = REGION_MAX_LG2;
	s->max_level = level > s->region_lg2 ? level : s->region_lg2 + 1;
	s->random = cfg->random_seed;
	s->nr_free = s->last - s->first + 1;
	s->meta.platform = cfg->platform;
	s->meta.fixed = cfg->mem != NULL;
	s->meta.mem = cfg->mem;
	s->meta.left = cfg->mem_bytes;
	choose_bounds(s);
	return make_tree(s);
}

void iova_space_fini(struct iova_space *s)
{
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		struct iova_mag *m;

		while ((m = iova_depot_get(s, i / IOVA_NR_CLASSES, i % IOVA_NR_CLASSES, NULL)))
			iova_mag_free(s, m);
	}
	iova_depot_trim(s);
	iova_tree_fini(s);
	free_windows(s);
}

uint64_t iova_trim(struct iova_space *s, struct iova_cache *c)
{
	struct dma_platform *p = s->cfg.platform;
	uint64_t before = iova_meta_used(&s->meta), after;

	if (c != NULL) {
		iova_cache_flush(s, c);
		iova_cache_drop_mags(c);
	}
	iova_depot_flush(s);
	iova_depot_trim(s);
	p->spin_lock(p, &s->lock);
	iova_tree_trim(s);
	p->spin_unlock(p, &s->lock);
	after = iova_meta_used(&s->meta);
	return before > after ? before - after : 0;
}

static uint64_t nr_in_depot(struct iova_space *s)
{
	struct dma_platform *p = s->cfg.platform;
	uint64_t nr = 0;

	p->spin_lock(p, &s->depot_lock);
	for (uint32_t i = 0; i < IOVA_NR_SETS * IOVA_NR_CLASSES; i++) {
		uint32_t set = i / IOVA_NR_CLASSES, idx = i % IOVA_NR_CLASSES;

		nr += (uint64_t)iova_unit(s, idx) * s->cap[set][idx] * s->nr_full[set][idx];
	}
	p->spin_unlock(p, &s->depot_lock);
	return nr;
}

/* Beyond the root nothing but windows interrupts what is free. */
static uint64_t largest_hole(const struct iova_space *s)
{
	uint64_t root_end = (uint64_t)1 << s->root_level, gap_end;
	uint64_t hole = s->root->sum.longest;

	for (uint64_t at = root_end; iova_arena_gap(s, &at, s->last + 1, &gap_end); at = gap_end) {
		uint64_t before = at == root_end ? s->root->sum.suffix : 0;

		hole = bits_max(hole, before + gap_end - at);
	}
	return hole;
}

void iova_stats(struct iova_space *s, struct iova_stats *out)
{
	struct dma_platform *p = s->cfg.platform;
	uint64_t depot = nr_in_depot(s), taken;

	*out = (struct iova_stats){ .aperture = s->last - s->first + 1 };
	p->spin_lock(p, &s->lock);
	out->reserved = s->nr_reserved;
	out->free = s->nr_free;
	out->largest_hole = largest_hole(s);
	out->nr_regions = s->nr_regions;
	out->cached = depot + s->nr_taken;
	for (const struct iova_cache *c = s->caches; c != NULL; c = c->next)
		out->cached += iova_cache_nr(c);
	p->spin_unlock(p, &s->lock);
	taken = out->reserved + out->free + out->cached;
	out->live = out->aperture > taken ? out->aperture - taken : 0;
	if (out->free != 0)
		out->frag_permille = (uint32_t)(1000 - out->largest_hole * 1000 / out->free);
	out->meta_bytes = iova_meta_used(&s->meta);
}
