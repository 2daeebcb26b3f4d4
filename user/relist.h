/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * After a loss of records: which processes are to be looked at anew.
 *
 * Owns: the order and the pace: one round over all traced processes after a loss, not more than
 * one in a second, a few processes at a time so that the ring is read meanwhile. A loss during a
 * round begins another one. Never: looks itself.
 */
#ifndef FDTRACE_RELIST_H
#define FDTRACE_RELIST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/probe.h"

struct relist {
	uint64_t gaps;	   /* as many losses as the round takes care of */
	uint64_t begun_ns; /* when the round began */
	pid_t at;	   /* the process after which it goes on; 0: from the first on */
	bool running;
};

/* The next process, 0: none for now. gaps: losses so far. */
pid_t relist_next(struct relist *relist, const struct probe *probe, uint64_t gaps, uint64_t now_ns);

#endif
