/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes planted in test copies of the library's files. The copies are the real sources, built
 * with planted_src.h in front: a few calls go through the functions below, which do what the
 * original does unless their mistake is the planted one. One thread.
 */
#ifndef DMAMAP_TESTS_TOOL_PLANTED_H
#define DMAMAP_TESTS_TOOL_PLANTED_H

#include <stdbool.h>
#include <stdint.h>

enum planted {
	PLANTED_NOTHING,
	/* in the SMMU driver's commands */
	PLANTED_NO_TLBI,	  /* no invalidation of translations at all */
	PLANTED_NO_TLBI_ASID,	  /* none of whole address spaces */
	PLANTED_NO_SYNC,	  /* no CMD_SYNC: nobody waits for the effect */
	PLANTED_SYNC_FIRST,	  /* CMD_SYNC before the commands it is for */
	PLANTED_FIRST_ONLY,	  /* only the first command of a batch */
	PLANTED_ONE_GRANULE,	  /* only the first granule of a range */
	PLANTED_OTHER_ASID,	  /* the address space beside it */
	PLANTED_LEAVES_ONLY,	  /* leaf entries only, although a table went */
	PLANTED_NO_CFGI_STE,	  /* a changed stream table entry is not told */
	PLANTED_NO_CFGI,	  /* nor a changed context descriptor */
	/* in what the core calls of the driver */
	PLANTED_LATE,		  /* invalidated after the IOVA and the tables were given back */
	PLANTED_NO_SYNC_ALL,	  /* a flush of the deferred queue invalidates nothing */
	PLANTED_NO_BLOCK,	  /* a device that goes is not blocked */
	/* in cache maintenance, where nothing snoops */
	PLANTED_NO_CLEAN_STE,	  /* of stream table entries */
	PLANTED_NO_CLEAN_CD,	  /* of context descriptors */
	PLANTED_NO_CLEAN_COMMAND, /* of commands */
	PLANTED_NO_INV_EVENT,	  /* of event records before they are read */
	PLANTED_NO_CLEAN_PTE,	  /* of page-table entries */
	PLANTED_NO_CLEAN_DATA,	  /* of a buffer that is handed to the device */
	PLANTED_NO_INV_DATA,	  /* of a buffer that comes back */
	PLANTED_CLEAN_FOR_INV,	  /* written back where it must be dropped */
	/* in the drivers of the video devices */
	PLANTED_NO_MASK,	/* the address lines of the device are not told */
	PLANTED_QUEUE_FIRST,	/* a buffer is queued before its addresses are set */
	PLANTED_NO_STOP,	/* the device goes on when the driver stops it */
	PLANTED_EARLY_DONE,	/* a buffer is called done while it is in work */
	PLANTED_ERROR_IGNORED,	/* nobody looks at the error bit */
	PLANTED_OTHER_DIRECTION, /* an import to be read where the device writes */
	PLANTED_USER_NOT_SYNCED, /* a program's memory is mapped without cache maintenance */
	/* in who uses them */
	PLANTED_FREE_FIRST,	 /* buffers are freed, then the device is stopped */
	PLANTED_UNMAP_FIRST,	 /* a buffer is unmapped, then its end is waited for */
	PLANTED_NO_SYNC_CPU,	 /* the program reads what came without a sync */
	PLANTED_NO_SYNC_DEVICE,	 /* the device reads what the program drew without a sync */
	PLANTED_SYNC_BEFORE_DRAW, /* the sync is before the drawing */
	PLANTED_SYNC_BEFORE_DONE, /* the sync is before the device is done */
};

/* The mistake of the moment, and how often it was made. */
extern enum planted planted_now;
extern uint32_t planted_hits;

/* Is @which the planted one? Counts. */
bool planted_is(enum planted which);

/* What planted_src.h puts in place of the original calls. */
struct dma_platform;
struct smmuv3;
struct smmuv3_cmd;
struct smmuv3_cmdq;
struct smmuv3_mem;

int planted_run(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr);
int planted_run_one(struct smmuv3_cmdq *q, uint64_t word0, uint64_t word1);
int planted_run_slow(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr);
uint64_t planted_sync_command(void);
void planted_mem_clean(struct smmuv3 *s, const struct smmuv3_mem *mem, uint64_t at, uint64_t len);
uint64_t planted_clean_len(uint64_t len, const char *file, const char *who);
uint64_t planted_inv_len(struct dma_platform *p, uint64_t phys, uint64_t len, const char *file);

#endif
