/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* A backstop: the time of all answers together. */
#define CPU_SECONDS_MAX 600
/* The socket, standard ones, and the file that is looked into. */
#define DESCRIPTORS_MAX 8

int confine_descriptors(int socket)
{
	int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
	int null_fd = fcntl(opened, F_DUPFD_CLOEXEC, CONFINED_SOCKET + 1);

	if (null_fd < 0 || dup2(socket, CONFINED_SOCKET) < 0)
		return -errno;
	for (int fd = 0; fd < CONFINED_SOCKET; fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	return close_range(CONFINED_SOCKET + 1, ~0U, 0) ? -errno : 0;
}

static int limit(int resource, rlim_t most)
{
	struct rlimit value = {.rlim_cur = most, .rlim_max = most};

	return setrlimit(resource, &value) ? -errno : 0;
}

int confine_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	/* Those of later kernels are refused, and so is all of it to who has none to drop. */
	for (int capability = 0; capability <= 63; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return limit(RLIMIT_CORE, 0);
}

/* What is mapped now, bytes. */
static uint64_t mapped(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int limit_resources(uint64_t memory)
{
	uint64_t now = mapped();
	int err = now ? 0 : -EIO;

	if (!err && CONFINED_MEMORY)
		err = limit(RLIMIT_AS, now + memory);
	if (!err)
		err = limit(RLIMIT_FSIZE, 0);
	if (!err)
		err = limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
	return err ? err : limit(RLIMIT_CPU, CPU_SECONDS_MAX);
}

/* Calls that are harmless whatever their arguments. */
static const int harmless[] = {
	SCMP_SYS(read),	   SCMP_SYS(pread64),	 SCMP_SYS(lseek), SCMP_SYS(fstat),
	SCMP_SYS(munmap),  SCMP_SYS(mremap),	 SCMP_SYS(brk),	  SCMP_SYS(madvise),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),	 SCMP_SYS(close), SCMP_SYS(setitimer),
	SCMP_SYS(exit),	   SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(write), /* the limit on files' sizes leaves the socket and /dev/null */
};

/* Those that are harmless with these arguments alone. */
static const struct {
	int call;
	unsigned int count;
	struct scmp_arg_cmp args[2];
} restricted[] = {
	{SCMP_SYS(mmap),
	 2,
	 {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
	  {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
	{SCMP_SYS(newfstatat), 1, {{3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0}}}, /* glibc's fstat */
	{SCMP_SYS(fcntl), 1, {{1, SCMP_CMP_EQ, F_GETFD, 0}}},
	{SCMP_SYS(fcntl), 1, {{1, SCMP_CMP_EQ, F_GETFL, 0}}},
};

int confine_calls(uint64_t memory)
{
	scmp_filter_ctx filter;
	int err = limit_resources(memory);

	if (err)
		return err;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(harmless) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, harmless[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(restricted) && !err; i++)
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, restricted[i].call,
					     restricted[i].count, restricted[i].args);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
