/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is in doubt about a number and its generations (enum doubt).
 *
 * Opens and closes of one number alternate, but the records of calls that overlap may stand in the
 * wrong order, and some calls are not recorded at all. Here is asked whether a call fits in more
 * places than the one that it is given (generation.h), and what of all that speaks against a
 * verdict.
 *
 * Owns: these questions. Never: changes anything.
 */
#ifndef FDTRACE_FD_GENERATION_DOUBT_H
#define FDTRACE_FD_GENERATION_DOUBT_H

#include "fd/order.h"

/*
 * The doubts about a generation that is over, and about its number: all that speaks against it
 * having ended by that call and by no other, and nothing having come after it.
 */
uint32_t doubts_about_generation(const struct store *store, const struct slot *slot,
				 const struct generation *gen);
/*
 * The doubts about what is known of the number (slot: NULL or without a generation, if that is
 * nothing), whatever generation it is about.
 */
uint32_t doubts_about_number(const struct store *store, const struct table *table,
			     const struct slot *slot, int32_t fd);

/* The doubts about the generations that came after this one. */
uint32_t doubts_about_later(const struct slot *slot, const struct generation *gen);

/* A close was seen without its open, and this open may have come before some recorded close. */
bool generation_open_missed(const struct store *store, const struct slot *slot,
			    const struct record_call *call);
/*
 * What the call opened is taken to come after gen (NULL: no generation is known), but may have come
 * before it or before an older one.
 */
bool generation_open_earlier(const struct store *store, const struct generation *gen,
			     const struct record_call *call);
/* The call, a close, is to end gen, the newest generation, but may have ended another one. */
bool generation_close_contested(const struct store *store, const struct slot *slot,
				const struct generation *gen, const struct record_call *call);

#endif
