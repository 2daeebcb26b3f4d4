/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which host this is, and which run of the agent.
 *
 * Owns: what is read for that, once, at the start.
 */
#ifndef FDTRACE_AGENT_HOST_H
#define FDTRACE_AGENT_HOST_H

#include <limits.h>

struct host {
	char id[40];		      /* of /etc/machine-id; "": not known, as with name */
	char name[HOST_NAME_MAX + 1]; /* */
	char run[17];		      /* hexadecimal: no other run of any agent has it */
};

/* 0, or negative errno: there is nothing to tell this run from others by. */
int host_read(struct host *ret);

#endif
