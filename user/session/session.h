/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The pipe: records in, findings out.
 *
 * Owns: the order of things: names first, then processes and descriptors, then verdicts, then
 * the sinks; and the sequence numbers that show each loss.
 * Never: knows a report, an agent or a terminal; blocks; reads the kernel, /proc or a clock. It is
 * a function of its options and of the records that its owner feeds it, so that a recording of
 * both gives the same findings again.
 */
#ifndef FDTRACE_SESSION_SESSION_H
#define FDTRACE_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fd/lifecycle.h"
#include "session/sink.h"
#include "stack/stack.h"

struct session;

/*
 * What a session may keep by default. Of any amount, descriptors and their histories have six
 * tenths, code objects a quarter, Python stacks a tenth, native stacks the rest.
 */
#define SESSION_MEMORY (160u << 20)

struct session_options {
	struct fd_limits fd;	      /* but for its bytes */
	size_t max_stacks;	      /* 0: default */
	size_t memory;		      /* bytes for all that is kept; 0: SESSION_MEMORY */
	uint64_t started_ns;	      /* CLOCK_BOOTTIME: when tracing began */
	int64_t wall_offset_ns;	      /* see base/clock.h */
	stack_forget_fn forget_stack; /* see stack/stack.h; may be NULL */
	void *forget_arg;
};

/* 0 or -ENOMEM. */
int session_new(const struct session_options *options, struct session **ret_session);
void session_free(struct session *session);

/* The session owns the sink from here on. 0 or -ENOSPC: too many. */
int session_add_sink(struct session *session, struct sink *sink);

/* It is traced, and has not exited as far as the records tell. */
bool session_has_process(const struct session *session, pid_t pid);

/*
 * One record, in order: the ring's, and what the user side learned when it learned it. 0; -EINVAL:
 * it makes no sense and is ignored; -ESRCH: of a process that is not traced; -ENOMEM; or the error
 * of a sink, after which that sink gets nothing more (-EPIPE: nobody reads it).
 */
int session_record(struct session *session, const struct record_header *record);

/* Whether a RECORD_TICK would change anything: after a long quiet there is nothing left to decide.
 */
bool session_wants_tick(const struct session *session, uint64_t now_ns);

/* Flushes the sinks. 0, or the error of one. */
int session_flush(struct session *session);

/*
 * What is known so far; lost[], compat_calls and unseen from RECORD_END on. Times are the
 * records', not the clock's.
 */
void session_stats(const struct session *session, struct session_stats *ret_stats);

/*
 * The numbers of these processes, from the heap. How many; 0, with NULL: none, or no memory.
 */
size_t session_living(const struct session *session, pid_t **ret);

/* The latest time in a record of the kernel side's; 0: none has come. */
uint64_t session_arrived_ns(const struct session *session);

/* What is known of it; NULL: nothing. Lent, until the next record. */
const struct process *session_process(const struct session *session, pid_t pid);

/* The process of this number started then, as far as is known. */
bool session_process_started(const struct session *session, pid_t pid, uint64_t start_ns);

/* How often records were found lost so far. */
uint64_t session_gaps(const struct session *session);

/* Decides all that waits, and, if wanted, gives each sink the summary. 0, or a sink's error. */
int session_end(struct session *session, bool summary);

#endif
