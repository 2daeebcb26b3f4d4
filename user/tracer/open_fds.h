/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a process has open as it comes under trace: /proc's list, and what the kernel side says of
 * its sockets.
 *
 * Owns: putting both together. Never: believes that a number is the same socket still, unless both
 * name the same.
 */
#ifndef FDTRACE_TRACER_OPEN_FDS_H
#define FDTRACE_TRACER_OPEN_FDS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/records.h"
#include "ebpf/ebpf.h"

/* facts_snapshot() or facts_list(). */
typedef int (*open_fds_list_fn)(pid_t pid, uint8_t ring_flags, record_fn fn, void *arg);

/* As list, but the records of sockets have a struct record_socket where the kernel can tell. */
int open_fds_list(struct ebpf *ebpf, pid_t pid, open_fds_list_fn list, record_fn feed, void *arg);

#endif
