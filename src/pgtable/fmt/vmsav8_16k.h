/* SPDX-License-Identifier: BSD-2-Clause */
/* VMSAv8-64 stage 1 with the 16 KiB granule: blocks of 32 MiB (DDI0487 D8.2, D8.3). */
#ifndef DMAMAP_PGTABLE_FMT_VMSAV8_16K_H
#define DMAMAP_PGTABLE_FMT_VMSAV8_16K_H

#define PT_NAME "vmsav8-16k"
#define PT_FMT DMA_PT_VMSAV8_16K
#define PT_GRANULE_LG2 14
#define PT_NR_LEVELS 4
#define PT_LEAF_LEVELS 0x3u /* 16 KiB, 32 MiB */
#define PT_GROUP_LEVELS 0x3u
#define PT_GROUP_LG2(level) ((level) == 0 ? 7u : 5u) /* 128 pages, 32 blocks: DDI0487 D8.6.1 */

#include "pgtable/fmt/vmsav8.h"

#endif
