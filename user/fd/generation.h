/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which generation of a number a call began or ended.
 *
 * A generation is the time from the call that opens a number to the call that closes it. Records
 * are written when a call returns, so the records of two racing threads may stand in the wrong
 * order: an open that returns 7 may be recorded before the close that freed 7. Opens and closes of
 * one number alternate, though, so each call fits in few places:
 *
 * - A number is opened while it is believed open. Then the record of the close that ended the old
 *   generation is still on its way (generation.awaited). The next close is taken for it if that
 *   close may have begun before the open returned: it is not by the thread that opened (the calls
 *   of one thread are in order) and, where its record says when it was entered, it was not entered
 *   after the open. Where the record does not say, the close must come within the settle time.
 * - A close ends a generation whose open was not seen, and then an open is recorded that was
 *   entered before that close returned. This open began that generation. If the number has been
 *   opened again by then, this open may also have begun a later generation.
 * - A call that returned before the snapshot was finished may be the call whose effect the
 *   snapshot shows.
 * - close_range does not say which numbers it found open. A number that it covers may have been
 *   opened, or closed, in a way that was not seen (io_uring).
 *
 * Where a call fits in two places (generation_doubt.h), the generation has DOUBT_ORDER, and a
 * verdict on it is "suspected".
 *
 * Owns: that order. Never: judges a call that failed.
 */
#ifndef FDTRACE_FD_GENERATION_H
#define FDTRACE_FD_GENERATION_H

#include "fd/order.h"
#include "fd/table.h"

/* What a call that opens a number makes it refer to. */
struct making {
	struct fd_what what;
	struct text *text; /* lent */
	bool cloexec;
	bool copied;
};

/* The site of a call that was seen: who made it, when, and with which stacks. */
struct fd_site generation_site(const struct record_call *call);

/*
 * The generation began while the call was still running (CALL_INSTALLED). The call has returned now
 * and says what it made; the generation keeps the time of its beginning.
 */
void generation_named(struct store *store, const struct slot *slot, struct generation *gen,
		      const struct record_call *call, const struct making *making);

/* A call returned fd as a new descriptor: a generation of it begins. 0 or -ENOMEM. */
int generation_begin(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, const struct making *making);

/*
 * dup2 or dup3 returned fd: the same call ends what fd was before, if it was open, and begins its
 * new generation. 0 or -ENOMEM.
 */
int generation_replace(struct store *store, struct table *table, int32_t fd,
		       const struct record_call *call, const struct making *making);

/*
 * A close of fd succeeded, which proves that fd had been open. meant: the id of the generation that
 * the object which makes the close had taken (ownership.h), 0 if that is not known; unless that
 * generation is over already, it is the one that the close ended. *ret_gen: the generation that the
 * close ended; NULL if it was the one meant, which has been forgotten. *ret_raced: more than one
 * generation could be meant, and the close was taken for the end of one after which the number had
 * been opened again already. 0 or -ENOMEM.
 */
int generation_close(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, uint64_t meant, struct generation **ret_gen,
		     bool *ret_raced);

/* A call on fd succeeded, which shows that fd is open. 0 or -ENOMEM. */
int generation_seen(struct store *store, struct table *table, int32_t fd,
		    const struct record_call *call);

/* A close_range that was recorded before the call may have closed the descriptor that the call
 * made. */
bool generation_may_be_swept(const struct store *store, const struct table *table, int32_t fd,
			     const struct record_call *call);

/* F_SETFD succeeded: whether exec closes the number. 0 or -EINVAL, -ENOMEM. */
int generation_set_cloexec(struct store *store, struct table *table,
			   const struct record_call *call);

/*
 * A close_range covers the number: it closed the number if that was open. True: the close_range
 * ended the newest generation.
 */
bool generation_close_bulk(struct store *store, struct slot *slot, const struct record_call *call);

#endif
