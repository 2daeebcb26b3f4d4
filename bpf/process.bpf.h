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
#include "native.bpf.h"
#include "rights.bpf.h"
#include "unseen.bpf.h"

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

/* When a file or what is said of it was last changed, CLOCK_REALTIME. */
static __always_inline u64 changed_ns(struct inode *inode)
{
	const struct inode___6_6 *split = (const void *)inode;
	const struct inode___5_10 *old = (const void *)inode;

	/* Its highest bit says that somebody has asked for it (Linux 6.13: I_CTIME_QUERIED). */
	if (bpf_core_field_exists(inode->i_ctime_sec))
		return BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ull +
		       (BPF_CORE_READ(inode, i_ctime_nsec) & ~(1u << 31));
	if (bpf_core_field_exists(split->__i_ctime))
		return BPF_CORE_READ(split, __i_ctime.tv_sec) * 1000000000ull +
		       BPF_CORE_READ(split, __i_ctime.tv_nsec);
	return BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ull +
	       BPF_CORE_READ(old, i_ctime.tv_nsec);
}

static __always_inline struct file_version file_version(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct file_version version = {
		.file.device = BPF_CORE_READ(inode, i_sb, s_dev),
		.file.inode = BPF_CORE_READ(inode, i_ino),
		.changed_ns = changed_ns(inode),
		.size = BPF_CORE_READ(inode, i_size),
	};

	return version;
}

static __always_inline void report_file(const struct file_version *version, u64 start, u64 length,
					u64 offset, bool exec, bool known)
{
	struct record_map r = {};

	r.device = version->file.device;
	r.inode = version->file.inode;
	r.changed_ns = version->changed_ns;
	r.file_size = version->size;
	r.start = start;
	r.length = length;
	r.offset = offset;
	r.exec = exec;
	r.known = known;
	fill_header(&r.h, RECORD_MAP, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

/* A Python that becomes known: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct python_process);
} new_pythons SEC(".maps");

/* A program is a Python whose _PyRuntime in the file is moved by bias. */
static __always_inline void set_python(const struct program_key *program,
				       const struct python_file *file, u64 bias)
{
	struct python_process *python;
	u32 zero = 0;

	python = bpf_map_lookup_elem(&new_pythons, &zero);
	if (!python)
		return;
	__builtin_memset(python, 0, sizeof(*python));
	python->runtime = file->runtime + bias;
	python->code_type = file->code_type + bias;
	python->layout = file->layout;
	for (u32 i = 0; i < OWNER_CODES; i++) {
		python->code[i].start = file->code[i].start + bias;
		python->code[i].size = file->code[i].size;
	}
	if (bpf_map_update_elem(&pythons, program, python, BPF_ANY))
		count_loss(LOSS_MAP);
	__sync_fetch_and_add(&pythons_changed, 1);
}

/* An executable mapping of a file, which may be a libpython. */
static __always_inline bool maps_code(const struct sys_exit *call)
{
	return call->nr == NR_MMAP && (call->args[2] & PROT_EXEC) && (s32)call->args[4] >= 0 &&
	       (u64)call->ret < -4095ull;
}

/*
 * A function of its own: what it keeps on the stack is not there while others walk a stack. All
 * frames of a chain of calls have 512 bytes together (up to Linux 6.12).
 */
static __noinline void file_mapped(const struct sys_exit *call, u64 since, u32 tgid)
{
	struct program_key program = {.program = since, .tgid = tgid};
	const struct python_file *known;
	struct file_version version;
	struct file *file;
	bool python;

	python = bpf_map_lookup_elem(&pythons, &program) != NULL;
	if (python && native_calls == NATIVES_NONE)
		return;
	file = file_of_fd(call->args[4]);
	if (!file)
		return;
	version = file_version(file);
	if (native_calls != NATIVES_NONE)
		report_module(file, call->ret, call->args[1], call->args[5], false);
	if (python)
		return;
	known = bpf_map_lookup_elem(&python_files, &version);
	if (known && known->known == FILE_NOTHING)
		return;
	if (known && known->known == FILE_PYTHON)
		set_python(&program, known,
			   known->fixed ? 0
					: call->ret - (known->text_vaddr - known->text_offset +
						       call->args[5]));
	report_file(&version, call->ret, call->args[1], call->args[5], false,
		    known && known->known == FILE_PYTHON);
}

static __always_inline bool same_memory(struct task_struct *a, struct task_struct *b)
{
	return BPF_CORE_READ(a, mm) == BPF_CORE_READ(b, mm);
}

/* A child that is not traced: it may share the parent's table. */
static __always_inline void left_alone(struct task_struct *parent, struct task_struct *child)
{
	struct files_struct *table = BPF_CORE_READ(parent, files);

	if (table == BPF_CORE_READ(child, files))
		tell_unseen(table, UNSEEN_SHARER);
}

static __always_inline void process_forked(struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = tgid_of(parent), child_tgid = tgid_of(child);
	const struct python_process *python;
	const struct target *parent_target;
	struct target target = {};
	struct record_fork r = {};

	if (parent_tgid == child_tgid)
		return;
	parent_target = bpf_map_lookup_elem(&targets, &parent_tgid);
	if (!parent_target)
		return;
	if (!follow_forks) {
		left_alone(parent, child);
		return;
	}
	target.program = bpf_ktime_get_boot_ns();
	target.vfork = same_memory(parent, child);
	target.parent_program = parent_target->program;
	target.parent_tgid = parent_tgid;
	if (bpf_map_update_elem(&targets, &child_tgid, &target, BPF_ANY)) {
		count_loss(LOSS_MAP);
		left_alone(parent, child);
		return;
	}
	python = find_program(parent_target->program, parent_tgid);
	if (python) {
		struct program_key key = {.program = target.program, .tgid = child_tgid};
		struct python_process *copy;
		u32 zero = 0;

		copy = bpf_map_lookup_elem(&new_pythons, &zero);
		if (copy) {
			*copy = *python;
			/* The probe in the parent does not see the frees of the child. */
			copy->identity = IDENTITY_CONTENT;
			if (bpf_map_update_elem(&pythons, &key, copy, BPF_ANY))
				count_loss(LOSS_MAP);
		}
		__sync_fetch_and_add(&pythons_changed, 1);
	}
	r.parent_table = (u64)BPF_CORE_READ(parent, files);
	r.child_table = (u64)BPF_CORE_READ(child, files);
	r.child_start_ns = BPF_CORE_READ(child, start_boottime);
	r.child_tgid = child_tgid;
	r.child_tid = tid_of(child);
	r.vfork = target.vfork;
	r.users = BPF_CORE_READ(parent, files, count.counter) > 1 ? FORK_TABLE_SHARED
								  : FORK_TABLE_ALONE;
	fill_header(&r.h, RECORD_FORK, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

/* Which Python the new program is, as far as its own file tells (static builds). */
static __always_inline void program_started(struct task_struct *task, struct linux_binprm *bprm,
					    const struct program_key *program)
{
	struct file_version version = file_version(BPF_CORE_READ(bprm, file));
	const struct python_file *known = bpf_map_lookup_elem(&python_files, &version);
	u64 start_code = BPF_CORE_READ(task, mm, start_code);

	if (native_calls != NATIVES_NONE)
		report_module(BPF_CORE_READ(bprm, file), start_code, 0, 0, true);
	if (known && known->known != FILE_PYTHON)
		return;
	if (known)
		set_python(program, known, known->fixed ? 0 : start_code - known->text_vaddr);
	report_file(&version, 0, 0, 0, true, known != NULL);
}

/* Of a process that is not traced: whoever asked for it decides whether it will be. */
static __always_inline void tell_start(void)
{
	struct record_header h = {};

	if (!tell_starts)
		return;
	fill_header(&h, RECORD_STARTED, sizeof(h), bpf_get_current_pid_tgid());
	emit(&h, sizeof(h), LOSS_PROCESS, true);
}

static __always_inline void process_execed(struct task_struct *task, struct linux_binprm *bprm)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tgid = pid_tgid >> 32, zero = 0;
	struct exec_buffer *buf = bpf_map_lookup_elem(&exec_buffers, &zero);
	struct target *target = bpf_map_lookup_elem(&targets, &tgid);
	struct program_key program = {};
	long size;

	if (!target)
		tell_start();
	if (!target || !buf)
		return;
	program.program = target->program;
	program.tgid = tgid;
	forget_watches(target);
	bpf_map_delete_elem(&pythons, &program);
	program.program = target->program = bpf_ktime_get_boot_ns();
	target->vfork = 0;
	target->leader_ended = 0;
	target->parent_program = 0;
	size = bpf_probe_read_kernel_str(buf->name, sizeof(buf->name),
					 BPF_CORE_READ(bprm, filename));
	size = size > 0 ? (size - 1) & (EXEC_NAME_MAX - 1) : 0;
	buf->record.table = (u64)BPF_CORE_READ(task, files);
	buf->record.start_ns = BPF_CORE_READ(task, start_boottime);
	buf->record.cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(buf->record.comm, sizeof(buf->record.comm));
	buf->record.name_size = size;
	buf->record.same_root = has_own_root(task);
	fill_header(&buf->record.h, RECORD_EXEC, sizeof(buf->record) + size, pid_tgid);
	emit(&buf->record, sizeof(buf->record) + size, LOSS_PROCESS, true);
	program_started(task, bprm, &program);
}

static __always_inline void process_exited(struct task_struct *task)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tgid = pid_tgid >> 32;
	struct target *target = bpf_map_lookup_elem(&targets, &tgid);
	struct program_key program = {.tgid = tgid};
	struct record_exit r = {};

	if (!target)
		return;
	if (BPF_CORE_READ(task, signal, live.counter) > 0) {
		if ((u32)pid_tgid == tgid)
			target->leader_ended = 1;
		return;
	}
	program.program = target->program;
	forget_watches(target);
	bpf_map_delete_elem(&targets, &tgid);
	bpf_map_delete_elem(&pythons, &program);
	r.table = (u64)BPF_CORE_READ(task, files);
	r.start_ns = BPF_CORE_READ(task, start_boottime);
	r.cgroup = bpf_get_current_cgroup_id();
	r.exit_code = BPF_CORE_READ(task, exit_code);
	bpf_get_current_comm(r.comm, sizeof(r.comm));
	fill_header(&r.h, RECORD_EXIT, sizeof(r), pid_tgid);
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

#endif
