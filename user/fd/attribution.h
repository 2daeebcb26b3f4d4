/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whose close was wrong, where it is known who made the calls (meaning.h).
 *
 * A close that meant another generation than the one that it ended is a theft: the number had been
 * closed before, and belonged to somebody else. Mostly nobody notices until the victim fails. For a
 * call that failed and meant generation L, which call c ended:
 *
 *   c meant another generation    reused_close: c is the culprit. If what c meant had itself been
 *                                 stolen, so is the thief of that: the first wrong close counts,
 *                                 which a stolen generation carries along
 *   c meant L, but shows so more  open: L may have been handed on, or stolen
 *   weakly than the call that
 *   failed, and is another's
 *   c meant L                     double_close, use_after_close: of L
 *   nothing tells what the call   the last generation, if one function opened all that may be
 *   meant                         meant; else open
 *
 * What is "open" accuses nobody, and lists the generations that may be meant. What is "proven"
 * rests on strong evidence alone, on calls whose order is known, and on a number that was seen
 * whole since.
 *
 * Owns: these rules, and what is learned from closes (struct meaning_facts). Never: keeps a
 * finding.
 */
#ifndef FDTRACE_FD_ATTRIBUTION_H
#define FDTRACE_FD_ATTRIBUTION_H

#include "fd/meaning.h"

/*
 * A close has ended the generation: notes what it meant. raced: it may have ended another. Before
 * it is judged.
 */
void attribution_closed(const struct call_context *ctx, const struct intent *intent,
			struct generation *gen, bool raced);

/*
 * A close ended the generation while an object owns that, and nothing says that it meant an earlier
 * one. Accuses nobody where whoever made it may have been robbed of an earlier one.
 */
void attribution_of_owned(const struct call_context *ctx, const struct generation *gen,
			  struct verdict *verdict);

/*
 * A close ended the generation while an object owns that. True: it meant an earlier one, which its
 * own holder had closed: the finding is a reused_close. ret_unsure: what it meant is not certain;
 * that it took the object's number is.
 */
bool attribution_behind(const struct call_context *ctx, const struct slot *slot,
			const struct generation *gen, struct verdict *verdict, bool *ret_unsure);

/*
 * A call failed, and meant (meaning.gen) the generation that the verdict is about: judges whose
 * fault that is.
 */
void attribution_failed(const struct call_context *ctx, const struct slot *slot,
			const struct meaning *meaning, struct verdict *verdict);

/* The same of a close that is known to have ended the generation wrongly. */
void attribution_blame(const struct meaning *meaning, const struct slot *slot,
		       const struct generation *gen, struct verdict *verdict);

/* The evidence tells of one who had opened what a call meant. */
bool attribution_is_openers(enum strength strength, enum meant_by by);

/* Nothing but this generation, or its like, can be meant by a call of which nothing more is known.
 */
bool attribution_is_plain(const struct call_context *ctx, const struct slot *slot,
			  const struct generation *meant);

/*
 * The function that makes the call has closed all that it may mean: whichever that is, the function
 * has closed it, or another instead of it.
 */
bool attribution_is_one_closers(const struct call_context *ctx, const struct slot *slot,
				const struct generation *meant);

#endif
