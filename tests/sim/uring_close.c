/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Closed through io_uring, then by close(2): the first close is in no system call. Where it is not
 * seen the second one fails on a number that looks open, and nothing is said, which is better than
 * a guess.
 * @expect {"kind": "double_close", "fd": "fd", "removed": "io_uring_enter"}
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
	say("fd", fd);
	uring_close(&ring, fd);
	close(fd);
	close(ring.fd);
	return 0;
}
