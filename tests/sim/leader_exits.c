/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The first thread ends, the process goes on: its table is what it was.
 * @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "different"}
 */
#include <fcntl.h>
#include <pthread.h>

#include "sim.h"

static pthread_t leader;
static int fd;

static void *go_on(void *unused)
{
	(void)unused;
	pthread_join(leader, NULL);
	close(fd);
	exit(0);
}

int main(void)
{
	pthread_t thread;

	wait_for_tracer();
	leader = pthread_self();
	fd = say("fd", fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 60));
	close(fd);
	pthread_create(&thread, NULL, go_on, NULL);
	pthread_exit(NULL);
}
