/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which of two closes of one generation is the wrong one, where no object of C code's owns it.
 *
 * An object that keeps a bare number closes it in a method of its class. If a function that is no
 * method has closed the number before, that function took it away from the object: more likely than
 * that the object had given it away. It is no more than likely, and said only
 *
 *   of calls that no object of C code's made
 *   of a call that is a close, or that is made on the way to one: by a method whose name says so
 *   if the function is not one that closes, as its habit, what the same opener opens
 *
 * Such an object closes what it believes to be its own. If its close took what another object owns,
 * and an earlier generation of the number had been ended by somebody else, it may have been robbed
 * of that one: then nobody is accused.
 *
 * If that object has itself closed an earlier one, which no other object owned, most likely it
 * means that still.
 *
 * Owns: these rules, and what is learned of them. Never: tells which generation was meant.
 */
#ifndef FDTRACE_FD_INTRUDER_H
#define FDTRACE_FD_INTRUDER_H

#include "fd/meaning.h"

/*
 * A call failed, and the close that ended the generation that the call meant is believed to have
 * meant that, too. True: that close is the wrong one.
 */
bool intruder_closed(const struct call_context *ctx, const struct meaning *meaning);

/*
 * The call, a close, has ended a generation that an object owns, which did not make it. The earlier
 * generation of which an object that made the call may have been robbed; NULL: there is none.
 */
const struct generation *intruder_earlier(const struct call_context *ctx,
					  const struct generation *gen);

/*
 * The same, of the generation that the object which makes the call has closed before, and whose
 * method is given no number. NULL: there is none.
 */
const struct generation *intruder_again(const struct call_context *ctx,
					const struct generation *gen);

#endif
