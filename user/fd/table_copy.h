/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a copy of a table may have missed.
 *
 * fork, unshare and exec copy a table that others use on: their calls go on while it is copied.
 * What was recorded before the copy may have taken effect after it, and the other way round; and
 * the records of such calls name the table that was copied, not the copy. So what is known of a
 * number in a copy is unsure if another thread's call was recorded just before the copy, or if
 * one is recorded after it that may have come before. Such records come within the settle time,
 * for which all findings wait.
 *
 * A table that a single thread uses is copied as it is.
 *
 * Owns: these doubts, and which table was copied last from which. Never: judges.
 */
#ifndef FDTRACE_FD_TABLE_COPY_H
#define FDTRACE_FD_TABLE_COPY_H

#include "fd/table.h"

struct pending;

/* `to` is a copy of `from`. tid: who copied, at store.now_ns; shared: others use `from` on. */
void copy_began(struct store *store, struct table *from, struct table *to, uint32_t tid,
		bool shared);

/*
 * A call in a table: if it may have come before the table was copied, the copy may have it too, and
 * findings there that wait are no facts.
 */
void copy_late(struct pending *pending, struct table *table, const struct record_call *call);

/* The table is over before all is recorded that may have come before it was copied. */
void copy_over(struct pending *pending, struct table *table);

#endif
