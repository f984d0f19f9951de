/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation behind an IOMMU: take memory (scattered, high orders first), map it for the CPU, give
 * it a DMA address; each a function of its own. Each live buffer is known to its domain by its
 * DMA address, so free, mmap and get_sgtable believe no other argument.
 *
 * Lock: struct iommu_buffers.lock (spin) around the table; never held across a platform call.
 */
#include "core/assert.h"
#include "dma/iommu_ops.h"
#include "dma/pages.h"

#define FIRST_BUCKETS 64u

/**
 * struct iommu_buffer - one allocation
 * @next: in its bucket, or in the list of the dead
 * @dma_addr: DMA address of the first byte; the key
 * @size: bytes asked for, rounded up to CPU pages
 * @pages: step 1; rounded up to granules
 * @virt: step 2: CPU address, or the cookie
 * @memtype: memory type of every CPU mapping of it
 * @mapped: @virt is a CPU address
 */
struct iommu_buffer {
	struct iommu_buffer *next;
	dma_addr_t dma_addr;
	uint64_t size;
	struct pages pages;
	void *virt;
	enum dma_memtype memtype;
	bool mapped;
};

/**
 * struct iommu_buffers - the buffers of a domain
 * @lock: see above
 * @nr_live: buffers in the buckets
 * @nr_buckets: a power of two
 * @buckets: lists by DMA address
 * @dead: freed, but the hardware did not confirm: their memory stays out of use
 */
struct iommu_buffers {
	struct dma_lock lock;
	uint32_t nr_live;
	uint32_t nr_buckets;
	struct iommu_buffer **buckets;
	struct iommu_buffer *dead;
};

static struct iommu_buffer **bucket_of(const struct dma_domain *dom, struct iommu_buffer **buckets,
				       uint32_t nr_buckets, dma_addr_t dma_addr)
{
	uint64_t n = dma_addr >> dom->granule_lg2;

	/* Buffers are aligned to their size, so low bits alone would collide. */
	n ^= n >> 8;
	n ^= n >> 16;
	return &buckets[n & (nr_buckets - 1)];
}

static void free_buckets(struct dma_platform *p, struct iommu_buffer **buckets, uint32_t nr)
{
	if (buckets != NULL)
		p->meta_free(p, buckets, nr * sizeof(*buckets));
}

static struct iommu_buffer **make_buckets(struct dma_platform *p, uint32_t nr)
{
	return p->meta_alloc(p, nr * sizeof(struct iommu_buffer *),
			     _Alignof(struct iommu_buffer *));
}

static void free_table(struct dma_platform *p, struct iommu_buffers *b)
{
	if (b == NULL)
		return;
	free_buckets(p, b->buckets, b->nr_buckets);
	p->meta_free(p, b, sizeof(*b));
}

static struct iommu_buffers *table_of(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffers *b;

	p->spin_lock(p, &dom->lock);
	b = dom->buffers;
	p->spin_unlock(p, &dom->lock);
	return b;
}

/* The domain's table, made at its first allocation; the loser of a race frees its own. */
static struct iommu_buffers *get_table(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffers *b = table_of(dom);
	struct iommu_buffers *mine;

	if (b != NULL)
		return b;
	mine = p->meta_alloc(p, sizeof(*mine), _Alignof(struct iommu_buffers));
	if (mine == NULL)
		return NULL;
	mine->nr_buckets = FIRST_BUCKETS;
	mine->buckets = make_buckets(p, FIRST_BUCKETS);
	if (mine->buckets == NULL) {
		free_table(p, mine);
		return NULL;
	}
	p->spin_lock(p, &dom->lock);
	b = dom->buffers;
	if (b == NULL) {
		b = mine;
		dom->buffers = b;
		mine = NULL;
	}
	p->spin_unlock(p, &dom->lock);
	free_table(p, mine);
	return b;
}

/* Twice as many buckets, if there is memory; longer lists otherwise. */
static void grow(struct dma_domain *dom, struct iommu_buffers *b)
{
	struct dma_platform *p = dom->platform;
	uint32_t nr = b->nr_buckets * 2;
	struct iommu_buffer **buckets = make_buckets(p, nr);
	struct iommu_buffer **old = NULL;
	uint32_t nr_old = 0;

	if (buckets == NULL)
		return;
	p->spin_lock(p, &b->lock);
	if (b->nr_buckets * 2 == nr) {
		for (uint32_t i = 0; i < b->nr_buckets; i++) {
			while (b->buckets[i] != NULL) {
				struct iommu_buffer *buf = b->buckets[i];
				struct iommu_buffer **to =
					bucket_of(dom, buckets, nr, buf->dma_addr);

				b->buckets[i] = buf->next;
				buf->next = *to;
				*to = buf;
			}
		}
		old = b->buckets;
		nr_old = b->nr_buckets;
		b->buckets = buckets;
		b->nr_buckets = nr;
		buckets = NULL;
	}
	p->spin_unlock(p, &b->lock);
	free_buckets(p, old, nr_old);
	free_buckets(p, buckets, nr);
}

static void link_buffer(struct dma_domain *dom, struct iommu_buffers *b, struct iommu_buffer *buf)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffer **at;
	bool full;

	p->spin_lock(p, &b->lock);
	at = bucket_of(dom, b->buckets, b->nr_buckets, buf->dma_addr);
	buf->next = *at;
	*at = buf;
	full = ++b->nr_live > 2 * b->nr_buckets;
	p->spin_unlock(p, &b->lock);
	if (full)
		grow(dom, b);
}

static struct iommu_buffer *find(struct dma_domain *dom, dma_addr_t dma_addr, uint64_t size,
				 bool unlink)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffers *b = table_of(dom);
	struct iommu_buffer *buf = NULL;
	struct iommu_buffer **at;

	if (b == NULL)
		return NULL;
	p->spin_lock(p, &b->lock);
	at = bucket_of(dom, b->buckets, b->nr_buckets, dma_addr);
	while (*at != NULL && ((*at)->dma_addr != dma_addr || (*at)->size != size))
		at = &(*at)->next;
	buf = *at;
	if (buf != NULL && unlink) {
		*at = buf->next;
		b->nr_live--;
	}
	p->spin_unlock(p, &b->lock);
	return buf;
}

/* NULL when no buffer of that address and size is alive; recorded. */
static struct iommu_buffer *get(struct dma_device *dev, enum dma_op op, dma_addr_t dma_addr,
				size_t size, unsigned long attrs, bool unlink)
{
	uint64_t bytes = bits_align_up(size, (uint64_t)1 << dev->platform->page_lg2);
	struct iommu_buffer *buf = find(dev->domain, dma_addr, bytes, unlink);
	struct dma_error why = iommu_error(dev, op, dma_addr, size, DMA_BIDIRECTIONAL, attrs);

	if (buf == NULL) {
		(void)error_why(&why, -EINVAL, DMA_RULE_NOT_MAPPED, dma_addr, size);
		dma_fail(&why);
	}
	return buf;
}

/* Step 1. Blocks are whole granules: nothing of anybody else's is exposed. */
static int take_memory(struct dma_device *dev, struct iommu_buffer *buf, gfp_t gfp,
		       unsigned long attrs, struct dma_error *why)
{
	uint64_t page = (uint64_t)1 << dev->platform->page_lg2;
	uint64_t block = bits_max(page, domain_granule(dev->domain));
	bool contiguous = (attrs & DMA_ATTR_FORCE_CONTIGUOUS) != 0;
	struct pages_req req = {
		.len = bits_align_up(buf->size, block),
		.block = block,
		.align = block,
		.last = dev->domain->pt.phys_last,
		.contiguous = contiguous,
		.single = (attrs & DMA_ATTR_ALLOC_SINGLE_PAGES) != 0,
		.gfp = gfp,
	};
	uint32_t rule;

	if (contiguous && dev->platform->phys_is_name)
		return error_why(why, -EINVAL, DMA_RULE_ATTR, DMA_ATTR_FORCE_CONTIGUOUS, 0);
	/* One block that the CPU reaches anyway needs no mapping of its own. */
	req.linear = (contiguous || req.len == block) && buf->mapped && buf->memtype == DMA_MEM_WB;
	if (pages_take(dev->platform, &req, &buf->pages, &rule) != 0)
		return error_why(why, -ENOMEM, (enum dma_rule)rule, 0, req.len);
	return 0;
}

/* Step 2, or the cookie. */
static int map_for_cpu(struct dma_device *dev, struct iommu_buffer *buf, struct dma_error *why)
{
	buf->virt = buf->mapped ? pages_cpu_map(dev->platform, &buf->pages, buf->memtype)
				: pages_cookie(buf);
	return buf->virt != NULL ? 0 : error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, buf->size);
}

static void unmap_for_cpu(struct dma_device *dev, struct iommu_buffer *buf)
{
	if (buf->mapped)
		pages_cpu_unmap(dev->platform, &buf->pages, buf->virt, buf->memtype);
}

static int reserve_runs(struct dma_domain *dom, struct dma_slot *slot, struct domain_slot *ds,
			const struct iommu_buffer *buf, uint32_t flags, uint32_t prot,
			struct pgtable_reserve *rsv, struct dma_error *why)
{
	uint64_t iova = buf->dma_addr;
	int err = 0;

	for (uint32_t i = 0; i < buf->pages.nr_runs && err == 0; i++) {
		const struct dma_phys_run *piece = &buf->pages.runs[i];
		struct run run = {
			.iova = iova, .phys = piece->phys, .len = piece->len, .prot = prot
		};

		err = domain_reserve_tables(dom, slot, ds, &run, flags, rsv, why);
		iova += piece->len;
	}
	return err;
}

static void commit_runs(struct dma_domain *dom, const struct iommu_buffer *buf, uint32_t prot,
			struct pgtable_reserve *rsv)
{
	uint64_t iova = buf->dma_addr;

	for (uint32_t i = 0; i < buf->pages.nr_runs; i++) {
		const struct dma_phys_run *piece = &buf->pages.runs[i];
		struct run run = {
			.iova = iova, .phys = piece->phys, .len = piece->len, .prot = prot
		};

		pgtable_map(&dom->pt, &run, rsv);
		iova += piece->len;
	}
}

/* Highest IOVA of an allocation. */
static uint64_t coherent_last(const struct dma_device *dev)
{
	return bits_min(dma_coherent_limit(dev), dev->domain->iova_last);
}

/*
 * Step 3. The DMA address is aligned to the smallest power of two that holds the buffer (rules.md
 * 2.3), which also lets every block of step 1 be one large entry.
 */
static int give_address(struct dma_device *dev, struct iommu_buffer *buf, gfp_t gfp,
			unsigned long attrs, struct dma_error *why)
{
	struct dma_domain *dom = dev->domain;
	uint32_t prot = iommu_prot(dev->coherent, DMA_BIDIRECTIONAL, attrs);
	uint32_t flags = (gfp & GFP_ATOMIC) != 0 ? PGTABLE_ATOMIC : 0;
	struct pgtable_reserve rsv = PGTABLE_RESERVE_EMPTY;
	struct iova_req req = { .nr = buf->pages.len >> dom->granule_lg2,
				.last = coherent_last(dev),
				.align_lg2 = bits_log2_ceil(buf->pages.len) };
	struct domain_slot *ds;
	struct dma_slot *slot;
	struct iova_entry e;
	int err;

	ds = iommu_enter(dom, &slot, why);
	if (ds == NULL)
		return why->err;
	err = domain_iova_alloc(dom, slot, ds, &req, &e, why);
	if (err != 0)
		goto leave;
	buf->dma_addr = e.iova;
	err = reserve_runs(dom, slot, ds, buf, flags, prot, &rsv, why);
	if (err == 0)
		commit_runs(dom, buf, prot, &rsv);
	else
		domain_iova_free(dom, ds, e.iova, req.nr, 0);
	pgtable_release(&dom->pt, &rsv);
leave:
	dma_slot_leave(slot);
	return err;
}

/*
 * Undo step 3. -EIO, -ETIMEDOUT: unmapped but not confirmed: the IOVA is kept out of use, and so
 * must the memory be. -ENOMEM: nothing changed.
 */
static int undo_address(struct dma_device *dev, struct iommu_buffer *buf, struct dma_error *why)
{
	struct dma_domain *dom = dev->domain;
	struct gather gather = GATHER_EMPTY;
	struct domain_slot *ds;
	struct dma_slot *slot;
	int err;

	ds = iommu_enter(dom, &slot, why);
	if (ds == NULL)
		return -ENOMEM;
	err = pgtable_unmap(&dom->pt, buf->dma_addr, buf->pages.len, &gather);
	DMA_ASSERT(err == 0);
	/* Its memory is given back at once, so the invalidation cannot wait in a queue. */
	if (err == 0)
		err = domain_put_strict(dom, ds, &gather, buf->dma_addr,
					buf->pages.len >> dom->granule_lg2, 0);
	dma_slot_leave(slot);
	return error_why_hw(why, err);
}

static void buffer_free(struct dma_platform *p, struct iommu_buffer *buf)
{
	pages_give(p, &buf->pages);
	p->meta_free(p, buf, sizeof(*buf));
}

static struct iommu_buffer *build(struct dma_device *dev, size_t size, gfp_t gfp,
				  unsigned long attrs, struct dma_error *why)
{
	struct dma_platform *p = dev->platform;
	struct iommu_buffer *buf = p->meta_alloc(p, sizeof(*buf), _Alignof(struct iommu_buffer));

	if (buf == NULL) {
		(void)error_why(why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*buf));
		return NULL;
	}
	buf->size = bits_align_up(size, (uint64_t)1 << p->page_lg2);
	buf->memtype = dma_alloc_memtype(dev, attrs);
	buf->mapped = (attrs & DMA_ATTR_NO_KERNEL_MAPPING) == 0;
	if (take_memory(dev, buf, gfp, attrs, why) != 0)
		goto free_buf;
	if (map_for_cpu(dev, buf, why) != 0)
		goto free_buf;
	if (give_address(dev, buf, gfp, attrs, why) == 0)
		return buf;
	unmap_for_cpu(dev, buf);
free_buf:
	buffer_free(p, buf);
	return NULL;
}

void *iommu_alloc(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
		  unsigned long attrs, enum dma_origin origin)
{
	struct dma_error why = iommu_error(dev, DMA_OP_ALLOC, 0, size, DMA_BIDIRECTIONAL, attrs);
	struct iommu_buffers *b = get_table(dev->domain);
	struct iommu_buffer *buf = NULL;

	(void)origin;
	if (b == NULL)
		(void)error_why(&why, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*b));
	else
		buf = build(dev, size, gfp, attrs, &why);
	if (buf == NULL) {
		dma_fail(&why);
		return NULL;
	}
	*dma_addr = buf->dma_addr;
	link_buffer(dev->domain, b, buf);
	return buf->virt;
}

static void add_dead(struct dma_domain *dom, struct iommu_buffer *buf)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffers *b = table_of(dom);

	p->spin_lock(p, &b->lock);
	buf->next = b->dead;
	b->dead = buf;
	p->spin_unlock(p, &b->lock);
}

void iommu_free(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
		unsigned long attrs, enum dma_origin origin)
{
	struct dma_error why =
		iommu_error(dev, DMA_OP_FREE, dma_addr, size, DMA_BIDIRECTIONAL, attrs);
	struct iommu_buffer *buf = get(dev, DMA_OP_FREE, dma_addr, size, attrs, true);
	int err;

	(void)cpu_addr;
	(void)origin;
	if (buf == NULL)
		return;
	err = undo_address(dev, buf, &why);
	if (err != 0)
		dma_fail(&why);
	if (err == -ENOMEM) {
		link_buffer(dev->domain, table_of(dev->domain), buf);
		return;
	}
	unmap_for_cpu(dev, buf);
	buf->mapped = false;
	if (err == 0)
		buffer_free(dev->platform, buf);
	else
		add_dead(dev->domain, buf);
}

/**
 * struct slice - part of a buffer as an array of runs of its own
 * @runs: the runs
 * @nr: their number
 * @bytes: of metadata
 */
struct slice {
	struct dma_phys_run *runs;
	uint32_t nr;
	size_t bytes;
};

static int slice_make(struct dma_device *dev, enum dma_op op, const struct iommu_buffer *buf,
		      uint64_t off, uint64_t len, struct slice *slice)
{
	struct dma_platform *p = dev->platform;
	struct dma_error why = iommu_error(dev, op, buf->dma_addr, len, DMA_BIDIRECTIONAL, 0);

	slice->bytes = buf->pages.nr_runs * sizeof(*slice->runs);
	slice->runs = p->meta_alloc(p, slice->bytes, _Alignof(struct dma_phys_run));
	if (slice->runs == NULL) {
		(void)error_why(&why, -ENOMEM, DMA_RULE_NO_META, 0, slice->bytes);
		return dma_fail(&why);
	}
	slice->nr = pages_slice(&buf->pages, off, len, slice->runs, buf->pages.nr_runs);
	return 0;
}

int iommu_mmap(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr, dma_addr_t dma_addr,
	       size_t size, unsigned long attrs)
{
	struct iommu_buffer *buf = get(dev, DMA_OP_MMAP, dma_addr, size, attrs, false);
	struct dma_platform *p = dev->platform;
	struct slice slice;
	int err;

	(void)cpu_addr;
	if (buf == NULL)
		return -EINVAL;
	err = slice_make(dev, DMA_OP_MMAP, buf, vma->pgoff << p->page_lg2, vma->end - vma->start,
			 &slice);
	if (err != 0)
		return err;
	vma->memtype = buf->memtype;
	err = dma_mmap_runs(dev, vma, slice.runs, slice.nr, attrs);
	p->meta_free(p, slice.runs, slice.bytes);
	return err;
}

/* Without the rest of the last granule, which nobody asked for. */
int iommu_get_sgtable(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
		      dma_addr_t dma_addr, size_t size, unsigned long attrs)
{
	struct iommu_buffer *buf = get(dev, DMA_OP_GET_SGTABLE, dma_addr, size, attrs, false);
	struct dma_platform *p = dev->platform;
	struct slice slice;
	int err;

	(void)cpu_addr;
	if (buf == NULL)
		return -EINVAL;
	err = slice_make(dev, DMA_OP_GET_SGTABLE, buf, 0, buf->size, &slice);
	if (err != 0)
		return err;
	err = dma_sgtable_of_runs(dev, sgt, slice.runs, slice.nr);
	p->meta_free(p, slice.runs, slice.bytes);
	return err;
}

static struct iommu_buffer *take_dead(struct dma_domain *dom, struct iommu_buffers *b)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffer *buf;

	p->spin_lock(p, &b->lock);
	buf = b->dead;
	b->dead = NULL;
	p->spin_unlock(p, &b->lock);
	return buf;
}

/* The invalidations that the dead wait for are done. */
static void bury(struct dma_domain *dom, struct iommu_buffer *buf)
{
	struct dma_platform *p = dom->platform;

	while (buf != NULL) {
		struct iommu_buffer *next = buf->next;

		buffer_free(p, buf);
		buf = next;
	}
}

void iommu_buffers_release(struct dma_domain *dom)
{
	struct dma_platform *p = dom->platform;
	struct iommu_buffers *b = table_of(dom);

	if (b == NULL)
		return;
	bury(dom, take_dead(dom, b));
	for (uint32_t i = 0; i < b->nr_buckets; i++) {
		while (b->buckets[i] != NULL) {
			struct iommu_buffer *buf = b->buckets[i];

			b->buckets[i] = buf->next;
			if (buf->mapped)
				pages_cpu_unmap(p, &buf->pages, buf->virt, buf->memtype);
			buffer_free(p, buf);
		}
	}
	dom->buffers = NULL;
	free_table(p, b);
}

void iommu_buffers_trim(struct dma_domain *dom)
{
	struct iommu_buffers *b = table_of(dom);
	struct iommu_buffer *buf = b != NULL ? take_dead(dom, b) : NULL;

	/* Looked at afterwards: what is dead now was counted as lost before it died. */
	if (atomic_load_explicit(&dom->nr_lost, memory_order_relaxed) == 0) {
		bury(dom, buf);
		return;
	}
	while (buf != NULL) {
		struct iommu_buffer *next = buf->next;

		add_dead(dom, buf);
		buf = next;
	}
}
