/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/check_kernel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "cli/log.h"
#include "ebpf/choose_hooks.h"
#include "ebpf/ebpf.h"
#include "report/text/wrap.h"

#define COLUMN 12

static void say(const struct page *page, const char *name, const char *what, const char *text)
{
	char label[COLUMN], line[512];

	snprintf(label, sizeof(label), "%-*s", COLUMN - 1, name);
	snprintf(line, sizeof(line), "%s%s", what, text);
	layout_paragraph(page, NULL, label, 0, COLUMN, line);
}

static void say_rung(const struct page *page, const struct trial *trial, bool chosen)
{
	const char *unseen[UNSEEN_MAX];

	say(page, rung_name(trial->rung),
	    trial->err ? "no: "
	    : chosen   ? "works, taken: "
		       : "works: ",
	    trial->text);
	if (trial->err && trial->err != -ETIME)
		return;
	say(page, "", "others pay ", rung_cost(trial->rung));
	if (trial->err)
		return; /* nothing beside it has been tried */
	for (enum inner which = 0; which < INNERS; which++)
		if (trial->inner[which])
			say(page, "", "and ", inner_cost(which, trial->inner[which]));
	rung_unseen(trial->rung, trial->preempted, trial->inner, unseen);
	for (size_t i = 0; unseen[i]; i++)
		say(page, "", "cannot see ", unseen[i]);
	if (!trial->inner[INNER_CLOSE])
		say(page, "", "cannot tell ",
		    "a close that failed for its number from one that "
		    "failed in a file system (FUSE, NFS: EBADF)");
}

static void say_kernel(void)
{
	struct utsname name;

	if (!uname(&name))
		printf("Linux %s, %s\n", name.release, name.machine);
}

/* Tries them all; how many in *ret_count. Whether any works. */
static bool try_all(const struct probe_options *options, struct trial trials[RUNGS],
		    size_t *ret_count)
{
	const struct page page = {.out = stdout, .width = 80};
	struct attempt attempt = ladder_first(options);
	bool found = false;
	size_t count = 0;

	for (size_t i = 0; i < RUNGS; i++) {
		struct standing standing;
		bool works;

		attempt.rung = attempt.order[i];
		if (!ladder_includes(attempt.rung, options))
			continue;
		works = !ladder_try(&attempt, options, &standing, &trials[count]);
		ladder_learn(&attempt, &trials[count]);
		say_rung(&page, &trials[count++], works && !found);
		fflush(stdout);
		if (works)
			ladder_leave(&standing);
		found |= works;
	}
	*ret_count = count;
	return found;
}

int survey_run(const struct options *options)
{
	const struct probe_options probe = {
		.ring_bytes = options->ring_bytes,
		.verbose = options->verbose,
		.rung = options->hooks,
	};
	struct trial trials[RUNGS];
	struct probe_error error;
	size_t count;

	probe_log(options->verbose);
	say_kernel();
	if (try_all(&probe, trials, &count))
		return EXIT_OK;
	ladder_diagnose(trials, count, &error);
	return complain_lack(&error);
}
