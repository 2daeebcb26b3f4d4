/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where findings leave the session: each output is a struct sink.
 *
 * Owns: the contract between the session and its outputs. Everything in a view is lent for
 * the length of the call. Texts from the traced process are raw: a sink escapes them.
 */
#ifndef FDTRACE_SESSION_SINK_H
#define FDTRACE_SESSION_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd/finding.h"
#include "process/process.h"
#include "abi/record.h"
#include "stack/stack.h"

/* What is known of a finding's bug by whoever keeps that from one trace to the next. */
enum seen_state {
	SEEN_NEW,
	SEEN_KNOWN,
	SEEN_RETURNED, /* after a long time without */
};
#define SEEN_STATES 3

static inline const char *seen_state_name(enum seen_state state)
{
	static const char *const names[SEEN_STATES] = {"new", "known", "returned"};

	return names[state];
}

struct finding_seen {
	enum seen_state state;
	/* Since the epoch. last_ns: when it was met before this finding; of the first, its own. */
	int64_t first_ns, last_ns;
	uint64_t count; /* of its findings, this one too */
	bool due;	/* for who tells bugs and not places: it is to be told now */
};

/* A finding with everything that a report says. */
struct finding_view {
	const struct finding *finding;
	const struct process *process;
	/* Resolved; NULL where the site is missing. */
	const struct stack *bad, *closed, *opened;
	const struct stack *victim, *failed; /* of victim.opened, victim.failed */
	struct {
		const struct stack *opened, *closed;
	} candidates[FINDING_CANDIDATES];		/* likewise, of each that there is */
	const struct stack *suspects[FINDING_SUSPECTS]; /* likewise */
	/* Add to a site's time_ns: nanoseconds since the epoch. */
	int64_t wall_offset_ns;
	uint64_t id;	    /* counts the session's findings, from 1 */
	uint64_t caused_by; /* the finding that this one follows from; 0: none */
	bool perhaps;	    /* that it does is not certain: it may follow from that one */
	uint64_t or_by;	    /* or from this one, of another bug; 0: there is no other */
	bool another_way;   /* it shows the wrong close of that one again, in another way */
	/* The first findings of the bugs that those two are of. */
	uint64_t first_of_bug, first_of_other;
	/*
	 * Which bug: see finding_bug() of fingerprint.h, of the finding that this one follows from.
	 * Of one that may follow from either of two bugs: finding_either_bug().
	 */
	const char *bug;
	/*
	 * What was told as a bug of its own before may follow from a bug, as is known by now: the
	 * names of both. NULL: nothing is.
	 */
	const char *adopted, *adopter;
	const struct finding_seen *seen; /* NULL: nobody keeps that */
};

/* Findings that were told nowhere, since too much was to be told. Since the epoch. */
struct suppressed {
	uint64_t count;
	int64_t first_ns, last_ns;
};

/* One call, for --events. */
struct call_view {
	const struct record_call *call;
	const struct process *process;
	const struct stack *stack;
	int64_t wall_offset_ns;
};

/* What has become of a traced process. */
enum process_change {
	CHANGE_NEW,	/* it is traced from now on */
	CHANGE_FORK,	/* likewise, for its parent is */
	CHANGE_EXEC,	/* it runs another program, of which little is known yet */
	CHANGE_PROGRAM, /* what it runs has been read from /proc */
	CHANGE_EXIT,	/* findings may still come */
	CHANGE_FORGET,	/* it is not traced after all */
};

struct process_view {
	const struct process *process;
	enum process_change change;
	uint32_t parent; /* of CHANGE_FORK */
};

/* How a session ended, or stands. */
struct session_stats {
	uint64_t findings[FINDING_KINDS];
	uint64_t suspected, info; /* of the findings; light: of severity info */
	uint64_t records;
	uint64_t lost[LOSS_CAUSES];
	uint64_t processes;	 /* traced now */
	uint64_t processes_seen; /* in all */
	uint64_t descriptors;	 /* believed open now */
	uint64_t sweep_closes;
	uint64_t silent; /* EBADF calls that are no finding */
	uint64_t duration_ns;
	uint64_t stacks_missing; /* stacks asked for whose records were lost, or forgotten */
	/* What went for want of room: descriptors with their histories, stacks, code objects. */
	uint64_t forgotten, forgotten_stacks, forgotten_codes;
	uint64_t compat_calls;	      /* calls of 32-bit programs, which are not decoded */
	const char *hooks;	      /* what was attached; NULL: not known */
	const char *const *unseen;    /* what the attached hooks cannot see; ended by NULL */
	uint64_t files_examined;      /* executable files looked into, for a Python */
	uint64_t searched, to_search; /* bytes of processes; 0: none is searched */
};

/* Of findings by kind, of losses by cause. */
static inline uint64_t counts_sum(const uint64_t *counts, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += counts[i];
	return sum;
}

/* Findings that are not merely of severity info: what --error-exitcode counts. */
uint64_t session_stats_findings(const struct session_stats *stats);

struct sink {
	/* Each may be NULL. 0, or negative errno: the output is broken (-EPIPE: nobody reads). */
	int (*finding)(struct sink *sink, const struct finding_view *view);
	int (*call)(struct sink *sink, const struct call_view *view);
	int (*process)(struct sink *sink, const struct process_view *view);
	/* For who runs for days: what has been counted and not been told. Else it is at the end. */
	int (*counts)(struct sink *sink);
	int (*suppressed)(struct sink *sink, const struct suppressed *suppressed);
	int (*flush)(struct sink *sink); /* once per wake-up of the loop */
	int (*end)(struct sink *sink, const struct session_stats *stats); /* the summary */
	void (*free)(struct sink *sink);
};

#endif
