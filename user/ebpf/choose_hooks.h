/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The attach ladder: the kernel side is loaded, attached and tested on one rung after the other:
 * what sees every call before what does not, and of those what others pay less for.
 *
 * Owns: the order, and what counts as working: nothing but having seen our own calls.
 * Never: asks for a version.
 */
#ifndef FDTRACE_EBPF_CHOOSE_HOOKS_H
#define FDTRACE_EBPF_CHOOSE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ebpf/hooks.h"
#include "ebpf/probe_options.h"
#include "ebpf/table_hooks.h"

/* The kernel side, on a rung that works. All zeros: none. */
struct standing {
	struct fdtrace_bpf *bpf;
	struct hooks hooks;
};

/* What came of a rung. */
struct trial {
	enum rung rung;
	int err;	  /* 0: it works; -ETIME: it takes too long to be let go */
	const char *step; /* what failed: "load the kernel programs" */
	enum inner_hook inner[INNERS];
	bool preempted; /* rung_is_preempted() */
	char text[160]; /* "fexit on 148 calls", or why not */
};

/* Whether options leave this rung to be tried. */
bool ladder_includes(enum rung rung, const struct probe_options *options);

/* How a rung is tried. */
struct attempt {
	enum rung rung;
	enum rung order[RUNGS]; /* in which they are to be tried */
	struct preemption preemption;
	bool hold_cpu; /* the kernel has a function that keeps a program from being interrupted */
	struct watch watch;
	struct inner_functions inner; /* fexit_err: also that of a rung which has failed by it */
};

/* The first attempt, of the rungs that options include. */
struct attempt ladder_first(const struct probe_options *options);

/*
 * Tries one rung. 0: it works and *ret stands on it, to be left with ladder_leave(); negative
 * errno: *trial says why not.
 */
int ladder_try(const struct attempt *attempt, const struct probe_options *options,
	       struct standing *ret, struct trial *trial);

/* What a trial has told of those after it. */
void ladder_learn(struct attempt *attempt, const struct trial *trial);

/*
 * The first rung that works, of those that options include. 0, or negative errno with error filled
 * in: none does.
 */
int ladder_climb(const struct probe_options *options, struct standing *ret,
		 struct probe_error *error);

/* Why none of these trials worked, in one sentence: the sum of several failures. */
int ladder_diagnose(const struct trial *trials, size_t count, struct probe_error *error);

void ladder_leave(struct standing *standing);

#endif
