/* SPDX-License-Identifier: BSD-2-Clause */
/* Does touching a byte end in SIGSEGV (or SIGBUS)? For one thread at a time; no lock. */
#ifndef DMAMAP_TESTS_SUPPORT_SEGV_H
#define DMAMAP_TESTS_SUPPORT_SEGV_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static sigjmp_buf segv_back;

static inline void segv_caught(int sig)
{
	siglongjmp(segv_back, sig);
}

/* Read, or write back what was read. The byte is not changed. */
static inline bool segv_touch(volatile void *at, bool write)
{
	struct sigaction act, old_segv, old_bus;
	volatile uint8_t *byte = at;
	bool faulted;

	memset(&act, 0, sizeof(act));
	act.sa_handler = segv_caught;
	sigemptyset(&act.sa_mask);
	sigaction(SIGSEGV, &act, &old_segv);
	sigaction(SIGBUS, &act, &old_bus);
	if (sigsetjmp(segv_back, 1) == 0) {
		uint8_t value = *byte;

		if (write)
			*byte = value;
		faulted = false;
	} else {
		faulted = true;
	}
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	return faulted;
}

#endif
