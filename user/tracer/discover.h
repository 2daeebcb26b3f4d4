/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Bringing processes under trace, and finding the Python that they run.
 *
 * Owns: the order of an attach (first the process's runtime, then the process as a target, then the
 * snapshot of its descriptors), and the answers to the kernel side's questions about executable
 * files.
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
	bool owners;		  /* read which Python objects own descriptors */
	bool heap_scan;		  /* search for owners that were made before the attach, too */
	uint64_t heap_scan_bytes; /* the most that this search reads of one process */
};

/*
 * What is learned of processes goes to feed, as records; feed hands them to the session. Returns 0
 * or -ENOMEM; discover_free() frees *ret_discover.
 */
int discover_new(const struct attach_options *options, record_fn feed, void *arg,
		 struct discover **ret_discover);
void discover_free(struct discover *discover);

/* What cannot be seen in this session: sentences, the last followed by NULL; lent until the next
 * call. */
const char *const *discover_unseen(struct discover *discover);

/* Continues the search for earlier owners for a few milliseconds. True: there is more to do. */
bool discover_step(struct discover *discover);

/* How far the search has come for owners that were made before the attach. */
void discover_progress(const struct discover *discover, struct earlier_progress *ret);

/*
 * Traces a running process with all its threads; with follow, its living descendants too. Returns
 * 0; -ESRCH: the process does not exist or is gone; or another negative errno.
 */
int discover_running(struct discover *discover, pid_t pid, bool follow);

/* The process is traced no more, and goes on. What is known of it is forgotten. */
void discover_leave(struct discover *discover, pid_t pid);

/*
 * The user asked for this very process, so a probe may be placed inside it for what is cheaper done
 * there. The probe stays for as long as nobody writes to the file that is probed.
 */
void discover_inside(struct discover *discover, pid_t pid);

/*
 * A descriptor that is readable when discover_look() has something to do, which it should do soon:
 * a process may be waiting for that. Lent; -1: there is none.
 */
int discover_fd(const struct discover *discover);
void discover_look(struct discover *discover);

/*
 * What discover_inside() could not do because a privilege or a resource is missing: a sentence,
 * lent; or NULL.
 */
const char *discover_lack(const struct discover *discover);

/*
 * Traces a process that waits just before the exec of command, from the program's first
 * instruction. The files that the program and its interpreter will load are looked into beforehand,
 * so that the first call of a Python has its stack. For a program that is no Python, these are the
 * files of what it is likely to start: a Python that another word of the command names, or else
 * PATH's python3. Returns 0 or negative errno.
 */
int discover_starting(struct discover *discover, pid_t pid, char *const *command);

/*
 * Feeds a record that came from the kernel side and, before or after it, what can be learned on
 * this occasion: mappings are looked into, children get what their parent runs, new programs are
 * looked at. Returns what feed returned.
 */
int discover_record(struct discover *discover, const struct record_header *record);

/* The Pythons that were met and whose stacks cannot be walked, for the caller to report. Lent. */
struct unsupported *discover_unsupported(struct discover *discover);

#endif
