/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Bringing processes under trace, and finding the Python that they run.
 *
 * Owns: the order of an attach (its runtime first, then the target, then the snapshot), and
 * the answers to the kernel side's questions about executable files.
 * Never: changes or stops a process.
 */
#ifndef FDTRACE_ATTACH_H
#define FDTRACE_ATTACH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/records.h"
#include "foreign.h"
#include "probe/probe.h"
#include "session.h"
#include "strangers.h"

struct attach;

/*
 * probe, foreign and session are lent. What is learned of processes goes to feed, as records, which
 * hands them to the session. owners: Python's descriptor owners are watched, where that can be
 * done. 0 or -ENOMEM.
 */
int attach_new(struct probe *probe, struct foreign *foreign, const struct session *session,
	       record_fn feed, void *arg, bool owners, struct attach **ret_attach);
void attach_free(struct attach *attach);

/* What cannot be seen in this session: sentences, ended by NULL; lent until the next call. */
const char *const *attach_unseen(struct attach *attach);

/*
 * Traces a running process, with all its threads, and with follow its living descendants too.
 * 0; -ESRCH: it does not exist or is gone; other negative errno.
 */
int attach_running(struct attach *attach, pid_t pid, bool follow);

/*
 * Traces a process that waits just before exec of command, from its first instruction. What the
 * program and its interpreter will load is looked into beforehand, so that the first call of a
 * Python has its stack; of a program that is no Python, what it is likely to start: a Python that
 * another word of the command names, or PATH's python3. 0 or negative errno.
 */
int attach_starting(struct attach *attach, pid_t pid, char *const *command);

/*
 * A record of the kernel side's: feeds it, and before or after it what it gives occasion to learn:
 * mappings are looked into, children inherit, new programs are looked at. What feed returned.
 */
int attach_record(struct attach *attach, const struct record_header *record);

/* What has been met that can't be walked, for the caller to tell. Lent. */
struct strangers *attach_strangers(struct attach *attach);

#endif
