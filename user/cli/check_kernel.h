/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace --check-kernel`: what this kernel offers, rung by rung, as it was tried.
 *
 * Owns: that report. Never: traces a process other than fdtrace itself.
 */
#ifndef FDTRACE_CLI_CHECK_KERNEL_H
#define FDTRACE_CLI_CHECK_KERNEL_H

#include "cli/options.h"

/* EXIT_OK if there is a rung that works; else as tracing would end. */
int survey_run(const struct options *options);

#endif
