/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a call that opens a number makes it refer to.
 *
 * Owns: how that is read from the call. Never: begins a generation.
 */
#ifndef FDTRACE_FD_MAKING_H
#define FDTRACE_FD_MAKING_H

#include "fd/generation.h"

/* What the call makes; the text is the caller's to drop. */
struct making making_of(struct store *store, const struct record_call *call);

/* The same of dup(), dup2() and F_DUPFD: what the copied number refers to, if that is certain. */
struct making making_copy(struct store *store, const struct table *table,
			  const struct record_call *call);

#endif
