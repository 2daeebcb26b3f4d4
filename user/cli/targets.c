/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/targets.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/heed.h"
#include "cli/log.h"
#include "process/proc.h"

/* What a process that is not traced yet starts meanwhile is found in the next round. */
#define ROUNDS_MAX 100

static int log_error_of(pid_t pid, int err)
{
	if (err == -ESRCH) {
		log_error(kill(pid, 0)
				  ? "there is no process %d: see `ps -e`"
				  : "%d is a thread, or a process that has ended: see `ps -eL`",
			  pid);
		return EXIT_NO_PROCESS;
	}
	log_error("cannot trace process %d: %s", pid, strerror(-err));
	return err == -EACCES || err == -EPERM ? EXIT_PRIVILEGE : EXIT_FAILED;
}

static int discover_named(const struct options *options, struct tracer *tracer)
{
	for (size_t i = 0; i < options->pid_count; i++) {
		int err = tracer_attach(tracer, options->pids[i], TRACER_NAMED, options->follow);

		if (heed())
			break;
		if (err < 0)
			return log_error_of(options->pids[i], err);
	}
	return EXIT_OK;
}

struct round {
	struct tracer *tracer;
	size_t attached; /* in this round */
	pid_t refused;	 /* the first that could not be had; 0: none */
	int err;	 /* and why not */
};

/* One of them is no reason to leave the others. */
static int on_process(void *arg, pid_t pid)
{
	struct round *round = arg;
	int err;

	if (!proc_is_program(pid) || pid == getpid() || proc_parent(pid) == getpid())
		return 0;
	err = tracer_attach(round->tracer, pid, TRACER_ONE, false);
	round->attached += !err;
	if (err < 0 && err != -ESRCH && !round->refused) {
		round->refused = pid;
		round->err = err;
	}
	return err == -ENOMEM ? err : 0;
}

static int discover_every(struct round *round, size_t *ret_count)
{
	int err = 0;

	*ret_count = 0;
	for (int i = 0; !err && i < ROUNDS_MAX && (!i || round->attached); i++) {
		round->attached = 0;
		err = proc_each_process(on_process, round);
		*ret_count += round->attached;
	}
	if (heed())
		return EXIT_OK;
	if (err) {
		log_error("cannot list the processes: %s", strerror(-err));
		return EXIT_FAILED;
	}
	/* Where nothing else runs yet, what comes later is waited for. */
	if (!round->refused)
		return EXIT_OK;
	if (!*ret_count)
		return log_error_of(round->refused, round->err);
	log_error("cannot trace process %d, and maybe others: %s", round->refused,
		  strerror(-round->err));
	return EXIT_OK;
}

int targets_attach(const struct options *options, struct tracer *tracer, char *what, size_t size)
{
	struct round round = {.tracer = tracer};
	size_t count = options->pid_count;
	int status = options->system_wide ? discover_every(&round, &count)
					  : discover_named(options, tracer);

	if (options->system_wide)
		snprintf(what, size, "every process (%zu now)", count);
	else if (count == 1)
		snprintf(what, size, "process %d", options->pids[0]);
	else
		snprintf(what, size, "%zu processes", count);
	return status;
}
