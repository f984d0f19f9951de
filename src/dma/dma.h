/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of dma/ share: checks of arguments, failure records, defaults of an ops table,
 * and the direct ops. The public functions stand in <dmamap/dma-mapping.h>, the IOMMU ops in
 * dma/iommu.h, the memory of a buffer in dma/pages.h.
 *
 * Lock: none here.
 */
#ifndef DMAMAP_DMA_DMA_H
#define DMAMAP_DMA_DMA_H

#include <dmamap/dma-mapping.h>

#include "core/bits.h"
#include "core/device.h"

/*
 * error.c
 */

/* Record @err in the caller's slot; returns err->err. */
NOINLINE int dma_fail(const struct dma_error *err);

/* The public call that an origin belongs to, for the records of ops tables. */
enum dma_op dma_op_of(enum dma_origin origin);

/*
 * check.c: what stands between a caller and an ops table
 */

/* Attributes that need no look at a map. Everything else takes the slow side. */
#define DMA_ATTRS_PLAIN (DMA_ATTR_HINTS | DMA_ATTR_SKIP_CPU_SYNC)

static inline bool dma_dir_maps(enum dma_data_direction dir)
{
	return (unsigned int)dir <= DMA_FROM_DEVICE;
}

static inline bool dma_dir_writes(enum dma_data_direction dir)
{
	return dir != DMA_TO_DEVICE;
}

/*
 * [phys, phys + size) is not empty, does not wrap and lies in the device's window: RAM, and if
 * the device is direct also reachable. Two compares answer four questions: a size of 0 becomes the
 * largest number, and a range that wraps is longer than what is left of the window.
 */
ALWAYS_INLINE bool dma_window_holds(const struct dma_device *dev, phys_addr_t phys, uint64_t size)
{
	uint64_t room;

	return !__builtin_sub_overflow(dev->window_bytes, phys - dev->window_start, &room) &&
	       size - 1 < room;
}

/*
 * The whole of the address check: not empty, no wrap, all RAM (without DMA_ATTR_MMIO) or all MMIO
 * (with it). -EINVAL with a record. dma_entry_ok() is the same with the window tried first; an ops
 * table whose map_sg calls it for each entry sets dev->sg_checked, and the front does not.
 */
DMA_MUST_CHECK int dma_check_range(struct dma_device *dev, enum dma_op op, phys_addr_t phys,
				   uint64_t size, enum dma_data_direction dir, unsigned long attrs);

ALWAYS_INLINE bool dma_entry_ok(struct dma_device *dev, enum dma_op op, phys_addr_t phys,
				uint64_t size, enum dma_data_direction dir, unsigned long attrs)
{
	if (likely(dma_window_holds(dev, phys, size) && (attrs & DMA_ATTR_MMIO) == 0))
		return true;
	return dma_check_range(dev, op, phys, size, dir, attrs) == 0;
}

/* One line in the log for each attribute bit that nobody knows. */
void dma_log_unknown_attrs(struct dma_device *dev, unsigned long attrs);

/* The lowest contract among @attrs that the ops table refuses; 0: none. */
unsigned long dma_refused_contract(struct dma_device *dev, unsigned long attrs);

/* Direction and contracts of a map (@addr, @len only for the record). -EINVAL with a record. */
DMA_MUST_CHECK int dma_check_map_args(struct dma_device *dev, enum dma_op op, uint64_t addr,
				      uint64_t len, enum dma_data_direction dir,
				      unsigned long attrs);

/* The window of the device as it is wired and limited now; called when either changes. */
void dma_window_init(struct dma_device *dev);

/*
 * A device that does not snoop and writes would damage what shares a cache line with either end,
 * and be damaged by it. @found, @need: first misaligned end, cache line.
 */
ALWAYS_INLINE bool dma_shares_line(const struct dma_device *dev, phys_addr_t phys, uint64_t size,
				   enum dma_data_direction dir, unsigned long attrs)
{
	uint64_t mask = (uint64_t)dev->platform->cache_line - 1;

	return !dev->coherent && dma_dir_writes(dir) &&
	       (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) == 0 &&
	       ((phys | (phys + size)) & mask) != 0;
}

/*
 * sg.c
 */

/* map_sg in terms of ops.map_phys; what failed is unmapped again. Any table inherits it. */
int dma_map_sg_each(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		    enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin);
void dma_unmap_sg_each(struct dma_device *dev, struct scatterlist *sgl, uint32_t nents,
		       enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin);

/* dma_map_sg_attrs() with an errno, for table and user maps: segments, or -errno with a record. */
DMA_MUST_CHECK int dma_map_sg_front(struct dma_device *dev, struct scatterlist *sgl, int nents,
				    enum dma_data_direction dir, unsigned long attrs,
				    enum dma_origin origin);
void dma_unmap_sg_front(struct dma_device *dev, struct scatterlist *sgl, int nents,
			enum dma_data_direction dir, unsigned long attrs, enum dma_origin origin);

/*
 * alloc.c: allocation for every table whose map_phys takes RAM: contiguous memory, CPU mapping,
 * map_phys. Each live buffer is known by its DMA address.
 */
void *dma_alloc_contiguous(struct dma_device *dev, size_t size, dma_addr_t *dma_addr, gfp_t gfp,
			   unsigned long attrs, enum dma_origin origin);
void dma_free_contiguous(struct dma_device *dev, size_t size, void *cpu_addr, dma_addr_t dma_addr,
			 unsigned long attrs, enum dma_origin origin);
int dma_mmap_contiguous(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr,
			dma_addr_t dma_addr, size_t size, unsigned long attrs);
int dma_sgtable_contiguous(struct dma_device *dev, struct sg_table *sgt, void *cpu_addr,
			   dma_addr_t dma_addr, size_t size, unsigned long attrs);
/*
 * mmap.c: the last step of mmap and get_sgtable, for every table. vma->memtype is set and the runs
 * are as long as the vma; records rule and -errno. The table is filled in only on success.
 */
struct dma_phys_run;
DMA_MUST_CHECK int dma_mmap_runs(struct dma_device *dev, struct dma_vma *vma,
				 const struct dma_phys_run *runs, uint32_t nr_runs,
				 unsigned long attrs);
DMA_MUST_CHECK int dma_sgtable_of_runs(struct dma_device *dev, struct sg_table *sgt,
				       const struct dma_phys_run *runs, uint32_t nr_runs);
bool dma_buffers_live(const struct dma_device *dev);
/* Give the bookkeeping back; buffers that are still live are freed with it. */
void dma_buffers_fini(struct dma_device *dev);

/* Memory type of a CPU mapping of a buffer (SEED-06). */
enum dma_memtype dma_alloc_memtype(const struct dma_device *dev, unsigned long attrs);
/* Alignment of the DMA address of a buffer: the smallest power of two >= size and a CPU page. */
uint64_t dma_alloc_align(const struct dma_device *dev, uint64_t size);

/*
 * ops.c
 */

/* What stands for an absent mmap. */
int dma_mmap_none(struct dma_device *dev, struct dma_vma *vma, void *cpu_addr, dma_addr_t dma_addr,
		  size_t size, unsigned long attrs);
/* What stands for an absent checked: nothing. */
void dma_checked_default(struct dma_device *dev, dma_addr_t addr);
/* @ops (NULL: direct) into the device, absent members filled with defaults. */
void dma_ops_install(struct dma_device *dev, const struct dma_map_ops *ops);
/* The library's choice for a device without a table of its own. */
void dma_ops_choose(struct dma_device *dev);

/*
 * direct.c: DMA address = phys through the device's windows
 */
extern const struct dma_map_ops dma_direct_ops;

/*
 * DMA address of [phys, phys + size), all of it in one window and not above @limit. -EINVAL: rule,
 * found and need of @err are filled in; nothing is recorded.
 */
DMA_MUST_CHECK int dma_direct_addr(const struct dma_device *dev, phys_addr_t phys, uint64_t size,
				   uint64_t limit, dma_addr_t *addr, struct dma_error *err);
/* phys behind a DMA address; DMA_PHYS_UNKNOWN if no window holds all of it. */
phys_addr_t dma_direct_phys(const struct dma_device *dev, dma_addr_t addr, uint64_t size);
/* Lowest and highest DMA address of any RAM (~0, 0: none); true if all RAM lies in windows. */
bool dma_direct_reach(const struct dma_device *dev, uint64_t *first, uint64_t *last);
/* Highest DMA address allocations may have. */
uint64_t dma_coherent_limit(const struct dma_device *dev);

/* Next stretch of RAM (of either kind) at or after *phys, with its length; false: none. */
bool dma_ram_next(struct dma_platform *p, phys_addr_t *phys, uint64_t *len);

#endif
