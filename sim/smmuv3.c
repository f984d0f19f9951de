/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 model: making, resetting and stepping an instance, its random numbers, its counters.
 * Registers, queues, caches and walks have files of their own. No lock: the machine serialises.
 */
#include "sim/smmuv3_internal.h"

#include <stdlib.h>
#include <string.h>

void sim_smmuv3_cfg_default(struct sim_smmuv3_cfg *cfg)
{
	*cfg = (struct sim_smmuv3_cfg){
		.two_level_strtab = true,
		.coherent = true,
		.ril = true,
		.had = true,
		.asid16 = true,
		.granules = SIM_SMMUV3_GRAN4K | SIM_SMMUV3_GRAN16K | SIM_SMMUV3_GRAN64K,
		.oas_bits = 44,
		.sid_bits = 16,
		.cmdq_lg2_max = 19,
		.evtq_lg2_max = 19,
		.seed = 1,
		.iotlb_entries = 256,
		.walk_entries = 64,
		.config_entries = 64,
		.never_evict = true,
		.cache_invalid_config = true,
		.contig_as_one = 1,
		.check_bbm = true,
	};
}

static bool cfg_is_valid(const struct sim_smmuv3_cfg *cfg)
{
	static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
	bool oas_ok = false;

	for (size_t i = 0; i < sizeof(sizes); i++)
		oas_ok = oas_ok || cfg->oas_bits == sizes[i];
	return oas_ok && cfg->granules != 0 && cfg->granules <= 7 && cfg->bbml <= 2 &&
	       cfg->sid_bits <= 32 && cfg->ssid_bits <= 20 && cfg->cmdq_lg2_max <= QUEUE_LG2_MAX &&
	       cfg->evtq_lg2_max <= QUEUE_LG2_MAX && cfg->contig_as_one <= 2 &&
	       cfg->prefetch_permille <= 1000;
}

struct sim_smmuv3 *sim_smmuv3_new(const struct sim_smmuv3_cfg *cfg,
				  const struct sim_smmuv3_host *host)
{
	struct sim_smmuv3 *s;

	if (!cfg_is_valid(cfg))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->cfg = *cfg;
	s->host = *host;
	s->rng = cfg->seed;
	sim_smmuv3_reset(s);
	return s;
}

void sim_smmuv3_free(struct sim_smmuv3 *s)
{
	if (s == NULL)
		return;
	sim_smmu_tlb_free(s);
	sim_smmu_config_free(s);
	free(s->pending);
	free(s);
}

void sim_smmuv3_reset(struct sim_smmuv3 *s)
{
	sim_smmu_regs_reset(s);
	sim_smmu_tlb_reset(s);
	sim_smmu_config_reset(s);
	s->nr_pending = 0;
	s->sync_due = 0;
	memset(s->recent, 0, sizeof(s->recent));
	s->invalidated_tlb = false;
	s->invalidated_config = false;
	s->inject_ill = 0;
	s->inject_abt = 0;
	s->inject_stuck = 0;
	s->inject_sync_stuck = 0;
	s->inject_evtq_full = 0;
	s->inject_walk_abort = UINT64_MAX;
	s->inject_config_abort = UINT64_MAX;
}

/* A counted injection runs down with time; UINT64_MAX stays. */
static void count_down(uint64_t *counter)
{
	if (*counter != 0 && *counter != UINT64_MAX)
		(*counter)--;
}

void sim_smmuv3_step(struct sim_smmuv3 *s)
{
	s->now++;
	sim_smmu_regs_step(s);
	sim_smmu_pending_step(s);
	sim_smmu_cmdq_run(s, true);
	sim_smmu_prefetch(s);
	count_down(&s->inject_stuck);
	count_down(&s->inject_sync_stuck);
}

bool sim_smmuv3_idle(const struct sim_smmuv3 *s)
{
	return s->cr0_due == 0 && s->irq_due == 0 && s->gbpa_due == 0 && s->nr_pending == 0 &&
	       sim_smmu_cmdq_idle(s);
}

void sim_smmuv3_inject(struct sim_smmuv3 *s, enum sim_smmuv3_inject what, uint64_t arg)
{
	switch (what) {
	case SIM_SMMUV3_INJECT_CMD_ILL:
		s->inject_ill = arg;
		break;
	case SIM_SMMUV3_INJECT_CMD_ABT:
		s->inject_abt = arg;
		break;
	case SIM_SMMUV3_INJECT_STUCK:
		s->inject_stuck = arg;
		break;
	case SIM_SMMUV3_INJECT_SYNC_STUCK:
		s->inject_sync_stuck = arg;
		break;
	case SIM_SMMUV3_INJECT_EVENTQ_FULL:
		s->inject_evtq_full = arg;
		break;
	case SIM_SMMUV3_INJECT_GERROR:
		sim_smmu_gerror_raise(s, (uint32_t)arg & GERROR_ALL);
		break;
	case SIM_SMMUV3_INJECT_WALK_ABORT:
		s->inject_walk_abort = arg;
		break;
	case SIM_SMMUV3_INJECT_CONFIG_ABORT:
		s->inject_config_abort = arg;
		break;
	}
}

const struct sim_smmuv3_stats *sim_smmuv3_stats(const struct sim_smmuv3 *s)
{
	return &s->stats;
}

void sim_smmuv3_reset_stats(struct sim_smmuv3 *s)
{
	memset(&s->stats, 0, sizeof(s->stats));
}

uint64_t sim_smmuv3_findings(const struct sim_smmuv3 *s)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < SIM_SMMUV3_NR_FINDINGS; i++)
		sum += s->stats.findings[i];
	return sum;
}

const char *sim_smmuv3_finding_text(enum sim_smmuv3_finding kind)
{
	static const char *const text[SIM_SMMUV3_NR_FINDINGS] = {
		[SIM_SMMUV3_FIND_BAD_ACCESS] = "access of a wrong width, or no register there",
		[SIM_SMMUV3_FIND_READ_ONLY] = "write to a read-only register",
		[SIM_SMMUV3_FIND_RESERVED_BITS] = "reserved register bits written non-zero",
		[SIM_SMMUV3_FIND_WRONG_PAGE] = "event queue index accessed through page 0",
		[SIM_SMMUV3_FIND_CR0_BEFORE_ACK] = "CR0 bit changed before CR0ACK followed",
		[SIM_SMMUV3_FIND_IRQ_BEFORE_ACK] = "IRQ_CTRL changed before IRQ_CTRLACK followed",
		[SIM_SMMUV3_FIND_GBPA_NO_UPDATE] = "GBPA written without Update or while updating",
		[SIM_SMMUV3_FIND_LIVE_STRTAB] = "stream table base changed while SMMUEN is set",
		[SIM_SMMUV3_FIND_LIVE_CMDQ] = "CMDQ_BASE or CONS written while CMDQEN is set",
		[SIM_SMMUV3_FIND_LIVE_EVENTQ] = "EVENTQ_BASE or PROD written while EVENTQEN is set",
		[SIM_SMMUV3_FIND_LIVE_CR] = "CR1 or CR2 changed while the field is in use",
		[SIM_SMMUV3_FIND_LIVE_IRQ_CFG] = "IRQ_CFG changed while the interrupt is enabled",
		[SIM_SMMUV3_FIND_QUEUE_SIZE] = "queue larger than IDR1 says, or misaligned",
		[SIM_SMMUV3_FIND_STRTAB_SIZE] = "bad stream table format, size or alignment",
		[SIM_SMMUV3_FIND_CMDQ_PROD] = "CMDQ_PROD outside the queue or past CONS",
		[SIM_SMMUV3_FIND_EVENTQ_CONS] = "EVENTQ_CONS outside the queue or past PROD",
		[SIM_SMMUV3_FIND_GERRORN] = "GERRORN toggled for an error that is not active",
		[SIM_SMMUV3_FIND_ENABLE_UNPREPARED] =
			"SMMUEN set before the caches were invalidated",
		[SIM_SMMUV3_FIND_ILLEGAL_COMMAND] = "illegal command",
		[SIM_SMMUV3_FIND_COMMAND_BITS] =
			"reserved command bits non-zero or a parameter out of range",
		[SIM_SMMUV3_FIND_TLBI_RANGE] = "TLBI range misaligned for its granule and level",
		[SIM_SMMUV3_FIND_STE_TORN] = "an STE changed in several words without CFGI between",
		[SIM_SMMUV3_FIND_CD_TORN] = "a CD changed in several words without CFGI between",
		[SIM_SMMUV3_FIND_STE_BITS] = "reserved STE bits non-zero",
		[SIM_SMMUV3_FIND_CD_BITS] = "reserved CD bits non-zero or table base misaligned",
		[SIM_SMMUV3_FIND_BBM] = "a live leaf was replaced without break-before-make",
		[SIM_SMMUV3_FIND_WALK_STALE] = "a live table was replaced without invalidation",
		[SIM_SMMUV3_FIND_TLB_CONFLICT] = "two cached leaves translate one address",
		[SIM_SMMUV3_FIND_BAD_CONTIG] = "contiguous bit on entries that are no group",
		[SIM_SMMUV3_FIND_TT_BITS] = "reserved bits of a table descriptor non-zero",
	};

	return (unsigned int)kind < SIM_SMMUV3_NR_FINDINGS ? text[kind] : "unknown";
}

/* splitmix64: one addition and two multiplications, full period, any seed. */
uint64_t sim_smmu_random(struct sim_smmuv3 *s)
{
	uint64_t z;

	s->rng += UINT64_C(0x9e3779b97f4a7c15);
	z = s->rng;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The step at which something begun now ends: 1 to max steps from now. */
uint64_t sim_smmu_delay(struct sim_smmuv3 *s, unsigned int max)
{
	return s->now + 1 + sim_smmu_random(s) % max;
}

void sim_smmu_find(struct sim_smmuv3 *s, enum sim_smmuv3_finding kind, uint64_t arg)
{
	if (s->stats.findings[kind]++ == 0)
		s->stats.finding_arg[kind] = arg;
	if (kind == SIM_SMMUV3_FIND_BBM)
		s->stats.bbm_violations++;
}

/* Queues, structures and tables are little-endian (IDR0.TTENDIAN says so for the tables). */
uint64_t sim_smmu_get64(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

void sim_smmu_put64(uint8_t *bytes, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Double an array. Losing a cached entry for want of memory would be a silent change: give up. */
bool sim_smmu_grow(void **array, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 64 : *room * 2;
	void *bigger = realloc(*array, more * size);

	if (bigger == NULL)
		return false;
	*array = bigger;
	*room = more;
	return true;
}
