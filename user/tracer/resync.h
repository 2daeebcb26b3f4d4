/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * After a loss of records: the session hears of it at once, and what the traced processes have
 * open is read anew. Those whose end was lost are let go (lost_exits.h).
 *
 * Owns: the order and the pace: one round over all traced processes after a loss, not more than
 * one in a second, a few processes at a time so that the ring is read meanwhile. A loss during a
 * round begins another one. Never: judges what was lost.
 */
#ifndef FDTRACE_TRACER_RESYNC_H
#define FDTRACE_TRACER_RESYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"
#include "session/session.h"
#include "tracer/lost_exits.h"

struct resync {
	struct ebpf *ebpf;
	const struct session *session;
	record_fn feed, ended;
	void *arg;
	struct lost_exits lost_exits;
	uint64_t gaps;	   /* as many losses as the round takes care of */
	uint64_t begun_ns; /* when the round began */
	pid_t at;	   /* the process after which it goes on; 0: from the first on */
	bool running;
};

/*
 * All are lent and must outlive it. What is learned goes to feed, the record of an end that was
 * lost to ended.
 */
void resync_init(struct resync *resync, struct ebpf *ebpf, const struct session *session,
		 record_fn feed, record_fn ended, void *arg);
void resync_free(struct resync *resync);

/*
 * Tells of records that have been lost since the last call, before those that came after them,
 * which may be long in coming. now_ns: CLOCK_BOOTTIME. 0, or what feed returned.
 */
int resync_report(struct resync *resync, uint64_t now_ns);

/*
 * Looks at the next few processes: who they are and what they have open, each at most once in a
 * second; and which are there no more. now_ns: CLOCK_BOOTTIME; more: records that are older than
 * that may be in the ring. 0, or what feed or ended returned.
 */
int resync_look(struct resync *resync, uint64_t now_ns, bool more);

#endif
