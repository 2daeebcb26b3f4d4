/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Keeps what is known of bugs in the spool, so that a restart does not call them new.
 *
 * Owns: when that is written. Never: waits for the disk, but at the end.
 */
#ifndef FDTRACE_AGENT_KEEPER_H
#define FDTRACE_AGENT_KEEPER_H

#include "agent/known.h"
#include "agent/spool.h"

struct keeper {
	struct known *known; /* lent, as spool is */
	struct spool *spool;
	uint64_t saved_ns;
};

/* Before spool_start(). 0 or negative errno: not all of it is known now. */
int keeper_load(const struct keeper *keeper);

/* now_ns: CLOCK_BOOTTIME. */
void keeper_step(struct keeper *keeper, uint64_t now_ns);

/* All that has changed, if it can be written within wait_ns. */
void keeper_finish(struct keeper *keeper, uint64_t wait_ns);

#endif
