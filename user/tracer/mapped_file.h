/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A file that a process has mapped, opened.
 *
 * Owns: the ways to it, while the process lives and after. Never: blocks; opens another one.
 */
#ifndef FDTRACE_TRACER_MAPPED_FILE_H
#define FDTRACE_TRACER_MAPPED_FILE_H

#include "ebpf/ebpf.h"
#include "abi/record.h"

/* The file of a mapping that a valid record tells of. The descriptor, the caller's, or -1. */
int mapped_file_open(struct ebpf *ebpf, const struct record_module *record);

#endif
