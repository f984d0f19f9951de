/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform for tests; see host_platform.h. Locks, time and barriers are the process's. */
#include "tests/support/host_platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/process/process.h"
#include "tests/support/check_run.h"

#define DEFAULT_RAM_BYTES ((uint64_t)16 << 20)
#define DEFAULT_RAM_BASE ((uint64_t)4 << 30)
#define RAM_ALIGN ((size_t)2 << 20)
#define INSIDE UINT32_MAX
#define META_MAGIC 0x6d657461u

#define FAIL(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Stands right before each metadata block. */
struct meta_header {
	void *heap_block;
	size_t bytes;
	uint32_t magic;
};

static struct host_platform *host_of(struct dma_platform *p)
{
	return (struct host_platform *)p;
}

static bool host_inject(struct dma_platform *p, enum dma_inject_site site)
{
	struct host_platform *h = host_of(p);

	(void)site;
	if (atomic_fetch_add(&h->nr_requests, 1) + 1 != h->fail_at)
		return false;
	atomic_fetch_add(&h->nr_injected, 1);
	return true;
}

/* A bench takes the hook away, to measure without it. */
static bool injects(struct dma_platform *p, enum dma_inject_site site)
{
	return p->inject != NULL && p->inject(p, site);
}

static void *meta_alloc(struct dma_platform *p, size_t bytes, size_t align)
{
	struct host_platform *h = host_of(p);
	struct meta_header *header;
	unsigned char *block;
	size_t front;

	if (injects(p, DMA_INJECT_META))
		return NULL;
	if (align < _Alignof(max_align_t))
		align = _Alignof(max_align_t);
	front = (sizeof(*header) + align - 1) & ~(align - 1);
	block = aligned_alloc(align, (front + bytes + align - 1) & ~(align - 1));
	if (block == NULL)
		return NULL;
	memset(block, 0, front + bytes);
	header = (void *)(block + front - sizeof(*header));
	*header = (struct meta_header){ block, bytes, META_MAGIC };
	atomic_fetch_add(&h->nr_metas, 1);
	atomic_fetch_add(&h->meta_bytes, bytes);
	return block + front;
}

static void meta_free(struct dma_platform *p, void *mem, size_t bytes)
{
	struct host_platform *h = host_of(p);
	struct meta_header *header;

	if (mem == NULL)
		FAIL("meta_free of NULL");
	header = (struct meta_header *)mem - 1;
	if (header->magic != META_MAGIC)
		FAIL("meta_free of %p, which meta_alloc did not return", mem);
	if (header->bytes != bytes)
		FAIL("meta_free of %zu bytes, allocated as %zu", bytes, header->bytes);
	header->magic = 0;
	atomic_fetch_sub(&h->nr_metas, 1);
	atomic_fetch_sub(&h->meta_bytes, bytes);
	free(header->heap_block);
}

static uint64_t ram_pages(const struct host_platform *h)
{
	return h->opt.ram_bytes >> h->opt.page_lg2;
}

/* xorshift64: where the next block is looked for first. */
static uint64_t next_random(struct host_platform *h)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return h->random;
}

static bool block_fits(const struct host_platform *h, uint64_t first, uint64_t nr_pages,
		       const struct dma_pages_req *req)
{
	uint64_t phys = h->opt.ram_base + (first << h->opt.page_lg2);

	if (first + nr_pages > ram_pages(h) || (phys & (req->align - 1)) != 0 ||
	    phys + (req->len - 1) > req->last)
		return false;
	for (uint64_t i = first; i < first + nr_pages; i++) {
		if (h->block_pages[i] != 0)
			return false;
	}
	return true;
}

/* First fit from @start, wrapping; the number of pages of RAM when nothing fits. */
static uint64_t find_block(const struct host_platform *h, uint64_t start, uint64_t nr_pages,
			   const struct dma_pages_req *req)
{
	uint64_t total = ram_pages(h);

	for (uint64_t i = 0; i < total; i++) {
		uint64_t first = (start + i) % total;

		if (block_fits(h, first, nr_pages, req))
			return first;
	}
	return total;
}

static int pages_alloc(struct dma_platform *p, const struct dma_pages_req *req, phys_addr_t *phys)
{
	struct host_platform *h = host_of(p);
	uint64_t nr_pages = req->len >> h->opt.page_lg2;
	uint64_t first;

	if (req->len == 0 || (req->len & (((uint64_t)1 << h->opt.page_lg2) - 1)) != 0)
		FAIL("pages_alloc of %llu bytes", (unsigned long long)req->len);
	if (injects(p, DMA_INJECT_PAGES))
		return -ENOMEM;
	p->spin_lock(p, &h->page_lock);
	first = find_block(h, h->random == 0 ? 0 : next_random(h) % ram_pages(h), nr_pages, req);
	for (uint64_t i = 0; first < ram_pages(h) && i < nr_pages; i++)
		h->block_pages[first + i] = i == 0 ? (uint32_t)nr_pages : INSIDE;
	p->spin_unlock(p, &h->page_lock);
	if (first == ram_pages(h))
		return -ENOMEM;
	*phys = h->opt.ram_base + (first << h->opt.page_lg2);
	atomic_fetch_add(&h->nr_pages, nr_pages);
	/* Garbage unless zeroes were asked for: nobody may rely on fresh pages being clean. */
	memset(host_platform_ram(h, *phys), (req->flags & DMA_PAGES_ZERO) != 0 ? 0 : 0xa5,
	       (size_t)req->len);
	return 0;
}

static void pages_free(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct host_platform *h = host_of(p);
	uint64_t first = (phys - h->opt.ram_base) >> h->opt.page_lg2;
	uint64_t nr_pages = len >> h->opt.page_lg2;

	if (phys < h->opt.ram_base || first >= ram_pages(h) || nr_pages == 0)
		FAIL("pages_free of 0x%llx", (unsigned long long)phys);
	memset(host_platform_ram(h, phys), 0x5a, (size_t)len);
	p->spin_lock(p, &h->page_lock);
	if (h->block_pages[first] != nr_pages)
		FAIL("pages_free of 0x%llx, %llu bytes: not a block that was allocated",
		     (unsigned long long)phys, (unsigned long long)len);
	memset(&h->block_pages[first], 0, (size_t)nr_pages * sizeof(h->block_pages[0]));
	p->spin_unlock(p, &h->page_lock);
	atomic_fetch_sub(&h->nr_pages, nr_pages);
}

/* True when @at lies in [@start, @start + @bytes); @left: bytes from @at to the end. */
static bool in_window(uint64_t at, uint64_t start, uint64_t bytes, uint64_t *left)
{
	if (at < start || at - start >= bytes)
		return false;
	*left = bytes - (at - start);
	return true;
}

static enum dma_phys_kind phys_kind(struct dma_platform *p, phys_addr_t phys, uint64_t *len)
{
	const struct host_options *opt = &host_of(p)->opt;
	uint64_t ends = UINT64_MAX;

	if (in_window(phys, opt->ram_base, opt->ram_bytes, len))
		return DMA_PHYS_RAM;
	if (in_window(phys, opt->mmio_phys, opt->mmio_bytes, len))
		return DMA_PHYS_MMIO;
	if (phys < opt->ram_base)
		ends = opt->ram_base;
	if (opt->mmio_bytes != 0 && phys < opt->mmio_phys && opt->mmio_phys < ends)
		ends = opt->mmio_phys;
	*len = ends - phys;
	return DMA_PHYS_NONE;
}

static phys_addr_t ram_last(struct dma_platform *p)
{
	const struct host_options *opt = &host_of(p)->opt;

	return opt->ram_base + (opt->ram_bytes - 1);
}

static void *phys_to_virt(struct dma_platform *p, phys_addr_t phys)
{
	struct host_platform *h = host_of(p);
	uint64_t left;

	if (!in_window(phys, h->opt.ram_base, h->opt.ram_bytes, &left))
		return NULL;
	return h->ram + (size_t)(phys - h->opt.ram_base);
}

static int virt_to_phys(struct dma_platform *p, const void *virt, phys_addr_t *phys)
{
	struct host_platform *h = host_of(p);
	uint64_t left;

	if (!in_window((uintptr_t)virt, (uintptr_t)h->ram, h->opt.ram_bytes, &left))
		return -EFAULT;
	*phys = h->opt.ram_base + ((uintptr_t)virt - (uintptr_t)h->ram);
	return 0;
}

/* Only memory that already lies side by side can be mapped side by side here. */
static void *cpu_map(struct dma_platform *p, const struct dma_phys_run *runs, uint32_t nr_runs,
		     enum dma_memtype memtype)
{
	(void)memtype;
	if (injects(p, DMA_INJECT_CPUMAP))
		return NULL;
	for (uint32_t i = 1; i < nr_runs; i++) {
		if (runs[i].phys != runs[i - 1].phys + runs[i - 1].len)
			return NULL;
	}
	atomic_fetch_add(&host_of(p)->nr_cpu_maps, 1);
	return phys_to_virt(p, runs[0].phys);
}

static void cpu_unmap(struct dma_platform *p, void *virt, uint64_t len)
{
	(void)virt;
	(void)len;
	atomic_fetch_sub(&host_of(p)->nr_cpu_maps, 1);
}

static int as_map(struct dma_platform *p, struct dma_as *as, uint64_t uaddr,
		  const struct dma_phys_run *runs, uint32_t nr_runs, enum dma_memtype memtype)
{
	(void)p;
	(void)as;
	(void)uaddr;
	(void)runs;
	(void)nr_runs;
	(void)memtype;
	return -EOPNOTSUPP;
}

static void as_unmap(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len)
{
	(void)p;
	(void)as;
	(void)len;
	FAIL("as_unmap of 0x%llx, which was never mapped", (unsigned long long)uaddr);
}

/* User memory is RAM by its CPU address, pinned in one run per page as a kernel would find it. */
static int pin(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
	       struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs, uint64_t *covered)
{
	uint64_t page = (uint64_t)1 << p->page_lg2;
	uint32_t n = 0;
	uint64_t done = 0;

	(void)as;
	(void)write;
	if (injects(p, DMA_INJECT_PIN))
		return -ENOMEM;
	while (done < len && n < max_runs) {
		uint64_t piece = page - ((uaddr + done) & (page - 1));
		phys_addr_t phys;

		if (piece > len - done)
			piece = len - done;
		if (virt_to_phys(p, (const void *)(uintptr_t)(uaddr + done), &phys) != 0)
			return -EFAULT;
		runs[n++] = (struct dma_pin_run){ phys, piece, DMA_PHYS_RAM, 0 };
		done += piece;
	}
	atomic_fetch_add(&host_of(p)->nr_pins, n);
	*nr_runs = n;
	*covered = done;
	return 0;
}

static void unpin(struct dma_platform *p, struct dma_as *as, const struct dma_pin_run *runs,
		  uint32_t nr_runs, bool dirty)
{
	(void)as;
	(void)runs;
	(void)dirty;
	atomic_fetch_sub(&host_of(p)->nr_pins, nr_runs);
}

static void cache_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	(void)phys;
	(void)len;
	atomic_fetch_add(&host_of(p)->nr_cleans, 1);
}

static void cache_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	(void)phys;
	(void)len;
	atomic_fetch_add(&host_of(p)->nr_invs, 1);
}

static void cache_clean_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	cache_clean(p, phys, len);
	cache_inv(p, phys, len);
}

static uint64_t mmio_read(struct dma_platform *p, uint64_t addr, uint32_t width)
{
	(void)p;
	FAIL("read of %u bytes of MMIO at 0x%llx", width, (unsigned long long)addr);
}

static void mmio_write(struct dma_platform *p, uint64_t addr, uint32_t width, uint64_t value)
{
	(void)p;
	FAIL("write of 0x%llx (%u bytes) to MMIO at 0x%llx", (unsigned long long)value, width,
	     (unsigned long long)addr);
}

static void host_log(struct dma_platform *p, enum dma_log_level level, const char *line)
{
	struct host_platform *h = host_of(p);

	(void)level;
	p->spin_lock(p, &h->page_lock);
	snprintf(h->last_log, sizeof(h->last_log), "%s", line);
	p->spin_unlock(p, &h->page_lock);
	atomic_fetch_add(&h->nr_logs, 1);
}

static const struct dma_platform host_table = {
	.size = sizeof(struct dma_platform),
	.name = "host",
	.meta_alloc = meta_alloc,
	.meta_free = meta_free,
	.pages_alloc = pages_alloc,
	.pages_free = pages_free,
	.phys_kind = phys_kind,
	.ram_last = ram_last,
	.phys_to_virt = phys_to_virt,
	.virt_to_phys = virt_to_phys,
	.cpu_map = cpu_map,
	.cpu_unmap = cpu_unmap,
	.as_map = as_map,
	.as_unmap = as_unmap,
	.pin = pin,
	.unpin = unpin,
	.cache_clean = cache_clean,
	.cache_inv = cache_inv,
	.cache_clean_inv = cache_clean_inv,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.spin_lock = dma_process_spin_lock,
	.spin_unlock = dma_process_spin_unlock,
	.mutex_lock = dma_process_mutex_lock,
	.mutex_unlock = dma_process_mutex_unlock,
	.sync_slots = dma_process_sync_slots,
	.now_ns = dma_process_now_ns,
	.relax = dma_process_relax,
	.log = host_log,
	.inject = host_inject,
};

static struct host_options with_defaults(const struct host_options *opt)
{
	struct host_options o = opt != NULL ? *opt : (struct host_options){ 0 };

	if (o.ram_bytes == 0)
		o.ram_bytes = DEFAULT_RAM_BYTES;
	if (o.ram_base == 0)
		o.ram_base = DEFAULT_RAM_BASE;
	if (o.page_lg2 == 0)
		o.page_lg2 = 12;
	if (o.cache_line == 0)
		o.cache_line = 1;
	return o;
}

struct dma_platform *host_platform_init(struct host_platform *h, const struct host_options *opt)
{
	*h = (struct host_platform){ .p = host_table, .opt = with_defaults(opt) };
	h->p.page_lg2 = h->opt.page_lg2;
	h->p.cache_line = h->opt.cache_line;
	h->random = h->opt.scatter_seed;
	h->heap_block = malloc((size_t)h->opt.ram_bytes + RAM_ALIGN);
	h->block_pages = calloc((size_t)ram_pages(h), sizeof(h->block_pages[0]));
	if (h->heap_block == NULL || h->block_pages == NULL)
		FAIL("no memory for %llu bytes of RAM", (unsigned long long)h->opt.ram_bytes);
	h->ram = (unsigned char *)h->heap_block +
		 (RAM_ALIGN - (uintptr_t)h->heap_block % RAM_ALIGN) % RAM_ALIGN;
	h->p.linear_offset = (uint64_t)(uintptr_t)h->ram - h->opt.ram_base;
	return &h->p;
}

static void fail_if_left(const char *what, uint64_t left)
{
	if (left != 0)
		FAIL("leaked: %llu %s", (unsigned long long)left, what);
}

void host_platform_fini(struct host_platform *h)
{
	free(h->heap_block);
	free(h->block_pages);
	h->heap_block = NULL;
	h->block_pages = NULL;
	fail_if_left("metadata blocks", h->nr_metas);
	fail_if_left("pages", h->nr_pages);
	fail_if_left("CPU mappings", h->nr_cpu_maps);
	fail_if_left("pinned runs", h->nr_pins);
}

void host_platform_fail_nth(struct host_platform *h, uint64_t n)
{
	h->fail_at = n;
	atomic_store(&h->nr_requests, 0);
	atomic_store(&h->nr_injected, 0);
}

void *host_platform_ram(struct host_platform *h, phys_addr_t phys)
{
	void *virt = phys_to_virt(&h->p, phys);

	if (virt == NULL)
		FAIL("0x%llx is not RAM", (unsigned long long)phys);
	return virt;
}
