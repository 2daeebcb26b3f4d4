/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A descriptor taken from another process (here: its own), closed twice.
 * @expect {"kind": "double_close", "type": "other", "fd": "fd", "calls": {"opened":
 *   "pidfd_getfd"}}
 */
#include <sys/syscall.h>

#include "sim.h"

int main(void)
{
	int pidfd, fd;

	wait_for_tracer();
	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0)
		skip("this kernel has no pidfd_open");
	fd = say("fd", syscall(SYS_pidfd_getfd, pidfd, 1, 0));
	close(fd);
	close(fd);
	close(pidfd);
	return 0;
}
