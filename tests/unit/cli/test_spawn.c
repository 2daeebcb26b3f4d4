/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Starting COMMAND: real children, as whom they run, what they inherit, how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/options.h"
#include "cli/spawn.h"

static void assert_no_child(const struct spawn *spawn)
{
	assert_int_equal(spawn->go_fd, -1);
	assert_int_equal(spawn->error_fd, -1);
	assert_int_equal(spawn->pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static int wait_status(struct spawn *spawn)
{
	struct pollfd pollfd = {.fd = spawn->pidfd, .events = POLLIN};
	int status = 0;

	assert_int_equal(poll(&pollfd, 1, 10000), 1);
	status = spawn_status(spawn);
	assert_no_child(spawn);
	return status;
}

static int run(char *const argv[])
{
	struct spawn spawn;

	assert_int_equal(spawn_prepare(argv, &spawn), 0);
	assert_int_equal(spawn_go(&spawn), 0);
	return wait_status(&spawn);
}

/* Runs a shell script, and gives what it wrote to its standard output. */
static void run_script(const char *script, char *ret, size_t size)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO);
	ssize_t got = 0;

	assert_non_null(file);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	assert_int_equal(run(argv), 0);
	dup2(out, STDOUT_FILENO);
	close(out);
	got = pread(fileno(file), ret, size - 1, 0);
	assert_true(got >= 0);
	ret[got] = '\0';
	fclose(file);
}

static void test_status(void **state)
{
	assert_int_equal(run((char *[]){"true", NULL}), 0);
	assert_int_equal(run((char *[]){"sh", "-c", "exit 42", NULL}), 42);
	assert_int_equal(run((char *[]){"sh", "-c", "exit 255", NULL}), 255);
	assert_int_equal(run((char *[]){"sh", "-c", "kill -TERM $$", NULL}), 128 + SIGTERM);
	assert_int_equal(run((char *[]){"sh", "-c", "kill -KILL $$", NULL}), 128 + SIGKILL);
}

static void test_not_ended_yet(void **state)
{
	struct spawn spawn;

	assert_int_equal(spawn_prepare((char *[]){"sleep", "60", NULL}, &spawn), 0);
	assert_int_equal(spawn_status(&spawn), -EAGAIN);
	assert_int_equal(spawn_go(&spawn), 0);
	assert_int_equal(spawn_status(&spawn), -EAGAIN);
	assert_int_equal(kill(spawn.pid, SIGINT), 0);
	assert_int_equal(wait_status(&spawn), 128 + SIGINT);
	assert_int_equal(spawn_status(&spawn), -ECHILD);
}

static int fail_to_run(char *path)
{
	struct spawn spawn;
	int err = 0;

	assert_int_equal(spawn_prepare((char *[]){path, NULL}, &spawn), 0);
	err = spawn_go(&spawn);
	assert_no_child(&spawn);
	return err;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_cannot_run(void **state)
{
	char dir[] = "/tmp/fdtrace-spawn-XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	write_file(path, "exit 7\n", 0600);
	assert_int_equal(fail_to_run(path), -EACCES);
	assert_int_equal(fail_to_run(dir), -EACCES);
	assert_int_equal(fail_to_run("no-such-command-anywhere"), -ENOENT);
	assert_int_equal(fail_to_run("/no/such/file"), -ENOENT);
	assert_int_equal(fail_to_run("/dev/null/file"), -ENOTDIR);

	/* No #!: as in a shell, /bin/sh runs it. */
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(run((char *[]){path, NULL}), 7);
	unlink(path);
	rmdir(dir);
}

/* Looked up as the user that COMMAND runs as: a directory closed to them holds nothing for them. */
static void test_closed_directory_in_path(void **state)
{
	char dir[] = "/tmp/fdtrace-spawn-XXXXXX", path[64], variable[128];
	char *old = strdup(getenv("PATH"));

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/command", dir);
	write_file(path, "exit 7\n", 0600);
	snprintf(variable, sizeof(variable), "%s::/bin", dir);
	setenv("PATH", variable, 1);
	assert_int_equal(fail_to_run("command"), -EACCES);
	assert_int_equal(fail_to_run("no-such-command"), -ENOENT);
	assert_int_equal(chmod(dir, 0), 0);
	setenv("SUDO_UID", "3999999", 1);
	setenv("SUDO_GID", "3999999", 1);
	setenv("SUDO_USER", "ghost", 1);
	assert_int_equal(fail_to_run("no-such-command"), -ENOENT);
	assert_int_equal(fail_to_run("command"), -ENOENT);
	assert_int_equal(chmod(dir, 0700), 0);
	setenv("PATH", old, 1);
	free(old);
	unlink(path);
	rmdir(dir);
}

/* Until the go, nothing of COMMAND has run; cancelled, nothing ever does. */
static void test_waits_for_the_go(void **state)
{
	char path[] = "/tmp/fdtrace-spawn-XXXXXX";
	char *const argv[] = {"rm", path, NULL};
	struct spawn spawn;

	close(mkstemp(path));
	assert_int_equal(spawn_prepare(argv, &spawn), 0);
	usleep(50000);
	assert_int_equal(access(path, F_OK), 0);
	spawn_cancel(&spawn);
	assert_no_child(&spawn);
	spawn_cancel(&spawn); /* twice is fine */
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(run(argv), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_killed_before_the_go(void **state)
{
	struct spawn spawn;

	assert_int_equal(spawn_prepare((char *[]){"true", NULL}, &spawn), 0);
	assert_int_equal(kill(spawn.pid, SIGKILL), 0);
	usleep(50000);
	assert_int_equal(spawn_go(&spawn), 0); /* and no SIGPIPE */
	assert_int_equal(wait_status(&spawn), 128 + SIGKILL);
}

/* The parent of the child goes away without a word: so does the child. */
static void test_dies_with_its_parent(void **state)
{
	struct pollfd pollfd = {.events = POLLIN};
	int pipes[2];
	pid_t pid = 0;
	char byte = 0;

	/* Both descendants hold the write end: its last close is the child's end. */
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct spawn spawn;

		close(pipes[0]);
		_exit(spawn_prepare((char *[]){"true", NULL}, &spawn) ? 1 : 0);
	}
	close(pipes[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pollfd.fd = pipes[0];
	assert_int_equal(poll(&pollfd, 1, 10000), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

static void test_signals(void **state)
{
	unsigned long long blocked, ignored;
	char text[4096];
	sigset_t some, old;

	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	run_script("grep -E '^Sig(Blk|Ign)' /proc/self/status", text, sizeof(text));
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(sscanf(text, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_true(blocked == 0);
	assert_false(ignored & (1ull << (SIGPIPE - 1)));
	assert_true(ignored & (1ull << (SIGUSR1 - 1)));
}

/* What fdtrace was given, and nothing of its own: as system(3) would hand it on. */
static void test_inherits(void **state)
{
	char dir[] = "/tmp/fdtrace-spawn-XXXXXX", script[256], compare[256];
	int given = open("/dev/null", O_RDONLY);
	int own = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(given > 2 && own > 2);
	assert_non_null(mkdtemp(dir));
	snprintf(script, sizeof(script), "ls /proc/$$/fd > %s/$FILE; grep -qx %d %s/$FILE", dir,
		 given, dir);
	snprintf(compare, sizeof(compare), "cd %s && cmp expected got && rm -r %s", dir, dir);
	setenv("FILE", "expected", 1);
	assert_int_equal(system(script), 0);
	setenv("FILE", "got", 1);
	assert_int_equal(run((char *[]){"sh", "-c", script, NULL}), 0);
	unsetenv("FILE");
	assert_int_equal(system(compare), 0);
	close(given);
	close(own);
}

/* The terminal's Ctrl-C reaches it. */
static void test_process_group(void **state)
{
	char text[64], expected[64];

	snprintf(expected, sizeof(expected), "%d\n", (int)getpgrp());
	run_script("ps -o pgid= -p $$ | tr -d ' '", text, sizeof(text));
	assert_string_equal(text, expected);
}

#define SAY_WHO                                                                     \
	"id -u; id -g; id -G; echo $HOME; echo $USER; echo $LOGNAME; echo $SHELL; " \
	"echo ${MAIL-none}; grep -E '^[UG]id' /proc/self/status | tr -d '\\n'"

static void set_sudo(const char *uid, const char *gid, const char *user)
{
	setenv("SUDO_UID", uid, 1);
	setenv("SUDO_GID", gid, 1);
	setenv("SUDO_USER", user, 1);
}

static int forget_sudo(void **state)
{
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	unsetenv("SUDO_USER");
	return 0;
}

/* Run by sudo: the user's ids and home. Without root there is nobody to become. */
static void test_behind_sudo(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	char uid[16], gid[16], text[4096], expected[4096];
	unsigned int u = 0, g = 0;

	assert_non_null(nobody);
	u = nobody->pw_uid;
	g = nobody->pw_gid;
	snprintf(uid, sizeof(uid), "%u", u);
	snprintf(gid, sizeof(gid), "%u", g);
	snprintf(expected, sizeof(expected),
		 "%u\n%u\n%u\n%s\nnobody\nnobody\n%s\n/var/mail/nobody\n"
		 "Uid:\t%u\t%u\t%u\t%uGid:\t%u\t%u\t%u\t%u",
		 u, g, g, nobody->pw_dir, nobody->pw_shell, u, u, u, u, g, g, g, g);
	setenv("MAIL", "/var/mail/root", 1);
	set_sudo(uid, gid, "nobody");
	run_script(SAY_WHO, text, sizeof(text));
	if (geteuid() == 0)
		assert_string_equal(text, expected);
	else
		assert_int_equal(strtoul(text, NULL, 10), geteuid());
	unsetenv("MAIL");
}

static void test_behind_sudo_without_passwd(void **state)
{
	char text[4096];

	unsetenv("MAIL");
	assert_null(getpwuid(3999999));
	set_sudo("3999999", "3999998", "ghost");
	run_script(SAY_WHO " 2>/dev/null", text, sizeof(text));
	if (geteuid() == 0)
		assert_int_equal(strncmp(text, "3999999\n3999998\n3999998\n\nghost\nghost\n", 36),
				 0);
	else
		assert_int_equal(strtoul(text, NULL, 10), geteuid());
}

static void test_sudo_that_makes_no_sense(void **state)
{
	static const char *const bad[] = {"",	   "x",	 "-1",	       "4294967295",
					  "1000x", " 1", "99999999999"};
	char *const argv[] = {"true", NULL};
	struct spawn spawn;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int expected = geteuid() == 0 ? -EINVAL : 0;

		set_sudo(bad[i], "1000", "user");
		assert_int_equal(spawn_prepare(argv, &spawn), expected);
		spawn_cancel(&spawn);
		set_sudo("1000", bad[i], "user");
		assert_int_equal(spawn_prepare(argv, &spawn), expected);
		spawn_cancel(&spawn);
	}
	/* One of them is missing: not sudo's doing. */
	unsetenv("SUDO_USER");
	assert_int_equal(run(argv), 0);
}

/* A background job of a shell without job control is started to ignore these; children inherit it.
 */
static void heed_signals(void)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_not_ended_yet),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test_teardown(test_closed_directory_in_path, forget_sudo),
		cmocka_unit_test(test_waits_for_the_go),
		cmocka_unit_test(test_killed_before_the_go),
		cmocka_unit_test(test_dies_with_its_parent),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_inherits),
		cmocka_unit_test(test_process_group),
		cmocka_unit_test_teardown(test_behind_sudo, forget_sudo),
		cmocka_unit_test_teardown(test_behind_sudo_without_passwd, forget_sudo),
		cmocka_unit_test_teardown(test_sudo_that_makes_no_sense, forget_sudo),
	};

	heed_signals();
	forget_sudo(NULL);
	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
