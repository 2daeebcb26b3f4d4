/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which host this is, and which run of the agent.
 *
 * Owns: what is read for that, at the start.
 */
#ifndef FDTRACE_AGENT_HOST_H
#define FDTRACE_AGENT_HOST_H

#include <limits.h>

#define HOST_ID_SIZE  33
#define HOST_RUN_SIZE 17

struct host {
	char id[HOST_ID_SIZE];	      /* of /etc/machine-id, machine-id(5); "": not known */
	char name[HOST_NAME_MAX + 1]; /* "": not known */
};

void host_read(struct host *ret);

/* Hexadecimal: no other run of any agent has it. 0 or negative errno. */
int host_new_run(char ret[HOST_RUN_SIZE]);

#endif
