/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * exec itself opens a descriptor for the program: binfmt_misc hands the file that is run to its
 * interpreter, here this very program, by number. It is closed twice. In a user namespace of its
 * own (Linux 6.7), so that nobody else has that interpreter.
 * @expect {"kind": "double_close", "fd": "fd", "missing": ["opened"]}
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "sim.h"

static char self[PATH_MAX];

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		skip("binfmt_misc cannot be set up in a user namespace here");
	close(fd);
}

/* Files that end in .fdtrace are run by this program. */
static void become_interpreter(void)
{
	char rule[PATH_MAX + 64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		skip("no user namespace here");
	write_text("/proc/self/uid_map", "0 0 1\n");
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", "0 0 1\n");
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("fdtrace", "/mnt", "binfmt_misc", 0, NULL))
		skip("binfmt_misc cannot be mounted in a user namespace here");
	snprintf(rule, sizeof(rule), ":fdtrace:E::fdtrace::%s:O", self);
	write_text("/mnt/register", rule);
}

static int interpret(int fd, const char *file)
{
	unlink(file);
	say("fd", fd);
	close(fd);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	char file[] = "/tmp/fdtrace-sim-XXXXXX.fdtrace";
	int fd = getauxval(AT_EXECFD);

	if (fd > 0)
		return interpret(fd, argv[argc - 1]);
	wait_for_tracer();
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err(1, "/proc/self/exe");
	become_interpreter();
	fd = mkstemps(file, strlen(".fdtrace"));
	if (fd < 0 || fchmod(fd, 0755))
		err(1, "%s", file);
	close(fd);
	execl(file, file, NULL);
	unlink(file);
	skip("binfmt_misc cannot be used in a user namespace here");
}
