/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a process frees its code objects there may be a probe, which costs less than to look at the
 * content of each frame's code object at every call.
 *
 * Owns: which processes have one, and that they lose it as soon as somebody writes to the file
 * whose code is probed: a breakpoint belongs to an offset in a file, whatever is there by now.
 * Never: puts one into a process that was not named; keeps one that cannot be taken out in time.
 */
#ifndef FDTRACE_TRACER_CODE_FREES_H
#define FDTRACE_TRACER_CODE_FREES_H

#include <stdint.h>
#include <sys/types.h>

#include "tracer/file_cache.h"
#include "security/elf_helper.h"
#include "ebpf/ebpf.h"

struct code_frees;

/* All lent. 0 or -ENOMEM. */
int code_frees_new(struct ebpf *ebpf, struct elf_helper *elf_helper,
		   struct code_frees **ret_code_frees);
void code_frees_free(struct code_frees *code_frees);

/* Watches the frees of a process, which runs this file's Python, if that is worth a probe. */
void code_frees_watch(struct code_frees *code_frees, pid_t pid, const struct known_file *file);

/* The process runs another program. */
void code_frees_execed(struct code_frees *code_frees, pid_t pid);

/* Readable when a file has been written to. Lent. -1: none is watched, ever. */
int code_frees_fd(const struct code_frees *code_frees);

/* Takes the probes out of the processes whose files have been written to. */
void code_frees_look(struct code_frees *code_frees);

/* Why some process has none that should have one, a sentence with what that costs. NULL: nothing.
 */
const char *code_frees_lack(const struct code_frees *code_frees);

#endif
