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

static void print_hook_kind(const struct page *page, const struct trial *trial, bool chosen)
{
	const char *unseen[UNSEEN_MAX];

	say(page, hook_kind_name(trial->kind),
	    trial->err ? "no: "
	    : chosen   ? "works, taken: "
		       : "works: ",
	    trial->text);
	if (trial->err && trial->err != -ETIME)
		return;
	say(page, "", "others pay ", hook_kind_cost(trial->kind));
	if (trial->err)
		return; /* nothing beside it has been tried */
	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		if (trial->function_hooks[which])
			say(page, "", "and ",
			    kernel_function_cost(which, trial->function_hooks[which]));
	hook_kind_unseen(trial->kind, trial->preempted, trial->function_hooks, unseen);
	for (size_t i = 0; unseen[i]; i++)
		say(page, "", "cannot see ", unseen[i]);
	if (!trial->function_hooks[KERNEL_FUNCTION_CLOSE])
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
static bool try_all(const struct ebpf_options *options, struct trial trials[HOOK_KINDS],
		    size_t *ret_count)
{
	const struct page page = {.out = stdout, .width = 80};
	struct attempt attempt = choose_hooks_first(options);
	bool found = false;
	size_t count = 0;

	for (size_t i = 0; i < HOOK_KINDS; i++) {
		struct loaded_object loaded;
		bool works;

		attempt.kind = attempt.order[i];
		if (!choose_hooks_includes(attempt.kind, options))
			continue;
		works = !choose_hooks_try(&attempt, options, &loaded, &trials[count]);
		choose_hooks_learn(&attempt, &trials[count]);
		print_hook_kind(&page, &trials[count++], works && !found);
		fflush(stdout);
		if (works)
			choose_hooks_leave(&loaded);
		found |= works;
	}
	*ret_count = count;
	return found;
}

int check_kernel_run(const struct options *options)
{
	const struct ebpf_options ebpf = {
		.ring_bytes = options->ring_bytes,
		.verbose = options->verbose,
		.kind = options->hooks,
	};
	struct trial trials[HOOK_KINDS];
	struct ebpf_error error;
	size_t count;

	ebpf_log(options->verbose);
	say_kernel();
	if (try_all(&ebpf, trials, &count))
		return EXIT_OK;
	choose_hooks_diagnose(trials, count, &error);
	return log_lack(&error);
}
