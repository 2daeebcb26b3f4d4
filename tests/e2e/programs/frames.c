/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Closes twice at the end of a chain of functions that are known, then ends at once (argument
 * "exit"), goes on as a thread ("thread"), or in a signal handler ("signal").
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each function does something after its call, so that none is a tail call. */
static volatile int sum;

__attribute__((noinline)) static void close_static(int fd)
{
	close(fd);
	sum++;
}

__attribute__((noinline)) void close_deep(int fd, int depth)
{
	/* Of a size that is known at run time alone: the frame pointer is needed here. */
	char *room = __builtin_alloca(depth * 16 + 32);

	memset(room, depth, depth * 16 + 32);
	if (depth)
		close_deep(fd, depth - 1);
	else
		close_static(fd);
	sum += room[depth];
}

__attribute__((noinline)) void outer(int fd)
{
	close_deep(fd, 3);
	sum++;
}

static int opened = -1;

static void on_signal(int number)
{
	outer(opened);
	sum++;
}

static void *in_thread(void *arg)
{
	outer(opened);
	outer(opened);
	sum++;
	return arg;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t thread;

	opened = open("/dev/null", O_RDONLY);
	if (!strcmp(how, "thread")) {
		pthread_create(&thread, NULL, in_thread, NULL);
		pthread_join(thread, NULL);
	} else if (!strcmp(how, "signal")) {
		signal(SIGUSR1, on_signal);
		raise(SIGUSR1);
		raise(SIGUSR1);
	} else {
		outer(opened);
		outer(opened);
	}
	if (!strcmp(how, "exit"))
		syscall(SYS_exit_group, 0);
	sum++;
	return 0;
}
