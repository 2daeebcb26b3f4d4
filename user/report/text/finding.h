/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One finding as text for people.
 *
 * Owns: the look of a finding. Never: counts repeats, or prints a raw byte of a process.
 */
#ifndef FDTRACE_REPORT_TEXT_FINDING_H
#define FDTRACE_REPORT_TEXT_FINDING_H

#include "report/text/wrap.h"
#include "source/source.h"
#include "session/sink.h"

/*
 * frames: of each stack; source: for their lines. Errors of the output are left in the page's
 * FILE. 0 or -ENOMEM.
 */
int print_finding(const struct page *page, unsigned int frames, struct source_reader *source,
		  const struct finding_view *view);

/* `double_close of fd 7 (pipe) at app.py:41 in C.run`, safe for a terminal. NULL without memory. */
char *print_short(const struct finding_view *view);

/* The line of a finding that follows from one that was shown. 0 or -ENOMEM. */
int print_consequence(const struct page *page, const struct finding_view *view);

/* The line that this finding, and others of its kind, are counted alone. */
void print_no_more(const struct page *page, const struct finding_view *view);

/* `closed at app.py:12 in f, and again at app.py:14 in f`: what is wrong, safe for a terminal. */
char *print_mistake(const struct finding_view *view);

/* A paragraph of hostile text: escaped, then laid out. 0 or -ENOMEM. */
int print_paragraph(const struct page *page, const char *style, const char *label,
		    unsigned int first, unsigned int rest, const char *text);

#endif
