/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Descriptors that the kernel was seen to put into a table (CALL_INSTALLED), whatever call made it
 * do so.
 *
 * Such a record comes in the midst of a call. Two things follow: the end of the same call may tell
 * of the same descriptor once more; and clone() puts its child's pidfd into the parent when the
 * child has its copy of the table already, but before the fork is told.
 *
 * Owns: these two, and what such a descriptor is. Never: judges.
 */
#ifndef FDTRACE_FD_FD_INSTALL_H
#define FDTRACE_FD_FD_INSTALL_H

#include "fd/table.h"

/* What it is, as far as the kind of its file tells, or the call that alone can have made it. */
struct fd_what installed_what(const struct record_call *call);

/*
 * The generation of fd that this call began, if its thread's records before have told so; NULL:
 * none. The store knows of those (installed_ns).
 */
struct generation *installed_by(const struct store *store, const struct table *table, int32_t fd,
				const struct record_call *call);

/* `child` is a copy of its parent's table, made by a call of this thread's that goes on. */
void installed_since_copy(struct store *store, struct table *child, uint32_t tid);

#endif
