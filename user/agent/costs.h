/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What tracing costs, kept within budget.h's limit: reads what the hooks have cost each process,
 * lets the costliest alone for a while, and takes them up again.
 *
 * Owns: the rounds. Never: decides which.
 */
#ifndef FDTRACE_AGENT_COSTS_H
#define FDTRACE_AGENT_COSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/budget.h"
#include "tracer/tracer.h"

struct costs {
	struct budget budget;
	uint64_t told_ns; /* CLOCK_BOOTTIME: when it was last said that processes are let alone */
	bool begun;	  /* what ran at the start has been taken up, and its memory searched */
};

/*
 * Does nothing but once in a second. now_ns: CLOCK_BOOTTIME. 0, or negative errno: the trace should
 * end.
 */
int costs_step(struct costs *costs, struct tracer *tracer, uint64_t now_ns);

#endif
