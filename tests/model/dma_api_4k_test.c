/* SPDX-License-Identifier: BSD-2-Clause */
/* Random calls of the DMA API against the oracle, page tables with 4K granules. */
#include "tests/model/dma_model.h"

TEST(random_calls_match_the_oracle_with_4k_granules)
{
	static const struct model_opt machines[] = {
		{ .granule_lg2 = 12, .noncoherent = false },
		{ .granule_lg2 = 12, .noncoherent = true },
	};

	model_run(machines, 2, 24, 12000, 360000);
}
