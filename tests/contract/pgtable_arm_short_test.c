/* SPDX-License-Identifier: BSD-2-Clause */
/* The page-table contract for ARMv7 short descriptors. The window straddles 64 tables. */
#define PT_FMT_H "pgtable/fmt/arm_short.h"
#define CT_OPS pgtable_arm_short_ops
#define CT_NAIVE naive_short
#define CT_IAS 32
#define CT_OAS 32
#define CT_BASE (UINT64_C(0x20000000) - (UINT64_C(24) << 20))
#define CT_NR_PAGES 16384u
#define CT_STEPS 300u

#include "tests/contract/pgtable_contract.h"
