/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a close_range() does to the numbers that it covers.
 *
 * Owns: which numbers are asked, however wide the range is. Never: decides what a number's history
 * is then (generation.h).
 */
#ifndef FDTRACE_FD_CLOSE_RANGE_H
#define FDTRACE_FD_CLOSE_RANGE_H

#include <stdbool.h>

#include "fd/pending.h"

/* linux/close_range.h, which older systems lack */
#define RANGE_UNSHARE (1u << 1)
#define RANGE_CLOEXEC (1u << 2)

/* The call has returned without an error. */
void range_closed(struct pending *pending, struct table *table, const struct record_call *call);

/* The thread has a table of its own from this call on: by unshare(), or by this. */
bool call_unshares(const struct record_call *call);

#endif
