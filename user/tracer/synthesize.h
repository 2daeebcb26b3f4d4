/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Records of what was learned of a process beside the kernel side's: its facts, its runtime.
 *
 * Owns: their form. Never: keeps anything.
 */
#ifndef FDTRACE_TRACER_SYNTHESIZE_H
#define FDTRACE_TRACER_SYNTHESIZE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "python/runtime.h"

/* What /proc says of a process that begins to be traced. What feed returned, or negative errno. */
int synthesize_process(record_fn feed, void *arg, pid_t pid, enum process_since since);

/*
 * Where a forked child is; parent: of whom that is known. By now it may run another program, for
 * which a record will come: so not its name, unless it is all that can be had. As above.
 */
int synthesize_child(record_fn feed, void *arg, const struct record_fork *record, bool parent);

/* /proc knows more than the record of an exec, if the process is still that program. As above. */
int synthesize_program(record_fn feed, void *arg, const struct record_exec *record);

/* The process runs this Python. What feed returned. */
int synthesize_runtime(record_fn feed, void *arg, pid_t pid, const struct python_runtime *runtime);

/* The process was added in vain. What feed returned. */
int synthesize_forget(record_fn feed, void *arg, pid_t pid);

#endif
