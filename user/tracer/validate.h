/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whether a running process is the Python that its file says, before its memory is believed.
 *
 * Owns: how often it is looked at, for the process runs meanwhile. Never: stops it.
 */
#ifndef FDTRACE_TRACER_VALIDATE_H
#define FDTRACE_TRACER_VALIDATE_H

#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"
#include "python/consistency.h"

/* bias: what the file was moved by in the process. Takes some milliseconds at most. */
enum soundness validate_process(pid_t pid, const struct python_runtime *runtime, uint64_t bias);

/*
 * A code object that the kernel side could not read whole, from the live process: feeds what
 * replaces the record; or the record itself, where it may not be that code object any more. What
 * feed returned.
 */
int validate_code(const struct ebpf *ebpf, const struct record_code *record,
		  const struct py_layout *layout, record_fn feed, void *arg);

/*
 * The same of a line table whose pieces from this one on the kernel side could not read: feeds
 * those that can be had. What feed returned, or 0.
 */
int validate_table(const struct ebpf *ebpf, const struct record_code_table *record,
		   const struct py_layout *layout, record_fn feed, void *arg);

#endif
