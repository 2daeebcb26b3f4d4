/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Not a use after close: the number was closed, then taken by a descriptor that io_uring
 * opened for writing only, which no system call shows. To read it is EBADF, too.
 */
#include <fcntl.h>

#include "uring.h"

int main(void)
{
	struct uring ring;
	struct io_uring_sqe write_only = {
		.opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = (unsigned long)"/dev/null",
		.open_flags = O_WRONLY,
	};
	char byte;
	int fd;

	wait_for_tracer();
	uring_open(&ring);
	fd = open("/dev/null", O_RDONLY);
	close(fd);
	if (uring_do(&ring, &write_only) != fd)
		errx(1, "another number");
	if (read(fd, &byte, 1) >= 0)
		errx(1, "it was not write-only");
	if (close(fd) || close(ring.fd))
		err(1, "close");
	return 0;
}
