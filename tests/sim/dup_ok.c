/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: dup2 onto itself, F_DUPFD, a number that is replaced and closed once.
 */
#include <fcntl.h>

#include "sim.h"

int main(void)
{
	int fd, copy;

	wait_for_tracer();
	for (int i = 0; i < 20; i++) {
		fd = open("/dev/null", O_RDONLY);
		if (dup2(fd, fd) != fd)
			err(1, "dup2");
		copy = fcntl(fd, F_DUPFD, 40);
		if (dup2(fd, copy) != copy || dup3(fd, 41, O_CLOEXEC) != 41)
			err(1, "dup");
		if (close(41) || close(copy) || close(fd))
			err(1, "close");
	}
	return 0;
}
