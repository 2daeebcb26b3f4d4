/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "security/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "security/capabilities.h"

#define EMPTY_PLACE "/proc/self/fdinfo" /* a directory in which nothing can be made */

static void reset_signals(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
	sigset_t none;

	/* A terminal's Ctrl-C is for fdtrace, which ends the helper when it has finished. */
	setsid();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int confined_start(void (*become)(int fd, const void *arg), const void *arg, pid_t *ret_pid,
		   int *ret_fd)
{
	int pair[2], err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid) {
		become(pair[1], arg);
		_exit(1);
	}
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}

int confine_descriptors(int socket)
{
	int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
	int null_fd = fcntl(opened, F_DUPFD_CLOEXEC, CONFINED_SOCKET + 1);

	reset_signals();
	if (null_fd < 0 || (socket != CONFINED_SOCKET && dup2(socket, CONFINED_SOCKET) < 0) ||
	    fcntl(CONFINED_SOCKET, F_SETFD, 0) < 0)
		return -errno;
	for (int fd = 0; fd < CONFINED_SOCKET; fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	return syscall(SYS_close_range, CONFINED_SOCKET + 1, ~0U, 0) ? -errno : 0;
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

static int limit(int resource, rlim_t most)
{
	struct rlimit value = {.rlim_cur = most, .rlim_max = most};

	return setrlimit(resource, &value) ? -errno : 0;
}

/* At most so many, or as many as were allowed before. */
static int limit_descriptors(rlim_t most)
{
	struct rlimit value;

	if (getrlimit(RLIMIT_NOFILE, &value))
		return -errno;
	return limit(RLIMIT_NOFILE, most < value.rlim_max ? most : value.rlim_max);
}

static int limit_resources(const struct confinement *confinement)
{
	uint64_t now = mapped();
	int err = now ? 0 : -EIO;

	/* Among all processes of the user nobody it must find a place yet. */
	limit(RLIMIT_NPROC, RLIM_INFINITY);
	if (!err && CONFINED_MEMORY)
		err = limit(RLIMIT_AS, now + confinement->memory);
	if (!err)
		err = limit(RLIMIT_FSIZE, 0);
	if (!err)
		err = limit(RLIMIT_CORE, 0);
	if (!err)
		err = limit_descriptors(confinement->descriptors);
	if (!err && confinement->cpu_seconds)
		err = limit(RLIMIT_CPU, confinement->cpu_seconds);
	return err;
}

/* Whether root is the root directory from now on. */
static bool change_root(const char *root)
{
	bool rooted = root && !chroot(root);

	if (!rooted && chroot(EMPTY_PLACE))
		return false;
	return !chdir("/") && rooted;
}

/* The capabilities that it has give way to these; and nobody looks into it. */
static int keep_capabilities(uint64_t keep)
{
	int err = capabilities_set(keep, keep);

	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
		     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)))
		err = -errno;
	return err;
}

int confine_user(uid_t uid, gid_t gid)
{
	capabilities_drop_bounding(0);
	capabilities_clear_ambient();
	/* In a user namespace that lacks this user the capabilities alone go. */
	if (!setgroups(0, NULL) && !setresgid(gid, gid, gid))
		setresuid(uid, uid, uid);
	return keep_capabilities(0);
}

int confine_privileges(const struct confinement *confinement, bool *ret_rooted)
{
	int err = limit_resources(confinement);

	if (err)
		return err;
	*ret_rooted = change_root(confinement->root);
	return confine_user(CONFINED_NOBODY, CONFINED_NOBODY);
}

/* A call that is harmless with these arguments. */
struct rule {
	int call;
	unsigned int count;
	struct scmp_arg_cmp args[2];
};

#define ANY(name)                  \
	{                          \
		SCMP_SYS(name), 0, \
		{                  \
		}                  \
	}
#define NO_CODE                                     \
	{                                           \
		2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 \
	}
#define IS_CODE                                             \
	{                                                   \
		2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC \
	}
#define ONLY(at, arg)                   \
	{                               \
		at, SCMP_CMP_EQ, arg, 0 \
	}

static const struct rule everywhere[] = {
	ANY(read),
	ANY(pread64),
	ANY(lseek),
	ANY(fstat),
	ANY(close),
	{SCMP_SYS(fcntl), 1, {ONLY(1, F_GETFD)}},
	{SCMP_SYS(fcntl), 1, {ONLY(1, F_GETFL)}},
	ANY(recvmsg),
	ANY(sendmsg),
	ANY(munmap),
	ANY(mremap),
	ANY(madvise),
	ANY(brk),
	ANY(futex),
	ANY(setitimer),
	ANY(rt_sigreturn),
	ANY(exit),
	ANY(exit_group),
};

static const struct rule without_files[] = {
	{SCMP_SYS(mmap), 2, {NO_CODE, {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
	{SCMP_SYS(newfstatat), 1, {ONLY(3, AT_EMPTY_PATH)}}, /* glibc's fstat */
};

/* Names lead nowhere but below the root directory. */
static const struct rule with_files[] = {
	{SCMP_SYS(mmap), 1, {NO_CODE}},
	{SCMP_SYS(mprotect), 1, {NO_CODE}},
	ANY(newfstatat),
	ANY(statx),
	ANY(getrandom),
	ANY(sysinfo), /* qsort() asks how much memory there is */
	ANY(rt_sigprocmask),
};

static const struct rule deadly[] = {
	{SCMP_SYS(mmap), 1, {IS_CODE}},
	{SCMP_SYS(mprotect), 1, {IS_CODE}},
};

static int add_confined_rules(scmp_filter_ctx filter, uint32_t action, const struct rule *rules,
			      size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = seccomp_rule_add_array(filter, action, rules[i].call, rules[i].count,
					     rules[i].args);
	return err;
}

#define ADD_RULES(filter, action, rules) \
	add_confined_rules(filter, action, rules, ARRAY_SIZE(rules))

/* Neither writes nor makes anything; as whom it opens files is for it to say. */
static const struct rule to_read[] = {
	{SCMP_SYS(openat),
	 1,
	 {{2, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC | __O_TMPFILE, O_RDONLY}}},
	ANY(openat2),
	ANY(fstatfs),
	ANY(newfstatat),
	ANY(getgroups),
	ANY(setgroups),
	ANY(setfsuid),
	ANY(setfsgid),
	ANY(capset),
	{SCMP_SYS(mmap), 1, {NO_CODE}},
};

static int add_all_rules(scmp_filter_ctx filter, bool files, bool rooted)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (!err)
		err = ADD_RULES(filter, SCMP_ACT_ALLOW, everywhere);
	if (err || !files)
		return err ? err : ADD_RULES(filter, SCMP_ACT_ALLOW, without_files);
	err = ADD_RULES(filter, SCMP_ACT_ALLOW, with_files);
	if (!err)
		err = ADD_RULES(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = seccomp_rule_add(filter, rooted ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(openat), 0);
	return err;
}

int confine_calls(const struct confinement *confinement, bool rooted)
{
	bool files = confinement->root;
	scmp_filter_ctx filter =
		seccomp_init(files ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_KILL_PROCESS);
	int err;

	if (!filter)
		return -ENOMEM;
	err = add_all_rules(filter, files, rooted);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

static int reader_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return -ENOMEM;
	err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = ADD_RULES(filter, SCMP_ACT_ALLOW, everywhere);
	if (!err)
		err = ADD_RULES(filter, SCMP_ACT_ALLOW, to_read);
	if (!err)
		err = ADD_RULES(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int confine_reader(const struct confinement *confinement, uint64_t capabilities, uint64_t *ret_kept)
{
	struct capabilities have;
	int err = limit_resources(confinement);

	if (!err)
		err = capabilities_get(&have);
	if (err)
		return err;
	*ret_kept = have.permitted & capabilities;
	capabilities_drop_bounding(0);
	capabilities_clear_ambient();
	err = keep_capabilities(*ret_kept);
	return err ? err : reader_calls();
}

void confine_time(unsigned int ms)
{
	struct itimerval timer = {
		.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000},
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

void confined_end(pid_t pid, int wait_ms)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if ((pidfd < 0 || poll(&ended, 1, wait_ms) != 1) && !kill(pid, SIGKILL))
		poll(&ended, 1, wait_ms);
	waitpid(pid, NULL, WNOHANG);
}
