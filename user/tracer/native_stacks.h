/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Native stacks, live: what the kernel side took becomes frames with names.
 *
 * Owns: which files the traced processes have mapped, opened while they live, so that one that is
 * gone a moment later still has its names; the helper that parses them, and its restarts; the
 * records that wait for its answers, in their order; the servers that are asked for names, if they
 * are. What a stack held ends here: it is not handed on.
 * Never: parses a file; stops or changes a process; blocks, unless too much waits.
 */
#ifndef FDTRACE_TRACER_NATIVE_STACKS_H
#define FDTRACE_TRACER_NATIVE_STACKS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"
#include "tracer/file_cache.h"

struct native_stacks;

/*
 * probe and files are lent. urls: debuginfod servers that are asked for names, with blanks between
 * them; NULL: none. Records go on to feed: those that native_stacks_feed() was given, in that
 * order, with the frames of native stacks among them. 0; -ELIBACC: there is no client library for
 * debuginfod; other negative errno.
 */
int native_stacks_new(struct ebpf *ebpf, struct file_cache *file_cache, const char *urls,
		      record_fn feed, void *arg, struct native_stacks **ret_native_stacks);
void native_stacks_free(struct native_stacks *native_stacks);

/*
 * What no record can carry. A process is traced from now on: the files that it has mapped already
 * are opened. (Its record comes before the kernel side tells of its new mappings, so that one that
 * was made in between would be missed; and no record takes an open file along.)
 */
void native_stacks_attached(struct native_stacks *native_stacks, pid_t pid);

/*
 * And what has not happened yet, while records tell of what has: a command is about to be run, as a
 * shell would find it.
 */
void native_stacks_starting(struct native_stacks *native_stacks, const char *command);

/*
 * A record for the session: handed on now, or in its turn. A file that it tells of is opened at
 * once: by its turn the process may be gone. What feed returned, or 0.
 */
int native_stacks_feed(struct native_stacks *native_stacks, const struct record_header *record);

/* Readable when native_stacks_pump() has something to do; it may become another one at any call. */
int native_stacks_fd(const struct native_stacks *native_stacks);

/*
 * Hands on what waits no more; all: what waits still is waited for. 0, or the first of feed's
 * errors but for -EINVAL and -ESRCH.
 */
int native_stacks_pump(struct native_stacks *native_stacks, bool all);

/* What keeps native stacks or names from being found, a sentence, once; NULL: nothing new. Lent. */
const char *native_stacks_notice(struct native_stacks *native_stacks);

#endif
