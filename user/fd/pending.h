/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Pending findings: those that wait for the end of a run of closes, or for the close that explains
 * them.
 *
 * A loop that closes numbers without knowing which are open shows as a run of closes (run.h). So
 * every failed close waits until its run is over: until the thread makes another call, or no call
 * for the settle time. Then the run is judged as a whole: all of it is one close_sweep, or what its
 * closes are by themselves, at their own severity or as info.
 *
 * A failed close of a number that is believed open waits for another thread's close that is
 * recorded later. If none comes within the settle time, there was none: the number had been closed
 * in a way that was not seen, and nothing is reported.
 *
 * Any other finding waits equally long, because the calls before it need not all be recorded yet.
 * If another thread's close of the number is recorded meanwhile and may have come before the call
 * that failed, then that close may be the one before it, and the finding is "suspected". Calls of
 * the same thread, and calls that are known to have been entered later, change nothing. A close
 * that succeeded and is a finding waits as well: an open that is recorded meanwhile may have made
 * what that close ended. Findings that are part of no run are emitted in the order of their calls.
 *
 * Owns: the pending findings and the runs, both bounded. Never: judges a single close, or a run.
 */
#ifndef FDTRACE_FD_PENDING_H
#define FDTRACE_FD_PENDING_H

#include "fd/run.h"

/* A call whose finding is pending: the call failed, or succeeded and is a finding all the same. */
struct pending_finding {
	struct pending_finding *prev, *next;	       /* in pending.waiters, while `waiting` */
	struct pending_finding *slot_prev, *slot_next; /* in slot.waiters, while `waiting` */
	struct pending_finding *run_next;
	struct run *run; /* the run that it is part of; NULL: none */
	struct table *table;
	struct slot *slot; /* of its number, while `waiting`; else NULL */
	/* What the paths in `finding` lie in; referenced. */
	struct text *text, *victim_text, *candidate_texts[FINDING_CANDIDATES];
	struct finding finding;
	uint64_t after_ns; /* its call was entered at this time or later */
	uint64_t gen;	   /* as verdict.gen */
	uint64_t taken_ns; /* as verdict.taken_ns */
	bool entered;	   /* the call's record says when it was entered */
	bool waiting;
	bool loose;   /* as verdict.loose */
	bool settled; /* as verdict.settled */
	bool finds;   /* it is a finding; if not, it waits for the close that explains it */
	bool silent;  /* no such close came: nothing is to be reported */
};

struct pending {
	struct store *store;
	finding_fn emit;
	void *arg;
	struct pending_finding *waiters; /* in the order of the bad calls, oldest first */
	struct run *runs;		 /* by thread, in the order in which they began */
	unsigned int waiting_count;	 /* pending findings, with those kept for their run */
	uint64_t due;			 /* nothing needs to be decided before this time */
	uint64_t silent;		 /* failed calls that were not reported */
	uint64_t sweep_closes;		 /* failed closes that were part of a sweep */
};

/* The store is lent. fn, with arg, gets each finding once it is decided. */
void pending_init(struct pending *pending, struct store *store, finding_fn fn, void *arg);

/* A close failed, and `verdict` is its judgement. 0 or -ENOMEM. */
int pending_failed(struct pending *pending, struct table *table, const struct record_call *call,
		   const struct verdict *verdict);

/* A close succeeded, but is a finding all the same unless its run is a sweep. 0 or -ENOMEM. */
int pending_owned(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict);
/* A call other than a close failed, and `verdict` is its judgement. 0 or -ENOMEM. */
int pending_used(struct pending *pending, struct table *table, const struct record_call *call,
		 const struct verdict *verdict);
/*
 * Adds a finding that is part of no run. call: the call at hand, which need not be the bad call;
 * NULL if the record at hand is no call. 0 or -ENOMEM.
 */
int pending_alone(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict);

/* A close succeeded: it may be part of its thread's run, or end that run. */
void pending_closed(struct pending *pending, const struct record_call *call);

/* The thread made a call that is no close: its run is over. */
void pending_break(struct pending *pending, uint32_t tid);

/* The call may have taken effect before the bad call of the pending finding. */
bool pending_may_be_before(const struct pending *pending, const struct pending_finding *entry,
			   const struct record_call *call);

/*
 * A close ended generation gen of the slot's number; the pending findings of that number may be
 * explained by it. raced: see generation_close().
 */
void pending_explain(struct pending *pending, struct slot *slot, const struct record_call *call,
		     const struct generation *gen, bool raced);

/*
 * The call opened the slot's number: unless it came after the bad calls of the number's pending
 * findings, they may have met another generation.
 */
void pending_opened(struct pending *pending, struct slot *slot, const struct record_call *call);

/*
 * Does the same for the findings that are kept for the slot's generations (ownership.waiting) and
 * wait for an object. opens: the call opened the number; else it closed it.
 */
void pending_doubt_generations(const struct pending *pending, struct slot *slot,
			       const struct record_call *call, bool opens);

/*
 * A close_range covered the slot's number, and may have ended a generation that was not seen: the
 * pending findings of the number become suspected.
 */
void pending_doubt(struct pending *pending, struct slot *slot, const struct record_call *call);

/*
 * What is known of the number up to until_ns is unsure, and so its pending findings become
 * suspected: all that rest on an open up to that time or one that was not seen, or (all is false)
 * only those of them whose earlier end is not a close.
 */
void pending_unsure(struct slot *slot, uint64_t until_ns, bool all);

/* Decides the findings and runs that have waited long enough at now_ns; UINT64_MAX: all of them. */
void pending_settle(struct pending *pending, uint64_t now_ns);

/*
 * Records were lost: no close that is recorded from now on can explain a pending finding. All of
 * them are decided now, as suspected.
 */
void pending_gap(struct pending *pending);

/*
 * A process that is not known makes calls in the table, until time_ns at least: nothing in the
 * table is certain until it is seen again, and the pending findings in it become suspected.
 */
void pending_sharer(struct pending *pending, struct table *table, uint64_t time_ns);

/* The process has ended, or called exec: its runs are over. */
void pending_process_over(struct pending *pending, uint32_t tgid);

/* The table is about to go away or to change as a whole: its pending findings are decided now. */
void pending_table_over(struct pending *pending, struct table *table);

#endif
