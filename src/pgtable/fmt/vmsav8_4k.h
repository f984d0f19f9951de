/* SPDX-License-Identifier: BSD-2-Clause */
/* VMSAv8-64 stage 1 with the 4 KiB granule: blocks of 2 MiB and 1 GiB (DDI0487 D8.2, D8.3). */
#ifndef DMAMAP_PGTABLE_FMT_VMSAV8_4K_H
#define DMAMAP_PGTABLE_FMT_VMSAV8_4K_H

#define PT_NAME "vmsav8-4k"
#define PT_FMT DMA_PT_VMSAV8_4K
#define PT_GRANULE_LG2 12
#define PT_NR_LEVELS 4
#define PT_LEAF_LEVELS 0x7u /* 4 KiB, 2 MiB, 1 GiB */
#define PT_GROUP_LEVELS 0x7u
#define PT_GROUP_LG2(level) 4u /* 16 entries at every level: DDI0487 D8.6.1 */

#include "pgtable/fmt/vmsav8.h"

#endif
