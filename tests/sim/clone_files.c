/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Two processes share one table (CLONE_FILES without CLONE_THREAD): the child closes, the
 * parent closes again.
 * @expect {"kind": "double_close", "type": "file", "fd": "fd", "pid": "parent", "threads":
 *   "different"}
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "sim.h"

static char stack[65536];

static int child(void *fd)
{
	close((int)(long)fd);
	return 0;
}

int main(void)
{
	int fd;

	wait_for_tracer();
	say("parent", getpid());
	fd = say("fd", open("/dev/null", O_RDONLY));
	if (clone(child, stack + sizeof(stack), CLONE_FILES | SIGCHLD, (void *)(long)fd) < 0)
		err(1, "clone");
	wait(NULL);
	close(fd);
	return 0;
}
