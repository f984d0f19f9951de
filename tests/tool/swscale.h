/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle of the pipeline: the same conversion by libswscale, with the parameters that
 * docs/design/video-devices.md states. Shares no code with the models, drivers or tools.
 */
#ifndef DMAMAP_TESTS_TOOL_SWSCALE_H
#define DMAMAP_TESTS_TOOL_SWSCALE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * NV12, BT.709 limited range (Y plane, then CbCr plane, no padding) to BGR0, full range. The fourth
 * byte is 0. false: libswscale cannot do it.
 */
bool oracle_convert(const uint8_t *nv12, uint32_t width, uint32_t height, uint8_t *xrgb);
/* false: no instructions but the plain ones, from now on. */
void oracle_use_simd(bool on);

#endif
