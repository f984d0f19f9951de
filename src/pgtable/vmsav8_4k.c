/* SPDX-License-Identifier: BSD-2-Clause */
/* VMSAv8-64 stage 1 with the 4 KiB granule, for callers that do not know the format. */
#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
#include "pgtable/walk_ops.h"

const struct pgtable_ops pgtable_vmsav8_4k_ops = PT_OPS;
