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
#include "session/fingerprint.h"
#include "session/sink.h"

struct summary {
	const struct session_stats *stats;
	const struct repeat *repeats; /* each line is safe for a terminal; NULL: none */
	uint64_t hidden;	      /* findings of little weight, not shown */
	uint64_t beyond;	      /* not shown, since too many different ones came before */
};

void summary_print(const struct page *page, const struct summary *summary);

#endif
