/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Two processes with one table of descriptors: what one has closed, the other opens anew and
 *closes, and then the first closes it again.
 *
 * usage: shared_table VICTIM PAUSE
 *	VICTIM	"parent" or "child": who closes twice
 *	PAUSE	ms between the steps
 * Says both pids, the parent's first, and goes on when a line comes.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3

static volatile int *turn;
static int pause_ms;

static void wait_for(int whose)
{
	while (*turn != whose)
		usleep(1000);
	usleep(1000 * pause_ms);
}

static void close_twice(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/etc/passwd", O_RDONLY);

		close(fd);
		*turn = 2;
		wait_for(1);
		close(fd);
	}
	*turn = 3;
}

static void use_meanwhile(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		wait_for(2);
		close(open("/etc/group", O_RDONLY));
		*turn = 1;
	}
	while (*turn != 3)
		usleep(1000);
}

int main(int argc, char **argv)
{
	char line[8];
	bool victim;
	long pid;

	if (argc < 3)
		return 2;
	victim = !strcmp(argv[1], "parent");
	pause_ms = strtol(argv[2], NULL, 10);
	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		victim = !victim;
		while (!*turn)
			usleep(1000);
	} else {
		printf("%d %ld\n", getpid(), pid);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 1;
		*turn = 1;
	}
	if (victim)
		close_twice();
	else
		use_meanwhile();
	if (pid)
		wait(NULL);
	return 0;
}
