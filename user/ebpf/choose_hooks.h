/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The fallback order of hooks: the kernel side is loaded, attached and tested on one kind of hook
 * after the other: what sees every call before what does not, and of those what others pay less
 * for.
 *
 * Owns: the order, and what counts as working: nothing but having seen our own calls.
 * Never: asks for a version.
 */
#ifndef FDTRACE_EBPF_CHOOSE_HOOKS_H
#define FDTRACE_EBPF_CHOOSE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ebpf/hooks.h"
#include "ebpf/ebpf_options.h"
#include "ebpf/table_hooks.h"

/* The kernel side, on a kind of hook that works. All zeros: none. */
struct loaded_object {
	struct fdtrace_bpf *bpf;
	struct hooks hooks;
};

/* What came of a kind of hook. */
struct trial {
	enum hook_kind kind;
	int err;	  /* 0: it works; -ETIME: it takes too long to be let go */
	const char *step; /* what failed: "load the kernel programs" */
	enum function_hook function_hooks[KERNEL_FUNCTIONS];
	bool preempted; /* hook_kind_is_preempted() */
	char text[160]; /* "fexit on 148 calls", or why not */
};

/* Whether options leave this kind of hook to be tried. */
bool choose_hooks_includes(enum hook_kind kind, const struct ebpf_options *options);

/* How a kind of hook is tried. */
struct attempt {
	enum hook_kind kind;
	enum hook_kind order[HOOK_KINDS]; /* in which they are to be tried */
	struct preemption preemption;
	bool hold_cpu; /* the kernel has a function that keeps a program from being interrupted */
	struct watch watch;
	struct kernel_functions kernel_functions; /* fexit_err: also that of a kind of hook which
						     has failed by it */
};

/* The first attempt, of the kinds of hook that options include. */
struct attempt choose_hooks_first(const struct ebpf_options *options);

/*
 * Tries one kind of hook. 0: it works and *ret stands on it, to be left with choose_hooks_leave();
 * negative errno: *trial says why not.
 */
int choose_hooks_try(const struct attempt *attempt, const struct ebpf_options *options,
		     struct loaded_object *ret, struct trial *trial);

/* What a trial has told of those after it. */
void choose_hooks_learn(struct attempt *attempt, const struct trial *trial);

/*
 * The first kind of hook that works, of those that options include. 0, or negative errno with error
 * filled in: none does.
 */
int choose_hooks_climb(const struct ebpf_options *options, struct loaded_object *ret,
		       struct ebpf_error *error);

/* Why none of these trials worked, in one sentence: the sum of several failures. */
int choose_hooks_diagnose(const struct trial *trials, size_t count, struct ebpf_error *error);

void choose_hooks_leave(struct loaded_object *loaded);

#endif
