/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of formats. Apart, so that an image that names its format does not carry the others. */
#include "pgtable/pgtable.h"

const struct pgtable_ops *pgtable_ops_of(enum dma_pt_fmt fmt)
{
	switch (fmt) {
	case DMA_PT_VMSAV8_4K:
		return &pgtable_vmsav8_4k_ops;
	case DMA_PT_VMSAV8_16K:
		return &pgtable_vmsav8_16k_ops;
	case DMA_PT_VMSAV8_64K:
		return &pgtable_vmsav8_64k_ops;
	case DMA_PT_ARM_SHORT:
		return &pgtable_arm_short_ops;
	case DMA_PT_NONE:
		break;
	}
	return NULL;
}
