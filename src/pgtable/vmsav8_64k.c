/* SPDX-License-Identifier: BSD-2-Clause */
/* VMSAv8-64 stage 1 with the 64 KiB granule, for callers that do not know the format. */
#define PT_FMT_H "pgtable/fmt/vmsav8_64k.h"
#include "pgtable/walk_ops.h"

const struct pgtable_ops pgtable_vmsav8_64k_ops = PT_OPS;
