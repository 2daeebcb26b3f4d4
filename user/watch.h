/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Watching Python's descriptor owners: which files hold them, and whose calls are seen.
 *
 * The first few processes are watched each for itself, so that no other one that shares their
 * CPython pays. Their children and all further ones are watched through one set of probes for each
 * file, which every process that runs that file meets.
 *
 * Owns: what was found in each file, once, and the probes' places. Never: looks for the files
 * (attach.h does); knows what the records mean.
 */
#ifndef FDTRACE_WATCH_H
#define FDTRACE_WATCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "foreign.h"
#include "probe/probe.h"

struct watch;

/* probe, foreign: lent. wanted: whether owners are to be watched, if the kernel can. 0 or -ENOMEM.
 */
int watch_new(struct probe *probe, struct foreign *foreign, bool wanted, struct watch **ret_watch);
void watch_free(struct watch *watch);

/*
 * Looks into a file, unless that has been done. fd: lent. Whether it holds owners. Only a Python
 * (python) and the modules that CPython names _socket and select are searched.
 */
bool watch_learn(struct watch *watch, const struct file_key *key, int fd, bool python);

/* Whether a process that begins to be traced is to be watched for itself; it then is one of few. */
bool watch_claim(struct watch *watch, pid_t pid);

/*
 * The process runs the file, or is about to: what it holds is watched from now on. False: it was
 * already, for this process, or for all; or nothing is watched at all.
 */
bool watch_file(struct watch *watch, pid_t pid, const struct file_key *key);

/* It has ended, or is not watched for itself after all: another one may be. */
void watch_ended(struct watch *watch, pid_t pid);

/*
 * What ownership cannot tell: of a Python of this layout and version text; of what was there
 * before the process was watched. Said once each, as sentences behind those of probe_unseen(),
 * ended by NULL; lent until the next call of one of these.
 */
void watch_note_python(struct watch *watch, const struct py_layout *layout, const char *version);
void watch_note_late(struct watch *watch);
const char *const *watch_unseen(struct watch *watch);

#endif
