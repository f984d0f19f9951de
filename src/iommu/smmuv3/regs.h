/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the Arm SMMUv3 specification (IHI0070) defines and this driver uses: registers, structures
 * in memory, commands, event records. Numbers only; every name is the specification's. Structures
 * are little-endian 64-bit words; fields are named by word and first bit.
 */
#ifndef DMAMAP_IOMMU_SMMUV3_REGS_H
#define DMAMAP_IOMMU_SMMUV3_REGS_H

#include <stdint.h>

#define BIT64(n) (UINT64_C(1) << (n))

/* Registers of page 0, IHI0070 6.2; 32 bits unless said otherwise */
#define SMMU_IDR0 0x0u
#define SMMU_IDR1 0x4u
#define SMMU_IDR3 0xcu
#define SMMU_IDR5 0x14u
#define SMMU_AIDR 0x1cu
#define SMMU_CR0 0x20u
#define SMMU_CR0ACK 0x24u
#define SMMU_CR1 0x28u
#define SMMU_CR2 0x2cu
#define SMMU_GBPA 0x44u
#define SMMU_IRQ_CTRL 0x50u
#define SMMU_IRQ_CTRLACK 0x54u
#define SMMU_GERROR 0x60u
#define SMMU_GERRORN 0x64u
#define SMMU_STRTAB_BASE 0x80u /* 64 bits */
#define SMMU_STRTAB_BASE_CFG 0x88u
#define SMMU_CMDQ_BASE 0x90u /* 64 bits */
#define SMMU_CMDQ_PROD 0x98u
#define SMMU_CMDQ_CONS 0x9cu
#define SMMU_EVENTQ_BASE 0xa0u /* 64 bits */
/* Register page 1, 64 KiB further, IHI0070 6.1, 6.3.29, 6.3.30 */
#define SMMU_EVENTQ_PROD 0x100a8u
#define SMMU_EVENTQ_CONS 0x100acu

/* IDR0, IHI0070 6.3.1 */
#define IDR0_S1P (1u << 1)
#define IDR0_TTF_AARCH64 (1u << 3) /* TTF, bits [3:2]: 2 AArch64, 3 both */
#define IDR0_COHACC (1u << 4)
#define IDR0_BTM (1u << 5)
#define IDR0_HYP (1u << 9)
#define IDR0_ASID16 (1u << 12)
#define IDR0_TTENDIAN(r) (((r) >> 21) & 3u)
#define TTENDIAN_BIG 3u
#define IDR0_STALL_MODEL(r) (((r) >> 24) & 3u)
#define STALL_MODEL_BOTH 0u /* software chooses per stream */
#define STALL_MODEL_FORCED 2u
#define IDR0_ST_LEVEL(r) (((r) >> 27) & 3u)
#define ST_LEVEL_TWO 1u

/* IDR1, IHI0070 6.3.2 */
#define IDR1_SIDSIZE(r) ((r)&0x3fu)
#define IDR1_EVENTQS(r) (((r) >> 16) & 0x1fu)
#define IDR1_CMDQS(r) (((r) >> 21) & 0x1fu)
#define IDR1_ATTR_TYPES_OVR (1u << 27)
#define IDR1_QUEUES_PRESET (1u << 29)
#define IDR1_TABLES_PRESET (1u << 30)

/* IDR3, IHI0070 6.3.4 */
#define IDR3_RIL (1u << 10)

/* IDR5, IHI0070 6.3.6 */
#define IDR5_OAS(r) ((r)&7u)
#define IDR5_GRAN4K (1u << 4)
#define IDR5_GRAN16K (1u << 5)
#define IDR5_GRAN64K (1u << 6)

/* AIDR, IHI0070 6.3.8 */
#define AIDR_ARCH_MAJOR(r) (((r) >> 4) & 0xfu) /* 0: SMMUv3 */
#define AIDR_RES0 0xffffff00u

/* CR0, IHI0070 6.3.9 */
#define CR0_SMMUEN (1u << 0)
#define CR0_EVENTQEN (1u << 2)
#define CR0_CMDQEN (1u << 3)

/* CR1, IHI0070 6.3.11: cacheability and shareability of queue and table accesses */
#define CR1_QUEUE_IC(v) ((v) << 0)
#define CR1_QUEUE_OC(v) ((v) << 2)
#define CR1_QUEUE_SH(v) ((v) << 4)
#define CR1_TABLE_IC(v) ((v) << 6)
#define CR1_TABLE_OC(v) ((v) << 8)
#define CR1_TABLE_SH(v) ((v) << 10)
#define CACHE_NC 0u
#define CACHE_WB 1u /* read and write allocate */
#define SH_OUTER 2u
#define SH_INNER 3u

/* CR2, IHI0070 6.3.12 */
#define CR2_RECINVSID (1u << 1)
#define CR2_PTM (1u << 2)

/* GBPA, IHI0070 6.3.14 */
#define GBPA_ABORT (1u << 20)
#define GBPA_UPDATE (1u << 31)

/* GERROR, IHI0070 6.3.18 */
#define GERROR_CMDQ_ERR (1u << 0)
#define GERROR_EVENTQ_ABT_ERR (1u << 2)

/* STRTAB_BASE(_CFG), IHI0070 6.3.23, 6.3.24; CMDQ_BASE, EVENTQ_BASE, 6.3.25, 6.3.28 */
#define BASE_ALLOCATE BIT64(62) /* RA or WA hint */
#define STRTAB_CFG_SPLIT(v) ((uint32_t)(v) << 6)
#define STRTAB_CFG_TWO_LEVEL (1u << 16)

/* CMDQ_CONS.ERR, IHI0070 6.3.27 and 7.1 */
#define CMDQ_CONS_ERR(r) (((r) >> 24) & 0x7fu)
#define CERROR_ABT 2u

/* EVENTQ_PROD.OVFLG and EVENTQ_CONS.OVACKFLG */
#define EVENTQ_OVF (1u << 31)

/* Level 1 stream table descriptor, IHI0070 5.1: Span is log2 of the number of STEs, plus 1 */
#define L1STD_SPAN(lg2) ((uint64_t)((lg2) + 1u))
#define L1STD_SPAN_MASK UINT64_C(0x1f)
#define L1STD_L2PTR UINT64_C(0x000fffffffffffc0)

/* Stream table entry, IHI0070 5.2 */
#define STE_WORDS 8u
#define STE_BYTES 64u
#define STE0_V BIT64(0)
#define STE0_CONFIG(v) ((uint64_t)(v) << 1)
#define STE_CONFIG_ABORT 0u
#define STE_CONFIG_BYPASS 4u
#define STE_CONFIG_S1 5u /* stage 1 translates, stage 2 is bypassed */
#define STE0_S1CTXPTR UINT64_C(0x000fffffffffffc0)
#define STE1_S1CIR(v) ((uint64_t)(v) << 2)
#define STE1_S1COR(v) ((uint64_t)(v) << 4)
#define STE1_S1CSH(v) ((uint64_t)(v) << 6)
#define STE1_S1STALLD BIT64(27)
#define STE1_SHCFG_INCOMING (UINT64_C(1) << 44)

/* Context descriptor, IHI0070 5.4 */
#define CD_WORDS 8u
#define CD_BYTES 64u
#define CD0_T0SZ(v) ((uint64_t)(v) << 0)
#define CD0_TG0(v) ((uint64_t)(v) << 6)
#define CD_TG0_4K 0u
#define CD_TG0_64K 1u
#define CD_TG0_16K 2u
#define CD0_IR0(v) ((uint64_t)(v) << 8)
#define CD0_OR0(v) ((uint64_t)(v) << 10)
#define CD0_SH0(v) ((uint64_t)(v) << 12)
#define CD0_EPD1 BIT64(30)
#define CD0_V BIT64(31)
#define CD0_IPS(v) ((uint64_t)(v) << 32)
#define CD0_AFFD BIT64(35)
#define CD0_AA64 BIT64(41)
#define CD0_R BIT64(45)
#define CD0_A BIT64(46)
#define CD0_ASET BIT64(47)
#define CD0_ASID(v) ((uint64_t)(v) << 48)
#define CD1_TTB0 UINT64_C(0x000ffffffffffff0)

/*
 * MAIR, IHI0070 5.4, DDI0487 D17.2.97: AttrIndx 0 normal non-cacheable, 1 normal write-back, 2
 * Device-nGnRE, as src/pgtable/fmt/vmsav8.h numbers them (a unit test compares).
 */
#define SMMUV3_MAIR UINT64_C(0x04ff44)

/* Commands, IHI0070 4.1.1; 16 bytes each */
#define CMD_WORDS 2u
#define CMD_BYTES 16u
#define CMD_CFGI_STE 0x03u
#define CMD_CFGI_ALL 0x04u
#define CMD_CFGI_CD_ALL 0x06u
#define CMD_TLBI_NH_ASID 0x11u
#define CMD_TLBI_NH_VA 0x12u
#define CMD_TLBI_EL2_ALL 0x20u
#define CMD_TLBI_NSNH_ALL 0x30u
#define CMD_SYNC 0x46u /* CS [13:12] = SIG_NONE: completion is its consumption, 4.7.3 */
#define CMD0_SID(v) ((uint64_t)(v) << 32)  /* 4.3 */
#define CFGI1_LEAF BIT64(0)		   /* 4.3.1 */
#define CFGI1_RANGE_ALL UINT64_C(31)	   /* 4.3.3 */
#define TLBI0_NUM(v) ((uint64_t)(v) << 12) /* 4.4.1.1 */
#define TLBI0_SCALE(v) ((uint64_t)(v) << 20)
#define TLBI0_ASID(v) ((uint64_t)(v) << 48) /* 4.4.2 */
#define TLBI1_LEAF BIT64(0)
#define TLBI1_TTL(v) ((uint64_t)(v) << 8)
#define TLBI1_TG(v) ((uint64_t)(v) << 10)
#define TLBI1_VA UINT64_C(0xfffffffffffff000)
#define TLBI_NUM_MAX 32u /* NUM holds the number less 1 in five bits */

/* Event records, IHI0070 7.3; 32 bytes each */
#define EVT_BYTES 32u
#define EVT0_TYPE(w) ((uint32_t)((w)&0xffu))
#define EVT0_SID(w) ((uint32_t)((w) >> 32))
#define EVT1_RNW BIT64(35)
#define F_UUT 0x01u
#define C_BAD_STREAMID 0x02u
#define F_STE_FETCH 0x03u
#define C_BAD_STE 0x04u
#define F_BAD_ATS_TREQ 0x05u
#define F_STREAM_DISABLED 0x06u
#define F_TRANSL_FORBIDDEN 0x07u
#define C_BAD_SUBSTREAMID 0x08u
#define F_CD_FETCH 0x09u
#define C_BAD_CD 0x0au
#define F_WALK_EABT 0x0bu
#define F_TRANSLATION 0x10u
#define F_ADDR_SIZE 0x11u
#define F_ACCESS 0x12u
#define F_PERMISSION 0x13u
#define F_TLB_CONFLICT 0x20u
#define F_CFG_CONFLICT 0x21u

#endif
