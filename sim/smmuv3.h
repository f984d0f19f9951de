/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of an Arm SMMUv3 (IHI0070) with stage 1 only, VMSAv8-64 tables (DDI0487 D8), one command
 * queue and one event queue. It is hostile where the architecture lets hardware be hostile: caches
 * really go stale, commands complete late, entries are prefetched, and what software may not rely
 * on is recorded as a finding.
 *
 * It is not a driver and shares nothing with one. It owns no thread, no lock and no global: the
 * machine serialises all calls on one instance. Everything follows from the seed and the calls.
 */
#ifndef SIM_SMMUV3_H
#define SIM_SMMUV3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_smmuv3;

/* Size of the register window: page 0 and page 1 of 64 KiB each (IHI0070 6.1). */
#define SIM_SMMUV3_MMIO_BYTES 0x20000u

/* Bits of struct sim_smmuv3_cfg.granules. */
#define SIM_SMMUV3_GRAN4K 1u
#define SIM_SMMUV3_GRAN16K 2u
#define SIM_SMMUV3_GRAN64K 4u

/**
 * struct sim_smmuv3_cfg - what this instance implements and how it behaves
 * @two_level_strtab: IDR0.ST_LEVEL, two-level stream tables
 * @two_level_cd: IDR0.CD2L, two-level CD tables
 * @coherent: IDR0.COHACC, table walks and queues snoop the CPU caches; the machine must give a
 *            host whose read and write show the matching view
 * @ril: IDR3.RIL, range invalidation
 * @had: IDR3.HAD, hierarchical attributes can be disabled
 * @asid16: IDR0.ASID16
 * @msi: IDR0.MSI, interrupts (and CMD_SYNC completion) as memory writes
 * @sev: IDR0.SEV, CMD_SYNC may complete with an event
 * @attr_ovr: IDR1.ATTR_TYPES_OVR and ATTR_PERMS_OVR, STE.PRIVCFG and INSTCFG are honoured
 * @gbpa_abort: reset value of GBPA.ABORT
 * @granules: SIM_SMMUV3_GRAN* bits; at least one
 * @bbml: IDR3.BBML, 0 to 2; at 2 a change of block size alone is no violation
 * @oas_bits: output address size: 32, 36, 40, 42, 44, 48 or 52
 * @sid_bits: IDR1.SIDSIZE, 0 to 32
 * @ssid_bits: IDR1.SSIDSIZE, 0 to 20
 * @cmdq_lg2_max: IDR1.CMDQS, 0 to 19
 * @evtq_lg2_max: IDR1.EVENTQS, 0 to 19
 * @seed: of everything random below
 * @lazy_completion: 0 = commands act inside the write of CMDQ_PROD; n = each command acts a seeded
 *                   1 to n steps after it was fetched, CMD_SYNC after all before it
 * @lazy_ack: CR0ACK, IRQ_CTRLACK and GBPA.Update follow a seeded 1 to n steps later; 0 = at once
 * @iotlb_entries: size of the translation cache; 0 = no caching of leaves
 * @walk_entries: size of the cache of table descriptors; 0 = none
 * @config_entries: size of the caches of STEs and of CDs, each; 0 = none
 * @never_evict: a full cache grows instead of replacing, so that nothing is forgotten by luck
 * @cache_invalid_config: STEs, CDs and level 1 descriptors are cached also while invalid, so every
 *                        change, also from invalid to valid, needs its CFGI (IHI0070 3.21.3, 4.3)
 * @prefetch_permille: chance per translation and per step that a neighbour of a recent IOVA is
 *                     walked and cached, without any device asking
 * @contig_as_one: 0 = the contiguous bit is ignored, 1 = a group is always cached as one entry,
 *                 2 = seeded per entry
 * @check_bbm: compare every hit with memory; a different valid descriptor is a finding
 */
struct sim_smmuv3_cfg {
	bool two_level_strtab;
	bool two_level_cd;
	bool coherent;
	bool ril;
	bool had;
	bool asid16;
	bool msi;
	bool sev;
	bool attr_ovr;
	bool gbpa_abort;
	unsigned int granules;
	unsigned int bbml;
	unsigned int oas_bits;
	unsigned int sid_bits;
	unsigned int ssid_bits;
	unsigned int cmdq_lg2_max;
	unsigned int evtq_lg2_max;

	uint64_t seed;
	unsigned int lazy_completion;
	unsigned int lazy_ack;
	unsigned int iotlb_entries;
	unsigned int walk_entries;
	unsigned int config_entries;
	bool never_evict;
	bool cache_invalid_config;
	unsigned int prefetch_permille;
	unsigned int contig_as_one;
	bool check_bbm;
};

/**
 * sim_smmuv3_cfg_default() - the features of the common emulated part, hostile caches, no delays
 * @cfg: filled in: two-level stream table, coherent, RIL, HAD, ASID16, all granules, 44-bit output,
 *       16-bit StreamIDs, no substreams, queues up to 2^19, never_evict, check_bbm, seed 1
 */
void sim_smmuv3_cfg_default(struct sim_smmuv3_cfg *cfg);

/* Why the interrupt hook is called. */
enum sim_smmuv3_irq {
	SIM_SMMUV3_IRQ_EVENTQ,
	SIM_SMMUV3_IRQ_GERROR,
	SIM_SMMUV3_IRQ_SYNC,
	SIM_SMMUV3_IRQ_SEV,
};

/**
 * struct sim_smmuv3_host - memory and interrupts as the SMMU sees them
 * @ctx: passed back
 * @read: copy @len bytes of physical memory to @buf; 0, or non-zero for an external abort
 * @write: copy @len bytes of @buf to physical memory; 0, or non-zero for an external abort
 * @irq: wired interrupt or event; may be NULL. Must not call back into the instance
 */
struct sim_smmuv3_host {
	void *ctx;
	int (*read)(void *ctx, uint64_t phys, void *buf, size_t len);
	int (*write)(void *ctx, uint64_t phys, const void *buf, size_t len);
	void (*irq)(void *ctx, enum sim_smmuv3_irq kind);
};

/**
 * struct sim_smmuv3_txn - one transaction of a device
 * @sid: StreamID
 * @ssid: SubstreamID, meaningful while @ssid_valid
 * @iova: address the device puts on the bus, in bytes
 * @ssid_valid: the transaction carries a SubstreamID
 * @write: a write, otherwise a read
 * @instruction: an instruction fetch; ignored for writes
 * @privileged: the transaction is marked privileged
 */
struct sim_smmuv3_txn {
	uint32_t sid;
	uint32_t ssid;
	uint64_t iova;
	bool ssid_valid;
	bool write;
	bool instruction;
	bool privileged;
};

/*
 * OK: translated. BYPASS: not translated, phys is the IOVA. ABORT: nothing may be accessed; the
 * event queue has a record where the architecture asks for one.
 */
enum sim_smmuv3_verdict {
	SIM_SMMUV3_OK,
	SIM_SMMUV3_BYPASS,
	SIM_SMMUV3_ABORT,
};

/* Numbers of the events the model writes (IHI0070 7.3). */
enum sim_smmuv3_event {
	SIM_SMMUV3_C_BAD_STREAMID = 0x02,
	SIM_SMMUV3_F_STE_FETCH = 0x03,
	SIM_SMMUV3_C_BAD_STE = 0x04,
	SIM_SMMUV3_F_STREAM_DISABLED = 0x06,
	SIM_SMMUV3_C_BAD_SUBSTREAMID = 0x08,
	SIM_SMMUV3_F_CD_FETCH = 0x09,
	SIM_SMMUV3_C_BAD_CD = 0x0a,
	SIM_SMMUV3_F_WALK_EABT = 0x0b,
	SIM_SMMUV3_F_TRANSLATION = 0x10,
	SIM_SMMUV3_F_ADDR_SIZE = 0x11,
	SIM_SMMUV3_F_ACCESS = 0x12,
	SIM_SMMUV3_F_PERMISSION = 0x13,
};

/* What software did that it may not rely on. One counter and one text each. */
enum sim_smmuv3_finding {
	SIM_SMMUV3_FIND_BAD_ACCESS,	/* width, alignment, or no register there */
	SIM_SMMUV3_FIND_READ_ONLY,	/* write to a read-only register */
	SIM_SMMUV3_FIND_RESERVED_BITS,	/* reserved register bits written non-zero */
	SIM_SMMUV3_FIND_WRONG_PAGE,	/* event queue index through page 0 */
	SIM_SMMUV3_FIND_CR0_BEFORE_ACK, /* CR0 bit changed again before CR0ACK followed */
	SIM_SMMUV3_FIND_IRQ_BEFORE_ACK, /* IRQ_CTRL changed before IRQ_CTRLACK followed */
	SIM_SMMUV3_FIND_GBPA_NO_UPDATE, /* GBPA written without Update, or while updating */
	SIM_SMMUV3_FIND_LIVE_STRTAB,	/* STRTAB_BASE(_CFG) changed while SMMUEN */
	SIM_SMMUV3_FIND_LIVE_CMDQ,	/* CMDQ_BASE or CONS written while CMDQEN */
	SIM_SMMUV3_FIND_LIVE_EVENTQ,	/* EVENTQ_BASE or PROD written while EVENTQEN */
	SIM_SMMUV3_FIND_LIVE_CR,	/* CR1 or CR2 field changed while in use */
	SIM_SMMUV3_FIND_LIVE_IRQ_CFG,	/* *_IRQ_CFG* changed while that interrupt is enabled */
	SIM_SMMUV3_FIND_QUEUE_SIZE,	/* LOG2SIZE beyond IDR1, or base not aligned to its size */
	SIM_SMMUV3_FIND_STRTAB_SIZE,	/* bad FMT, SPLIT, LOG2SIZE or base not aligned */
	SIM_SMMUV3_FIND_CMDQ_PROD,	/* PROD outside the queue or past CONS */
	SIM_SMMUV3_FIND_EVENTQ_CONS,	/* CONS outside the queue or past PROD */
	SIM_SMMUV3_FIND_GERRORN,	/* GERRORN toggled for an error that is not active */
	SIM_SMMUV3_FIND_ENABLE_UNPREPARED, /* SMMUEN set before the caches were ever invalidated */
	SIM_SMMUV3_FIND_ILLEGAL_COMMAND,   /* a command that gave CERROR_ILL */
	SIM_SMMUV3_FIND_COMMAND_BITS,	   /* reserved command bits, or a parameter out of range */
	SIM_SMMUV3_FIND_TLBI_RANGE,	   /* range start not aligned to what TG and TTL say */
	SIM_SMMUV3_FIND_STE_TORN,	   /* STE changed in several words without CFGI between */
	SIM_SMMUV3_FIND_CD_TORN,	   /* the same for a CD */
	SIM_SMMUV3_FIND_STE_BITS,	   /* reserved STE bits non-zero */
	SIM_SMMUV3_FIND_CD_BITS,	   /* reserved CD bits non-zero, or TTB not aligned */
	SIM_SMMUV3_FIND_BBM,	      /* cached leaf differs from another valid leaf in memory */
	SIM_SMMUV3_FIND_WALK_STALE,   /* a cached table is another valid one in memory */
	SIM_SMMUV3_FIND_TLB_CONFLICT, /* two cached entries for one address */
	SIM_SMMUV3_FIND_BAD_CONTIG,   /* contiguous bit on a group that is not one */
	SIM_SMMUV3_FIND_TT_BITS,      /* reserved bits of a table descriptor or leaf non-zero */
	SIM_SMMUV3_NR_FINDINGS
};

/**
 * struct sim_smmuv3_stats - what happened since new or reset_stats
 * @commands: consumed commands by opcode
 * @syncs: CMD_SYNCs completed
 * @invalidations: TLBI and CFGI commands that took effect
 * @cmd_errors: GERROR.CMDQ_ERR raised
 * @iotlb_hits: translations answered from the cache
 * @iotlb_misses: translations that walked
 * @stale_hits: hits whose leaf memory no longer holds (legal until the invalidation completes)
 * @stale_walks: walks that began at a cached table whose pointer memory no longer holds
 * @stale_configs: uses of a cached STE or CD that memory no longer holds (legal likewise)
 * @walks: table walks, prefetches included
 * @walk_reads: descriptors read by walks
 * @walk_hits: walks that began at a cached table
 * @prefetches: entries cached that no device asked for
 * @config_hits: STE and CD both found in the caches
 * @config_misses: at least one was fetched
 * @events_written: records written to the event queue
 * @events_lost: records dropped because the queue was full, disabled or aborted
 * @bbm_violations: same as the count of SIM_SMMUV3_FIND_BBM
 * @findings: counts by kind
 * @finding_arg: for the first of each kind: the register offset, IOVA or StreamID it concerns
 */
struct sim_smmuv3_stats {
	uint64_t commands[256];
	uint64_t syncs;
	uint64_t invalidations;
	uint64_t cmd_errors;
	uint64_t iotlb_hits;
	uint64_t iotlb_misses;
	uint64_t stale_hits;
	uint64_t stale_walks;
	uint64_t stale_configs;
	uint64_t walks;
	uint64_t walk_reads;
	uint64_t walk_hits;
	uint64_t prefetches;
	uint64_t config_hits;
	uint64_t config_misses;
	uint64_t events_written;
	uint64_t events_lost;
	uint64_t bbm_violations;
	uint64_t findings[SIM_SMMUV3_NR_FINDINGS];
	uint64_t finding_arg[SIM_SMMUV3_NR_FINDINGS];
};

/* Faults that a test injects. Each takes its argument as described. */
enum sim_smmuv3_inject {
	SIM_SMMUV3_INJECT_CMD_ILL, /* the next arg commands give CERROR_ILL */
	SIM_SMMUV3_INJECT_CMD_ABT, /* the next arg command fetches give CERROR_ABT */
	SIM_SMMUV3_INJECT_STUCK,   /* no command is fetched for arg steps; UINT64_MAX = for ever */
	SIM_SMMUV3_INJECT_SYNC_STUCK,	/* no CMD_SYNC completes for arg steps */
	SIM_SMMUV3_INJECT_EVENTQ_FULL,	/* the next arg events find the queue full */
	SIM_SMMUV3_INJECT_GERROR,	/* raise the GERROR bits in arg that are not active */
	SIM_SMMUV3_INJECT_WALK_ABORT,	/* table reads at arg abort; UINT64_MAX = off */
	SIM_SMMUV3_INJECT_CONFIG_ABORT, /* STE, CD reads at arg abort; UINT64_MAX = off */
};

/**
 * sim_smmuv3_new() - make an instance, in its reset state
 * @cfg: copied
 * @host: copied; its callbacks are called from inside every function below
 *
 * Return: the instance, to be freed with sim_smmuv3_free(); NULL without memory or if @cfg names
 * sizes outside the ranges stated there
 */
struct sim_smmuv3 *sim_smmuv3_new(const struct sim_smmuv3_cfg *cfg,
				  const struct sim_smmuv3_host *host);

/**
 * sim_smmuv3_free() - free an instance
 * @s: the instance or NULL
 */
void sim_smmuv3_free(struct sim_smmuv3 *s);

/**
 * sim_smmuv3_reset() - hardware reset: registers, caches, pending commands, injected faults
 * @s: the instance; statistics and the random sequence go on
 *
 * The caches come up filled with nothing; software must not rely on that.
 */
void sim_smmuv3_reset(struct sim_smmuv3 *s);

/**
 * sim_smmuv3_mmio_read() - read a register
 * @s: the instance
 * @offset: in bytes from page 0
 * @width: 4 or 8 bytes
 *
 * Return: the value; 0 and a finding for a bad access
 */
uint64_t sim_smmuv3_mmio_read(struct sim_smmuv3 *s, uint64_t offset, unsigned int width);

/**
 * sim_smmuv3_mmio_write() - write a register
 * @s: the instance
 * @offset: in bytes from page 0
 * @width: 4 or 8 bytes
 * @value: to write; bits above @width are ignored
 */
void sim_smmuv3_mmio_write(struct sim_smmuv3 *s, uint64_t offset, unsigned int width,
			   uint64_t value);

/**
 * sim_smmuv3_step() - let one unit of time pass: fetch commands, complete, acknowledge, prefetch
 * @s: the instance
 */
void sim_smmuv3_step(struct sim_smmuv3 *s);

/**
 * sim_smmuv3_idle() - whether a step would change nothing
 * @s: the instance
 *
 * Return: true if no command, invalidation or acknowledge is under way (stuck injections count
 * as idle: nothing would happen)
 */
bool sim_smmuv3_idle(const struct sim_smmuv3 *s);

/**
 * sim_smmuv3_translate() - what happens to one transaction of a device
 * @s: the instance
 * @txn: the transaction; it concerns the byte at @txn->iova
 * @phys: physical address of that byte; written for OK and BYPASS
 * @len: bytes from there that the same answer covers, at least 1; written for OK and BYPASS
 *
 * Return: the verdict
 */
enum sim_smmuv3_verdict sim_smmuv3_translate(struct sim_smmuv3 *s, const struct sim_smmuv3_txn *txn,
					     uint64_t *phys, uint64_t *len);

/**
 * sim_smmuv3_inject() - arrange a fault
 * @s: the instance
 * @what: which
 * @arg: as said at enum sim_smmuv3_inject; 0 takes a counted fault back
 */
void sim_smmuv3_inject(struct sim_smmuv3 *s, enum sim_smmuv3_inject what, uint64_t arg);

/**
 * sim_smmuv3_stats() - the counters
 * @s: the instance
 *
 * Return: the counters, valid until @s is freed
 */
const struct sim_smmuv3_stats *sim_smmuv3_stats(const struct sim_smmuv3 *s);

/**
 * sim_smmuv3_reset_stats() - all counters to zero
 * @s: the instance
 */
void sim_smmuv3_reset_stats(struct sim_smmuv3 *s);

/**
 * sim_smmuv3_findings() - how many findings there are, of all kinds
 * @s: the instance
 *
 * Return: the sum of the findings counters. A clean driver run ends with 0
 */
uint64_t sim_smmuv3_findings(const struct sim_smmuv3 *s);

/**
 * sim_smmuv3_finding_text() - what a finding means, for a test's message
 * @kind: which
 *
 * Return: a constant string
 */
const char *sim_smmuv3_finding_text(enum sim_smmuv3_finding kind);

#endif
