// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attach points, a screenful each, nothing else.
 *
 * At a system call's exit both its arguments and its result are at hand, so one hook sees
 * whole calls and keeps no state between entry and exit.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "process.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#if defined(__TARGET_ARCH_x86)
static __always_inline bool is_compat(void)
{
	return CURRENT(thread_info.status) & TS_COMPAT;
}

static __always_inline void read_args(struct returned *call, struct pt_regs *regs)
{
	call->args[0] = regs->di;
	call->args[1] = regs->si;
	call->args[2] = regs->dx;
	call->args[3] = regs->r10;
	call->args[4] = regs->r8;
	call->args[5] = regs->r9;
}

#define SYSCALL_NR(regs) ((regs)->orig_ax)
#define RETURN_ADDRESS	 8
#elif defined(__TARGET_ARCH_arm64)
static __always_inline bool is_compat(void)
{
	return false;
}

static __always_inline void read_args(struct returned *call, struct pt_regs *regs)
{
	call->args[0] = regs->orig_x0;
	call->args[1] = regs->regs[1];
	call->args[2] = regs->regs[2];
	call->args[3] = regs->regs[3];
	call->args[4] = regs->regs[4];
	call->args[5] = regs->regs[5];
}

#define SYSCALL_NR(regs) ((regs)->syscallno)
#define RETURN_ADDRESS	 0
#endif

/* Most calls of most processes are of no interest: that shows without a single helper call. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	const struct target *target;
	struct returned call;
	u64 pid_tgid;
	u32 tgid;
	u8 id;

	call.nr = SYSCALL_NR(regs);
	call.ret = ret;
	if (call.nr >= SYSCALLS_KNOWN)
		return 0;
	read_args(&call, regs);
	id = classify(&call);
	if (!id && !maps_code(&call))
		return 0;
	pid_tgid = bpf_get_current_pid_tgid();
	tgid = pid_tgid >> 32;
	target = bpf_map_lookup_elem(&targets, &tgid);
	if (!target)
		return 0;
	if (is_compat())
		count_compat();
	else if (id)
		report_call(&call, id, target, pid_tgid, regs);
	else
		file_mapped(&call, target->program, tgid);
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

/*
 * Run by the user side on one of its own descriptors: how the others will name the file. Neither
 * stat nor /proc/PID/maps gives that for every file system (overlayfs, btrfs).
 */
SEC("raw_tp")
int on_identify(struct bpf_raw_tracepoint_args *ctx)
{
	struct file *file = file_of_fd(ctx->args[0]);
	u32 zero = 0;
	struct file_key key;

	if (!file)
		return 1;
	key = file_key(file);
	return bpf_map_update_elem(&identified, &zero, &key, BPF_ANY) ? 1 : 0;
}

/* At a point of a descriptor owner, which the cookie names. */
SEC("uprobe")
int BPF_KPROBE(on_owner_entry, u64 object)
{
	owner_entered(bpf_get_attach_cookie(ctx), object, PT_REGS_SP(ctx));
	return 0;
}

/* The return has taken the return address off the stack; arm64 had none there. */
SEC("uretprobe")
int BPF_KRETPROBE(on_owner_return, u64 result)
{
	owner_returned(bpf_get_attach_cookie(ctx), result, PT_REGS_SP(ctx) - RETURN_ADDRESS);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(on_code_dealloc, u64 code)
{
	code_freed(code);
	return 0;
}
