/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A thread leaves the table for a copy: both copies of a number are closed, each once, which is
 * right; then the thread closes its own again.
 * @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "same"}
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include "sim.h"

static void *leave(void *fd)
{
	if (unshare(CLONE_FILES))
		err(1, "unshare");
	close((int)(long)fd);
	close((int)(long)fd);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	pthread_create(&thread, NULL, leave, (void *)(long)fd);
	pthread_join(thread, NULL);
	if (close(fd))
		err(1, "close");
	return 0;
}
