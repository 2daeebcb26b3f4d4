/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that no system call returns: received over a UNIX socket, made by an ioctl, by
 * clone, by io_uring. All come into their table through fd_install(), in the process that gets
 * them (fs/file.c). Those that io_uring takes out of it, with the table's lock held. And closes
 * that find nothing in it: their result does not tell that from a file system's answer.
 *
 * Owns: telling them from those that a call's end shows. Where that cannot be told of one that is
 * installed, both records are sent, and the user side knows that they are one.
 * Never: sees what takes a number by dup2's way (do_dup2()), which is not through fd_install().
 */
#ifndef FDTRACE_FD_INSTALL_BPF_H
#define FDTRACE_FD_INSTALL_BPF_H

#include "fd_calls.bpf.h"
#include "sys_exit.bpf.h"
#include "unseen.bpf.h"

#define NR_IO_URING_ENTER 426
#if defined(__TARGET_ARCH_x86)
#define NR_EXECVE   59
#define NR_EXECVEAT 322
#elif defined(__TARGET_ARCH_arm64)
#define NR_EXECVE   221
#define NR_EXECVEAT 281
#endif

#define PF_IO_WORKER 0x10	 /* linux/sched.h */
#define SB_NOUSER    (1ul << 31) /* linux/fs.h: the kernel's own file systems */
#define S_IFREG	     0100000
#define O_CLOEXEC    02000000

/*
 * The end of the call shows it. In a process with an io_uring the kernel's work for that runs on
 * the way out of any call, so there it cannot be told. exec's (binfmt_misc) comes when the
 * program is neither the old one nor the new.
 */
static __always_inline bool is_shown(const struct sys_exit *call)
{
	if (call->nr == NR_EXECVE || call->nr == NR_EXECVEAT)
		return true;
	return !has_ring() && call->nr < SYSCALLS_KNOWN && classify(call);
}

/* As the end of this close(), or close_range(), shows. */
static __always_inline bool is_shown_removed(const struct sys_exit *call, u32 fd)
{
	switch (call->nr < SYSCALLS_KNOWN ? by_number(call_of_nr, call->nr) : 0) {
	case CALL_CLOSE:
		return fd == (u32)call->args[0];
	case CALL_CLOSE_RANGE:
		return fd >= (u32)call->args[0] && fd <= (u32)call->args[1];
	}
	return false;
}

static __always_inline bool closes_on_exec(u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	unsigned long *words = BPF_CORE_READ(fdt, close_on_exec), word = 0;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&word, sizeof(word), words + fd / 64);
	return word >> fd % 64 & 1;
}

/* What kind of file it is; the kernel's own are regular files, too, or of no kind. */
static __always_inline u32 kind_of(struct file *file)
{
	u32 kind = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;

	if (kind == S_IFREG && (BPF_CORE_READ(file, f_inode, i_sb, s_flags) & SB_NOUSER))
		return 0;
	return kind;
}

static __always_inline void report_midst(const struct sys_exit *call, u8 id,
					 const struct target *target, struct pt_regs *regs)
{
	hold_cpu();
	if (take_buffers()) {
		report_call(call, id, target, regs);
		leave_buffers();
	}
	release_cpu();
}

/* The call in whose midst we are; NULL: of no traced process, or not to be read. */
static __always_inline const struct target *midst_of(struct sys_exit *call, struct pt_regs **regs)
{
	const struct target *target = current_target();

	if (!target)
		return NULL;
	*regs = entry_regs();
	READ_CALL(call, *regs, BPF_CORE_READ);
	if (is_compat()) {
		READ_COMPAT(call, *regs, BPF_CORE_READ);
		from_compat(call);
	}
	call->worker = CURRENT(flags) & PF_IO_WORKER;
	return target;
}

static __always_inline void fd_installed(u32 fd, struct file *file)
{
	struct sys_exit call = {.ret = fd};
	struct pt_regs *regs = NULL;
	const struct target *target = midst_of(&call, &regs);

	if (!target || (!call.worker && is_shown(&call)))
		return;
	if (call.worker)
		call.nr = NR_IO_URING_ENTER;
	call.args[0] = closes_on_exec(fd) ? O_CLOEXEC : 0;
	call.args[1] = kind_of(file);
	call.args[2] = (u64)file;
	if (!call.worker && !has_ring())
		call.args[1] |= INSTALLED_BY_CALL;
	report_midst(&call, CALL_INSTALLED, target, regs);
}

/*
 * Work that io_uring has put off is done by a worker, or on the way out of any call of the
 * thread's: there the thread is at no place that has to do with it.
 */
static __always_inline void fd_removed(u32 fd, struct file *file)
{
	struct sys_exit call = {0};
	struct pt_regs *regs = NULL;
	const struct target *target = file ? midst_of(&call, &regs) : NULL;

	if (!target || (!call.worker && is_shown_removed(&call, fd)))
		return;
	call.worker |= has_ring() && call.nr != NR_IO_URING_ENTER;
	if (call.worker)
		call.nr = NR_IO_URING_ENTER;
	call.args[0] = fd;
	report_midst(&call, CALL_REMOVED, target, regs);
}

static __always_inline void keep_lookup(u32 fd, enum table_state state)
{
	struct looked_up found = {.fd = fd, .state = state};
	u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&lookups, &tid, &found, BPF_ANY);
}

static __always_inline void drop_lookup(void)
{
	u32 tid = bpf_get_current_pid_tgid();

	if (bpf_map_lookup_elem(&lookups, &tid))
		bpf_map_delete_elem(&lookups, &tid);
}

/* A close has found this in the table: mostly a file, and that is all. */
static __always_inline void fd_looked_up(u32 fd, const struct file *file)
{
	if (!file && current_target())
		keep_lookup(fd, TABLE_MISSED);
}

/* Or will find it, unless another thread comes before it. */
static __always_inline void fd_to_be_looked_up(u32 fd)
{
	struct file *file;

	if (!current_target())
		return;
	file = file_of_fd(fd);
	if (!file)
		keep_lookup(fd, TABLE_MISSED);
	else if (BPF_CORE_READ(file, f_op, flush))
		keep_lookup(fd, TABLE_MAY_HOLD);
	else
		drop_lookup();
}

#endif
