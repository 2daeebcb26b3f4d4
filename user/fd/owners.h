/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who owns a number: what Python's own objects say (record_owner), and what follows from it.
 *
 * An object takes a life of a number and gives it up: by its close(), its finalizer, or detach().
 * The rules:
 *
 *   a close that succeeds                           then
 *   by an object, of the life that it took          it is right
 *   by an object, of another life: its own had      reused_close: a fact; the victim is whoever
 *   been ended by somebody else                     had opened the life that was ended
 *   by os.close(), of a life whose object lives     owned_close: a fact at that very call; a
 *   and has the number still (record_call.owner)    reused_close if the closer shows to have meant
 *                                                   an earlier life (reuse.h)
 *   by other C code, of such a life                 it waits until the object closes the number,
 *                                                   too. Some libraries (uvloop) close first and
 *                                                   have the object let go of it after
 *   in a forked child, of a life of its parent's    the same: it may be about to exec
 *   by an object, of a life that another one took   nothing: two objects, one number
 *
 * A close that fails since a close before was one of these has its culprit in that close.
 *
 * An object that was made before fdtrace came is not known: nothing follows then. Nor does
 * anything across a gap, in a vfork child, once another program runs, or where the calls of racing
 * threads fit in more than one order.
 *
 * Owns: those rules; which object has which life lies in the lives. Never: reads an object.
 */
#ifndef FDTRACE_FD_OWNERS_H
#define FDTRACE_FD_OWNERS_H

#include "fd/hold.h"
#include "fd/reuse.h"
#include "fd/threads.h"

/* An object takes a number, which it has then. 0 or -ENOMEM. */
int owner_takes(struct store *store, struct table *table, const struct record_owner *record);

/*
 * An object is about to give its number up, or a function was entered that tells who makes the
 * thread's next close: which goes into *intents.
 */
void owner_gives(struct hold *hold, struct table *table, const struct record_owner *record,
		 struct intents *intents);

/* Who makes the close, as far as it was meant. */
enum site_origin owner_origin(const struct intent *intent);

/* A close ended a life. True: it is a finding, which waits for the end of its run. */
bool owner_closed(struct hold *hold, const struct scene *scene, const struct intent *intent,
		  struct life *life, bool raced);

/* A call failed, and was judged. */
void owner_failed(const struct scene *scene, const struct intent *intent, struct verdict *verdict);

/* dup2, dup3: whoever has the number has it still; only what it leads to is another. */
void owner_keeps(struct life *from, struct life *to);

#endif
