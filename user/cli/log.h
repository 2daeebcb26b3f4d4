/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace says to people of itself: one line, on standard error, escaped for a terminal.
 */
#ifndef FDTRACE_CLI_LOG_H
#define FDTRACE_CLI_LOG_H

struct ebpf_error;
struct tracer_error;

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* What is no complaint: in several lines, if it is long. */
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

/* Says what the kernel or the user lacks; the exit status (options.h) for it. */
int log_lack(const struct ebpf_error *error);

/* Says what keeps a trace from beginning; the exit status. */
int log_tracer_error(const struct tracer_error *error);

#endif
