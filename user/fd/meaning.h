/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which generation of its number a call meant.
 *
 * A number has one generation after another, and a close says no more than the number. But whoever
 * makes it means the generation that they got. The first of these that speaks tells which:
 *
 *   the object that owns it   made the call (ownership.h): its generation. Strong
 *   the receiver              opened the number: what it opened last. Strong, if the call is made
 *                             by a method of its own and it has opened nothing else since. Fair if
 *                             it has, or if a function that it called made the call; and if
 *                             something that no object owned has had the number since: by then
 *                             another object of its class may lie at its address, and have been
 *                             given the number. Weak where such objects are known to close what
 *                             they have not opened, for calls that do not close, and for what
 *                             another thread opened with an object that threads share
 *   the activation            of a function opened it: same frame, same thread, the same callers at
 *                             the same lines, same first local. Strong in the innermost frame, if
 *                             nothing was opened under that frame since; with the same reserve.
 *                             A generator that opened it itself comes before who resumes it
 *   the pair of functions     this one has closed what that one opens: fair for the generation that
 *                             the close did end, weak for others
 *   the thread                opened a generation that somebody else's close has ended: fair. It
 *                             speaks before the receiver where a call uses what the receiver
 * opened, and another object has opened and closed that itself nothing                   the
 * generation that the close ended; else the last one that an object has not opened and closed
 * itself. Weak
 *
 * A call that only uses the number, and a close that C code makes of its own, are never more than
 * fair evidence, but for the object that owns the number.
 *
 * Owns: these rules. Never: judges, changes anything.
 */
#ifndef FDTRACE_FD_MEANING_H
#define FDTRACE_FD_MEANING_H

#include "fd/code_pairs.h"
#include "fd/custody.h"
#include "fd/holder.h"
#include "fd/threads.h"
#include "fd/verdict.h"

/* What the rules know, of all programs. */
struct meaning_facts {
	struct holders holders;
	struct code_pairs pairs; /* functions that close, and those that open */
	struct code_pairs sites; /* functions that close, and the stacks that open */
};

struct meaning {
	struct generation *gen; /* NULL: not known */
	enum strength strength;
	enum meant_by by;
	/* Or another object has closed its own, at the address of the first; or another thread with
	 * the same object. */
	bool adopts;
	bool inner; /* BY_ACTIVATION: of the innermost frame, though it has a number or text first
		     */
};

void meaning_free(struct meaning_facts *facts);

/* Something is known of who made the call. */
bool meaning_known(const struct call_context *ctx);

/*
 * What a call on this number meant. ended: the generation that the call, a close, has ended; NULL:
 * it failed. All 0 if nothing is known of the caller.
 */
struct meaning meaning_of(const struct call_context *ctx, const struct intent *intent,
			  const struct slot *slot, struct generation *ended);

/* The object that owned the generation opened and closed it: nobody else can have meant it. */
bool meaning_settled(const struct generation *gen);

/*
 * What came after this generation was not wholly seen, or calls fit in more than one order: which
 * one was meant is not proven.
 */
bool meaning_unclear(const struct slot *slot, const struct generation *gen);

/* The pair of the function that makes the call and the one that opened the generation. */
struct code_pair meaning_pair(const struct call_context *ctx, const struct generation *gen);

/* An object had the generation to its end, or has it as the call ends it: nobody was given it. */
bool meaning_owned(const struct call_context *ctx, const struct slot *slot,
		   const struct generation *gen);

/*
 * Numbers go from the function that opened this generation to the one that makes the call, as is
 * the program's habit (code_pairs_adopt()), and no object had the generation to its end.
 */
bool meaning_may_adopt(const struct call_context *ctx, const struct slot *slot,
		       const struct generation *gen);

/*
 * An object made the close that meant a generation which is not known any more; or it may have:
 * one has let go of the number just now, or another object of the owner's class makes the close, or
 * more objects claim it than the record of the close can tell of, or the record before told of one
 * that was about to close (ownership.c).
 */
bool meaning_lost(const struct call_context *ctx, const struct intent *intent,
		  const struct slot *slot, const struct generation *ended, const struct meaning *m);

#endif
