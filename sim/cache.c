/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The non-snooping cache: image (what the CPU sees), shadow (the last synced copy) and RAM, all
 * with the same offsets. Only pages in the tracked list have meaning in image and shadow.
 * Lock: the RAM lock.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/cache.h"
#include "sim/ram.h"
#include "sim/rng.h"

#define RNG_STREAM 2u
#define NOT_TRACKED UINT32_MAX
#define MAX_LINGERING 4096u
#define WINDOW_BYTES 4096u
#define NR_HOT 16u

enum line_op { LINE_CLEAN, LINE_INV, LINE_CLEAN_INV, LINE_FORGET, LINE_CYCLE };

struct tracked_page {
	uint32_t page_idx;
	bool lingering;
};

struct hot_range {
	uint64_t off;
	uint64_t len;
};

struct sim_cache {
	struct sim_cache_cfg cfg;
	struct sim_ram *ram;
	struct sim_trace *trace;
	struct sim_rng rng;
	uint64_t base;
	uint64_t bytes;
	uint32_t page_lg2;
	int fd;
	uint8_t *image;
	uint8_t *shadow;
	uint8_t *dev;
	uint32_t *slot_of_page; /* index into tracked, or NOT_TRACKED */
	struct tracked_page *tracked;
	uint32_t nr_tracked;
	struct hot_range hot[NR_HOT]; /* ranges of the last maintenance calls */
	uint32_t nr_hot;
	struct sim_cache_stats stats;
};

static int alloc_views(struct sim_cache *c)
{
	uint64_t nr_pages = c->bytes >> c->page_lg2;

	c->image = MAP_FAILED;
	c->fd = memfd_create("sim-cache", MFD_CLOEXEC);
	if (c->fd >= 0 && ftruncate(c->fd, (off_t)c->bytes) == 0)
		c->image = mmap(NULL, c->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
				c->fd, 0);
	c->shadow = mmap(NULL, c->bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	c->slot_of_page = malloc(nr_pages * sizeof(*c->slot_of_page));
	c->tracked = calloc(nr_pages, sizeof(*c->tracked));
	if (c->image == MAP_FAILED || c->shadow == MAP_FAILED || c->slot_of_page == NULL ||
	    c->tracked == NULL)
		return -ENOMEM;
	memset(c->slot_of_page, 0xff, nr_pages * sizeof(*c->slot_of_page));
	return 0;
}

int sim_cache_new(struct sim_ram *ram, const struct sim_cache_cfg *cfg, struct sim_trace *trace,
		  struct sim_cache **out)
{
	const struct sim_ram_cfg *ram_cfg = sim_ram_cfg(ram);
	struct sim_cache *c;

	if (cfg->line < 16 || cfg->line > 256 || (cfg->line & (cfg->line - 1)) != 0)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->cfg = *cfg;
	c->ram = ram;
	c->trace = trace;
	c->rng = sim_rng_make(cfg->seed, RNG_STREAM);
	c->base = ram_cfg->base;
	c->bytes = ram_cfg->bytes;
	c->page_lg2 = ram_cfg->page_lg2;
	c->dev = sim_ram_dev(ram, c->base, c->bytes);
	if (alloc_views(c) != 0) {
		sim_cache_free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void sim_cache_free(struct sim_cache *c)
{
	if (c == NULL)
		return;
	if (c->image != MAP_FAILED)
		munmap(c->image, c->bytes);
	if (c->shadow != MAP_FAILED)
		munmap(c->shadow, c->bytes);
	if (c->fd >= 0)
		close(c->fd);
	free(c->slot_of_page);
	free(c->tracked);
	free(c);
}

int sim_cache_fd(const struct sim_cache *c)
{
	return c->fd;
}

uint32_t sim_cache_line(const struct sim_cache *c)
{
	return c->cfg.line;
}

void sim_cache_image_range(const struct sim_cache *c, uintptr_t *start, uintptr_t *end)
{
	*start = (uintptr_t)c->image;
	*end = (uintptr_t)c->image + c->bytes;
}

static bool line_is_dirty(const struct sim_cache *c, uint64_t off)
{
	return memcmp(c->image + off, c->shadow + off, c->cfg.line) != 0;
}

/* One look at the line: what another CPU stores meanwhile must make it dirty again. */
static void line_write_back(struct sim_cache *c, uint64_t off)
{
	uint8_t line[256];

	memcpy(line, c->image + off, c->cfg.line);
	(void)sim_ram_write(c->ram, c->base + off, line, c->cfg.line);
	memcpy(c->shadow + off, line, c->cfg.line);
}

/* The line's contents come from RAM now; true when they changed. */
static bool line_fill(struct sim_cache *c, uint64_t off)
{
	uint8_t line[256];

	(void)sim_ram_read(c->ram, c->base + off, line, c->cfg.line);
	memcpy(c->shadow + off, line, c->cfg.line);
	if (memcmp(c->image + off, line, c->cfg.line) == 0)
		return false;
	memcpy(c->image + off, line, c->cfg.line);
	return true;
}

static void line_drop(struct sim_cache *c, uint64_t off, bool dirty, bool edge)
{
	if (dirty) {
		c->stats.dropped++;
		c->stats.edge_dropped += edge;
	}
	(void)line_fill(c, off);
}

static void line_do(struct sim_cache *c, enum line_op op, uint64_t off, bool edge)
{
	bool dirty = line_is_dirty(c, off);

	switch (op) {
	case LINE_CLEAN:
	case LINE_CLEAN_INV:
		if (dirty) {
			line_write_back(c, off);
			c->stats.cleaned++;
		}
		if (op == LINE_CLEAN_INV)
			(void)line_fill(c, off);
		break;
	case LINE_INV:
		line_drop(c, off, dirty, edge);
		break;
	case LINE_FORGET:
		(void)line_fill(c, off);
		break;
	case LINE_CYCLE:
		if (dirty) {
			line_write_back(c, off);
			c->stats.evicted++;
		} else if (line_fill(c, off)) {
			c->stats.prefetched++;
		}
		break;
	}
}

static void track(struct sim_cache *c, uint32_t page_idx)
{
	c->slot_of_page[page_idx] = c->nr_tracked;
	c->tracked[c->nr_tracked++] = (struct tracked_page){ .page_idx = page_idx };
}

static void untrack(struct sim_cache *c, uint32_t page_idx)
{
	uint32_t slot = c->slot_of_page[page_idx];
	struct tracked_page moved = c->tracked[c->nr_tracked - 1];

	if (c->tracked[slot].lingering)
		c->stats.lingering--;
	c->nr_tracked--;
	c->tracked[slot] = moved;
	c->slot_of_page[moved.page_idx] = slot;
	c->slot_of_page[page_idx] = NOT_TRACKED;
}

static bool page_is_dirty(const struct sim_cache *c, uint32_t page_idx)
{
	uint64_t off = (uint64_t)page_idx << c->page_lg2;

	return memcmp(c->image + off, c->shadow + off, 1ull << c->page_lg2) != 0;
}

/* Lines of [off, off + len), which lies in one tracked page; the ends are whole lines. */
static void lines_do(struct sim_cache *c, enum line_op op, uint64_t off, uint64_t len)
{
	for (uint64_t end = off + len; off < end; off += c->cfg.line)
		line_do(c, op, off, false);
}

static void linger_out(struct sim_cache *c, uint32_t slot)
{
	uint32_t page_idx = c->tracked[slot].page_idx;

	lines_do(c, LINE_CYCLE, (uint64_t)page_idx << c->page_lg2, 1ull << c->page_lg2);
	untrack(c, page_idx);
}

void sim_cache_page_mapped(struct sim_cache *c, uint64_t phys)
{
	uint32_t page_idx = (uint32_t)((phys - c->base) >> c->page_lg2);
	uint32_t slot;

	sim_ram_lock(c->ram);
	slot = c->slot_of_page[page_idx];
	if (slot == NOT_TRACKED) {
		uint64_t off = (uint64_t)page_idx << c->page_lg2;

		track(c, page_idx);
		memcpy(c->image + off, c->dev + off, 1ull << c->page_lg2);
		memcpy(c->shadow + off, c->image + off, 1ull << c->page_lg2);
	} else if (c->tracked[slot].lingering) {
		c->tracked[slot].lingering = false;
		c->stats.lingering--;
	}
	sim_ram_unlock(c->ram);
}

void sim_cache_page_unmapped(struct sim_cache *c, uint64_t phys)
{
	uint32_t page_idx = (uint32_t)((phys - c->base) >> c->page_lg2);
	uint32_t slot;

	sim_ram_lock(c->ram);
	slot = c->slot_of_page[page_idx];
	if (!page_is_dirty(c, page_idx) && sim_rng_below(&c->rng, 2) == 0) {
		untrack(c, page_idx);
	} else {
		c->tracked[slot].lingering = true;
		c->stats.lingering++;
	}
	/* A cache has an end: some page that lingers makes way. */
	for (uint32_t n = 0; c->stats.lingering > MAX_LINGERING && n < c->nr_tracked; n++) {
		slot = (uint32_t)sim_rng_below(&c->rng, c->nr_tracked);
		if (c->tracked[slot].lingering)
			linger_out(c, slot);
	}
	sim_ram_unlock(c->ram);
}

/* The part of one page: whole lines, of which the first and last may be edges of the range. */
static void page_maintain(struct sim_cache *c, enum line_op op, uint64_t start, uint64_t end)
{
	uint64_t line = c->cfg.line;
	uint64_t first = start & ~(line - 1);
	size_t len = (size_t)(((end + line - 1) & ~(line - 1)) - first);

	/* Nothing dirty, the usual case: all lines at once. */
	if (memcmp(c->image + first, c->shadow + first, len) == 0) {
		if (op == LINE_CLEAN)
			return;
		(void)sim_ram_read(c->ram, c->base + first, c->image + first, len);
		memcpy(c->shadow + first, c->image + first, len);
		return;
	}
	for (uint64_t off = first; off < end; off += line)
		line_do(c, op, off, off < start || off + line > end);
}

static void maintain(struct sim_cache *c, enum line_op op, uint64_t phys, uint64_t len)
{
	uint64_t off = phys - c->base;
	uint64_t end = off + len;

	if (!sim_ram_has(c->ram, phys, len))
		return;
	sim_ram_lock(c->ram);
	if (op != LINE_FORGET) {
		c->hot[c->nr_hot++ % NR_HOT] = (struct hot_range){ .off = off, .len = len };
		sim_trace_add(c->trace, SIM_TRACE_MAINTAIN, phys + (uint64_t)op, len);
	}
	while (off < end) {
		uint32_t page_idx = (uint32_t)(off >> c->page_lg2);
		uint64_t page_end = (uint64_t)(page_idx + 1) << c->page_lg2;
		uint64_t stop = page_end < end ? page_end : end;

		if (c->slot_of_page[page_idx] != NOT_TRACKED)
			page_maintain(c, op, off, stop);
		off = stop;
	}
	sim_ram_unlock(c->ram);
}

void sim_cache_clean(struct sim_cache *c, uint64_t phys, uint64_t len)
{
	maintain(c, LINE_CLEAN, phys, len);
}

void sim_cache_inv(struct sim_cache *c, uint64_t phys, uint64_t len)
{
	maintain(c, LINE_INV, phys, len);
}

void sim_cache_clean_inv(struct sim_cache *c, uint64_t phys, uint64_t len)
{
	maintain(c, LINE_CLEAN_INV, phys, len);
}

void sim_cache_forget(struct sim_cache *c, uint64_t phys, uint64_t len)
{
	maintain(c, LINE_FORGET, phys, len);
}

/* A page to stir: half of the time one that was lately maintained, for that is what devices use. */
static uint32_t pick_page(struct sim_cache *c)
{
	uint32_t nr_hot = c->nr_hot < NR_HOT ? c->nr_hot : NR_HOT;

	if (nr_hot != 0 && sim_rng_below(&c->rng, 2) == 0) {
		const struct hot_range *hot = &c->hot[sim_rng_below(&c->rng, nr_hot)];
		uint64_t off = hot->off + sim_rng_below(&c->rng, hot->len);

		if (c->slot_of_page[off >> c->page_lg2] != NOT_TRACKED)
			return (uint32_t)(off >> c->page_lg2);
	}
	return c->tracked[sim_rng_below(&c->rng, c->nr_tracked)].page_idx;
}

static void stir_window(struct sim_cache *c)
{
	uint32_t page_idx = pick_page(c);
	uint32_t slot = c->slot_of_page[page_idx];
	uint64_t page_bytes = 1ull << c->page_lg2;
	uint64_t off = (uint64_t)page_idx << c->page_lg2;
	uint64_t lines = WINDOW_BYTES / c->cfg.line;
	uint64_t first, nr;

	if (c->tracked[slot].lingering && sim_rng_below(&c->rng, 4) == 0) {
		sim_trace_add(c->trace, SIM_TRACE_EVICT, off, page_bytes);
		linger_out(c, slot);
		return;
	}
	off += sim_rng_below(&c->rng, page_bytes / WINDOW_BYTES) * WINDOW_BYTES;
	first = sim_rng_below(&c->rng, lines);
	nr = 1 + sim_rng_below(&c->rng, lines - first);
	if (sim_rng_below(&c->rng, 2) == 0) {
		first = 0;
		nr = lines;
	}
	sim_trace_add(c->trace, SIM_TRACE_EVICT, off + first * c->cfg.line, nr);
	lines_do(c, LINE_CYCLE, off + first * c->cfg.line, nr * c->cfg.line);
}

void sim_cache_step(struct sim_cache *c)
{
	sim_ram_lock(c->ram);
	for (uint32_t n = 0; n < c->cfg.evict_windows && c->nr_tracked != 0; n++)
		stir_window(c);
	sim_ram_unlock(c->ram);
}

/* Up to the end of the line, or of the range. */
static size_t piece_of_line(const struct sim_cache *c, uint64_t off, size_t len)
{
	uint64_t left = c->cfg.line - (off & (c->cfg.line - 1));

	return left < len ? (size_t)left : len;
}

void sim_cache_snoop_read(struct sim_cache *c, uint64_t phys, void *buf, size_t len)
{
	uint64_t off = phys - c->base;
	uint8_t *dst = buf;

	sim_ram_lock(c->ram);
	while (len > 0) {
		size_t piece = piece_of_line(c, off, len);

		/* A clean line may be stale: on hardware the device before this one made it so. */
		if (c->slot_of_page[off >> c->page_lg2] != NOT_TRACKED)
			memcpy(dst, c->image + off, piece);
		else
			(void)sim_ram_read(c->ram, c->base + off, dst, piece);
		off += piece, dst += piece, len -= piece;
	}
	sim_ram_unlock(c->ram);
}

void sim_cache_snoop_write(struct sim_cache *c, uint64_t phys, const void *buf, size_t len)
{
	uint64_t off = phys - c->base;
	const uint8_t *src = buf;

	sim_ram_lock(c->ram);
	while (len > 0) {
		size_t piece = piece_of_line(c, off, len);

		if (c->slot_of_page[off >> c->page_lg2] != NOT_TRACKED) {
			uint64_t line = off & ~(uint64_t)(c->cfg.line - 1);

			if (line_is_dirty(c, line))
				line_write_back(c, line);
			memcpy(c->image + off, src, piece);
			memcpy(c->shadow + off, src, piece);
		}
		(void)sim_ram_write(c->ram, c->base + off, src, piece);
		off += piece, src += piece, len -= piece;
	}
	sim_ram_unlock(c->ram);
}

void sim_cache_stats(struct sim_cache *c, struct sim_cache_stats *stats)
{
	sim_ram_lock(c->ram);
	*stats = c->stats;
	stats->tracked = c->nr_tracked;
	sim_ram_unlock(c->ram);
}
