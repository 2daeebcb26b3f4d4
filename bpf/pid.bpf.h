/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a task is: its ids in fdtrace's own pid namespace, as /proc and everybody there name it.
 *
 * Owns: that translation. Outside of a container it is none, and costs nothing.
 */
#ifndef FDTRACE_PID_BPF_H
#define FDTRACE_PID_BPF_H

#include "maps.bpf.h"

/* Index into signal_struct.pids (enum pid_type). */
#define PIDTYPE_TGID 1

/* The number of a pid in fdtrace's namespace; 0: it is not in there. */
static __always_inline u32 number_in_namespace(struct pid *pid)
{
	u32 level = pid_namespace_level;
	struct pid_namespace *ns;
	struct upid *number;

	if (BPF_CORE_READ(pid, level) < level)
		return 0;
	number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		 level * bpf_core_type_size(struct upid);
	ns = BPF_CORE_READ(number, ns);
	return BPF_CORE_READ(ns, ns.inum) == pid_namespace ? BPF_CORE_READ(number, nr) : 0;
}

static __always_inline u32 tgid_of(struct task_struct *task)
{
	if (!pid_namespace)
		return BPF_CORE_READ(task, tgid);
	return number_in_namespace(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]));
}

static __always_inline u32 tid_of(struct task_struct *task)
{
	if (!pid_namespace)
		return BPF_CORE_READ(task, pid);
	return number_in_namespace(BPF_CORE_READ(task, thread_pid));
}

/* As the helper, in fdtrace's namespace. */
static __always_inline u64 current_pid_tgid(void)
{
	struct task_struct *task;

	if (!pid_namespace)
		return bpf_get_current_pid_tgid();
	task = (void *)bpf_get_current_task();
	return (u64)tgid_of(task) << 32 | tid_of(task);
}

/* Nobody needs the others: whoever asks for them means these. */
#define bpf_get_current_pid_tgid() current_pid_tgid()

#endif
