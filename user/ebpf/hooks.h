/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The kinds of hook by which system calls can be seen to end.
 *
 * Owns: which programs each kind of hook needs, how they are attached and let go, and what is said
 * of it: what others pay and what it cannot see. Never: decides which kind of hook is taken
 * (choose_hooks.h).
 */
#ifndef FDTRACE_EBPF_HOOKS_H
#define FDTRACE_EBPF_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ebpf/kernel_function_hooks.h"
#include "ebpf/preemption.h"

struct bpf_link;
struct fdtrace_bpf;
struct functions;

/* What the rest of the host pays grows. */
enum hook_kind {
	HOOKS_FEXIT,
	HOOKS_TP_BTF,
	HOOKS_TRACEPOINT,
	HOOKS_KPROBE_MULTI,
	HOOKS_KPROBE,
	HOOK_KINDS,
};

/* The word for --hooks. KPROBE_MULTI and KPROBE share theirs. */
const char *hook_kind_name(enum hook_kind kind);

/* What processes that are not traced pay: a phrase. */
const char *hook_kind_cost(enum hook_kind kind);

/* Whether the kernel skips its programs where it preempts them. */
bool hook_kind_is_preempted(enum hook_kind kind, const struct preemption *preemption);

/* Sentences, and the NULL that ends them. */
#define UNSEEN_MAX 6

/*
 * What its hooks, with those on own functions, cannot see: sentences, ended by NULL. preempted:
 * hook_kind_is_preempted(). Static.
 */
void hook_kind_unseen(enum hook_kind kind, bool preempted,
		      const enum function_hook function_hooks[KERNEL_FUNCTIONS],
		      const char *ret[UNSEEN_MAX]);

/* Hooks that are attached. */
struct hooks {
	enum hook_kind kind;
	bool preempted; /* hook_kind_is_preempted() */
	struct bpf_link **links;
	size_t link_count;
	struct program_copy {
		int program, link; /* descriptors; libbpf knows nothing of them */
	} * copies;
	size_t copy_count;
	struct kernel_functions kernel_functions;
	enum function_hook function_hooks[KERNEL_FUNCTIONS];
	struct bpf_link *kernel_function_links[KERNEL_FUNCTIONS]; /* NULL: not seen */
	bool kprobes_refused;	     /* for want of a privilege, some of them */
	struct functions *functions; /* where hooks are on functions */
	uint64_t detach_ns;	     /* what it takes to let them all go, where that was measured */
	char text[120];		     /* "fexit on 148 calls, fd_install and file_close_fd_locked" */
};

/* All hooks are gone a second after us: what is measured may take less than that. */
#define DETACH_LIMIT_NS 700000000ull

/*
 * Before the object is loaded: of the programs that see system calls, those of this kind of hook
 * alone are loaded. 0 or negative errno: -ENOENT: the kernel lacks the functions. In any case hooks
 * are to be left with hook_kind_leave(), before the object.
 */
int hook_kind_choose(enum hook_kind kind, const struct kernel_functions *function_hooks,
		     struct fdtrace_bpf *bpf, struct hooks *hooks);

/*
 * After it is loaded: attaches. 0 or negative errno: -ETIME: to let the hooks go would take longer
 * than DETACH_LIMIT_NS.
 */
int hook_kind_attach(struct fdtrace_bpf *bpf, struct hooks *hooks);

/*
 * The descriptors of those that take long to be let go, lent, and how many; there is room for
 * hook_kind_links_max().
 */
size_t hook_kind_slow_links(const struct hooks *hooks, int *ret_fds);
size_t hook_kind_links_max(const struct hooks *hooks);

/* Lets all go. hook_kind_skipped() still tells what it did. */
void hook_kind_detach(struct hooks *hooks);

/* Does that, too, and frees what is left. */
void hook_kind_leave(struct hooks *hooks);

/* Which hooks on own functions have turned out to see what they should; the others are let go. */
void hook_kind_try_kernel_functions(struct hooks *hooks, const bool seen[KERNEL_FUNCTIONS]);

/* Runs of the attached programs that the kernel skipped (since 5.12; else 0). */
uint64_t hook_kind_skipped(const struct hooks *hooks, const struct fdtrace_bpf *bpf);

/* Runs of one program that the kernel skipped. */
uint64_t program_skipped(int fd);

#endif
