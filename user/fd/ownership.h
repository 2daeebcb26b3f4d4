/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which Python object owns a number, and what follows from that for a close or a failed call.
 *
 * The record of a close tells of the objects that claim its number, in their state when the close
 * returns (record_claim): each object has the number still, or has let go of it; one that has let
 * go is perhaps at work in the thread ("at hand"). claims.h decides which generation of the number
 * each object means. The rules:
 *
 *   a close succeeded, and                        then
 *   an object of the generation that it ended     it is that object's own close, and right
 *   has let go, at hand
 *   an object of an earlier generation has let    reused_close, a fact; the victim is whoever had
 *   go, at hand, and somebody else had ended      opened the generation that the close ended
 *   that earlier generation
 *   os.close() made it, and an object of the      owned_close, a fact unless an open that is
 *   generation that it ended has the number       recorded later may have made what was closed;
 *   still                                         reused_close if the closer shows to have meant
 *                                                 an earlier generation (reuse.h)
 *   close_range() made it, of this number alone   the same
 *   other C code made it, and an object of the    the finding waits until the object lets go of
 *   generation that it ended has the number       the number by a close of its own, as some
 *   still                                         libraries (uvloop) close first and have the
 *                                                 object detached afterwards. It is suspected where
 *                                                 another thread may have made the object while the
 *                                                 close went on, since an object that is not known
 *                                                 may have made that close
 *   a forked child made it, and the generation    the same: the child may be about to exec
 *   is its parent's
 *   of two objects of one generation one has      nothing: the close may have been that object's
 *   let go
 *   no object is at hand, and none has the        nothing; the only one that had the generation,
 *   number still                                  and has let go of it, made the close most likely
 *
 * If a close fails because one of these wrong closes came before, the culprit is the earlier close.
 * If an object makes the failed close that had an earlier generation, the finding is about that
 * generation.
 *
 * An object that was not seen as it took the number, but only when it had it already, gives no more
 * than a suspicion; for an object that was found in memory when fdtrace attached, the finding says
 * so. Nothing follows across a gap, in a vfork child, once another program runs, or where the calls
 * of racing threads fit in more than one order.
 *
 * Older recordings have no claims. There a record of the object says when it takes a number and
 * when it gives the number up, by its close(), its finalizer or detach() (record_owner), and a
 * close says whether the object that took the number last has it still (enum owner_state). The
 * rules are the same.
 *
 * Owns: those rules; which object has which generation is kept in the generations. Never: reads an
 * object.
 */
#ifndef FDTRACE_FD_OWNERSHIP_H
#define FDTRACE_FD_OWNERSHIP_H

#include "fd/pending.h"
#include "fd/reuse.h"
#include "fd/threads.h"

/*
 * Takes a record of older recordings: an object takes a number or is about to give it up, or a
 * function was entered that tells who makes the thread's next close, which goes into *intents. 0 or
 * -ENOMEM.
 */
int owner_says(struct pending *pending, struct table *table, const struct record_owner *record,
	       struct intents *intents);

/*
 * What the thread meant with this call, if that is a close. An object's claim also tells when the
 * close was entered at the earliest: store.after_ns is raised to that. In older recordings the
 * first call after os.close() was entered counts as its call, whatever it is.
 */
struct intent owner_intent(struct store *store, struct threads *threads, const struct table *table,
			   const struct record_call *call);

/* Who made the close, as far as the intent tells. */
enum site_origin owner_origin(const struct intent *intent);

/* A close ended gen. True: the close is a finding, which now waits for the end of its run. */
bool owner_closed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct generation *gen, bool raced);

/* A call failed, and was judged: adds to the verdict what is known of owners. */
void owner_failed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct verdict *verdict);

/* dup2 or dup3 replaced `from` by `to`: the owner keeps the number, though it refers to something
 * else. */
void owner_keeps(struct generation *from, struct generation *to);

#endif
