/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who else has the descriptor tables of a traced process, at one moment: a process that is not
 * traced, an io_uring.
 *
 * Owns: that look at the tasks, and the records of what it found. Never: keeps anything.
 */
#ifndef FDTRACE_TRACER_TABLE_SHARERS_H
#define FDTRACE_TRACER_TABLE_SHARERS_H

#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"

/*
 * The process is traced already. A record for each of its threads' tables, unless this kernel
 * cannot tell. What feed returned, or -ENOMEM.
 */
int table_sharers_look(const struct ebpf *ebpf, pid_t pid, record_fn feed, void *arg);

#endif
