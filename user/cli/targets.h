/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The running processes that a session begins with: those of -p, or all (--system-wide).
 *
 * Owns: which they are, what is said of one that cannot be had, and who is left alone of all: the
 * kernel's own threads, and fdtrace with its helpers, whose reading of records would make records.
 * Never: follows: whatever a traced process starts from then on is traced by the kernel side.
 */
#ifndef FDTRACE_CLI_TARGETS_H
#define FDTRACE_CLI_TARGETS_H

#include <stddef.h>

#include "cli/options.h"
#include "tracer/tracer.h"

/*
 * Attaches to them. what: room for what is traced ("process 42"). The exit status: EXIT_OK, or else
 * it is said why not.
 */
int targets_attach(const struct options *options, struct tracer *tracer, char *what, size_t size);

#endif
