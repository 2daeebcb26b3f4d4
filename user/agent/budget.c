/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/budget.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#include <uthash.h>

#define SECOND_NS 1e9
/* The account holds as much as comes in within so many seconds, and owes no more than that. */
#define ACCOUNT_S 30
/* Of that, with which it is worth while to begin anew: to attach costs something, too. */
#define ENOUGH	  0.9
/* With no more than this part of the limit spent, the account recovers. */
#define RECOVERS  0.8
/* What hooks cost less than this part of the limit is not why it is exceeded. */
#define MATTERS	  0.25
/* Even with less, one has its turn from time to time, as others may be paused for it. */
#define TURN	  0.3
#define TURN_NS	  10e9
/* Rates are of about so many seconds. */
#define MEMORY_S  5

struct budget_process {
	pid_t pid;
	uint64_t program, cost_ns;
	uint64_t spent_ns;  /* in this round */
	double rate;	    /* of one CPU; of one that is paused, when it was */
	uint64_t paused_ns; /* CLOCK_BOOTTIME; 0: it is traced */
	bool noted;	    /* in this round */
	UT_hash_handle hh;
};

void budget_init(struct budget *budget, double limit, uint64_t now_ns, uint64_t agent_ns)
{
	*budget = (struct budget){
		.limit = limit,
		.account_ns = limit * ACCOUNT_S * SECOND_NS,
		.agent_ns = agent_ns,
		.then_ns = now_ns,
	};
}

static void forget_cost(struct budget *budget, struct budget_process *process)
{
	budget->paused -= !!process->paused_ns;
	HASH_DEL(budget->processes, process);
	free(process);
}

void budget_free(struct budget *budget)
{
	struct budget_process *process, *next;

	HASH_ITER (hh, budget->processes, process, next)
		forget_cost(budget, process);
}

static struct budget_process *find_cost(const struct budget *budget, pid_t pid)
{
	struct budget_process *process;

	HASH_FIND(hh, budget->processes, &pid, sizeof(pid), process);
	return process;
}

static struct budget_process *add_cost(struct budget *budget, pid_t pid)
{
	struct budget_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->pid = pid;
	HASH_ADD(hh, budget->processes, pid, sizeof(process->pid), process);
	if (process->hh.tbl)
		return process;
	free(process);
	return NULL;
}

int budget_note(struct budget *budget, pid_t pid, uint64_t program, uint64_t cost_ns)
{
	struct budget_process *process = find_cost(budget, pid);
	uint64_t before;

	if (!process)
		process = add_cost(budget, pid);
	if (!process)
		return -ENOMEM;
	before = process->program == program ? process->cost_ns : 0;
	process->program = program;
	process->cost_ns = cost_ns;
	process->spent_ns = cost_ns > before ? cost_ns - before : 0;
	process->noted = true;
	budget->spent_ns += process->spent_ns;
	return 0;
}

/* A mean over about MEMORY_S, the latest weighing most. */
static double mean(double before, double keep, double spent_ns)
{
	return before * keep + spent_ns / SECOND_NS / MEMORY_S;
}

static void close_processes(struct budget *budget, double keep)
{
	struct budget_process *process, *next;

	HASH_ITER (hh, budget->processes, process, next) {
		if (process->paused_ns)
			continue;
		process->rate = mean(process->rate, keep, process->spent_ns);
		if (!process->noted)
			forget_cost(budget, process);
		else
			process->noted = false;
	}
}

static double bounded(double value, double most)
{
	return value > most ? most : value < -most ? -most : value;
}

void budget_close(struct budget *budget, uint64_t now_ns, uint64_t agent_ns)
{
	double passed = now_ns > budget->then_ns ? (now_ns - budget->then_ns) / SECOND_NS : 0;
	double keep = passed < MEMORY_S ? 1 - passed / MEMORY_S : 0;
	double spent = budget->spent_ns;

	budget->hooks_rate = mean(budget->hooks_rate, keep, spent);
	if (agent_ns > budget->agent_ns)
		spent += agent_ns - budget->agent_ns;
	budget->rate = mean(budget->rate, keep, spent);
	budget->account_ns =
		bounded(budget->account_ns + budget->limit * passed * SECOND_NS - spent,
			budget->limit * ACCOUNT_S * SECOND_NS);
	budget->hooks_ns += budget->spent_ns;
	budget->spent_ns = 0;
	budget->then_ns = now_ns;
	budget->agent_ns = agent_ns;
	close_processes(budget, keep);
}

static struct budget_process *costliest(const struct budget *budget)
{
	struct budget_process *found = NULL;

	for (struct budget_process *p = budget->processes; p; p = p->hh.next)
		if (!p->paused_ns && p->rate > 0 && (!found || p->rate > found->rate))
			found = p;
	return found;
}

bool budget_is_spent(const struct budget *budget)
{
	return budget->limit > 0 &&
	       budget->account_ns < -ENOUGH * budget->limit * ACCOUNT_S * SECOND_NS;
}

/* With a process goes its part of what the agent itself costs. */
pid_t budget_pause(struct budget *budget)
{
	struct budget_process *process = budget->limit > 0 && budget->account_ns < 0 &&
							 budget->rate > RECOVERS * budget->limit
						 ? costliest(budget)
						 : NULL;

	if (!process || budget->hooks_rate < MATTERS * budget->limit)
		return 0;
	process->paused_ns = budget->then_ns;
	budget->paused++;
	budget->pauses++;
	budget->rate -= budget->rate * (process->rate / budget->hooks_rate);
	budget->hooks_rate -= process->rate;
	return process->pid;
}

static bool may_resume(const struct budget *budget)
{
	double most = budget->limit * ACCOUNT_S * SECOND_NS;
	uint64_t since = budget->then_ns - budget->resumed_ns;

	return since && budget->account_ns >= (since < TURN_NS ? ENOUGH : TURN) * most;
}

pid_t budget_resume(struct budget *budget)
{
	struct budget_process *found = NULL;
	pid_t pid;

	if (!budget->paused || !may_resume(budget))
		return 0;
	for (struct budget_process *p = budget->processes; p; p = p->hh.next)
		if (p->paused_ns && (!found || p->paused_ns < found->paused_ns))
			found = p;
	if (!found)
		return 0;
	budget->resumed_ns = budget->then_ns;
	pid = found->pid;
	forget_cost(budget, found);
	return pid;
}

bool budget_is_paused(const struct budget *budget, pid_t pid)
{
	const struct budget_process *process = find_cost(budget, pid);

	return process && process->paused_ns;
}

void budget_forget(struct budget *budget, pid_t pid)
{
	struct budget_process *process = find_cost(budget, pid);

	if (process)
		forget_cost(budget, process);
}

void budget_sweep(struct budget *budget, bool (*lives)(pid_t pid))
{
	struct budget_process *process, *next;

	HASH_ITER (hh, budget->processes, process, next)
		if (process->paused_ns && !lives(process->pid))
			forget_cost(budget, process);
}
