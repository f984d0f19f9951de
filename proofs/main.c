/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs every model and every broken variant; the last line counts them. */
#include <stdio.h>

#include "proofs/explore.h"

int main(void)
{
	const struct model *groups[] = { slot_drain_models, table_life_models, flush_queue_models };
	int nr_ok = 0, nr_bad = 0;

	for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (const struct model *m = groups[g]; m->name != NULL; m++) {
			if (explore(m) == 0)
				nr_ok++;
			else
				nr_bad++;
		}
	}
	printf("%d passed, %d failed\n", nr_ok, nr_bad);
	return nr_bad != 0;
}
