/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A connection accepted, and a socket made, through io_uring: no system call shows it. Each is
 * closed twice.
 * @expect {"kind": "double_close", "fd": "accepted", "installed": "io_uring_enter"}
 * @expect {"kind": "double_close", "fd": "made", "installed": "io_uring_enter", "if_told": "made"}
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "uring.h"

#define URING_SOCKET 45 /* IORING_OP_SOCKET, Linux 5.19 */

static int listener(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (void *)address, size) || listen(fd, 1) ||
	    getsockname(fd, (void *)address, &size))
		err(1, "listen");
	return fd;
}

int main(void)
{
	struct io_uring_sqe make = {.opcode = URING_SOCKET, .fd = AF_INET, .off = SOCK_STREAM};
	struct io_uring_sqe accept = {.opcode = IORING_OP_ACCEPT};
	struct sockaddr_in address;
	struct uring ring;
	int client;

	wait_for_tracer();
	uring_open(&ring);
	accept.fd = listener(&address);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (void *)&address, sizeof(address)))
		err(1, "connect");
	close_twice("accepted", uring_do(&ring, &accept));
	open("/dev/null", O_RDONLY); /* keeps the number: each has its own */
	close_twice_if_made("made", uring_do(&ring, &make));
	return 0;
}
