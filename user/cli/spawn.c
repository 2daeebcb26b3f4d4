/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <paths.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sudo.h"
#include "security/privileges.h"
#include "cli/options.h"

/* Whom COMMAND runs as. Made before fork: the child must not allocate. */
struct identity {
	bool change; /* false: as we are, and nothing below holds */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int group_count;
};

/* An environment of our own; texts that we made are in owned, the rest is environ's. */
struct environment {
	char **vars; /* NULL-terminated */
	size_t count;
	char *owned[5];
	size_t owned_count;
};

static void identity_clear(struct identity *identity)
{
	free(TAKE_PTR(identity->groups));
}

static void environment_clear(struct environment *env)
{
	for (size_t i = 0; i < env->owned_count; i++)
		free(env->owned[i]);
	free(TAKE_PTR(env->vars));
	env->owned_count = 0;
}

static int environment_copy(struct environment *env)
{
	size_t count = 0;

	while (environ && environ[count])
		count++;
	env->vars = calloc(count + ARRAY_SIZE(env->owned) + 1, sizeof(*env->vars));
	if (!env->vars)
		return -ENOMEM;
	if (count)
		memcpy(env->vars, environ, count * sizeof(*env->vars));
	env->count = count;
	return 0;
}

static char **environment_find(struct environment *env, const char *name)
{
	size_t length = strlen(name);

	for (char **var = env->vars; *var; var++) {
		if (!strncmp(*var, name, length) && (*var)[length] == '=')
			return var;
	}
	return NULL;
}

/* At most as many names as owned has room for. value NULL: the variable goes. */
static int environment_set(struct environment *env, const char *name, const char *value)
{
	char **var = environment_find(env, name);
	char *text = NULL;

	if (!value) {
		if (var) {
			*var = env->vars[--env->count];
			env->vars[env->count] = NULL;
		}
		return 0;
	}
	if (asprintf(&text, "%s=%s", name, value) < 0)
		return -ENOMEM;
	env->owned[env->owned_count++] = text;
	if (var)
		*var = text;
	else
		env->vars[env->count++] = text;
	return 0;
}

/* sudo's MAIL is root's; who has none gets none. */
static int environment_set_mail(struct environment *env, const char *user)
{
	_cleanup_free_ char *mail = NULL;

	if (!environment_find(env, "MAIL"))
		return 0;
	if (asprintf(&mail, "%s/%s", _PATH_MAILDIR, user) < 0)
		return -ENOMEM;
	return environment_set(env, "MAIL", mail);
}

/* passwd NULL: the id has no entry. Home and shell are not known then, but are not root's. */
static int environment_become(struct environment *env, const char *user,
			      const struct passwd *passwd)
{
	const char *home = passwd ? passwd->pw_dir : getenv("SUDO_HOME");
	const char *shell = passwd ? passwd->pw_shell : NULL;
	int err = environment_set(env, "HOME", home);

	if (!err)
		err = environment_set(env, "USER", user);
	if (!err)
		err = environment_set(env, "LOGNAME", user);
	if (!err)
		err = environment_set(env, "SHELL", shell && !*shell ? _PATH_BSHELL : shell);
	if (!err)
		err = environment_set_mail(env, user);
	return err;
}

/* The groups of the user; of an id without an entry, the one group. */
static int identity_groups(struct identity *identity, const struct passwd *passwd)
{
	int count = 0;

	if (passwd)
		getgrouplist(passwd->pw_name, identity->gid, &(gid_t){0}, &count);
	if (count < 1)
		count = 1;
	identity->groups = calloc(count, sizeof(gid_t));
	if (!identity->groups)
		return -ENOMEM;
	identity->groups[0] = identity->gid;
	if (passwd && getgrouplist(passwd->pw_name, identity->gid, identity->groups, &count) < 0)
		return -EAGAIN; /* /etc/group has just grown */
	identity->group_count = count;
	return 0;
}

/* The user behind sudo, if there is one. Variables that make no sense: -EINVAL. */
static int identity_find(struct identity *identity, struct environment *env)
{
	const char *user = getenv("SUDO_USER");
	const struct passwd *passwd = NULL;
	int err = user ? sudo_user(&identity->uid, &identity->gid) : -ENOENT;

	if (err)
		return err == -ENOENT ? 0 : err;
	identity->change = true;
	passwd = getpwuid(identity->uid);
	err = identity_groups(identity, passwd);
	return err ? err : environment_become(env, passwd ? passwd->pw_name : user, passwd);
}

/* The ends of both channels, as the child sees them. */
struct child_ends {
	int go;	   /* a byte: exec; end of file: fdtrace is gone or has cancelled */
	int error; /* takes the errno */
};

static int child_become(const struct identity *identity)
{
	if (!identity->change)
		return 0;
	if (setgroups(identity->group_count, identity->groups) ||
	    setresgid(identity->gid, identity->gid, identity->gid) ||
	    setresuid(identity->uid, identity->uid, identity->uid))
		return errno;
	return 0;
}

/*
 * Handlers end with exec. What was ignored when we began (nohup, a shell's background) COMMAND goes
 * on ignoring; SIGPIPE is what we ignore ourselves.
 */
static void child_reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	sigaction(SIGPIPE, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static ssize_t read_all(int fd, void *data, size_t size)
{
	ssize_t got = 0;

	do {
		got = read(fd, data, size);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* Is there such a file in a directory of PATH, whether it can be executed or not? */
static bool in_path(const char *name)
{
	const char *dir = getenv("PATH"), *end = NULL;
	char path[PATH_MAX];

	for (; dir; dir = *end ? end + 1 : NULL) {
		int length = 0;

		end = strchrnul(dir, ':');
		length = snprintf(path, sizeof(path), "%.*s/%s", (int)(end - dir), dir, name);
		if (length < (int)sizeof(path) && access(end == dir ? name : path, F_OK) == 0)
			return true;
	}
	return false;
}

/*
 * Returns the errno. A directory of PATH that this user may not search makes execvpe() say
 * EACCES for a file that is nowhere (root's PATH, a user's identity); a shell says: not found.
 */
static int child_exec(char *const argv[], char *const envp[])
{
	int err = 0;

	execvpe(argv[0], argv, envp);
	err = errno;
	if (err == EACCES && !strchr(argv[0], '/') && !in_path(argv[0]))
		err = ENOENT;
	return err;
}

/*
 * Nothing here allocates or takes a lock (execvpe() and this snprintf() don't). The wait for the
 * go is a read of a channel whose other end fdtrace alone holds: its end ends the child.
 */
static void __attribute__((noreturn)) child_run(struct child_ends ends, char *const argv[],
						char *const envp[], const struct identity *identity)
{
	int err = child_become(identity);
	char go = 0;

	if (!err)
		err = -privileges_give_none();
	if (!err) {
		if (read_all(ends.go, &go, 1) != 1)
			_exit(EXIT_FAILED);
		child_reset_signals();
		err = child_exec(argv, envp);
	}
	/* Nobody listens: nobody to tell. */
	if (write(ends.error, &err, sizeof(err)) < 0)
		_exit(EXIT_FAILED);
	_exit(EXIT_CANNOT_RUN);
}

/* Forks with all signals blocked, so that none of our handlers runs in the child. */
static pid_t fork_child(const int go[2], const int error[2], char *const argv[], char *const envp[],
			const struct identity *identity)
{
	sigset_t all, old;
	pid_t pid = -1;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(error[0]);
		child_run((struct child_ends){go[0], error[1]}, argv, envp, identity);
	}
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static void spawn_close(struct spawn *spawn)
{
	spawn->go_fd = close_fd(spawn->go_fd);
	spawn->error_fd = close_fd(spawn->error_fd);
	spawn->pidfd = close_fd(spawn->pidfd);
}

static int spawn_fork(char *const argv[], char *const envp[], const struct identity *identity,
		      struct spawn *ret)
{
	int go[2], error[2];

	/* Inherited as ignored, it would have the kernel reap the child and lose its status. */
	signal(SIGCHLD, SIG_DFL);
	/* A socket, because a send to a dead child must not raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		go[0] = close_fd(go[0]);
		go[1] = close_fd(go[1]);
		return -errno;
	}
	ret->pid = fork_child(go, error, argv, envp, identity);
	close_fd(go[0]);
	close_fd(error[1]);
	ret->go_fd = go[1];
	ret->error_fd = error[0];
	if (ret->pid < 0) {
		spawn_close(ret);
		return ret->pid;
	}
	ret->pidfd = syscall(SYS_pidfd_open, ret->pid, 0);
	if (ret->pidfd < 0) {
		int err = -errno;

		spawn_cancel(ret);
		return err;
	}
	return 0;
}

int spawn_prepare(char *const argv[], struct spawn *ret)
{
	struct identity identity = {0};
	struct environment env = {0};
	int err = environment_copy(&env);

	*ret = (struct spawn){.go_fd = -1, .error_fd = -1, .pidfd = -1};
	if (!err)
		err = identity_find(&identity, &env);
	if (!err)
		err = spawn_fork(argv, env.vars, &identity, ret);
	identity_clear(&identity);
	environment_clear(&env);
	return err;
}

static void reap(struct spawn *spawn)
{
	while (waitpid(spawn->pid, NULL, 0) < 0 && errno == EINTR)
		;
	spawn->pid = 0;
	spawn_close(spawn);
}

int spawn_go(struct spawn *spawn)
{
	int failed = 0;
	ssize_t got = 0;

	/* If the child is dead, error_fd says why, or spawn_status() will. */
	while (send(spawn->go_fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	spawn->go_fd = close_fd(spawn->go_fd);
	got = read_all(spawn->error_fd, &failed, sizeof(failed));
	if (got == sizeof(failed)) {
		reap(spawn);
		return -failed;
	}
	spawn->error_fd = close_fd(spawn->error_fd);
	return 0;
}

void spawn_cancel(struct spawn *spawn)
{
	if (spawn->pid <= 0)
		return;
	kill(spawn->pid, SIGKILL); /* not reaped yet: the number is still its own */
	reap(spawn);
}

int spawn_status(struct spawn *spawn)
{
	int status = 0;
	pid_t pid = spawn->pid > 0 ? waitpid(spawn->pid, &status, WNOHANG) : -1;

	if (pid == 0)
		return -EAGAIN;
	if (pid < 0)
		return spawn->pid > 0 ? -errno : -ECHILD;
	spawn->pid = 0;
	spawn_close(spawn);
	return WIFSIGNALED(status) ? EXIT_SIGNALED + WTERMSIG(status) : WEXITSTATUS(status);
}

void spawn_pass_on(const struct spawn *spawn, const struct signalfd_siginfo *info)
{
	bool typed = info->ssi_code == SI_KERNEL; /* the terminal sent it to the child too */

	if (!typed && info->ssi_signo != SIGWINCH)
		kill(spawn->pid, info->ssi_signo);
}

void spawn_see_end(struct spawn *spawn, int signal_fd)
{
	struct pollfd ready[] = {
		{.fd = spawn->pidfd, .events = POLLIN},
		{.fd = signal_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	while (spawn_status(spawn) == -EAGAIN) {
		poll(ready, ARRAY_SIZE(ready), -1);
		while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
			spawn_pass_on(spawn, &info);
	}
	spawn->pid = 0;
}
