/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The pipe: records in, findings out.
 *
 * Owns: the order of things: names first, then processes and descriptors, then verdicts, then
 * the sinks; and the sequence numbers that show each loss.
 * Never: knows a report, an agent or a terminal; blocks; reads the kernel (its owner feeds it).
 */
#ifndef FDTRACE_SESSION_H
#define FDTRACE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fd/lifecycle.h"
#include "sink.h"
#include "stack/stack.h"

struct session;

struct session_options {
	struct fd_limits fd;
	size_t max_stacks;	      /* 0: default */
	stack_forget_fn forget_stack; /* see stack/stack.h; may be NULL */
	void *forget_arg;
};

/* 0 or -ENOMEM. */
int session_new(const struct session_options *options, struct session **ret_session);
void session_free(struct session *session);

/* The session owns the sink from here on. 0 or -ENOSPC: too many. */
int session_add_sink(struct session *session, struct sink *sink);

/* A process whose records will come; before its first. 0, -ESRCH, or another negative errno. */
int session_add_process(struct session *session, pid_t pid, enum fd_since since);
bool session_has_process(const struct session *session, pid_t pid);

/* It was added in vain: it has gone before anything was seen of it. */
void session_remove_process(struct session *session, pid_t pid);

/*
 * Reads the descriptors that a process has from /proc (FD_FROM_ATTACH), once the hooks see
 * its calls: what it did in between is in the snapshot, in the records, or in both. 0 or negative
 * errno.
 */
int session_snapshot(struct session *session, pid_t pid);

/* The runtime found in a process, for its findings: "CPython 3.11.2". */
void session_set_runtime(struct session *session, pid_t pid, const char *runtime);

/*
 * One record, in ring order. 0; -EINVAL: it makes no sense and is ignored; -ENOMEM; or the
 * error of a sink, after which that sink gets nothing more (-EPIPE: nobody reads it).
 */
int session_record(struct session *session, const struct record_header *record);

/* Time passes: decides what waited, and flushes the sinks. now_ns is CLOCK_BOOTTIME. */
int session_tick(struct session *session, uint64_t now_ns);

/* What is known so far; lost[], compat and unseen are the owner's to fill in. */
void session_stats(const struct session *session, struct session_stats *ret_stats);

/* Processes that are traced and alive, as far as the records tell. */
size_t session_alive(const struct session *session);

/* Decides all that waits, and gives each sink the summary. */
int session_end(struct session *session, const struct session_stats *stats);

#endif
