/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Closed through io_uring, then by close(2): the first close is in no system call. The second
 * one fails on a number that looks open; nothing is said, which is better than a guess.
 */
#include <fcntl.h>

#include "uring.h"

int main(void)
{
	struct uring ring;
	int fd;

	wait_for_tracer();
	uring_open(&ring);
	fd = open("/dev/null", O_RDONLY);
	uring_close(&ring, fd);
	close(fd);
	close(ring.fd);
	return 0;
}
