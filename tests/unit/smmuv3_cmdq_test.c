/* SPDX-License-Identifier: BSD-2-Clause */
/* The command queue: order, wrap-around, waiting, errors, producers (IHI0070 3.5, 4.7, 7.1). */
#include "iommu/smmuv3/smmuv3.h"

#include <pthread.h>

#include "core/slot.h"
#include "tests/support/check.h"
#include "tests/support/smmuv3_fake.h"

#define NR_THREADS 3
#define NR_ROUNDS 400

static struct smmuv3_fake f;

static struct smmuv3 *start(void)
{
	fake_init(&f);
	fake_probe(&f);
	fake_forget(&f);
	return f.hw.priv;
}

static void stop(void)
{
	f.stuck = false;
	f.lazy = 0;
	f.ill = f.abort = 0;
	f.ill_cmd = UINT32_MAX;
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

static struct smmuv3_cmd page(uint64_t n)
{
	return (struct smmuv3_cmd){ { 0x12, n << 12 } };
}

TEST(a_batch_is_its_commands_and_one_sync_told_once)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmds[] = { page(1), page(2), page(3) };

	assert_ok(smmuv3_cmdq_run(&s->cmdq, cmds, 3));
	assert_u64_equal(f.nr_writes, 1);
	assert_u64_equal(f.writes[0].reg, 0x98);
	assert_u64_equal(f.writes[0].value, 3 + 4); /* three of probe */
	assert_u64_equal(f.nr_cmds, 4);
	for (uint64_t i = 0; i < 3; i++)
		assert_u64_equal(f.cmds[i].word1, (i + 1) << 12);
	assert_u64_equal(f.cmds[3].word0, 0x46);
	assert_u64_equal(f.cmds[3].word1, 0);
	stop();
}

TEST(indices_wrap_around_the_ring_many_times)
{
	struct smmuv3 *s = start();
	uint64_t n = 0;

	for (uint32_t round = 0; round < 700; round++) {
		struct smmuv3_cmd cmds[SMMUV3_MAX_BATCH];
		uint32_t nr = 1 + round % SMMUV3_MAX_BATCH;

		for (uint32_t i = 0; i < nr; i++)
			cmds[i] = page(n++);
		fake_forget(&f);
		f.lazy = round % 3;
		assert_ok(smmuv3_cmdq_run(&s->cmdq, cmds, nr));
		assert_u64_equal(f.nr_cmds, nr + 1);
		assert_u64_equal(f.cmds[nr - 1].word1, (n - 1) << 12);
	}
	stop();
}

TEST(free_running_indices_wrap_around_their_own_width)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmdq *q = &s->cmdq;
	size_t near_end = (size_t)0 - 509; /* = 3 modulo the ring's two laps, where probe left it */

	atomic_store(&q->reserved, near_end);
	atomic_store(&q->published, near_end);
	atomic_store(&q->consumed, near_end);
	f.lazy = 7;
	for (uint64_t i = 0; i < 600; i++) {
		struct smmuv3_cmd cmd = page(i);

		assert_ok(smmuv3_cmdq_run(q, &cmd, 1));
	}
	assert_u64_equal(f.nr_cmds, 1200);
	assert_u64_equal(atomic_load(&q->published), 1200 - 509);
	stop();
}

TEST(a_full_ring_is_waited_for)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmdq *q = &s->cmdq;
	struct smmuv3_cmd cmd = page(1);

	f.stuck = true;
	for (uint32_t i = 0; i < 128; i++) /* 256 entries: each a command and its sync */
		assert_int_equal(smmuv3_cmdq_run(q, &cmd, 1), -ETIMEDOUT);
	assert_u64_equal(atomic_load(&q->reserved), 3 + 256);
	assert_int_equal(smmuv3_cmdq_run(q, &cmd, 1), -ETIMEDOUT);
	assert_u64_equal(atomic_load(&q->reserved), 3 + 256);
	f.stuck = false;
	f.lazy = 1;
	assert_ok(smmuv3_cmdq_run(q, &cmd, 1));
	assert_u64_equal(f.nr_cmds, 258);
	stop();
}

TEST(a_sync_that_never_completes_times_out_after_a_second)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmd = page(1);
	uint64_t start_ns = atomic_load(&f.now_ns);

	f.stuck = true;
	assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -ETIMEDOUT);
	assert_true(atomic_load(&f.now_ns) - start_ns >= 1000000000);
	assert_true(atomic_load(&f.now_ns) - start_ns < 1010000000);
	f.stuck = false;
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	stop();
}

TEST(waiting_ends_with_the_own_sync_not_with_an_empty_queue)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmd = page(1);

	f.stuck = true;
	assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -ETIMEDOUT);
	f.stuck = false;
	f.lazy = 1;
	fake_forget(&f);
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	assert_u64_equal(f.nr_cmds, 4); /* the late batch, then this one, not more */
	stop();
}

TEST(an_illegal_command_is_skipped_and_its_batch_replaced_by_everything)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmds[] = { page(1), page(2) };
	struct dma_iommu_counts counts;

	for (uint32_t lazy = 0; lazy < 3; lazy++) {
		fake_forget(&f);
		f.lazy = lazy;
		f.ill = 1;
		assert_ok(smmuv3_cmdq_run(&s->cmdq, cmds, 2));
		/* a sync instead of page(1), page(2), sync; all configuration, all TLBs, sync */
		assert_u64_equal(f.nr_cmds, 6);
		assert_u64_equal(f.cmds[0].word0, 0x46);
		assert_u64_equal(f.cmds[1].word1, 2 << 12);
		assert_u64_equal(f.cmds[3].word0, 0x04);
		assert_u64_equal(f.cmds[3].word1, 31);
		assert_u64_equal(f.cmds[4].word0, 0x30);
		assert_u64_equal(f.cmds[5].word0, 0x46);
		dma_smmuv3_driver.counts(&f.hw, &counts);
		assert_u64_equal(counts.command_errors, lazy + 1);
	}
	assert_u64_equal(f.gerror, f.gerrorn);
	/* CONS.ERR still shows the old error: nobody is misled by it. */
	assert_ok(smmuv3_cmdq_run(&s->cmdq, cmds, 2));
	stop();
}

TEST(commands_that_stay_illegal_end_in_eio)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmd = page(1);

	f.ill_cmd = 0x30; /* the replacement too */
	f.ill = 1;
	assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -EIO);
	f.ill_cmd = UINT32_MAX;
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	f.ill_cmd = 0x46; /* no way to skip anything: replaced over and over */
	f.lazy = 1;
	assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -EIO);
	f.ill_cmd = UINT32_MAX;
	smmuv3_gerror_handle(s);
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	stop();
}

TEST(an_aborted_fetch_ends_in_eio_and_the_queue_goes_on)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmd = page(1);

	for (uint32_t lazy = 0; lazy < 3; lazy++) {
		f.lazy = lazy;
		f.abort = 1;
		assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -EIO);
		assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	}
	f.lazy = 1;
	f.abort = UINT32_MAX;
	for (uint32_t i = 0; i < 200; i++) /* until the ring is full, and longer */
		assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -EIO);
	f.abort = 0;
	smmuv3_gerror_handle(s);
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	stop();
}

TEST(a_garbage_cons_is_not_believed)
{
	struct smmuv3 *s = start();
	struct smmuv3_cmd cmd = page(1);

	f.stuck = true;
	f.cmdq_cons = 200; /* beyond everything that was ever reserved */
	assert_int_equal(smmuv3_cmdq_run(&s->cmdq, &cmd, 1), -ETIMEDOUT);
	f.nr_bad = 0; /* of course PROD and such a CONS do not go together */
	f.cmdq_cons = 3;
	f.stuck = false;
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &cmd, 1));
	stop();
}

TEST(an_smmu_that_does_not_snoop_sees_every_command)
{
	struct smmuv3 *s;

	fake_init(&f);
	f.idr0 &= ~0x10u;
	fake_probe(&f);
	s = f.hw.priv;
	for (uint64_t i = 0; i < 600; i++) { /* batches of four entries wrap inside */
		struct smmuv3_cmd cmds[] = { page(i), page(i + 1), page(i + 2), page(i + 3) };

		fake_forget(&f);
		assert_ok(smmuv3_cmdq_run(&s->cmdq, cmds, 4));
		assert_u64_equal(f.nr_cmds, 5);
		for (uint64_t k = 0; k < 4; k++)
			assert_u64_equal(f.cmds[k].word1, (i + k) << 12);
	}
	f.ill = 1; /* the sync in its place too */
	assert_ok(smmuv3_cmdq_run(&s->cmdq, &(struct smmuv3_cmd){ { 0x30, 0 } }, 1));
	stop();
}

/* Which round of each thread the hardware has executed last; UINT64_MAX: everything. */
static uint64_t executed[NR_THREADS];
static uint32_t ill_every; /* commands between two illegal ones; 0: never */
static _Atomic uint32_t nr_wrong;
static _Atomic int last_err; /* of a producer */

static void note(struct smmuv3_fake *fake, uint64_t word0, uint64_t word1)
{
	if (ill_every != 0 && fake->nr_cmds % ill_every == 0)
		fake->ill = 1;
	if ((word0 & 0xff) == 0x30)
		memset(executed, 0xff, sizeof(executed));
	else if ((word0 & 0xff) == 0x12 && (word1 >> 40) < NR_THREADS)
		executed[word1 >> 40] = word1 >> 12 & 0xffff;
}

static void *produce(void *arg)
{
	uint64_t who = (uint64_t)(uintptr_t)arg;
	struct smmuv3 *s = f.hw.priv;

	for (uint64_t i = 1; i <= NR_ROUNDS; i++) {
		struct smmuv3_cmd cmds[5];
		uint32_t nr = 1 + (uint32_t)(i % 5);
		int err;

		for (uint32_t k = 0; k < nr; k++)
			cmds[k] = (struct smmuv3_cmd){ { 0x12, who << 40 | i << 12 } };
		pthread_mutex_lock(&f.lock);
		executed[who] = 0;
		pthread_mutex_unlock(&f.lock);
		err = (i & 1) != 0 ? smmuv3_cmdq_run(&s->cmdq, cmds, nr)
				   : smmuv3_cmdq_run_slow(&s->cmdq, cmds, nr);
		pthread_mutex_lock(&f.lock);
		/* Errors may outlast the reissues of one batch: then it says so. */
		if (err == 0 && executed[who] != i && executed[who] != UINT64_MAX)
			atomic_fetch_add(&nr_wrong, 1);
		if (err != 0 && (err != -EIO || ill_every == 0))
			atomic_store(&last_err, err);
		pthread_mutex_unlock(&f.lock);
	}
	return NULL;
}

static void run_producers(void)
{
	pthread_t threads[NR_THREADS];

	f.relax_ns = 1000;
	memset(executed, 0, sizeof(executed));
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_create(&threads[i], NULL, produce, (void *)i));
	for (uint32_t i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_join(threads[i], NULL));
	assert_int_equal(atomic_load(&last_err), 0);
	assert_int_equal(atomic_load(&nr_wrong), 0);
}

TEST(each_of_many_producers_returns_only_when_its_commands_are_done)
{
	uint32_t laziness[] = { 0, 1, 3 };

	for (uint32_t i = 0; i < 3; i++) {
		start();
		f.lazy = laziness[i];
		f.on_cmd = note;
		run_producers();
		f.on_cmd = NULL;
		stop();
	}
}

TEST(many_producers_share_a_ring_that_holds_one_batch)
{
	fake_init(&f);
	f.idr1 = 0x00730010; /* eight entries */
	fake_probe(&f);
	f.lazy = 2;
	f.on_cmd = note;
	run_producers();
	f.on_cmd = NULL;
	stop();
}

TEST(illegal_commands_among_many_producers_never_hide_a_lost_invalidation)
{
	start();
	f.lazy = 2;
	f.on_cmd = note;
	ill_every = 53;
	run_producers();
	assert_true(atomic_load(&((struct smmuv3 *)f.hw.priv)->cmdq.nr_errors) > 20);
	ill_every = 0;
	f.on_cmd = NULL;
	stop();
}
