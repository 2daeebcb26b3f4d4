/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace --check-kernel`: what this kernel offers, kind by kind, as it was tried.
 *
 * Owns: that report. Never: traces a process other than fdtrace itself.
 */
#ifndef FDTRACE_CLI_CHECK_KERNEL_H
#define FDTRACE_CLI_CHECK_KERNEL_H

#include "cli/options.h"

/* EXIT_OK if there is a kind of hook that works; else as tracing would end. */
int check_kernel_run(const struct options *options);

#endif
