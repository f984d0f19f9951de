/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: event queue, global errors and interrupts (IHI0070 chapter 7, 3.18, 6.3.18).
 * Events that find no room are lost and counted; stalls do not exist in this model.
 */
#include "sim/smmuv3_internal.h"

#define EVENT_LG2 5u
#define EVENT_BYTES (1u << EVENT_LG2)

/* Write an interrupt as memory (3.18.2). True if it was one, or if it aborted. */
static bool msi_write(struct sim_smmuv3 *s, uint64_t addr, uint32_t data, uint32_t abort_bit)
{
	uint8_t bytes[4];

	if (!s->cfg.msi || (addr & ADDR_BITS(2)) == 0)
		return false;
	for (unsigned int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(data >> (8 * i));
	if (s->host.write(s->host.ctx, addr & ADDR_BITS(2), bytes, sizeof(bytes)) != 0 &&
	    abort_bit != 0)
		sim_smmu_gerror_raise(s, abort_bit);
	return true;
}

bool sim_smmu_msi(struct sim_smmuv3 *s, uint64_t addr, uint32_t data)
{
	return msi_write(s, addr, data, GERROR_MSI_CMDQ_ABT);
}

static void wired(struct sim_smmuv3 *s, enum sim_smmuv3_irq kind)
{
	if (s->host.irq != NULL)
		s->host.irq(s->host.ctx, kind);
}

/*
 * An error becomes active when GERROR differs from GERRORN; one that is active already is not
 * raised again (6.3.18).
 */
void sim_smmu_gerror_raise(struct sim_smmuv3 *s, uint32_t bits)
{
	uint32_t active = s->reg.gerror ^ s->reg.gerrorn;
	uint32_t fresh = bits & ~active & GERROR_ALL;
	uint32_t abort_bit;

	if (fresh == 0)
		return;
	s->reg.gerror ^= fresh;
	if ((s->reg.irq_ctrlack & IRQ_GERROR) == 0)
		return;
	/* A failed write for that very error must not raise it without end. */
	abort_bit = (fresh & GERROR_MSI_GERROR_ABT) != 0 ? 0 : GERROR_MSI_GERROR_ABT;
	if (!msi_write(s, s->reg.gerror_cfg0, s->reg.gerror_cfg1, abort_bit))
		wired(s, SIM_SMMUV3_IRQ_GERROR);
}

/* A record found the queue full: flag it once until software acknowledges (7.4). */
static void event_overflow(struct sim_smmuv3 *s)
{
	if (((s->reg.evtq_prod ^ s->reg.evtq_cons) & QUEUE_FLAG) == 0)
		s->reg.evtq_prod ^= QUEUE_FLAG;
	s->stats.events_lost++;
}

/* Append one record (7.2.1, 7.2.2). */
static void event_write(struct sim_smmuv3 *s, const uint64_t word[4])
{
	struct sim_smmu_regs *reg = &s->reg;
	unsigned int lg2 = sim_smmu_evtq_lg2(s);
	uint32_t idx = reg->evtq_prod & ((1u << lg2) - 1);
	uint32_t nr = sim_smmu_queue_nr(reg->evtq_prod, reg->evtq_cons, lg2);
	uint32_t abt = (reg->gerror ^ reg->gerrorn) & GERROR_EVENTQ_ABT;
	uint8_t bytes[EVENT_BYTES];
	uint64_t addr;

	if ((reg->cr0ack & CR0_EVENTQEN) == 0 || abt != 0) {
		s->stats.events_lost++;
		return;
	}
	if (nr >= 1u << lg2 || s->inject_evtq_full != 0) {
		s->inject_evtq_full -= s->inject_evtq_full != 0 ? 1 : 0;
		event_overflow(s);
		return;
	}
	for (unsigned int i = 0; i < 4; i++)
		sim_smmu_put64(&bytes[8 * i], word[i]);
	addr = sim_smmu_queue_base(reg->evtq_base, EVENT_LG2, lg2) + ((uint64_t)idx << EVENT_LG2);
	if (s->host.write(s->host.ctx, addr, bytes, sizeof(bytes)) != 0) {
		/* Synchronous abort: PROD stays (7.2.2). */
		s->stats.events_lost++;
		sim_smmu_gerror_raise(s, GERROR_EVENTQ_ABT);
		return;
	}
	/* The index and its wrap bit count on together; OVFLG stays. */
	reg->evtq_prod = (reg->evtq_prod & QUEUE_FLAG) | ((reg->evtq_prod + 1) & ((2u << lg2) - 1));
	s->stats.events_written++;
	/* Interrupt when the queue becomes non-empty (3.18). */
	if (nr == 0 && (reg->irq_ctrlack & IRQ_EVENTQ) != 0 &&
	    !msi_write(s, reg->evtq_cfg0, reg->evtq_cfg1, GERROR_MSI_EVENTQ_ABT))
		wired(s, SIM_SMMUV3_IRQ_EVENTQ);
}

/* Which records carry address and access (7.3.12 to 7.3.17), and which a fetch address. */
static bool event_has_address(unsigned int event)
{
	return event == SIM_SMMUV3_F_WALK_EABT || event >= SIM_SMMUV3_F_TRANSLATION;
}

void sim_smmu_event_fault(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
			  const struct sim_smmu_fault *fault)
{
	uint64_t word[4] = { 0, 0, 0, 0 };

	if (fault->event == 0)
		return;
	word[0] = (uint64_t)txn->sid << 32 | fault->event;
	/* C_BAD_STREAMID and F_STE_FETCH know the substream as well: it came with the access. */
	if (txn->ssid_valid)
		word[0] |= UINT64_C(1) << 11 | (uint64_t)(txn->ssid & 0xfffffu) << 12;
	if (event_has_address(fault->event)) {
		word[1] = (uint64_t)txn->privileged << 33 |
			  (uint64_t)(txn->instruction && !txn->write) << 34 |
			  (uint64_t)!txn->write << 35 | (uint64_t)fault->class << 40;
		word[2] = txn->iova;
	}
	word[3] = fault->fetch_addr;
	event_write(s, word);
}
