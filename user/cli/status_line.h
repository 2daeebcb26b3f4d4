/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The one line on a terminal that says how a session stands.
 *
 * Owns: when it is drawn and wiped. Only on a terminal, only on standard error; whoever
 * prints a report hides it first, so that the two never mix.
 */
#ifndef FDTRACE_CLI_STATUS_LINE_H
#define FDTRACE_CLI_STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "session/sink.h"

struct status_line {
	bool wanted;
	bool shown;
	uint64_t drawn_ns; /* CLOCK_BOOTTIME of the last drawing */
	uint64_t records;  /* seen by then */
};

void status_line_open(struct status_line *status, bool wanted);
/* Whether it is wanted and a while has passed since it was drawn. */
bool status_line_due(const struct status_line *status, uint64_t now_ns);
void status_line_show(struct status_line *status, const struct session_stats *stats,
		      uint64_t now_ns);
void status_line_hide(struct status_line *status);

#endif
