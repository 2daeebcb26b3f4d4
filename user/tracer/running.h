/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which file holds the Python that each traced process runs.
 *
 * Owns: that map. Never: finds out (discover.h does); outlives a process's program.
 */
#ifndef FDTRACE_TRACER_RUNNING_H
#define FDTRACE_TRACER_RUNNING_H

#include <sys/types.h>

#include "ebpf/ebpf.h"

struct running; /* NULL: none runs any */

/* From now on it is this file. Without memory nothing is kept. */
void running_set(struct running **running, pid_t pid, const struct file_version *file);
/* Lent until the next change. NULL: it runs no Python that is known. */
const struct file_version *running_file(struct running *running, pid_t pid);
void running_ended(struct running **running, pid_t pid);
void running_free(struct running **running);

#endif
