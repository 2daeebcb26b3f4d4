/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Runs: what the closes of one thread, one right after the other from one site, have in common.
 *
 * A daemonizing loop closes 3..MAXFD without knowing which numbers are open, so an EBADF in it is
 * no bug. Such a loop shows as a run: one thread closes consecutive numbers, up or down, from one
 * site. Closes that succeed (on whatever the loop found open) belong to the run too, but a run
 * begins with a close that failed. A loop may step over numbers that it keeps, so a run may have
 * small holes. And one call in a loop may have two sites: CPython 3.11 makes it in another
 * instruction once the loop is warm; so a run may go over to a second site with the very next
 * number. Such a run is a sweep if it covers fd_limits.sweep numbers without a hole from one site
 * and
 *
 *   one of its numbers proves that the loop is blind: the program cannot have thought it open
 *   (it was never open since the program began, or is beyond all numbers in use at attach); or
 *   at least half of the numbers whose close failed were never seen open.
 *
 * A loop may also take its numbers in any other order. A run goes on in disorder while its stack is
 * known and a good part of its closes fail, and is a sweep only if fd_limits.sweep of its numbers
 * prove that the loop is blind.
 *
 * Then the whole run is one close_sweep, whatever histories the numbers have: a blind loop also
 * crosses numbers that the program had opened and rightly closed. But a program that closes its
 * list of descriptors 5..20 twice closes nothing that it never had: each of these closes is a
 * double close. One number of unknown past among them does not turn the run into a sweep, as part
 * of such a list may be unknown after an attach; half of them do.
 *
 * Where that proof is missing, the double closes of a run are told each by itself. They are of
 * severity info, NOTE_LOOP, if os.close() made them and what it closed was hardly the loop's own:
 *
 *   at least half of the run's numbers, and two of them, were never open; or
 *   the number by which the open ones had been listed is one of them (listing.h); or
 *   of fd_limits.sweep numbers or more three of four had been closed by the very objects that owned
 *   them; or these numbers had been opened at many places and closed at many others, none of which
 *   stands for more than half of them.
 *
 * A list that is closed twice has one place that opened or one that closed most of it, and stays an
 * error.
 *
 * Owns: the rules of runs. Never: keeps a run, emits a finding.
 */
#ifndef FDTRACE_FD_RUN_H
#define FDTRACE_FD_RUN_H

#include <uthash.h>

#include "fd/verdict.h"

struct pending_finding; /* pending.h */

struct run {
	UT_hash_handle hh;
	const struct fd_limits *limits; /* lent */
	uint32_t tid;			/* the thread that closes; the key */
	uint32_t tgid;
	uint64_t table;
	uint64_t stack_id;	 /* of the last close */
	uint64_t other_stack_id; /* of its other site; 0: all closes came from one site */
	uint64_t last_ns;
	int32_t lowest, highest; /* of the numbers whose close failed */
	int32_t last;		 /* the last number, whether its close failed or not */
	int step;		 /* the direction: +1, -1; 0: not known yet */
	uint32_t stretch; /* the count of consecutive numbers from one site, up to the last one */
	uint32_t longest; /* the longest stretch so far; 0: the run has no close yet */
	uint32_t closes;  /* the count of closes, failed or not */
	uint32_t failed;  /* the count of failed closes */
	uint32_t silent;  /* those of them that are no finding by themselves */
	uint32_t blind;	  /* those with EVIDENCE_BLIND */
	uint32_t unseen;  /* those of numbers that were never seen open (not EVIDENCE_OWN) */
	uint32_t notes;
	bool disorder; /* its numbers are in no order */
	bool sweep; /* it is decided that the run is a sweep: its closes are counted and not kept */
	struct fd_site site;			       /* of the first failed close */
	struct pending_finding *members, *last_member; /* oldest first */
	unsigned int waiting_count;		       /* the count of members */
};

/* By what is known of it so far, the run is a sweep. */
bool run_is_sweep(const struct run *run);

/* The call, a close, continues the run. */
bool run_continues(const struct run *run, const struct record_call *call);

/* Counts a close into its run: the first one, or one that continues it. */
void run_extend(struct run *run, const struct record_call *call);

/* The close that was counted last failed, and verdict is its judgement. */
void run_failed(struct run *run, const struct verdict *verdict);

/* The run is a sweep: the finding that it is. */
void run_sweep(const struct run *run, struct finding *ret_finding);

/* The run is over and no sweep: gives its members their weight. */
void run_weigh(const struct run *run);

#endif
