/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whether it is certain whose descriptor a close ended. Where calls overlap, several orders of them
 * may fit; what an object shows of its number can settle which one it was.
 *
 * Owns: these questions. Never: changes anything.
 */
#ifndef FDTRACE_FD_OWNERSHIP_DOUBT_H
#define FDTRACE_FD_OWNERSHIP_DOUBT_H

#include "fd/verdict.h"

/*
 * Another order of the calls fits as well, but an object shows what the close ended: most likely
 * this generation; with sure, this generation in every order that fits.
 */
bool owner_settles(const struct call_context *ctx, const struct generation *gen, bool sure);

/*
 * When the owner took the number, if it may have done so while the close was running, and so after
 * the close had taken effect. 0: the owner had the number before, because no other thread can have
 * made the object meanwhile or because the object is older than the call's entry.
 */
uint64_t owner_taken_meanwhile(const struct call_context *ctx, const struct generation *gen);

/* The doubts about the close at hand having ended gen, but for those that an object settles. */
uint32_t owner_doubts_about_closed(const struct call_context *ctx, const struct generation *gen);

/* The doubts about how gen ended, a generation before the newest. */
uint32_t owner_doubts_about_end(const struct store *store, const struct slot *slot,
				const struct generation *gen);

#endif
