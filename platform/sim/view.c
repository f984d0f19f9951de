/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU can touch and has touched, as facts of the host: /proc/self/maps tells which
 * windows of the RAM memfd and of the cache image are mapped accessibly, /proc/self/pagemap which
 * host pages are present or were written there. The device view and the cache model's own
 * mapping do not count. Nothing here looks at counters of the models.
 * Lock: that of RAM, so that mappings do not change underneath.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "platform/sim/machine.h"
#include "sim/as_internal.h"

#define HOST_LG2 12u
#define HOST_PAGE (1u << HOST_LG2)
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_SOFT_DIRTY (1ull << 55)

/* Bits of a host page of RAM. */
#define PAGE_ASKED 0x01u
#define KERNEL_MAPPED 0x02u
#define USER_MAPPED 0x04u
#define KERNEL_TOUCHED 0x08u
#define USER_TOUCHED 0x10u
#define KERNEL_WRITTEN 0x20u
#define USER_WRITTEN 0x40u

struct view_scan {
	struct sim_machine *m;
	struct stat ram;
	struct stat image; /* the same as ram on a coherent machine */
	uintptr_t own_start[2];
	uintptr_t own_end[2];
	int pagemap;
	bool exact_writes;
	uint8_t *pages; /* one byte per host page of RAM */
};

struct map_line {
	uintptr_t start;
	uintptr_t end;
	uint64_t offset;
	char perms[5];
	unsigned int major;
	unsigned int minor;
	uint64_t inode;
};

/* Does this kernel mark written pages? Found out by writing one. */
static bool kernel_marks_writes(int pagemap)
{
	int clear = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	volatile uint8_t *page;
	uint64_t entry[2] = { 0, 0 };
	bool works = false;

	page = mmap(NULL, HOST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED && clear >= 0) {
		off_t at = (off_t)((uintptr_t)page >> HOST_LG2) * 8;

		page[0] = 1;
		works = write(clear, "4", 1) == 1 && pread(pagemap, &entry[0], 8, at) == 8;
		page[0] = 2;
		works = works && pread(pagemap, &entry[1], 8, at) == 8 &&
			(entry[0] & PAGEMAP_SOFT_DIRTY) == 0 &&
			(entry[1] & PAGEMAP_SOFT_DIRTY) != 0;
	}
	if (page != MAP_FAILED)
		munmap((void *)(uintptr_t)page, HOST_PAGE);
	if (clear >= 0)
		close(clear);
	return works;
}

void sim_machine_watch_writes(struct sim_machine *m)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	sim_ram_lock(m->ram);
	/* The host forgets which pages are present in these mappings; contents are the memfd's. */
	sim_mem_forget_touches(m->mem);
	sim_as_forget_touches(m->mem);
	sim_ram_unlock(m->ram);
	/* Asking clears the marks. */
	m->exact_writes = pagemap >= 0 && kernel_marks_writes(pagemap);
	if (pagemap >= 0)
		close(pagemap);
}

static bool parse_line(const char *text, struct map_line *line)
{
	uint64_t start, end;

	if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
		   line->perms, &line->offset, &line->major, &line->minor, &line->inode) != 7)
		return false;
	line->start = (uintptr_t)start;
	line->end = (uintptr_t)end;
	return true;
}

static bool is_file(const struct map_line *line, const struct stat *st)
{
	return line->inode == (uint64_t)st->st_ino && line->major == major(st->st_dev) &&
	       line->minor == minor(st->st_dev);
}

static bool is_accessible(const struct map_line *line)
{
	return line->perms[0] == 'r' || line->perms[1] == 'w' || line->perms[2] == 'x';
}

/* Part of the models' own mappings? They are mapped whole, and never split. */
static bool is_own(const struct view_scan *scan, const struct map_line *line)
{
	for (int i = 0; i < 2; i++) {
		if (line->start >= scan->own_start[i] && line->end <= scan->own_end[i])
			return true;
	}
	return false;
}

/* Which pages of the mapping are present, written. */
static int scan_pages(struct view_scan *scan, const struct map_line *line, bool user)
{
	uint64_t entries[512], first = line->offset >> HOST_LG2;
	uint64_t nr = (line->end - line->start) >> HOST_LG2;

	for (uint64_t done = 0; done < nr;) {
		uint64_t chunk = nr - done < 512 ? nr - done : 512;
		off_t at = (off_t)(((line->start >> HOST_LG2) + done) * 8);

		if (pread(scan->pagemap, entries, chunk * 8, at) != (ssize_t)(chunk * 8))
			return -EIO;
		for (uint64_t i = 0; i < chunk; i++) {
			uint8_t *page = &scan->pages[first + done + i];
			bool touched = (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0;
			bool written = touched && (!scan->exact_writes ||
						   (entries[i] & PAGEMAP_SOFT_DIRTY) != 0);

			if ((*page & PAGE_ASKED) == 0)
				continue;
			*page |= user ? USER_MAPPED : KERNEL_MAPPED;
			if (touched)
				*page |= user ? USER_TOUCHED : KERNEL_TOUCHED;
			if (written && line->perms[1] == 'w')
				*page |= user ? USER_WRITTEN : KERNEL_WRITTEN;
		}
		done += chunk;
	}
	return 0;
}

static int scan_maps(struct view_scan *scan)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct map_line line;
	char *text = NULL;
	size_t size = 0;
	int err = 0;

	if (maps == NULL)
		return -EIO;
	while (err == 0 && getline(&text, &size, maps) > 0) {
		if (!parse_line(text, &line)) {
			err = -EIO;
			break;
		}
		if (!is_accessible(&line) || is_own(scan, &line) ||
		    !(is_file(&line, &scan->ram) || is_file(&line, &scan->image)))
			continue;
		err = scan_pages(scan, &line, sim_as_owns_host(scan->m->mem, line.start));
	}
	free(text);
	fclose(maps);
	return err;
}

static void ask_run(struct view_scan *scan, const struct dma_phys_run *run)
{
	uint64_t off = run->phys - scan->m->cfg.ram_base;

	for (uint64_t page = off >> HOST_LG2; page <= (off + run->len - 1) >> HOST_LG2; page++)
		scan->pages[page] |= PAGE_ASKED;
}

/* Bytes of a run on pages with @bit. */
static uint64_t run_bytes(const struct view_scan *scan, const struct dma_phys_run *run, uint8_t bit)
{
	uint64_t off = run->phys - scan->m->cfg.ram_base, end = off + run->len, sum = 0;

	while (off < end) {
		uint64_t page_end = (off | (HOST_PAGE - 1)) + 1;
		uint64_t stop = page_end < end ? page_end : end;

		if ((scan->pages[off >> HOST_LG2] & bit) != 0)
			sum += stop - off;
		off = stop;
	}
	return sum;
}

static void sum_up(const struct view_scan *scan, const struct dma_phys_run *runs, uint32_t nr_runs,
		   struct sim_machine_view *view)
{
	*view = (struct sim_machine_view){ .exact_writes = scan->exact_writes };
	for (uint32_t i = 0; i < nr_runs; i++) {
		view->kernel_mapped_bytes += run_bytes(scan, &runs[i], KERNEL_MAPPED);
		view->user_mapped_bytes += run_bytes(scan, &runs[i], USER_MAPPED);
	}
	for (uint64_t i = 0; i < scan->m->cfg.ram_bytes >> HOST_LG2; i++) {
		uint8_t page = scan->pages[i];

		view->kernel_touched_pages += (page & KERNEL_TOUCHED) != 0;
		view->user_touched_pages += (page & USER_TOUCHED) != 0;
		view->kernel_written_pages += (page & KERNEL_WRITTEN) != 0;
		view->user_written_pages += (page & USER_WRITTEN) != 0;
	}
}

static int scan_init(struct view_scan *scan, struct sim_machine *m)
{
	*scan = (struct view_scan){ .m = m, .exact_writes = m->exact_writes };
	scan->own_start[0] = (uintptr_t)sim_ram_dev(m->ram, m->cfg.ram_base, m->cfg.ram_bytes);
	scan->own_end[0] = scan->own_start[0] + m->cfg.ram_bytes;
	if (m->cache != NULL)
		sim_cache_image_range(m->cache, &scan->own_start[1], &scan->own_end[1]);
	if (fstat(sim_ram_fd(m->ram), &scan->ram) != 0 ||
	    fstat(m->cache != NULL ? sim_cache_fd(m->cache) : sim_ram_fd(m->ram), &scan->image) !=
		    0)
		return -EIO;
	scan->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (scan->pagemap < 0)
		return -EIO;
	scan->pages = calloc(m->cfg.ram_bytes >> HOST_LG2, 1);
	if (scan->pages == NULL) {
		close(scan->pagemap);
		return -EIO;
	}
	return 0;
}

int sim_machine_view(struct sim_machine *m, const struct dma_phys_run *runs, uint32_t nr_runs,
		     struct sim_machine_view *view)
{
	struct view_scan scan;
	int err;

	for (uint32_t i = 0; i < nr_runs; i++) {
		if (!sim_ram_has(m->ram, runs[i].phys, runs[i].len))
			return -EINVAL;
	}
	err = scan_init(&scan, m);
	if (err != 0)
		return err;
	for (uint32_t i = 0; i < nr_runs; i++)
		ask_run(&scan, &runs[i]);
	sim_ram_lock(m->ram);
	err = scan_maps(&scan);
	sim_ram_unlock(m->ram);
	if (err == 0)
		sum_up(&scan, runs, nr_runs, view);
	free(scan.pages);
	close(scan.pagemap);
	return err;
}

uint64_t sim_machine_cpu_mapped_bytes(struct sim_machine *m, const struct dma_phys_run *runs,
				      uint32_t nr_runs)
{
	struct sim_machine_view view;

	return sim_machine_view(m, runs, nr_runs, &view) == 0 ? view.kernel_mapped_bytes
							      : UINT64_MAX;
}

uint64_t sim_machine_cpu_touched_pages(struct sim_machine *m, const struct dma_phys_run *runs,
				       uint32_t nr_runs)
{
	struct sim_machine_view view;

	return sim_machine_view(m, runs, nr_runs, &view) == 0
		       ? view.kernel_written_pages + view.user_written_pages
		       : UINT64_MAX;
}
