/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A stack as Python itself would print it: the innermost frame last.
 *
 * Owns: that form. Names are escaped: none begins a line of its own. Pure.
 */
#ifndef FDTRACE_REPORT_OTLP_STACKTRACE_H
#define FDTRACE_REPORT_OTLP_STACKTRACE_H

#include "stack/stack.h"

/* Bytes of one; of a deeper stack the innermost frames are there, and how many are not. */
#define STACKTRACE_MAX (48u << 10)

/*
 * Python's frames, or where there is none those of C. *ret: from the heap; NULL: no frame is
 * known. 0 or -ENOMEM.
 */
int otlp_stacktrace(const struct stack *stack, char **ret);

#endif
