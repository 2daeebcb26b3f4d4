/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A process with very much of something, which says "ready" and then waits for its input to end.
 *
 * Usage: crowd fds|mappings|files|threads|generations NUMBER FOLDER. Of generations the last one
 * says so; all end when the input does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void fds(int number)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (number-- && open("/dev/null", O_RDONLY) >= 0)
		;
}

static void threads(int number)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (number-- && !pthread_create(&thread, &small, sleep_on, NULL))
		;
}

/* Of one file, or each of another one. */
static void mappings(int number, const char *folder, int each)
{
	char path[4096], page[4096] = "\177ELF";
	int fd = -1;

	for (int i = 0; i < number; i++) {
		if (fd < 0 || each) {
			close(fd);
			snprintf(path, sizeof(path), "%s/file-%d", folder, i);
			fd = open(path, O_RDWR | O_CREAT, 0600);
			if (write(fd, page, sizeof(page)) != sizeof(page))
				exit(1);
		}
		/* Two neighbours that are not alike stay two. */
		if (mmap(NULL, 4096, PROT_READ | PROT_EXEC | (i % 2 ? PROT_WRITE : 0), MAP_PRIVATE,
			 fd, 0) == MAP_FAILED)
			break;
	}
}

/* Each the child of the one before; the first waits for the input to end, and all end with it. */
static void generations(int number)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		exit(1);
	for (int i = 0; i < number; i++) {
		pid_t parent = getpid(), pid = fork();

		if (pid) {
			close(ready[1]);
			if (pid < 0 || (i ? 0 : read(ready[0], &byte, 1)) < 0)
				exit(1);
			if (!i)
				return;
			pause();
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			exit(1);
	}
	if (write(ready[1], "", 1) != 1)
		exit(1);
	pause();
}

int main(int argc, char **argv)
{
	int number = argc > 3 ? atoi(argv[2]) : 0;
	char byte;

	if (!strcmp(argv[1], "fds"))
		fds(number);
	else if (!strcmp(argv[1], "threads"))
		threads(number);
	else if (!strcmp(argv[1], "generations"))
		generations(number);
	else
		mappings(number, argv[3], !strcmp(argv[1], "files"));
	puts("ready");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
