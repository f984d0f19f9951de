/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue (IHI0070 3.5, 4): batches of commands, each ended by its own CMD_SYNC, from any
 * number of contexts at a time. Not here: which commands invalidate what (tlb.c, strtab.c).
 *
 * A producer reserves a piece of the ring by compare-and-exchange, fills it, waits until all pieces
 * before it were published, and publishes its own by writing PROD. Then it polls CONS until
 * its CMD_SYNC was consumed; it does not care what comes after. No lock on this path.
 */
#include "iommu/smmuv3/smmuv3.h"

#include "arch/barrier.h"
#include "core/endian.h"

/* Polls between two looks at GERROR while CONS.ERR says nothing. */
#define POLLS_PER_GERROR 64u
/* How often everything is invalidated instead of a batch that was in error. */
#define MAX_REISSUES 3u

/**
 * struct waiter - one context waiting for the queue
 * @start_ns: when it began; set at the first poll that was in vain
 * @nr_polls: polls in vain
 * @first_errors: nr_errors when it began
 * @first_in_line: the next free entries are its own
 * @end: its batch ends before this index
 */
struct waiter {
	uint64_t start_ns;
	uint32_t nr_polls;
	uint32_t first_errors;
	bool first_in_line;
	size_t end;
};

static size_t ring_size(const struct smmuv3_cmdq *q)
{
	return (size_t)1 << q->size_lg2;
}

/* a is at or after b, as free-running indices */
static bool reached(size_t a, size_t b)
{
	return (ptrdiff_t)(a - b) >= 0;
}

/*
 * Read CONS: the index of the first entry that is not consumed. The register has the low
 * size_lg2 + 1 bits of an index that lies between what was known before the read and what is
 * reserved after it. If more than that many indices lie between, other contexts got far while this
 * one slept: then the answer is only what was known before, and the caller looks again.
 */
static size_t read_consumed(struct smmuv3_cmdq *q, uint32_t *raw)
{
	struct dma_platform *p = q->platform;
	size_t mask = 2 * ring_size(q) - 1;
	size_t low = atomic_load_explicit(&q->consumed, memory_order_acquire);
	size_t high, cons;

	*raw = (uint32_t)p->mmio_read(p, q->mmio_base + SMMU_CMDQ_CONS, 4);
	dma_rmb();
	high = atomic_load_explicit(&q->reserved, memory_order_relaxed);
	cons = low + ((*raw - low) & mask);
	return high - low > mask || cons - low > high - low ? low : cons;
}

/* Release: the hardware has read the entries before @cons, so they may be overwritten. */
static void raise_consumed(struct smmuv3_cmdq *q, size_t cons)
{
	size_t old = atomic_load_explicit(&q->consumed, memory_order_relaxed);

	while (!reached(old, cons) &&
	       !atomic_compare_exchange_weak_explicit(&q->consumed, &old, cons,
						      memory_order_release, memory_order_relaxed)) {
	}
}

static uint32_t nr_errors(const struct smmuv3_cmdq *q)
{
	return atomic_load_explicit(&q->nr_errors, memory_order_acquire);
}

/* A poll was in vain: recover from errors, watch the clock, let others run. @raw: CONS. */
static int wait_more(struct smmuv3_cmdq *q, struct waiter *w, uint32_t raw)
{
	struct dma_platform *p = q->platform;
	uint64_t now_ns = p->now_ns(p);

	if (w->nr_polls++ == 0)
		w->start_ns = now_ns;
	/* ERR keeps its last value after the acknowledgement: GERROR decides (IHI0070 6.3.27). */
	if (CMDQ_CONS_ERR(raw) != 0 || w->nr_polls % POLLS_PER_GERROR == 0)
		smmuv3_gerror_handle(smmuv3_of_cmdq(q));
	if (nr_errors(q) - w->first_errors > SMMUV3_MAX_ERRORS)
		return -EIO;
	if (now_ns - w->start_ns >= SMMUV3_TIMEOUT_NS)
		return -ETIMEDOUT;
	p->relax(p);
	return 0;
}

/* Take @nr entries; false when the ring has not that many, or when they are owed to another. */
ALWAYS_INLINE bool reserve(struct smmuv3_cmdq *q, uint32_t nr, bool first_in_line, size_t *first)
{
	size_t idx = atomic_load_explicit(&q->reserved, memory_order_relaxed);

	if (unlikely(atomic_load_explicit(&q->line, memory_order_relaxed) != 0) && !first_in_line)
		return false;
	do {
		/* Acquire: the hardware has read what these entries held. */
		size_t cons = atomic_load_explicit(&q->consumed, memory_order_acquire);

		if (!reached(cons, idx + nr - ring_size(q)))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&q->reserved, &idx, idx + nr, memory_order_relaxed, memory_order_relaxed));
	*first = idx;
	return true;
}

static void write_entry(struct smmuv3_cmdq *q, size_t idx, uint64_t word0, uint64_t word1)
{
	uint8_t *at = q->mem.virt + (idx & (ring_size(q) - 1)) * CMD_BYTES;

	endian_store_le64(at, word0);
	endian_store_le64(at + 8, word1);
}

/* Make entries [first, first + nr) visible to an SMMU that does not snoop. */
static NOINLINE void clean_entries(struct smmuv3_cmdq *q, size_t first, uint32_t nr)
{
	struct dma_platform *p = q->platform;
	size_t at = first & (ring_size(q) - 1);
	uint64_t till_end = bits_min(nr, ring_size(q) - at);

	p->cache_clean(p, q->mem.phys + at * CMD_BYTES, till_end * CMD_BYTES);
	if (till_end < nr)
		p->cache_clean(p, q->mem.phys, (nr - till_end) * CMD_BYTES);
}

/* In the order of reservation: wait for the turn, tell the hardware, pass the turn on. */
ALWAYS_INLINE void publish(struct smmuv3_cmdq *q, size_t first, uint32_t nr)
{
	struct dma_platform *p = q->platform;
	size_t end = first + nr;

	while (atomic_load_explicit(&q->published, memory_order_acquire) != first)
		p->relax(p);
	atomic_store_explicit(&q->nr_batches,
			      atomic_load_explicit(&q->nr_batches, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	/* mmio_write() orders the entries before it (IHI0070 3.5.2). */
	p->mmio_write(p, q->mmio_base + SMMU_CMDQ_PROD, 4, end & (2 * ring_size(q) - 1));
	atomic_store_explicit(&q->published, end, memory_order_release);
}

/* Put a batch and its CMD_SYNC into the ring; w->end: the index after it. False: no room. */
ALWAYS_INLINE bool submit(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr,
			  struct waiter *w)
{
	size_t first;

	if (unlikely(!reserve(q, nr + 1, w->first_in_line, &first)))
		return false;
	for (uint32_t i = 0; i < nr; i++)
		write_entry(q, first + i, cmds[i].word[0], cmds[i].word[1]);
	write_entry(q, first + nr, CMD_SYNC, 0);
	if (unlikely(q->noncoherent))
		clean_entries(q, first, nr + 1);
	publish(q, first, nr + 1);
	w->end = first + nr + 1;
	return true;
}

/* With interrupts out: nobody on this CPU can come between reservation and publication. */
static NOINLINE bool submit_irq_off(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds,
				    uint32_t nr, struct waiter *w)
{
	struct dma_platform *p = q->platform;
	bool done;

	p->spin_lock(p, &q->irq_lock);
	done = submit(q, cmds, nr, w);
	p->spin_unlock(p, &q->irq_lock);
	return done;
}

/*
 * The ring looked full. One waiter at a time stands first in line and keeps everybody else from
 * reserving, or small batches would take the room from under a large one for ever.
 */
static NOINLINE int submit_when_room(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds,
				     uint32_t nr, struct waiter *w, bool slow)
{
	int err = 0;

	for (;;) {
		uint32_t nobody = 0;
		uint32_t raw;

		raise_consumed(q, read_consumed(q, &raw));
		if (slow ? submit_irq_off(q, cmds, nr, w) : submit(q, cmds, nr, w))
			break;
		if (!w->first_in_line)
			w->first_in_line = atomic_compare_exchange_strong_explicit(
				&q->line, &nobody, 1, memory_order_relaxed, memory_order_relaxed);
		err = wait_more(q, w, raw);
		if (err != 0)
			break;
	}
	if (w->first_in_line)
		atomic_store_explicit(&q->line, 0, memory_order_relaxed);
	return err;
}

/*
 * What the waiters know of CONS is written down once per half a ring, so that they do not fight
 * for that cache line.
 */
static int wait_consumed(struct smmuv3_cmdq *q, struct waiter *w)
{
	for (;;) {
		uint32_t raw;
		size_t cons = read_consumed(q, &raw);
		int err;

		if (likely(reached(cons, w->end))) {
			size_t known = atomic_load_explicit(&q->consumed, memory_order_relaxed);

			if (unlikely(cons - known > ring_size(q) / 2))
				raise_consumed(q, cons);
			return 0;
		}
		err = wait_more(q, w, raw);
		if (err != 0)
			return err;
	}
}

/* -EAGAIN: some command was skipped meanwhile, perhaps one of these. */
ALWAYS_INLINE int run_once(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr,
			   bool slow)
{
	struct waiter w = { .first_errors = nr_errors(q) };
	uint32_t aborts = atomic_load_explicit(&q->nr_aborts, memory_order_relaxed);
	int err;

	if (unlikely(slow || !submit(q, cmds, nr, &w))) {
		err = submit_when_room(q, cmds, nr, &w, slow);
		if (err != 0)
			return err;
	}
	err = wait_consumed(q, &w);
	if (unlikely(err != 0))
		return err;
	/* A skipped command is counted before CONS can pass it; read in that order. */
	dma_rmb();
	if (likely(nr_errors(q) == w.first_errors))
		return 0;
	if (atomic_load_explicit(&q->nr_aborts, memory_order_relaxed) != aborts)
		return -EIO;
	return -EAGAIN;
}

/* Everything that commands of this driver can have been about. */
static NOINLINE int run_everything(struct smmuv3_cmdq *q, bool slow)
{
	static const struct smmuv3_cmd all[] = {
		{ .word = { CMD_CFGI_ALL, CFGI1_RANGE_ALL } },
		{ .word = { CMD_TLBI_NSNH_ALL, 0 } },
	};
	int err = -EAGAIN;

	for (uint32_t i = 0; i < MAX_REISSUES && err == -EAGAIN; i++)
		err = run_once(q, all, ARRAY_LEN(all), slow);
	return err == -EAGAIN ? -EIO : err;
}

int smmuv3_cmdq_run(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr)
{
	int err = run_once(q, cmds, nr, false);

	return likely(err != -EAGAIN) ? err : run_everything(q, false);
}

/* The words stay in registers: one page is the case to be quick about. */
int smmuv3_cmdq_run_one(struct smmuv3_cmdq *q, uint64_t word0, uint64_t word1)
{
	const struct smmuv3_cmd cmd = { { word0, word1 } };
	int err = run_once(q, &cmd, 1, false);

	return likely(err != -EAGAIN) ? err : run_everything(q, false);
}

int smmuv3_cmdq_run_slow(struct smmuv3_cmdq *q, const struct smmuv3_cmd *cmds, uint32_t nr)
{
	int err = run_once(q, cmds, nr, true);

	return likely(err != -EAGAIN) ? err : run_everything(q, true);
}

/*
 * IHI0070 7.1: on CERROR_ILL the queue stands at the offending command until the error is
 * acknowledged; a CMD_SYNC in its place does nothing. On CERROR_ABT the fetch is tried again.
 */
void smmuv3_cmdq_skip(struct smmuv3_cmdq *q)
{
	uint32_t raw =
		(uint32_t)q->platform->mmio_read(q->platform, q->mmio_base + SMMU_CMDQ_CONS, 4);

	if (CMDQ_CONS_ERR(raw) == CERROR_ABT) {
		atomic_fetch_add_explicit(&q->nr_aborts, 1, memory_order_relaxed);
	} else {
		write_entry(q, raw, CMD_SYNC, 0);
		if (q->noncoherent)
			clean_entries(q, raw, 1);
	}
	atomic_fetch_add_explicit(&q->nr_errors, 1, memory_order_release);
}

void smmuv3_cmdq_reset(struct smmuv3_cmdq *q)
{
	atomic_store(&q->reserved, 0);
	atomic_store(&q->published, 0);
	atomic_store(&q->consumed, 0);
}

int smmuv3_cmdq_init(struct smmuv3 *s, uint32_t max_size_lg2)
{
	struct smmuv3_cmdq *q = &s->cmdq;

	q->platform = s->platform;
	q->mmio_base = s->mmio_base;
	q->noncoherent = s->noncoherent;
	q->size_lg2 = max_size_lg2 < CMDQ_SIZE_LG2 ? max_size_lg2 : CMDQ_SIZE_LG2;
	smmuv3_cmdq_reset(q);
	return smmuv3_mem_alloc(s, (uint64_t)CMD_BYTES << q->size_lg2, &q->mem);
}

void smmuv3_cmdq_fini(struct smmuv3 *s)
{
	smmuv3_mem_free(s, &s->cmdq.mem);
}

int smmuv3_cmdq_error(struct smmuv3 *s, enum dma_op op, int err)
{
	size_t published = atomic_load_explicit(&s->cmdq.published, memory_order_relaxed);
	size_t mask = 2 * ring_size(&s->cmdq) - 1;

	return smmuv3_error(s, op, err, SMMU_CMDQ_CONS, smmuv3_read(s, SMMU_CMDQ_CONS),
			    published & mask);
}
