/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table contract for VMSAv8-64 with 16 KiB pages. The window straddles two tables of level
 * 1.
 */
#define PT_FMT_H "pgtable/fmt/vmsav8_16k.h"
#define CT_OPS pgtable_vmsav8_16k_ops
#define CT_NAIVE naive_vmsav8
#define CT_IAS 47
#define CT_OAS 44
#define CT_BASE ((UINT64_C(1) << 36) - (UINT64_C(128) << 20))
#define CT_NR_PAGES 16384u
#define CT_STEPS 200u

#include "tests/contract/pgtable_contract.h"
