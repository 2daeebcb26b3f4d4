/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace itself may do.
 *
 * Owns: which capabilities it needs and for what, giving up all others once everything is
 * attached, and the filter of system calls for the time after that; that a command which it starts
 * gets none of them.
 * Never: takes from that command what its user has without fdtrace.
 */
#ifndef FDTRACE_SECURITY_PRIVILEGES_H
#define FDTRACE_SECURITY_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Of the capabilities that are used those that are missing: a sentence each says what is lost, for
 * whoever shows it: known before it is missed.
 * kprobes_refused: perf_event_open() has been, for some of them.
 */
#define PRIVILEGES_LACKS_MAX 3
size_t privileges_lacks(bool kprobes_refused, const char *ret[PRIVILEGES_LACKS_MAX]);

/*
 * Gives up, for good, every capability but these: CAP_BPF and CAP_PERFMON (kernels before 5.19 ask
 * for CAP_BPF at every access to a map), CAP_SYS_ADMIN if it was held (what a process has mapped is
 * opened by it where its name is gone, fs/proc/base.c: proc_map_files_get_link()), CAP_SYS_PTRACE
 * and CAP_DAC_READ_SEARCH (new processes are looked into); with signals CAP_KILL too (they are
 * passed on to a command that runs as somebody else). Where CAP_DAC_OVERRIDE stands in for one of
 * these, it stays. 0 or negative errno.
 */
int privileges_drop(bool signals);

/*
 * In a child that is about to exec: unless it is root, who gets them from the exec itself, it has
 * no capability any more, also none to inherit: those of fdtrace are not its program's. Neither
 * allocates nor takes a lock. 0 or negative errno.
 */
int privileges_give_none(void);

/*
 * From now on system calls that fdtrace does not need fail with ENOSYS, and those that would run
 * another program, reach the network, or change other processes or the system end it. Holds for
 * processes that it forks too. exec_path (NULL: none): only a path that lies at this address may be
 * exec'd: a helper that is started anew. network: sockets may be made and connected, and
 * connections accepted, for front ends that send what they find and answer who asks. 0 or negative
 * errno.
 */
int privileges_filter(const char *exec_path, bool network);
#endif
