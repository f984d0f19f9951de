/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm SMMUv3 (IHI0070): bringing one up with every requester blocked, taking it down, and the ops
 * table. Stage 1, AArch64 tables, polling; no interrupts, no ATS, PRI or substreams. Configuration
 * is in strtab.c and cd.c, commands in cmdq.c and tlb.c, faults in evtq.c. Locks: see smmuv3.h.
 */
#include "iommu/smmuv3/smmuv3.h"

#include "core/slot.h"

#define OAS_BITS_MAX 48u /* what the table formats can hold */
#define IAS_BITS 48u	 /* IDR5.VAX is not used */
#define SIZE_LG2_MIN 2u	 /* entries: three commands and a CMD_SYNC */

/* The identification registers that decide anything. */
struct idrs {
	uint32_t idr0, idr1, idr3, idr5;
};

int smmuv3_refuse(struct dma_platform *p, enum dma_op op, int err, enum dma_rule rule,
		  uint64_t addr, uint64_t found, uint64_t need)
{
	const struct dma_error e = {
		.op = op,
		.err = err,
		.rule = rule,
		.addr = addr,
		.found = found,
		.need = need,
	};

	(void)p;
	dma_error_record(NULL, &e);
	return err;
}

int smmuv3_error(struct smmuv3 *s, enum dma_op op, int err, uint32_t reg, uint64_t found,
		 uint64_t need)
{
	return smmuv3_refuse(s->platform, op, err, DMA_RULE_HARDWARE, s->mmio_base + reg, found,
			     need);
}

int smmuv3_wait_reg(struct smmuv3 *s, uint32_t reg, uint32_t mask, uint32_t want)
{
	struct dma_platform *p = s->platform;
	uint64_t start_ns = p->now_ns(p);

	for (;;) {
		uint64_t now_ns = p->now_ns(p);
		uint32_t found = smmuv3_read(s, reg);

		if ((found & mask) == want)
			return 0;
		if (now_ns - start_ns >= SMMUV3_TIMEOUT_NS)
			return smmuv3_error(s, DMA_OP_DEVICE, -ETIMEDOUT, reg, found, want);
		p->relax(p);
	}
}

int smmuv3_mem_alloc(struct smmuv3 *s, uint64_t len, struct smmuv3_mem *mem)
{
	struct dma_platform *p = s->platform;
	uint64_t page = UINT64_C(1) << p->page_lg2;
	uint64_t size = bits_max(UINT64_C(1) << bits_log2_ceil(len), page);
	const struct dma_pages_req req = {
		.len = size,
		.align = size,
		.last = (UINT64_C(1) << s->oas_bits) - 1,
		.node = -1,
		.flags = DMA_PAGES_LINEAR | DMA_PAGES_ZERO,
	};
	int err;

	err = p->pages_alloc(p, &req, &mem->phys);
	if (err != 0)
		return err;
	mem->virt = (uint8_t *)(uintptr_t)(mem->phys + p->linear_offset);
	mem->len = size;
	return 0;
}

void smmuv3_mem_free(struct smmuv3 *s, struct smmuv3_mem *mem)
{
	if (mem->len != 0)
		s->platform->pages_free(s->platform, mem->phys, mem->len);
	mem->len = 0;
}

void smmuv3_mem_clean(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t at, uint64_t len)
{
	if (s->noncoherent)
		s->platform->cache_clean(s->platform, mem->phys + at, len);
}

/* -ENODEV: not this hardware. @reg names what spoke against it. */
static int no_device(struct dma_iommu_hw *hw, uint32_t reg, uint64_t found, uint64_t need)
{
	return smmuv3_refuse(hw->platform, DMA_OP_DEVICE, -ENODEV, DMA_RULE_HARDWARE,
			     hw->desc.mmio_base + reg, found, need);
}

static uint32_t read_id(struct dma_iommu_hw *hw, uint32_t reg)
{
	struct dma_platform *p = hw->platform;

	return (uint32_t)p->mmio_read(p, hw->desc.mmio_base + reg, 4);
}

/* Is it an SMMUv3, and one that this driver can use? Only reads. */
static int identify(struct dma_iommu_hw *hw, struct idrs *id)
{
	uint32_t aidr = read_id(hw, SMMU_AIDR);

	id->idr0 = read_id(hw, SMMU_IDR0);
	id->idr1 = read_id(hw, SMMU_IDR1);
	id->idr3 = read_id(hw, SMMU_IDR3);
	id->idr5 = read_id(hw, SMMU_IDR5);
	if ((aidr & AIDR_RES0) != 0 || AIDR_ARCH_MAJOR(aidr) != 0)
		return no_device(hw, SMMU_AIDR, aidr, 0);
	if ((id->idr0 & IDR0_S1P) == 0 || (id->idr0 & IDR0_TTF_AARCH64) == 0 ||
	    id->idr0 == UINT32_MAX)
		return no_device(hw, SMMU_IDR0, id->idr0, IDR0_S1P | IDR0_TTF_AARCH64);
	if (IDR0_TTENDIAN(id->idr0) == TTENDIAN_BIG)
		return no_device(hw, SMMU_IDR0, id->idr0, 0);
	/* Every fault would hold its transaction until software answers. */
	if (IDR0_STALL_MODEL(id->idr0) == STALL_MODEL_FORCED)
		return no_device(hw, SMMU_IDR0, id->idr0, 0);
	if ((id->idr1 & (IDR1_QUEUES_PRESET | IDR1_TABLES_PRESET)) != 0 ||
	    IDR1_CMDQS(id->idr1) < SIZE_LG2_MIN || IDR1_SIDSIZE(id->idr1) > 32)
		return no_device(hw, SMMU_IDR1, id->idr1, 0);
	if ((id->idr5 & (IDR5_GRAN4K | IDR5_GRAN16K | IDR5_GRAN64K)) == 0)
		return no_device(hw, SMMU_IDR5, id->idr5, IDR5_GRAN4K);
	return 0;
}

static uint32_t oas_bits_of(uint32_t idr5)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	uint32_t oas = IDR5_OAS(idr5);

	return oas < ARRAY_LEN(bits) && bits[oas] < OAS_BITS_MAX ? bits[oas] : OAS_BITS_MAX;
}

static uint64_t granules_of(uint32_t idr5)
{
	return ((idr5 & IDR5_GRAN4K) != 0 ? BIT64(12) : 0) |
	       ((idr5 & IDR5_GRAN16K) != 0 ? BIT64(14) : 0) |
	       ((idr5 & IDR5_GRAN64K) != 0 ? BIT64(16) : 0);
}

static void set_features(struct smmuv3 *s, const struct idrs *id)
{
	const struct dma_iommu_desc *desc = &s->hw->desc;

	s->noncoherent = desc->noncoherent_walk || (id->idr0 & IDR0_COHACC) == 0;
	s->range_inval = !desc->no_range_inval && (id->idr3 & IDR3_RIL) != 0;
	s->has_btm = (id->idr0 & IDR0_BTM) != 0;
	s->has_hyp = (id->idr0 & IDR0_HYP) != 0;
	s->oas_bits = oas_bits_of(id->idr5);
	s->ste1 = smmuv3_ste1(id->idr0, id->idr1, s->noncoherent);
}

/* With ABORT what reaches a disabled SMMU is aborted instead of let through (IHI0070 6.3.14). */
static int abort_while_off(struct smmuv3 *s)
{
	uint32_t gbpa;
	int err;

	err = smmuv3_wait_reg(s, SMMU_GBPA, GBPA_UPDATE, 0);
	if (err != 0)
		return err;
	gbpa = smmuv3_read(s, SMMU_GBPA);
	if ((gbpa & GBPA_ABORT) != 0)
		return 0;
	smmuv3_write(s, SMMU_GBPA, gbpa | GBPA_ABORT | GBPA_UPDATE);
	err = smmuv3_wait_reg(s, SMMU_GBPA, GBPA_UPDATE, 0);
	if (err == 0 && (smmuv3_read(s, SMMU_GBPA) & GBPA_ABORT) == 0)
		s->platform->log(
			s->platform, DMA_LOG_WARN,
			"smmuv3: no GBPA.ABORT: while it is off, devices reach all memory");
	return err;
}

static int set_cr0(struct smmuv3 *s, uint32_t cr0)
{
	smmuv3_write(s, SMMU_CR0, cr0);
	return smmuv3_wait_reg(s, SMMU_CR0ACK, CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN, cr0);
}

/* Translation, queues and interrupts off, and confirmed. */
static int turn_off(struct smmuv3 *s)
{
	int err;

	err = abort_while_off(s);
	if (err != 0)
		return err;
	err = set_cr0(s, 0);
	if (err != 0)
		return err;
	smmuv3_write(s, SMMU_IRQ_CTRL, 0);
	return smmuv3_wait_reg(s, SMMU_IRQ_CTRLACK, UINT32_MAX, 0);
}

/* How the SMMU accesses queues and tables, and where they are. */
static void set_bases(struct smmuv3 *s)
{
	uint32_t cache = s->noncoherent ? CACHE_NC : CACHE_WB;
	uint32_t sh = s->noncoherent ? SH_OUTER : SH_INNER;

	smmuv3_write(s, SMMU_CR1,
		     CR1_QUEUE_IC(cache) | CR1_QUEUE_OC(cache) | CR1_QUEUE_SH(sh) |
			     CR1_TABLE_IC(cache) | CR1_TABLE_OC(cache) | CR1_TABLE_SH(sh));
	/*
	 * Record unknown requesters; take no part in the CPUs' broadcasts (reserved without BTM).
	 */
	smmuv3_write(s, SMMU_CR2, CR2_RECINVSID | (s->has_btm ? CR2_PTM : 0));
	smmuv3_write64(s, SMMU_STRTAB_BASE, smmuv3_strtab_base(s));
	smmuv3_write(s, SMMU_STRTAB_BASE_CFG, smmuv3_strtab_cfg(s));
	smmuv3_write64(s, SMMU_CMDQ_BASE, s->cmdq.mem.phys | BASE_ALLOCATE | s->cmdq.size_lg2);
	smmuv3_write(s, SMMU_CMDQ_PROD, 0);
	smmuv3_write(s, SMMU_CMDQ_CONS, 0);
	smmuv3_write64(s, SMMU_EVENTQ_BASE, s->evtq.mem.phys | BASE_ALLOCATE | s->evtq.size_lg2);
	smmuv3_write(s, SMMU_EVENTQ_PROD, 0);
	smmuv3_write(s, SMMU_EVENTQ_CONS, 0);
	/* Errors from before are none of ours. */
	smmuv3_write(s, SMMU_GERRORN, smmuv3_read(s, SMMU_GERROR));
}

/* Caches are in an unknown state after a reset (IHI0070 3.11). */
static int invalidate_all(struct smmuv3 *s)
{
	const struct smmuv3_cmd cmds[] = {
		{ .word = { CMD_CFGI_ALL, CFGI1_RANGE_ALL } },
		{ .word = { CMD_TLBI_NSNH_ALL, 0 } },
		{ .word = { CMD_TLBI_EL2_ALL, 0 } }, /* illegal without IDR0.Hyp */
	};
	int err;

	err = smmuv3_cmdq_run_slow(&s->cmdq, cmds, s->has_hyp ? 3 : 2);
	return err == 0 ? 0 : smmuv3_cmdq_error(s, DMA_OP_DEVICE, err);
}

/* The order of IHI0070 3.11: command queue, invalidation, event queue, translation. */
static int turn_on(struct smmuv3 *s)
{
	int err;

	set_bases(s);
	err = set_cr0(s, CR0_CMDQEN);
	if (err != 0)
		return err;
	err = invalidate_all(s);
	if (err != 0)
		return err;
	err = set_cr0(s, CR0_CMDQEN | CR0_EVENTQEN);
	if (err != 0)
		return err;
	return set_cr0(s, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
}

static void free_memory(struct smmuv3 *s)
{
	smmuv3_asids_fini(s);
	smmuv3_strtab_fini(s);
	smmuv3_evtq_fini(s);
	smmuv3_cmdq_fini(s);
}

/* All of it or nothing; absent parts are zero and free_memory() ignores them. */
static int alloc_memory(struct smmuv3 *s, const struct idrs *id)
{
	int err;

	err = smmuv3_cmdq_init(s, IDR1_CMDQS(id->idr1));
	if (err == 0)
		err = smmuv3_evtq_init(s, IDR1_EVENTQS(id->idr1));
	if (err == 0)
		err = smmuv3_strtab_init(s, IDR1_SIDSIZE(id->idr1),
					 IDR0_ST_LEVEL(id->idr0) == ST_LEVEL_TWO);
	if (err == 0)
		err = smmuv3_asids_init(s, (id->idr0 & IDR0_ASID16) != 0 ? 65536 : 256);
	if (err == 0)
		return 0;
	free_memory(s);
	return smmuv3_refuse(s->platform, DMA_OP_DEVICE, err, DMA_RULE_NO_TABLE, 0, 0, 0);
}

static void fill_caps(struct smmuv3 *s)
{
	struct dma_iommu_caps *caps = &s->hw->caps;

	caps->ias_bits = IAS_BITS;
	caps->oas_bits = s->oas_bits;
	caps->nr_domain_ids = s->asids.nr - 1;
	caps->nr_requesters = UINT32_C(1) << s->strtab.sid_bits;
	caps->coherent_walk = !s->noncoherent;
	caps->range_inval = s->range_inval;
}

/* Reset, memory, on. On error it is off; memory the hardware may still use is not given back. */
static int bring_up(struct smmuv3 *s, const struct idrs *id)
{
	int err;

	err = turn_off(s);
	if (err != 0)
		return err;
	err = alloc_memory(s, id);
	if (err != 0)
		return err;
	err = turn_on(s);
	if (err == 0)
		return 0;
	if (turn_off(s) == 0)
		free_memory(s);
	return err;
}

static int probe(struct dma_iommu_hw *hw)
{
	struct dma_platform *p = hw->platform;
	struct smmuv3 *s;
	struct idrs id;
	int err;

	err = identify(hw, &id);
	if (err != 0)
		return err;
	hw->caps.granules = granules_of(id.idr5);
	if (hw->desc.granule_lg2 != 0 &&
	    (hw->desc.granule_lg2 > 16 || (hw->caps.granules & BIT64(hw->desc.granule_lg2)) == 0))
		return smmuv3_refuse(p, DMA_OP_DEVICE, -EINVAL, DMA_RULE_GRANULE, 0,
				     hw->desc.granule_lg2, hw->caps.granules);
	s = p->meta_alloc(p, sizeof(*s), _Alignof(struct smmuv3));
	if (s == NULL)
		return smmuv3_refuse(p, DMA_OP_DEVICE, -ENOMEM, DMA_RULE_NO_META, 0, 0, sizeof(*s));
	s->hw = hw;
	s->platform = p;
	s->mmio_base = hw->desc.mmio_base;
	set_features(s, &id);
	err = bring_up(s, &id);
	if (err != 0) {
		p->meta_free(p, s, sizeof(*s));
		return err;
	}
	fill_caps(s);
	hw->priv = s;
	return 0;
}

static void remove_hw(struct dma_iommu_hw *hw)
{
	struct smmuv3 *s = hw->priv;
	struct dma_platform *p = s->platform;

	if (turn_off(s) == 0)
		free_memory(s);
	else
		p->log(p, DMA_LOG_ERR, "smmuv3: does not turn off, its queues and tables are lost");
	p->meta_free(p, s, sizeof(*s));
	hw->priv = NULL;
}

/* MSI doorbells are translated like any address, so the SMMU itself reserves nothing. */
static uint32_t resv(struct dma_iommu_hw *hw, uint32_t requester, struct dma_resv_region *regions,
		     uint32_t max)
{
	(void)hw;
	(void)requester;
	(void)regions;
	(void)max;
	return 0;
}

static void counts(struct dma_iommu_hw *hw, struct dma_iommu_counts *counts)
{
	const struct smmuv3 *s = hw->priv;
	const struct smmuv3_cmdq *q = &s->cmdq;

	counts->invalidations = atomic_load_explicit(&q->nr_batches, memory_order_relaxed);
	counts->commands = atomic_load_explicit(&q->published, memory_order_relaxed);
	counts->command_errors = atomic_load_explicit(&q->nr_errors, memory_order_relaxed);
	counts->faults_lost = atomic_load_explicit(&s->faults_lost, memory_order_relaxed);
}

const struct dma_iommu_driver dma_smmuv3_driver = {
	.size = sizeof(struct dma_iommu_driver),
	.name = "smmuv3",
	.probe = probe,
	.remove = remove_hw,
	.domain_init = smmuv3_domain_init,
	.domain_fini = smmuv3_domain_fini,
	.attach = smmuv3_attach,
	.tlb_sync = smmuv3_tlb_sync,
	.tlb_sync_all = smmuv3_tlb_sync_all,
	.next_fault = smmuv3_next_fault,
	.resv = resv,
	.counts = counts,
};
