/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Two calls that stand at one line: what tells them apart is who called there.
 *
 * Owns: where the two stacks part. Pure. Never: words a sentence.
 */
#ifndef FDTRACE_REPORT_CALLERS_H
#define FDTRACE_REPORT_CALLERS_H

#include <stdbool.h>

#include "report/format.h"
#include "session/sink.h"

/* Of the close before, and of the bad call. */
struct callers {
	bool one_line; /* both stand there, in the same function */
	bool part;     /* and were called from these places; else all is the same, or not known */
	char closed[PLACE_SIZE], bad[PLACE_SIZE];
};

/* A finalizer stands nowhere. */
void callers_find(const struct finding_view *view, struct callers *ret);

#endif
