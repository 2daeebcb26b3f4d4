/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One descriptor of each kind, each closed twice: the finding says what it was.
 * @expect {"kind": "double_close", "type": "memfd", "fd": "memfd", "calls": {"opened":
 *   "memfd_create"}}
 * @expect {"kind": "double_close", "type": "eventfd", "fd": "eventfd", "calls": {"opened":
 *   "eventfd2"}}
 * @expect {"kind": "double_close", "type": "timerfd", "fd": "timerfd", "calls": {"opened":
 *   "timerfd_create"}}
 * @expect {"kind": "double_close", "type": "signalfd", "fd": "signalfd", "calls": {"opened":
 *   "signalfd4"}}
 * @expect {"kind": "double_close", "type": "epoll", "fd": "epoll", "calls": {"opened":
 *   "epoll_create1"}}
 * @expect {"kind": "double_close", "type": "inotify", "fd": "inotify", "calls": {"opened":
 *   "inotify_init1"}}
 * @expect {"kind": "double_close", "type": "pidfd", "fd": "pidfd", "calls": {"opened":
 *   "pidfd_open"}}
 * @expect {"kind": "double_close", "type": "pipe", "fd": "pipe", "calls": {"opened": "pipe"}}
 * @expect {"kind": "double_close", "type": "socket", "fd": "socketpair", "calls": {"opened":
 *   "socketpair"}}
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "creat", "calls":
 *   {"opened": "creat"}}
 * @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "openat2",
 *   "calls": {"opened": "openat2"}}
 * @expect {"kind": "double_close", "type": "epoll", "fd": "dup", "calls": {"opened":
 *   "fcntl(F_DUPFD)"}}
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "sim.h"

int main(void)
{
	struct open_how how = {.flags = O_RDONLY};
	sigset_t signals;
	int pair[2], epoll;

	wait_for_tracer();
	sigemptyset(&signals);
	close_twice("memfd", memfd_create("a memfd", 0));
	close_twice("eventfd", eventfd(0, 0));
	close_twice("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	close_twice("signalfd", signalfd(-1, &signals, 0));
	close_twice("epoll", epoll_create1(0));
	close_twice("inotify", inotify_init1(0));
	close_twice("pidfd", syscall(SYS_pidfd_open, getpid(), 0));
#ifdef SYS_pipe
	if (syscall(SYS_pipe, pair))
#else
	if (pipe(pair))
#endif
		err(1, "pipe");
	close_twice("pipe", pair[0]);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		err(1, "socketpair");
	close_twice("socketpair", pair[1]);
	close_twice("creat", creat("/dev/null", 0600));
	close_twice("openat2", syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how, sizeof(how)));
	epoll = epoll_create1(0);
	close_twice("dup", fcntl(epoll, F_DUPFD, 90));
	close(epoll);
	return 0;
}
