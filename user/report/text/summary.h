/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The end of a session as text for people.
 *
 * Owns: what is said of the whole: counts, repeats, losses, what could not be seen.
 */
#ifndef FDTRACE_REPORT_TEXT_SUMMARY_H
#define FDTRACE_REPORT_TEXT_SUMMARY_H

#include <stdint.h>
#include <uthash.h>

#include "report/text/wrap.h"
#include "session/sink.h"

/* A fingerprint that has been told once. */
struct repeat {
	char fingerprint[24];
	char *line; /* safe for a terminal */
	uint64_t more;
	UT_hash_handle hh;
};

struct summary {
	const struct session_stats *stats;
	const struct repeat *repeats;
	uint64_t hidden; /* findings of little weight, not shown */
	uint64_t beyond; /* not shown, since too many different ones came before */
};

void summary_tell(const struct page *page, const struct summary *summary);

#endif
