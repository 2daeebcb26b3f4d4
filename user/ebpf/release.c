/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/release.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Some kinds of hook are let go one beside the other, others by one alone at a time. */
#define HOLDERS 8

/* As pipe2() fills it. */
struct pipe_ends {
	int reader, writer;
};

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes all but these, which are in order. */
static void keep_only(const int *fds, size_t count)
{
	unsigned int next = 0;

	for (size_t i = 0; i < count; i++) {
		if (next < (unsigned int)fds[i])
			syscall(SYS_close_range, next, fds[i] - 1u, 0);
		next = fds[i] + 1u;
	}
	syscall(SYS_close_range, next, UINT_MAX, 0);
}

/*
 * Holds every step-th of them, from the first on, until nobody writes to the pipe any more: until
 * the caller has closed his own descriptors, and each of the other holders those that it need not
 * hold. So the last close of each is that which the kernel makes as its holder ends.
 */
static _Noreturn void hold(const int *fds, size_t count, size_t first, size_t step,
			   const struct pipe_ends *ends)
{
	int *kept = malloc((count + 2) * sizeof(*kept));
	size_t kept_count = 0;
	char none;

	if (!kept)
		_exit(1);
	for (size_t i = first; i < count; i += step)
		kept[kept_count++] = fds[i];
	kept[kept_count++] = ends->reader;
	kept[kept_count++] = ends->writer;
	qsort(kept, kept_count, sizeof(*kept), by_number);
	keep_only(kept, kept_count);
	close(ends->writer);
	while (read(ends->reader, &none, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* One holder each for a share of them; if there cannot be as many, the first holds them all. */
static _Noreturn void hold_all(const int *fds, size_t count, const struct pipe_ends *ends)
{
	size_t holders = count < HOLDERS ? count : HOLDERS;

	setsid(); /* no Ctrl-C is meant for us any more */
	for (size_t i = 1; i < holders; i++) {
		pid_t pid = fork();

		if (!pid)
			hold(fds, count, i, holders, ends);
		if (pid < 0)
			hold(fds, count, 0, 1, ends);
	}
	hold(fds, count, 0, holders, ends);
}

int release_share(const int *fds, size_t count)
{
	struct pipe_ends ends;
	pid_t pid;

	if (pipe2((int *)&ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		hold_all(fds, count, &ends);
	close(ends.reader);
	if (pid > 0)
		return ends.writer;
	close(ends.writer);
	return -EAGAIN;
}
