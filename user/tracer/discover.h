/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Bringing processes under trace, and finding the Python that they run.
 *
 * Owns: the order of an attach (its runtime first, then the target, then the snapshot), and
 * the answers to the kernel side's questions about executable files.
 * Never: changes or stops a process.
 */
#ifndef FDTRACE_TRACER_DISCOVER_H
#define FDTRACE_TRACER_DISCOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "tracer/earlier_owners.h"
#include "security/elf_helper.h"
#include "ebpf/ebpf.h"
#include "session/session.h"
#include "tracer/unsupported.h"

struct discover;

struct attach_options {
	struct ebpf *ebpf; /* these four are lent */
	struct elf_helper *elf_helper;
	struct file_cache *file_cache;
	const struct session *session;
	bool owners;		  /* Python's descriptor owners are read */
	bool heap_scan;		  /* also those that were made before: they are searched for */
	uint64_t heap_scan_bytes; /* of one process are read for that, at most */
};

/* What is learned of processes goes to feed, as records, which hands them to the session. 0 or
 * -ENOMEM. */
int discover_new(const struct attach_options *options, record_fn feed, void *arg,
		 struct discover **ret_discover);
void discover_free(struct discover *discover);

/* What cannot be seen in this session: sentences, ended by NULL; lent until the next call. */
const char *const *discover_unseen(struct discover *discover);

/* Goes on with what takes long, for a few milliseconds. True: there is more to do. */
bool discover_step(struct discover *discover);

/* How far the search for owners has come that were made before. */
void discover_progress(const struct discover *discover, struct earlier_progress *ret);

/*
 * Traces a running process, with all its threads, and with follow its living descendants too.
 * 0; -ESRCH: it does not exist or is gone; other negative errno.
 */
int discover_running(struct discover *discover, pid_t pid, bool follow);

/*
 * This process was asked for by itself: what is cheaper done by a probe inside it may be, for as
 * long as nobody writes to the file that is probed.
 */
void discover_inside(struct discover *discover, pid_t pid);

/* Readable when discover_look() has something to do: soon, for a process's sake. Lent; -1: never.
 */
int discover_fd(const struct discover *discover);
void discover_look(struct discover *discover);

/* What discover_inside() could not do for want of a privilege or a resource: a sentence, or NULL.
 */
const char *discover_lack(const struct discover *discover);

/*
 * Traces a process that waits just before exec of command, from its first instruction. What the
 * program and its interpreter will load is looked into beforehand, so that the first call of a
 * Python has its stack; of a program that is no Python, what it is likely to start: a Python that
 * another word of the command names, or PATH's python3. 0 or negative errno.
 */
int discover_starting(struct discover *discover, pid_t pid, char *const *command);

/*
 * A record of the kernel side's: feeds it, and before or after it what it gives occasion to learn:
 * mappings are looked into, children inherit, new programs are looked at. What feed returned.
 */
int discover_record(struct discover *discover, const struct record_header *record);

/* What has been met that can't be walked, for the caller to tell. Lent. */
struct unsupported *discover_unsupported(struct discover *discover);

#endif
