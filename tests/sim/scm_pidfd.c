/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A pidfd that the kernel adds to a message, closed twice.
 * @expect {"kind": "double_close", "fd": "fd", "installed": "recvmsg"}
 */
#include <string.h>
#include <sys/socket.h>

#include "sim.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#define PIDFD_MESSAGE 4 /* SCM_PIDFD */

static int receive(int from)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	int fd;

	if (recvmsg(from, &m, 0) != 1)
		err(1, "recvmsg");
	head = CMSG_FIRSTHDR(&m);
	if (!head || head->cmsg_type != PIDFD_MESSAGE)
		skip("no SCM_PIDFD in the message");
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

int main(void)
{
	int pair[2], on = 1, fd;

	wait_for_tracer();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	if (setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)))
		skip("this kernel has no SO_PASSPIDFD");
	if (write(pair[0], "x", 1) != 1)
		err(1, "write");
	fd = say("fd", receive(pair[1]));
	close(fd);
	close(fd);
	return 0;
}
