/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a copy of a descriptor table may have missed.
 *
 * fork, unshare and exec copy a table that other threads may go on using: their calls continue
 * while the kernel copies it. A call that was recorded before the copy may have taken effect after
 * it, and the other way round; and the records of such calls name the original table, not the
 * copy. So what is known of a number in the copy is unsure if another thread's call was recorded
 * just before the copy, or if a call is recorded after the copy that may have taken effect before
 * it. Such records come within the settle time, for which all findings wait.
 *
 * A table that a single thread uses is copied as it is.
 *
 * Owns: these doubts, and which table was copied last from which. Never: judges a call.
 */
#ifndef FDTRACE_FD_TABLE_COPY_H
#define FDTRACE_FD_TABLE_COPY_H

#include "fd/table.h"

struct pending;

/*
 * The table `to` has just been made as a copy of `from`. tid: the thread that copied, at
 * store.now_ns; shared: other threads go on using `from`.
 */
void copy_began(struct store *store, struct table *from, struct table *to, uint32_t tid,
		bool shared);

/*
 * A call was recorded in a table that may have been copied. If the call may have taken effect
 * before the copy, its effect may be in the copy as well: pending findings on its numbers there
 * become suspected.
 */
void copy_late(struct pending *pending, struct table *table, const struct record_call *call);

/*
 * The table goes away before every call has been recorded that may have taken effect before the
 * table was made as a copy: its pending findings become suspected.
 */
void copy_over(struct pending *pending, struct table *table);

#endif
