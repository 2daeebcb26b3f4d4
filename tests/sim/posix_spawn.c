/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Correct: posix_spawn with a close action for a number that is not open, and for one that is;
 * the parent's copy is closed once.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "sim.h"

int main(void)
{
	char *argv[] = {"true", NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;
	int fd;

	wait_for_tracer();
	fd = open("/dev/null", O_RDONLY);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fd);
	posix_spawn_file_actions_addclose(&actions, 60);
	if (posix_spawn(&child, "/bin/true", &actions, NULL, argv, NULL))
		errx(1, "posix_spawn");
	waitpid(child, NULL, 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	return 0;
}
