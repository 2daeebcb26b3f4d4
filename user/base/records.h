/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Records as such: making the user side's own, and whether one can be.
 *
 * Owns: the checks of every length and range in a record, so that whoever reads it further
 * in need not. Never: knows what a record means.
 */
#ifndef FDTRACE_BASE_RECORDS_H
#define FDTRACE_BASE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record_user.h"

/* No record is longer, bytes: a code object's is the longest. */
#define RECORD_SIZE_MAX 65536

/* Takes a record. 0 or negative errno. */
typedef int (*record_fn)(void *arg, const struct record_header *record);

/* The header of one of our own; time_ns is CLOCK_BOOTTIME. */
void record_own(struct record_header *h, enum record_type type, size_t size, uint32_t tgid,
		uint64_t time_ns);

/*
 * The end of a session: LOSS_CAUSES counters, and sentences ended by NULL (or NULL: none), and
 * what was attached (or NULL). The caller frees it. NULL without memory.
 */
struct record_end *record_end_new(const uint64_t *lost, uint64_t compat_calls,
				  const char *const *unseen, const char *hooks, uint64_t time_ns);

/* Bytes that a record takes where one follows another: each begins at a multiple of 8. */
static inline size_t record_aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* When the call was entered, CLOCK_BOOTTIME; 0: not known, or no more than a bound of it. */
static inline uint64_t record_call_entered(const struct record_call *call)
{
	return call->point ? 0 : call->enter_ns;
}

/* By its own record the call was entered no earlier than this; 0: it tells nothing. */
static inline uint64_t record_call_bound(const struct record_call *call)
{
	return call->enter_ns < call->h.time_ns ? call->enter_ns : 0;
}

/* Whether it says what a call did to descriptors, whole. */
bool record_call_is_sane(const struct record_call *call);

/* The number of a valid call's native stack; 0: it has none. */
uint64_t record_call_native(const struct record_call *call);

/* An object kept the number of this transfer, as far as its record tells: CALL_KEPT. */
static inline bool record_call_kept(const struct record_call *call)
{
	return call->call == CALL_TRANSFERRED && call->still_open & CALL_KEPT;
}

/* Who made a valid call; false, and zeros: it does not say. */
bool record_call_caller(const struct record_call *call, struct record_caller *ret);

/* What a valid code object's first local is, its type's name ended; false, and zeros: not told. */
bool record_code_first_local(const struct record_code *code, struct record_first_local *ret);

/*
 * The frames found for a native stack; found: valid, with all but header, hash, nr and cpu; NULL:
 * nothing could be found. The caller frees it. NULL without memory.
 */
struct record_native_stack *record_native_stack_new(const struct record_native *native,
						    const struct record_native_stack *found,
						    uint64_t time_ns);

/*
 * Whether a record whose size bytes are all there holds what it says, and nothing that makes no
 * sense on any kernel. A type that is not known is valid.
 */
bool record_valid(const struct record_header *record);

#endif
