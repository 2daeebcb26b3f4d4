/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The agent's numbers in the OpenMetrics text format (openmetrics.io, version 1.0.0).
 *
 * Owns: their names, and that each is there from the first moment on, at 0: of a counter that is
 * born at 1 nobody sees an increase. No number of a process, path or stack is in a label. Pure.
 */
#ifndef FDTRACE_AGENT_METRICS_H
#define FDTRACE_AGENT_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/budget.h"
#include "agent/dedup.h"
#include "agent/spool.h"
#include "agent/export.h"
#include "session/sink.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics {
	struct session_stats session;
	struct dedup_stats dedup;
	struct known_stats known;
	struct spool_stats spool;
	const char *const *spool_sinks; /* the names of its receivers */
	uint64_t taken_up;		/* processes that a rule named */
	uint64_t passed_over;		/* of all that began, while the budget was spent */
	struct budget budget;		/* as it stands, without its processes */
	uint64_t refused;		/* of them, that could not be traced */
	uint64_t rules_unused;		/* rules to include that have named none so far */
	uint64_t file_failures;		/* so often has the file of findings begun to fail */
	bool has_file, file_works, has_export;
	struct export_stats export;
	bool reload_works;    /* the last one */
	uint64_t reloaded_ns; /* CLOCK_REALTIME, of the configuration that holds */
	/* Of the agent itself. */
	uint64_t started_ns; /* CLOCK_REALTIME */
	uint64_t cpu_ns, resident_bytes;
	uint64_t open_fds;
};

void metrics_print(const struct metrics *metrics, FILE *out);

#endif
