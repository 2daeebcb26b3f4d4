/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/fd_kind.h"

#include <fcntl.h>

#include "base/mem.h"

/*
 * Flags that are not O_CLOEXEC by another name (as SOCK_, EFD_, TFD_, SFD_, IN_, EPOLL_ and
 * OPEN_TREE_CLOEXEC are). From linux/memfd.h, perf_event.h, fanotify.h and mount.h, written
 * here because older C libraries lack some of them.
 */
#define BIT0_CLOEXEC 1u /* MFD_CLOEXEC, FAN_CLOEXEC, FSOPEN_, FSMOUNT_, FSPICK_CLOEXEC */
#define PERF_CLOEXEC 8u /* PERF_FLAG_FD_CLOEXEC */
#define NEVER	     0u
#define ALWAYS	     (~0u) /* whatever the flags: the kernel sets O_CLOEXEC itself */

struct made {
	enum fd_type type;
	uint32_t cloexec; /* the flag, NEVER or ALWAYS */
};

static const struct made made[] = {
	[CALL_OPEN] = {FD_FILE, O_CLOEXEC},
	[CALL_OPENAT] = {FD_FILE, O_CLOEXEC},
	[CALL_OPENAT2] = {FD_FILE, O_CLOEXEC},
	[CALL_CREAT] = {FD_FILE, NEVER},
	[CALL_OPEN_BY_HANDLE_AT] = {FD_FILE, O_CLOEXEC},
	[CALL_SOCKET] = {FD_SOCKET, O_CLOEXEC},
	[CALL_ACCEPT] = {FD_SOCKET, NEVER},
	[CALL_ACCEPT4] = {FD_SOCKET, O_CLOEXEC},
	[CALL_SOCKETPAIR] = {FD_SOCKET, O_CLOEXEC},
	[CALL_PIPE] = {FD_PIPE, NEVER},
	[CALL_PIPE2] = {FD_PIPE, O_CLOEXEC},
	[CALL_DUP] = {FD_UNKNOWN, NEVER},
	[CALL_DUP2] = {FD_UNKNOWN, NEVER},
	[CALL_DUP3] = {FD_UNKNOWN, O_CLOEXEC},
	[CALL_FCNTL_DUPFD] = {FD_UNKNOWN, NEVER},
	[CALL_FCNTL_DUPFD_CLOEXEC] = {FD_UNKNOWN, ALWAYS},
	[CALL_EPOLL_CREATE] = {FD_EPOLL, NEVER},
	[CALL_EPOLL_CREATE1] = {FD_EPOLL, O_CLOEXEC},
	[CALL_EVENTFD] = {FD_EVENTFD, NEVER},
	[CALL_EVENTFD2] = {FD_EVENTFD, O_CLOEXEC},
	[CALL_TIMERFD_CREATE] = {FD_TIMERFD, O_CLOEXEC},
	[CALL_SIGNALFD] = {FD_SIGNALFD, NEVER},
	[CALL_SIGNALFD4] = {FD_SIGNALFD, O_CLOEXEC},
	[CALL_INOTIFY_INIT] = {FD_INOTIFY, NEVER},
	[CALL_INOTIFY_INIT1] = {FD_INOTIFY, O_CLOEXEC},
	[CALL_MEMFD_CREATE] = {FD_MEMFD, BIT0_CLOEXEC},
	[CALL_MEMFD_SECRET] = {FD_MEMFD, O_CLOEXEC},
	[CALL_PIDFD_OPEN] = {FD_PIDFD, ALWAYS},
	[CALL_PIDFD_GETFD] = {FD_OTHER, ALWAYS}, /* receive_fd(file, O_CLOEXEC) */
	[CALL_MQ_OPEN] = {FD_OTHER, ALWAYS},	 /* do_mq_open() */
	[CALL_PERF_EVENT_OPEN] = {FD_OTHER, PERF_CLOEXEC},
	[CALL_BPF] = {FD_OTHER, ALWAYS}, /* bpf_map_new_fd() and the others */
	[CALL_USERFAULTFD] = {FD_OTHER, O_CLOEXEC},
	[CALL_IO_URING_SETUP] = {FD_OTHER, ALWAYS},
	[CALL_FANOTIFY_INIT] = {FD_OTHER, BIT0_CLOEXEC},
	[CALL_LANDLOCK_CREATE_RULESET] = {FD_OTHER, ALWAYS},
	[CALL_FSOPEN] = {FD_OTHER, BIT0_CLOEXEC},
	[CALL_FSMOUNT] = {FD_OTHER, BIT0_CLOEXEC},
	[CALL_FSPICK] = {FD_OTHER, BIT0_CLOEXEC},
	[CALL_OPEN_TREE] = {FD_OTHER, O_CLOEXEC},
	[CALL_OPEN_TREE_ATTR] = {FD_OTHER, O_CLOEXEC},
	[CALL_INSTALLED] = {FD_UNKNOWN, O_CLOEXEC}, /* fd_install.h knows more */
};

enum fd_type made_type(uint16_t call)
{
	return call < ARRAY_SIZE(made) ? made[call].type : FD_UNKNOWN;
}

bool made_cloexec(const struct record_call *call)
{
	uint32_t flag = call->call < ARRAY_SIZE(made) ? made[call->call].cloexec : NEVER;

	return flag == ALWAYS || (call->flags & flag);
}
