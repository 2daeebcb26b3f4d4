/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Opened through io_uring, which no system call returns, and closed twice.
 * @expect {"kind": "double_close", "fd": "fd", "installed": "io_uring_enter"}
 */
#include "uring.h"

int main(void)
{
	struct uring ring;
	int fd;

	wait_for_tracer();
	uring_open(&ring);
	fd = say("fd", uring_openat(&ring, "/dev/null"));
	close(fd);
	close(fd);
	close(ring.fd);
	return 0;
}
