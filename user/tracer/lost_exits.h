/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Processes whose end was among the records that were lost.
 *
 * The kernel side lets go of a process as it ends, whether there is room for the record or not. So
 * after a loss the session's processes are compared with those that the kernel side still has. One
 * that it has not may have its record in the ring yet: it is let go when what was in the ring by
 * then has been read.
 *
 * Owns: that comparison, at most one in a second. Never: judges; trusts a number that is in use
 * again.
 */
#ifndef FDTRACE_TRACER_LOST_EXITS_H
#define FDTRACE_TRACER_LOST_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"
#include "session/session.h"

struct lost_exits {
	const struct ebpf *ebpf;
	const struct session *session;
	record_fn ended; /* takes the record of an end */
	void *arg;
	uint64_t gaps;	  /* as many losses as have been taken care of */
	uint64_t seen_ns; /* when those in gone were found to be; 0: not yet */
	pid_t *gone;	  /* NULL: none is waited for */
	size_t count;
};

/* All are lent. */
void lost_exits_init(struct lost_exits *lost_exits, const struct ebpf *ebpf,
		     const struct session *session, record_fn ended, void *arg);
void lost_exits_free(struct lost_exits *lost_exits);

/* The process has ended, though its record was lost. What ended() returned. */
int lost_exits_end(const struct lost_exits *lost_exits, pid_t pid, uint64_t now_ns);

/*
 * Looks, if there is occasion to. now_ns: CLOCK_BOOTTIME; more: the ring has records that may be
 * older than that. 0, or what ended() returned.
 */
int lost_exits_look(struct lost_exits *lost_exits, uint64_t now_ns, bool more);

#endif
