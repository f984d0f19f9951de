/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare SMMUv3 model with 8 MiB of memory, and the few steps every test of it needs: queues,
 * stream table, one CD, tables written by hand. Everything here is spelt out from IHI0070 and
 * DDI0487 a second time, not taken from the model.
 */
#ifndef TESTS_UNIT_SIM_SMMUV3_FIXTURE_H
#define TESTS_UNIT_SIM_SMMUV3_FIXTURE_H

#include "sim/smmuv3.h"
#include "tests/support/check.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_BYTES UINT64_C(0x800000)

/* Where the fixture puts things. */
#define CMDQ_PHYS (RAM_BASE + 0x10000)
#define EVTQ_PHYS (RAM_BASE + 0x20000)
#define STRTAB_PHYS (RAM_BASE + 0x40000)
#define CD_PHYS (RAM_BASE + 0x80000)
#define L1STD_PHYS (RAM_BASE + 0x90000)
#define MSI_PHYS (RAM_BASE + 0xf0000)
#define TABLES_PHYS (RAM_BASE + 0x100000) /* table n of 64 KiB at + n << 16 */
#define DATA_PHYS (RAM_BASE + 0x400000)

#define CMDQ_LG2 4u
#define EVTQ_LG2 3u
#define STRTAB_LG2 8u
#define SID 5u
#define ASID 7u

/* Descriptors (DDI0487 D8.3). */
#define PTE_VALID UINT64_C(0x1)
#define PTE_TABLE UINT64_C(0x3)
#define PTE_PAGE UINT64_C(0x3)
#define PTE_BLOCK UINT64_C(0x1)
#define PTE_EL0 (UINT64_C(1) << 6)
#define PTE_RO (UINT64_C(1) << 7)
#define PTE_AF (UINT64_C(1) << 10)
#define PTE_NG (UINT64_C(1) << 11)
#define PTE_CONTIG (UINT64_C(1) << 52)
#define PTE_RW (PTE_EL0 | PTE_AF | PTE_NG | UINT64_C(0x300))

/* Opcodes (IHI0070 4.1.1). */
#define OP_PREFETCH_ADDR 0x02u
#define OP_CFGI_STE 0x03u
#define OP_CFGI_ALL 0x04u
#define OP_CFGI_CD 0x05u
#define OP_CFGI_CD_ALL 0x06u
#define OP_TLBI_NH_ALL 0x10u
#define OP_TLBI_NH_ASID 0x11u
#define OP_TLBI_NH_VA 0x12u
#define OP_TLBI_NH_VAA 0x13u
#define OP_TLBI_EL2_ALL 0x20u
#define OP_TLBI_S12_VMALL 0x28u
#define OP_TLBI_NSNH_ALL 0x30u
#define OP_SYNC 0x46u

struct fixture {
	struct sim_smmuv3 *s;
	uint8_t ram[RAM_BYTES];
	uint32_t prod;
	unsigned int irqs[4];
	uint64_t write_abort; /* writes to this address abort; 0: none */
};

/* The configuration most tests use: nothing late, small queues. */
struct sim_smmuv3_cfg fixture_cfg(void);

/* The one fixture, cleared, with an instance in reset. */
struct fixture *fixture_new(const struct sim_smmuv3_cfg *cfg);
/* The same, with queues and a linear stream table set up and the SMMU enabled. */
struct fixture *fixture_up(const struct sim_smmuv3_cfg *cfg);
void fixture_free(struct fixture *f);

uint64_t ram_get(struct fixture *f, uint64_t phys);
void ram_put(struct fixture *f, uint64_t phys, uint64_t value);

uint32_t reg_get(struct fixture *f, uint64_t offset);
void reg_put(struct fixture *f, uint64_t offset, uint32_t value);
void reg_put64(struct fixture *f, uint64_t offset, uint64_t value);
void fixture_enable(struct fixture *f);

/* Put a command into the queue without telling; tell. */
void cmd_put(struct fixture *f, uint64_t word0, uint64_t word1);
void cmd_kick(struct fixture *f);
/* Command, CMD_SYNC, and steps until both are consumed. */
void cmd_sync(struct fixture *f, uint64_t word0, uint64_t word1);
void cmd_wait(struct fixture *f);
uint64_t cmd_sid(unsigned int op, uint32_t sid);
uint64_t cmd_asid(unsigned int op, uint32_t asid);

/* Config 101, one CD at @cd; the CD: T0SZ, TG0, TTB0, EPD1, 44-bit output, AF and abort. */
void ste_put(struct fixture *f, uint32_t sid, uint64_t word0, uint64_t word1);
void ste_s1(struct fixture *f, uint32_t sid, uint64_t cd);
void cd_put(struct fixture *f, uint64_t cd, uint32_t t0sz, uint32_t tg0, uint64_t ttb,
	    uint32_t asid);
uint64_t cd_word0(uint32_t t0sz, uint32_t tg0, uint32_t asid);

/* A translation of stream SID. */
enum sim_smmuv3_verdict dma(struct fixture *f, uint64_t iova, bool write, uint64_t *phys);
enum sim_smmuv3_verdict dma_sid(struct fixture *f, uint32_t sid, uint64_t iova, uint64_t *phys);
void assert_maps(struct fixture *f, uint64_t iova, uint64_t phys);
/* The access aborts and the record with this number, and no other, is in the event queue. */
void assert_event(struct fixture *f, uint64_t iova, bool write, unsigned int event);
/* Take one record out of the event queue. False: none there. */
bool event_take(struct fixture *f, uint64_t word[4]);

/* 4K tables in TABLES_PHYS 0, 1, 2 with T0SZ 25: @iova is mapped to @desc at level 3. */
void map_4k(struct fixture *f, uint64_t iova, uint64_t desc);
uint64_t table_phys(unsigned int n);
/* An enabled SMMU whose stream SID has those 4K tables. */
struct fixture *fixture_4k(const struct sim_smmuv3_cfg *cfg);
uint64_t findings(struct fixture *f, enum sim_smmuv3_finding kind);
/* No findings at all, else the text of the first one fails the test. */
void assert_clean(struct fixture *f);

#endif
