/* SPDX-License-Identifier: BSD-2-Clause */
/* ARMv7 short descriptors, for callers that do not know the format. */
#define PT_FMT_H "pgtable/fmt/arm_short.h"
#include "pgtable/walk_ops.h"

const struct pgtable_ops pgtable_arm_short_ops = PT_OPS;
