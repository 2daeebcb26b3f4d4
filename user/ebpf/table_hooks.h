/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What may happen to a table unseen: the hook that tells of io_uring, and a look at all tasks; and
 * a look at the sockets that one has open.
 *
 * Owns: these programs' attaching. Never: draws a conclusion.
 */
#ifndef FDTRACE_EBPF_TABLE_HOOKS_H
#define FDTRACE_EBPF_TABLE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "abi/maps.h"

struct btf;
struct fdtrace_bpf;

/* What this kernel has of it. */
struct watch {
	const char *ring_point; /* the tracepoint's name; NULL: none that is known */
	unsigned int opcode_at; /* ring_opcode_at */
	bool tasks;		/* tasks can be looked at */
	bool files;		/* and what they have open */
};

struct watch watch_find(const struct btf *btf);

/* Before the object is loaded. */
void watch_choose(const struct watch *watch, struct fdtrace_bpf *bpf);

/* After it is attached: RING_WATCHED, or 0 where one of both is not to be had. */
unsigned int watch_attach(const struct watch *watch, struct fdtrace_bpf *bpf);

/*
 * Calls fn with a struct task_table for each thread of traced processes, one moment after the
 * other. 0, fn's first result that is not 0, or negative errno: -EOPNOTSUPP: this kernel cannot
 * tell.
 */
typedef int (*watch_fn)(void *arg, const void *item);
int watch_each_task(const struct fdtrace_bpf *bpf, watch_fn fn, void *arg);

/* The same with a struct open_socket for each socket that the process has open. */
int watch_each_socket(struct fdtrace_bpf *bpf, pid_t pid, watch_fn fn, void *arg);

#endif
