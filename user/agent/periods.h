/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The records of what was watched: at the end of each period, and at the end of all, one for each
 * service; where nothing was watched, one that says so, so that a gap shows.
 *
 * Owns: when a period ends, and what is in its records. Never: keeps them.
 */
#ifndef FDTRACE_AGENT_PERIODS_H
#define FDTRACE_AGENT_PERIODS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/identity.h"
#include "session/sink.h"
#include "tracer/tracer.h"

struct coverage_record {
	struct attributes resource; /* the service and the host; lent texts */
	const struct coverage_row *row;
	int64_t start_ns, end_ns; /* since the epoch */
	const uint64_t *lost;	  /* by cause: of the whole host, in the period */
	bool incomplete;	  /* for want of memory */
};

typedef void (*coverage_fn)(void *arg, const struct coverage_record *record);

struct periods {
	struct sink sink; /* which the caller adds after that of the identities, before those that
			     are told of the end; it goes with this */
	struct tracer *tracer; /* lent, and so is this: */
	struct identities *identities;
	coverage_fn fn;
	void *arg;
	uint64_t started_ns;	    /* CLOCK_BOOTTIME, of this period */
	uint64_t lost[LOSS_CAUSES]; /* up to its start */
};

/* fn is called for each record. */
void periods_begin(struct periods *periods, struct tracer *tracer, struct identities *identities,
		   coverage_fn fn, void *arg);

/* Between ends: what is to be done now and then. Ends the period if it has lasted so long. now_ns:
 * CLOCK_BOOTTIME. */
void periods_step(struct periods *periods, uint64_t now_ns, uint64_t interval_ns);

/* One line of kind "coverage" (docs/json.md). What cannot be written is left out. */
void coverage_print(FILE *out, const struct coverage_record *record);

#endif
