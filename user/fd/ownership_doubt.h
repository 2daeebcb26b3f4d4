/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What remains open of whose descriptor a close ended, where calls overlap: what an object shows
 * can settle it, or not.
 *
 * Owns: these questions. Never: changes anything.
 */
#ifndef FDTRACE_FD_OWNERSHIP_DOUBT_H
#define FDTRACE_FD_OWNERSHIP_DOUBT_H

#include "fd/verdict.h"

/* No other order of the calls fits for those that came after this generation. */
bool owner_followed_by_certain(const struct slot *slot, const struct generation *gen);

/*
 * Another order of the calls fits as well, but most likely not for what this close ended: an object
 * shows it. sure: and no order at all in which it was something else.
 */
bool owner_settles(const struct call_context *ctx, const struct generation *gen, bool sure);

/*
 * When the object took the number, if it may have done so while the close went on, and so after it
 * had taken effect; 0: it had it before, for no other thread can have made it meanwhile, or it is
 * older than the call's entry.
 */
uint64_t owner_taken_meanwhile(const struct call_context *ctx, const struct generation *gen);

/* How this generation ended is certain. */
bool owner_certain(const struct store *store, const struct slot *slot,
		   const struct generation *gen);

#endif
