/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "security/privileges.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mem.h"
#include "security/capabilities.h"

size_t privileges_lacks(bool kprobes_refused, const char *ret[PRIVILEGES_LACKS_MAX])
{
	struct capabilities have;
	size_t count = 0;

	if (capabilities_get(&have))
		return 0;
	if (!(have.effective & CAPABILITY(CAP_SYS_PTRACE)))
		ret[count++] = "CAP_SYS_PTRACE is missing: what runs in processes of other users "
			       "is not known, so their findings have no Python stacks";
	if (!(have.effective & (CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_DAC_OVERRIDE))))
		ret[count++] = "CAP_DAC_READ_SEARCH is missing: what processes of other users "
			       "had open before is not known";
	if (kprobes_refused && !(have.effective & CAPABILITY(CAP_SYS_ADMIN)))
		ret[count++] = "CAP_SYS_ADMIN is missing, which the sysctl "
			       "kernel.perf_event_paranoid, 3 by Debian's default, asks for: "
			       "without kprobes, descriptors that no system call returns are "
			       "learned at their first close";
	return count;
}

/* What of the permitted ones is still used. */
static uint64_t kept(uint64_t permitted, bool signals)
{
	uint64_t keep = CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON) | CAPABILITY(CAP_SYS_ADMIN) |
			CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_DAC_READ_SEARCH);

	if (!(permitted & CAPABILITY(CAP_DAC_READ_SEARCH)))
		keep |= CAPABILITY(CAP_DAC_OVERRIDE);
	if (signals)
		keep |= CAPABILITY(CAP_KILL);
	return keep & permitted;
}

int privileges_drop(bool signals)
{
	struct capabilities have;
	int err = capabilities_get(&have);
	uint64_t keep;

	if (err)
		return err;
	keep = kept(have.permitted, signals);
	capabilities_drop_bounding(keep);
	capabilities_clear_ambient();
	return capabilities_set(keep, keep);
}

int privileges_give_none(void)
{
	int err;

	if (!geteuid())
		return 0;
	err = capabilities_clear_ambient();
	return err ? err : capabilities_set(0, 0);
}

/*
 * What is used after all is attached: by us, by the C library, and by the process that a helper
 * forks and confines still more. By name, so that one list serves every architecture.
 */
static const char *const allowed[] = {
	/* records, reports, /proc, files of traced processes */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"open",
	"openat",
	"openat2",
	"close",
	"close_range",
	"lseek",
	"_llseek",
	"fstat",
	"newfstatat",
	"statx",
	"stat",
	"lstat",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"chdir",
	"fstatfs",
	"statfs",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"fcntl",
	"dup",
	"dup2",
	"dup3",
	"ioctl",
	"flock",
	"fadvise64",
	/* memory */
	"mmap",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"brk",
	"memfd_create",
	/* the event loop */
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"signalfd4",
	"eventfd2",
	"inotify_add_watch",
	"pipe2",
	/* the kernel side */
	"bpf",
	"perf_event_open",
	/* processes */
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"kill",
	"tgkill",
	"pidfd_open",
	"pidfd_send_signal",
	"wait4",
	"waitid",
	"process_vm_readv",
	"getpriority",
	"sched_getaffinity",
	"sched_yield",
	"sysinfo",
	"uname",
	"times",
	"getrusage",
	"capget",
	"kcmp",
	"getrandom",
	/* time */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	/* threads, signals, the end */
	"futex",
	"set_robust_list",
	"rseq",
	"membarrier",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"sigaltstack",
	"restart_syscall",
	"exit",
	"exit_group",
	"getrlimit",
	"prlimit64",
	"arch_prctl",
	"set_tid_address",
	/* a helper, and what it does to confine itself */
	"clone",
	"clone3",
	"fork",
	"vfork",
	"socketpair",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"shutdown",
	"setsockopt",
	"setrlimit",
	"setgroups",
	"setresuid",
	"setresgid",
	"setuid",
	"setgid",
	"capset",
	"prctl",
	"seccomp",
	"chroot",
	"umask",
	"setsid",
	"setitimer",
};

/* Of no use to us, and of much to somebody who has made us his own. */
static const char *const deadly[] = {
	"execveat",	   "ptrace",	     "process_vm_writev",
	"listen",	   "accept",	     "init_module",
	"finit_module",	   "delete_module",  "kexec_load",
	"kexec_file_load", "reboot",	     "mount",
	"umount2",	   "move_mount",     "open_tree",
	"fsopen",	   "pivot_root",     "setns",
	"unshare",	   "swapon",	     "swapoff",
	"sethostname",	   "settimeofday",   "clock_settime",
	"adjtimex",	   "add_key",	     "keyctl",
	"request_key",	   "io_uring_setup", "link",
	"linkat",	   "symlink",	     "symlinkat",
	"mknod",	   "mknodat",	     "chmod",
	"fchmod",	   "fchmodat",	     "chown",
	"fchown",	   "fchownat",	     "lchown",
	"setxattr",	   "pidfd_getfd",
};

/* Allowed only where something is sent over a network: to fetch debug information, or findings. */
static const char *const connecting[] = {"socket", "connect", "accept4"};

/* What goes with these; elsewhere it fails, and does no harm. */
static const char *const conversing[] = {"getsockopt", "getsockname", "getpeername", "sendmmsg",
					 "recvmmsg"};

/*
 * Deadly, too, but where the C library looks up names: there it asks the kernel for addresses, for
 * which it would bind a socket, and does without where that fails.
 */
static const char *const binding[] = {"bind"};

static int add_named_rules(scmp_filter_ctx filter, uint32_t action, const char *const *names,
			   size_t count)
{
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		/* Not of this architecture, or newer than the library. */
		if (nr >= 0)
			err = seccomp_rule_add(filter, action, nr, 0);
	}
	return err;
}

/* The kernel does not look at what a pointer leads to, but that is read-only memory. */
static int add_exec(scmp_filter_ctx filter, const char *path)
{
	const struct scmp_arg_cmp same = {.op = SCMP_CMP_EQ, .datum_a = (uintptr_t)path};
	const struct scmp_arg_cmp other = {.op = SCMP_CMP_NE, .datum_a = (uintptr_t)path};
	int err;

	if (!path)
		return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(execve), 0);
	err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(execve), 1, &same);
	return err ? err
		   : seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(execve), 1,
					    &other);
}

int privileges_filter(const char *exec_path, bool network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return -ENOMEM;
	err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = add_named_rules(filter, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
	if (!err)
		err = add_named_rules(filter, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (!err)
		err = add_named_rules(filter, network ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS,
				      connecting, ARRAY_SIZE(connecting));
	if (!err)
		err = network ? add_named_rules(filter, SCMP_ACT_ALLOW, conversing,
						ARRAY_SIZE(conversing))
			      : add_named_rules(filter, SCMP_ACT_KILL_PROCESS, binding,
						ARRAY_SIZE(binding));
	if (!err)
		err = add_exec(filter, exec_path);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
