/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Starting COMMAND so that it is traced from its first instruction.
 *
 * Owns: the child between fork and exec, whom it runs as (the user behind sudo), and the
 * translation of its end into an exit status.
 * Never: touches the terminal, standard input or standard output.
 */
#ifndef FDTRACE_CLI_SPAWN_H
#define FDTRACE_CLI_SPAWN_H

#include <sys/types.h>

struct spawn {
	pid_t pid;
	int go_fd;    /* write end: the child execs when told */
	int error_fd; /* read end: the child's errno if exec failed; closed by a good exec */
	int pidfd;    /* readable when the child has ended */
};

/*
 * Forks a child that waits just before exec; argv is NULL-terminated, looked up in PATH as a
 * shell would. Run by sudo (SUDO_UID, SUDO_GID, SUDO_USER set and we are root), the child gets that
 * user's uid, gid, groups, and HOME, USER, LOGNAME as that user has them. The child ignores the
 * signals that we do, but for SIGPIPE, and its signal mask is empty; its process group is ours, so
 * that the terminal's Ctrl-C reaches it. It dies if fdtrace dies before the go. 0 or negative
 * errno.
 */
int spawn_prepare(char *const argv[], struct spawn *ret);

/*
 * Lets the child exec, and waits until it has (or has failed). 0, or the negative errno of
 * the exec: -ENOENT: not found. The child is reaped if it failed.
 */
int spawn_go(struct spawn *spawn);

/* Ends a child that was never told to go. */
void spawn_cancel(struct spawn *spawn);

/*
 * The exit status to end with, once pidfd is readable: the child's own, or 128 + signal.
 * Reaps it and closes spawn's descriptors. -EAGAIN: it has not ended.
 */
int spawn_status(struct spawn *spawn);

struct signalfd_siginfo;

/*
 * Passes a signal on to the child; not what a terminal has sent it, too, nor a change of the
 * window's size.
 */
void spawn_pass_on(const struct spawn *spawn, const struct signalfd_siginfo *info);

/* Waits until the child has ended, and passes on what signal_fd, which does not block, brings. */
void spawn_see_end(struct spawn *spawn, int signal_fd);

#endif
