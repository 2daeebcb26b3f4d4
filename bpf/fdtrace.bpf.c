// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attach points, a screenful each, and the list of all parts; nothing else.
 *
 * At a system call's exit both its arguments and its result are at hand, so one hook sees
 * whole calls and keeps no state between entry and exit.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* All parts, from what each of them uses to what the hooks call; each includes what it calls. */
#include "maps.bpf.h"
#include "pid.bpf.h"
#include "emit.bpf.h"
#include "walk.bpf.h"

/* Whose thread state a thread runs, and its Python stack. */
#include "libc.bpf.h"
#include "pthread.bpf.h"
#include "states.bpf.h"
#include "thread.bpf.h"
#include "python.bpf.h"
#include "rights.bpf.h"
#include "send_once.bpf.h"

#include "native.bpf.h"

/* Python's descriptor owners. */
#include "owner.bpf.h"
#include "owner_closed.bpf.h"
#include "owner_made.bpf.h"

/* What happens to descriptors and processes, and how it is seen. */
#include "unseen.bpf.h"
#include "fd_calls.bpf.h"
#include "process.bpf.h"
#include "sys_exit.bpf.h"
#include "fd_install.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/*
 * System calls, by one of these hooks: the user side loads those of one kind of hook alone.
 * All end in the same code, so what they report is the same.
 */

/* Most calls of most processes are of no interest: that shows without a single helper call. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	return call_returned(regs, ret);
}

/*
 * At the end of one system call's function: processes that do not make that call pay nothing. The
 * user side loads a copy for each call; what is long is loaded once, behind a tail call.
 */
SEC("fexit")
int BPF_PROG(on_call, struct pt_regs *regs, long ret)
{
	if (concerns_target(regs, ret))
		bpf_tail_call(ctx, &whole_call, 0);
	return 0;
}

SEC("fexit")
int BPF_PROG(on_call_whole, struct pt_regs *regs, long ret)
{
	return call_returned(regs, ret);
}

/* The same where the kernel's description of the function says nothing of its registers. */
SEC("fexit")
int BPF_PROG(on_far_call, struct pt_regs *unused, long ret)
{
	if (current_target())
		bpf_tail_call(ctx, &whole_far_call, 0);
	return 0;
}

SEC("fexit")
int BPF_PROG(on_far_call_whole, struct pt_regs *unused, long ret)
{
	struct sys_exit call = {.ret = ret};

	return far_call_returned(&call);
}

/*
 * At the ends of all these functions by one link, since Linux 7.2 (fexit.multi, which older libbpf
 * has no name for: the user side changes its type). What each of them is given is not known here.
 */
SEC("kprobe")
int on_call_of_many(void *ctx)
{
	struct sys_exit call = {0};

	if (!current_target() || bpf_get_func_ret(ctx, (u64 *)&call.ret))
		return 0;
	return far_call_returned(&call);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int on_raw_sys_exit(struct sys_exit_args *ctx)
{
	struct sys_exit call = {.ret = ctx->ret};

	return far_call_returned(&call);
}

SEC("kretprobe")
int on_call_return(struct pt_regs *ctx)
{
	struct sys_exit call = {.ret = PT_REGS_RC(ctx)};

	return far_call_returned(&call);
}

SEC("kretprobe.multi")
int on_call_return_multi(struct pt_regs *ctx)
{
	struct sys_exit call = {.ret = PT_REGS_RC(ctx)};

	return far_call_returned(&call);
}

/* By one of each two, where the kernel allows it. */
SEC("fexit")
int BPF_PROG(on_fd_install, unsigned int fd, struct file *file)
{
	fd_installed(fd, file);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(on_fd_install_entry, unsigned int fd, struct file *file)
{
	fd_installed(fd, file);
	return 0;
}

/* file_close_fd_locked(); on_fd_pick: before Linux 6.7, __close_fd_get_file(). */
SEC("fexit")
int BPF_PROG(on_fd_remove, struct files_struct *files, unsigned int fd, struct file *file)
{
	fd_removed(fd, file);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(on_fd_remove_entry, struct files_struct *files, unsigned int fd)
{
	fd_removed(fd, file_of_fd(fd));
	return 0;
}

SEC("fexit")
int BPF_PROG(on_fd_pick, unsigned int fd, struct file *file)
{
	fd_removed(fd, file);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(on_fd_pick_entry, unsigned int fd)
{
	fd_removed(fd, file_of_fd(fd));
	return 0;
}

/* file_close_fd(), which returns what it has found. */
SEC("fexit")
int BPF_PROG(on_fd_close, unsigned int fd, struct file *file)
{
	fd_looked_up(fd, file);
	return 0;
}

/* close_fd(), which closes it, too; its kprobe also at file_close_fd(). */
SEC("fentry")
int BPF_PROG(on_fd_close_begin, unsigned int fd)
{
	fd_to_be_looked_up(fd);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(on_fd_close_entry, unsigned int fd)
{
	fd_to_be_looked_up(fd);
	return 0;
}

/* Before Linux 5.11: __close_fd(), which takes the table, too. */
SEC("fentry")
int BPF_PROG(on_table_close_begin, struct files_struct *files, unsigned int fd)
{
	fd_to_be_looked_up(fd);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(on_table_close_entry, struct files_struct *files, unsigned int fd)
{
	fd_to_be_looked_up(fd);
	return 0;
}

SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	process_forked((void *)ctx->args[0], (void *)ctx->args[1]);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	process_execed((void *)ctx->args[0], (void *)ctx->args[2]);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	process_exited((void *)ctx->args[0]);
	return 0;
}

/* Under the name and with the arguments that this kernel has: the user side attaches it. */
SEC("raw_tp/io_uring_submit_req")
int on_ring_submission(struct bpf_raw_tracepoint_args *ctx)
{
	ring_submitted(ctx);
	return 0;
}

/* Asked by the user side: which tables there are. */
SEC("iter/task")
int on_each_task(struct bpf_iter__task *ctx)
{
	look_at_task(ctx);
	return 0;
}

/* Asked by the user side: which sockets the process has open. */
SEC("iter/task_file")
int on_each_file(struct bpf_iter__task_file *ctx)
{
	look_at_file(ctx);
	return 0;
}

/*
 * Run by the user side on one of its own descriptors: how the others will name the file. Neither
 * stat nor /proc/PID/maps gives that for every file system (overlayfs, btrfs).
 */
SEC("raw_tp")
int on_identify(struct bpf_raw_tracepoint_args *ctx)
{
	struct file *file = file_of_fd(ctx->args[0]);
	struct file_version version;
	u32 zero = 0;

	if (!file)
		return 1;
	version = file_version(file);
	return bpf_map_update_elem(&identified, &zero, &version, BPF_ANY) ? 1 : 0;
}

/* Run by the user side: how deep its pid namespace lies; and where its root is. */
SEC("raw_tp")
int on_self(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	own_mount = (u64)BPF_CORE_READ(task, fs, root.mnt);
	own_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	return BPF_CORE_READ(task, thread_pid, level);
}

/* Put into one process, where CPython frees a code object. */
SEC("uprobe")
int BPF_KPROBE(on_code_dealloc, u64 code)
{
	code_freed(code);
	return 0;
}
