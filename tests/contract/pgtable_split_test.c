/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table contract for 64-bit entries on a CPU that stores 32 bits at a time, compiled that
 * way on every CPU.
 */
#define PT_FMT_H "pgtable/fmt/vmsav8_4k.h"
#define PT_SPLIT_STORES 1
#include "pgtable/walk_ops.h"

static const struct pgtable_ops split_ops = PT_OPS;

#define CT_OPS split_ops
#define CT_NAIVE naive_vmsav8
#define CT_IAS 39
#define CT_OAS 40
#define CT_BASE ((UINT64_C(1) << 30) - (UINT64_C(32) << 20))
#define CT_NR_PAGES 16384u
#define CT_STEPS 150u

#include "tests/contract/pgtable_contract.h"
