/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Descriptors that come as a by-product of a call, not as its result, each closed twice: nobody
 * saw them made, and each is told all the same. Which of them a machine makes is its own affair.
 * @expect {"kind": "double_close", "fd": "event", "installed": "read", "if_told": "event"}
 * @expect {"kind": "double_close", "fd": "child", "installed": "clone", "if_told": "child"}
 * @expect {"kind": "double_close", "fd": "child3", "installed": "clone3", "if_told": "child3"}
 * @expect {"kind": "double_close", "fd": "peer", "installed": "getsockopt", "if_told": "peer"}
 * @expect {"kind": "double_close", "fd": "user_ns", "installed": "ioctl", "if_told": "user_ns"}
 * @expect {"kind": "double_close", "fd": "net_ns", "installed": "ioctl", "if_told": "net_ns"}
 * @expect {"kind": "double_close", "type": "other", "fd": "tree", "calls": {"opened":
 *   "open_tree_attr"}, "if_told": "tree"}
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sim.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#define GET_NET_NAMESPACE _IO(0xFF, 4) /* PIDFD_GET_NET_NAMESPACE, 6.11 */

/* And keeps the number busy: each has its own. */
static void close_twice_and_keep(const char *name, int fd)
{
	close_twice_if_made(name, fd);
	if (fd >= 0)
		open("/dev/null", O_RDONLY);
}

/* Each event brings a descriptor of the file that it is about. */
static void fanotify_event(void)
{
	int group = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), file;
	struct fanotify_event_metadata event;

	if (group < 0)
		return;
	file = open("/etc/hostname", O_RDONLY);
	if (!fanotify_mark(group, FAN_MARK_ADD, FAN_CLOSE_NOWRITE, AT_FDCWD, "/etc/hostname")) {
		close(file);
		if (read(group, &event, sizeof(event)) == (ssize_t)sizeof(event))
			close_twice_and_keep("event", event.fd);
	}
	close(group);
}

static void child_with_pidfd(void)
{
	int fd = -1;
	pid_t pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, NULL, 0);

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	close_twice_and_keep("child", fd);
}

static void child_of_clone3(void)
{
	int fd = -1;
	struct clone_args how = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&fd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = syscall(SYS_clone3, &how, sizeof(how));

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close_twice_and_keep("child3", fd);
}

static void peer_of_socket(void)
{
	int pair[2], fd = -1;
	socklen_t size = sizeof(fd);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return;
	if (getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size))
		fd = -1;
	close_twice_and_keep("peer", fd);
	close(pair[0]);
	close(pair[1]);
}

static void by_ioctl(void)
{
	int ns = open("/proc/self/ns/net", O_RDONLY),
	    process = syscall(SYS_pidfd_open, getpid(), 0);

	close_twice_and_keep("user_ns", ioctl(ns, NS_GET_USERNS));
	close_twice_and_keep("net_ns", ioctl(process, GET_NET_NAMESPACE, 0));
	close(ns);
	close(process);
}

int main(void)
{
	wait_for_tracer();
	fanotify_event();
	child_with_pidfd();
	child_of_clone3();
	peer_of_socket();
	by_ioctl();
	close_twice_and_keep("tree", syscall(SYS_open_tree_attr, AT_FDCWD, "/", 0, NULL, 0));
	return 0;
}
