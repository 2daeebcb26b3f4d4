/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings that wait: for the end of a run of closes, or for the close that explains them.
 *
 * A daemonizing loop closes 3..MAXFD without a thought; each EBADF in it is no bug. It shows as
 * a run: one thread closes consecutive numbers, up or down, from one site. Closes that succeed
 * belong to the run too (whatever the loop found open), but a run begins with one that failed.
 * So every failed close waits until its run is over: until the thread makes another call, or
 * nothing for the settle time. Then the run is judged as a whole. A loop may step over numbers
 * that it keeps, so a run may have small holes. And one call in a loop may be two sites:
 * CPython 3.11 makes it in another instruction once the loop is warm; so a run may go over to
 * a second site with the very next number. It is a sweep if it covers fd_limits.sweep numbers
 * without a hole from one site and
 *
 *   one of them is proof that the loop is blind: the program cannot have thought it open
 *   (never open since the program began, or beyond all that was in use when we attached); or
 *   half of the failed ones were never seen open.
 *
 * Then all of it is one close_sweep, whatever histories the numbers have: a blind loop also
 * crosses numbers that the program had opened and rightly closed. But a program that closes
 * its list of descriptors 5..20 twice closes nothing that it never had: each of these is a
 * double close. One number of unknown past among them does not turn it into a sweep, as after
 * an attach part of such a list may be unknown; half of them do.
 *
 * A close of a number that is believed open waits for a close by another thread that is
 * recorded later. If none comes within the settle time it was none: the number is open no more,
 * in a way that was not seen, and nothing is said.
 *
 * Any other finding waits as long, for the calls before it need not all be recorded yet: if
 * another thread's close of the number comes meanwhile, and may have come before the call that
 * failed, then that close may be the one before it, and the finding is "suspected". A thread's
 * own calls, and those that are known to have been entered later, change nothing. So waits a close
 * that succeeded and is a finding: an open that comes meanwhile may have made what it ended. What
 * is part of no run is emitted in the order of the calls.
 *
 * Owns: the waiting findings and the runs, both bounded. Never: judges a single close.
 */
#ifndef FDTRACE_FD_PENDING_H
#define FDTRACE_FD_PENDING_H

#include <uthash.h>

#include "fd/verdict.h"

/* A call that waits: it failed, or is a finding all the same. */
struct pending_finding {
	struct pending_finding *prev, *next;	       /* in hold.waiters, while `waiting` */
	struct pending_finding *slot_prev, *slot_next; /* in number.waiters, as long */
	struct pending_finding *run_next;
	struct run *run; /* NULL: on its own */
	struct table *table;
	struct slot *slot; /* while `waiting` */
	struct text *text, *victim_text;
	struct finding finding;
	uint64_t after_ns; /* its call was entered then or later */
	uint64_t gen;
	uint64_t taken_ns; /* as the verdict has it */
	bool entered;	   /* at after_ns */
	bool waiting;
	bool loose;  /* as the verdict has it */
	bool finds;  /* it is a finding; else it waits for the close that explains it */
	bool silent; /* none came */
};

struct run {
	UT_hash_handle hh;
	uint32_t tid; /* the key */
	uint32_t tgid;
	uint64_t table;
	uint64_t stack_id;	 /* of the last close */
	uint64_t other_stack_id; /* 0: all came from one site */
	uint64_t last_ns;
	int32_t first; /* failed */
	int32_t last;  /* closed */
	int32_t last_failed;
	int step;	  /* +1, -1; 0: not known yet */
	uint32_t stretch; /* consecutive numbers from one site, up to the last */
	uint32_t longest;
	uint32_t failed;
	uint32_t silent; /* failed, and no finding alone */
	uint32_t blind;
	uint32_t unseen;
	uint32_t notes;
	bool sweep;	     /* decided: members are counted and dropped */
	struct fd_site site; /* of the first failed close */
	struct pending_finding *members, *last_member;
	unsigned int waiting_count;
};

struct pending {
	struct store *store;
	finding_fn emit;
	void *arg;
	struct pending_finding *waiters; /* oldest first */
	struct run *runs;		 /* by thread, in order of their beginnings */
	unsigned int waiting_count;
	uint64_t due; /* nothing is due before */
	uint64_t silent;
	uint64_t sweep_closes;
};

void pending_init(struct pending *pending, struct store *store, finding_fn fn, void *arg);

/* A close failed, and has been judged. 0 or -ENOMEM. */
int pending_failed(struct pending *pending, struct table *table, const struct record_call *call,
		   const struct verdict *verdict);

/* A close succeeded, but is a finding, unless its run is a sweep. 0 or -ENOMEM. */
int pending_owned(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict);
/* Another call failed, and has been judged. 0 or -ENOMEM. */
int pending_used(struct pending *pending, struct table *table, const struct record_call *call,
		 const struct verdict *verdict);
/*
 * A finding that is part of no run. call: the one at hand, which need not be the bad one; NULL: it
 * is none. 0 or -ENOMEM.
 */
int pending_alone(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict);

/* A close succeeded: it may be part of a run. */
void pending_closed(struct pending *pending, const struct record_call *call);

/* Any other call of the thread ends its run. */
void pending_break(struct pending *pending, uint32_t tid);

/* The call may have taken effect before the one that failed. */
bool pending_may_be_before(const struct pending *pending, const struct pending_finding *entry,
			   const struct record_call *call);

/* A close ended `generation` of a number on which others had failed. raced: see generation_close().
 */
void pending_explain(struct pending *pending, struct slot *slot, const struct record_call *call,
		     const struct generation *gen, bool raced);

/* The number was opened: unless after the calls that failed on it, it changes what they missed. */
void pending_opened(struct pending *pending, struct slot *slot, const struct record_call *call);

/*
 * The same of findings that lie in the number's generations, and wait for an object. opens: the
 * call opened the number, else it closed it.
 */
void pending_doubt_generations(const struct pending *pending, struct slot *slot,
			       const struct record_call *call, bool opens);

/* A close_range covered the number, and may have ended a generation of it that was not seen. */
void pending_doubt(struct pending *pending, struct slot *slot, const struct record_call *call);

/*
 * What is known of the number until then is unsure: so is what has been found on it, all of it or
 * what no close has shown to be so.
 */
void pending_unsure(struct slot *slot, uint64_t until_ns, bool all);

/* Decides what has waited long enough; UINT64_MAX: all. */
void pending_settle(struct pending *pending, uint64_t now_ns);

/* Records were lost: no close that comes now explains anything, what waits is no fact. */
void pending_gap(struct pending *pending);

/*
 * Somebody who is not known makes calls in the table, until time_ns at least: nothing in it is
 * certain until it is seen again, and what waits in it is no fact.
 */
void pending_sharer(struct pending *pending, struct table *table, uint64_t time_ns);

/* The process is gone, or another program: its runs are over. */
void pending_process_over(struct pending *pending, uint32_t tgid);

/* The table is about to change beyond recognition: nothing can wait for a close in it. */
void pending_table_over(struct pending *pending, struct table *table);

#endif
