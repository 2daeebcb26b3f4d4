/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/following.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "agent/candidate.h"
#include "process/proc.h"

/* What a process that is not traced yet starts meanwhile is found in the next round. */
#define ROUNDS_MAX 16

struct round {
	struct following *following;
	size_t named, attached;
};

/* Whether the process is named by the rules; it is taken up then. Negative: -ENOMEM. */
static int consider(struct following *following, pid_t pid, bool *ret_attached)
{
	struct candidate candidate;
	bool named;
	int err;

	*ret_attached = false;
	if (budget_is_paused(following->budget, pid))
		return 0;
	err = candidate_read(pid, &candidate);
	if (err)
		return err == -ENOMEM ? err : 0;
	named = scope_wants(following->scope, &candidate.subject);
	candidate_free(&candidate);
	if (!named)
		return 0;
	err = tracer_attach(following->tracer, pid, TRACER_ONE, true);
	*ret_attached = !err;
	following->taken_up += !err;
	following->refused += err < 0 && err != -ESRCH;
	return err == -ENOMEM ? err : 1;
}

static int look_at_process(void *arg, pid_t pid)
{
	struct round *round = arg;
	bool attached;
	int named;

	/* Neither ourselves, nor what helps us. */
	if (pid == getpid() || proc_parent(pid) == getpid())
		return 0;
	named = consider(round->following, pid, &attached);
	if (named < 0)
		return named;
	round->named += named;
	round->attached += attached;
	return 0;
}

int following_look_at_all(struct following *following, size_t *ret_count)
{
	struct round round = {.following = following, .attached = 1};
	int err = 0;

	for (int i = 0; !err && i < ROUNDS_MAX && round.attached; i++) {
		round.named = round.attached = 0;
		err = proc_each_process(look_at_process, &round);
	}
	*ret_count = round.named;
	return err;
}

/* 0 or negative errno. */
static int look_at_start(struct following *following, pid_t pid)
{
	bool attached;
	size_t count;
	int err;

	if (pid < 0)
		return following_look_at_all(following, &count);
	budget_forget(following->budget, pid);
	if (budget_is_spent(following->budget)) {
		following->passed_over++;
		following->behind = true;
		return 0;
	}
	err = consider(following, pid, &attached);
	return err < 0 ? err : 0;
}

int following_look_at_new(struct following *following)
{
	size_t count;
	pid_t pid;
	int err = 0;

	while (!err && (pid = tracer_next_start(following->tracer)))
		err = look_at_start(following, pid);
	if (err || !following->behind || budget_is_spent(following->budget))
		return err;
	following->behind = false;
	return following_look_at_all(following, &count);
}
