/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scalars, directions and attributes shared by every public header. Freestanding: needs only
 * the C11 headers that exist without a libc.
 */
#ifndef DMAMAP_TYPES_H
#define DMAMAP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dmamap/errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number by which a platform names memory; 64 bits on every target. */
typedef uint64_t phys_addr_t;
/* What the device puts on the bus; behind an IOMMU it is an IOVA. */
typedef uint64_t dma_addr_t;
/*
 * Allocation context: GFP_KERNEL may sleep, GFP_ATOMIC may not, __GFP_NOWARN keeps the log quiet.
 */
typedef uint32_t gfp_t;

#define GFP_KERNEL ((gfp_t)0x1u)
#define GFP_ATOMIC ((gfp_t)0x2u)
#define __GFP_NOWARN ((gfp_t)0x4u)

#define DMA_MAPPING_ERROR (~(dma_addr_t)0)
#define DMA_BIT_MASK(n) ((n) >= 64 ? ~(uint64_t)0 : (((uint64_t)1 << (n)) - 1))

/* Values are Linux's (rules.md 2.4). */
enum dma_data_direction {
	DMA_BIDIRECTIONAL = 0,
	DMA_TO_DEVICE = 1,
	DMA_FROM_DEVICE = 2,
	DMA_NONE = 3,
};

/* Bits are Linux's (rules.md 2.6, ATT-1 .. ATT-13); bit 3 is the seed's NON_COHERENT (SEED-08). */
#define DMA_ATTR_WEAK_ORDERING (1ul << 1)
#define DMA_ATTR_WRITE_COMBINE (1ul << 2)
#define DMA_ATTR_NON_COHERENT (1ul << 3)
#define DMA_ATTR_NO_KERNEL_MAPPING (1ul << 4)
#define DMA_ATTR_SKIP_CPU_SYNC (1ul << 5)
#define DMA_ATTR_FORCE_CONTIGUOUS (1ul << 6)
#define DMA_ATTR_ALLOC_SINGLE_PAGES (1ul << 7)
#define DMA_ATTR_NO_WARN (1ul << 8)
#define DMA_ATTR_PRIVILEGED (1ul << 9)
#define DMA_ATTR_MMIO (1ul << 10)
#define DMA_ATTR_DEBUGGING_IGNORE_CACHELINES (1ul << 11)
#define DMA_ATTR_REQUIRE_COHERENT (1ul << 12)
#define DMA_ATTR_CC_SHARED (1ul << 13)

/*
 * Hints may be ignored where a platform cannot honour them; contracts are honoured or the call
 * fails.
 */
#define DMA_ATTR_HINTS                                                                             \
	(DMA_ATTR_WEAK_ORDERING | DMA_ATTR_WRITE_COMBINE | DMA_ATTR_NON_COHERENT |                 \
	 DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_ALLOC_SINGLE_PAGES | DMA_ATTR_NO_WARN |             \
	 DMA_ATTR_PRIVILEGED | DMA_ATTR_DEBUGGING_IGNORE_CACHELINES)
#define DMA_ATTR_CONTRACTS                                                                         \
	(DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_REQUIRE_COHERENT | DMA_ATTR_MMIO | DMA_ATTR_CC_SHARED)

#if defined(__GNUC__)
#define DMA_MUST_CHECK __attribute__((warn_unused_result))
#define DMA_API __attribute__((visibility("default")))
#else
#define DMA_MUST_CHECK
#define DMA_API
#endif

struct dma_device;
struct dma_domain;
struct dma_platform;
struct dma_iommu;
struct dma_as;
struct scatterlist;
struct sg_table;
/* Never dereferenced: it encodes phys >> 12 (architecture.md, Platforms). */
struct page;

#ifdef __cplusplus
}
#endif
#endif
