/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Does a live Python hold what its layout says? A walk over its interpreters, threads and frames,
 * before names are read by that layout.
 *
 * Owns: the walk. Bounded; what it reads is hostile, and may change while it is read. Never: reads
 * a process by itself.
 */
#ifndef FDTRACE_PYTHON_CONSISTENCY_H
#define FDTRACE_PYTHON_CONSISTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "python/runtime.h"

enum soundness {
	CONSISTENT_NOT_YET, /* nothing is there so far: it starts, has ended, or can't be read */
	CONSISTENT_YES,
	CONSISTENT_NO, /* what is there contradicts the layout; once may be by chance */
};

/* size bytes at an address of the process into buf. False: not readable. */
typedef bool (*consistency_read_fn)(void *arg, uint64_t address, void *buf, size_t size);

/* bias: what the file was moved by. */
enum soundness python_consistent(const struct python_runtime *runtime, uint64_t bias,
				 consistency_read_fn read, void *arg);

#endif
