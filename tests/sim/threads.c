/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One thread opens and closes, another one closes again, by the bare system call.
 * @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "different", "calls":
 *   {"bad": "close", "closed": "close", "opened": "openat"}}
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "sim.h"

static void *close_again(void *fd)
{
	syscall(SYS_close, (int)(long)fd);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int fd;

	wait_for_tracer();
	fd = say("fd", open("/dev/null", O_RDONLY));
	close(fd);
	pthread_create(&thread, NULL, close_again, (void *)(long)fd);
	pthread_join(thread, NULL);
	return 0;
}
