/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What to change.
 *
 * Owns: one sentence of advice for each kind of finding. What it cannot know (which object
 * owns a number) it puts as a condition. Pure. Never: escapes.
 */
#ifndef FDTRACE_REPORT_ADVICE_H
#define FDTRACE_REPORT_ADVICE_H

#include <stdio.h>

#include "session/sink.h"

void advice_print(FILE *out, const struct finding_view *view);

#endif
