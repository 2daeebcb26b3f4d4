/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Doubts: each reason for which something about a descriptor is not certain has a name here.
 *
 * A set of them (uint32_t) is kept in each generation and each slot. Whoever judges a call asks for
 * the doubts about what the judgement rests on (doubts_about_generation(), doubts_about_number())
 * and hands them to finding_doubt(): with one of them a finding is suspected instead of a fact, and
 * the doubt's note tells the reader why. Three have no note, as the finding shows them otherwise:
 * DOUBT_CUT and DOUBT_UNSEEN by the reason why a site is missing, DOUBT_MEANT by its proofs.
 *
 * Some doubts are latent: they alone keep no finding from being a fact, but say which calls that
 * are recorded later have to be weighed against the generation.
 *
 * Owns: the names, and which note each of them becomes. Never: looks for doubts.
 */
#ifndef FDTRACE_FD_DOUBT_H
#define FDTRACE_FD_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

#include "fd/finding.h"

enum doubt {
	/* Latent. */

	/* It began while the number was believed open: the close before it is awaited. */
	DOUBT_WHILE_OPEN = 1 << 0,
	/* It began while it was unsure whether the number was open. */
	DOUBT_WHILE_UNSURE = 1 << 1,
	/* The close that ended it may have come before its open had returned. */
	DOUBT_CLOSED_EARLY = 1 << 2,
	/* Its own close may have been missed, or taken for that of an older generation. */
	DOUBT_CLOSE_MISSED = 1 << 3,
	/* It was over when a close_range covered the number. */
	DOUBT_COVERED = 1 << 4,
	/* It had DOUBT_ORDER before it was closed. */
	DOUBT_ORDER_BEFORE = 1 << 5,
	/* Of a number: a generation of it that was forgotten had not wholly been seen. */
	DOUBT_CUT_UNSEEN = 1 << 6,

	/* About a generation. */

	/* Another order of the recorded calls fits as well. */
	DOUBT_ORDER = 1 << 7,
	/* Its open and that of the generation before, whose close is awaited, may have come in the
	 * other order. */
	DOUBT_CROSSED = 1 << 8,
	/* A close_range may have ended it, or another generation after it, or neither. */
	DOUBT_RANGE = 1 << 9,
	/* Something may have opened or closed the number unseen (coverage.h): a process that is not
	 * traced, an io_uring, 32-bit calls. */
	DOUBT_SHARER = 1 << 10,
	DOUBT_RING = 1 << 11,
	DOUBT_COMPAT = 1 << 12,

	/* About a number. */

	/* Records were lost since it was last seen. */
	DOUBT_GAP = 1 << 13,
	/* It may have been otherwise when its table was copied (table_copy.h). */
	DOUBT_COPY = 1 << 14,
	/* Generations older than those that are known may have been forgotten. */
	DOUBT_CUT = 1 << 15,
	/* It may have been open before anything was seen of it. */
	DOUBT_UNSEEN = 1 << 16,

	/* About who made the call, and what was meant. */

	/* The number may have been open: EBADF may be a file system's. */
	DOUBT_FLUSH = 1 << 17,
	/* A stale object may have made the call, which meant another generation. */
	DOUBT_ANOTHERS = 1 << 18,
	/* Its object was not seen to take the number. */
	DOUBT_OWNER_LATE = 1 << 19,
	/* Its object was made before fdtrace attached. */
	DOUBT_OWNER_BEFORE = 1 << 20,
	/* Which generation was meant is not proven: what its caller did before tells. */
	DOUBT_MEANT = 1 << 21,
	DOUBT_LAST = DOUBT_MEANT,
};

#define DOUBTS_LATENT                                                                      \
	(DOUBT_WHILE_OPEN | DOUBT_WHILE_UNSURE | DOUBT_CLOSED_EARLY | DOUBT_CLOSE_MISSED | \
	 DOUBT_COVERED | DOUBT_ORDER_BEFORE | DOUBT_CUT_UNSEEN)
#define DOUBTS_ABOUT_ORDER (DOUBT_ORDER | DOUBT_CROSSED)
#define DOUBTS_UNSEEN_WAYS (DOUBT_SHARER | DOUBT_RING | DOUBT_COMPAT)

/* These doubts if that is so, else none. */
static inline uint32_t doubt_if(bool so, uint32_t doubts)
{
	return so ? doubts : 0;
}

/*
 * The finding rests on something about which there are these doubts. Unless all of them are latent,
 * it is suspected, and has their notes; then nothing about it is proven. 0: nothing changes.
 */
void finding_doubt(struct finding *finding, uint32_t doubts);

#endif
