/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table contract for VMSAv8-64 with 64 KiB pages. The window straddles two tables of level
 * 1.
 */
#define PT_FMT_H "pgtable/fmt/vmsav8_64k.h"
#define CT_OPS pgtable_vmsav8_64k_ops
#define CT_NAIVE naive_vmsav8
#define CT_IAS 48
#define CT_OAS 48
#define CT_BASE ((UINT64_C(1) << 42) - (UINT64_C(1) << 30))
#define CT_NR_PAGES 24576u
#define CT_STEPS 100u

#include "tests/contract/pgtable_contract.h"
