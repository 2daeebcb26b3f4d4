/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The engine: a trace of some processes, from the kernel side to the findings.
 *
 *	tracer_new()		helpers, the session, the recording
 *	tracer_add_sink()	each output of the front end
 *	tracer_open()		the kernel side
 *	tracer_attach(), tracer_start()
 *	tracer_confine()
 *	tracer_step()		whenever tracer_fd() is readable, or there is more to do
 *	tracer_stop()
 *	tracer_finish()
 *	tracer_free()
 *
 * A record passes these stages in this order: discover.h (who runs a Python?), native_stacks.h
 * (which functions were those?), recorder.h (a copy for a replay), session/session.h (is that a
 * finding?). Each has one entry, and hands on to the next.
 *
 * Owns: all of these, the helper processes, and the descriptors that an event loop waits for.
 * Never: prints, handles a signal, starts a command, knows an option's name but in a sentence for
 * people. What people should know comes as sentences, from tracer_error and tracer_notice().
 *
 * The whole is for one thread. What takes long asks base/heed.h whether to go on.
 */
#ifndef FDTRACE_TRACER_TRACER_H
#define FDTRACE_TRACER_TRACER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ebpf/ebpf.h"
#include "session/sink.h"
#include "source/source.h"

struct tracer;

/* What it points to is lent until tracer_free(). */
struct tracer_options {
	struct ebpf_options ebpf; /* the kernel side */
	bool heap_scan;		  /* Python's descriptor owners of before are searched for */
	uint64_t heap_scan_bytes; /* of one process are read for that, at most */
	unsigned int history;	  /* generations kept of each descriptor */
	size_t memory;		  /* bytes for all that is kept; 0: SESSION_MEMORY */
	bool source_lines;	  /* a sink shows them */
	const char *debuginfod;	  /* servers asked for names; NULL: none */
	const char *record;	  /* the file of a recording; NULL: none */
	uint64_t record_bytes;	  /* that it may take */
	const char *files;	  /* where what is learned of executables is kept; NULL: nowhere */
};

/* What keeps a trace from beginning. */
enum tracer_failure {
	TRACER_FAILED,	     /* something else */
	TRACER_NO_PRIVILEGE, /* root, a capability, lockdown */
	TRACER_NO_KERNEL,    /* this kernel lacks what is needed */
	TRACER_NO_RECORDING, /* the file cannot be written */
};

/* The exit status of a front end that ends for it: base/exit_code.h. */
int tracer_exit_status(enum tracer_failure failure);

struct tracer_error {
	enum tracer_failure failure;
	char text[PATH_MAX + 256]; /* one sentence; a path in it is as it was given */
};

/*
 * First of all, so that the helper processes inherit nothing that they should not have. 0, or
 * negative errno with *error filled in.
 */
int tracer_new(const struct tracer_options *options, struct tracer **ret_tracer,
	       struct tracer_error *error);

/* Detaches from all, without a word. The sinks go too, but not what they print to. */
void tracer_free(struct tracer *tracer);

/* Where sinks get source lines from, so that they are recorded too. Lent; NULL: none are read. */
struct source_reader *tracer_source(struct tracer *tracer);

/* The tracer owns the sink from here on. Before tracer_attach(). 0 or -ENOSPC: too many. */
int tracer_add_sink(struct tracer *tracer, struct sink *sink);

/* Loads and attaches the kernel side; no process is traced yet. As tracer_new(). */
int tracer_open(struct tracer *tracer, struct tracer_error *error);

/* Which processes tracer_attach() is about. */
enum tracer_scope {
	TRACER_ONE,   /* this one, one of many */
	TRACER_NAMED, /* this one, which somebody asked for: what is cheaper with a probe in it may
			 be */
};

/*
 * Traces a running process, with all its threads; follow: with its living descendants too. (Whoever
 * it starts from then on is traced by ebpf_options.follow.) 0; 1: it was traced already; -ESRCH:
 * it does not exist or is gone; other negative errno.
 */
int tracer_attach(struct tracer *tracer, pid_t pid, enum tracer_scope scope, bool follow);

/*
 * Traces a process that waits just before the exec of command (ended by NULL), from its first
 * instruction. 0 or negative errno.
 */
int tracer_start(struct tracer *tracer, pid_t pid, char *const *command);

/*
 * Everything is open: gives up, for good, every privilege and system call that is not needed any
 * more. signals: they are sent to a process of another user; network: sockets are connected and
 * accepted and accepted. 0 or negative errno.
 */
int tracer_confine(const struct tracer *tracer, bool signals, bool network);

/* Readable when tracer_step() has something to do, which is every 50 ms too. Lent. */
int tracer_fd(const struct tracer *tracer);

/*
 * Takes what has come, as much as a busy process leaves time for, and decides what can be decided.
 * *ret_more: there is more to do at once. 0; or negative errno: a sink's or -ENOMEM: then the trace
 * should end.
 */
int tracer_step(struct tracer *tracer, bool *ret_more);

/*
 * With ebpf_options.starts: the next process that ran another program and was not traced, for the
 * caller to decide. 0: no more now; negative: some are not known, so all that run should be looked
 * at.
 */
pid_t tracer_next_start(struct tracer *tracer);

/*
 * The end in two parts, so that a front end may let its signals go in between: what is left to wait
 * for are others then. tracer_stop(): detaches, and takes what has come until then.
 * tracer_finish(): decides what waited, and, if wanted, has each sink sum up. As tracer_step().
 */
int tracer_stop(struct tracer *tracer);
int tracer_finish(struct tracer *tracer, bool summary);

/* What a sentence of tracer_notice() is about. */
enum tracer_notice {
	NOTICE_LACK = 1 << 0,	      /* what a missing privilege or resource costs */
	NOTICE_UNSUPPORTED = 1 << 1,  /* a Python that cannot be read */
	NOTICE_TROUBLE = 1 << 2,      /* something works no more; tracing goes on */
	NOTICE_NOT_RECORDED = 1 << 3, /* the recording has failed; tracing goes on */
};
#define NOTICE_ALL 15u

/*
 * The next sentence of one of these kinds (bits) that people should know of, each once; NULL: none.
 * Lent until the next call. ret_kind: which, may be NULL.
 */
const char *tracer_notice(struct tracer *tracer, unsigned int kinds, enum tracer_notice *ret_kind);

/*
 * How the trace stands: what session.h's are, and from tracer_open() on what the kernel side knows
 * by now. Texts are lent until the next call.
 */
void tracer_stats(struct tracer *tracer, struct session_stats *ret_stats);

/* What is known of a process, as session_process() says it. */
const struct process *tracer_process(const struct tracer *tracer, pid_t pid);

/*
 * Lets a process alone that is traced, which goes on; it may be traced again later, as one that is
 * new. What is known of it is forgotten.
 */
void tracer_detach(struct tracer *tracer, pid_t pid);

/*
 * What hooks have cost a traced process so far, CPU nanoseconds, if that is counted
 * (ebpf_options.costs); *ret_program: since when, CLOCK_BOOTTIME. False: it is not traced.
 */
bool tracer_cost(const struct tracer *tracer, pid_t pid, uint64_t *ret_program, uint64_t *ret_ns);

/*
 * The traced process after this one, in no order; 0: the first one, or no more. The kernel side
 * knows it even if the record of an exit was lost.
 */
pid_t tracer_next_target(const struct tracer *tracer, pid_t pid);

#endif
