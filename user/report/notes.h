/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The sentences beside a finding: what it rests on, and what a reader must know of its limits.
 *
 * Owns: these sentences. Pure. Never: escapes; no text of the traced process is in them.
 */
#ifndef FDTRACE_REPORT_NOTES_H
#define FDTRACE_REPORT_NOTES_H

#include "session/sink.h"

/* Called for each sentence; lent. Anything but 0 ends the telling and is returned. */
typedef int (*note_fn)(void *arg, const char *sentence);

/* What the calls seen prove. */
int notes_evidence(const struct finding_view *view, note_fn add, void *arg);

/* Gaps, races, where the descriptor came from. */
int notes_remarks(const struct finding_view *view, note_fn add, void *arg);

/* What is not known, and why: sites not seen, stacks not whole, lines, process facts. */
int notes_unknown(const struct finding_view *view, note_fn add, void *arg);

/* Frames without a line; name says of which call: "sites.bad". */
int notes_lines(const char *name, const struct stack *stack, note_fn add, void *arg);

#endif
