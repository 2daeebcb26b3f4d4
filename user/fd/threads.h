/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a thread did last.
 *
 * Records are written when a call returns, and say nothing of when it was entered. But a
 * thread's calls are in order: one was entered after the thread's call before had returned,
 * and after the thread had been born. Where that is late enough, the order of two racing
 * threads is certain without a hook at the entry of calls.
 *
 * And what it is about to close, where older recordings have records of Python's objects: as the
 * last of them in this thread says. In others a close tells that by itself (claims.h).
 *
 * A record that comes in the midst of a call (CALL_INSTALLED) does not count for that; when the
 * first such came since is kept beside it.
 *
 * Also which call of its failed last: an object that was robbed of its number mostly shows so,
 * before it closes what has the number by then.
 *
 * Owns: the time and the table of each thread's last record, and that intent, bounded; the thread
 * that was silent for longest is forgotten first. Never: knows what the calls were.
 */
#ifndef FDTRACE_FD_THREADS_H
#define FDTRACE_FD_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;

/* The last call of a thread that failed because its number was not open, and made it known. */
struct missed {
	const void *table; /* compared, and nothing else */
	uint64_t time_ns;  /* 0: none, or the thread has opened the number since */
	int32_t fd;
};

/* What a thread means with a close, before it or after; all 0: not known. */
struct intent {
	uint8_t point; /* enum owner_point */
	uint8_t owner; /* enum owner_type */
	bool finalizer;
	bool stale;  /* the object had it still after an earlier close: this one comes after that */
	bool unsure; /* whose it is: of several objects at hand, or of one that was first seen late
		      */
	uint64_t since_ns; /* the call was entered then or later; 0: not known */
	int32_t fd;
	uint64_t object; /* 0: no object's doing (os.close) */
	uint64_t gen;	 /* id of the one that the object had taken; 0: not known */
};

/* Objects that are closing, one inside another: a finalizer's warning runs any code. */
#define INTENTS_MAX 4

struct intents {
	struct intent objects[INTENTS_MAX]; /* the innermost last */
	size_t count;
	bool os_close;	 /* the next call is its */
	uint64_t warned; /* the FileIO that a finalizer around it has found open */
};

/* One more object that is closing; the outermost is forgotten if there are too many. */
void intents_push(struct intents *intents, const struct intent *intent);

/* The thread closes fd: as it meant to, which is over then. */
struct intent intents_take(struct intents *intents, int32_t fd);

struct threads {
	struct thread *index; /* by tid */
	struct thread *list;  /* the one that was silent for longest first */
	struct intents nobodys;
	struct missed none;
};

void threads_free(struct threads *threads);

/* A thread's record before: when, 0: none is known; and the address of the table it was in. */
struct thread_past {
	uint64_t time_ns;
	uint64_t table;
	uint64_t installed_ns; /* the first CALL_INSTALLED since then; 0: none */
};

/*
 * A record of the thread was written at time_ns, when it was in this table. The one before;
 * without memory the thread stays unknown.
 */
struct thread_past threads_note(struct threads *threads, uint32_t tid, uint64_t time_ns,
				uint64_t table);

/* The same in the midst of a call: the record before stays the one before. */
struct thread_past threads_note_installed(struct threads *threads, uint32_t tid, uint64_t time_ns);

/* To be changed; as threads_intents(). */
struct missed *threads_missed(struct threads *threads, uint32_t tid);

/*
 * What the thread means to do, to be changed; without memory something that nobody looks at. Lent,
 * until the next call of threads_*().
 */
struct intents *threads_intents(struct threads *threads, uint32_t tid);

#endif
