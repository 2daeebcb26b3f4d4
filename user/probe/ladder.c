/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "probe/ladder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/syscalls.h"
#include "fdtrace.skel.h"
#include "probe/diagnose.h"
#include "probe/selftest.h"

_Static_assert(SYSCALLS_KNOWN == SYSCALLS_MAX, "both sides know the same system calls");

/* A rung that takes longer to be let go is not taken unless it is asked for. */
#define DETACH_LIMIT_NS 5000000000ull

static void set_options(struct fdtrace_bpf *bpf, const struct probe_options *options)
{
	bpf->rodata->follow_forks = options->follow;
	bpf->rodata->wake_bytes = options->ring_bytes / 8;
	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
		bpf->rodata->call_of_nr[nr] = syscall_call(nr);
		bpf->rodata->fd_args_of_nr[nr] = syscall_fd_args(nr);
	}
}

static int failed(struct trial *trial, const char *step, int err)
{
	trial->step = step;
	trial->err = err;
	if (!trial->text[0])
		snprintf(trial->text, sizeof(trial->text), "cannot %s: %s", step, strerror(-err));
	return err;
}

static int load(enum rung rung, const struct probe_options *options, struct standing *standing,
		struct trial *trial)
{
	int err;

	standing->bpf = fdtrace_bpf__open();
	if (!standing->bpf)
		return failed(trial, "read the built-in programs", -errno);
	set_options(standing->bpf, options);
	err = bpf_map__set_max_entries(standing->bpf->maps.ring, options->ring_bytes);
	if (!err && rung_choose(rung, standing->bpf, &standing->hooks)) {
		snprintf(trial->text, sizeof(trial->text),
			 "this kernel's BTF has no functions to attach to");
		err = -ENOENT;
	}
	if (!err)
		err = fdtrace_bpf__load(standing->bpf);
	return err ? failed(trial, "load the kernel programs", err) : 0;
}

static int attach(bool patient, struct standing *standing, struct trial *trial)
{
	uint64_t limit_ns = patient ? 0 : DETACH_LIMIT_NS;
	int err = rung_attach(standing->bpf, limit_ns, &standing->hooks);

	if (err == -ETIME)
		snprintf(trial->text, sizeof(trial->text),
			 "this kernel takes %.0f s to let its hooks go: only if asked for",
			 standing->hooks.detach_ns / 1e9);
	if (err)
		return failed(trial, "attach", err);
	err = fdtrace_bpf__attach(standing->bpf);
	if (err)
		return failed(trial, "attach to the life of processes", err);
	err = selftest_run(standing->bpf, trial->text, sizeof(trial->text));
	return err ? failed(trial, "see its own calls", err) : 0;
}

bool ladder_includes(enum rung rung, const struct probe_options *options)
{
	return !options->rung || !strcmp(options->rung, rung_name(rung));
}

int ladder_try(enum rung rung, const struct probe_options *options, bool patient,
	       struct standing *ret, struct trial *trial)
{
	int err;

	*trial = (struct trial){.rung = rung};
	*ret = (struct standing){0};
	err = load(rung, options, ret, trial);
	if (!err)
		err = attach(patient, ret, trial);
	if (err)
		ladder_leave(ret);
	else
		snprintf(trial->text, sizeof(trial->text), "%s", ret->hooks.text);
	return err;
}

int ladder_climb(const struct probe_options *options, struct standing *ret,
		 struct probe_error *error)
{
	struct trial trials[RUNGS];
	size_t count = 0;
	bool slow = false;

	for (enum rung rung = 0; rung < RUNGS; rung++) {
		if (!ladder_includes(rung, options))
			continue;
		if (!ladder_try(rung, options, options->rung, ret, &trials[count]))
			return 0;
		slow |= trials[count++].err == -ETIME;
	}
	for (size_t i = 0; slow && i < count; i++)
		if (trials[i].err == -ETIME &&
		    !ladder_try(trials[i].rung, options, true, ret, &trials[i]))
			return 0;
	return ladder_diagnose(trials, count, error);
}

int ladder_diagnose(const struct trial *trials, size_t count, struct probe_error *error)
{
	const struct trial *telling = &trials[0];

	/* That of the rung that the most kernels have. */
	for (size_t i = 0; i < count; i++)
		if (trials[i].rung == RUNG_TP_BTF)
			telling = &trials[i];
	return diagnose(telling->err, telling->step, error);
}

void ladder_leave(struct standing *standing)
{
	rung_detach(&standing->hooks);
	fdtrace_bpf__destroy(standing->bpf);
	*standing = (struct standing){0};
}
