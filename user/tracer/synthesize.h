/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Synthesized records: what user space itself has learned of a process (its facts from /proc, its
 * Python runtime), put into the form of the records that come from the kernel side.
 *
 * Owns: the form of these records. Never: keeps anything.
 */
#ifndef FDTRACE_TRACER_SYNTHESIZE_H
#define FDTRACE_TRACER_SYNTHESIZE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "python/runtime.h"

/*
 * Feeds what /proc says of a process that begins to be traced. Returns what feed returned, or
 * negative errno if /proc cannot be read.
 */
int synthesize_process(record_fn feed, void *arg, pid_t pid, enum process_since since);

/*
 * Feeds what /proc says of a forked child. parent: the child's parent is known, so only where the
 * child is (FACTS_PLACE) is read; by now the child may run another program, whose record is still
 * to come. Without a known parent all facts are read, as nothing else tells the child's name.
 * Returns what feed returned; 0 if the facts cannot be read: the child may be gone.
 */
int synthesize_child(record_fn feed, void *arg, const struct record_fork *record, bool parent);

/*
 * Feeds what /proc knows of a program beyond the record of its exec, if the process still runs that
 * program. Returns what feed returned; 0 if the facts cannot be read.
 */
int synthesize_program(record_fn feed, void *arg, const struct record_exec *record);

/* Feeds the fact that the process runs this Python. Returns what feed returned. */
int synthesize_runtime(record_fn feed, void *arg, pid_t pid, const struct python_runtime *runtime);

/* Tells that the process was added in vain and is to be forgotten. Returns what feed returned. */
int synthesize_forget(record_fn feed, void *arg, pid_t pid);

#endif
