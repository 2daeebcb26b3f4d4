/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Processes that the rules name are taken up: those that run at the start, those that run another
 * program later, and after records were lost all that may have been missed.
 *
 * Owns: when /proc is looked through, and for what. Never: lets go of a process that it has taken
 * up: that ends with the process.
 */
#ifndef FDTRACE_AGENT_FOLLOWING_H
#define FDTRACE_AGENT_FOLLOWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/budget.h"
#include "agent/scope.h"
#include "tracer/tracer.h"

struct following {
	struct tracer *tracer; /* lent */
	struct scope *scope;   /* lent */
	uint64_t taken_up;     /* processes, by now, that a rule named */
	uint64_t refused;      /* that could not be traced */
	struct budget *budget; /* lent; what it pauses is not taken up */
	uint64_t passed_over;  /* as they began, since there was nothing left of the budget */
	bool behind;	       /* some of them may run still */
};

/*
 * Every process that runs. *ret_count: how many of them are named by the rules, those that are
 * traced already among them. 0 or negative errno.
 */
int following_look_at_all(struct following *following, size_t *ret_count);

/* Those that have run another program since, after each tracer_step(). 0 or negative errno. */
int following_look_at_new(struct following *following);

#endif
