/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whether all that opens and closes a table's numbers is seen: since when, and if not, why.
 *
 * A close that says EBADF proves that the number is closed now. It is a fact about the last end
 * that was seen only if nothing can have opened the number, and closed it again, in between. So
 * says a close that succeeds what it ended only if nothing can have taken the place of what was
 * seen to be opened. A table is not wholly seen while
 *
 *   a process that is not traced shares it (clone(CLONE_FILES)), from its beginning till the kernel
 *   says that a thread of ours is alone in the table, or a look at all tasks that there are none
 *   but ours; or a process that the kernel side traces, but that is not known here;
 *   an io_uring may close numbers in it, whose closes the hooks do not tell of: from the first that
 *   is handed to it till exec, for what is handed over may be done at any later time;
 *   32-bit calls that are not decoded are made in it.
 *
 * Every finding is weighed against that once it has been made, whatever kind it is: so no verdict
 * can forget to ask.
 *
 * Owns: that knowledge, also of tables that are not known yet. Never: says what happened unseen.
 */
#ifndef FDTRACE_FD_COVERAGE_H
#define FDTRACE_FD_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"
#include "fd/doubt.h"
#include "fd/finding.h"

struct store;
struct table;

/* All zeros: wholly seen from the beginning. Times are CLOCK_BOOTTIME. */
struct coverage {
	uint32_t ways;	   /* enum unseen_way: those that there are now */
	uint32_t past;	   /* those that there were */
	uint64_t from_ns;  /* none was there before; 0: not known */
	uint64_t told_ns;  /* when ways were last found to be there */
	uint64_t until_ns; /* the last moment of those in the past */
};

/* A record says so of a table, which need not be known yet. 0 or -ENOMEM. */
int coverage_told(struct store *store, const struct record_unseen *record);
/* What records have told of the address before the table was known by it. */
void coverage_placed(struct store *store, struct table *table);
void coverage_forget(struct store *store);

/* There is such a way from this time on. */
void coverage_lacks(struct table *table, enum unseen_way way, uint64_t time_ns);
/* What a call shows of its table. */
void coverage_call(struct table *table, const struct record_call *call);
/* A descriptor that /proc has shown: a ring may have been here before. */
void coverage_listed(struct table *table, const struct fd_what *what, uint64_t time_ns);
/* `to` has been copied from `from` at that time. inherited: by fork, for another process. */
void coverage_copied(struct table *to, const struct table *from, bool inherited, uint64_t time_ns);
/* exec: nobody shares the table now, and rings have ended what they had to do. */
void coverage_anew(struct table *table);

/* Numbers may be opened and closed unseen just now; ever since the table began. */
bool coverage_hides(const struct table *table);
bool coverage_has_hidden(const struct table *table);

/* The ways by which something may have happened unseen since that site, as doubts. */
uint32_t coverage_doubts_since(const struct table *table, const struct fd_site *site);
/* The finding, in this table, is a fact only if all was seen on which it rests. */
void coverage_weigh(const struct table *table, struct finding *finding);

#endif
