/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a call failed, and what the IOMMU saw. Both are read in the caller's own context: nothing
 * here calls back.
 */
#ifndef DMAMAP_FAULT_H
#define DMAMAP_FAULT_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The call that failed. */
enum dma_op {
	DMA_OP_NONE,
	DMA_OP_ALLOC,
	DMA_OP_FREE,
	DMA_OP_MMAP,
	DMA_OP_GET_SGTABLE,
	DMA_OP_MAP_PHYS,
	DMA_OP_MAP_SINGLE,
	DMA_OP_MAP_PAGE,
	DMA_OP_MAP_SG,
	DMA_OP_MAP_SGTABLE,
	DMA_OP_MAP_RESOURCE,
	DMA_OP_MAP_USER,
	DMA_OP_UNMAP,
	DMA_OP_UNMAP_SG,
	DMA_OP_SYNC,
	DMA_OP_SET_MASK,
	DMA_OP_ATTACH,
	DMA_OP_DETACH,
	DMA_OP_IOMMU_MAP,
	DMA_OP_IOMMU_UNMAP,
	DMA_OP_DEVICE,
	DMA_OP_SG,
	DMA_NR_OPS,
};

/* The rule that was broken; dma_error.found and .need are in the unit the rule names. */
enum dma_rule {
	DMA_RULE_NONE,
	DMA_RULE_LENGTH,	/* bytes: must not be 0, or exceeds a maximum */
	DMA_RULE_OVERFLOW,	/* address + length does not fit */
	DMA_RULE_DIRECTION,	/* not a direction that maps */
	DMA_RULE_NENTS,		/* number of scatterlist entries */
	DMA_RULE_NOT_RAM,	/* address is not RAM of this platform */
	DMA_RULE_IS_RAM,	/* address is RAM but was called a resource */
	DMA_RULE_NOT_LINEAR,	/* CPU address without a fixed physical address (vmalloc, stack) */
	DMA_RULE_MASK,		/* address beyond the DMA mask or bus limit */
	DMA_RULE_NO_RANGE,	/* address outside every dma range of the device */
	DMA_RULE_APERTURE,	/* IOVA outside the domain's aperture */
	DMA_RULE_GRANULE,	/* not a multiple of the IOMMU granule */
	DMA_RULE_RESERVED,	/* inside a reserved region */
	DMA_RULE_CACHE_LINE,	/* shares a cache line on a non-coherent device that writes */
	DMA_RULE_BOUNDARY,	/* segment boundary of the device cannot be kept */
	DMA_RULE_SEG_SIZE,	/* segment longer than the device takes */
	DMA_RULE_ATTR,		/* contract attribute that cannot be honoured; the bit */
	DMA_RULE_NO_IOVA,	/* no IOVA left below the limit; bytes wanted */
	DMA_RULE_NO_MEMORY,	/* no pages; bytes wanted */
	DMA_RULE_NO_TABLE,	/* no page-table memory */
	DMA_RULE_NO_META,	/* no metadata memory; bytes wanted */
	DMA_RULE_NO_SLOT,	/* more contexts than slots */
	DMA_RULE_LOCKED_MEMORY, /* pin limit of the address space */
	DMA_RULE_NOT_PINNABLE,	/* memory that cannot be kept in place */
	DMA_RULE_NOT_MAPPED,	/* nothing is mapped there */
	DMA_RULE_OVERLAP,	/* something is mapped there already */
	DMA_RULE_ALIGN,		/* alignment or phase that cannot be kept */
	DMA_RULE_OFFSET,	/* offset or length outside the buffer */
	DMA_RULE_STATE,		/* the object is not in the state that the call needs */
	DMA_RULE_HARDWARE,	/* the IOMMU answered with an error or not at all */
	DMA_RULE_UNSUPPORTED,	/* this device, domain or ops table cannot do it */
	DMA_NR_RULES,
};

/**
 * struct dma_error - one failure
 * @dev: device of the call; compared, never dereferenced
 * @op: the call
 * @err: the negative errno it stands for
 * @rule: the rule that failed
 * @addr: address argument (phys, DMA or user address), 0 if none
 * @len: length argument in bytes, or nents
 * @dir: direction argument
 * @attrs: attributes argument
 * @found: the value found
 * @need: the value needed
 */
struct dma_error {
	const struct dma_device *dev;
	enum dma_op op;
	int err;
	enum dma_rule rule;
	uint64_t addr;
	uint64_t len;
	uint32_t dir;
	uint64_t attrs;
	uint64_t found;
	uint64_t need;
};

/**
 * dma_last_error() - the newest failure of this context
 * @dev: only failures of this device; NULL: of any
 * @err: where it is copied; untouched when there is none
 *
 * The last four failures of each context are kept.
 *
 * Context: any; own context's records only; never sleeps
 *
 * Return:
 * * %0 - copied
 * * %-ENOENT - no failure is kept for @dev in this context
 */
DMA_API int dma_last_error(const struct dma_device *dev, struct dma_error *err);

/**
 * dma_explain() - a failure as one sentence with what to change
 * @err: the failure
 * @buf: text, always terminated when @len is not 0
 * @len: size of @buf in bytes; 256 holds every sentence
 *
 * Context: any; never sleeps
 *
 * Return: length of the whole sentence in bytes, as snprintf() counts
 */
DMA_API size_t dma_explain(const struct dma_error *err, char *buf, size_t len);

/**
 * dma_op_name() - short name of a call as it stands in messages
 * @op: DMA_OP_*
 *
 * Context: any
 *
 * Return: "map_sg" and the like, static; never NULL
 */
DMA_API const char *dma_op_name(enum dma_op op);

/**
 * dma_rule_name() - short name of a rule as it stands in messages
 * @rule: DMA_RULE_*
 *
 * Context: any
 *
 * Return: "granule" and the like, static; never NULL
 */
DMA_API const char *dma_rule_name(enum dma_rule rule);

enum dma_fault_reason {
	DMA_FAULT_TRANSLATION, /* no valid entry */
	DMA_FAULT_PERMISSION,  /* valid entry, wrong direction or privilege */
	DMA_FAULT_ADDR_SIZE,   /* address outside input or output size */
	DMA_FAULT_ACCESS,      /* access flag */
	DMA_FAULT_EXTERNAL,    /* table walk or transaction got a bus error */
	DMA_FAULT_CONFIG,      /* requester unknown or its configuration is invalid */
	DMA_FAULT_OTHER,
};

/**
 * struct dma_fault - one access the IOMMU refused
 * @dev: device with that requester id, NULL if unknown
 * @requester: requester (stream) id
 * @iova: address the device used
 * @write: it was a write
 * @reason: why
 * @raw: first 64 bits of the hardware's record, for the log
 */
struct dma_fault {
	struct dma_device *dev;
	uint32_t requester;
	uint64_t iova;
	bool write;
	enum dma_fault_reason reason;
	uint64_t raw;
};

/**
 * dma_fault_poll() - take the oldest fault of a platform's IOMMUs
 * @iommu: IOMMU whose event queue is drained
 * @fault: the fault
 *
 * Drains the hardware's queue into a bounded ring first; what does not fit is counted, see
 * dma_fault_lost().
 *
 * Context: any but interrupt; takes the fault ring's lock; never sleeps
 *
 * Return:
 * * %1 - @fault is filled
 * * %0 - none waiting
 */
DMA_API int dma_fault_poll(struct dma_iommu *iommu, struct dma_fault *fault);

/**
 * dma_fault_lost() - faults that were counted but not kept
 * @iommu: the IOMMU
 *
 * Context: any
 *
 * Return: records dropped by the ring, and hardware queue overflows, since the IOMMU was opened
 */
DMA_API uint64_t dma_fault_lost(struct dma_iommu *iommu);

/**
 * dma_fault_reason_name() - short name of a reason as it stands in messages
 * @reason: DMA_FAULT_*
 *
 * Context: any
 *
 * Return: a static string; never NULL
 */
DMA_API const char *dma_fault_reason_name(enum dma_fault_reason reason);

#ifdef __cplusplus
}
#endif
#endif
