/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the simulators in C share: simlib.py's twin.
 *
 * Owns: the moment at which a simulator lets itself be traced, its word on which numbers it used,
 * the plainest bug that it can have, and the clock and the chance of those that keep a log. Never:
 * makes a descriptor.
 */
#ifndef FDTRACE_SIM_H
#define FDTRACE_SIM_H

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Returns when the tracer is there: at once, unless the harness attaches one later. */
static inline void wait_for_tracer(void)
{
	char byte;

	if (!getenv("FDTRACE_SIM_WAIT"))
		return;
	dprintf(1, "ready\n");
	if (read(0, &byte, 1) < 0)
		err(1, "read");
}

/* Ends the program: this machine cannot do what it is about. */
static inline void skip(const char *reason)
{
	dprintf(1, "skip: %s\n", reason);
	exit(77);
}

/* Tells the harness a number by name: the expectations refer to it. */
static inline int say(const char *name, int number)
{
	if (number < 0)
		err(1, "%s", name);
	dprintf(1, "%s=%d\n", name, number);
	return number;
}

/* CLOCK_BOOTTIME, as records have it, nanoseconds. */
static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* A number below one; the same from the same seed on every machine. */
static inline uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (*seed >> 33) % below;
}

/* The bug itself. The number is free afterwards: the next descriptor may get it. */
static inline void close_twice(const char *name, int fd)
{
	say(name, fd);
	close(fd);
	close(fd);
}

/* The same for what this machine may have refused to make: nothing is said of it then. */
static inline void close_twice_if_made(const char *name, int fd)
{
	if (fd >= 0)
		close_twice(name, fd);
}

#endif
