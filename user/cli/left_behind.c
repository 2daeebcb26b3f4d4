/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/left_behind.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/log.h"
#include "process/proc.h"

/* What ends with COMMAND, as the rest of a pipeline does, need not be spoken of. */
#define MOMENT_NS 500000000ull

/* As many are counted. */
#define COUNT_MAX 1000

bool left_behind_begin(struct left_behind *left)
{
	left->ended_ns = clock_boot_ns();
	return !left->unwanted;
}

static void read_name(pid_t pid, char *name, size_t size)
{
	if (proc_read(pid, "comm", name, size) <= 0)
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
}

/* "process 12 (sleep)", "3 processes, such as 12 (sleep)". False: there is none. */
static bool describe(const struct tracer *tracer, char *text, size_t size)
{
	pid_t first = tracer_next_target(tracer, 0), pid = first;
	size_t count = 0;
	char name[32];

	for (; pid && count < COUNT_MAX; pid = tracer_next_target(tracer, pid))
		count++;
	if (!first)
		return false;
	read_name(first, name, sizeof(name));
	if (count == 1)
		snprintf(text, size, "process %d (%s)", first, name);
	else
		snprintf(text, size, "%zu%s processes, such as %d (%s)", count,
			 count == COUNT_MAX ? " or more" : "", first, name);
	return true;
}

void left_behind_print_awaited(struct left_behind *left, const struct tracer *tracer,
			       struct status_line *status)
{
	char who[96];

	if (!left->ended_ns || left->told || left->quiet ||
	    clock_boot_ns() - left->ended_ns < MOMENT_NS || !describe(tracer, who, sizeof(who)))
		return;
	left->told = true;
	status_line_hide(status);
	log_info("%s has ended; waiting for %s, which it left behind: Ctrl-C ends that, and "
		 "--no-wait does without",
		 left->command, who);
}

void left_behind_print_untraced(struct left_behind *left, const struct tracer *tracer,
				struct status_line *status)
{
	char who[96];

	if (!left->ended_ns || left->quiet || !describe(tracer, who, sizeof(who)))
		return;
	status_line_hide(status);
	log_info("no longer traced, though not at an end: %s, which %s left behind", who,
		 left->command);
}
