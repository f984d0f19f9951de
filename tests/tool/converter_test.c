/* SPDX-License-Identifier: BSD-2-Clause */
/* The converter's pictures against libswscale: every (Y, Cb, Cr), and random pictures. */
#include <math.h>
#include <stdlib.h>

#include "platform/sim/sim_platform.h"
#include "sim/rng.h"
#include "sim/video.h"
#include "tests/support/check.h"
#include "tests/tool/swscale.h"

enum { SID = 7, REG_CTRL = 0x08, REG_STATUS = 0x0c, REG_DONE = 0x10, REG_QUEUE = 0x4c };
enum { ALL = 4096 }; /* a picture of ALL x ALL pixels has one for each triple */

#define RAM_BASE 0x40000000ull
#define RAM_BYTES (128ull << 20)
#define SRC RAM_BASE
#define DST (RAM_BASE + (32ull << 20))

struct rig {
	struct sim_machine *machine;
	struct sim_video *converter;
	uint8_t *nv12;
	uint8_t *xrgb;
	uint8_t *oracle;
};

static void rig_open(struct rig *r)
{
	const struct sim_machine_cfg cfg = { .ram_base = RAM_BASE, .ram_bytes = RAM_BYTES };
	struct sim_video_cfg video = { .base = SIM_DEV_BASE, .sid = SID, .no_iommu = true };

	assert_ok(sim_machine_open(&cfg, &r->machine));
	video.bus = sim_machine_bus(r->machine);
	assert_ok(sim_converter_new(&video, &r->converter));
	r->nv12 = malloc(ALL * ALL * 3 / 2);
	r->xrgb = malloc(ALL * ALL * 4);
	r->oracle = malloc(ALL * ALL * 4);
	assert_true(r->nv12 != NULL && r->xrgb != NULL && r->oracle != NULL);
}

static void rig_close(struct rig *r)
{
	free(r->nv12);
	free(r->xrgb);
	free(r->oracle);
	sim_video_free(r->converter);
	assert_true(sim_machine_close(r->machine, NULL));
}

static void reg_write(struct rig *r, uint32_t reg, uint64_t value)
{
	struct dma_platform *p = sim_machine_platform(r->machine);

	p->mmio_write(p, SIM_DEV_BASE + reg, 4, value);
}

/* r->nv12 through the converter to r->xrgb, and through libswscale to r->oracle. */
static void convert(struct rig *r, uint32_t width, uint32_t height)
{
	size_t pixels = (size_t)width * height;
	struct dma_platform *p = sim_machine_platform(r->machine);
	const uint64_t regs[] = { width,	 height, SRC, width, SRC + pixels, width, DST,
				  width * 4ull };

	assert_ok(sim_machine_poke(r->machine, SRC, r->nv12, pixels * 3 / 2));
	reg_write(r, REG_CTRL, 2);
	for (uint32_t i = 0; i < 8; i++)
		reg_write(r, 0x20 + 4 * i, regs[i]);
	reg_write(r, REG_QUEUE, 1);
	reg_write(r, REG_CTRL, 1);
	while (sim_machine_run(r->machine, 10000) != 0)
		;
	assert_int_equal(p->mmio_read(p, SIM_DEV_BASE + REG_DONE, 4), 1);
	assert_ok(sim_machine_peek(r->machine, DST, r->xrgb, pixels * 4));
	assert_true(oracle_convert(r->nv12, width, height, r->oracle));
}

/* 2x2 block b has triple (Y, Cb, Cr) = bits (7:2 of Y, Cb, Cr) of b, and the four next Y. */
static void fill_all(uint8_t *nv12)
{
	uint8_t *cbcr = nv12 + ALL * ALL;

	for (uint32_t b = 0; b < ALL * ALL / 4; b++) {
		uint32_t row = b / (ALL / 2), col = b % (ALL / 2);
		uint8_t *y = nv12 + (size_t)row * 2 * ALL + col * 2;

		y[0] = (uint8_t)(b % 64 * 4);
		y[1] = (uint8_t)(y[0] + 1);
		y[ALL] = (uint8_t)(y[0] + 2);
		y[ALL + 1] = (uint8_t)(y[0] + 3);
		cbcr[(size_t)row * ALL + col * 2] = (uint8_t)(b / 64);
		cbcr[(size_t)row * ALL + col * 2 + 1] = (uint8_t)(b / 64 / 256);
	}
}

/* The one exception: where 32 bits overflow inside libswscale, B is 255 here. */
static bool overflows(int64_t y, int64_t cb)
{
	return 512 * (y - 16) * 9539 + (1 << 21) + 512 * (cb - 128) * 17305 >= INT64_C(1) << 31;
}

TEST(every_y_cb_cr_is_converted_as_by_libswscale)
{
	uint32_t nr_overflows = 0;
	struct rig r;

	rig_open(&r);
	fill_all(r.nv12);
	convert(&r, ALL, ALL);
	for (size_t i = 0; i < (size_t)ALL * ALL; i++) {
		const uint8_t *c = r.nv12 + (size_t)ALL * ALL + i / ALL / 2 * ALL + (i % ALL & ~1u);
		uint8_t *mine = r.xrgb + 4 * i, *theirs = r.oracle + 4 * i;

		if (overflows(r.nv12[i], c[0])) {
			assert_true(r.nv12[i] > 235 || c[0] > 240);
			assert_int_equal(mine[0], 255);
			nr_overflows++;
			theirs[0] = 255;
		}
		if (memcmp(mine, theirs, 4) != 0)
			fail_msg("(%u, %u, %u): %u %u %u %u, libswscale %u %u %u %u", r.nv12[i],
				 c[0], c[1], mine[0], mine[1], mine[2], mine[3], theirs[0],
				 theirs[1], theirs[2], theirs[3]);
	}
	assert_int_equal(nr_overflows, 70144);
	rig_close(&r);
}

/* BT.709 in floating point: the integers are within one of it, everywhere. */
TEST(the_integers_are_within_one_of_bt709)
{
	struct rig r;

	rig_open(&r);
	fill_all(r.nv12);
	convert(&r, ALL, ALL);
	for (size_t i = 0; i < (size_t)ALL * ALL; i += 5) {
		const uint8_t *c = r.nv12 + (size_t)ALL * ALL + i / ALL / 2 * ALL + (i % ALL & ~1u);
		double y = (r.nv12[i] - 16) / 219.0, u = (c[0] - 128) / 224.0;
		double v = (c[1] - 128) / 224.0;
		const double bgr[3] = { y + 1.8556 * u,
					y - (0.0722 * 1.8556 * u + 0.2126 * 1.5748 * v) / 0.7152,
					y + 1.5748 * v };

		for (uint32_t k = 0; k < 3; k++) {
			double want = fmin(fmax(bgr[k] * 255, 0), 255);

			assert_true(fabs(want - r.xrgb[4 * i + k]) < 1);
		}
	}
	rig_close(&r);
}

/* Chroma belongs to its own 2x2 block: any shift or interpolation would show in noise. */
TEST(random_pictures_of_any_size_are_converted_as_by_libswscale)
{
	static const uint32_t sizes[][2] = { { 1920, 1080 }, { 4, 2 },	     { 16, 2 },
					     { 4, 4096 },    { 4096, 16 },   { 100, 62 },
					     { 1280, 720 },  { 1028, 1030 }, { 320, 18 } };
	struct sim_rng rng = sim_rng_make(5, 0);
	struct rig r;

	rig_open(&r);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t w = sizes[i][0], h = sizes[i][1];

		for (size_t k = 0; k < (size_t)w * h * 3 / 2; k++)
			r.nv12[k] = (uint8_t)(16 + sim_rng_below(&rng, 220));
		oracle_use_simd(i % 2 == 0);
		convert(&r, w, h);
		assert_memory_equal(r.xrgb, r.oracle, (size_t)w * h * 4);
	}
	oracle_use_simd(true);
	rig_close(&r);
}
