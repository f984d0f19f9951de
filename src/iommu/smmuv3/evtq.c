/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the SMMU reports: the event queue (IHI0070 3.5, 7.2, 7.3) and global errors (7.5). Records
 * are copied out, bounds-checked and decoded; nothing of them is trusted. Not here: the ring in
 * which faults wait for the user (iommu/). The event queue is used by one context at a time.
 */
#include "iommu/smmuv3/smmuv3.h"

#include "core/endian.h"

/* What an event number means, IHI0070 7.3; @has_addr: InputAddr and RnW are valid. */
static const struct event {
	uint8_t type;
	bool has_addr;
	enum dma_fault_reason reason;
} events[] = {
	{ F_UUT, true, DMA_FAULT_OTHER },
	{ C_BAD_STREAMID, false, DMA_FAULT_CONFIG },
	{ F_STE_FETCH, false, DMA_FAULT_EXTERNAL },
	{ C_BAD_STE, false, DMA_FAULT_CONFIG },
	{ F_BAD_ATS_TREQ, true, DMA_FAULT_CONFIG },
	{ F_STREAM_DISABLED, false, DMA_FAULT_CONFIG },
	{ F_TRANSL_FORBIDDEN, true, DMA_FAULT_CONFIG },
	{ C_BAD_SUBSTREAMID, false, DMA_FAULT_CONFIG },
	{ F_CD_FETCH, false, DMA_FAULT_EXTERNAL },
	{ C_BAD_CD, false, DMA_FAULT_CONFIG },
	{ F_WALK_EABT, true, DMA_FAULT_EXTERNAL },
	{ F_TRANSLATION, true, DMA_FAULT_TRANSLATION },
	{ F_ADDR_SIZE, true, DMA_FAULT_ADDR_SIZE },
	{ F_ACCESS, true, DMA_FAULT_ACCESS },
	{ F_PERMISSION, true, DMA_FAULT_PERMISSION },
	{ F_TLB_CONFLICT, true, DMA_FAULT_OTHER },
	{ F_CFG_CONFLICT, false, DMA_FAULT_CONFIG },
};

static struct event event_of(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i].type == type)
			return events[i];
	}
	return (struct event){ .reason = DMA_FAULT_OTHER };
}

void smmuv3_evtq_decode(const uint8_t *record, struct dma_fault *fault)
{
	uint64_t word0 = endian_load_le64(record);
	uint64_t word1 = endian_load_le64(record + 8);
	struct event event = event_of(EVT0_TYPE(word0));

	*fault = (struct dma_fault){
		.requester = EVT0_SID(word0),
		.reason = event.reason,
		.raw = word0,
	};
	if (event.has_addr) {
		fault->iova = endian_load_le64(record + 16);
		fault->write = (word1 & EVT1_RNW) == 0;
	}
}

static void count_lost(struct smmuv3 *s)
{
	atomic_fetch_add_explicit(&s->faults_lost, 1, memory_order_relaxed);
}

void smmuv3_gerror_handle(struct smmuv3 *s)
{
	struct dma_platform *p = s->platform;
	uint32_t gerror, active;

	p->spin_lock(p, &s->gerror_lock);
	gerror = smmuv3_read(s, SMMU_GERROR);
	/* An error is active while its two bits differ, IHI0070 6.3.18. */
	active = gerror ^ smmuv3_read(s, SMMU_GERRORN);
	if ((active & GERROR_CMDQ_ERR) != 0)
		smmuv3_cmdq_skip(&s->cmdq);
	if ((active & GERROR_EVENTQ_ABT_ERR) != 0)
		count_lost(s);
	if (active != 0)
		smmuv3_write(s, SMMU_GERRORN, gerror);
	p->spin_unlock(p, &s->gerror_lock);
	if ((active & GERROR_CMDQ_ERR) != 0)
		p->log(p, DMA_LOG_WARN, "smmuv3: a command was in error and has been skipped");
	if ((active & ~(GERROR_CMDQ_ERR | GERROR_EVENTQ_ABT_ERR)) != 0)
		p->log(p, DMA_LOG_ERR, "smmuv3: global error (service failure or aborted message)");
}

/* Index and wrap bit of PROD or CONS. */
static uint32_t idx_mask(const struct smmuv3_evtq *q)
{
	return (UINT32_C(2) << q->size_lg2) - 1;
}

static bool is_empty(const struct smmuv3_evtq *q)
{
	return ((q->prod ^ q->cons) & idx_mask(q)) == 0;
}

/*
 * Look for new records. When the queue overflowed since the last look, OVFLG differs from our
 * OVACKFLG: count once and acknowledge (IHI0070 7.4). A PROD that is more than the ring ahead is
 * no PROD: whatever lies there is dropped.
 */
static void update_prod(struct smmuv3 *s)
{
	struct smmuv3_evtq *q = &s->evtq;
	uint32_t old_cons = q->cons;

	q->prod = smmuv3_read(s, SMMU_EVENTQ_PROD);
	if (((q->prod ^ q->cons) & EVENTQ_OVF) != 0) {
		count_lost(s);
		q->cons ^= EVENTQ_OVF;
	}
	if (((q->prod - q->cons) & idx_mask(q)) > (UINT32_C(1) << q->size_lg2)) {
		count_lost(s);
		q->cons = q->prod & (EVENTQ_OVF | idx_mask(q));
	}
	if (q->cons != old_cons)
		smmuv3_write(s, SMMU_EVENTQ_CONS, q->cons);
}

int smmuv3_next_fault(struct dma_iommu_hw *hw, struct dma_fault *fault)
{
	struct smmuv3 *s = hw->priv;
	struct smmuv3_evtq *q = &s->evtq;
	uint64_t at;

	if (is_empty(q)) {
		update_prod(s);
		if (is_empty(q)) {
			smmuv3_gerror_handle(s);
			return 0;
		}
	}
	at = (uint64_t)(q->cons & (idx_mask(q) >> 1)) * EVT_BYTES;
	if (s->noncoherent)
		s->platform->cache_inv(s->platform, q->mem.phys + at, EVT_BYTES);
	smmuv3_evtq_decode(q->mem.virt + (size_t)at, fault);
	q->cons = (q->cons & EVENTQ_OVF) | ((q->cons + 1) & idx_mask(q));
	smmuv3_write(s, SMMU_EVENTQ_CONS, q->cons);
	return 1;
}

int smmuv3_evtq_init(struct smmuv3 *s, uint32_t max_size_lg2)
{
	struct smmuv3_evtq *q = &s->evtq;

	q->size_lg2 = max_size_lg2 < EVTQ_SIZE_LG2 ? max_size_lg2 : EVTQ_SIZE_LG2;
	return smmuv3_mem_alloc(s, (uint64_t)EVT_BYTES << q->size_lg2, &q->mem);
}

void smmuv3_evtq_fini(struct smmuv3 *s)
{
	smmuv3_mem_free(s, &s->evtq.mem);
}
