/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Gives fdtrace much to keep.
 *
 * hoard inherit PROCESSES NUMBERS  children that have their parent's descriptors, till input ends
 * hoard own PROCESSES NUMBERS      the same, and each opens them all anew
 * hoard forget NUMBERS             closes a descriptor, then keeps others busy, then closes it again
 * hoard churn SECONDS              processes that end at once, one after the other; till input ends
 * hoard end PROCESSES              so many, in groups that end together; then it waits for its input
 *
 * Says "ready" when that is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The numbers that are filled begin here: those below are what the program is about. */
#define FIRST 100

static int file;

static void fill(int numbers)
{
	for (int fd = FIRST; fd < FIRST + numbers; fd++)
		if (fcntl(file, F_DUPFD, fd) != fd)
			_exit(2);
}

static void drain(int numbers)
{
	for (int fd = FIRST; fd < FIRST + numbers; fd++)
		close(fd);
}

static void wait_for_input(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void hoard(int processes, int numbers, int anew)
{
	int done[2];
	char byte;

	fill(numbers);
	if (pipe(done))
		_exit(2);
	for (int i = 1; i < processes; i++) {
		if (fork())
			continue;
		if (anew) {
			drain(numbers);
			fill(numbers);
		}
		if (write(done[1], "", 1) != 1)
			_exit(2);
		wait_for_input();
		_exit(0);
	}
	for (int i = 1; i < processes; i++)
		if (read(done[0], &byte, 1) != 1)
			_exit(2);
	ready();
	wait_for_input();
}

static void forget(int numbers)
{
	int fd = open("/etc/passwd", O_RDONLY);

	close(fd);
	for (int i = 0; i < 4; i++) {
		fill(numbers);
		drain(numbers);
	}
	errno = 0;
	close(fd);
	printf("fd=%d\nerrno=%d\n", fd, errno);
	ready();
}

static pid_t one_that_ends(void)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open("/etc/passwd", O_RDONLY);
	close(fd);
	_exit(0);
}

static void churn(int seconds)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end) {
		one_that_ends();
		waitpid(-1, NULL, 0);
	}
	ready();
	wait_for_input();
}

static void end(int processes)
{
	for (int i = 0; i < processes; i++)
		one_that_ends();
	while (waitpid(-1, NULL, 0) > 0)
		;
	ready();
	wait_for_input();
}

int main(int argc, char **argv)
{
	const struct rlimit many = {20000, 20000};
	int n = argc > 2 ? atoi(argv[2]) : 0;

	setrlimit(RLIMIT_NOFILE, &many);
	close_range(FIRST, ~0u, 0); /* whatever whoever started this had open */
	file = open("/dev/null", O_RDONLY);
	if (file < 0 || argc < 3)
		return 2;
	if (!strcmp(argv[1], "inherit") || !strcmp(argv[1], "own"))
		hoard(n, argc > 3 ? atoi(argv[3]) : 0, !strcmp(argv[1], "own"));
	else if (!strcmp(argv[1], "forget"))
		forget(n);
	else if (!strcmp(argv[1], "churn"))
		churn(n);
	else if (!strcmp(argv[1], "end"))
		end(n);
	else
		return 2;
	return 0;
}
