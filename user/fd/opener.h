/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who opened a number: what a call that opens leaves in the generation's custody (custody.h), and
 * in what is known of its holder (holder.h).
 *
 * Owns: which generation a call has opened, and noting its frames. Never: judges.
 */
#ifndef FDTRACE_FD_OPENER_H
#define FDTRACE_FD_OPENER_H

#include "fd/meaning.h"

/* The call is done: notes who has opened what it may have opened. */
void opener_note(const struct call_context *ctx);

#endif
