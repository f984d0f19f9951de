/* SPDX-License-Identifier: BSD-2-Clause */
/* NV12 to BGR0 by libswscale: nearest chroma, exact rounding, no dithering. No lock. */
#include "tests/tool/swscale.h"

#include <stddef.h>

#include <libavutil/cpu.h>
#include <libswscale/swscale.h>

enum { EXACT = SWS_POINT | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT };

void oracle_use_simd(bool on)
{
	av_force_cpu_flags(on ? -1 : 0);
}

static struct SwsContext *make_context(int width, int height)
{
	const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
	struct SwsContext *sws = sws_getContext(width, height, AV_PIX_FMT_NV12, width, height,
						AV_PIX_FMT_BGR0, EXACT, NULL, NULL, NULL);

	if (sws != NULL &&
	    sws_setColorspaceDetails(sws, bt709, 0, bt709, 1, 0, 1 << 16, 1 << 16) < 0) {
		sws_freeContext(sws);
		sws = NULL;
	}
	return sws;
}

bool oracle_convert(const uint8_t *nv12, uint32_t width, uint32_t height, uint8_t *xrgb)
{
	const int w = (int)width, h = (int)height;
	const uint8_t *src[4] = { nv12, nv12 + (size_t)width * height };
	uint8_t *dst[4] = { xrgb };
	const int src_stride[4] = { w, w }, dst_stride[4] = { 4 * w };
	struct SwsContext *sws = make_context(w, h);
	bool ok;

	if (sws == NULL)
		return false;
	ok = sws_scale(sws, src, src_stride, 0, h, dst, dst_stride) == h;
	sws_freeContext(sws);
	for (size_t i = 0; i < (size_t)width * height; i++)
		xrgb[4 * i + 3] = 0;
	return ok;
}
