/* SPDX-License-Identifier: BSD-2-Clause */
/* In front of the test copies of files in src/: calls that planted.c may spoil. */
#ifndef DMAMAP_TESTS_TOOL_PLANTED_SRC_H
#define DMAMAP_TESTS_TOOL_PLANTED_SRC_H

#include "iommu/smmuv3/smmuv3.h"
#include "tests/tool/planted.h"

/* The queue itself keeps its functions: what is spoilt there is its own. */
#ifdef PLANTED_QUEUE
#undef CMD_SYNC
#define CMD_SYNC planted_sync_command()
#else
#define smmuv3_cmdq_run planted_run
#define smmuv3_cmdq_run_one planted_run_one
#define smmuv3_cmdq_run_slow planted_run_slow
#define smmuv3_mem_clean planted_mem_clean
#endif

/* Calls of these members of struct dma_platform: of no bytes where they are to be left out. */
#define cache_clean(p, phys, len) cache_clean(p, phys, planted_clean_len(len, __FILE__, #p))
#define cache_inv(p, phys, len) cache_inv(p, phys, planted_inv_len(p, phys, len, __FILE__))

#endif
