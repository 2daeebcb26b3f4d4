/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: numbers made in many ways, each closed once, each used again by the next.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "sim.h"

static void twice(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	int pair[2];

	wait_for_tracer();
	for (int i = 0; i < 500; i++) {
		close(open("/dev/null", O_RDONLY));
		close(creat("/dev/null", 0600));
		close(dup(1));
		close(fcntl(1, F_DUPFD, 50));
		close(fcntl(1, F_DUPFD_CLOEXEC, 50));
		close(dup2(1, 60));
		close(dup3(1, 60, O_CLOEXEC));
		close(socket(AF_INET, SOCK_STREAM, 0));
		if (pipe(pair) == 0)
			twice(pair);
		if (pipe2(pair, O_CLOEXEC) == 0)
			twice(pair);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
			twice(pair);
	}
	return 0;
}
