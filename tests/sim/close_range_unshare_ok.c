/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: a thread closes everything in a copy of the table; the others' numbers stay open.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "sim.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

static void *leave(void *unused)
{
	(void)unused;
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_UNSHARE))
		skip("this kernel has no close_range");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char byte;
	int fd;

	wait_for_tracer();
	fd = open("/dev/null", O_RDONLY);
	pthread_create(&thread, NULL, leave, NULL);
	pthread_join(thread, NULL);
	if (read(fd, &byte, 1) || close(fd))
		err(1, "the number is gone");
	return 0;
}
