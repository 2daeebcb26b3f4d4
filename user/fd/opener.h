/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who opened a number: what a call that opens leaves in the generation's custody (custody.h), and
 * in what is known of its holder (holder.h).
 *
 * Owns: which generation a call has opened, noting its frames, and to whom it was given then.
 * Never: judges.
 */
#ifndef FDTRACE_FD_OPENER_H
#define FDTRACE_FD_OPENER_H

#include "fd/meaning.h"

/* The call is done: notes who has opened what it may have opened. */
void opener_note(const struct call_context *ctx);

/*
 * The call has ended the generation. If a socket object had it, and gave it away without a close
 * (detach()) to the object whose method had that socket made, and which makes the call: then it is
 * as if that object had opened it itself.
 */
void opener_passed_on(const struct call_context *ctx, const struct slot *slot,
		      const struct generation *gen);

#endif
