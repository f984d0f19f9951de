/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM: the memfd, its device view and the page allocator. The allocator looks for a free block
 * from a starting point onwards and wraps around; fragmentation is the choice of that point.
 * Lock: ram->lock, recursive.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/ram.h"
#include "sim/rng.h"

#define RNG_STREAM 1u
#define BASE_ALIGN 0x10000u
#define POISON 0xa5

struct sim_ram {
	struct sim_ram_cfg cfg;
	int fd;
	uint8_t *dev;
	pthread_mutex_t lock;
	struct sim_rng rng;
	struct sim_trace *trace;
	struct sim_page *pages;
	uint64_t nr_pages; /* allocatable: without the carve-out */
	struct sim_ram_stats stats;
};

static int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int err;

	if (pthread_mutexattr_init(&attr) != 0)
		return -ENOMEM;
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	err = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return err != 0 ? -ENOMEM : 0;
}

static bool cfg_is_valid(const struct sim_ram_cfg *cfg)
{
	uint64_t page = 1ull << cfg->page_lg2;

	if (cfg->page_lg2 != 12 && cfg->page_lg2 != 14 && cfg->page_lg2 != 16)
		return false;
	if (cfg->bytes == 0 || cfg->bytes % BASE_ALIGN != 0 || cfg->base % BASE_ALIGN != 0)
		return false;
	if (cfg->base + (cfg->bytes - 1) < cfg->base || cfg->bytes > (1ull << 40))
		return false;
	return cfg->carveout_bytes < cfg->bytes && cfg->carveout_bytes % page == 0;
}

int sim_ram_new(const struct sim_ram_cfg *cfg, struct sim_trace *trace, struct sim_ram **out)
{
	struct sim_ram *ram;
	uint64_t all_pages;

	if (!cfg_is_valid(cfg))
		return -EINVAL;
	ram = calloc(1, sizeof(*ram));
	if (ram == NULL)
		return -ENOMEM;
	ram->cfg = *cfg;
	ram->trace = trace;
	ram->rng = sim_rng_make(cfg->seed, RNG_STREAM);
	all_pages = cfg->bytes >> cfg->page_lg2;
	ram->nr_pages = (cfg->bytes - cfg->carveout_bytes) >> cfg->page_lg2;
	ram->pages = calloc(all_pages, sizeof(*ram->pages));
	ram->dev = MAP_FAILED;
	ram->fd = memfd_create("sim-ram", MFD_CLOEXEC);
	if (ram->fd >= 0 && ftruncate(ram->fd, (off_t)cfg->bytes) == 0)
		ram->dev = mmap(NULL, cfg->bytes, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_NORESERVE, ram->fd, 0);
	if (ram->pages == NULL || ram->dev == MAP_FAILED || lock_init(&ram->lock) != 0) {
		if (ram->dev != MAP_FAILED)
			munmap(ram->dev, cfg->bytes);
		if (ram->fd >= 0)
			close(ram->fd);
		free(ram->pages);
		free(ram);
		return -ENOMEM;
	}
	*out = ram;
	return 0;
}

void sim_ram_free(struct sim_ram *ram)
{
	if (ram == NULL)
		return;
	munmap(ram->dev, ram->cfg.bytes);
	close(ram->fd);
	pthread_mutex_destroy(&ram->lock);
	free(ram->pages);
	free(ram);
}

void sim_ram_lock(struct sim_ram *ram)
{
	pthread_mutex_lock(&ram->lock);
}

void sim_ram_unlock(struct sim_ram *ram)
{
	pthread_mutex_unlock(&ram->lock);
}

const struct sim_ram_cfg *sim_ram_cfg(const struct sim_ram *ram)
{
	return &ram->cfg;
}

int sim_ram_fd(const struct sim_ram *ram)
{
	return ram->fd;
}

uint64_t sim_ram_page_bytes(const struct sim_ram *ram)
{
	return 1ull << ram->cfg.page_lg2;
}

bool sim_ram_has(const struct sim_ram *ram, uint64_t phys, uint64_t len)
{
	uint64_t off = phys - ram->cfg.base;

	return phys >= ram->cfg.base && len != 0 && off < ram->cfg.bytes &&
	       len <= ram->cfg.bytes - off;
}

bool sim_ram_is_carveout(const struct sim_ram *ram, uint64_t phys)
{
	return sim_ram_has(ram, phys, 1) &&
	       phys - ram->cfg.base >= ram->cfg.bytes - ram->cfg.carveout_bytes;
}

struct sim_page *sim_ram_page(struct sim_ram *ram, uint64_t phys)
{
	return &ram->pages[(phys - ram->cfg.base) >> ram->cfg.page_lg2];
}

uint8_t *sim_ram_dev(const struct sim_ram *ram, uint64_t phys, uint64_t len)
{
	return sim_ram_has(ram, phys, len) ? ram->dev + (phys - ram->cfg.base) : NULL;
}

int sim_ram_read(const struct sim_ram *ram, uint64_t phys, void *buf, size_t len)
{
	const uint8_t *src = sim_ram_dev(ram, phys, len);
	uint8_t *dst = buf;

	if (src == NULL)
		return -EFAULT;
	while (len > 0) {
		if (((uintptr_t)src & 7) == 0 && len >= 8) {
			uint64_t v = __atomic_load_n((const uint64_t *)(const void *)src,
						     __ATOMIC_RELAXED);

			memcpy(dst, &v, 8);
			src += 8, dst += 8, len -= 8;
		} else {
			*dst = __atomic_load_n(src, __ATOMIC_RELAXED);
			src++, dst++, len--;
		}
	}
	return 0;
}

int sim_ram_write(struct sim_ram *ram, uint64_t phys, const void *buf, size_t len)
{
	uint8_t *dst = sim_ram_dev(ram, phys, len);
	const uint8_t *src = buf;

	if (dst == NULL)
		return -EFAULT;
	while (len > 0) {
		if (((uintptr_t)dst & 7) == 0 && len >= 8) {
			uint64_t v;

			memcpy(&v, src, 8);
			__atomic_store_n((uint64_t *)(void *)dst, v, __ATOMIC_RELAXED);
			src += 8, dst += 8, len -= 8;
		} else {
			__atomic_store_n(dst, *src, __ATOMIC_RELAXED);
			src++, dst++, len--;
		}
	}
	return 0;
}

void sim_ram_fill(struct sim_ram *ram, uint64_t phys, uint64_t len, uint8_t byte)
{
	uint8_t *dst = sim_ram_dev(ram, phys, len);

	if (dst != NULL)
		memset(dst, byte, len);
}

/* First page of a free block of @nr pages at index >= @from, below @end, aligned; @end if none. */
static uint64_t find_free(struct sim_ram *ram, uint64_t from, uint64_t end, uint64_t nr,
			  uint64_t align)
{
	uint64_t base_page = ram->cfg.base >> ram->cfg.page_lg2;
	uint64_t idx = ((from + base_page + align - 1) & ~(align - 1)) - base_page;

	while (idx + nr <= end) {
		uint64_t n = 0;

		while (n < nr && !ram->pages[idx + n].allocated)
			n++;
		if (n == nr)
			return idx;
		/* The block cannot contain page idx + n: go on behind it. */
		idx = ((idx + n + 1 + base_page + align - 1) & ~(align - 1)) - base_page;
	}
	return end;
}

static void take(struct sim_ram *ram, uint64_t idx, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		/* Mappings of a freed page that somebody forgot stay counted. */
		ram->pages[idx + i].allocated = true;
		ram->pages[idx + i].orphan = false;
		ram->pages[idx + i].linear = false;
		ram->pages[idx + i].kmalloc = false;
		ram->pages[idx + i].block_pages = 0;
	}
	ram->pages[idx].block_pages = (uint32_t)nr;
	ram->stats.pages_in_use += nr;
	if (ram->stats.pages_in_use > ram->stats.pages_peak)
		ram->stats.pages_peak = ram->stats.pages_in_use;
}

static int alloc_locked(struct sim_ram *ram, uint64_t nr, uint64_t align, uint64_t last,
			uint64_t *phys)
{
	uint64_t end = ram->nr_pages, from = 0, idx;

	if (last < ram->cfg.base)
		return -ENOMEM;
	if ((last - ram->cfg.base) < ram->cfg.bytes) {
		uint64_t below = (last - ram->cfg.base + 1) >> ram->cfg.page_lg2;

		end = below < end ? below : end;
	}
	if (nr > end)
		return -ENOMEM;
	if (ram->cfg.scatter)
		from = sim_rng_below(&ram->rng, end - nr + 1);
	idx = find_free(ram, from, end, nr, align);
	if (idx == end && from != 0)
		idx = find_free(ram, 0, end, nr, align);
	if (idx == end)
		return -ENOMEM;
	take(ram, idx, nr);
	*phys = ram->cfg.base + (idx << ram->cfg.page_lg2);
	return 0;
}

int sim_ram_alloc(struct sim_ram *ram, uint64_t len, uint64_t align, uint64_t last, uint64_t *phys)
{
	uint64_t page = sim_ram_page_bytes(ram);
	int err;

	if (len == 0 || len % page != 0 || align < page || (align & (align - 1)) != 0)
		return -EINVAL;
	if (ram->cfg.max_block_bytes != 0 && len > ram->cfg.max_block_bytes)
		return -ENOMEM;
	if (len > ram->cfg.bytes)
		return -ENOMEM;
	sim_ram_lock(ram);
	err = alloc_locked(ram, len >> ram->cfg.page_lg2, align >> ram->cfg.page_lg2, last, phys);
	if (err == 0) {
		/* What was there before is nobody's to rely on. */
		sim_ram_fill(ram, *phys, len, POISON);
		sim_trace_add(ram->trace, SIM_TRACE_ALLOC, *phys, len);
	}
	sim_ram_unlock(ram);
	return err;
}

static void release_page(struct sim_ram *ram, struct sim_page *page)
{
	page->allocated = false;
	page->orphan = false;
	ram->stats.pages_in_use--;
}

int sim_ram_release(struct sim_ram *ram, uint64_t phys, uint64_t len)
{
	uint64_t nr = len >> ram->cfg.page_lg2;
	struct sim_page *page;
	int err = -EINVAL;

	sim_ram_lock(ram);
	if (sim_ram_has(ram, phys, len) && !sim_ram_is_carveout(ram, phys) &&
	    ((phys | len) & (sim_ram_page_bytes(ram) - 1)) == 0) {
		page = sim_ram_page(ram, phys);
		if (page->allocated && !page->orphan && page->block_pages == nr) {
			page->block_pages = 0;
			for (uint64_t i = 0; i < nr; i++) {
				if (page[i].pins != 0)
					page[i].orphan = true;
				else
					release_page(ram, &page[i]);
			}
			sim_trace_add(ram->trace, SIM_TRACE_FREE, phys, len);
			err = 0;
		}
	}
	if (err != 0)
		ram->stats.bad_frees++;
	sim_ram_unlock(ram);
	return err;
}

void sim_ram_pin(struct sim_ram *ram, uint64_t phys)
{
	struct sim_page *page;

	sim_ram_lock(ram);
	page = sim_ram_page(ram, phys);
	if (page->pins++ == 0)
		ram->stats.pinned_pages++;
	sim_ram_unlock(ram);
}

bool sim_ram_unpin(struct sim_ram *ram, uint64_t phys)
{
	struct sim_page *page;
	bool pinned;

	sim_ram_lock(ram);
	page = sim_ram_page(ram, phys);
	pinned = page->pins != 0;
	if (pinned && --page->pins == 0) {
		ram->stats.pinned_pages--;
		if (page->orphan)
			release_page(ram, page);
	}
	sim_ram_unlock(ram);
	return pinned;
}

void sim_ram_stats(struct sim_ram *ram, struct sim_ram_stats *stats)
{
	sim_ram_lock(ram);
	*stats = ram->stats;
	sim_ram_unlock(ram);
}
