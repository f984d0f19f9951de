/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other views of an allocation: a mapping in another address space, and a table of its memory.
 * Which memory that is, the ops table knows.
 *
 * Lock: none.
 */
#include "dma/dma.h"

/* Runs longer than this become several entries: lengths in a scatterlist have 32 bits. */
#define MAX_ENTRY ((uint64_t)1 << 31)

static int mmap_fail(struct dma_device *dev, const struct dma_vma *vma, int err, enum dma_rule rule,
		     unsigned long attrs, uint64_t found, uint64_t need)
{
	struct dma_error e = { .dev = dev,
			       .op = DMA_OP_MMAP,
			       .err = err,
			       .rule = rule,
			       .addr = vma->start,
			       .len = vma->end - vma->start,
			       .attrs = attrs,
			       .found = found,
			       .need = need };

	return dma_fail(&e);
}

int dma_mmap_attrs(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr, dma_addr_t dma_addr,
		   size_t size, unsigned long attrs)
{
	uint32_t page_lg2 = dev->platform->page_lg2;
	uint64_t page = (uint64_t)1 << page_lg2;
	uint64_t nr_pages = ((uint64_t)size + (page - 1)) >> page_lg2;
	uint64_t want;

	if (((vma->start | vma->end) & (page - 1)) != 0)
		return mmap_fail(dev, vma, -EINVAL, DMA_RULE_ALIGN, attrs,
				 (vma->start & (page - 1)) != 0 ? vma->start : vma->end, page);
	want = (vma->end - vma->start) >> page_lg2;
	if (vma->end <= vma->start || vma->pgoff >= nr_pages || want > nr_pages - vma->pgoff)
		return mmap_fail(dev, vma, -ENXIO, DMA_RULE_OFFSET, attrs,
				 vma->end <= vma->start ? 0 : vma->pgoff + want, nr_pages);
	return dev->ops.mmap(dev, vma, cpu_addr, dma_addr, size, attrs);
}

bool dma_can_mmap(struct dma_device *dev)
{
	return dev->ops.mmap != dma_mmap_none && dev->platform->as_map != NULL;
}

int dma_mmap_runs(struct dma_device *dev, struct dma_vma *vma, const struct dma_phys_run *runs,
		  uint32_t nr_runs, unsigned long attrs)
{
	struct dma_platform *p = dev->platform;
	int err;

	if (p->as_map == NULL)
		return mmap_fail(dev, vma, -ENXIO, DMA_RULE_UNSUPPORTED, attrs, 0, 0);
	err = p->as_map(p, vma->as, vma->start, runs, nr_runs, (enum dma_memtype)vma->memtype);
	if (err == -EEXIST)
		return mmap_fail(dev, vma, err, DMA_RULE_OVERLAP, attrs, vma->start, 0);
	if (err == -ENOMEM)
		return mmap_fail(dev, vma, err, DMA_RULE_NO_META, attrs, 0, vma->end - vma->start);
	if (err != 0)
		return mmap_fail(dev, vma, -ENXIO, DMA_RULE_UNSUPPORTED, attrs, 0, 0);
	return 0;
}

int dma_get_sgtable_attrs(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
			  dma_addr_t dma_addr, size_t size, unsigned long attrs)
{
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_GET_SGTABLE,
				 .err = -EINVAL,
				 .rule = DMA_RULE_LENGTH,
				 .addr = dma_addr,
				 .attrs = attrs,
				 .need = 1 };

	if (size == 0)
		return dma_fail(&err);
	return dev->ops.get_sgtable(dev, sgt, cpu_addr, dma_addr, size, attrs);
}

static uint64_t entries_of(const struct dma_phys_run *runs, uint32_t nr_runs)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < nr_runs; i++)
		nr += (runs[i].len + (MAX_ENTRY - 1)) / MAX_ENTRY;
	return nr;
}

int dma_sgtable_of_runs(struct dma_device *dev, struct sg_table *sgt,
			const struct dma_phys_run *runs, uint32_t nr_runs)
{
	uint64_t nr = entries_of(runs, nr_runs);
	struct dma_error err = { .dev = dev,
				 .op = DMA_OP_GET_SGTABLE,
				 .err = -ENOMEM,
				 .rule = DMA_RULE_NO_META,
				 .len = nr,
				 .need = nr * sizeof(struct scatterlist) };
	struct sg_table made;
	struct scatterlist *sg;

	if (nr > INT32_MAX ||
	    sg_alloc_table(dev->platform, &made, (unsigned int)nr, GFP_KERNEL) != 0)
		return dma_fail(&err);
	sg = made.sgl;
	for (uint32_t i = 0; i < nr_runs; i++) {
		for (uint64_t off = 0; off < runs[i].len; off += MAX_ENTRY) {
			sg_set_phys(sg, runs[i].phys + off,
				    (uint32_t)bits_min(MAX_ENTRY, runs[i].len - off));
			sg = sg_next(sg);
		}
	}
	*sgt = made;
	return 0;
}
