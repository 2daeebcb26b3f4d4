/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: close_range(3, ~0), then a hundred of the same numbers opened and closed.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "sim.h"

int main(void)
{
	wait_for_tracer();
	for (int fd = 100; fd < 200; fd++)
		dup2(0, fd);
	syscall(SYS_close_range, 3U, ~0U, 0);
	for (int i = 0; i < 100; i++)
		open("/dev/null", O_RDONLY);
	for (int fd = 3; fd < 103; fd++)
		close(fd);
	return 0;
}
