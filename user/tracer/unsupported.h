/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The Pythons whose stacks can't be read, and that this is said: once for each kind of them.
 *
 * Owns: the sentences that wait to be said. Never: prints before it is asked to.
 */
#ifndef FDTRACE_TRACER_UNSUPPORTED_H
#define FDTRACE_TRACER_UNSUPPORTED_H

#include <stdbool.h>
#include <sys/types.h>

#include "python/runtime.h"

#define UNSUPPORTED_MAX	 16
#define UNSUPPORTED_SIZE 160
#define RUNTIME_NAME	 40

struct unsupported {
	char lines[UNSUPPORTED_MAX][UNSUPPORTED_SIZE];
	unsigned int count, told;
};

/* "CPython 3.11.2", "PyPy". */
void unsupported_name(const struct python_runtime *runtime, char ret[RUNTIME_NAME]);

/*
 * A traced process runs this Python, which is not walked: for what python_runtime_find() said, or
 * because the live process is not as the layout says (unsound).
 */
void unsupported_meet(struct unsupported *unsupported, pid_t pid,
		      const struct python_runtime *runtime, bool unsound);

/* The next sentence that has not been said; NULL: none. Lent. */
const char *unsupported_notice(struct unsupported *unsupported);

#endif
