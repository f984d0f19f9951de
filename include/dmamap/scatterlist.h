/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scatterlists (rules.md API-32). 32 bytes an entry on every target. An entry names memory by phys and
 * length; dma_address and dma_length belong to dma_map_sg(). A list longer than one block is chained:
 * the link lies in phys.
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
 * @spare: zero
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

#define for_each_sg(sglist, sg, nr, i) for ((i) = 0, (sg) = (sglist); (i) < (nr); (i)++, (sg) = sg_next(sg))

#ifdef __cplusplus
}
#endif
#endif
