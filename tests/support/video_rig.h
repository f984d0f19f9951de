/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated machine with camera, converter and display, for the tests of the video devices, of
 * their drivers, and of mistakes planted in drivers. With an SMMU the three are devices of the
 * DMA API; without, they put physical addresses on the bus.
 *
 * Lock: the threads of a threaded machine call sensor and panel, one at a time each.
 */
#ifndef DMAMAP_TESTS_SUPPORT_VIDEO_RIG_H
#define DMAMAP_TESTS_SUPPORT_VIDEO_RIG_H

#include <stdatomic.h>

#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>

#include "platform/sim/sim_platform.h"
#include "sim/smmuv3.h"
#include "sim/video.h"
#include "tests/support/check.h"

enum { CAMERA, CONVERTER, DISPLAY, RIG_DEVICES };
enum { RIG_FIRST_SID = 1, RIG_PANEL_BYTES = 1 << 20 };

/* Registers, as docs/design/video-devices.md numbers them. */
enum {
	REG_ID = 0x00,
	REG_CAPS = 0x04,
	REG_CTRL = 0x08,
	REG_STATUS = 0x0c,
	REG_DONE_COUNT = 0x10,
	REG_QUEUED = 0x14,
	REG_ERROR_ADDR = 0x18,
	REG_ERROR_COUNT = 0x1c,
	REG_WIDTH = 0x20,
	REG_HEIGHT = 0x24,
	REG_SRC0 = 0x28, /* address; the stride follows each */
	REG_SRC1 = 0x30,
	REG_DST0 = 0x38,
	REG_DST1 = 0x40,
	REG_COOKIE = 0x48,
	REG_QUEUE = 0x4c,
	REG_DONE_COOKIE = 0x50,
};

enum { CTRL_RUN = 1, CTRL_RESET = 2 };
enum {
	STATUS_DONE = 1,
	STATUS_ERROR = 2,
	STATUS_OVERFLOW = 4,
	STATUS_BAD_CONFIG = 8,
	STATUS_BUSY = 0x100,
	STATUS_FULL = 0x200,
};

/**
 * struct video_rig_opts - the machine; all zero: no SMMU, no DMA API, coherent
 * @smmu: with an SMMU
 * @direct: devices of the DMA API without an SMMU
 * @granule_lg2: of its tables; 0: 12
 * @noncoherent: nothing snoops: neither the devices nor the SMMU
 * @noncoherent_walk: the SMMU alone does not snoop
 * @threaded: devices run in threads
 * @no_evict: cache lines move by maintenance only
 * @no_range: an SMMU without range invalidation
 * @few_asids: an SMMU with 256 address space ids
 * @lazy: commands of the SMMU take effect late, and it caches what is invalid, too
 * @deferred: the devices' invalidations are deferred
 * @seed: of the machine
 * @driver: driver of the SMMU; NULL: dma_smmuv3_driver
 */
struct video_rig_opts {
	bool smmu;
	bool direct;
	uint32_t granule_lg2;
	bool noncoherent;
	bool noncoherent_walk;
	bool threaded;
	bool no_evict;
	bool no_range;
	bool few_asids;
	bool lazy;
	bool deferred;
	uint64_t seed;
	const struct dma_iommu_driver *driver;
};

/**
 * struct video_rig - the machine
 * @machine: simulated machine
 * @p: its platform
 * @iommu: its SMMU; NULL without
 * @dma: the devices; NULL without an SMMU
 * @model: their models
 * @frames_left: frames the sensor still has
 * @frame: number of the frame it gave last, 1 for the first
 * @nr_shown: pictures the panel showed
 * @width: of the last picture
 * @height: of the last picture
 * @panel: the last picture
 */
struct video_rig {
	struct sim_machine *machine;
	struct dma_platform *p;
	struct dma_iommu *iommu;
	struct dma_device *dma[RIG_DEVICES];
	struct sim_video *model[RIG_DEVICES];
	_Atomic uint32_t frames_left;
	_Atomic uint32_t frame;
	_Atomic uint32_t nr_shown;
	uint32_t width;
	uint32_t height;
	uint8_t panel[RIG_PANEL_BYTES];
};

/* Where RAM is: below 28 bits without an SMMU. */
#define RIG_RAM_LOW 0x1000000ull

struct video_rig *video_rig_open(const struct video_rig_opts *opts);
/* What is left fails the test. */
void video_rig_close(struct video_rig *r);
/* Whatever is left. */
void video_rig_abandon(struct video_rig *r);

static inline uint64_t video_rig_base(int dev)
{
	return SIM_DEV_BASE + (uint32_t)dev * SIM_DEV_STRIDE;
}

uint32_t video_rig_read(struct video_rig *r, int dev, uint32_t reg);
void video_rig_write(struct video_rig *r, int dev, uint32_t reg, uint32_t value);
/* Until nothing has work. Told mode. */
void video_rig_run(struct video_rig *r);

/* Bytes of frame @frame of the sensor. */
uint8_t video_rig_luma(uint32_t frame, uint32_t x, uint32_t y);
uint8_t video_rig_chroma(uint32_t frame, uint32_t x, uint32_t y);
/* A whole frame as NV12 without padding. */
void video_rig_frame(uint32_t frame, uint32_t width, uint32_t height, uint8_t *nv12);
/* Fail the test unless the panel shows frame @frame of the sensor, converted. */
void video_rig_expect_panel(const struct video_rig *r, uint32_t frame);
bool video_rig_panel_shows(const struct video_rig *r, uint32_t frame);
/* NV12 to XRGB by the table of docs/design/video-devices.md in floating point, within one. */
bool video_rig_is_converted(const uint8_t *nv12, uint32_t width, uint32_t height,
			    const uint8_t *xrgb);

#endif
