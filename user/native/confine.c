/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define NOBODY	    65534
#define MEMORY_MAX  (UINT64_C(3) << 30) /* addresses: files are mapped whole */
#define OPEN_FILES  2048
#define EMPTY_PLACE "/proc/self/fdinfo" /* a directory in which nothing can be made */
#define ALLOW	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define END_PROCESS BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define REFUSE(err) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (err))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define CALL(name)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), ALLOW
/* A call whose third argument asks for code to run. */
#define NO_CODE(name)                                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4), LOAD(args[2]), \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), END_PROCESS, ALLOW

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

static int limit(int resource, rlim_t most)
{
	struct rlimit limits = {most, most};

	return setrlimit(resource, &limits) ? -errno : 0;
}

static int set_limits(void)
{
	int err = limit(RLIMIT_AS, MEMORY_MAX);

	if (!err)
		err = limit(RLIMIT_CORE, 0);
	if (!err)
		err = limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, OPEN_FILES); /* more than before may not be allowed */
	return err;
}

/* Without the privilege for it the system calls still keep every file closed. */
static int leave_root(const char *debug_dir)
{
	if (chroot(debug_dir) && chroot(EMPTY_PLACE))
		return -errno;
	return chdir("/") ? -errno : 0;
}

static int drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	/* In a user namespace that lacks this user the capabilities alone go. */
	if (!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY))
		setresuid(NOBODY, NOBODY, NOBODY);
	if (syscall(SYS_capset, &header, none))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return 0;
}

/*
 * What reading files, memory, and the answers need. openat: names lead nowhere but below the root
 * that was set.
 */
static int filter_calls(bool may_open)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		END_PROCESS,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
		may_open ? (struct sock_filter)ALLOW : (struct sock_filter)REFUSE(EACCES),
		CALL(read),
		CALL(pread64),
		CALL(lseek),
		CALL(fstat),
		CALL(newfstatat),
		CALL(statx),
		CALL(fcntl),
		CALL(close),
		CALL(recvmsg),
		CALL(sendmsg),
		CALL(sendto),
		CALL(munmap),
		CALL(mremap),
		CALL(madvise),
		CALL(brk),
		CALL(futex),
		CALL(getrandom),
		CALL(sysinfo), /* qsort() asks how much memory there is */
		CALL(rt_sigprocmask),
		CALL(rt_sigreturn),
		CALL(exit),
		CALL(exit_group),
		NO_CODE(mmap),
		NO_CODE(mprotect),
		REFUSE(ENOSYS), /* libraries can do without, whatever version they are of */
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) ? -errno : 0;
}

int confine(const char *debug_dir)
{
	bool rooted;
	int err = set_limits();

	if (err)
		return err;
	rooted = !leave_root(debug_dir);
	err = drop_privileges();
	return err ? err : filter_calls(rooted);
}
