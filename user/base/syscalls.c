/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/syscalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscall_numbers.h"

/* Made by the build from syscall_numbers.h: one [__NR_name] = "name" for each system call. */
static const char *const names[] = {
#include "syscall_names.h"
};

_Static_assert(ARRAY_SIZE(names) <= SYSCALLS_MAX, "SYSCALLS_MAX is too small");

#define FD(first)	   (1 + (first))
#define FDS(first, second) (FD(first) | FD(second) << 4)

struct call_info {
	const char *name;
	uint8_t call;	 /* enum call_id */
	uint8_t fd_args; /* see syscall_fd_args() */
};

/*
 * By name, so that one table serves every architecture. Sorted, for bsearch().
 *
 * An argument is here if a number in it that is not open makes the call fail with EBADF. Not
 * here: numbers in memory (poll, select, io_submit), numbers in another process (kcmp, the
 * second of pidfd_getfd), dup2's second, which need not be open, and arguments that are a
 * descriptor only for some commands, where others fail with EBADF too (fsconfig's last). waitid's
 * is one only with P_PIDFD, but nothing else makes waitid fail with EBADF.
 */
static const struct call_info calls[] = {
	{"accept", CALL_ACCEPT, FD(0)},
	{"accept4", CALL_ACCEPT4, FD(0)},
	{"bind", 0, FD(0)},
	{"cachestat", 0, FD(0)},
	{"close", CALL_CLOSE, FD(0)},
	{"close_range", CALL_CLOSE_RANGE, 0},
	{"connect", 0, FD(0)},
	{"copy_file_range", 0, FDS(0, 2)},
	{"creat", CALL_CREAT, 0},
	{"dup", CALL_DUP, FD(0)},
	{"dup2", CALL_DUP2, FD(0)},
	{"dup3", CALL_DUP3, FD(0)},
	{"epoll_create", CALL_EPOLL_CREATE, 0},
	{"epoll_create1", CALL_EPOLL_CREATE1, 0},
	{"epoll_ctl", 0, FDS(0, 2)},
	{"epoll_pwait", 0, FD(0)},
	{"epoll_pwait2", 0, FD(0)},
	{"epoll_wait", 0, FD(0)},
	{"eventfd", CALL_EVENTFD, 0},
	{"eventfd2", CALL_EVENTFD2, 0},
	{"execveat", 0, FD(0)},
	{"faccessat", 0, FD(0)},
	{"faccessat2", 0, FD(0)},
	{"fadvise64", 0, FD(0)},
	{"fallocate", 0, FD(0)},
	{"fanotify_init", CALL_FANOTIFY_INIT, 0},
	{"fanotify_mark", 0, FDS(0, 3)},
	{"fchdir", 0, FD(0)},
	{"fchmod", 0, FD(0)},
	{"fchmodat", 0, FD(0)},
	{"fchmodat2", 0, FD(0)},
	{"fchown", 0, FD(0)},
	{"fchownat", 0, FD(0)},
	{"fcntl", 0, FD(0)},
	{"fdatasync", 0, FD(0)},
	{"fgetxattr", 0, FD(0)},
	{"file_getattr", 0, FD(0)},
	{"file_setattr", 0, FD(0)},
	{"finit_module", 0, FD(0)},
	{"flistxattr", 0, FD(0)},
	{"flock", 0, FD(0)},
	{"fremovexattr", 0, FD(0)},
	{"fsconfig", 0, FD(0)},
	{"fsetxattr", 0, FD(0)},
	{"fsmount", CALL_FSMOUNT, FD(0)},
	{"fsopen", CALL_FSOPEN, 0},
	{"fspick", CALL_FSPICK, FD(0)},
	{"fstat", 0, FD(0)},
	{"fstatfs", 0, FD(0)},
	{"fsync", 0, FD(0)},
	{"ftruncate", 0, FD(0)},
	{"futimesat", 0, FD(0)},
	{"getdents", 0, FD(0)},
	{"getdents64", 0, FD(0)},
	{"getpeername", 0, FD(0)},
	{"getsockname", 0, FD(0)},
	{"getsockopt", 0, FD(0)},
	{"getxattrat", 0, FD(0)},
	{"inotify_add_watch", 0, FD(0)},
	{"inotify_init", CALL_INOTIFY_INIT, 0},
	{"inotify_init1", CALL_INOTIFY_INIT1, 0},
	{"inotify_rm_watch", 0, FD(0)},
	{"io_uring_enter", 0, FD(0)},
	{"io_uring_register", 0, FD(0)},
	{"io_uring_setup", CALL_IO_URING_SETUP, 0},
	{"ioctl", 0, FD(0)},
	{"kexec_file_load", 0, FDS(0, 1)},
	{"landlock_add_rule", 0, FD(0)},
	{"landlock_create_ruleset", CALL_LANDLOCK_CREATE_RULESET, 0},
	{"landlock_restrict_self", 0, FD(0)},
	{"linkat", 0, FDS(0, 2)},
	{"listen", 0, FD(0)},
	{"listxattrat", 0, FD(0)},
	{"lseek", 0, FD(0)},
	{"memfd_create", CALL_MEMFD_CREATE, 0},
	{"memfd_secret", CALL_MEMFD_SECRET, 0},
	{"mkdirat", 0, FD(0)},
	{"mknodat", 0, FD(0)},
	{"mmap", 0, FD(4)},
	{"mount_setattr", 0, FD(0)},
	{"move_mount", 0, FDS(0, 2)},
	{"mq_getsetattr", 0, FD(0)},
	{"mq_notify", 0, FD(0)},
	{"mq_open", CALL_MQ_OPEN, 0},
	{"mq_timedreceive", 0, FD(0)},
	{"mq_timedsend", 0, FD(0)},
	{"name_to_handle_at", 0, FD(0)},
	{"newfstatat", 0, FD(0)},
	{"open", CALL_OPEN, 0},
	{"open_by_handle_at", CALL_OPEN_BY_HANDLE_AT, FD(0)},
	{"open_tree", CALL_OPEN_TREE, FD(0)},
	{"open_tree_attr", CALL_OPEN_TREE_ATTR, FD(0)},
	{"openat", CALL_OPENAT, FD(0)},
	{"openat2", CALL_OPENAT2, FD(0)},
	{"perf_event_open", CALL_PERF_EVENT_OPEN, FD(3)},
	{"pidfd_getfd", CALL_PIDFD_GETFD, FD(0)},
	{"pidfd_open", CALL_PIDFD_OPEN, 0},
	{"pidfd_send_signal", 0, FD(0)},
	{"pipe", CALL_PIPE, 0},
	{"pipe2", CALL_PIPE2, 0},
	{"pread64", 0, FD(0)},
	{"preadv", 0, FD(0)},
	{"preadv2", 0, FD(0)},
	{"process_madvise", 0, FD(0)},
	{"process_mrelease", 0, FD(0)},
	{"pwrite64", 0, FD(0)},
	{"pwritev", 0, FD(0)},
	{"pwritev2", 0, FD(0)},
	{"quotactl_fd", 0, FD(0)},
	{"read", 0, FD(0)},
	{"readahead", 0, FD(0)},
	{"readlinkat", 0, FD(0)},
	{"readv", 0, FD(0)},
	{"recvfrom", 0, FD(0)},
	{"recvmmsg", 0, FD(0)},
	{"recvmsg", 0, FD(0)},
	{"removexattrat", 0, FD(0)},
	{"renameat", 0, FDS(0, 2)},
	{"renameat2", 0, FDS(0, 2)},
	{"sendfile", 0, FDS(0, 1)},
	{"sendmmsg", 0, FD(0)},
	{"sendmsg", 0, FD(0)},
	{"sendto", 0, FD(0)},
	{"setns", 0, FD(0)},
	{"setsockopt", 0, FD(0)},
	{"setxattrat", 0, FD(0)},
	{"shutdown", 0, FD(0)},
	{"signalfd", CALL_SIGNALFD, FD(0)},
	{"signalfd4", CALL_SIGNALFD4, FD(0)},
	{"socket", CALL_SOCKET, 0},
	{"socketpair", CALL_SOCKETPAIR, 0},
	{"splice", 0, FDS(0, 2)},
	{"statx", 0, FD(0)},
	{"symlinkat", 0, FD(1)},
	{"sync_file_range", 0, FD(0)},
	{"syncfs", 0, FD(0)},
	{"tee", 0, FDS(0, 1)},
	{"timerfd_create", CALL_TIMERFD_CREATE, 0},
	{"timerfd_gettime", 0, FD(0)},
	{"timerfd_settime", 0, FD(0)},
	{"unlinkat", 0, FD(0)},
	{"unshare", CALL_UNSHARE, 0},
	{"userfaultfd", CALL_USERFAULTFD, 0},
	{"utimensat", 0, FD(0)},
	{"vmsplice", 0, FD(0)},
	{"waitid", 0, FD(1)},
	{"write", 0, FD(0)},
	{"writev", 0, FD(0)},
};

#undef FD
#undef FDS

static const struct {
	const char *name;
	enum call_shape shape;
} our_calls[] = {
#define X(id, number, name, shape) [number] = {name, shape},
	CALLS(X)
#undef X
};

enum call_shape call_shape(uint16_t call)
{
	return call < ARRAY_SIZE(our_calls) ? our_calls[call].shape : 0;
}

const char *call_name(uint16_t call, uint16_t nr, char *buf)
{
	const char *name = NULL;

	if (call_shape(call) && strcmp(our_calls[call].name, "?"))
		return our_calls[call].name;
	name = syscall_name(nr);
	if (name)
		return name;
	snprintf(buf, 24, "syscall %u", nr);
	return buf;
}

const char *syscall_name(unsigned int nr)
{
	return nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}

static int compare_name(const void *name, const void *info)
{
	return strcmp(name, ((const struct call_info *)info)->name);
}

static const struct call_info *find_call(unsigned int nr)
{
	const char *name = syscall_name(nr);

	return name ? bsearch(name, calls, ARRAY_SIZE(calls), sizeof(calls[0]), compare_name)
		    : NULL;
}

uint8_t syscall_call(unsigned int nr)
{
	const struct call_info *info = find_call(nr);

	return info ? info->call : 0;
}

uint8_t syscall_fd_args(unsigned int nr)
{
	const struct call_info *info = find_call(nr);

	return info ? info->fd_args : 0;
}

/*
 * What CPython's owners call as they are made (Modules/_io/fileio.c: _io_FileIO___init___impl,
 * Modules/socketmodule.c: sock_initobj_impl, Modules/selectmodule.c: newPyEpoll_Object), and what
 * the methods of a socket call.
 */
static const struct {
	const char *name;
	uint8_t call;
} owner_calls[] = {
	{"fstat", OWNER_CALL_FSTAT},
	{"newfstatat", OWNER_CALL_FSTATAT},
	{"socket", OWNER_CALL_SOCKET},
	{"getsockname", OWNER_CALL_SOCKNAME},
	{"epoll_create1", OWNER_CALL_EPOLL},
	{"accept4", OWNER_CALL_USE},
	{"bind", OWNER_CALL_USE},
	{"connect", OWNER_CALL_USE},
	{"fcntl", OWNER_CALL_USE},
	{"getpeername", OWNER_CALL_USE},
	{"getsockopt", OWNER_CALL_USE},
	{"ioctl", OWNER_CALL_USE},
	{"listen", OWNER_CALL_USE},
	{"recvfrom", OWNER_CALL_USE},
	{"recvmsg", OWNER_CALL_USE},
	{"sendmsg", OWNER_CALL_USE},
	{"sendto", OWNER_CALL_USE},
	{"setsockopt", OWNER_CALL_USE},
	{"shutdown", OWNER_CALL_USE},
};

uint8_t syscall_owner_call(unsigned int nr)
{
	const char *name = syscall_name(nr);

	for (size_t i = 0; name && i < ARRAY_SIZE(owner_calls); i++)
		if (!strcmp(owner_calls[i].name, name))
			return owner_calls[i].call;
	return OWNER_CALL_NONE;
}
