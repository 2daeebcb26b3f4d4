/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The rungs of the attach ladder: the kinds of hook by which system calls can be seen to end.
 *
 * Owns: which programs each rung needs, how they are attached and let go, and what is said of
 * it: what others pay and what it cannot see.
 * Never: decides which rung is taken (choose_hooks.h).
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
enum rung {
	RUNG_FEXIT,
	RUNG_TP_BTF,
	RUNG_TRACEPOINT,
	RUNG_KPROBE_MULTI,
	RUNG_KPROBE,
	RUNGS,
};

/* The word for --hooks. KPROBE_MULTI and KPROBE share theirs. */
const char *rung_name(enum rung rung);

/* What processes that are not traced pay: a phrase. */
const char *rung_cost(enum rung rung);

/* Whether the kernel skips its programs where it preempts them. */
bool rung_is_preempted(enum rung rung, const struct preemption *preemption);

/* Sentences, and the NULL that ends them. */
#define UNSEEN_MAX 6

/*
 * What its hooks, with those on inner functions, cannot see: sentences, ended by NULL. preempted:
 * rung_is_preempted(). Static.
 */
void rung_unseen(enum rung rung, bool preempted, const enum inner_hook inner[INNERS],
		 const char *ret[UNSEEN_MAX]);

/* Hooks that are attached. */
struct hooks {
	enum rung rung;
	bool preempted; /* rung_is_preempted() */
	struct bpf_link **links;
	size_t link_count;
	struct program_copy {
		int program, link; /* descriptors; libbpf knows nothing of them */
	} * copies;
	size_t copy_count;
	struct inner_functions inner_functions;
	enum inner_hook inner[INNERS];
	struct bpf_link *inner_links[INNERS]; /* NULL: not seen */
	bool kprobes_refused;		      /* for want of a privilege, some of them */
	struct functions *functions;	      /* where hooks are on functions */
	uint64_t detach_ns; /* what it takes to let them all go, where that was measured */
	char text[120];	    /* "fexit on 148 calls, fd_install and file_close_fd_locked" */
};

/* All hooks are gone a second after us: what is measured may take less than that. */
#define DETACH_LIMIT_NS 700000000ull

/*
 * Before the object is loaded: of the programs that see system calls, those of this rung alone are
 * loaded. 0 or negative errno: -ENOENT: the kernel lacks the functions. In any case hooks are to be
 * left with rung_leave(), before the object.
 */
int rung_choose(enum rung rung, const struct inner_functions *inner, struct fdtrace_bpf *bpf,
		struct hooks *hooks);

/*
 * After it is loaded: attaches. 0 or negative errno: -ETIME: to let the hooks go would take longer
 * than DETACH_LIMIT_NS.
 */
int rung_attach(struct fdtrace_bpf *bpf, struct hooks *hooks);

/*
 * The descriptors of those that take long to be let go, lent, and how many; there is room for
 * rung_links_max().
 */
size_t rung_slow_links(const struct hooks *hooks, int *ret_fds);
size_t rung_links_max(const struct hooks *hooks);

/* Lets all go. rung_skipped() still tells what it did. */
void rung_detach(struct hooks *hooks);

/* Does that, too, and frees what is left. */
void rung_leave(struct hooks *hooks);

/* Which hooks on inner functions have turned out to see what they should; the others are let go. */
void rung_prove_inner(struct hooks *hooks, const bool seen[INNERS]);

/* Runs of the attached programs that the kernel skipped (since 5.12; else 0). */
uint64_t rung_skipped(const struct hooks *hooks, const struct fdtrace_bpf *bpf);

/* Runs of one program that the kernel skipped. */
uint64_t program_skipped(int fd);

#endif
