/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A descriptor received over a socket, closed twice: no call returned it.
 * @expect {"kind": "double_close", "fd": "fd", "installed": "recvmsg", "calls": {"bad": "close",
 *   "closed": "close"}}
 */
#include <string.h>
#include <sys/socket.h>

#include "sim.h"

static union {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
} control;

static struct msghdr message(char *byte, struct iovec *io)
{
	*io = (struct iovec){byte, 1};
	return (struct msghdr){.msg_iov = io,
			       .msg_iovlen = 1,
			       .msg_control = &control,
			       .msg_controllen = sizeof(control)};
}

static int receive(int from)
{
	char byte;
	struct iovec io;
	struct msghdr m = message(&byte, &io);
	int fd;

	if (recvmsg(from, &m, 0) != 1)
		err(1, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void send_to(int to, int fd)
{
	char byte = 0;
	struct iovec io;
	struct msghdr m = message(&byte, &io);

	control.head = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(to, &m, 0) != 1)
		err(1, "sendmsg");
}

int main(void)
{
	int pair[2], fd;

	wait_for_tracer();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	send_to(pair[0], 1);
	fd = say("fd", receive(pair[1]));
	close(fd);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
