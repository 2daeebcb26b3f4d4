/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace -p PID` and `fdtrace -- COMMAND`: the tracer at somebody's terminal.
 *
 * Owns: the event loop, COMMAND, the outputs, the terminal's status line, signals, the exit status.
 * Never: judges or formats a finding; touches a record: tracer/tracer.h does the tracing.
 */
#ifndef FDTRACE_CLI_TRACE_H
#define FDTRACE_CLI_TRACE_H

#include "cli/options.h"

/* Runs until the processes end or a signal asks to stop. Returns the exit status. */
int trace_run(const struct options *options);

#endif
