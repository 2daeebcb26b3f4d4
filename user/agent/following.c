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
	int err = candidate_read(pid, &candidate);
	bool named;

	*ret_attached = false;
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

int following_look_at_new(struct following *following)
{
	size_t count;
	pid_t pid;

	while ((pid = tracer_next_start(following->tracer))) {
		bool attached;
		int err = pid < 0 ? following_look_at_all(following, &count)
				  : consider(following, pid, &attached);

		if (err < 0)
			return err;
	}
	return 0;
}
