/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: numbers that one side opens and the other closes, again and again; and some that
 * io_uring alone opens and closes.
 */
#include <fcntl.h>

#include "uring.h"

int main(void)
{
	struct uring ring;

	wait_for_tracer();
	uring_open(&ring);
	for (int i = 0; i < 100; i++) {
		if (uring_close(&ring, open("/dev/null", O_RDONLY)))
			errx(1, "close by io_uring");
		if (close(uring_openat(&ring, "/dev/null")))
			err(1, "close");
		if (uring_close(&ring, uring_openat(&ring, "/dev/null")))
			errx(1, "close by io_uring");
	}
	close(ring.fd);
	return 0;
}
