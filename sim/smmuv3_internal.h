/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the SMMUv3 model share: the state of one instance, the bits of registers and
 * structures (IHI0070 chapters 4 to 7), and the functions they call in each other. Private to
 * sim/smmuv3*.c. No lock: the machine serialises the calls.
 */
#ifndef SIM_SMMUV3_INTERNAL_H
#define SIM_SMMUV3_INTERNAL_H

#include "sim/smmuv3.h"

/* CR0 and CR0ACK (6.3.9). */
#define CR0_SMMUEN 0x1u
#define CR0_EVENTQEN 0x4u
#define CR0_CMDQEN 0x8u
/* CR2 (6.3.12). */
#define CR2_RECINVSID 0x2u
#define CR2_PTM 0x4u
/* GBPA (6.3.14). */
#define GBPA_ABORT (1u << 20)
#define GBPA_UPDATE (1u << 31)
/* IRQ_CTRL (6.3.16). */
#define IRQ_GERROR 0x1u
#define IRQ_EVENTQ 0x4u
/* GERROR (6.3.18). */
#define GERROR_CMDQ 0x1u
#define GERROR_EVENTQ_ABT 0x4u
#define GERROR_MSI_CMDQ_ABT 0x10u
#define GERROR_MSI_EVENTQ_ABT 0x20u
#define GERROR_MSI_GERROR_ABT 0x80u
#define GERROR_SFM 0x100u
#define GERROR_ALL 0x1fdu
/* CMDQ_CONS.ERR (7.1). */
#define CERROR_ILL 1u
#define CERROR_ABT 2u
/* Queue indexes (3.5.1): the wrap bit stands above the index. */
#define QUEUE_LG2_MAX 19u
#define QUEUE_FLAG (1u << 31)

/* Bits 51:12, 51:6 and so on of a structure's pointer. */
#define ADDR_BITS(low) (((UINT64_C(1) << 52) - 1) & ~((UINT64_C(1) << (low)) - 1))

/* STE.Config (5.2). */
#define STE_BYPASS 4u
#define STE_S1 5u

/* Registers that hold a value of their own; the others are computed. */
struct sim_smmu_regs {
	uint32_t cr0;
	uint32_t cr0ack;
	uint32_t cr1;
	uint32_t cr2;
	uint32_t gbpa;
	uint32_t irq_ctrl;
	uint32_t irq_ctrlack;
	uint32_t gerror;
	uint32_t gerrorn;
	uint64_t gerror_cfg0;
	uint32_t gerror_cfg1;
	uint32_t gerror_cfg2;
	uint64_t strtab_base;
	uint32_t strtab_cfg;
	uint64_t cmdq_base;
	uint32_t cmdq_prod;
	uint32_t cmdq_cons;
	uint64_t evtq_base;
	uint32_t evtq_prod;
	uint32_t evtq_cons;
	uint64_t evtq_cfg0;
	uint32_t evtq_cfg1;
	uint32_t evtq_cfg2;
};

/* A command, decoded. */
struct sim_smmu_cmd {
	uint64_t word[2];
	uint64_t due;
	unsigned int op;
};

/* One cached leaf: iova and phys of its first byte. */
struct sim_smmu_leaf {
	uint64_t iova;
	uint64_t phys;
	unsigned int lg2;
	unsigned int level;
	unsigned int granule_lg2;
	uint32_t asid;
	uint64_t attrs; /* memory type and shareability, as in the descriptor */
	bool global;
	bool aset;
	bool el0; /* AP[1]: unprivileged may access */
	bool read_only;
	bool uxn;
	bool pxn;
};

struct sim_smmu_tlbe {
	struct sim_smmu_leaf leaf;
	int32_t next;
	bool used;
};

/* A cached table descriptor: found at level, translates 2^lg2 bytes from iova. */
struct sim_smmu_wce {
	uint64_t iova;
	uint64_t desc_phys;
	uint64_t next_table;
	unsigned int lg2;
	unsigned int level;
	unsigned int granule_lg2;
	uint32_t asid;
	bool upper; /* reached through TTB1 */
	bool ro_table;
	bool no_el0_table;
	bool uxn_table;
	bool pxn_table;
};

enum sim_smmu_config_kind { CONFIG_STE, CONFIG_CD, CONFIG_L1STD, CONFIG_L1CD, CONFIG_KINDS };

/* A cached configuration structure; L1STD and L1CD use word[0] only. */
struct sim_smmu_config {
	uint32_t sid;  /* L1STD: index of the descriptor */
	uint32_t ssid; /* L1CD: index of the descriptor */
	uint64_t phys;
	uint64_t word[8];
};

struct sim_smmu_config_cache {
	struct sim_smmu_config *entry;
	size_t nr;
	size_t room;
};

struct sim_smmu_recent {
	struct sim_smmuv3_txn txn;
	bool used;
};

#define NR_RECENT 16u
#define TLB_BUCKETS 1024u

struct sim_smmuv3 {
	struct sim_smmuv3_cfg cfg;
	struct sim_smmuv3_host host;
	struct sim_smmuv3_stats stats;
	struct sim_smmu_regs reg;
	uint64_t rng;
	uint64_t now; /* steps */

	uint64_t cr0_due; /* 0: nothing to acknowledge */
	uint64_t irq_due;
	uint64_t gbpa_due;
	bool invalidated_tlb; /* ever, since reset */
	bool invalidated_config;

	struct sim_smmu_cmd *pending; /* fetched, not yet in effect */
	size_t nr_pending;
	size_t pending_room;
	uint64_t sync_due; /* of the CMD_SYNC at the head; 0: not seen yet */

	struct sim_smmu_tlbe *tlb;
	size_t tlb_room;
	size_t tlb_used;
	int32_t tlb_free; /* head of the free list, or -1 */
	int32_t bucket[TLB_BUCKETS];
	uint32_t size_count[64]; /* cached leaves by lg2 */

	struct sim_smmu_wce *wc;
	size_t nr_wc;
	size_t wc_room;

	struct sim_smmu_config_cache config[CONFIG_KINDS];

	struct sim_smmu_recent recent[NR_RECENT];
	unsigned int recent_idx;

	uint64_t inject_ill;
	uint64_t inject_abt;
	uint64_t inject_stuck;
	uint64_t inject_sync_stuck;
	uint64_t inject_evtq_full;
	uint64_t inject_walk_abort;
	uint64_t inject_config_abort;
};

/* A transaction that cannot go on: the event to record, if any. */
struct sim_smmu_fault {
	unsigned int event; /* 0: abort without a record */
	unsigned int class; /* event field CLASS (7.3): 0 CD, 1 TT, 2 IN */
	uint64_t fetch_addr;
};

/* One of the two halves of an address space, from a CD. */
struct sim_smmu_half {
	uint64_t ttb;
	unsigned int size_bits;	  /* 64 - TxSZ */
	unsigned int granule_lg2; /* 0: reserved or not implemented */
	bool disabled;		  /* EPDx */
	bool had;
};

/* Everything a walk needs, decoded from STE and CD. */
struct sim_smmu_context {
	struct sim_smmu_half half[2];
	unsigned int out_bits; /* effective IPS */
	uint32_t asid;
	bool aset;
	bool tbi[2];
	bool affd;
	bool wxn;
	bool pan;
	bool record;
	bool bypass;
	unsigned int privcfg;
	unsigned int instcfg;
};

/* smmuv3.c */
uint64_t sim_smmu_random(struct sim_smmuv3 *s);
void sim_smmu_find(struct sim_smmuv3 *s, enum sim_smmuv3_finding kind, uint64_t arg);
uint64_t sim_smmu_delay(struct sim_smmuv3 *s, unsigned int max);
uint64_t sim_smmu_get64(const uint8_t *bytes);
void sim_smmu_put64(uint8_t *bytes, uint64_t value);
bool sim_smmu_grow(void **array, size_t *room, size_t size);

/* smmuv3_regs.c */
void sim_smmu_regs_reset(struct sim_smmuv3 *s);
void sim_smmu_regs_step(struct sim_smmuv3 *s);
unsigned int sim_smmu_cmdq_lg2(const struct sim_smmuv3 *s);
unsigned int sim_smmu_evtq_lg2(const struct sim_smmuv3 *s);
uint64_t sim_smmu_queue_base(uint64_t base_reg, unsigned int entry_lg2, unsigned int lg2);

/* smmuv3_cmdq.c */
void sim_smmu_cmdq_run(struct sim_smmuv3 *s, bool from_step);
void sim_smmu_pending_step(struct sim_smmuv3 *s);
bool sim_smmu_cmdq_idle(const struct sim_smmuv3 *s);
uint32_t sim_smmu_queue_nr(uint32_t prod, uint32_t cons, unsigned int lg2);

/* smmuv3_event.c */
void sim_smmu_gerror_raise(struct sim_smmuv3 *s, uint32_t bits);
void sim_smmu_event_fault(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
			  const struct sim_smmu_fault *fault);
bool sim_smmu_msi(struct sim_smmuv3 *s, uint64_t addr, uint32_t data);

/* smmuv3_tlb.c */
void sim_smmu_tlb_reset(struct sim_smmuv3 *s);
void sim_smmu_tlb_free(struct sim_smmuv3 *s);
bool sim_smmu_tlb_lookup(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
			 struct sim_smmu_leaf *leaf);
void sim_smmu_tlb_insert(struct sim_smmuv3 *s, const struct sim_smmu_leaf *leaf);
unsigned int sim_smmu_tlbi_granule(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd);
unsigned int sim_smmu_tlbi_level(const struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd);
void sim_smmu_tlb_invalidate(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd);

/* smmuv3_walkcache.c */
const struct sim_smmu_wce *sim_smmu_wc_lookup(struct sim_smmuv3 *s,
					      const struct sim_smmu_context *ctx, bool upper,
					      uint64_t iova);
void sim_smmu_wc_insert(struct sim_smmuv3 *s, const struct sim_smmu_wce *wce);

/* smmuv3_walk.c */
bool sim_smmu_walk(struct sim_smmuv3 *s, const struct sim_smmu_context *ctx, uint64_t iova,
		   bool use_caches, struct sim_smmu_leaf *leaf, struct sim_smmu_fault *fault);
uint64_t sim_smmu_walk_canonical(const struct sim_smmu_context *ctx, uint64_t iova);

/* smmuv3_config.c */
bool sim_smmu_config_lookup(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
			    struct sim_smmu_context *ctx, struct sim_smmu_fault *fault);
void sim_smmu_config_invalidate(struct sim_smmuv3 *s, const struct sim_smmu_cmd *cmd);
void sim_smmu_config_reset(struct sim_smmuv3 *s);
void sim_smmu_config_free(struct sim_smmuv3 *s);

/* smmuv3_decode.c */
bool sim_smmu_ste_legal(struct sim_smmuv3 *s, const uint64_t *ste, uint32_t sid);
bool sim_smmu_cd_legal(struct sim_smmuv3 *s, const uint64_t *cd, struct sim_smmu_context *ctx,
		       uint32_t sid);
bool sim_smmu_is_torn(const uint64_t *was, const uint64_t *is, bool is_ste);

/* smmuv3_translate.c */
void sim_smmu_prefetch(struct sim_smmuv3 *s);

#endif
