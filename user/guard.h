/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace itself may do.
 *
 * Owns: which capabilities it needs and for what, giving up all others once everything is
 * attached, and the filter of system calls for the time after that.
 * Never: takes anything from a process that it started.
 */
#ifndef FDTRACE_GUARD_H
#define FDTRACE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Of the capabilities that are used those that are missing: a sentence each says what is lost. */
#define GUARD_LACKS_MAX 2
size_t guard_lacks(const char *ret[GUARD_LACKS_MAX]);

/*
 * Gives up, for good, every capability but these: CAP_BPF and CAP_PERFMON (probes are attached to
 * files that are mapped later, and kernels before 5.19 ask for CAP_BPF at every access to a map),
 * CAP_SYS_ADMIN if it was held (perf_uprobe_event_init() asks for no less, kernel/events/core.c),
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (new processes are looked into); with signals CAP_KILL too
 * (they are passed on to a command that runs as somebody else). Where CAP_DAC_OVERRIDE stands in
 * for one of these, it stays. 0 or negative errno.
 */
int guard_drop(bool signals);

/*
 * From now on system calls that fdtrace does not need fail with ENOSYS, and those that would run
 * another program, reach the network, or change other processes or the system end it. Holds for
 * processes that it forks too. exec_path (NULL: none): only a path that lies at this address may be
 * exec'd: a helper that is started anew. 0 or negative errno.
 */
int guard_filter(const char *exec_path);

#endif
