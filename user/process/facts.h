/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What /proc says of a process, as records.
 *
 * Owns: the one way by which a session learns what is not in the kernel side's records: the
 * same records tell it again from a recording. Never: judges, or keeps anything.
 */
#ifndef FDTRACE_PROCESS_FACTS_H
#define FDTRACE_PROCESS_FACTS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/records.h"

/* Which program it runs; where it runs. */
#define FACTS_PROGRAM (PROCESS_COMM | PROCESS_EXE)
#define FACTS_PLACE   (PROCESS_STATUS | PROCESS_CGROUP | PROCESS_ROOT)
#define FACTS_ALL     (FACTS_PROGRAM | FACTS_PLACE)

/*
 * Reads the facts wanted, as far as they can be read. start_ns: the process that started then
 * (exact or in clock ticks), 0: any. since is PROCESS_KNOWN: the caller sets another. The caller
 * frees the record. 0, -ESRCH: that process is not there, -ENOMEM.
 */
int facts_read(pid_t pid, uint64_t start_ns, unsigned int wanted,
	       struct record_process **ret_record);

/*
 * Hands each open descriptor to fn as a record, and then the end of the snapshot. ring_flags: for
 * those records. 0, what fn returned, or negative errno: then the snapshot is not whole. Nothing,
 * and 0, of a process whose threads use several tables: /proc shows one of them.
 */
int facts_snapshot(pid_t pid, uint8_t ring_flags, record_fn fn, void *arg);

/*
 * The same of a process that is traced already: all of it, or nothing. -E2BIG: it has so many open
 * that reading them would keep others waiting.
 */
int facts_list(pid_t pid, uint8_t ring_flags, record_fn fn, void *arg);

#endif
