/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The generations of descriptors: tables, generations, history; and the verdicts over them.
 *
 * Owns: every table and what is known of every number in it. Pure: no I/O, no clock; what
 * it is fed is all that it knows, so a recording replays to the same findings.
 *
 * Never: keeps a pointer that it was given, resolves a stack, trusts a number's range.
 * Memory is bounded by struct fd_limits; what does not fit is counted and forgotten, and a
 * verdict that would have needed it says so (SITE_HISTORY_CUT).
 */
#ifndef FDTRACE_FD_LIFECYCLE_H
#define FDTRACE_FD_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd/caller.h"
#include "fd/finding.h"
#include "fd/limits.h"
#include "abi/record.h"

struct fd_world;

/* limits may be NULL: defaults. 0 or -ENOMEM. */
int fd_world_new(const struct fd_limits *limits, finding_fn emit, void *arg,
		 struct fd_world **ret_world);
void fd_world_free(struct fd_world *world);

/*
 * How much of a process's life is seen.
 *   FD_FROM_START    everything since its first instruction: a number never opened is known
 *                    never to have been opened
 *   FD_FROM_ATTACH   traced from some moment on; fd_snapshot_* says what was open then
 */
enum fd_since {
	FD_FROM_START,
	FD_FROM_ATTACH,
};

/*
 * A process enters the world. table may be 0: the table is learned from its first call.
 * Then each descriptor that /proc shows, and the end: from then on, a number that is not in
 * the snapshot, and was never seen opened, was closed when we attached.
 * max_fds: FDSize of /proc/PID/status: no number from it on was ever in use (0: not known).
 * threads: that the process has; of one alone no call can have been under way beside others.
 * time_ns: when the snapshot was finished, CLOCK_BOOTTIME.
 *
 * After a gap the same again, of a process that is known: what has not been seen since the gap is
 * then known anew. What is not listed is over, what is listed is open, but how it came to be is
 * lost. A list that is not brought to its end does no harm.
 */
int fd_process_add(struct fd_world *world, uint32_t tgid, uint64_t table, enum fd_since since);
int fd_snapshot_fd(struct fd_world *world, uint32_t tgid, int32_t fd, const struct fd_what *what,
		   bool cloexec);
int fd_snapshot_end(struct fd_world *world, uint32_t tgid, uint32_t max_fds, uint32_t threads,
		    uint64_t time_ns);

/*
 * Records, in ring order. -ENOMEM, -EINVAL (a record that makes no sense; it is ignored). caller:
 * who made the call; NULL: not known.
 */
int fd_call(struct fd_world *world, const struct record_call *call, const struct caller *caller);
int fd_owner(struct fd_world *world, const struct record_owner *record);
int fd_owner_type(struct fd_world *world, const struct record_owner_type *record);
int fd_fork(struct fd_world *world, const struct record_fork *record);
int fd_exec(struct fd_world *world, const struct record_exec *record);
int fd_unseen(struct fd_world *world, const struct record_unseen *record);
int fd_exit(struct fd_world *world, const struct record_exit *record);

/*
 * Records were lost (a jump of a CPU's sequence) before the next record: whatever is open or
 * closed in any table is no longer certain from here on, until it is seen again.
 */
void fd_gap(struct fd_world *world, uint64_t time_ns);

/*
 * Time passes: findings that waited for a racing call are decided. now_ns is CLOCK_BOOTTIME;
 * UINT64_MAX decides all (at the end of a session).
 */
void fd_settle(struct fd_world *world, uint64_t now_ns);

struct fd_counts {
	uint64_t live; /* descriptors believed open, all tables */
	uint64_t tables;
	uint64_t ebadf_closes; /* close(2) → EBADF seen */
	uint64_t sweep_closes; /* of these, folded into sweeps */
	uint64_t silent;       /* EBADF that is no finding: wrong mode, probes, vfork actions… */
	uint64_t forgotten;    /* numbers dropped because of fd_limits */
	uint64_t bytes;	       /* that all that is kept takes, as fd_limits.bytes counts them */
};

void fd_world_counts(const struct fd_world *world, struct fd_counts *ret_counts);

#endif
