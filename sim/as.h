/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User programs of the simulated machine: several address spaces, each a reservation inside the
 * process, PROT_NONE except where something is mapped. User addresses are numbers of their own
 * (they start at SIM_AS_BASE in every address space): sim_as_ptr() gives what the program
 * would dereference. Pinned pages outlive their mapping and the address space.
 *
 * Lock: one per machine, taken inside every function here.
 */
#ifndef SIM_AS_H
#define SIM_AS_H

#include <dmamap/platform.h>

struct sim_mem;

#define SIM_AS_BASE 0x400000ull

#define SIM_AS_READ_ONLY (1u << 0)

/**
 * struct sim_as_stats - one address space
 * @mapped_bytes: bytes mapped now, of every kind
 * @anon_pages: CPU pages of its own memory
 * @locked_bytes: bytes pinned now
 * @locked_limit: how many bytes may be
 * @limit_hits: pins refused because of the limit
 * @limit_wanted: locked bytes the last refused pin would have led to
 * @dirtied_pages: pages handed back by unpin with dirty
 */
struct sim_as_stats {
	uint64_t mapped_bytes;
	uint64_t anon_pages;
	uint64_t locked_bytes;
	uint64_t locked_limit;
	uint64_t limit_hits;
	uint64_t limit_wanted;
	uint64_t dirtied_pages;
};

/* An address space with @va_bytes of user addresses; -ENOMEM, -EINVAL (no whole pages). */
DMA_MUST_CHECK int sim_as_open(struct sim_mem *mem, uint64_t va_bytes, struct dma_as **as);
/* The program ends: everything is unmapped; pinned pages live until unpin, @as itself too. */
void sim_as_exit(struct dma_as *as);
/* A child with copies of all private pages and the same shared mappings, unpinned; -ENOMEM. */
DMA_MUST_CHECK int sim_as_fork(struct dma_as *parent, struct dma_as **child);

/**
 * sim_as_alloc() - memory of the program, page by page
 * @as: the address space
 * @len: bytes, rounded up to CPU pages
 * @flags: SIM_AS_READ_ONLY
 * @uaddr: user address of the first byte
 *
 * Every page is allocated on its own, so on a machine with scattered RAM they are scattered.
 *
 * Return: 0, -EINVAL for no bytes, -ENOMEM.
 */
DMA_MUST_CHECK int sim_as_alloc(struct dma_as *as, uint64_t len, uint32_t flags, uint64_t *uaddr);
/* Unmap whatever is mapped there; own pages are freed, pinned ones at unpin. -EINVAL misaligned. */
int sim_as_unmap(struct dma_as *as, uint64_t uaddr, uint64_t len);
/* Make pages read-only or writable again; -EFAULT when a page is not mapped. */
int sim_as_protect(struct dma_as *as, uint64_t uaddr, uint64_t len, uint32_t flags);

/*
 * VM_PFNMAP-like: map what no one can count. In the carve-out of the machine it is memory (kind
 * UNOWNED), in a register window it is MMIO (never touchable by the host). @memtype as for as_map.
 * -EINVAL for other addresses and misalignment, -ENOMEM.
 */
DMA_MUST_CHECK int sim_as_map_pfn(struct dma_as *as, phys_addr_t phys, uint64_t len,
				  enum dma_memtype memtype, uint64_t *uaddr);

/* Free user addresses for as_map(), and unmapped; 0 when none are left. */
uint64_t sim_as_find_free(struct dma_as *as, uint64_t len);

/* What the program dereferences; never NULL, faults where nothing is mapped. */
void *sim_as_ptr(struct dma_as *as, uint64_t uaddr);
/* The phys behind a user address; -EFAULT. For tests and pictures. */
int sim_as_phys(struct dma_as *as, uint64_t uaddr, phys_addr_t *phys);

void sim_as_set_locked_limit(struct dma_as *as, uint64_t bytes);
void sim_as_stats(struct dma_as *as, struct sim_as_stats *stats);

#endif
