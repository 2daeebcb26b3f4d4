/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of processes: who is traced, in which table, running which Python.
 *
 * Owns: targets and pythons as processes fork, exec, map files and exit.
 * Never: decides what a file is: the user side does, once per file, and leaves the answer in
 * python_files, so that the next process that maps it has its stacks from the first call on.
 */
#ifndef FDTRACE_PROCESS_BPF_H
#define FDTRACE_PROCESS_BPF_H

#include "fd_calls.bpf.h"

/* Room for a path behind a record_exec. */
#define EXEC_NAME_MAX 256

struct exec_buffer {
	struct record_exec record;
	char name[EXEC_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_buffer);
} exec_buffers SEC(".maps");

static __always_inline struct file_key file_key(struct file *file)
{
	struct file_key key = {
		.device = BPF_CORE_READ(file, f_inode, i_sb, s_dev),
		.inode = BPF_CORE_READ(file, f_inode, i_ino),
	};

	return key;
}

static __always_inline void report_file(const struct file_key *key, u64 start, u64 length,
					u64 offset, bool exec, bool known)
{
	struct record_map r = {};

	r.device = key->device;
	r.inode = key->inode;
	r.start = start;
	r.length = length;
	r.offset = offset;
	r.exec = exec;
	r.known = known;
	fill_header(&r.h, RECORD_MAP, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

/* A process runs a Python whose _PyRuntime in the file is moved by bias. */
static __always_inline void set_python(u32 tgid, const struct python_file *file, u64 bias)
{
	struct python_process python = {
		.runtime = file->runtime + bias,
		.layout = file->layout,
		.identity = IDENTITY_CONTENT,
	};

	if (bpf_map_update_elem(&pythons, &tgid, &python, BPF_ANY))
		count_loss(LOSS_MAP);
}

static __always_inline struct file *file_of_fd(u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(fdt, fd), *file = NULL;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

/* An executable mapping of a file, which may be a libpython. */
static __always_inline bool maps_code(const struct returned *call)
{
	return call->nr == NR_MMAP && (call->args[2] & PROT_EXEC) && (s32)call->args[4] >= 0 &&
	       (u64)call->ret < -4095ull;
}

static __always_inline void file_mapped(const struct returned *call, u32 tgid)
{
	const struct python_file *known;
	struct file_key key;
	struct file *file;

	if (bpf_map_lookup_elem(&pythons, &tgid))
		return;
	file = file_of_fd(call->args[4]);
	if (!file)
		return;
	key = file_key(file);
	known = bpf_map_lookup_elem(&python_files, &key);
	if (known && !known->known)
		return;
	if (known)
		set_python(tgid, known,
			   known->fixed ? 0
					: call->ret - (known->text_vaddr - known->text_offset +
						       call->args[5]));
	report_file(&key, call->ret, call->args[1], call->args[5], false, known != NULL);
}

static __always_inline bool same_memory(struct task_struct *a, struct task_struct *b)
{
	return BPF_CORE_READ(a, mm) == BPF_CORE_READ(b, mm);
}

static __always_inline void process_forked(struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid);
	const struct python_process *python;
	struct target target = {};
	struct record_fork r = {};

	if (parent_tgid == child_tgid || !bpf_map_lookup_elem(&targets, &parent_tgid) ||
	    !follow_forks)
		return;
	target.vfork = same_memory(parent, child);
	if (bpf_map_update_elem(&targets, &child_tgid, &target, BPF_ANY)) {
		count_loss(LOSS_MAP);
		return;
	}
	python = bpf_map_lookup_elem(&pythons, &parent_tgid);
	if (python) {
		struct python_process copy = *python;

		/* The probe on the parent's destructor does not see the child's frees. */
		copy.identity = IDENTITY_CONTENT;
		if (bpf_map_update_elem(&pythons, &child_tgid, &copy, BPF_ANY))
			count_loss(LOSS_MAP);
	}
	r.parent_table = (u64)BPF_CORE_READ(parent, files);
	r.child_table = (u64)BPF_CORE_READ(child, files);
	r.child_start_ns = BPF_CORE_READ(child, start_boottime);
	r.child_tgid = child_tgid;
	r.child_tid = BPF_CORE_READ(child, pid);
	r.vfork = target.vfork;
	fill_header(&r.h, RECORD_FORK, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

/* Which Python the new program is, as far as its own file tells (static builds). */
static __always_inline void program_started(struct task_struct *task, struct linux_binprm *bprm,
					    u32 tgid)
{
	struct file_key key = file_key(BPF_CORE_READ(bprm, file));
	const struct python_file *known = bpf_map_lookup_elem(&python_files, &key);
	u64 start_code;

	if (known && !known->known)
		return;
	if (known) {
		start_code = BPF_CORE_READ(task, mm, start_code);
		set_python(tgid, known, known->fixed ? 0 : start_code - known->text_vaddr);
	}
	report_file(&key, 0, 0, 0, true, known != NULL);
}

static __always_inline void process_execed(struct task_struct *task, struct linux_binprm *bprm)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tgid = pid_tgid >> 32, zero = 0;
	struct exec_buffer *buf = bpf_map_lookup_elem(&exec_buffers, &zero);
	struct target *target = bpf_map_lookup_elem(&targets, &tgid);
	long size;

	if (!target || !buf)
		return;
	target->vfork = 0;
	bpf_map_delete_elem(&pythons, &tgid);
	size = bpf_probe_read_kernel_str(buf->name, sizeof(buf->name),
					 BPF_CORE_READ(bprm, filename));
	size = size > 0 ? (size - 1) & (EXEC_NAME_MAX - 1) : 0;
	buf->record.table = (u64)BPF_CORE_READ(task, files);
	buf->record.start_ns = BPF_CORE_READ(task, start_boottime);
	buf->record.cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(buf->record.comm, sizeof(buf->record.comm));
	buf->record.name_size = size;
	fill_header(&buf->record.h, RECORD_EXEC, sizeof(buf->record) + size, pid_tgid);
	emit(&buf->record, sizeof(buf->record) + size, LOSS_PROCESS, true);
	program_started(task, bprm, tgid);
}

static __always_inline void process_exited(struct task_struct *task)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tgid = pid_tgid >> 32;
	struct record_exit r = {};

	if (!bpf_map_lookup_elem(&targets, &tgid) || BPF_CORE_READ(task, signal, live.counter) > 0)
		return;
	bpf_map_delete_elem(&targets, &tgid);
	bpf_map_delete_elem(&pythons, &tgid);
	r.table = (u64)BPF_CORE_READ(task, files);
	r.start_ns = BPF_CORE_READ(task, start_boottime);
	r.cgroup = bpf_get_current_cgroup_id();
	r.exit_code = BPF_CORE_READ(task, exit_code);
	bpf_get_current_comm(r.comm, sizeof(r.comm));
	fill_header(&r.h, RECORD_EXIT, sizeof(r), pid_tgid);
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

#endif
