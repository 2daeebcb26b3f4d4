/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The end of a session as text for people.
 *
 * Owns: what is said of the whole: counts, repeats, losses, what could not be seen.
 */
#ifndef FDTRACE_REPORT_TEXT_SUMMARY_H
#define FDTRACE_REPORT_TEXT_SUMMARY_H

#include <stdint.h>

#include "report/text/wrap.h"
#include "session/repeats.h"
#include "session/sink.h"

struct summary {
	const struct session_stats *stats;
	const struct repeats *repeats; /* each line is safe for a terminal */
	uint64_t hidden;	       /* findings of little weight, not shown */
};

void summary_print(const struct page *page, const struct summary *summary);

#endif
