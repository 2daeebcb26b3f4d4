/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which generations of a number the objects mean that a close tells of (struct record_claim).
 *
 * A claim is as old as the moment when the object was first seen to have the number, or to be
 * about to take it. What was opened later is another generation: an object that still has the
 * number is stale then. So is one that had it still after an earlier close, whatever the records
 * show.
 *
 * Owns: that rule. Never: judges a close (ownership.h does).
 */
#ifndef FDTRACE_FD_CLAIMS_H
#define FDTRACE_FD_CLAIMS_H

#include "fd/table.h"
#include "fd/threads.h"

/* The claim of this index in the record. */
struct record_claim claim_at(const struct record_call *call, unsigned int index);

/* The generation that the object took; NULL: it was not seen, or has been forgotten. */
struct generation *claim_generation(const struct slot *slot, const struct record_claim *claim);

/*
 * Whose close it is, as far as claims tell: of the object that is at work in the thread and has let
 * go of the number. All 0: nobody's that is known.
 */
struct intent claims_closer(const struct slot *slot, const struct record_call *call);

/*
 * Whether the object's claim has this flag. Of one that was not seen as it was made (CLAIM_LATE,
 * CLAIM_BEFORE) it is not certain that it has not had the number in an earlier generation.
 */
bool claims_say(const struct record_call *call, uint64_t object, enum claim_flag flag);

/*
 * The generation of an object that has let go of the number since the last look: perhaps it made
 * the call. *ret_many: they are of several generations. NULL: no object has, or its generation is
 * forgotten.
 */
const struct generation *claims_let_go(const struct slot *slot, const struct record_call *call,
				       bool *ret_many);

/* Whether more objects claimed the number than the kernel side keeps: it may be one of those. */
bool claims_left_out(const struct record_call *call);

/*
 * Whose call it is that failed, though no close: of the object that is at work in the thread, and
 * has the number still; *ret_doubt: several may be meant. All 0: nobody's that is known.
 */
struct intent claims_user(const struct slot *slot, const struct record_call *call, bool *ret_doubt);

/* Whether the object has, or had, just this generation of the number. */
bool claim_is_of(const struct slot *slot, const struct record_claim *claim,
		 const struct generation *gen);

#endif
