/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Processes that are not traced and have run another program, until the front end asks for them.
 *
 * Owns: the queue, and that a loss of any is told. Never: decides whether one is to be traced.
 */
#ifndef FDTRACE_TRACER_STARTS_H
#define FDTRACE_TRACER_STARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ebpf/ebpf.h"

/* So many may come in one step. */
#define STARTS_MAX 512

struct starts {
	pid_t pids[STARTS_MAX]; /* from the oldest on */
	size_t count, taken;
	bool missed;
	uint64_t lost;	   /* with other records of processes */
	uint64_t asked_ns; /* CLOCK_BOOTTIME: when that was looked at */
};

void starts_note(struct starts *starts, pid_t pid);

/* The oldest that has not been taken; 0: none; -EOVERFLOW: some are not known. */
pid_t starts_next(struct starts *starts, struct ebpf *ebpf, uint64_t now_ns);

#endif
