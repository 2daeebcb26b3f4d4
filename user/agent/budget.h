/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What tracing may cost the host, and which processes are let alone for a while where it costs
 * more.
 *
 * CPU time flows into an account at the rate of the limit, up to what half a minute brings in; what
 * the hooks and the agent have cost is taken out. With nothing left in it the costliest processes
 * are paused, as many as it takes until less is spent than comes in; and once the account is nearly
 * full again, the one that has waited longest is traced again, one a round; with less in it, one in
 * ten rounds. So in the long run the limit is kept, whatever the load: one process that costs five
 * times of it is traced for a fifth of the time.
 *
 * Where it is the agent that costs, and not the hooks, nothing is paused: then programs that begin
 * are passed over, once half a minute's worth is owed (budget_is_spent()).
 *
 * Owns: the account, and what is known of each process's cost. Pure. Never: traces.
 */
#ifndef FDTRACE_AGENT_BUDGET_H
#define FDTRACE_AGENT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct budget_process;

struct budget {
	double limit;	     /* of one CPU; 0: there is none */
	double account_ns;   /* may be negative */
	double rate;	     /* of one CPU, of late: hooks and agent together */
	double hooks_rate;   /* the hooks' part */
	uint64_t hooks_ns;   /* CPU time of traced processes, all that was noted */
	uint64_t agent_ns;   /* the agent's own, at the last round */
	uint64_t then_ns;    /* CLOCK_BOOTTIME, of the last round */
	uint64_t spent_ns;   /* in this round */
	uint64_t resumed_ns; /* the round in which one was, last */
	uint64_t pauses;     /* in all */
	size_t paused;	     /* now */
	struct budget_process *processes;
};

void budget_init(struct budget *budget, double limit, uint64_t now_ns, uint64_t agent_ns);
void budget_free(struct budget *budget);

/*
 * A round, about once in a second: budget_note() of each traced process, then budget_close(), then
 * budget_pause() and budget_resume() until they return 0.
 */

/*
 * What its calls have cost since it was traced, CPU nanoseconds; program: when that was, or it ran
 * another program. 0 or -ENOMEM.
 */
int budget_note(struct budget *budget, pid_t pid, uint64_t program, uint64_t cost_ns);

/* now_ns: CLOCK_BOOTTIME; agent_ns: CPU time of the agent, since it began. */
void budget_close(struct budget *budget, uint64_t now_ns, uint64_t agent_ns);

/* One that is to be let alone from now on. */
pid_t budget_pause(struct budget *budget);

/* One that may be traced again; it may have ended meanwhile. */
pid_t budget_resume(struct budget *budget);

/* All that may be owed is: nobody new is to be traced. */
bool budget_is_spent(const struct budget *budget);

/* It is being let alone: nobody is to trace it but for budget_resume(). */
bool budget_is_paused(const struct budget *budget, pid_t pid);

/* Those that wait and are there no more go. */
void budget_sweep(struct budget *budget, bool (*lives)(pid_t pid));

/* It runs another program. */
void budget_forget(struct budget *budget, pid_t pid);

#endif
