/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failure records as the public API shows them, and the short names. Where the records live is
 * core/slot.h's business; the sentences are explain.c's.
 *
 * Lock: none; a context reads and writes its own records only.
 */
#include "core/slot.h"
#include "dma/dma.h"

static const char *const op_names[] = {
	[DMA_OP_NONE] = "none",
	[DMA_OP_ALLOC] = "alloc",
	[DMA_OP_FREE] = "free",
	[DMA_OP_MMAP] = "mmap",
	[DMA_OP_GET_SGTABLE] = "get_sgtable",
	[DMA_OP_MAP_PHYS] = "map_phys",
	[DMA_OP_MAP_SINGLE] = "map_single",
	[DMA_OP_MAP_PAGE] = "map_page",
	[DMA_OP_MAP_SG] = "map_sg",
	[DMA_OP_MAP_SGTABLE] = "map_sgtable",
	[DMA_OP_MAP_RESOURCE] = "map_resource",
	[DMA_OP_MAP_USER] = "map_user",
	[DMA_OP_UNMAP] = "unmap",
	[DMA_OP_UNMAP_SG] = "unmap_sg",
	[DMA_OP_SYNC] = "sync",
	[DMA_OP_SET_MASK] = "set_mask",
	[DMA_OP_ATTACH] = "attach",
	[DMA_OP_DETACH] = "detach",
	[DMA_OP_IOMMU_MAP] = "iommu_map",
	[DMA_OP_IOMMU_UNMAP] = "iommu_unmap",
	[DMA_OP_DEVICE] = "device",
	[DMA_OP_SG] = "sg",
};

static const char *const rule_names[] = {
	[DMA_RULE_NONE] = "none",
	[DMA_RULE_LENGTH] = "length",
	[DMA_RULE_OVERFLOW] = "overflow",
	[DMA_RULE_DIRECTION] = "direction",
	[DMA_RULE_NENTS] = "nents",
	[DMA_RULE_NOT_RAM] = "not_ram",
	[DMA_RULE_IS_RAM] = "is_ram",
	[DMA_RULE_NOT_LINEAR] = "not_linear",
	[DMA_RULE_MASK] = "mask",
	[DMA_RULE_NO_RANGE] = "no_range",
	[DMA_RULE_APERTURE] = "aperture",
	[DMA_RULE_GRANULE] = "granule",
	[DMA_RULE_RESERVED] = "reserved",
	[DMA_RULE_CACHE_LINE] = "cache_line",
	[DMA_RULE_BOUNDARY] = "boundary",
	[DMA_RULE_SEG_SIZE] = "seg_size",
	[DMA_RULE_ATTR] = "attr",
	[DMA_RULE_NO_IOVA] = "no_iova",
	[DMA_RULE_NO_MEMORY] = "no_memory",
	[DMA_RULE_NO_TABLE] = "no_table",
	[DMA_RULE_NO_META] = "no_meta",
	[DMA_RULE_NO_SLOT] = "no_slot",
	[DMA_RULE_LOCKED_MEMORY] = "locked_memory",
	[DMA_RULE_NOT_PINNABLE] = "not_pinnable",
	[DMA_RULE_NOT_MAPPED] = "not_mapped",
	[DMA_RULE_OVERLAP] = "overlap",
	[DMA_RULE_ALIGN] = "align",
	[DMA_RULE_OFFSET] = "offset",
	[DMA_RULE_STATE] = "state",
	[DMA_RULE_HARDWARE] = "hardware",
	[DMA_RULE_UNSUPPORTED] = "unsupported",
};

static const char *const reason_names[] = {
	[DMA_FAULT_TRANSLATION] = "translation",
	[DMA_FAULT_PERMISSION] = "permission",
	[DMA_FAULT_ADDR_SIZE] = "addr_size",
	[DMA_FAULT_ACCESS] = "access",
	[DMA_FAULT_EXTERNAL] = "external",
	[DMA_FAULT_CONFIG] = "config",
	[DMA_FAULT_OTHER] = "other",
};

_Static_assert(ARRAY_LEN(op_names) == DMA_NR_OPS, "a name for each op");
_Static_assert(ARRAY_LEN(rule_names) == DMA_NR_RULES, "a name for each rule");

const char *dma_op_name(enum dma_op op)
{
	return (unsigned int)op < DMA_NR_OPS ? op_names[op] : "unknown";
}

const char *dma_rule_name(enum dma_rule rule)
{
	return (unsigned int)rule < DMA_NR_RULES ? rule_names[rule] : "unknown";
}

const char *dma_fault_reason_name(enum dma_fault_reason reason)
{
	return (unsigned int)reason < ARRAY_LEN(reason_names) ? reason_names[reason] : "unknown";
}

enum dma_op dma_op_of(enum dma_origin origin)
{
	static const enum dma_op ops[] = {
		[DMA_ORIGIN_PHYS] = DMA_OP_MAP_PHYS,
		[DMA_ORIGIN_SINGLE] = DMA_OP_MAP_SINGLE,
		[DMA_ORIGIN_PAGE] = DMA_OP_MAP_PAGE,
		[DMA_ORIGIN_SG] = DMA_OP_MAP_SG,
		[DMA_ORIGIN_RESOURCE] = DMA_OP_MAP_RESOURCE,
		[DMA_ORIGIN_USER] = DMA_OP_MAP_USER,
		[DMA_ORIGIN_COHERENT] = DMA_OP_ALLOC,
	};

	return (unsigned int)origin < ARRAY_LEN(ops) ? ops[origin] : DMA_OP_NONE;
}

int dma_fail(const struct dma_error *err)
{
	dma_error_record(NULL, err);
	return err->err;
}

int dma_last_error(const struct dma_device *dev, struct dma_error *err)
{
	return dma_error_newest(dev, err) ? 0 : -ENOENT;
}
