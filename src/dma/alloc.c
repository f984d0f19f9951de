/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation: the front, and the three steps (memory, CPU mapping, DMA address) for tables without
 * an alloc of their own, direct included. Each live buffer of those is known by its DMA address, so
 * that free, mmap and get_sgtable believe no argument. An IOMMU device's buffers: dma/iommu*.c.
 *
 * Lock: struct dma_buffers.lock (spin) around the table of buffers; never held across a
 * platform call.
 */
#include "core/mem.h"
#include "dma/dma.h"
#include "dma/pages.h"

#define NR_BUCKETS 32u

/**
 * struct dma_buffer - one allocation
 * @next: in its bucket
 * @dma_addr: DMA address of the first byte; the key
 * @size: bytes, rounded up to pages
 * @pages: step 1
 * @virt: step 2: CPU address; or the cookie
 * @memtype: memory type of every CPU mapping of it
 * @mapped: @virt is a CPU address
 */
struct dma_buffer {
	struct dma_buffer *next;
	dma_addr_t dma_addr;
	uint64_t size;
	struct pages pages;
	void *virt;
	enum dma_memtype memtype;
	bool mapped;
};

struct dma_buffers {
	struct dma_lock lock;
	uint32_t nr_live;
	struct dma_buffer *buckets[NR_BUCKETS];
};

enum dma_memtype dma_alloc_memtype(const struct dma_device *dev, unsigned long attrs)
{
	if (dev->coherent || (attrs & DMA_ATTR_NON_COHERENT) != 0)
		return DMA_MEM_WB;
	return (attrs & DMA_ATTR_WRITE_COMBINE) != 0 ? DMA_MEM_WC : DMA_MEM_UNCACHED;
}

uint64_t dma_alloc_align(const struct dma_device *dev, uint64_t size)
{
	uint64_t page = (uint64_t)1 << dev->platform->page_lg2;

	return size <= page ? page : (uint64_t)1 << bits_log2_ceil(size);
}

static struct dma_buffer **bucket_of(const struct dma_device *dev, struct dma_buffers *b,
				     dma_addr_t dma_addr)
{
	return &b->buckets[(dma_addr >> dev->platform->page_lg2) % NR_BUCKETS];
}

static struct dma_buffer *find(struct dma_device *dev, dma_addr_t dma_addr, uint64_t size,
			       bool unlink)
{
	struct dma_platform *p = dev->platform;
	uint64_t bytes = bits_align_up(size, (uint64_t)1 << p->page_lg2);
	struct dma_buffers *b = dev->buffers;
	struct dma_buffer *buf = NULL;

	if (b == NULL)
		return NULL;
	p->spin_lock(p, &b->lock);
	for (struct dma_buffer **at = bucket_of(dev, b, dma_addr); *at != NULL; at = &(*at)->next) {
		if ((*at)->dma_addr != dma_addr || (*at)->size != bytes)
			continue;
		buf = *at;
		if (unlink) {
			*at = buf->next;
			b->nr_live--;
		}
		break;
	}
	p->spin_unlock(p, &b->lock);
	return buf;
}

static void link_buffer(struct dma_device *dev, struct dma_buffer *buf)
{
	struct dma_platform *p = dev->platform;
	struct dma_buffers *b = dev->buffers;
	struct dma_buffer **head = bucket_of(dev, b, buf->dma_addr);

	p->spin_lock(p, &b->lock);
	buf->next = *head;
	*head = buf;
	b->nr_live++;
	p->spin_unlock(p, &b->lock);
}

/* NULL when no buffer of that address and size is alive; recorded. */
static struct dma_buffer *get(struct dma_device *dev, enum dma_op op, dma_addr_t dma_addr,
			      uint64_t size, unsigned long attrs, bool unlink)
{
	struct dma_buffer *buf = find(dev, dma_addr, size, unlink);
	struct dma_error err = { .dev = dev,
				 .op = op,
				 .err = -EINVAL,
				 .rule = DMA_RULE_NOT_MAPPED,
				 .addr = dma_addr,
				 .len = size,
				 .attrs = attrs,
				 .found = dma_addr };

	if (buf == NULL)
		dma_fail(&err);
	return buf;
}

/* Highest phys that window @i turns into a DMA address within the limit; false: none. */
static bool window_last(const struct dma_device *dev, uint32_t i, uint64_t limit, uint64_t *last)
{
	const struct dma_range *r = &dev->ranges[i];

	if (limit < r->dma_start)
		return false;
	*last = r->cpu_start + bits_min(r->size - 1, limit - r->dma_start);
	return true;
}

static bool is_direct(const struct dma_device *dev)
{
	return dev->ops.map_phys == dma_direct_ops.map_phys;
}

/* Step 1 within one bound; -EAGAIN: memory was had, but not where the device reaches it. */
static int take_below(struct dma_device *dev, struct pages_req *req, struct pages *pages,
		      struct dma_error *err)
{
	struct dma_platform *p = dev->platform;
	dma_addr_t addr;
	uint32_t rule;

	if (pages_take(p, req, pages, &rule) != 0) {
		err->rule = rule;
		err->need = req->len;
		err->found = 0;
		return -ENOMEM;
	}
	if (req->last == UINT64_MAX && !is_direct(dev))
		return 0;
	if (dma_direct_addr(dev, pages->runs[0].phys, req->len, dma_coherent_limit(dev), &addr,
			    err) == 0) {
		if ((addr & (req->align - 1)) == 0)
			return 0;
		err->rule = DMA_RULE_ALIGN;
		err->found = addr;
		err->need = req->align;
	}
	pages_give(p, pages);
	return -EAGAIN;
}

static int take_in_windows(struct dma_device *dev, struct pages_req *req, struct pages *pages,
			   struct dma_error *err)
{
	uint64_t limit = dma_coherent_limit(dev);
	int ret = -ENOMEM;

	req->last = limit;
	if (dev->nr_ranges == 0)
		return take_below(dev, req, pages, err);
	for (uint32_t i = 0; i < dev->nr_ranges && ret != 0; i++) {
		if (window_last(dev, i, limit, &req->last))
			ret = take_below(dev, req, pages, err);
	}
	return ret;
}

/*
 * Step 1: contiguous memory whose DMA address the device can use; windows in their order. A table
 * of the user's may have other means to reach memory, so for it that is a preference.
 */
static int take_memory(struct dma_device *dev, struct pages_req *req, struct pages *pages,
		       struct dma_error *err)
{
	uint64_t first;
	uint64_t last;

	if (dev->iommu == NULL || is_direct(dev)) {
		if (take_in_windows(dev, req, pages, err) == 0)
			return 0;
	}
	if (!is_direct(dev)) {
		req->last = UINT64_MAX;
		return take_below(dev, req, pages, err);
	}
	/* There may be memory enough, and none of it below the mask. */
	(void)dma_direct_reach(dev, &first, &last);
	if (first > dma_coherent_limit(dev)) {
		err->rule = DMA_RULE_MASK;
		err->found = first;
		err->need = dma_coherent_limit(dev);
	}
	return -ENOMEM;
}

/* Step 2, or the cookie. */
static int map_for_cpu(struct dma_device *dev, struct dma_buffer *buf, unsigned long attrs)
{
	buf->memtype = dma_alloc_memtype(dev, attrs);
	buf->mapped = (attrs & DMA_ATTR_NO_KERNEL_MAPPING) == 0;
	buf->virt = buf->mapped ? pages_cpu_map(dev->platform, &buf->pages, buf->memtype)
				: pages_cookie(buf);
	return buf->virt == NULL ? -ENOMEM : 0;
}

static void unmap_for_cpu(struct dma_device *dev, struct dma_buffer *buf)
{
	if (buf->mapped)
		pages_cpu_unmap(dev->platform, &buf->pages, buf->virt, buf->memtype);
}

/* The table comes with the first buffer; who loses the race for it frees its own. */
static bool table_make(struct dma_device *dev)
{
	struct dma_platform *p = dev->platform;
	struct dma_buffers *none = NULL;
	struct dma_buffers *mine;

	if (dev->buffers != NULL)
		return true;
	mine = p->meta_alloc(p, sizeof(*mine), _Alignof(struct dma_buffers));
	if (mine == NULL)
		return false;
	if (!atomic_compare_exchange_strong(&dev->buffers, &none, mine))
		p->meta_free(p, mine, sizeof(*mine));
	return true;
}

static struct dma_buffer *buffer_new(struct dma_device *dev)
{
	struct dma_platform *p = dev->platform;

	if (!table_make(dev))
		return NULL;
	return p->meta_alloc(p, sizeof(struct dma_buffer), _Alignof(struct dma_buffer));
}

static void buffer_free(struct dma_device *dev, struct dma_buffer *buf)
{
	pages_give(dev->platform, &buf->pages);
	dev->platform->meta_free(dev->platform, buf, sizeof(*buf));
}

/* The three steps; @err says which one failed unless map_phys, which says so itself. */
static int build(struct dma_device *dev, struct dma_buffer *buf, gfp_t gfp, unsigned long attrs,
		 enum dma_origin origin, struct dma_error *err)
{
	bool cpu = (attrs & DMA_ATTR_NO_KERNEL_MAPPING) == 0;
	uint64_t page = (uint64_t)1 << dev->platform->page_lg2;
	struct pages_req req = {
		.len = buf->size,
		.block = page,
		.align = dma_alloc_align(dev, buf->size),
		.contiguous = true,
		.linear = cpu && dma_alloc_memtype(dev, attrs) == DMA_MEM_WB,
		.gfp = gfp,
	};

	if (take_memory(dev, &req, &buf->pages, err) != 0)
		return -ENOMEM;
	if (map_for_cpu(dev, buf, attrs) != 0) {
		err->rule = DMA_RULE_NO_META;
		err->need = buf->size;
		return -ENOMEM;
	}
	/* Zeroed in memory already: there is nothing to clean. */
	buf->dma_addr =
		dev->ops.map_phys(dev, buf->pages.runs[0].phys, (size_t)buf->size,
				  DMA_BIDIRECTIONAL, attrs | DMA_ATTR_SKIP_CPU_SYNC, origin);
	if (buf->dma_addr != DMA_MAPPING_ERROR)
		return 0;
	unmap_for_cpu(dev, buf);
	err->rule = DMA_RULE_NONE;
	return -ENOMEM;
}

void *dma_alloc_contiguous(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
			   unsigned long attrs, enum dma_origin origin)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_ALLOC,
				 .err = -ENOMEM,
				 .len = size,
				 .attrs = attrs,
				 .rule = DMA_RULE_NO_META,
				 .need = sizeof(struct dma_buffer) };
	struct dma_buffer *buf;

	if (is_direct(dev) && dev->platform->phys_is_name) {
		err.rule = DMA_RULE_UNSUPPORTED;
		err.need = 0;
		dma_fail(&err);
		return NULL;
	}
	buf = buffer_new(dev);
	if (buf == NULL) {
		dma_fail(&err);
		return NULL;
	}
	buf->size = bits_align_up(size, (uint64_t)1 << dev->platform->page_lg2);
	if (build(dev, buf, gfp, attrs, origin, &err) != 0) {
		buffer_free(dev, buf);
		if (err.rule != DMA_RULE_NONE)
			dma_fail(&err);
		return NULL;
	}
	link_buffer(dev, buf);
	*dma_addr = buf->dma_addr;
	return buf->virt;
}

static void destroy(struct dma_device *dev, struct dma_buffer *buf)
{
	unmap_for_cpu(dev, buf);
	buffer_free(dev, buf);
}

static void take_address(struct dma_device *dev, struct dma_buffer *buf, unsigned long attrs,
			 enum dma_origin origin)
{
	dev->ops.unmap_phys(dev, buf->dma_addr, (size_t)buf->size, DMA_BIDIRECTIONAL,
			    attrs | DMA_ATTR_SKIP_CPU_SYNC, origin);
}

void dma_free_contiguous(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
			 unsigned long attrs, enum dma_origin origin)
{
	struct dma_buffer *buf = get(dev, DMA_OP_FREE, dma_addr, size, attrs, true);

	(void)cpu_addr;
	if (buf == NULL)
		return;
	take_address(dev, buf, attrs, origin);
	destroy(dev, buf);
}

bool dma_buffers_live(const struct dma_device *dev)
{
	const struct dma_buffers *b = dev->buffers;

	return b != NULL && b->nr_live != 0;
}

void dma_buffers_fini(struct dma_device *dev)
{
	struct dma_buffers *b = dev->buffers;

	if (b == NULL)
		return;
	for (uint32_t i = 0; i < NR_BUCKETS; i++) {
		while (b->buckets[i] != NULL) {
			struct dma_buffer *buf = b->buckets[i];

			b->buckets[i] = buf->next;
			/* Others map one to one, or are blocked: nothing to undo. */
			if (dev->own_ops)
				take_address(dev, buf, 0, DMA_ORIGIN_COHERENT);
			destroy(dev, buf);
		}
	}
	dev->buffers = NULL;
	dev->platform->meta_free(dev->platform, b, sizeof(*b));
}

int dma_mmap_contiguous(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
			dma_addr_t dma_addr, size_t size, unsigned long attrs)
{
	struct dma_buffer *buf = get(dev, DMA_OP_MMAP, dma_addr, size, attrs, false);
	struct dma_platform *p = dev->platform;
	struct dma_phys_run run;

	(void)cpu_addr;
	if (buf == NULL)
		return -EINVAL;
	run.phys = buf->pages.runs[0].phys + (vma->pgoff << p->page_lg2);
	run.len = vma->end - vma->start;
	vma->memtype = buf->memtype;
	return dma_mmap_runs(dev, vma, &run, 1, attrs);
}

int dma_sgtable_contiguous(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
			   dma_addr_t dma_addr, size_t size, unsigned long attrs)
{
	struct dma_buffer *buf = get(dev, DMA_OP_GET_SGTABLE, dma_addr, size, attrs, false);

	(void)cpu_addr;
	if (buf == NULL)
		return -EINVAL;
	return dma_sgtable_of_runs(dev, sgt, buf->pages.runs, 1);
}

/*
 * Contracts of an allocation: an uncached mapping needs no maintenance, so coherent memory can be
 * had for a device that does not snoop; and what is allocated is RAM.
 */
static unsigned long refused_by_alloc(struct dma_device *dev, unsigned long attrs)
{
	unsigned long asked = attrs;

	if ((attrs & DMA_ATTR_MMIO) != 0)
		return DMA_ATTR_MMIO;
	if ((attrs & DMA_ATTR_NON_COHERENT) == 0)
		asked &= ~DMA_ATTR_REQUIRE_COHERENT;
	return dma_refused_contract(dev, asked);
}

static int check_alloc(struct dma_device *dev, size_t size, unsigned long attrs)
{
	struct dma_error err = {
		.dev = dev, .op = DMA_OP_ALLOC, .err = -EINVAL, .len = size, .attrs = attrs
	};
	size_t most = (SIZE_MAX >> 1) + 1; /* a power of two above it would not fit */

	if (size == 0 || size > most) {
		err.rule = DMA_RULE_LENGTH;
		err.found = size;
		err.need = size == 0 ? 1 : most;
		return dma_fail(&err);
	}
	err.found = refused_by_alloc(dev, attrs);
	if (err.found == 0)
		return 0;
	err.rule = DMA_RULE_ATTR;
	return dma_fail(&err);
}

static void log_failure(struct dma_device *dev)
{
	struct dma_error err;
	char line[256];

	if (dma_last_error(dev, &err) != 0)
		return;
	(void)dma_explain(&err, line, sizeof(line));
	dev->platform->log(dev->platform, DMA_LOG_WARN, line);
}

void *dma_alloc_attrs(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
		      unsigned long attrs)
{
	void *cpu_addr = NULL;

	if ((gfp & __GFP_NOWARN) != 0)
		attrs |= DMA_ATTR_NO_WARN;
	dma_log_unknown_attrs(dev, attrs);
	if (check_alloc(dev, size, attrs) == 0)
		cpu_addr = dev->ops.alloc(dev, size, dma_addr, gfp, attrs, DMA_ORIGIN_COHERENT);
	if (cpu_addr == NULL && (attrs & DMA_ATTR_NO_WARN) == 0)
		log_failure(dev);
	return cpu_addr;
}

void dma_free_attrs(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
		    unsigned long attrs)
{
	if (cpu_addr != NULL)
		dev->ops.free(dev, size, cpu_addr, dma_addr, attrs, DMA_ORIGIN_COHERENT);
}
