/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Closed by the parent, then forked: the child's close is the second one of what it inherited.
 * @expect {"kind": "double_close", "fd": "fd", "pid": "child", "inherited": ["closed",
 *   "opened"]}
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "sim.h"

int main(void)
{
	pid_t child;
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	close(fd);
	child = fork();
	if (child == 0) {
		close(fd);
		_exit(0);
	}
	say("child", child);
	waitpid(child, NULL, 0);
	return 0;
}
