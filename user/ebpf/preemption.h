/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Does this kernel take the CPU from a task that is in a hook's program? Then the kernel skips that
 * program for every other task of that CPU until the first one goes on: kernel/bpf/trampoline.c,
 * __bpf_prog_enter_recur() (fexit, since Linux 5.12); kernel/trace/bpf_trace.c, __bpf_trace_run()
 * (tp_btf; its tracepoints can be preempted since 6.13). Kprobes and perf's tracepoints cannot.
 *
 * Owns: where the kernel says so. Never: measures it: it depends on what else runs.
 */
#ifndef FDTRACE_EBPF_PREEMPTION_H
#define FDTRACE_EBPF_PREEMPTION_H

#include <stdbool.h>

struct btf;

struct preemption {
	bool functions;	  /* of programs at a function's end */
	bool tracepoints; /* of raw ones at a system call's end */
};

/* btf: the kernel's. What is not said is taken for no. */
struct preemption preemption_find(const struct btf *btf);

/*
 * Whether a kernel that calls itself this (utsname.version) preempts its own code, by what else it
 * says: of /sys/kernel/debug/sched/preempt ("none voluntary (full)") and of its command line, NULL
 * where they cannot be read. Pure.
 */
bool preemption_is_usual(const char *version, const char *modes, const char *command_line);

#endif
