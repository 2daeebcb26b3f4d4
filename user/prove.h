/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whether a running process is the Python that its file says, before its memory is believed.
 *
 * Owns: how often it is looked at, for the process runs meanwhile. Never: stops it.
 */
#ifndef FDTRACE_PROVE_H
#define FDTRACE_PROVE_H

#include <sys/types.h>

#include "python/sound.h"

/* bias: what the file was moved by in the process. Takes some milliseconds at most. */
enum soundness prove_process(pid_t pid, const struct python_runtime *runtime, uint64_t bias);

#endif
