/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: a vfork child works on its own copy of the table; the parent's number stays open.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "sim.h"

int main(void)
{
	pid_t child;
	int fd;

	wait_for_tracer();
	fd = open("/dev/null", O_RDONLY);
	child = vfork();
	if (child == 0) {
		close(fd);
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	if (close(fd))
		err(1, "close");
	return 0;
}
