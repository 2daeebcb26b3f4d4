/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which closes of a number may have led to a finding.
 *
 * Under load one wrong close has many consequences: whoever was robbed of a number closes what has
 * it next, and so on. Each failure is a finding, and mostly the close that began it all is known,
 * or is one of a few. A close that is known to have been right is none of them: an object's own,
 * or that of the receiver or the activation that had opened the number. Nor is that of an object
 * which had been robbed itself: the close that robbed it is.
 *
 * Owns: that rule. Never: judges.
 */
#ifndef FDTRACE_FD_SUSPECTS_H
#define FDTRACE_FD_SUSPECTS_H

#include "fd/threads.h"
#include "fd/verdict.h"

/*
 * What a thread's own calls tell of its next close: one failed, since its number was gone; another
 * succeeded, and may have opened that number anew; the close itself has ended the generation.
 */
void suspects_note_failed(struct threads *threads, const struct call_context *ctx,
			  const struct verdict *verdict);
void suspects_note_done(struct threads *threads, const struct record_call *call);
void suspects_note_closed(struct threads *threads, const struct call_context *ctx,
			  struct generation *gen);

/*
 * Lists what the finding about a failed call may follow from. gen: the generation that the call
 * meant, as it was judged.
 */
void suspects_of_failed(const struct call_context *ctx, const struct slot *slot,
			const struct generation *gen, struct finding *finding);

/*
 * The same for a close that ended the generation wrongly. True: whoever made it had been robbed
 * before, so the close is a consequence.
 */
bool suspects_of_closed(const struct generation *gen, struct finding *finding);

/* The same for a call of who had the generation, and did not know that it was over. */
void suspects_of_lost(const struct generation *gen, struct finding *finding);

/*
 * Blames the close that ended the generation, which none of its objects made. But nobody, if an
 * object made it that meant a generation which is not known any more: it had been robbed.
 */
void suspects_blame(const struct generation *gen, struct finding *finding);

/* The close that ended the generation was still on its way when the call failed. */
void suspects_of_pending(const struct generation *gen, struct finding *finding);

#endif
