/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Descriptor owners that a process had made before it was traced: they are looked for in its
 * memory, and told to the kernel side, which then knows whose a number is that they claim.
 *
 * Owns: the searches that are under way, and their order: one after the other, small processes at
 * once, large ones a little at a time. Never: knows what memory holds (process/owner_scan.h does).
 */
#ifndef FDTRACE_TRACER_EARLIER_OWNERS_H
#define FDTRACE_TRACER_EARLIER_OWNERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"
#include "python/runtime.h"

struct earlier_owners;

/* Bytes of the processes that are being searched, or wait for it, or were while others did. */
struct earlier_progress {
	uint64_t done;
	uint64_t total; /* 0: none is searched */
};

/*
 * probe: lent. feed: gets the names of the types that are found, as records. max_bytes: of one
 * process's memory are read at most; 0: as many as owner_scan.h has. 0 or -ENOMEM.
 */
int earlier_owners_new(struct ebpf *ebpf, uint64_t max_bytes, record_fn feed, void *feed_arg,
		       struct earlier_owners **ret);
void earlier_owners_free(struct earlier_owners *earlier);

/*
 * This program of a traced process is a Python, moved by bias: its owners are searched for. A small
 * one's are known when this returns.
 */
void earlier_owners_search(struct earlier_owners *earlier, pid_t pid, uint64_t program,
			   const struct python_runtime *runtime, uint64_t bias);

/* Goes on for a few milliseconds. True: there is more to do. */
bool earlier_owners_step(struct earlier_owners *earlier);

void earlier_owners_progress(const struct earlier_owners *earlier, struct earlier_progress *ret);

/* Why some of them may be unknown now: a sentence; NULL: none of those that were searched for. */
const char *earlier_owners_missed(const struct earlier_owners *earlier);

#endif
