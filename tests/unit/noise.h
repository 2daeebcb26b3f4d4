/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Numbers by chance, the same in each run. */
#ifndef FDTRACE_TESTS_NOISE_H
#define FDTRACE_TESTS_NOISE_H

#include <stdint.h>

static uint64_t noise(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

#endif
