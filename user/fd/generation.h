/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which generation of a number a call began or ended.
 *
 * Records are written when a call returns, so those of two racing threads may stand in the
 * wrong order: an open that returns 7 may come before the close that freed 7. Opens and
 * closes of one number alternate, though, so each call has few places where it fits:
 *
 * - A number that is opened while it is believed open: the close of the old generation is on its
 *   way (generation.awaited). The next close takes it, if it may have begun before that open
 *   returned: not by the thread that opened (its calls are in order), and, where the record
 *   says when it was entered, not after the open. Where the record does not say, the close
 *   must come within the settle time.
 * - A close that ends a generation whose open was not seen, and then the open, entered before that
 *   close returned: it began that generation. If the number has been opened again by then, that
 * open may have begun a generation after that one, too.
 * - A call that returned before the snapshot was finished may be what the snapshot shows.
 * - close_range says nothing of what it found: a number that it covers may have been open in a
 *   way that was not seen, or closed in one (io_uring).
 *
 * Where two places fit, the generation is marked uncertain, and a verdict on it is "suspected".
 *
 * Owns: that order. Never: judges a call that failed.
 */
#ifndef FDTRACE_FD_GENERATION_H
#define FDTRACE_FD_GENERATION_H

#include "fd/order.h"
#include "fd/table.h"

/* What a call makes of a number. */
struct making {
	struct fd_what what;
	struct text *text; /* lent */
	bool cloexec;
	bool copied;
};

struct fd_site generation_site(const struct record_call *call);

/* A generation that began while this call went on, which now tells what it made. */
void generation_named(struct store *store, const struct slot *slot, struct generation *gen,
		      const struct record_call *call, const struct making *making);

/* A call returned fd as new. 0 or -ENOMEM. */
int generation_begin(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, const struct making *making);

/* dup2, dup3: whatever fd was is ended by the call that begins its new generation. 0 or -ENOMEM. */
int generation_replace(struct store *store, struct table *table, int32_t fd,
		       const struct record_call *call, const struct making *making);

/*
 * A close of fd succeeded: that fd had been open is proof enough. meant: the id of the generation
 * that the object which makes the close had taken (ownership.h): unless that is over already, it is
 * this one; 0: not known. The generation that it ended in *ret_gen; *ret_raced: one that had been
 * opened again already, if more than one could be meant. 0 or -ENOMEM.
 */
int generation_close(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, uint64_t meant, struct generation **ret_gen,
		     bool *ret_raced);

/* A call that succeeded showed that fd is open. 0 or -ENOMEM. */
int generation_seen(struct store *store, struct table *table, int32_t fd,
		    const struct record_call *call);

/* A close_range that was recorded before the call may have closed what the call made. */
bool generation_may_be_swept(const struct store *store, const struct table *table, int32_t fd,
			     const struct record_call *call);

/*
 * close_range covers a number: it closed what was open, if something was. True: the newest
 * generation is over by it.
 */
bool generation_close_bulk(struct store *store, struct slot *slot, const struct record_call *call);

#endif
