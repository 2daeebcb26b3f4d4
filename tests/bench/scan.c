/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the search for descriptor owners costs: scan PID [ROUNDS]. One line for each round: what was
 * found, the milliseconds of CPU time, the megabytes read (in both rounds together), and the
 * longest step.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "find_python.h"
#include "process/owner_scan.h"

#define STEP_NS 2000000

struct seen {
	unsigned int of[OWNER_TYPES];
	unsigned int twice;
	int32_t *fds;
	size_t count;
};

static double now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int see(void *arg, const struct owner_claim *claim)
{
	struct seen *seen = arg;
	int32_t *fds = reallocarray(seen->fds, seen->count + 1, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	seen->fds = fds;
	for (size_t i = 0; i < seen->count; i++)
		seen->twice += fds[i] == claim->fd;
	fds[seen->count++] = claim->fd;
	seen->of[claim->kind]++;
	return 0;
}

static int steps(struct owner_scan *scan, struct seen *seen, double *ret_longest)
{
	int more = 1;

	while (more > 0) {
		double begin = now_ms(CLOCK_THREAD_CPUTIME_ID), took;

		more = owner_scan_step(scan, STEP_NS, see, seen);
		took = now_ms(CLOCK_THREAD_CPUTIME_ID) - begin;
		if (took > *ret_longest)
			*ret_longest = took;
	}
	return more;
}

static int scan_once(const struct found_python *python)
{
	double begin = now_ms(CLOCK_THREAD_CPUTIME_ID), began = now_ms(CLOCK_MONOTONIC);
	double longest = 0, took;
	struct owner_scan_progress progress;
	struct owner_scan *scan = NULL;
	struct seen seen = {0};
	int err = owner_scan_new(python->pid, &python->runtime.layout, python->code_type, NULL,
				 &scan);

	if (!err)
		err = steps(scan, &seen, &longest);
	if (err) {
		owner_scan_free(scan);
		free(seen.fds);
		return err;
	}
	owner_scan_progress(scan, &progress);
	took = now_ms(CLOCK_THREAD_CPUTIME_ID) - begin;
	printf("FileIO %u, socket %u, epoll %u, twice %u: %.1f ms CPU, %.1f ms wall, %.1f MB read, "
	       "%.2f ms/MB, %.2f ms the longest step, %u types, %u of owners%s\n",
	       seen.of[OWNER_FILEIO], seen.of[OWNER_SOCKET], seen.of[OWNER_EPOLL], seen.twice, took,
	       now_ms(CLOCK_MONOTONIC) - began, progress.bytes_read / 1e6,
	       took / (progress.bytes_read / 1e6), longest, progress.types, progress.owner_types,
	       progress.limited ? ", limited" : "");
	owner_scan_free(scan);
	free(seen.fds);
	return 0;
}

int main(int argc, char **argv)
{
	struct found_python python;
	int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1, err = 0;

	if (argc < 2 || find_python((pid_t)strtol(argv[1], NULL, 10), &python) != 1) {
		fprintf(stderr, "usage: scan PID [ROUNDS]; PID runs a Python that fdtrace knows\n");
		return 2;
	}
	while (!err && rounds-- > 0)
		err = scan_once(&python);
	if (err)
		fprintf(stderr, "scan: process %d: %s\n", python.pid, strerror(-err));
	return err ? 1 : 0;
}
