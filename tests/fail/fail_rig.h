/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated machine on which every request that may fail is made to fail, one after the other:
 * "before" and "after" pictures of everything that can be observed, and the sweep. What a failed
 * call may leave behind is cache, and dma_trim() gives that back before each picture.
 *
 * Lock: none; single-threaded tests only.
 */
#ifndef DMAMAP_TESTS_FAIL_FAIL_RIG_H
#define DMAMAP_TESTS_FAIL_FAIL_RIG_H

#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>

#include "iommu/iommu.h"
#include "platform/sim/sim_platform.h"
#include "sim/smmuv3.h"
#include "tests/support/check.h"

#define RIG_SID 7u
#define RIG_DIRECT_SID 9u
#define RIG_KMEM ((uint64_t)1 << 20)
#define RIG_USER ((uint64_t)200000)

struct fail_opts {
	uint32_t granule_lg2;
	bool noncoherent;
	bool deferred;
};

/**
 * struct fail_rig - the machine, one device behind the IOMMU, one without
 * @dev: behind the IOMMU
 * @direct: without
 * @mem: ordinary memory
 * @phys: where it is
 * @uaddr: memory of the program @as
 * @kept: a mapping that stays throughout, of the first granule of @mem; 0: none
 * @none: no IOMMU and devices yet: the scenario brings them up
 * @addr: of a scenario, as the members below: DMA address
 * @cookie: what alloc returned
 * @user: user mapping
 * @sgt: list or table
 * @made: device
 * @second: another device behind the IOMMU, which the pictures include; NULL: none
 * @dom: domain
 * @vma: mapping of the program
 * @asked: requests made at each site when a sweep began to fail them
 * @failed: of those, failed ones
 */
struct fail_rig {
	struct fail_opts opts;
	struct sim_machine *machine;
	struct dma_platform *p;
	struct sim_bus *bus;
	struct dma_iommu *iommu;
	struct dma_device *dev;
	struct dma_device *direct;
	struct dma_as *as;
	void *mem;
	phys_addr_t phys;
	uint64_t uaddr;
	uint64_t granule;
	dma_addr_t kept;
	bool none;

	dma_addr_t addr;
	void *cookie;
	struct dma_user_map *user;
	struct sg_table sgt;
	struct scatterlist list[24];
	struct dma_device *made;
	struct dma_device *second;
	struct dma_domain *dom;
	struct dma_vma vma;

	uint64_t failed[5];
};

/**
 * struct scenario - one thing that is done and undone
 * @name: for messages
 * @prepare: before the requests fail; may be NULL
 * @go: 0 or -errno; on failure nothing is left
 * @undo: what @go did; its requests fail in a sweep of their own unless @undo_once
 * @finish: undo @prepare; may be NULL
 * @none: on a machine without IOMMU and devices
 * @silent: the call has no record to leave (it returns nothing)
 */
struct scenario {
	const char *name;
	void (*prepare)(struct fail_rig *r);
	int (*go)(struct fail_rig *r);
	void (*undo)(struct fail_rig *r);
	void (*finish)(struct fail_rig *r);
	bool none;
	bool silent;
};

/* @none: no IOMMU and no devices; @bare: nothing is mapped, so that every first use is ahead. */
void fail_rig_open(struct fail_rig *r, const struct fail_opts *opts, bool none, bool bare);
void fail_rig_close(struct fail_rig *r);
/* IOMMU and both devices. 0 or -errno with nothing left. */
DMA_MUST_CHECK int fail_rig_bring_up(struct fail_rig *r);
void fail_rig_take_down(struct fail_rig *r);

/* The next @n-th request fails; and no more. The second: did one? -1, or the site. */
void fail_rig_arm(struct fail_rig *r, uint64_t n);
int fail_rig_disarm(struct fail_rig *r);

/* Device reads a byte there. */
bool fail_rig_reaches(struct fail_rig *r, dma_addr_t addr);
void fail_rig_no_faults(struct fail_rig *r);

/*
 * Sweeps @s on a machine like @opts: each request of @go in turn fails, once on a machine that has
 * done it before and once on a fresh one; then each request of @undo.
 */
void fail_sweep(const struct scenario *s, const struct fail_opts *opts);
/* On all kinds of machines. */
void fail_sweep_all(const struct scenario *s);

#endif
