/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What may be kept of descriptors. Owns: the limits' names and defaults' meaning. Pure data.
 */
#ifndef FDTRACE_FD_LIMITS_H
#define FDTRACE_FD_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* 0: the default. */
struct fd_limits {
	unsigned int history; /* ended generations kept for each number (default 4) */
	unsigned int tables;  /* tables at once (default 65536) */
	unsigned int numbers; /* numbers with a history, over all tables (default: no limit) */
	size_t bytes;	      /* that all of them take, as counted here (default 96 MiB) */
	unsigned int sweep;   /* consecutive EBADF closes from one site that make a sweep (8) */
	uint64_t settle_ns;   /* how long a bad close on a number that is believed open waits for
				 the racing close that explains it (default 200 ms) */
};

#endif
