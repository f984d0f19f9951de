/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scatterlists (rules.md API-32). 32 bytes an entry on every target. An entry names memory by phys
 * and length; dma_address and dma_length belong to dma_map_sg(). A list longer than one block is
 * chained: the link lies in phys.
 */
#ifndef DMAMAP_SCATTERLIST_H
#define DMAMAP_SCATTERLIST_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SG_END (1u << 0)
#define SG_CHAIN (1u << 1)
#define SG_DMA_BUS_ADDRESS (1u << 2)
#define SG_DMA_SWIOTLB (1u << 3)

/**
 * struct scatterlist - one entry
 * @phys: first byte of memory; or, in a chain entry, the address of the next block
 * @length: bytes
 * @flags: SG_*
 * @dma_address: DMA address of an output segment; DMA_MAPPING_ERROR after a failure
 * @dma_length: bytes of an output segment; 0 ends the list of output segments
 * @spare: zero; in the first entry of a mapped list the library's
 */
struct scatterlist {
	phys_addr_t phys;
	uint32_t length;
	uint32_t flags;
	dma_addr_t dma_address;
	uint32_t dma_length;
	uint32_t spare;
};

/**
 * struct sg_table - a list with both its counts
 * @sgl: first entry
 * @nents: output segments after a map
 * @orig_nents: entries of memory
 * @platform: where the entries come from; NULL when the caller owns them
 */
struct sg_table {
	struct scatterlist *sgl;
	uint32_t nents;
	uint32_t orig_nents;
	struct dma_platform *platform;
};

static inline bool sg_is_last(const struct scatterlist *sg)
{
	return (sg->flags & SG_END) != 0;
}

static inline bool sg_is_chain(const struct scatterlist *sg)
{
	return (sg->flags & SG_CHAIN) != 0;
}

static inline struct scatterlist *sg_chain_ptr(const struct scatterlist *sg)
{
	return (struct scatterlist *)(uintptr_t)sg->phys;
}

/* NULL after the last entry. */
static inline struct scatterlist *sg_next(struct scatterlist *sg)
{
	if (sg_is_last(sg))
		return NULL;
	sg++;
	return sg_is_chain(sg) ? sg_chain_ptr(sg) : sg;
}

static inline phys_addr_t sg_phys(const struct scatterlist *sg)
{
	return sg->phys;
}

static inline dma_addr_t sg_dma_address(const struct scatterlist *sg)
{
	return sg->dma_address;
}

static inline uint32_t sg_dma_len(const struct scatterlist *sg)
{
	return sg->dma_length;
}

/* Encoded page of the first byte, see dma_page_of_phys(); offset of the first byte inside it. */
static inline struct page *sg_page(const struct scatterlist *sg)
{
	return (struct page *)(uintptr_t)(sg->phys >> 12);
}

static inline uint32_t sg_offset(const struct scatterlist *sg)
{
	return (uint32_t)(sg->phys & 4095);
}

static inline bool sg_is_dma_bus_address(const struct scatterlist *sg)
{
	return (sg->flags & SG_DMA_BUS_ADDRESS) != 0;
}

static inline bool sg_dma_is_swiotlb(const struct scatterlist *sg)
{
	return (sg->flags & SG_DMA_SWIOTLB) != 0;
}

static inline void sg_mark_end(struct scatterlist *sg)
{
	sg->flags = (sg->flags | SG_END) & ~SG_CHAIN;
}

static inline void sg_unmark_end(struct scatterlist *sg)
{
	sg->flags &= ~SG_END;
}

/* Memory of an entry; its place in the list (end) and its DMA address stay. */
static inline void sg_set_phys(struct scatterlist *sg, phys_addr_t phys, uint32_t len)
{
	sg->phys = phys;
	sg->length = len;
}

/* The same from an encoded page; @offset in bytes, may exceed the page. */
static inline void sg_set_page(struct scatterlist *sg, const struct page *page, uint32_t len,
			       uint32_t offset)
{
	sg_set_phys(sg, ((phys_addr_t)(uintptr_t)page << 12) + offset, len);
}

#define for_each_sg(sglist, sg, nr, i)                                                             \
	for ((i) = 0, (sg) = (sglist); (i) < (nr); (i)++, (sg) = sg_next(sg))

/* Entries of memory of a table; DMA segments of a mapped table. @i: unsigned int. */
#define for_each_sgtable_sg(sgt, sg, i) for_each_sg((sgt)->sgl, sg, (sgt)->orig_nents, i)
#define for_each_sgtable_dma_sg(sgt, sg, i) for_each_sg((sgt)->sgl, sg, (sgt)->nents, i)

/**
 * struct sg_page_iter - walks the encoded pages (4 KiB each) of a list
 * @sg: entry
 * @nr_left: entries left, @sg included
 * @phys: first byte of the current page
 * @dma: dma_address and dma_length are walked instead of memory
 * @started: @phys is valid
 */
struct sg_page_iter {
	struct scatterlist *sg;
	uint32_t nr_left;
	uint64_t phys;
	bool dma;
	bool started;
};

/**
 * sg_page_iter_start() - begin to walk the encoded pages of a list
 * @iter: filled in
 * @sgl: first entry
 * @nents: entries, at least 1
 * @dma: walk DMA segments instead of memory
 *
 * Context: any
 */
DMA_API void sg_page_iter_start(struct sg_page_iter *iter, struct scatterlist *sgl,
				unsigned int nents, bool dma);

/**
 * sg_page_iter_next() - go to the next page
 * @iter: the walk
 *
 * Context: any
 *
 * Return: false at the end
 */
DMA_API bool sg_page_iter_next(struct sg_page_iter *iter);

/* Inside for_each_sg_page(): the page. Inside for_each_sg_dma_page(): the DMA address. */
static inline struct page *sg_page_iter_page(const struct sg_page_iter *iter)
{
	return (struct page *)(uintptr_t)(iter->phys >> 12);
}

static inline dma_addr_t sg_page_iter_dma_address(const struct sg_page_iter *iter)
{
	return iter->phys;
}

#define for_each_sg_page(sgl, iter, nents)                                                         \
	for (sg_page_iter_start(iter, sgl, nents, false); sg_page_iter_next(iter);)
#define for_each_sg_dma_page(sgl, iter, nents)                                                     \
	for (sg_page_iter_start(iter, sgl, nents, true); sg_page_iter_next(iter);)
#define for_each_sgtable_page(sgt, iter) for_each_sg_page((sgt)->sgl, iter, (sgt)->orig_nents)
#define for_each_sgtable_dma_page(sgt, iter) for_each_sg_dma_page((sgt)->sgl, iter, (sgt)->nents)

/**
 * sg_init_table() - clear entries and mark the last one as the end
 * @sgl: first entry
 * @nents: entries, at least 1
 *
 * Context: any
 */
DMA_API void sg_init_table(struct scatterlist *sgl, unsigned int nents);

/**
 * sg_set_buf() - memory of an entry by CPU address
 * @p: platform
 * @sg: entry; unchanged on error
 * @buf: ordinary memory of the driver's side, physically contiguous
 * @len: bytes
 *
 * Context: any
 *
 * Return: 0; -EFAULT with rule not_linear when @buf has no fixed physical address
 */
DMA_API DMA_MUST_CHECK int sg_set_buf(struct dma_platform *p, struct scatterlist *sg,
				      const void *buf, uint32_t len);

/**
 * sg_init_one() - a list of one entry
 * @p: platform
 * @sg: entry; unchanged on error
 * @buf: as for sg_set_buf()
 * @len: bytes
 *
 * Context: any
 *
 * Return: as sg_set_buf()
 */
DMA_API DMA_MUST_CHECK int sg_init_one(struct dma_platform *p, struct scatterlist *sg,
				       const void *buf, uint32_t len);

/**
 * sg_alloc_table() - a list of cleared entries
 * @p: platform whose metadata memory is used
 * @sgt: filled in; untouched on error. Free with sg_free_table()
 * @nents: entries, at least 1
 * @gfp: not looked at: metadata memory never sleeps
 *
 * Lists of more than 128 entries are chained blocks of 4 KiB.
 *
 * Context: any
 *
 * Return:
 * * %0 - the caller owns the entries
 * * %-EINVAL - rule nents: none, or more than 2^31 - 1
 * * %-ENOMEM - rule no_meta
 */
DMA_API DMA_MUST_CHECK int sg_alloc_table(struct dma_platform *p, struct sg_table *sgt,
					  unsigned int nents, gfp_t gfp);

/**
 * sg_free_table() - free the entries, clear the table
 * @sgt: table; one without entries, or of somebody else's, is ignored
 *
 * Context: any
 */
DMA_API void sg_free_table(struct sg_table *sgt);

/**
 * sg_alloc_table_from_pages_segment() - a list from CPU pages, neighbours merged
 * @p: platform; gives memory and the size of a CPU page
 * @sgt: filled in; untouched on error
 * @pages: encoded pages
 * @n_pages: their number, at least 1
 * @offset: of the first byte in the first page, below the page size
 * @size: bytes, not 0, at most what the pages hold
 * @max_segment: bytes of the longest entry, at least a CPU page; rounded down to pages
 * @gfp: see sg_alloc_table()
 *
 * Context: any
 *
 * Return: as sg_alloc_table(); -EINVAL with rules offset and length for those arguments
 */
DMA_API DMA_MUST_CHECK int
sg_alloc_table_from_pages_segment(struct dma_platform *p, struct sg_table *sgt,
				  struct page *const *pages, unsigned int n_pages,
				  unsigned int offset, unsigned long size, unsigned int max_segment,
				  gfp_t gfp);

/* The same without a limit. */
static inline DMA_MUST_CHECK int
sg_alloc_table_from_pages(struct dma_platform *p, struct sg_table *sgt, struct page *const *pages,
			  unsigned int n_pages, unsigned int offset, unsigned long size, gfp_t gfp)
{
	return sg_alloc_table_from_pages_segment(p, sgt, pages, n_pages, offset, size, UINT32_MAX,
						 gfp);
}

/**
 * struct sg_append_table - a list that grows at its end
 * @sgt: the list so far; sgl NULL: empty. Its entries belong to this table
 * @prv: last entry in use
 */
struct sg_append_table {
	struct sg_table sgt;
	struct scatterlist *prv;
};

/**
 * sg_append_phys() - let a list grow by one run of memory
 * @p: platform; the same in every call
 * @append: table, zero before the first call; unchanged on error
 * @phys: first byte
 * @len: bytes, not 0
 * @max_segment: bytes of the longest entry, a multiple of the CPU page; longer runs are split,
 *	where a CPU page ends
 *
 * A run that continues the last entry makes it longer.
 *
 * Context: any
 *
 * Return: 0; -EINVAL (rules length, nents); -ENOMEM (rule no_meta)
 */
DMA_API DMA_MUST_CHECK int sg_append_phys(struct dma_platform *p, struct sg_append_table *append,
					  phys_addr_t phys, uint64_t len, uint32_t max_segment);

/**
 * sg_alloc_append_table_from_pages() - sg_append_phys() by CPU pages
 * @p: platform
 * @append: table, zero before the first call; unchanged on error
 * @pages: encoded pages
 * @n_pages: their number, at least 1
 * @offset: of the first byte in the first page, below the page size
 * @size: bytes, not 0, at most what the pages hold
 * @max_segment: bytes of the longest entry, at least a CPU page; rounded down to pages
 * @gfp: see sg_alloc_table()
 *
 * Context: any
 *
 * Return: as sg_alloc_table_from_pages_segment()
 */
DMA_API DMA_MUST_CHECK int sg_alloc_append_table_from_pages(struct dma_platform *p,
							    struct sg_append_table *append,
							    struct page *const *pages,
							    unsigned int n_pages,
							    unsigned int offset, unsigned long size,
							    unsigned int max_segment, gfp_t gfp);

/**
 * sg_free_append_table() - free the entries, clear the table
 * @append: table; one without entries is ignored
 *
 * Context: any
 */
DMA_API void sg_free_append_table(struct sg_append_table *append);

/**
 * sg_nents() - entries up to the end of a list
 * @sgl: first entry
 *
 * Context: any
 *
 * Return: their number
 */
DMA_API int sg_nents(struct scatterlist *sgl);

/**
 * sg_nents_for_len() - entries needed to hold a number of bytes
 * @sgl: first entry
 * @len: bytes
 *
 * Context: any
 *
 * Return: their number; -EINVAL when the list is shorter
 */
DMA_API int sg_nents_for_len(struct scatterlist *sgl, uint64_t len);

/**
 * sg_last() - the last entry of a list
 * @sgl: first entry
 * @nents: entries, at least 1
 *
 * Context: any
 *
 * Return: the entry
 */
DMA_API struct scatterlist *sg_last(struct scatterlist *sgl, unsigned int nents);

/**
 * sg_chain() - make the last entry of a list, which is lost, a link to another
 * @prv: first list
 * @prv_nents: its entries, at least 2
 * @sgl: list that follows
 *
 * Context: any
 */
DMA_API void sg_chain(struct scatterlist *prv, unsigned int prv_nents, struct scatterlist *sgl);

/**
 * sg_split() - cut a list into several
 * @p: platform
 * @in: list of memory
 * @skip: bytes left out at its start
 * @nb_splits: number of pieces, at least 1
 * @split_sizes: bytes of each, not 0
 * @out: as many tables; untouched on error. Free each with sg_free_table()
 * @gfp: see sg_alloc_table()
 *
 * Memory only: DMA addresses are not split.
 *
 * Context: any
 *
 * Return: 0; -EINVAL (rules length: a size of 0 or more than @in holds); -ENOMEM (rule no_meta)
 */
DMA_API DMA_MUST_CHECK int sg_split(struct dma_platform *p, struct scatterlist *in, uint64_t skip,
				    int nb_splits, const size_t *split_sizes, struct sg_table *out,
				    gfp_t gfp);

/**
 * dma_sg_is_contiguous() - are the DMA segments of a list one range?
 * @sgl: first entry
 * @nents: segments, as the map returned
 *
 * - Source: rules.md SEED-22
 *
 * Context: any
 *
 * Return: true when each segment begins where the one before it ends
 */
DMA_API bool dma_sg_is_contiguous(struct scatterlist *sgl, unsigned int nents);

/**
 * struct sg_mapping_iter - lets the CPU walk the memory of a list
 * @addr: CPU address of the current piece, inside one CPU page
 * @length: its bytes
 * @consumed: bytes of it that the caller used; sg_miter_next() goes on after them
 * @platform: platform
 * @sg: entry of the next piece
 * @nr_left: entries left, @sg included
 * @offset: of the next piece in @sg
 * @mapped: temporary CPU mapping of the current piece, or NULL
 */
struct sg_mapping_iter {
	void *addr;
	size_t length;
	size_t consumed;
	struct dma_platform *platform;
	struct scatterlist *sg;
	uint32_t nr_left;
	uint32_t offset;
	void *mapped;
};

/**
 * sg_miter_start() - begin to walk the memory of a list with the CPU
 * @p: platform
 * @miter: filled in
 * @sgl: first entry
 * @nents: entries, at least 1
 *
 * Context: any; may sleep where the platform maps memory for the CPU
 */
DMA_API void sg_miter_start(struct dma_platform *p, struct sg_mapping_iter *miter,
			    struct scatterlist *sgl, unsigned int nents);

/**
 * sg_miter_skip() - pass over bytes
 * @miter: the walk
 * @offset: bytes to pass over
 *
 * Context: as sg_miter_start()
 *
 * Return: false when the list ends before @offset more bytes
 */
DMA_API bool sg_miter_skip(struct sg_mapping_iter *miter, uint64_t offset);

/**
 * sg_miter_next() - go to the next piece
 * @miter: the walk
 *
 * Context: as sg_miter_start()
 *
 * Return: false at the end, or when a piece cannot be mapped for the CPU
 */
DMA_API bool sg_miter_next(struct sg_mapping_iter *miter);

/**
 * sg_miter_stop() - end a walk, at any time
 * @miter: the walk
 *
 * Context: as sg_miter_start()
 */
DMA_API void sg_miter_stop(struct sg_mapping_iter *miter);

/**
 * sg_pcopy_from_buffer() - copy a buffer into a list
 * @p: platform
 * @sgl: first entry
 * @nents: entries, at least 1
 * @buf: source
 * @len: bytes
 * @skip: byte of the list where it begins
 *
 * Not for memory that is mapped for a non-coherent device, nor for memory that has an uncached
 * mapping.
 *
 * Context: as sg_miter_start()
 *
 * Return: bytes done: fewer than @len where the list ends or a page cannot be mapped
 */
DMA_API size_t sg_pcopy_from_buffer(struct dma_platform *p, struct scatterlist *sgl,
				    unsigned int nents, const void *buf, size_t len, uint64_t skip);

/**
 * sg_pcopy_to_buffer() - copy from a list into a buffer
 * @p: platform
 * @sgl: first entry
 * @nents: entries, at least 1
 * @buf: destination
 * @len: bytes
 * @skip: byte of the list where it begins
 *
 * Context: as sg_miter_start()
 *
 * Return: bytes done, as sg_pcopy_from_buffer()
 */
DMA_API size_t sg_pcopy_to_buffer(struct dma_platform *p, struct scatterlist *sgl,
				  unsigned int nents, void *buf, size_t len, uint64_t skip);

/**
 * sg_zero_buffer() - clear memory of a list
 * @p: platform
 * @sgl: first entry
 * @nents: entries, at least 1
 * @len: bytes
 * @skip: byte of the list where it begins
 *
 * Context: as sg_miter_start()
 *
 * Return: bytes done, as sg_pcopy_from_buffer()
 */
DMA_API size_t sg_zero_buffer(struct dma_platform *p, struct scatterlist *sgl, unsigned int nents,
			      size_t len, uint64_t skip);

static inline size_t sg_copy_from_buffer(struct dma_platform *p, struct scatterlist *sgl,
					 unsigned int nents, const void *buf, size_t len)
{
	return sg_pcopy_from_buffer(p, sgl, nents, buf, len, 0);
}

static inline size_t sg_copy_to_buffer(struct dma_platform *p, struct scatterlist *sgl,
				       unsigned int nents, void *buf, size_t len)
{
	return sg_pcopy_to_buffer(p, sgl, nents, buf, len, 0);
}

#ifdef __cplusplus
}
#endif
#endif
