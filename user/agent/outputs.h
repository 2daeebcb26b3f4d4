/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the agent tells, and to whom: the file of findings, a receiver of logs, who asks over HTTP;
 * and what stands before them: whose process it is, what was known, what waits.
 *
 * Owns: the order in which they are opened, which is that in which they are told of a finding.
 * Never: runs them: agent.c does.
 */
#ifndef FDTRACE_AGENT_OUTPUTS_H
#define FDTRACE_AGENT_OUTPUTS_H

#include "agent/state.h"

/* Before privileges are given up. EXIT_OK, or another exit code, which has been said. */
int agent_open_outputs(struct agent *agent);

#endif
