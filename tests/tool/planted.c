/* SPDX-License-Identifier: BSD-2-Clause */
/* The spoilt calls: each does what the original does, but for one mistake. */
#include "iommu/smmuv3/smmuv3.h"
#include "tests/tool/planted.h"

#include <string.h>

enum planted planted_now;
uint32_t planted_hits;
static bool no_sync; /* the next CMD_SYNC is none */

bool planted_is(enum planted which)
{
	planted_hits += which == planted_now;
	return which == planted_now;
}

/* A command that does nothing, where the queue would put a CMD_SYNC. */
uint64_t planted_sync_command(void)
{
	const uint64_t cfgi_nobody = CMD_CFGI_STE | CMD0_SID(0xfffe);

	return no_sync || planted_is(PLANTED_NO_SYNC) ? cfgi_nobody : CMD_SYNC;
}

static uint32_t opcode(const struct smmuv3_cmd *cmd)
{
	return cmd->word[0] & 0xff;
}

static bool is_tlbi(uint32_t op)
{
	return op == CMD_TLBI_NH_VA || op == CMD_TLBI_NH_ASID;
}

static bool is_left_out(const struct smmuv3_cmd *cmd)
{
	uint32_t op = opcode(cmd);

	return (is_tlbi(op) && planted_is(PLANTED_NO_TLBI)) ||
	       (op == CMD_TLBI_NH_ASID && planted_is(PLANTED_NO_TLBI_ASID)) ||
	       (op == CMD_CFGI_STE && planted_is(PLANTED_NO_CFGI_STE)) ||
	       ((op == CMD_CFGI_STE || op == CMD_CFGI_CD_ALL) && planted_is(PLANTED_NO_CFGI));
}

static void spoil(struct smmuv3_cmd *cmd)
{
	if (opcode(cmd) == CMD_TLBI_NH_VA && planted_is(PLANTED_ONE_GRANULE))
		cmd->word[0] &= ~(TLBI0_NUM(31) | TLBI0_SCALE(31));
	if (is_tlbi(opcode(cmd)) && planted_is(PLANTED_OTHER_ASID))
		cmd->word[0] ^= TLBI0_ASID(1);
	if (opcode(cmd) == CMD_TLBI_NH_VA && planted_is(PLANTED_LEAVES_ONLY))
		cmd->word[1] |= TLBI1_LEAF;
}

typedef int (*run_fn)(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr);

static int run_spoilt(run_fn run, struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr)
{
	const struct smmuv3_cmd nothing = { { CMD_CFGI_STE | CMD0_SID(0xfffd), 0 } };
	struct smmuv3_cmd out[SMMUV3_MAX_BATCH];
	uint32_t n = 0;
	int err = 0;

	for (uint32_t i = 0; i < nr; i++) {
		if ((i > 0 && planted_is(PLANTED_FIRST_ONLY)) || is_left_out(&cmds[i]))
			continue;
		out[n] = cmds[i];
		spoil(&out[n++]);
	}
	if (n == 0)
		return 0;
	if (planted_is(PLANTED_SYNC_FIRST)) {
		err = run(q, &nothing, 1);
		no_sync = true;
	}
	if (err == 0)
		err = run(q, out, n);
	no_sync = false;
	return err;
}

int planted_run(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr)
{
	return run_spoilt(smmuv3_cmdq_run, q, cmds, nr);
}

int planted_run_slow(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr)
{
	return run_spoilt(smmuv3_cmdq_run_slow, q, cmds, nr);
}

int planted_run_one(struct smmuv3_cmdq *q, uint64_t word0, uint64_t word1)
{
	const struct smmuv3_cmd cmd = { { word0, word1 } };

	return run_spoilt(smmuv3_cmdq_run, q, &cmd, 1);
}

/* Stream table entries are one word, context descriptors are whole. */
void planted_mem_clean(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t at, uint64_t len)
{
	if ((len == 8 && planted_is(PLANTED_NO_CLEAN_STE)) ||
	    (len == CD_BYTES && planted_is(PLANTED_NO_CLEAN_CD)))
		return;
	smmuv3_mem_clean(s, mem, at, len);
}

uint64_t planted_clean_len(uint64_t len, const char *file, const char *who)
{
	bool command = strstr(file, "cmdq.c") != NULL, entry = strcmp(who, "pt->platform") == 0;

	return planted_is(command ? PLANTED_NO_CLEAN_COMMAND
			  : entry ? PLANTED_NO_CLEAN_PTE
				  : PLANTED_NO_CLEAN_DATA)
		       ? 0
		       : len;
}

uint64_t planted_inv_len(struct dma_platform *p, uint64_t phys, uint64_t len, const char *file)
{
	bool event = strstr(file, "evtq.c") != NULL;

	if (planted_is(event ? PLANTED_NO_INV_EVENT : PLANTED_NO_INV_DATA))
		return 0;
	if (event || !planted_is(PLANTED_CLEAN_FOR_INV))
		return len;
	p->cache_clean_inv(p, phys, len);
	return 0;
}
