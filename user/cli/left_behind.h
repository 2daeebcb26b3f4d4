/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What COMMAND leaves behind: its first process has ended, and others that it started live on, such
 * as a daemon.
 *
 * Owns: whether they are waited for, and what is said of them. Never: ends one.
 */
#ifndef FDTRACE_CLI_LEFT_BEHIND_H
#define FDTRACE_CLI_LEFT_BEHIND_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/status_line.h"
#include "tracer/tracer.h"

struct left_behind {
	const char *command; /* its name; NULL: none was started, and nothing below is asked for */
	bool quiet;	     /* nothing is said */
	bool unwanted;	     /* they are not waited for */
	bool told;
	uint64_t ended_ns; /* when COMMAND did, CLOCK_BOOTTIME; 0: it runs */
};

/* COMMAND has ended. True: the others are waited for, as long as the kernel side has any. */
bool left_behind_begin(struct left_behind *left);

/* Says whom fdtrace waits for, once, when that has lasted a moment. The status line makes room. */
void left_behind_print_awaited(struct left_behind *left, const struct tracer *tracer,
			       struct status_line *status);

/* Says who lives on though tracing ends, if COMMAND itself has ended. */
void left_behind_print_untraced(struct left_behind *left, const struct tracer *tracer,
				struct status_line *status);

#endif
