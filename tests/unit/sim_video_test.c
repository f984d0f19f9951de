/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Camera, converter and display at their registers, each clause of docs/design/video-devices.md.
 * Without IOMMU and CPU caches: addresses on the bus are physical.
 */
#include "tests/support/video_rig.h"

#define MEM (RIG_RAM_LOW + 0x100000) /* nothing is allocated here: the tests just use it */
#define NOWHERE 0x08000000u	     /* neither RAM nor a register */

static const uint32_t ids[RIG_DEVICES] = { 0x43414d31, 0x434e5631, 0x44535031 };
static const uint32_t addr_bits[RIG_DEVICES] = { 32, 32, 28 };

struct planes {
	uint32_t addr[4]; /* SRC0 SRC1 DST0 DST1 */
	uint32_t stride[4];
};

static void set_size(struct video_rig *r, int dev, uint32_t width, uint32_t height)
{
	video_rig_write(r, dev, REG_WIDTH, width);
	video_rig_write(r, dev, REG_HEIGHT, height);
}

static void set_plane(struct video_rig *r, int dev, uint32_t reg, uint32_t addr, uint32_t stride)
{
	video_rig_write(r, dev, reg, addr);
	video_rig_write(r, dev, reg + 4, stride);
}

/* A buffer that every device takes. */
static void set_good(struct video_rig *r, int dev, uint32_t cookie)
{
	set_size(r, dev, 16, 8);
	for (uint32_t i = 0; i < 4; i++)
		set_plane(r, dev, REG_SRC0 + 8 * i, (uint32_t)MEM + 0x10000 * i, 64);
	video_rig_write(r, dev, REG_COOKIE, cookie);
}

static void queue(struct video_rig *r, int dev)
{
	video_rig_write(r, dev, REG_QUEUE, 1);
}

static void expect(struct video_rig *r, int dev, uint32_t reg, uint32_t want)
{
	uint32_t got = video_rig_read(r, dev, reg);

	if (got != want)
		fail_msg("device %d, register 0x%02x: 0x%x, not 0x%x", dev, reg, got, want);
}

static struct video_rig *open_plain(void)
{
	return video_rig_open(&(struct video_rig_opts){ .seed = 1 });
}

TEST(id_and_capabilities_are_as_specified)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		expect(r, d, REG_ID, ids[d]);
		expect(r, d, REG_CAPS, addr_bits[d] | 4 << 8);
		for (uint32_t reg = REG_CTRL; reg <= REG_DONE_COOKIE; reg += 4)
			expect(r, d, reg, 0);
	}
	video_rig_close(r);
}

TEST(parameter_registers_hold_what_is_written_addresses_only_their_lines)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		uint32_t lines = addr_bits[d] == 32 ? UINT32_MAX : (1u << addr_bits[d]) - 1;

		for (uint32_t reg = REG_WIDTH; reg <= REG_COOKIE; reg += 4)
			video_rig_write(r, d, reg, 0xf5a5a500 + reg);
		for (uint32_t reg = REG_WIDTH; reg <= REG_COOKIE; reg += 4) {
			bool is_addr = reg >= REG_SRC0 && reg < REG_COOKIE && reg % 8 == 0;

			expect(r, d, reg, (0xf5a5a500 + reg) & (is_addr ? lines : UINT32_MAX));
		}
	}
	video_rig_close(r);
}

TEST(read_only_registers_ignore_writes)
{
	static const uint32_t read_only[] = { REG_ID,	      REG_CAPS,	       REG_DONE_COUNT,
					      REG_QUEUED,     REG_ERROR_ADDR, REG_ERROR_COUNT,
					      REG_DONE_COOKIE };
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		for (uint32_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
			uint32_t before = video_rig_read(r, d, read_only[i]);

			video_rig_write(r, d, read_only[i], ~before);
			expect(r, d, read_only[i], before);
		}
		/* Behind the last one there is nothing. */
		video_rig_write(r, d, REG_DONE_COOKIE + 4, 1);
		expect(r, d, REG_DONE_COOKIE + 4, 0);
	}
	video_rig_close(r);
}

TEST(only_aligned_4_byte_accesses_count)
{
	static const uint32_t widths[] = { 1, 2, 8 };
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		uint64_t base = video_rig_base(d);

		video_rig_write(r, d, REG_WIDTH, 0x1234);
		for (uint32_t i = 0; i < 3; i++) {
			uint64_t ones = widths[i] == 8 ? UINT64_MAX : (1ull << 8 * widths[i]) - 1;

			r->p->mmio_write(r->p, base + REG_WIDTH, widths[i], 0x56);
			r->p->mmio_write(r->p, base + REG_CTRL, widths[i], CTRL_RUN);
			assert_u64_equal(r->p->mmio_read(r->p, base + REG_WIDTH, widths[i]) & ones,
					 ones);
			assert_u64_equal(r->p->mmio_read(r->p, base + REG_ID, widths[i]) & ones,
					 ones);
		}
		assert_u64_equal(r->p->mmio_read(r->p, base + REG_WIDTH + 2, 4) & UINT32_MAX,
				 UINT32_MAX);
		r->p->mmio_write(r->p, base + REG_WIDTH + 1, 4, 0);
		expect(r, d, REG_WIDTH, 0x1234);
		expect(r, d, REG_CTRL, 0);
	}
	video_rig_close(r);
}

/* A value for WIDTH, HEIGHT or a stride, and whether the device takes it. */
static void try_value(struct video_rig *r, int d, uint32_t reg, uint32_t value, bool taken)
{
	video_rig_write(r, d, REG_CTRL, CTRL_RESET);
	set_good(r, d, 1);
	video_rig_write(r, d, reg, value);
	queue(r, d);
	if (video_rig_read(r, d, REG_STATUS) != (taken ? 0 : STATUS_BAD_CONFIG))
		fail_msg("device %d, register 0x%02x = %u is%s taken", d, reg, value,
			 taken ? " not" : "");
	expect(r, d, REG_QUEUED, taken);
}

TEST(sizes_out_of_range_are_bad_config)
{
	static const uint32_t bad[] = { 0, 1, 3, 15, 17, 4095, 4097, 4098, 0x10010, 0x80000010 };
	static const uint32_t good[] = { 2, 4, 14, 16 };
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		for (uint32_t reg = REG_WIDTH; reg <= REG_HEIGHT; reg += 4) {
			for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
				try_value(r, d, reg, bad[i], false);
			for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
				try_value(r, d, reg, good[i], true);
		}
		try_value(r, d, REG_HEIGHT, 4096, true);
	}
	video_rig_close(r);
}

/* Bytes of a pixel in a line of each plane; 0: the device does not use the plane. */
static const uint32_t pixel_bytes[RIG_DEVICES][4] = { [CAMERA] = { 0, 0, 1, 1 },
						      [CONVERTER] = { 1, 1, 4, 0 },
						      [DISPLAY] = { 4, 0, 0, 0 } };

TEST(strides_out_of_range_are_bad_config_and_unused_ones_are_ignored)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t reg = REG_SRC0 + 8 * i + 4, line = 16 * pixel_bytes[d][i];
			bool used = line != 0;

			try_value(r, d, reg, 0, !used);
			try_value(r, d, reg, 1, !used);
			try_value(r, d, reg, line - 4, !used);
			try_value(r, d, reg, line + 2, !used);
			try_value(r, d, reg, line + 1, !used);
			try_value(r, d, reg, line, true);
			try_value(r, d, reg, line + 4, true);
			try_value(r, d, reg, 0x40000000, true);
		}
	}
	video_rig_close(r);
}

/* 4096 pixels of 4 bytes: products do not wrap. */
TEST(the_largest_picture_needs_its_whole_stride)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t line = 4096 * pixel_bytes[d][i];

			if (line == 0)
				continue;
			for (uint32_t less = 0; less <= 4; less += 4) {
				video_rig_write(r, d, REG_CTRL, CTRL_RESET);
				set_size(r, d, 4096, 4096);
				for (uint32_t k = 0; k < 4; k++)
					set_plane(r, d, REG_SRC0 + 8 * k, 0, 16384);
				video_rig_write(r, d, REG_SRC0 + 8 * i + 4, line - less);
				queue(r, d);
				expect(r, d, REG_STATUS, less == 0 ? 0 : STATUS_BAD_CONFIG);
			}
		}
	}
	video_rig_close(r);
}

TEST(a_fifth_buffer_overflows_and_is_not_taken)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		for (uint32_t i = 0; i < 4; i++) {
			expect(r, d, REG_STATUS, 0);
			set_good(r, d, 100 + i);
			queue(r, d);
			expect(r, d, REG_QUEUED, i + 1);
		}
		expect(r, d, REG_STATUS, STATUS_FULL);
		set_good(r, d, 999);
		queue(r, d);
		expect(r, d, REG_STATUS, STATUS_FULL | STATUS_OVERFLOW);
		expect(r, d, REG_QUEUED, 4);
	}
	atomic_store(&r->frames_left, 10);
	for (int d = 0; d < RIG_DEVICES; d++) {
		video_rig_write(r, d, REG_CTRL, CTRL_RUN);
		video_rig_run(r);
		expect(r, d, REG_DONE_COUNT, 4);
		expect(r, d, REG_DONE_COOKIE, 103);
		expect(r, d, REG_QUEUED, 0);
		expect(r, d, REG_STATUS, STATUS_DONE | STATUS_OVERFLOW);
	}
	assert_int_equal(atomic_load(&r->frames_left), 6);
	video_rig_close(r);
}

TEST(status_bits_clear_one_by_one_where_a_one_is_written)
{
	struct video_rig *r = open_plain();
	uint32_t all = STATUS_DONE | STATUS_ERROR | STATUS_OVERFLOW | STATUS_BAD_CONFIG;

	/* Everything at once: done, then an error, then a full queue, then a bad size. */
	set_good(r, DISPLAY, 1);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	video_rig_write(r, DISPLAY, REG_SRC0, NOWHERE);
	for (int i = 0; i < 3; i++)
		queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_WIDTH, 3);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_WIDTH, 16);
	video_rig_run(r);
	for (int i = 0; i < 3; i++)
		queue(r, DISPLAY);
	expect(r, DISPLAY, REG_STATUS, all | STATUS_FULL);
	video_rig_write(r, DISPLAY, REG_STATUS, 0);
	expect(r, DISPLAY, REG_STATUS, all | STATUS_FULL);
	video_rig_write(r, DISPLAY, REG_STATUS, STATUS_BUSY | STATUS_FULL | 0xfffffc00);
	expect(r, DISPLAY, REG_STATUS, all | STATUS_FULL);
	for (uint32_t bit = STATUS_DONE; bit <= STATUS_BAD_CONFIG; bit <<= 1) {
		video_rig_write(r, DISPLAY, REG_STATUS, bit);
		all &= ~bit;
		expect(r, DISPLAY, REG_STATUS, all | STATUS_FULL);
	}
	video_rig_close(r);
}

TEST(reset_clears_everything_and_forgets_the_queue)
{
	struct video_rig *r = open_plain();

	for (int d = 0; d < RIG_DEVICES; d++) {
		atomic_store(&r->frames_left, 100);
		set_good(r, d, 5);
		queue(r, d);
		video_rig_write(r, d, REG_CTRL, CTRL_RUN);
		video_rig_run(r);
		expect(r, d, REG_DONE_COUNT, 1);
		for (uint32_t i = 0; i < 4; i++)
			video_rig_write(r, d, REG_SRC0 + 8 * i, NOWHERE);
		queue(r, d);
		video_rig_run(r);
		expect(r, d, REG_ERROR_COUNT, 1);
		queue(r, d);
		/* Reset and run in one store: only reset. */
		video_rig_write(r, d, REG_CTRL, CTRL_RESET | CTRL_RUN);
		for (uint32_t reg = REG_CTRL; reg <= REG_DONE_COOKIE; reg += 4)
			expect(r, d, reg, 0);
		expect(r, d, REG_ID, ids[d]);
		video_rig_run(r);
		expect(r, d, REG_DONE_COUNT, 0);
		/* And it works again. */
		set_good(r, d, 6);
		queue(r, d);
		video_rig_write(r, d, REG_CTRL, CTRL_RUN);
		video_rig_run(r);
		expect(r, d, REG_DONE_COUNT, 1);
		expect(r, d, REG_DONE_COOKIE, 6);
	}
	video_rig_close(r);
}

TEST(reset_in_the_middle_of_a_buffer_stops_at_once)
{
	struct video_rig *r = open_plain();
	uint8_t before[64 * 16], after[64 * 16];
	uint32_t last = (uint32_t)MEM + 1024 * 1008;

	atomic_store(&r->frames_left, 2);
	set_size(r, CAMERA, 1024, 1024);
	set_plane(r, CAMERA, REG_DST0, (uint32_t)MEM, 1024);
	set_plane(r, CAMERA, REG_DST1, (uint32_t)MEM + (2 << 20), 1024);
	queue(r, CAMERA);
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	assert_true(sim_machine_run(r->machine, 20) != 0);
	expect(r, CAMERA, REG_STATUS, STATUS_BUSY);
	assert_ok(sim_machine_peek(r->machine, last, before, sizeof(before)));
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RESET);
	expect(r, CAMERA, REG_STATUS, 0);
	video_rig_run(r);
	assert_ok(sim_machine_peek(r->machine, last, after, sizeof(after)));
	assert_memory_equal(before, after, sizeof(after));
	expect(r, CAMERA, REG_DONE_COUNT, 0);
	assert_int_equal(atomic_load(&r->frames_left), 1);
	video_rig_close(r);
}

TEST(run_off_holds_the_work_and_run_on_continues_it)
{
	struct video_rig *r = open_plain();

	atomic_store(&r->frames_left, 2);
	set_good(r, CAMERA, 8);
	video_rig_write(r, CAMERA, REG_HEIGHT, 1024);
	queue(r, CAMERA);
	video_rig_run(r);
	expect(r, CAMERA, REG_QUEUED, 1);
	expect(r, CAMERA, REG_STATUS, 0); /* not busy: not running */
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	expect(r, CAMERA, REG_CTRL, CTRL_RUN);
	assert_true(sim_machine_run(r->machine, 4) != 0);
	expect(r, CAMERA, REG_STATUS, STATUS_BUSY);
	video_rig_write(r, CAMERA, REG_CTRL, 0);
	expect(r, CAMERA, REG_CTRL, 0);
	video_rig_run(r);
	expect(r, CAMERA, REG_DONE_COUNT, 0);
	expect(r, CAMERA, REG_QUEUED, 1);
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, CAMERA, REG_DONE_COUNT, 1);
	expect(r, CAMERA, REG_DONE_COOKIE, 8);
	video_rig_close(r);
}

/* High enough that no two buffers complete between two register accesses. */
enum { MANY_LINES = 1024, BUFFER_BYTES = 16 * MANY_LINES * 3 / 2 };

TEST(buffers_complete_in_order_with_what_the_registers_held_when_queued)
{
	static uint8_t want[BUFFER_BYTES], got[BUFFER_BYTES];
	struct video_rig *r = open_plain();
	uint32_t at = (uint32_t)MEM, seen = 0;

	atomic_store(&r->frames_left, 4);
	for (uint32_t i = 0; i < 4; i++) {
		set_size(r, CAMERA, 16, MANY_LINES);
		set_plane(r, CAMERA, REG_DST0, at + BUFFER_BYTES * i, 16);
		set_plane(r, CAMERA, REG_DST1, at + BUFFER_BYTES * i + 16 * MANY_LINES, 16);
		video_rig_write(r, CAMERA, REG_COOKIE, 0xc0 + i);
		queue(r, CAMERA);
	}
	/* Nothing that is written now matters any more. */
	set_size(r, CAMERA, 2, 2);
	set_plane(r, CAMERA, REG_DST0, NOWHERE, 4);
	video_rig_write(r, CAMERA, REG_COOKIE, 0xbad);
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	while (seen < 4) {
		uint32_t done = video_rig_read(r, CAMERA, REG_DONE_COUNT);

		if (done == seen)
			continue;
		assert_int_equal(done, ++seen);
		expect(r, CAMERA, REG_DONE_COOKIE, 0xc0 + seen - 1);
		expect(r, CAMERA, REG_QUEUED, 4 - seen);
		video_rig_frame(seen, 16, MANY_LINES, want);
		assert_ok(sim_machine_peek(r->machine, at + BUFFER_BYTES * (seen - 1), got,
					   sizeof(got)));
		assert_memory_equal(got, want, sizeof(got));
	}
	video_rig_close(r);
}

TEST(a_camera_without_a_frame_waits_for_the_sensor)
{
	struct video_rig *r = open_plain();

	set_good(r, CAMERA, 3);
	queue(r, CAMERA);
	queue(r, CAMERA);
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, CAMERA, REG_STATUS, STATUS_BUSY);
	expect(r, CAMERA, REG_QUEUED, 2);
	atomic_store(&r->frames_left, 1);
	sim_camera_frame_ready(r->model[CAMERA]);
	video_rig_run(r);
	expect(r, CAMERA, REG_DONE_COUNT, 1);
	expect(r, CAMERA, REG_QUEUED, 1);
	video_rig_close(r);
}

#define GUARD 0xa5

/* Guarded memory, so that a byte too many shows. */
static void guard(struct video_rig *r, uint32_t at, uint32_t len)
{
	uint8_t bytes[4096];

	memset(bytes, GUARD, sizeof(bytes));
	for (uint32_t i = 0; i < len; i += (uint32_t)sizeof(bytes))
		assert_ok(sim_machine_poke(r->machine, at + i, bytes, sizeof(bytes)));
}

/* A plane of @lines lines is there, and guards between them, before and behind. */
static void expect_plane(struct video_rig *r, uint32_t at, uint32_t stride, const uint8_t *want,
			 uint32_t line_bytes, uint32_t lines)
{
	uint8_t got[512];

	assert_true(stride <= sizeof(got));
	assert_ok(sim_machine_peek(r->machine, at - 1, got, 1));
	assert_int_equal(got[0], GUARD);
	for (uint32_t y = 0; y < lines; y++) {
		assert_ok(sim_machine_peek(r->machine, at + y * stride, got, stride));
		assert_memory_equal(got, want + (size_t)y * line_bytes, line_bytes);
		for (uint32_t x = line_bytes; x < stride; x++)
			assert_int_equal(got[x], GUARD);
	}
	assert_ok(sim_machine_peek(r->machine, at + lines * stride, got, 1));
	assert_int_equal(got[0], GUARD);
}

TEST(the_camera_writes_its_two_planes_and_nothing_else)
{
	static const uint32_t sizes[][2] = {
		{ 2, 2 }, { 16, 8 }, { 30, 34 }, { 64, 16 }, { 6, 100 }
	};
	struct video_rig *r = open_plain();

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t w = sizes[i][0], h = sizes[i][1], stride = (w + 3) / 4 * 4 + 8;
		uint32_t luma = (uint32_t)MEM + 0x1004, chroma = (uint32_t)MEM + 0x21008;
		uint8_t frame[6 * 100 * 64];

		guard(r, (uint32_t)MEM, 0x40000);
		atomic_store(&r->frames_left, 1);
		set_size(r, CAMERA, w, h);
		set_plane(r, CAMERA, REG_DST0, luma, stride);
		set_plane(r, CAMERA, REG_DST1, chroma, stride + 4);
		queue(r, CAMERA);
		video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
		video_rig_run(r);
		expect(r, CAMERA, REG_DONE_COUNT, i + 1);
		video_rig_frame(i + 1, w, h, frame);
		expect_plane(r, luma, stride, frame, w, h);
		expect_plane(r, chroma, stride + 4, frame + (size_t)w * h, w, h / 2);
	}
	video_rig_close(r);
}

TEST(the_converter_reads_two_planes_and_writes_one)
{
	static const uint32_t sizes[][2] = {
		{ 2, 2 }, { 16, 8 }, { 30, 34 }, { 64, 16 }, { 6, 100 }
	};
	struct video_rig *r = open_plain();

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t w = sizes[i][0], h = sizes[i][1], stride = (w + 3) / 4 * 4 + 4;
		uint32_t luma = (uint32_t)MEM, chroma = luma + 0x10000, out = luma + 0x20010;
		uint8_t frame[64 * 64], xrgb[64 * 64 * 4];

		guard(r, luma, 0x40000);
		video_rig_frame(i, w, h, frame);
		for (uint32_t y = 0; y < h * 3 / 2; y++)
			assert_ok(sim_machine_poke(r->machine,
						   y < h ? luma + y * stride
							 : chroma + (y - h) * (stride + 4),
						   frame + (size_t)y * w, w));
		set_size(r, CONVERTER, w, h);
		set_plane(r, CONVERTER, REG_SRC0, luma, stride);
		set_plane(r, CONVERTER, REG_SRC1, chroma, stride + 4);
		set_plane(r, CONVERTER, REG_DST0, out, w * 4 + 12);
		queue(r, CONVERTER);
		video_rig_write(r, CONVERTER, REG_CTRL, CTRL_RUN);
		video_rig_run(r);
		expect(r, CONVERTER, REG_DONE_COUNT, i + 1);
		for (uint32_t y = 0; y < h; y++)
			assert_ok(sim_machine_peek(r->machine, out + y * (w * 4 + 12),
						   xrgb + (size_t)y * w * 4, w * 4));
		assert_true(video_rig_is_converted(frame, w, h, xrgb));
		expect_plane(r, out, w * 4 + 12, xrgb, w * 4, h);
		expect_plane(r, luma + stride, stride, frame + w, w, h - 1);
	}
	video_rig_close(r);
}

/* Colours worked out by hand from the formula: black, white, the ends of each channel. */
TEST(known_colours_convert_to_known_bytes)
{
	static const uint8_t known[][6] = {
		/* Y, Cb, Cr, B, G, R */
		{ 16, 128, 128, 0, 0, 0 },	 { 235, 128, 128, 255, 255, 255 },
		{ 126, 128, 128, 128, 128, 128 }, { 0, 128, 128, 0, 0, 0 },
		{ 255, 128, 128, 255, 255, 255 }, { 63, 102, 240, 0, 1, 255 },
		{ 180, 90, 60, 111, 235, 69 },	 { 32, 240, 118, 255, 0, 1 },
		{ 100, 200, 50, 250, 124, 0 },	 { 255, 255, 255, 255, 184, 255 },
	};
	struct video_rig *r = open_plain();
	uint32_t at = (uint32_t)MEM;

	set_size(r, CONVERTER, 2, 2);
	set_plane(r, CONVERTER, REG_SRC0, at, 4);
	set_plane(r, CONVERTER, REG_SRC1, at + 64, 4);
	set_plane(r, CONVERTER, REG_DST0, at + 128, 8);
	video_rig_write(r, CONVERTER, REG_CTRL, CTRL_RUN);
	for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const uint8_t *k = known[i];
		uint8_t luma[6], got[16];

		memset(luma, k[0], sizeof(luma));
		assert_ok(sim_machine_poke(r->machine, at, luma, sizeof(luma)));
		assert_ok(sim_machine_poke(r->machine, at + 64, k + 1, 2));
		queue(r, CONVERTER);
		video_rig_run(r);
		assert_ok(sim_machine_peek(r->machine, at + 128, got, sizeof(got)));
		for (uint32_t p = 0; p < 16; p++) {
			uint8_t want = p % 4 == 3 ? 0 : k[3 + p % 4];

			if (got[p] != want)
				fail_msg("(%u, %u, %u), byte %u: %u, not %u", k[0], k[1], k[2], p,
					 got[p], want);
		}
	}
	video_rig_close(r);
}

TEST(the_display_shows_the_picture_it_reads)
{
	struct video_rig *r = open_plain();
	uint8_t line[30 * 4];

	for (uint32_t y = 0; y < 18; y++) {
		for (uint32_t i = 0; i < sizeof(line); i++)
			line[i] = (uint8_t)(y * 37 + i * 3);
		assert_ok(sim_machine_poke(r->machine, MEM + y * 256, line, sizeof(line)));
	}
	set_size(r, DISPLAY, 30, 18);
	set_plane(r, DISPLAY, REG_SRC0, (uint32_t)MEM, 256);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	assert_int_equal(atomic_load(&r->nr_shown), 1);
	assert_true(r->width == 30 && r->height == 18);
	for (uint32_t i = 0; i < 18 * sizeof(line); i++)
		assert_int_equal(r->panel[i], (uint8_t)(i / 120 * 37 + i % 120 * 3));
	video_rig_close(r);
}

/* Line 5 of 8 is not there. */
TEST(an_aborted_access_stops_the_device_and_keeps_the_buffer)
{
	struct video_rig *r = open_plain();
	uint32_t end = RIG_RAM_LOW + (32u << 20), at = end - 5 * 64;
	uint8_t line[64];

	memset(line, 0x40, sizeof(line));
	for (uint32_t i = 0; i < 5; i++)
		assert_ok(sim_machine_poke(r->machine, at + 64 * i, line, sizeof(line)));
	set_size(r, DISPLAY, 16, 8);
	set_plane(r, DISPLAY, REG_SRC0, at, 64);
	video_rig_write(r, DISPLAY, REG_COOKIE, 77);
	queue(r, DISPLAY);
	set_good(r, DISPLAY, 78);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_STATUS, STATUS_ERROR);
	expect(r, DISPLAY, REG_CTRL, 0);
	expect(r, DISPLAY, REG_ERROR_ADDR, end);
	expect(r, DISPLAY, REG_ERROR_COUNT, 1);
	expect(r, DISPLAY, REG_QUEUED, 2);
	expect(r, DISPLAY, REG_DONE_COUNT, 0);
	assert_int_equal(atomic_load(&r->nr_shown), 0);
	/* Run again: the same buffer from its first line, the same error; the address stays. */
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_ERROR_COUNT, 2);
	expect(r, DISPLAY, REG_ERROR_ADDR, end);
	expect(r, DISPLAY, REG_QUEUED, 2);
	video_rig_close(r);
}

static uint64_t zero_read(void *ctx, uint64_t offset, uint32_t width)
{
	(void)ctx;
	(void)offset;
	(void)width;
	return 0;
}

static void zero_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	(void)ctx;
	(void)offset;
	(void)width;
	(void)value;
}

/* Lines 4 KiB apart; where the first one is, something appears later. */
TEST(error_addr_is_the_first_since_error_was_clear)
{
	static const struct sim_mmio_ops zero = { .read = zero_read, .write = zero_write };
	struct video_rig *r = open_plain();

	set_size(r, DISPLAY, 16, 8);
	set_plane(r, DISPLAY, REG_SRC0, NOWHERE, 0x1000);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_ERROR_ADDR, NOWHERE);
	assert_ok(sim_bus_add_mmio(sim_machine_bus(r->machine), "zero", NOWHERE, 0x1000, &zero,
				   NULL));
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_ERROR_COUNT, 2);
	expect(r, DISPLAY, REG_ERROR_ADDR, NOWHERE);
	video_rig_write(r, DISPLAY, REG_STATUS, STATUS_ERROR);
	expect(r, DISPLAY, REG_STATUS, 0);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_STATUS, STATUS_ERROR);
	expect(r, DISPLAY, REG_ERROR_COUNT, 3);
	expect(r, DISPLAY, REG_ERROR_ADDR, NOWHERE + 0x1000);
	sim_bus_remove_mmio(sim_machine_bus(r->machine), NOWHERE);
	video_rig_close(r);
}

TEST(error_addr_is_where_in_a_line_the_access_was_aborted)
{
	struct video_rig *r = open_plain();
	uint32_t end = RIG_RAM_LOW + (32u << 20);

	set_size(r, DISPLAY, 16, 2);
	set_plane(r, DISPLAY, REG_SRC0, end - 64 - 24, 64);
	queue(r, DISPLAY);
	video_rig_write(r, DISPLAY, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, DISPLAY, REG_ERROR_ADDR, end);
	expect(r, DISPLAY, REG_ERROR_COUNT, 1);
	video_rig_close(r);
}

/* What the camera left out at the error comes after the restart, from the first line. */
TEST(a_restart_begins_with_the_first_line)
{
	struct video_rig *r = open_plain();
	uint32_t end = RIG_RAM_LOW + (32u << 20);
	uint8_t line[16];

	atomic_store(&r->frames_left, 2);
	set_size(r, CAMERA, 16, 32);
	set_plane(r, CAMERA, REG_DST0, end - 16 * 20, 16); /* 20 of 32 lines */
	set_plane(r, CAMERA, REG_DST1, (uint32_t)MEM, 16);
	queue(r, CAMERA);
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	expect(r, CAMERA, REG_ERROR_ADDR, end);
	memset(line, GUARD, sizeof(line));
	assert_ok(sim_machine_poke(r->machine, end - 16 * 20, line, sizeof(line)));
	video_rig_write(r, CAMERA, REG_CTRL, CTRL_RUN);
	video_rig_run(r);
	assert_ok(sim_machine_peek(r->machine, end - 16 * 20, line, sizeof(line)));
	assert_int_equal(line[3], video_rig_luma(atomic_load(&r->frame), 3, 0));
	video_rig_close(r);
}

TEST(a_device_that_is_gone_answers_nothing)
{
	struct video_rig *r = open_plain();

	sim_video_free(r->model[CAMERA]);
	r->model[CAMERA] = NULL;
	assert_int_equal(video_rig_read(r, CAMERA, REG_ID), UINT32_MAX);
	sim_video_free(NULL);
	video_rig_close(r);
}

TEST(two_devices_need_two_stream_ids_and_two_windows)
{
	struct video_rig *r = open_plain();
	struct sim_video *video = NULL;
	struct sim_video_cfg cfg = { .bus = sim_machine_bus(r->machine),
				     .base = SIM_DEV_BASE + 5 * SIM_DEV_STRIDE,
				     .sid = RIG_FIRST_SID };

	assert_int_equal(sim_converter_new(&cfg, &video), -EEXIST);
	cfg.sid = 9;
	cfg.base = video_rig_base(DISPLAY);
	assert_int_equal(sim_converter_new(&cfg, &video), -EEXIST);
	assert_null(video);
	cfg.base = SIM_DEV_BASE + 5 * SIM_DEV_STRIDE;
	assert_ok(sim_converter_new(&cfg, &video));
	sim_video_free(video);
	video_rig_close(r);
}
