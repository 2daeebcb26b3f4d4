/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who owns a number: what Python's own objects say, and what follows from it.
 *
 * A close tells of the objects that claim its number, as they are when it returns (record_claim):
 * each has the number still, or has let go of it, and then perhaps is at work in the thread. Which
 * generation of the number each one means is for claims.h to say. The rules:
 *
 *   a close that succeeds                           then
 *   an object of this generation has let go, at hand      it is the object's own, and right
 *   one of an earlier generation has, and that generation had   reused_close: a fact; the victim is
 * whoever been ended by somebody else                     had opened the generation that was ended
 *   by os.close(), and an object of this generation has   owned_close: a fact, unless an open whose
 *   the number still                                record comes later may be of what was closed;
 *                                                   a reused_close if the closer shows to have
 *                                                   meant an earlier generation (reuse.h)
 *   by other C code, of such a generation                 it waits until the object lets go of the
 *                                                   number by a close of its own. Some libraries
 *                                                   (uvloop) close first and have the object
 *                                                   detached after. Where another thread may have
 *                                                   made the object while the close went on it is
 *                                                   suspected: an object that is not known may
 *                                                   have made that close
 *   in a forked child, of a generation of its parent's    the same: it may be about to exec
 *   two objects of one generation, one has let go         nothing: it may have been that one's
 * close nobody at hand, nobody has it still             nothing
 *
 * A close that fails since a close before was one of these has its culprit in that close; and if an
 * object makes it that had an earlier generation, the finding is about that generation.
 *
 * An object that was first seen with its number, not as it took it, makes no more than a
 * suspicion; one found in memory as fdtrace came is told to be one. Nothing follows across a gap,
 * in a vfork child, once another program runs, or where the calls of racing threads fit in more
 * than one order.
 *
 * Older recordings have no claims. There an object says when it takes a number and when it gives it
 * up, by its close(), its finalizer or detach() (record_owner), and a close says whether the object
 * that took the number last has it still (enum owner_state). The rules are the same.
 *
 * Owns: those rules; which object has which generation lies in themselves. Never: reads an object.
 */
#ifndef FDTRACE_FD_OWNERSHIP_H
#define FDTRACE_FD_OWNERSHIP_H

#include "fd/pending.h"
#include "fd/reuse.h"
#include "fd/threads.h"

/*
 * Older recordings: an object takes a number, or is about to give it up, or a function was entered
 * that tells who makes the thread's next close: which goes into *intents. 0 or -ENOMEM.
 */
int owner_says(struct pending *pending, struct table *table, const struct record_owner *record,
	       struct intents *intents);

/*
 * What the thread meant with this call, if it is a close; and so when it was entered, at the
 * earliest (store.after_ns). Any call is the one after os.close() was entered.
 */
struct intent owner_intent(struct store *store, struct threads *threads, const struct table *table,
			   const struct record_call *call);

/* Who makes the close, as far as it was meant. */
enum site_origin owner_origin(const struct intent *intent);

/* A close ended a generation. True: it is a finding, which waits for the end of its run. */
bool owner_closed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct generation *gen, bool raced);

/* A call failed, and was judged. */
void owner_failed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct verdict *verdict);

/* dup2, dup3: whoever has the number has it still; only what it leads to is another. */
void owner_keeps(struct generation *from, struct generation *to);

#endif
