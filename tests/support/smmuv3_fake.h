/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted SMMUv3 for tests of the driver: registers, a consumer of the command queue, a producer
 * of the event queue, on top of the host platform. It translates nothing; it logs what it was told,
 * has opinions about legality (IHI0070 4, 6), and misbehaves when asked to. It sees memory through
 * a device view of its own: on a non-coherent one, what was not cleaned from the cache is not
 * there.
 *
 * Time is its own: relax_ns per relax(). Lock: one mutex around what MMIO and relax() do.
 */
#ifndef DMAMAP_TESTS_SUPPORT_SMMUV3_FAKE_H
#define DMAMAP_TESTS_SUPPORT_SMMUV3_FAKE_H

#include <pthread.h>

#include <dmamap/iommu-driver.h>

#include "tests/support/host_platform.h"

#define FAKE_MMIO UINT64_C(0x09050000)
#define FAKE_MAX_LOG 4096u

struct fake_write {
	uint32_t reg;
	uint64_t value;
};

struct fake_cmd {
	uint64_t word0;
	uint64_t word1;
};

/**
 * struct smmuv3_fake - the model; a test sets what it likes after fake_init()
 * @host: first, so that the platform is found from it
 * @idr0: identification registers as the driver reads them
 * @has_gbpa: GBPA exists (otherwise reads 0 and ignores writes)
 * @lazy: commands consumed per relax(); 0: all of them inside the write of PROD
 * @stuck: no command is consumed
 * @relax_ns: time of one relax() (1 ms); with threads less, or a sleeping one takes for ever
 * @no_ack: bits of CR0 that CR0ACK never follows
 * @ill: so many of the next commands are illegal
 * @abort: so many of the next command fetches abort
 * @ill_cmd: opcode that is always illegal; 0: none
 * @on_cmd: called for each command before it counts as consumed, lock held
 * @writes: register writes, oldest first
 * @cmds: commands consumed, oldest first
 * @nr_bad: breaches of the specification, described by @bad
 */
struct smmuv3_fake {
	struct host_platform host;
	struct dma_iommu_hw hw;
	pthread_mutex_t lock;
	uint8_t *device_view;

	uint32_t idr0, idr1, idr3, idr5, aidr;
	bool has_gbpa;
	uint32_t lazy;
	bool stuck;
	uint64_t relax_ns;
	uint32_t no_ack;
	uint32_t ill;
	uint32_t abort;
	uint32_t ill_cmd;
	void (*on_cmd)(struct smmuv3_fake *f, uint64_t word0, uint64_t word1);
	void *ctx;

	uint32_t cr0, cr0ack, cr1, cr2, gbpa, irq_ctrl, gerror, gerrorn, strtab_cfg;
	uint32_t cmdq_prod, cmdq_cons, evtq_prod, evtq_cons;
	uint64_t strtab_base, cmdq_base, evtq_base;
	_Atomic uint64_t now_ns;

	struct fake_write writes[FAKE_MAX_LOG];
	uint32_t nr_writes;
	struct fake_cmd cmds[FAKE_MAX_LOG];
	uint32_t nr_cmds;
	uint32_t nr_bad;
	const char *bad;
};

/* The identification of QEMU 7.2's SMMUv3; coherent, 16-bit StreamIDs, two-level table, RIL. */
void fake_init(struct smmuv3_fake *f);
/* Fails the test on breaches of the specification and on leaks. */
void fake_fini(struct smmuv3_fake *f);
/* Probe the driver; asserts success. */
void fake_probe(struct smmuv3_fake *f);
/* Drop the logs. */
void fake_forget(struct smmuv3_fake *f);

/* 64 bits of memory as the device sees them, little-endian decoded. */
uint64_t fake_load(struct smmuv3_fake *f, phys_addr_t phys);
/* The device's view of @sid's STE; false when the first level is invalid there. */
bool fake_ste(struct smmuv3_fake *f, uint32_t sid, uint64_t ste[8]);
/* Put a record into the event queue as the hardware would; false when it is full (OVFLG). */
bool fake_event(struct smmuv3_fake *f, const uint64_t record[4]);
/* Raise a global error. */
void fake_raise(struct smmuv3_fake *f, uint32_t gerror);
/* A translated domain with a made-up root, ready for domain_init(). */
struct dma_iommu_dom fake_domain(enum dma_pt_fmt fmt, phys_addr_t root);

#endif
