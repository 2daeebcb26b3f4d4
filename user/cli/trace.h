/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace -p PID` and `fdtrace -- COMMAND`: one session at somebody's desk.
 *
 * Owns: the event loop, the outputs, the terminal's status line, signals, the exit status.
 * Never: judges or formats a finding.
 */
#ifndef FDTRACE_CLI_TRACE_H
#define FDTRACE_CLI_TRACE_H

#include "cli/options.h"

/* Runs until the processes end or a signal asks to stop. Returns the exit status. */
int desk_run(const struct options *options);

#endif
