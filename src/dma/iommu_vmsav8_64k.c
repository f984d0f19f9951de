/* SPDX-License-Identifier: BSD-2-Clause */
/* The IOMMU ops table over VMSAv8-64 stage 1 tables with a granule of 64KiB (iommu_fmt.h). */
#define PT_FMT_H "pgtable/fmt/vmsav8_64k.h"
#define IOMMU_OPS iommu_vmsav8_64k_ops
#include "dma/iommu_fmt.h"
