/* SPDX-License-Identifier: BSD-2-Clause */
/* VMSAv8-64 stage 1 with the 64 KiB granule: blocks of 512 MiB (DDI0487 D8.2, D8.3). */
#ifndef DMAMAP_PGTABLE_FMT_VMSAV8_64K_H
#define DMAMAP_PGTABLE_FMT_VMSAV8_64K_H

#define PT_NAME "vmsav8-64k"
#define PT_FMT DMA_PT_VMSAV8_64K
#define PT_GRANULE_LG2 16
#define PT_NR_LEVELS 3
#define PT_LEAF_LEVELS 0x3u /* 64 KiB, 512 MiB */
#define PT_GROUP_LEVELS 0x3u
#define PT_GROUP_LG2(level) 5u /* 32 entries at every level: DDI0487 D8.6.1 */

#include "pgtable/fmt/vmsav8.h"

#endif
