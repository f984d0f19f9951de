/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the memory model, the platform and the view of mappings know of an address space, beyond
 * sim/as.h. Lock: that of RAM.
 */
#ifndef SIM_AS_INTERNAL_H
#define SIM_AS_INTERNAL_H

#include "sim/as.h"

struct sim_mem;

/* End of an address space together with its machine, pins or not. */
void sim_as_destroy(struct dma_as *as);

/* The platform's as_map, as_unmap, pin and unpin. */
DMA_MUST_CHECK int sim_as_map_runs(struct dma_as *as, uint64_t uaddr,
				   const struct dma_phys_run *runs, uint32_t nr_runs,
				   enum dma_memtype memtype);
void sim_as_unmap_runs(struct dma_as *as, uint64_t uaddr, uint64_t len);
DMA_MUST_CHECK int sim_as_pin(struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
			      struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs,
			      uint64_t *covered);
void sim_as_unpin(struct dma_as *as, const struct dma_pin_run *runs, uint32_t nr_runs, bool dirty);

/* Is this host address inside some address space of the machine? With the lock held. */
bool sim_as_owns_host(struct sim_mem *mem, uintptr_t host);
/* Drop the host's page-table entries of all address spaces; contents stay. With the lock held. */
void sim_as_forget_touches(struct sim_mem *mem);

#endif
