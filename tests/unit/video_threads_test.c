/* SPDX-License-Identifier: BSD-2-Clause */
/* Camera, converter and display in threads of their own, all three at work at the same time. */
#include "tests/support/video_chain.h"

enum { NR_BUFFERS = 3, NR_FRAMES = 40 };

struct stream {
	struct video_chain chain[NR_BUFFERS];
	struct video_dev *dev;
	uint32_t nr_queued[RIG_DEVICES];
	uint32_t nr_done[RIG_DEVICES];
};

/* Every device takes buffers in turn, as soon as the one before it has filled them. */
static bool may_queue(const struct stream *s, int d)
{
	if (s->nr_queued[d] == NR_FRAMES)
		return false;
	if (d == CAMERA)
		return s->nr_queued[CAMERA] < s->nr_done[CONVERTER] + NR_BUFFERS;
	if (s->nr_queued[d] == s->nr_done[d - 1])
		return false;
	return d == DISPLAY || s->nr_queued[CONVERTER] < s->nr_done[DISPLAY] + NR_BUFFERS;
}

static int queue_next(struct stream *s, int d)
{
	struct video_chain *b = &s->chain[s->nr_queued[d] % NR_BUFFERS];
	uint32_t cookie = s->nr_queued[d];

	if (d == CAMERA)
		return camera_queue(&s->dev[d], &b->nv12[0], CHAIN_WIDTH, CHAIN_HEIGHT, cookie);
	if (d == CONVERTER)
		return converter_queue(&s->dev[d], &b->nv12[1], &b->xrgb[0], CHAIN_WIDTH,
				       CHAIN_HEIGHT, cookie);
	return display_queue(&s->dev[d], &b->xrgb[1], CHAIN_WIDTH, CHAIN_HEIGHT, cookie);
}

static void serve(struct stream *s, struct video_rig *r, int d)
{
	uint32_t cookie;
	uint64_t addr;
	int got;

	while (may_queue(s, d)) {
		int err = queue_next(s, d);

		if (err == -EAGAIN)
			break;
		assert_ok(err);
		s->nr_queued[d]++;
	}
	while ((got = video_poll(&s->dev[d], &cookie, &addr)) == 1)
		assert_int_equal(cookie, s->nr_done[d]++);
	if (got < 0)
		fail_msg("device %d: error %d at 0x%" PRIx64, d, got, addr);
	r->p->relax(r->p);
}

static void stream_frames(bool noncoherent)
{
	struct video_rig *r = video_rig_open(&(struct video_rig_opts){
		.smmu = true, .threaded = true, .noncoherent = noncoherent, .seed = 3 });
	static struct stream s;
	struct dma_fault fault;

	memset(&s, 0, sizeof(s));
	s.dev = s.chain[0].dev;
	s.chain[0].rig = r;
	assert_ok(chain_probe(&s.chain[0]));
	for (int i = 0; i < NR_BUFFERS; i++) {
		memcpy(s.chain[i].dev, s.dev, sizeof(s.chain[i].dev));
		assert_ok(chain_alloc(&s.chain[i]));
	}
	atomic_store(&r->frames_left, NR_FRAMES);
	chain_start(&s.chain[0]);
	while (s.nr_done[DISPLAY] != NR_FRAMES) {
		for (int d = 0; d < RIG_DEVICES; d++)
			serve(&s, r, d);
	}
	assert_int_equal(atomic_load(&r->nr_shown), NR_FRAMES);
	for (int d = 0; d < RIG_DEVICES; d++)
		video_stop(&s.dev[d]);
	video_rig_expect_panel(r, NR_FRAMES);
	assert_int_equal(dma_fault_poll(r->iommu, &fault), 0);
	for (int i = 0; i < NR_BUFFERS; i++)
		chain_free_buffers(&s.chain[i]);
	video_rig_close(r);
}

TEST(forty_frames_stream_through_three_devices_in_threads)
{
	stream_frames(false);
}

TEST(forty_frames_stream_where_nothing_snoops)
{
	stream_frames(true);
}
