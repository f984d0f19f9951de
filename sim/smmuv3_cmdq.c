/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: the command queue (IHI0070 chapter 4, 7.1). Fetching is in order; a fetched
 * invalidation takes effect at once, or some steps later if the machine is lazy; CMD_SYNC is
 * consumed only when everything before it has taken effect.
 */
#include "sim/smmuv3_internal.h"

#define COMMAND_LG2 4u

enum command {
	PREFETCH_CONFIG = 0x01,
	PREFETCH_ADDR = 0x02,
	CFGI_STE = 0x03,
	CFGI_STE_RANGE = 0x04,
	CFGI_CD = 0x05,
	CFGI_CD_ALL = 0x06,
	TLBI_NH_ALL = 0x10,
	TLBI_NH_ASID = 0x11,
	TLBI_NH_VA = 0x12,
	TLBI_NH_VAA = 0x13,
	TLBI_NSNH_ALL = 0x30,
	COMMAND_SYNC = 0x46,
};

/* The number of entries from cons to prod, from the index and the wrap bit together. */
uint32_t sim_smmu_queue_nr(uint32_t prod, uint32_t cons, unsigned int lg2)
{
	return (prod - cons) & ((2u << lg2) - 1);
}

/* Bits that the commands of this model define (4.2 to 4.7); the others are reserved. */
static void command_bits(const struct sim_smmuv3 *s, unsigned int op, uint64_t defined[2])
{
	const uint64_t sid = UINT64_C(0xffffffff) << 32;
	const uint64_t ssid = UINT64_C(0xfffff) << 12;
	const uint64_t ril = s->cfg.ril ? UINT64_C(0x1f) << 12 | UINT64_C(0x1f) << 20 : 0;

	defined[0] = 0xff;
	defined[1] = 0;
	switch (op) {
	case PREFETCH_CONFIG:
		defined[0] |= sid | ssid | UINT64_C(1) << 11;
		break;
	case PREFETCH_ADDR:
		defined[0] |= sid | ssid | UINT64_C(1) << 11;
		defined[1] = ~UINT64_C(0xff0);
		break;
	case CFGI_STE:
		defined[0] |= sid;
		defined[1] = 1;
		break;
	case CFGI_STE_RANGE:
		defined[0] |= sid;
		defined[1] = 0x1f;
		break;
	case CFGI_CD:
		defined[0] |= sid | ssid;
		defined[1] = 1;
		break;
	case CFGI_CD_ALL:
		defined[0] |= sid;
		break;
	case TLBI_NH_ASID:
		defined[0] |= UINT64_C(0xffff) << 48;
		break;
	case TLBI_NH_VA:
		defined[0] |= ril | UINT64_C(0xffff) << 48;
		defined[1] = ~UINT64_C(0xfff) | (s->cfg.ril ? 0xf01u : 1u);
		break;
	case TLBI_NH_VAA:
		defined[0] |= ril;
		defined[1] = ~UINT64_C(0xfff) | (s->cfg.ril ? 0xf01u : 1u);
		break;
	case COMMAND_SYNC:
		defined[0] |= UINT64_C(3) << 12 | UINT64_C(3) << 22 | UINT64_C(0xf) << 24 | sid;
		defined[1] = ADDR_BITS(2);
		break;
	default:
		break;
	}
}

/* SSec asks for the Secure state, which this queue may not (4.1.6). */
static bool wants_secure(const struct sim_smmu_cmd *cmd)
{
	return cmd->op <= CFGI_CD_ALL && (cmd->word[0] & 0x400) != 0;
}

/* 4.4.1.1: a range of one granule without a level is reserved. */
static bool range_is_reserved(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	return sim_smmu_tlbi_granule(s, cmd) != 0 && sim_smmu_tlbi_level(s, cmd) == 0 &&
	       (cmd->word[0] >> 12 & 0x1f) == 0 && (cmd->word[0] >> 20 & 0x1f) == 0;
}

/* 4.1.7: StreamID, SubstreamID or ASID beyond what is implemented. */
static bool parameter_is_out(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	uint64_t sid = cmd->word[0] >> 32;

	if (cmd->op >= CFGI_STE && cmd->op <= CFGI_CD_ALL && cmd->op != CFGI_STE_RANGE &&
	    sid >> s->cfg.sid_bits != 0)
		return true;
	if (cmd->op == CFGI_CD && (cmd->word[0] >> 12 & 0xfffff) >> s->cfg.ssid_bits != 0)
		return true;
	return (cmd->op == TLBI_NH_ASID || cmd->op == TLBI_NH_VA) && !s->cfg.asid16 &&
	       cmd->word[0] >> 56 != 0;
}

/*
 * Commands that need stage 2, EL2, EL3, ATS, PRI or stalls are illegal here: none of these is
 * implemented. So is every opcode that nobody defined (4.1.4).
 */
static bool command_is_legal(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	if (wants_secure(cmd))
		return false;
	switch (cmd->op) {
	case PREFETCH_CONFIG:
	case PREFETCH_ADDR:
	case CFGI_STE:
	case CFGI_STE_RANGE:
	case CFGI_CD:
	case CFGI_CD_ALL:
	case TLBI_NH_ALL:
	case TLBI_NH_ASID:
	case TLBI_NSNH_ALL:
		return true;
	case TLBI_NH_VA:
	case TLBI_NH_VAA:
		return !range_is_reserved(s, cmd);
	case COMMAND_SYNC:
		return (cmd->word[0] >> 12 & 3) != 3;
	default:
		return false;
	}
}

static void command_check_bits(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	uint64_t defined[2];

	command_bits(s, cmd->op, defined);
	if ((cmd->word[0] & ~defined[0]) != 0 || (cmd->word[1] & ~defined[1]) != 0 ||
	    parameter_is_out(s, cmd))
		sim_smmu_find(s, SIM_SMMUV3_FIND_COMMAND_BITS, cmd->op);
}

static void command_apply(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	if (cmd->op >= CFGI_STE && cmd->op <= CFGI_CD_ALL) {
		sim_smmu_config_invalidate(s, cmd);
		s->invalidated_config = true;
		s->stats.invalidations++;
	} else if (cmd->op >= TLBI_NH_ALL && cmd->op <= TLBI_NSNH_ALL) {
		sim_smmu_tlb_invalidate(s, cmd);
		s->invalidated_tlb = true;
		s->stats.invalidations++;
	}
	/* Prefetch commands are hints: nothing need happen (4.2). */
}

static void command_begin(struct sim_smmuv3 *s, struct sim_smmu_cmd *cmd)
{
	if (s->cfg.lazy_completion == 0) {
		command_apply(s, cmd);
		return;
	}
	if (s->nr_pending == s->pending_room) {
		void *array = s->pending;

		if (!sim_smmu_grow(&array, &s->pending_room, sizeof(*s->pending))) {
			command_apply(s, cmd);
			return;
		}
		s->pending = array;
	}
	cmd->due = sim_smmu_delay(s, s->cfg.lazy_completion);
	s->pending[s->nr_pending++] = *cmd;
}

/* Invalidations between two CMD_SYNCs take effect in any order (4.8). */
void sim_smmu_pending_step(struct sim_smmuv3 *s)
{
	for (size_t i = 0; i < s->nr_pending;) {
		if (s->pending[i].due > s->now) {
			i++;
			continue;
		}
		command_apply(s, &s->pending[i]);
		s->pending[i] = s->pending[--s->nr_pending];
	}
}

static void command_error(struct sim_smmuv3 *s, uint32_t code)
{
	/* CONS stays at the command; the code stands before the error is active (7.1). */
	s->reg.cmdq_cons = (s->reg.cmdq_cons & ~(0x7fu << 24)) | code << 24;
	s->stats.cmd_errors++;
	sim_smmu_gerror_raise(s, GERROR_CMDQ);
}

static bool command_fetch(struct sim_smmuv3 *s, struct sim_smmu_cmd *cmd)
{
	unsigned int lg2 = sim_smmu_cmdq_lg2(s);
	uint64_t idx = s->reg.cmdq_cons & ((1u << lg2) - 1);
	uint64_t base = sim_smmu_queue_base(s->reg.cmdq_base, COMMAND_LG2, lg2);
	uint8_t bytes[1u << COMMAND_LG2];

	if (s->inject_abt != 0) {
		s->inject_abt--;
		return false;
	}
	if (s->host.read(s->host.ctx, base + (idx << COMMAND_LG2), bytes, sizeof(bytes)) != 0)
		return false;
	cmd->word[0] = sim_smmu_get64(&bytes[0]);
	cmd->word[1] = sim_smmu_get64(&bytes[8]);
	cmd->op = cmd->word[0] & 0xff;
	return true;
}

/* True when everything before the CMD_SYNC is complete and its own delay is over. */
static bool sync_is_complete(struct sim_smmuv3 *s)
{
	if (s->inject_sync_stuck != 0)
		return false;
	if (s->cfg.lazy_completion == 0)
		return true;
	if (s->sync_due == 0)
		s->sync_due = sim_smmu_delay(s, s->cfg.lazy_completion);
	return s->nr_pending == 0 && s->now >= s->sync_due;
}

/* 4.7.3: how the completion is told, beside CONS. */
static void sync_signal(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd)
{
	unsigned int signal = cmd->word[0] >> 12 & 3;

	s->sync_due = 0;
	s->stats.syncs++;
	if (signal == 1 && !sim_smmu_msi(s, cmd->word[1], (uint32_t)(cmd->word[0] >> 32)) &&
	    s->host.irq != NULL)
		s->host.irq(s->host.ctx, SIM_SMMUV3_IRQ_SYNC);
	if (signal == 2 && s->cfg.sev && s->host.irq != NULL)
		s->host.irq(s->host.ctx, SIM_SMMUV3_IRQ_SEV);
}

static bool cmdq_is_blocked(const struct sim_smmuv3 *s)
{
	uint32_t active = s->reg.gerror ^ s->reg.gerrorn;
	unsigned int lg2 = sim_smmu_cmdq_lg2(s);

	return (s->reg.cr0ack & CR0_CMDQEN) == 0 || (active & GERROR_CMDQ) != 0 ||
	       sim_smmu_queue_nr(s->reg.cmdq_prod, s->reg.cmdq_cons, lg2) == 0;
}

/* Consume one command. False: the queue does not move on now. */
static bool cmdq_next(struct sim_smmuv3 *s)
{
	unsigned int lg2 = sim_smmu_cmdq_lg2(s);
	struct sim_smmu_cmd cmd;

	if (!command_fetch(s, &cmd)) {
		command_error(s, CERROR_ABT);
		return false;
	}
	if (s->inject_ill != 0 || !command_is_legal(s, &cmd)) {
		if (s->inject_ill != 0)
			s->inject_ill--;
		else
			sim_smmu_find(s, SIM_SMMUV3_FIND_ILLEGAL_COMMAND, cmd.op);
		command_error(s, CERROR_ILL);
		return false;
	}
	if (cmd.op == COMMAND_SYNC && !sync_is_complete(s))
		return false;
	command_check_bits(s, &cmd);
	s->stats.commands[cmd.op]++;
	if (cmd.op != COMMAND_SYNC)
		command_begin(s, &cmd);
	s->reg.cmdq_cons =
		(s->reg.cmdq_cons & (0x7fu << 24)) | ((s->reg.cmdq_cons + 1) & ((2u << lg2) - 1));
	if (cmd.op == COMMAND_SYNC)
		sync_signal(s, &cmd);
	return true;
}

/*
 * Fetch commands: all there are when completion is immediate, else a seeded few per step, so that
 * the queue fills up in front of the driver.
 */
void sim_smmu_cmdq_run(struct sim_smmuv3 *s, bool from_step)
{
	uint64_t budget = UINT64_MAX;

	if (s->cfg.lazy_completion != 0) {
		if (!from_step)
			return;
		budget = 1 + sim_smmu_random(s) % 8;
	}
	while (budget-- != 0 && s->inject_stuck == 0 && !cmdq_is_blocked(s)) {
		if (!cmdq_next(s))
			return;
	}
}

bool sim_smmu_cmdq_idle(const struct sim_smmuv3 *s)
{
	return cmdq_is_blocked(s) || s->inject_stuck == UINT64_MAX ||
	       s->inject_sync_stuck == UINT64_MAX;
}
