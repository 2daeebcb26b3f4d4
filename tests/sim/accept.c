/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A connection that accept4 made is closed twice, one that accept made once.
 * @expect {"kind": "double_close", "type": "socket", "fd": "fd", "calls": {"closed": "close",
 *   "opened": "accept4"}}
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "sim.h"

static int connect_to(int server)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (getsockname(server, (struct sockaddr *)&address, &size) ||
	    connect(fd, (struct sockaddr *)&address, size))
		err(1, "connect");
	return fd;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int server, fd, a, b;

	wait_for_tracer();
	server = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 2))
		err(1, "listen");
	a = connect_to(server);
	b = connect_to(server);
	close(accept(server, NULL, NULL));
	fd = say("fd", accept4(server, NULL, NULL, SOCK_CLOEXEC));
	close(fd);
	close(fd);
	close(a);
	close(b);
	close(server);
	return 0;
}
