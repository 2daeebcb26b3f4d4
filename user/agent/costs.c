/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/costs.h"

#include <errno.h>
#include <syslog.h>

#include "agent/log.h"
#include "agent/self.h"
#include "process/proc.h"

#define ROUND_NS 1000000000ull
/* So often at most it is said that processes are let alone. */
#define TELL_NS	 600000000000ull

static int note_all(struct budget *budget, const struct tracer *tracer)
{
	pid_t pid = 0;
	int err = 0;

	while (!err && (pid = tracer_next_target(tracer, pid))) {
		uint64_t program, cost_ns;

		if (tracer_cost(tracer, pid, &program, &cost_ns))
			err = budget_note(budget, pid, program, cost_ns);
	}
	return err;
}

static bool is_searching(struct tracer *tracer)
{
	struct session_stats stats;

	tracer_stats(tracer, &stats);
	return stats.searched < stats.to_search;
}

static void pause_costliest(struct costs *costs, struct tracer *tracer, uint64_t now_ns)
{
	struct budget *budget = &costs->budget;
	double rate = budget->rate;
	uint64_t before = budget->pauses;
	pid_t pid;

	while ((pid = budget_pause(budget)))
		tracer_detach(tracer, pid);
	if (budget->pauses == before || (costs->told_ns && now_ns - costs->told_ns < TELL_NS))
		return;
	costs->told_ns = now_ns;
	agent_log(LOG_WARNING,
		  "tracing costs %.1f%% of a CPU, and limits.overhead is %.1f%%: the costliest "
		  "processes, %zu now, are traced a part of the time",
		  100 * rate, 100 * budget->limit, budget->paused);
}

int costs_step(struct costs *costs, struct tracer *tracer, uint64_t now_ns)
{
	struct budget *budget = &costs->budget;
	uint64_t agent_ns;
	pid_t pid;
	int err;

	if (now_ns - budget->then_ns < ROUND_NS)
		return 0;
	err = note_all(budget, tracer);
	if (err)
		return err;
	budget_sweep(budget, proc_exists);
	/* What the start costs is paid once. */
	agent_ns = self_cpu_ns();
	if (!costs->begun && is_searching(tracer))
		budget->agent_ns = agent_ns;
	else
		costs->begun = true;
	budget_close(budget, now_ns, agent_ns);
	pause_costliest(costs, tracer, now_ns);
	while ((pid = budget_resume(budget))) {
		err = tracer_attach(tracer, pid, TRACER_ONE, false);
		if (err == -ENOMEM)
			return err;
	}
	return 0;
}
