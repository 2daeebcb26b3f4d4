/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A process gives away what it could do harm with, before it looks into files of others.
 *
 * Owns: the order of it: descriptors, signals, limits, root directory, user, capabilities, system
 * calls. Never: goes on where a step fails: then nothing of an untrusted file must be parsed.
 */
#ifndef FDTRACE_SECURITY_CONFINE_H
#define FDTRACE_SECURITY_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The address sanitizer's shadow is larger than any limit of memory. */
#define CONFINED_MEMORY 1
#if defined(__SANITIZE_ADDRESS__)
#undef CONFINED_MEMORY
#define CONFINED_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef CONFINED_MEMORY
#define CONFINED_MEMORY 0
#endif
#endif

/* The descriptor on which a confined process is spoken to. */
#define CONFINED_SOCKET 3

/* What a confined process keeps. */
struct confinement {
	uint64_t memory;	  /* bytes that it may map beyond what is mapped already */
	unsigned int descriptors; /* at most so many at a time */
	unsigned int cpu_seconds; /* in all; 0: unlimited */
	/* The directory below which it may open files, and map them; NULL: no file but those it
	 * is given, and to ask for more ends it. */
	const char *root;
};

/*
 * A new process, which does what become says and never returns from it: fd is its end of a socket
 * of packets. 0: *ret_fd is the other end, the caller's, as the process is; negative errno.
 */
int confined_start(void (*become)(int fd, const void *arg), const void *arg, pid_t *ret_pid,
		   int *ret_fd);

/*
 * No descriptor but socket, which becomes CONFINED_SOCKET, and /dev/null as 0, 1 and 2; no
 * terminal's signals; others as they are by default.
 */
int confine_descriptors(int socket);

/*
 * The limits; another root directory, in which there is nothing but what confinement says; the user
 * nobody; no capability, none to be had by exec either; no core file. It ends with its parent, or,
 * where that has no right to end it (a death signal is checked as any other), once it reads that
 * its socket is closed. Where the privilege for a root directory or a user is missing, capabilities
 * and confine_calls() must do; *ret_rooted: whether the root directory is that of confinement. 0 or
 * negative errno.
 */
int confine_privileges(const struct confinement *confinement, bool *ret_rooted);

/*
 * Gives up what root and capabilities bring, for good: this user and group and no other, if we are
 * root; no capability, none to be had by exec either; no core file of what is in memory. Ends with
 * its parent as said above. 0 or negative errno.
 */
int confine_user(uid_t uid, gid_t gid);

/*
 * For a process that reads files as others: it stays who it is, and keeps of these capabilities
 * (bits) those that it has, *ret_kept; limits, and an end, as confine_privileges() has them. From
 * here on it can open files, as whomever these allow, and read them; it can change none, nor do
 * anything else. 0 or negative errno.
 */
int confine_reader(const struct confinement *confinement, uint64_t capabilities,
		   uint64_t *ret_kept);

/* The user nobody, and its group. */
#define CONFINED_NOBODY 65534

/*
 * From here on system calls are those of a process that computes: on memory that holds no code, on
 * the socket and on descriptors that came through it. Where files may be opened: rooted: those of
 * the root directory; false: none; and what else is asked for fails, for libraries of every version
 * can do without. Where not: it ends the process. 0 or negative errno.
 */
int confine_calls(const struct confinement *confinement, bool rooted);

/* A confined process ends by SIGALRM if this is not called with 0 within ms. */
void confine_time(unsigned int ms);

/*
 * For the parent, who may have no right any more to end a process of the user nobody: waits until
 * it ends, as it does once its socket is closed, or its time is up; for wait_ms, and then once more
 * after a SIGKILL. Never blocks for longer.
 */
void confined_end(pid_t pid, int wait_ms);

#endif
