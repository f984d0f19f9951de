/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the SMMUv3 driver (IHI0070): what its files share. Nothing outside this folder includes
 * it but its tests.
 *
 * Locks: smmuv3.lock (sleeping) serialises domain_init, domain_fini and attach. gerror_lock (spin)
 * is held while global errors are acknowledged. cmdq.irq_lock (spin) keeps interrupts out of the
 * slow path's producers. Order: lock, irq_lock; nothing is taken inside gerror_lock or irq_lock.
 */
#ifndef DMAMAP_IOMMU_SMMUV3_SMMUV3_H
#define DMAMAP_IOMMU_SMMUV3_SMMUV3_H

#include <stdatomic.h>

#include <dmamap/fault.h>
#include <dmamap/iommu-driver.h>

#include "core/bits.h"
#include "iommu/smmuv3/regs.h"
#include "pgtable/pgtable.h"

/* How long the hardware may take for anything. */
#define SMMUV3_TIMEOUT_NS UINT64_C(1000000000)
/* Commands in one batch, the CMD_SYNC not counted. */
#define SMMUV3_MAX_BATCH 64u
/* Errors one waiter recovers from before it gives up. */
#define SMMUV3_MAX_ERRORS 8u
/* log2 of the entries in our queues, if the hardware can have so many. */
#define CMDQ_SIZE_LG2 8u
#define EVTQ_SIZE_LG2 9u
/* STEs of one second-level table: 2^8, IHI0070 6.3.24 SPLIT. */
#define SMMUV3_SPLIT 8u

/**
 * struct smmuv3_mem - physically contiguous memory the hardware reads or writes
 * @phys: first byte
 * @virt: the same for the CPU
 * @len: bytes; 0: none
 */
struct smmuv3_mem {
	phys_addr_t phys;
	uint8_t *virt;
	uint64_t len;
};

/* One command, words in CPU order. */
struct smmuv3_cmd {
	uint64_t word[CMD_WORDS];
};

/**
 * struct smmuv3_cmdq - the command queue
 * @platform: platform
 * @mmio_base: registers
 * @mem: the ring
 * @size_lg2: entries
 * @noncoherent: entries are cleaned from the cache before the hardware is told
 * @reserved: entries that were ever given to a producer
 * @line: somebody waits for room; nobody else may reserve
 * @published: entries that the hardware was ever told of, in order; the producer whose entries come
 *	next owns the right to advance it
 * @nr_batches: batches published; written by the owner of that right
 * @consumed: entries that the hardware is known to have consumed
 * @nr_errors: command errors recovered from
 * @nr_aborts: of these, command fetches that aborted
 * @irq_lock: see the head of this file
 *
 * Indices run freely, so that they order; the hardware's are their low size_lg2 + 1 bits
 * (IHI0070 3.5.1). consumed <= published <= reserved <= consumed + size.
 */
struct smmuv3_cmdq {
	struct dma_platform *platform;
	uint64_t mmio_base;
	struct smmuv3_mem mem;
	uint32_t size_lg2;
	bool noncoherent;
	_Alignas(64) _Atomic size_t reserved;
	_Atomic uint32_t line;
	_Alignas(64) _Atomic size_t published;
	_Atomic size_t nr_batches;
	_Alignas(64) _Atomic size_t consumed;
	_Atomic uint32_t nr_errors;
	_Atomic uint32_t nr_aborts;
	struct dma_lock irq_lock;
};

/**
 * struct smmuv3_evtq - the event queue; used by one context at a time
 * @mem: the ring
 * @size_lg2: records
 * @cons: next record to read, as the register holds it: index, wrap bit, OVACKFLG
 * @prod: EVENTQ_PROD as last read
 */
struct smmuv3_evtq {
	struct smmuv3_mem mem;
	uint32_t size_lg2;
	uint32_t cons;
	uint32_t prod;
};

/**
 * struct smmuv3_strtab - the stream table
 * @mem: the linear table, or the first level
 * @sid_bits: StreamIDs 0 .. 2^n - 1 have an entry
 * @two_level: @mem is the first level
 * @l2: second-level tables by index, absent ones with len 0; NULL unless two_level
 * @nr_l2: their number
 */
struct smmuv3_strtab {
	struct smmuv3_mem mem;
	uint32_t sid_bits;
	bool two_level;
	struct smmuv3_mem *l2;
	uint32_t nr_l2;
};

/**
 * struct smmuv3_asids - which address space ids are taken
 * @map: one bit per id
 * @nr: ids 0 .. nr - 1; id 0 is never given out
 * @next: where the search starts
 */
struct smmuv3_asids {
	uint32_t *map;
	uint32_t nr;
	uint32_t next;
};

/**
 * struct smmuv3 - one SMMU
 * @hw: what the IOMMU core knows of it
 * @platform: platform
 * @mmio_base: page 0 of the registers
 * @noncoherent: the SMMU does not snoop, or must be treated so
 * @range_inval: IDR3.RIL and allowed
 * @has_btm: IDR0.BTM
 * @has_hyp: IDR0.Hyp
 * @oas_bits: output address size
 * @ste1: word 1 of every STE; the same for all kinds, so that word 0 alone decides
 * @lock: serialises configuration
 * @gerror_lock: held while global errors are handled
 * @faults_lost: event queue overflows and aborts seen
 * @cmdq: command queue
 * @evtq: event queue
 * @strtab: stream table
 * @asids: address space ids
 */
struct smmuv3 {
	struct smmuv3_cmdq cmdq; /* first: aligned */
	struct dma_iommu_hw *hw;
	struct dma_platform *platform;
	uint64_t mmio_base;
	bool noncoherent;
	bool range_inval;
	bool has_btm;
	bool has_hyp;
	uint32_t oas_bits;
	uint64_t ste1;
	struct dma_lock lock;
	struct dma_lock gerror_lock;
	_Atomic uint32_t faults_lost;
	struct smmuv3_evtq evtq;
	struct smmuv3_strtab strtab;
	struct smmuv3_asids asids;
};

static inline struct smmuv3 *smmuv3_of_cmdq(struct smmuv3_cmdq *q)
{
	return container_of(q, struct smmuv3, cmdq);
}

static inline uint32_t smmuv3_read(const struct smmuv3 *s, uint32_t reg)
{
	return (uint32_t)s->platform->mmio_read(s->platform, s->mmio_base + reg, 4);
}

static inline void smmuv3_write(const struct smmuv3 *s, uint32_t reg, uint32_t value)
{
	s->platform->mmio_write(s->platform, s->mmio_base + reg, 4, value);
}

static inline void smmuv3_write64(const struct smmuv3 *s, uint32_t reg, uint64_t value)
{
	s->platform->mmio_write(s->platform, s->mmio_base + reg, 8, value);
}

/* Leave a failure record of rule `hardware` that names a register; returns @err. */
int smmuv3_error(struct smmuv3 *s, enum dma_op op, int err, uint32_t reg, uint64_t found,
		 uint64_t need);
/* The same for any rule. */
int smmuv3_refuse(struct dma_platform *p, enum dma_op op, int err, enum dma_rule rule,
		  uint64_t addr, uint64_t found, uint64_t need);

/* Wait until (register & mask) == want; -ETIMEDOUT with a record. */
DMA_MUST_CHECK int smmuv3_wait_reg(struct smmuv3 *s, uint32_t reg, uint32_t mask, uint32_t want);

/*
 * Memory for queues and tables, zeroed, aligned to its size (rounded up to a power of two and
 * to the CPU page) and below the SMMU's output size. smmuv3_mem_clean() makes [@at, @at + @len)
 * visible to a non-coherent SMMU; smmuv3_mem_free() ignores absent memory.
 */
DMA_MUST_CHECK int smmuv3_mem_alloc(struct smmuv3 *s, uint64_t len, struct smmuv3_mem *mem);
void smmuv3_mem_free(struct smmuv3 *s, struct smmuv3_mem *mem);
void smmuv3_mem_clean(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t at, uint64_t len);

/* cmdq.c */
DMA_MUST_CHECK int smmuv3_cmdq_init(struct smmuv3 *s, uint32_t max_size_lg2);
void smmuv3_cmdq_fini(struct smmuv3 *s);
/* Indices back to zero, as the registers are about to be. Nobody uses the queue. */
void smmuv3_cmdq_reset(struct smmuv3_cmdq *q);
/* How many commands fit into one batch; at least 3. */
static inline uint32_t smmuv3_cmdq_max_batch(const struct smmuv3_cmdq *q)
{
	uint32_t max = (UINT32_C(1) << q->size_lg2) - 1;

	return max < SMMUV3_MAX_BATCH ? max : SMMUV3_MAX_BATCH;
}

/* Leave a failure record about the command queue; returns @err. */
int smmuv3_cmdq_error(struct smmuv3 *s, enum dma_op op, int err);

/**
 * smmuv3_cmdq_run() - have commands executed and wait for their effect
 * @q: the queue
 * @cmds: @nr commands, in this order
 * @nr: 1 .. smmuv3_cmdq_max_batch()
 *
 * Commands of other producers come before or after, never between. Should a command of the batch
 * have been skipped because of an error, everything that any command of this driver can invalidate
 * is invalidated instead.
 *
 * Context: any; a context that may be interrupted by another producer on its CPU uses
 * smmuv3_cmdq_run_slow()
 *
 * Return:
 * * %0 - all effects of @cmds are complete (IHI0070 4.7.3)
 * * %-ETIMEDOUT - not within a second
 * * %-EIO - the SMMU could not fetch commands, or kept refusing them
 */
DMA_MUST_CHECK int smmuv3_cmdq_run(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds,
				   uint32_t nr);
DMA_MUST_CHECK int smmuv3_cmdq_run_one(struct smmuv3_cmdq *q, uint64_t word0, uint64_t word1);
DMA_MUST_CHECK int smmuv3_cmdq_run_slow(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds,
					uint32_t nr);
/* The command at CONS is in error: make it harmless, and count. Before the acknowledgement. */
void smmuv3_cmdq_skip(struct smmuv3_cmdq *q);

/* evtq.c */
DMA_MUST_CHECK int smmuv3_evtq_init(struct smmuv3 *s, uint32_t max_size_lg2);
void smmuv3_evtq_fini(struct smmuv3 *s);
int smmuv3_next_fault(struct dma_iommu_hw *hw, struct dma_fault *fault);
/* A record as it lies in memory. */
void smmuv3_evtq_decode(const uint8_t *record, struct dma_fault *fault);

/* Handle and acknowledge every active global error. Context: any. */
void smmuv3_gerror_handle(struct smmuv3 *s);

/* strtab.c */
enum smmuv3_ste_kind { SMMUV3_STE_BLOCKED, SMMUV3_STE_BYPASS, SMMUV3_STE_S1 };

/* Word 0 of an STE; @cd is the phys of the context descriptor for SMMUV3_STE_S1. */
uint64_t smmuv3_ste0(enum smmuv3_ste_kind kind, phys_addr_t cd);
/* Word 1 of all STEs. */
uint64_t smmuv3_ste1(uint32_t idr0, uint32_t idr1, bool noncoherent);
DMA_MUST_CHECK int smmuv3_strtab_init(struct smmuv3 *s, uint32_t sid_bits, bool two_level);
void smmuv3_strtab_fini(struct smmuv3 *s);
/* Values of STRTAB_BASE and STRTAB_BASE_CFG. */
uint64_t smmuv3_strtab_base(const struct smmuv3 *s);
uint32_t smmuv3_strtab_cfg(const struct smmuv3 *s);
int smmuv3_attach(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester);

/* cd.c */
void smmuv3_cd_fill(uint64_t cd[CD_WORDS], const struct dma_iommu_pt *pt, uint32_t asid,
		    bool noncoherent);
/* phys of the domain's context descriptor. */
phys_addr_t smmuv3_cd_phys(const struct dma_iommu_dom *dom);
DMA_MUST_CHECK int smmuv3_asids_init(struct smmuv3 *s, uint32_t nr);
void smmuv3_asids_fini(struct smmuv3 *s);
int smmuv3_domain_init(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);
void smmuv3_domain_fini(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);

/* tlb.c */
int smmuv3_tlb_sync(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
		    const struct gather *gather);
int smmuv3_tlb_sync_all(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom);
struct smmuv3_cmd smmuv3_tlb_asid_cmd(uint32_t asid);
/*
 * Commands that invalidate @gather for @pt, at most @max; 0: too many, invalidate the whole ASID.
 */
uint32_t smmuv3_tlb_cmds(const struct dma_iommu_pt *pt, uint32_t asid, bool range_inval,
			 const struct gather *gather, struct smmuv3_cmd *cmds, uint32_t max);

#endif
