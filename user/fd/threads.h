/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a thread did last.
 *
 * Records are written when a call returns, and say nothing of when it was entered. But a
 * thread's calls are in order: one was entered after the thread's call before had returned,
 * and after the thread had been born. Where that is late enough, the order of two racing
 * threads is certain without a hook at the entry of calls.
 *
 * Owns: the time of each thread's last record, bounded; the thread that was silent for longest
 * is forgotten first. Never: knows what the calls were.
 */
#ifndef FDTRACE_FD_THREADS_H
#define FDTRACE_FD_THREADS_H

#include <stdint.h>

struct thread;

struct threads {
	struct thread *index; /* by tid */
	struct thread *list;  /* the one that was silent for longest first */
};

void threads_free(struct threads *threads);

/*
 * A record of the thread was written at time_ns. The time of the one before, 0: not known;
 * without memory the thread stays unknown.
 */
uint64_t threads_note(struct threads *threads, uint32_t tid, uint64_t time_ns);

#endif
