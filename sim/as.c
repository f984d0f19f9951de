/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User address spaces: one array of page entries each, no tables. A page entry holds the phys of
 * the page and in its low bits what it is. Pins hold pages of RAM, whoever owns them.
 * Lock: the RAM lock.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/as_internal.h"
#include "sim/cache.h"
#include "sim/mem.h"
#include "sim/ram.h"
#include "sim/rng.h"

#define PTE_PRESENT 0x1u
#define PTE_ANON 0x2u /* a page of the program's own */
#define PTE_READ_ONLY 0x4u
#define PTE_RUNS 0x8u	  /* mapped by as_map */
#define PTE_MMIO 0x10u	  /* no host mapping behind it */
#define PTE_TYPE_SHIFT 8u /* enum dma_memtype */
#define PTE_FLAGS 0xfffu

struct dma_as {
	struct dma_as *next;
	struct sim_mem *mem;
	struct sim_ram *ram;
	uint64_t page;
	uint32_t page_lg2;
	uint8_t *host;
	uint64_t nr_pages;
	uint64_t *ptes;
	uint64_t next_free; /* where the search for free addresses starts */
	bool exited;
	uint64_t pinned;
	struct sim_as_stats stats;
};

static enum dma_memtype pte_memtype(uint64_t pte)
{
	return (enum dma_memtype)((pte >> PTE_TYPE_SHIFT) & 0xf);
}

static uint64_t pte_phys(uint64_t pte)
{
	return pte & ~(uint64_t)PTE_FLAGS;
}

static uint64_t pte_make(uint64_t phys, uint32_t flags, enum dma_memtype memtype)
{
	return phys | PTE_PRESENT | flags | ((uint64_t)memtype << PTE_TYPE_SHIFT);
}

/* Page index of a page-aligned or other user address; false outside the address space. */
static bool range_pages(const struct dma_as *as, uint64_t uaddr, uint64_t len, uint64_t *first,
			uint64_t *nr)
{
	uint64_t off = uaddr - SIM_AS_BASE;
	uint64_t bytes = as->nr_pages << as->page_lg2;

	if (uaddr < SIM_AS_BASE || len == 0 || off >= bytes || len > bytes - off)
		return false;
	*first = off >> as->page_lg2;
	*nr = ((off + len - 1) >> as->page_lg2) - *first + 1;
	return true;
}

int sim_as_open(struct sim_mem *mem, uint64_t va_bytes, struct dma_as **out)
{
	const struct sim_mem_cfg *cfg = sim_mem_cfg(mem);
	uint64_t page = sim_ram_page_bytes(cfg->ram);
	struct dma_as *as;

	if (va_bytes == 0 || va_bytes % page != 0)
		return -EINVAL;
	as = calloc(1, sizeof(*as));
	if (as == NULL)
		return -ENOMEM;
	as->mem = mem;
	as->ram = cfg->ram;
	as->page = page;
	as->page_lg2 = sim_ram_cfg(cfg->ram)->page_lg2;
	as->nr_pages = va_bytes >> as->page_lg2;
	as->stats.locked_limit = cfg->locked_limit != 0 ? cfg->locked_limit : UINT64_MAX;
	as->ptes = calloc(as->nr_pages, sizeof(*as->ptes));
	as->host = sim_mem_reserve(va_bytes);
	if (as->ptes == NULL || as->host == NULL) {
		sim_mem_unreserve(as->host, va_bytes);
		free(as->ptes);
		free(as);
		return -ENOMEM;
	}
	sim_ram_lock(as->ram);
	as->next = sim_mem_as_list(mem)->first;
	sim_mem_as_list(mem)->first = as;
	sim_mem_counters(mem)->address_spaces++;
	sim_ram_unlock(as->ram);
	*out = as;
	return 0;
}

/* Unlink and free. With the lock held. */
static void as_free(struct dma_as *as)
{
	struct dma_as **link = &sim_mem_as_list(as->mem)->first;

	while (*link != as)
		link = &(*link)->next;
	*link = as->next;
	sim_mem_counters(as->mem)->address_spaces--;
	sim_mem_unreserve(as->host, as->nr_pages << as->page_lg2);
	free(as->ptes);
	free(as);
}

static void unmap_page(struct dma_as *as, uint64_t idx)
{
	uint64_t pte = as->ptes[idx];

	if ((pte & PTE_PRESENT) == 0)
		return;
	as->ptes[idx] = 0;
	as->stats.mapped_bytes -= as->page;
	if ((pte & PTE_RUNS) != 0)
		sim_mem_counters(as->mem)->as_map_pages--;
	if ((pte & PTE_MMIO) != 0)
		return;
	sim_mem_remove(as->mem, as->host + (idx << as->page_lg2), pte_phys(pte), as->page,
		       pte_memtype(pte));
	if ((pte & PTE_ANON) != 0) {
		as->stats.anon_pages--;
		/* Ours, whole and not yet freed: cannot fail. A pin keeps it. */
		(void)sim_ram_release(as->ram, pte_phys(pte), as->page);
	}
}

static int map_page(struct dma_as *as, uint64_t idx, uint64_t phys, uint32_t flags,
		    enum dma_memtype memtype)
{
	if ((flags & PTE_MMIO) == 0) {
		int err = sim_mem_place(as->mem, as->host + (idx << as->page_lg2), phys, as->page,
					memtype,
					(flags & PTE_READ_ONLY) != 0 ? SIM_PROT_RO : SIM_PROT_RW);

		if (err != 0)
			return err;
	}
	as->ptes[idx] = pte_make(phys, flags, memtype);
	as->stats.mapped_bytes += as->page;
	if ((flags & PTE_ANON) != 0)
		as->stats.anon_pages++;
	if ((flags & PTE_RUNS) != 0)
		sim_mem_counters(as->mem)->as_map_pages++;
	return 0;
}

static void unmap_pages(struct dma_as *as, uint64_t first, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		unmap_page(as, first + i);
}

void sim_as_exit(struct dma_as *as)
{
	struct sim_ram *ram = as->ram;

	sim_ram_lock(ram);
	unmap_pages(as, 0, as->nr_pages);
	as->exited = true;
	if (as->pinned == 0)
		as_free(as);
	sim_ram_unlock(ram);
}

void sim_as_destroy(struct dma_as *as)
{
	as->pinned = 0;
	sim_as_exit(as);
}

static uint64_t find_free_pages(struct dma_as *as, uint64_t nr)
{
	for (int turn = 0; turn < 2; turn++) {
		uint64_t n = 0;

		for (uint64_t idx = turn == 0 ? as->next_free : 0; idx < as->nr_pages; idx++) {
			n = as->ptes[idx] != 0 ? 0 : n + 1;
			if (n == nr) {
				as->next_free = idx + 1;
				return idx + 1 - nr;
			}
		}
	}
	return as->nr_pages;
}

static uint64_t uaddr_of(const struct dma_as *as, uint64_t idx)
{
	return SIM_AS_BASE + (idx << as->page_lg2);
}

static uint64_t pages_of(const struct dma_as *as, uint64_t len)
{
	return (len >> as->page_lg2) + ((len & (as->page - 1)) != 0);
}

uint64_t sim_as_find_free(struct dma_as *as, uint64_t len)
{
	uint64_t idx;

	if (len == 0)
		return 0;
	sim_ram_lock(as->ram);
	idx = find_free_pages(as, pages_of(as, len));
	sim_ram_unlock(as->ram);
	return idx == as->nr_pages ? 0 : uaddr_of(as, idx);
}

/* A zeroed page of the program's own at @idx. */
static int alloc_page_at(struct dma_as *as, uint64_t idx, uint32_t flags)
{
	struct sim_cache *cache = sim_mem_cfg(as->mem)->cache;
	uint64_t phys;
	int err;

	err = sim_ram_alloc(as->ram, as->page, as->page, UINT64_MAX, &phys);
	if (err != 0)
		return err;
	sim_ram_fill(as->ram, phys, as->page, 0);
	if (cache != NULL)
		sim_cache_forget(cache, phys, as->page);
	err = map_page(as, idx, phys, PTE_ANON | flags, DMA_MEM_WB);
	if (err != 0)
		(void)sim_ram_release(as->ram, phys, as->page);
	return err;
}

int sim_as_alloc(struct dma_as *as, uint64_t len, uint32_t flags, uint64_t *uaddr)
{
	uint64_t nr = pages_of(as, len), first;
	int err = 0;

	if (len == 0 || (flags & ~SIM_AS_READ_ONLY) != 0)
		return -EINVAL;
	sim_ram_lock(as->ram);
	first = find_free_pages(as, nr);
	if (first == as->nr_pages)
		err = -ENOMEM;
	for (uint64_t i = 0; err == 0 && i < nr; i++) {
		err = alloc_page_at(as, first + i,
				    (flags & SIM_AS_READ_ONLY) != 0 ? PTE_READ_ONLY : 0);
		if (err != 0)
			unmap_pages(as, first, i);
	}
	sim_ram_unlock(as->ram);
	if (err == 0)
		*uaddr = uaddr_of(as, first);
	return err;
}

int sim_as_unmap(struct dma_as *as, uint64_t uaddr, uint64_t len)
{
	uint64_t first, nr;

	if (((uaddr | len) & (as->page - 1)) != 0 || !range_pages(as, uaddr, len, &first, &nr))
		return -EINVAL;
	sim_ram_lock(as->ram);
	unmap_pages(as, first, nr);
	sim_ram_unlock(as->ram);
	return 0;
}

static int protect_page(struct dma_as *as, uint64_t idx, bool read_only)
{
	uint64_t *pte = &as->ptes[idx];

	if ((*pte & PTE_MMIO) == 0 && mprotect(as->host + (idx << as->page_lg2), as->page,
					       read_only ? PROT_READ : PROT_READ | PROT_WRITE) != 0)
		return -ENOMEM;
	*pte &= ~(uint64_t)PTE_READ_ONLY;
	*pte |= read_only ? PTE_READ_ONLY : 0;
	return 0;
}

int sim_as_protect(struct dma_as *as, uint64_t uaddr, uint64_t len, uint32_t flags)
{
	uint64_t first, nr;
	int err = 0;

	if (!range_pages(as, uaddr, len, &first, &nr))
		return -EFAULT;
	sim_ram_lock(as->ram);
	for (uint64_t i = 0; i < nr; i++) {
		if ((as->ptes[first + i] & PTE_PRESENT) == 0)
			err = -EFAULT;
	}
	for (uint64_t i = 0; err == 0 && i < nr; i++)
		err = protect_page(as, first + i, (flags & SIM_AS_READ_ONLY) != 0);
	sim_ram_unlock(as->ram);
	return err;
}

int sim_as_map_pfn(struct dma_as *as, phys_addr_t phys, uint64_t len, enum dma_memtype memtype,
		   uint64_t *uaddr)
{
	const struct sim_mem_cfg *cfg = sim_mem_cfg(as->mem);
	uint64_t nr = pages_of(as, len), first, window;
	uint32_t flags = 0;
	int err = 0;

	if (len == 0 || ((phys | len) & (as->page - 1)) != 0)
		return -EINVAL;
	if (cfg->is_mmio != NULL && cfg->is_mmio(cfg->is_mmio_ctx, phys, &window) && len <= window)
		flags = PTE_MMIO;
	else if (!sim_ram_is_carveout(as->ram, phys) || !sim_ram_has(as->ram, phys, len))
		return -EINVAL;
	sim_ram_lock(as->ram);
	first = find_free_pages(as, nr);
	if (first == as->nr_pages)
		err = -ENOMEM;
	for (uint64_t i = 0; err == 0 && i < nr; i++) {
		err = map_page(as, first + i, phys + (i << as->page_lg2), flags,
			       flags == 0 ? memtype : DMA_MEM_DEVICE);
		if (err != 0)
			unmap_pages(as, first, i);
	}
	sim_ram_unlock(as->ram);
	if (err == 0)
		*uaddr = uaddr_of(as, first);
	return err;
}

void *sim_as_ptr(struct dma_as *as, uint64_t uaddr)
{
	return as->host + (uaddr - SIM_AS_BASE);
}

int sim_as_phys(struct dma_as *as, uint64_t uaddr, phys_addr_t *phys)
{
	uint64_t first, nr, pte;

	if (!range_pages(as, uaddr, 1, &first, &nr))
		return -EFAULT;
	sim_ram_lock(as->ram);
	pte = as->ptes[first];
	sim_ram_unlock(as->ram);
	if ((pte & PTE_PRESENT) == 0)
		return -EFAULT;
	*phys = pte_phys(pte) | (uaddr & (as->page - 1));
	return 0;
}

void sim_as_set_locked_limit(struct dma_as *as, uint64_t bytes)
{
	sim_ram_lock(as->ram);
	as->stats.locked_limit = bytes;
	sim_ram_unlock(as->ram);
}

void sim_as_stats(struct dma_as *as, struct sim_as_stats *stats)
{
	sim_ram_lock(as->ram);
	*stats = as->stats;
	sim_ram_unlock(as->ram);
}

static int fork_page(struct dma_as *parent, struct dma_as *child, uint64_t idx)
{
	uint64_t pte = parent->ptes[idx], off = idx << parent->page_lg2;
	int err;

	if ((pte & PTE_PRESENT) == 0)
		return 0;
	/* as_map is the driver's, for this address space only (VM_DONTCOPY). */
	if ((pte & PTE_RUNS) != 0)
		return 0;
	if ((pte & PTE_ANON) == 0)
		return map_page(child, idx, pte_phys(pte),
				(uint32_t)pte & (PTE_MMIO | PTE_READ_ONLY), pte_memtype(pte));
	err = alloc_page_at(child, idx, 0);
	if (err != 0)
		return err;
	/* The copy is made now, so the parent keeps the pages a device may know. */
	memcpy(child->host + off, parent->host + off, parent->page);
	return protect_page(child, idx, (pte & PTE_READ_ONLY) != 0);
}

int sim_as_fork(struct dma_as *parent, struct dma_as **out)
{
	struct dma_as *child;
	int err;

	err = sim_as_open(parent->mem, parent->nr_pages << parent->page_lg2, &child);
	if (err != 0)
		return err;
	sim_ram_lock(parent->ram);
	child->stats.locked_limit = parent->stats.locked_limit;
	child->next_free = parent->next_free;
	for (uint64_t idx = 0; err == 0 && idx < parent->nr_pages; idx++)
		err = fork_page(parent, child, idx);
	sim_ram_unlock(parent->ram);
	if (err != 0) {
		sim_as_exit(child);
		return err;
	}
	*out = child;
	return 0;
}

static int check_free(const struct dma_as *as, uint64_t first, uint64_t nr)
{
	if (as->exited)
		return -EFAULT;
	for (uint64_t i = 0; i < nr; i++) {
		if (as->ptes[first + i] != 0)
			return -EEXIST;
	}
	return 0;
}

/* All of them or none. With the lock held. */
static int map_runs_at(struct dma_as *as, uint64_t first, const struct dma_phys_run *runs,
		       uint32_t nr_runs, uint32_t flags, enum dma_memtype memtype)
{
	uint64_t idx = first;

	for (uint32_t i = 0; i < nr_runs; i++) {
		for (uint64_t off = 0; off < runs[i].len; off += as->page, idx++) {
			int err = map_page(as, idx, runs[i].phys + off, PTE_RUNS | flags, memtype);

			if (err != 0) {
				unmap_pages(as, first, idx - first);
				return err;
			}
		}
	}
	return 0;
}

/* Register windows: every run inside one, aligned; @len their sum. */
static bool runs_are_mmio(const struct dma_as *as, const struct dma_phys_run *runs,
			  uint32_t nr_runs, uint64_t *len)
{
	const struct sim_mem_cfg *cfg = sim_mem_cfg(as->mem);
	uint64_t sum = 0, window;

	for (uint32_t i = 0; i < nr_runs; i++) {
		if (cfg->is_mmio == NULL ||
		    !cfg->is_mmio(cfg->is_mmio_ctx, runs[i].phys, &window) ||
		    runs[i].len > window || runs[i].len == 0 ||
		    ((runs[i].phys | runs[i].len) & (as->page - 1)) != 0)
			return false;
		sum += runs[i].len;
	}
	*len = sum;
	return sum != 0;
}

int sim_as_map_runs(struct dma_as *as, uint64_t uaddr, const struct dma_phys_run *runs,
		    uint32_t nr_runs, enum dma_memtype memtype)
{
	uint64_t len, first, nr;
	uint32_t flags = 0;
	int err;

	if (runs_are_mmio(as, runs, nr_runs, &len))
		flags = PTE_MMIO;
	else if (!sim_mem_runs_are_ram(as->mem, runs, nr_runs, &len))
		return -EINVAL;
	if ((uaddr & (as->page - 1)) != 0)
		return -EINVAL;
	if (!range_pages(as, uaddr, len, &first, &nr))
		return -ENOMEM;
	sim_ram_lock(as->ram);
	err = check_free(as, first, nr);
	if (err == 0)
		err = map_runs_at(as, first, runs, nr_runs, flags,
				  flags != 0 ? DMA_MEM_DEVICE : memtype);
	sim_ram_unlock(as->ram);
	return err;
}

void sim_as_unmap_runs(struct dma_as *as, uint64_t uaddr, uint64_t len)
{
	uint64_t first, nr;

	sim_ram_lock(as->ram);
	if (!range_pages(as, uaddr, len, &first, &nr) || ((uaddr | len) & (as->page - 1)) != 0) {
		sim_mem_counters(as->mem)->bad_unmaps++;
		nr = 0;
	}
	for (uint64_t i = 0; i < nr; i++) {
		/* After an exit there is nothing left to unmap: no mistake. */
		if ((as->ptes[first + i] & PTE_RUNS) != 0)
			unmap_page(as, first + i);
		else if (!as->exited)
			sim_mem_counters(as->mem)->bad_unmaps++;
	}
	sim_ram_unlock(as->ram);
}

static enum dma_phys_kind pte_kind(const struct dma_as *as, uint64_t pte)
{
	if ((pte & PTE_MMIO) != 0)
		return DMA_PHYS_MMIO;
	return sim_ram_is_carveout(as->ram, pte_phys(pte)) ? DMA_PHYS_UNOWNED : DMA_PHYS_RAM;
}

static int pin_check_page(const struct dma_as *as, uint64_t pte, bool write)
{
	if ((pte & PTE_PRESENT) == 0 || (write && (pte & PTE_READ_ONLY) != 0))
		return -EFAULT;
	if (pte_kind(as, pte) == DMA_PHYS_UNOWNED && sim_mem_cfg(as->mem)->carveout_no_token)
		return -EOPNOTSUPP;
	return 0;
}

/* Append a piece of one page to the runs; false when they are full. */
static bool runs_add(struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs,
		     const struct dma_pin_run *piece)
{
	struct dma_pin_run *last = *nr_runs != 0 ? &runs[*nr_runs - 1] : NULL;

	if (last != NULL && last->phys + last->len == piece->phys && last->kind == piece->kind &&
	    last->token == piece->token) {
		last->len += piece->len;
		return true;
	}
	if (*nr_runs == max_runs)
		return false;
	runs[(*nr_runs)++] = *piece;
	return true;
}

/* Plan: fills runs, checks every page it covers; nothing is held yet. */
static int pin_plan(const struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
		    struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs,
		    uint64_t *covered)
{
	uint64_t done = 0;

	while (done < len) {
		uint64_t at = uaddr + done, in_page = at & (as->page - 1);
		uint64_t pte = as->ptes[(at - SIM_AS_BASE) >> as->page_lg2];
		uint64_t left = as->page - in_page;
		struct dma_pin_run piece = {
			.phys = pte_phys(pte) + in_page,
			.len = left < len - done ? left : len - done,
			.kind = pte_kind(as, pte),
		};
		int err = pin_check_page(as, pte, write);

		if (err != 0)
			return err;
		if (piece.kind == DMA_PHYS_UNOWNED)
			piece.token = 1; /* the one carve-out of this machine */
		if (!runs_add(runs, max_runs, nr_runs, &piece))
			break;
		done += piece.len;
	}
	*covered = done;
	return 0;
}

/* CPU pages that a run touches: first page and number. */
static uint64_t run_pages(const struct dma_as *as, const struct dma_pin_run *run, uint64_t *first)
{
	*first = run->phys & ~(as->page - 1);
	return ((run->phys + run->len - 1 - *first) >> as->page_lg2) + 1;
}

static uint64_t countable_pages(const struct dma_as *as, const struct dma_pin_run *runs,
				uint32_t nr_runs)
{
	uint64_t nr = 0, first;

	for (uint32_t i = 0; i < nr_runs; i++)
		nr += runs[i].kind == DMA_PHYS_RAM ? run_pages(as, &runs[i], &first) : 0;
	return nr;
}

static void pin_commit(struct dma_as *as, const struct dma_pin_run *runs, uint32_t nr_runs)
{
	for (uint32_t i = 0; i < nr_runs; i++) {
		uint64_t first, nr = run_pages(as, &runs[i], &first);

		as->pinned += nr;
		if (runs[i].kind == DMA_PHYS_UNOWNED)
			sim_mem_counters(as->mem)->tokens += nr;
		for (uint64_t n = 0; runs[i].kind == DMA_PHYS_RAM && n < nr; n++)
			sim_ram_pin(as->ram, first + (n << as->page_lg2));
		sim_trace_add(sim_mem_cfg(as->mem)->trace, SIM_TRACE_PIN, runs[i].phys,
			      runs[i].len);
	}
}

int sim_as_pin(struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
	       struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs, uint64_t *covered)
{
	uint64_t first, nr, wanted;
	uint32_t planned = 0;
	int err;

	if (max_runs == 0)
		return -EINVAL;
	if (!range_pages(as, uaddr, len, &first, &nr))
		return -EFAULT;
	sim_ram_lock(as->ram);
	err = pin_plan(as, uaddr, len, write, runs, max_runs, &planned, covered);
	wanted = as->stats.locked_bytes + (countable_pages(as, runs, planned) << as->page_lg2);
	if (err == 0 && wanted > as->stats.locked_limit) {
		as->stats.limit_hits++;
		as->stats.limit_wanted = wanted;
		err = -ENOMEM;
	}
	if (err == 0) {
		pin_commit(as, runs, planned);
		as->stats.locked_bytes = wanted;
		*nr_runs = planned;
	} else {
		*nr_runs = 0;
		*covered = 0;
	}
	sim_ram_unlock(as->ram);
	return err;
}

static void unpin_run(struct dma_as *as, const struct dma_pin_run *run, bool dirty)
{
	uint64_t first, nr = run_pages(as, run, &first);

	if (nr > as->pinned ||
	    (run->kind == DMA_PHYS_RAM && !sim_ram_has(as->ram, run->phys, run->len))) {
		sim_mem_counters(as->mem)->bad_unmaps++;
		return;
	}
	as->pinned -= nr;
	if (run->kind == DMA_PHYS_UNOWNED)
		sim_mem_counters(as->mem)->tokens -= nr;
	for (uint64_t n = 0; run->kind == DMA_PHYS_RAM && n < nr; n++) {
		if (!sim_ram_unpin(as->ram, first + (n << as->page_lg2)))
			sim_mem_counters(as->mem)->bad_unmaps++;
		as->stats.locked_bytes -= as->page;
		as->stats.dirtied_pages += dirty;
	}
}

void sim_as_unpin(struct dma_as *as, const struct dma_pin_run *runs, uint32_t nr_runs, bool dirty)
{
	struct sim_ram *ram = as->ram;

	sim_ram_lock(ram);
	for (uint32_t i = 0; i < nr_runs; i++)
		unpin_run(as, &runs[i], dirty);
	if (as->exited && as->pinned == 0)
		as_free(as);
	sim_ram_unlock(ram);
}

bool sim_as_owns_host(struct sim_mem *mem, uintptr_t host)
{
	for (struct dma_as *as = sim_mem_as_list(mem)->first; as != NULL; as = as->next) {
		if (host - (uintptr_t)as->host < as->nr_pages << as->page_lg2)
			return true;
	}
	return false;
}

void sim_as_forget_touches(struct sim_mem *mem)
{
	for (struct dma_as *as = sim_mem_as_list(mem)->first; as != NULL; as = as->next)
		madvise(as->host, as->nr_pages << as->page_lg2, MADV_DONTNEED);
}
