/* SPDX-License-Identifier: BSD-2-Clause */
/* In front of a test copy of the tool: its machine fails one request, see run_fail_test.c. */
#ifndef DMAMAP_TESTS_TOOL_FAILING_H
#define DMAMAP_TESTS_TOOL_FAILING_H

#include "platform/sim/sim_platform.h"

int failing_machine_open(const struct sim_machine_cfg *cfg, struct sim_machine **machine);
bool failing_machine_close(struct sim_machine *machine, struct sim_machine_leaks *leaks);

#ifndef FAILING_ORIGINALS
#define sim_machine_open failing_machine_open
#define sim_machine_close failing_machine_close
#endif

#endif
