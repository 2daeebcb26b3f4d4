/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whether the attached hooks see what they should: a program may attach and never fire.
 *
 * Owns: a few calls of our own, traced as those of any target, and the comparison.
 */
#ifndef FDTRACE_EBPF_SELFTEST_H
#define FDTRACE_EBPF_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>

struct fdtrace_bpf;

/*
 * Opens, copies and closes descriptors of our own, and closes once too often. 0; negative errno
 * with the reason in why: -ENODATA: calls were not seen.
 */
int selftest_run(struct fdtrace_bpf *bpf, char *why, size_t size);

/* Whether one that we receive over a socket is seen to come into the table. */
bool selftest_sees_installed(struct fdtrace_bpf *bpf);

/* Whether one that an io_uring of ours closes is seen to leave it. False where it may make none. */
bool selftest_sees_removed(struct fdtrace_bpf *bpf);

/* Makes a close() that finds no descriptor: whether the hook on the kernel's function sees that. */
bool selftest_sees_missed(struct fdtrace_bpf *bpf);

/* After the others: nothing of them stays in the ring or in a counter. 0 or negative errno. */
int selftest_end(struct fdtrace_bpf *bpf);

#endif
