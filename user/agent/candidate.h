/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A running process, as the rules of scope.h ask for it.
 *
 * Owns: what is read of it, from /proc alone. Never: decides, or looks at its memory or files.
 */
#ifndef FDTRACE_AGENT_CANDIDATE_H
#define FDTRACE_AGENT_CANDIDATE_H

#include <sys/types.h>

#include "agent/scope.h"
#include "process/cgroup_names.h"

struct candidate {
	struct scope_subject subject; /* its texts are those below */
	char *exe, *cgroup, *container;
	char unit[CGROUP_UNIT_SIZE], pod[CGROUP_POD_SIZE];
};

/*
 * As far as it can be read; candidate_free() frees it. 0; -ESRCH: it is gone, or runs no program;
 * -ENOMEM.
 */
int candidate_read(pid_t pid, struct candidate *ret);
void candidate_free(struct candidate *candidate);

/*
 * The owner of /proc/PID: its effective user, or root where it may not be looked at (proc(5)).
 * UINT32_MAX: it is gone.
 */
uint32_t candidate_user(pid_t pid);

#endif
