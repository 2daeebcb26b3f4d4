/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace agent`: the front end for a host that is watched all day.
 *
 * Owns: the order of its start and end, the event loop, its signals, and what systemd is told.
 * Never: ends because an output does not work; traces what no rule names, but its children.
 */
#ifndef FDTRACE_AGENT_AGENT_H
#define FDTRACE_AGENT_AGENT_H

/* argv[0] is "agent". The exit status: base/exit_code.h. */
int agent_run(int argc, char **argv);

#endif
