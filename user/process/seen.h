/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Mappings of one process that were looked into a moment ago: the same file at the same address is
 * the same mapping.
 *
 * Owns: that set. Never: outlives the attach to one process, for numbers of files come again.
 */
#ifndef FDTRACE_PROCESS_SEEN_H
#define FDTRACE_PROCESS_SEEN_H

#include <stdbool.h>

#include "process/parse.h"

struct seen; /* NULL: nothing has been seen */

/* Without memory it is forgotten at once. */
void seen_add(struct seen **seen, const struct proc_mapping *mapping);
bool seen_has(struct seen *seen, const struct proc_mapping *mapping);
/* For the cleanup attribute. */
void seen_free(struct seen **seen);

#endif
