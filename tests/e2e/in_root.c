/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Runs the program of its own name from /usr/bin of the folder root beside it, with that folder
 * as its root: another distribution's libraries under this machine's processes, /tmp and homes.
 * IN_ROOT_RUN in the environment: that program instead.
 *
 * Owns: a mount namespace, gone with the program. Never: changes the machine's own mounts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "in_root: %s: %s\n", what, strerror(errno));
	exit(126);
}

/* What the other distribution brings itself. */
static int is_its_own(const char *name)
{
	static const char *const own[] = {".",	 "..",	  "usr", "bin", "sbin",
					  "lib", "lib64", "etc", "var", "opt"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (!strcmp(own[i], name))
			return 1;
	}
	return 0;
}

static void share(const char *root, const char *name)
{
	char from[NAME_MAX + 2], to[PATH_MAX + NAME_MAX + 16];
	struct stat st;

	snprintf(from, sizeof(from), "/%s", name);
	snprintf(to, sizeof(to), "%s/%s", root, name);
	if (lstat(from, &st) || !S_ISDIR(st.st_mode))
		return;
	mkdir(to, 0755);
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL))
		die(to);
}

static void share_all(const char *root)
{
	DIR *dir = opendir("/");
	struct dirent *entry;

	if (!dir)
		die("/");
	while ((entry = readdir(dir))) {
		if (!is_its_own(entry->d_name))
			share(root, entry->d_name);
	}
	closedir(dir);
}

int main(int argc __attribute__((unused)), char **argv)
{
	char self[PATH_MAX] = "", root[PATH_MAX + 8], program[PATH_MAX + 16], cwd[PATH_MAX];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || !getcwd(cwd, sizeof(cwd)))
		die("/proc/self/exe");
	snprintf(program, sizeof(program), "/usr/bin/%s", strrchr(self, '/') + 1);
	snprintf(root, sizeof(root), "%s/root", dirname(self));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	share_all(root);
	if (chroot(root) || (chdir(cwd) && chdir("/")))
		die(root);
	argv[0] = getenv("IN_ROOT_RUN") ? getenv("IN_ROOT_RUN") : program;
	execv(argv[0], argv);
	die(argv[0]);
	return 126;
}
