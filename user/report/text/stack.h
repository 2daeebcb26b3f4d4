/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A stack as text for people: Python's frames, and the native ones among them.
 *
 * Owns: the look of frames and of their source lines.
 */
#ifndef FDTRACE_REPORT_TEXT_STACK_H
#define FDTRACE_REPORT_TEXT_STACK_H

#include "report/text/wrap.h"
#include "source/source.h"
#include "session/sink.h"

/* The stack of a site that was seen, innermost frame first, frames of it. 0 or -ENOMEM. */
int stacks_print(const struct page *page, struct source_reader *source, unsigned int frames,
		 const struct process *process, const struct fd_site *site,
		 const struct stack *stack);

#endif
