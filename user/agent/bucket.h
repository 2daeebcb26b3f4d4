/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A token bucket: so many a minute, and so many at once.
 *
 * Owns: when one more may go. Pure: the time is the caller's.
 */
#ifndef FDTRACE_AGENT_BUCKET_H
#define FDTRACE_AGENT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* All but the first two zero: it is full. */
struct bucket {
	uint64_t per_minute, burst; /* neither is 0 */
	uint64_t empty_ns;	    /* when all that have gone will have been made up for */
};

/* Takes one, at that time; false: there is none. Times may come in any order. */
bool bucket_take(struct bucket *bucket, uint64_t now_ns);

#endif
