/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/clock.h"

#include <time.h>

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_wall_offset_ns(void)
{
	int64_t best = 0;
	uint64_t width = UINT64_MAX;

	/* The narrowest of a few brackets: a preempted reading is not taken. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = now_ns(CLOCK_BOOTTIME);
		uint64_t wall = now_ns(CLOCK_REALTIME);
		uint64_t after = now_ns(CLOCK_BOOTTIME);

		if (after - before < width) {
			width = after - before;
			best = (int64_t)(wall - (before + width / 2));
		}
	}
	return best;
}
