/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Calls with two descriptors, the second of which is closed; and some that name one number.
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "sendfile", "closed":
 *   "close"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "splice"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "copy_file_range"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "epoll_ctl"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "dup2"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "fcntl"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "read"}}
 * @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "tee"}}
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "sim.h"

int main(void)
{
	struct epoll_event event = {0};
	int pipes[2], file, epoll, fd;
	struct pollfd poll_it;
	char byte = 0;
	fd_set set;

	wait_for_tracer();
	if (pipe(pipes) || write(pipes[1], &byte, 1) != 1)
		err(1, "pipe");
	file = open("/etc/passwd", O_RDONLY);
	epoll = epoll_create1(0);
	fd = say("fd", fcntl(1, F_DUPFD, 60));
	close(fd);
	syscall(SYS_sendfile, fd, file, NULL, 1);
	splice(pipes[0], NULL, fd, NULL, 1, 0);
	copy_file_range(file, NULL, fd, NULL, 1, 0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
#ifdef SYS_dup2
	syscall(SYS_dup2, fd, fd);
#else
	syscall(SYS_dup3, fd, fd + 1, 0);
#endif
	fcntl(fd, F_DUPFD, 0);
	if (read(fd, &byte, 1) >= 0)
		errx(1, "read");
	tee(pipes[0], fd, 1, 0);
	poll_it = (struct pollfd){.fd = fd, .events = POLLIN}; /* no error: POLLNVAL */
	poll(&poll_it, 1, 0);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, NULL); /* EBADF, but no argument says of which */
	close(epoll);
	close(file);
	return 0;
}
