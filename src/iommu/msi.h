/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doorbells of message-signalled interrupts that a domain has mapped (rules.md IOM-13). Lock: the
 * IOMMU's mutex.
 */
#ifndef DMAMAP_IOMMU_MSI_H
#define DMAMAP_IOMMU_MSI_H

#include "iommu/iommu.h"

/**
 * struct domain_msi - one doorbell page, mapped as long as the domain lives
 * @next: list of the domain
 * @phys: granule that holds the doorbell
 * @iova: where it is mapped
 * @windowed: @iova lies in a SW_MSI region, not in the IOVA space
 */
struct domain_msi {
	struct domain_msi *next;
	phys_addr_t phys;
	uint64_t iova;
	bool windowed;
};

void domain_free_msis(struct dma_domain *dom);

/*
 * Is @start in a doorbell's page? Then *last is cut to its end; else to where the next one begins.
 */
bool domain_msi_at(const struct dma_domain *dom, uint64_t start, uint64_t *last);

#endif
