/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fdtrace.skel.h"
#include "ebpf/syscall_functions.h"

/* uapi/linux/bpf.h, since 7.2: enum bpf_attach_type, union bpf_attr */
#define FEXIT_MULTI 60

#define DETACH_SAMPLES 3

struct link_create_tracing_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t ids, cookies;
	uint32_t count, unused;
};

#define UNSEEN_MADE                                                                     \
	"descriptors received over a UNIX socket (SCM_RIGHTS), made by an ioctl or by " \
	"io_uring: learned at their first close"
#define UNSEEN_REMOVED \
	"closes by io_uring: where one makes them, what they could explain is suspected at most"
/* do_dup2() and exec: not through fd_install(), or when there is no program to speak of. */
#define UNSEEN_PUT                                                                   \
	"descriptors that a seccomp supervisor or binfmt_misc puts into a process: " \
	"learned at their first close"
#if defined(__x86_64__)
#define UNSEEN_COMPAT "descriptors that 32-bit calls make: learned at their first close"
#else
#define UNSEEN_COMPAT "calls of 32-bit programs"
#endif
#define UNSEEN_BEYOND                                                                               \
	"calls beyond those that the kernel's return probes can follow at once, when many threads " \
	"wait in the same call"

#define UNSEEN_PREEMPTED                                                                      \
	"some calls, where this kernel preempts one hook's program and skips it for others: " \
	"counted as lost"

/* By hooks on system calls' own functions, and by those that need a return probe. */
static const char *const unseen_by_function[] = {UNSEEN_COMPAT, UNSEEN_BEYOND};

static const struct {
	const char *name, *cost;
	size_t unseen;			   /* so many of unseen_by_function */
	enum function_hook function_hooks; /* what it is like */
} kinds[HOOK_KINDS] = {
	[HOOKS_FEXIT] = {"fexit",
			 "about 10 ns in each call that takes or makes a descriptor; else nothing",
			 1, FUNCTION_HOOK_FEXIT},
	[HOOKS_TP_BTF] = {"tp_btf", "about 35 ns in every system call", 0, FUNCTION_HOOK_UNSEEN},
	[HOOKS_TRACEPOINT] = {"tracepoint", "about 60 ns in every system call", 0,
			      FUNCTION_HOOK_UNSEEN},
	[HOOKS_KPROBE_MULTI] = {"kprobe",
				"about 50 ns in each call that takes or makes a descriptor; else "
				"nothing",
				2, FUNCTION_HOOK_KPROBE},
	[HOOKS_KPROBE] =
		{"kprobe",
		 "about 100 ns in each call that takes or makes a descriptor; else nothing", 2,
		 FUNCTION_HOOK_KPROBE},
};

const char *hook_kind_name(enum hook_kind kind)
{
	return kinds[kind].name;
}

const char *hook_kind_cost(enum hook_kind kind)
{
	return kinds[kind].cost;
}

bool hook_kind_is_preempted(enum hook_kind kind, const struct preemption *preemption)
{
	return (kind == HOOKS_FEXIT && preemption->functions) ||
	       (kind == HOOKS_TP_BTF && preemption->tracepoints);
}

void hook_kind_unseen(enum hook_kind kind, bool preempted,
		      const enum function_hook function_hooks[KERNEL_FUNCTIONS],
		      const char *ret[UNSEEN_MAX])
{
	size_t count = 0;

	if (preempted)
		ret[count++] = UNSEEN_PREEMPTED;
	ret[count++] = function_hooks[KERNEL_FUNCTION_INSTALL] ? UNSEEN_PUT : UNSEEN_MADE;
	if (!function_hooks[KERNEL_FUNCTION_REMOVE])
		ret[count++] = UNSEEN_REMOVED;
	for (size_t i = 0; i < kinds[kind].unseen; i++)
		ret[count++] = unseen_by_function[i];
	ret[count] = NULL;
}

/* Loading */

static void want(struct bpf_program *program, bool wanted)
{
	bpf_program__set_autoload(program, wanted);
	bpf_program__set_autoattach(program, false);
}

/* Loads the program for a function, if the kernel has it. */
static int want_at(struct bpf_program *program, const char *function)
{
	int err = bpf_program__set_attach_target(program, 0, function);

	want(program, !err);
	return err;
}

/* Whether one program can be attached to many functions by one link. */
static bool has_fexit_multi(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = FEXIT_MULTI);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing,
					       ARRAY_SIZE(nothing), &opts);

	return fd >= 0;
}

/* Of no function: those are named as it is attached. */
static int want_fexit_multi(struct bpf_program *program)
{
	int err = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);

	if (!err)
		err = bpf_program__set_expected_attach_type(program, FEXIT_MULTI);
	want(program, !err);
	return err;
}

static int want_fexit(struct fdtrace_bpf *bpf, const struct functions *functions)
{
	int err;

	if (has_fexit_multi())
		return want_fexit_multi(bpf->progs.on_call_of_many);
	err = want_at(bpf->progs.on_call, FUNCTION_CLOSE);
	if (!err)
		err = want_at(bpf->progs.on_call_whole, FUNCTION_CLOSE);
	if (!err && functions->far)
		err = want_at(bpf->progs.on_far_call, functions->far->name);
	if (!err && functions->far)
		err = want_at(bpf->progs.on_far_call_whole, functions->far->name);
	return err;
}

static int find_functions(struct hooks *hooks)
{
	hooks->functions = malloc(sizeof(*hooks->functions));
	return hooks->functions ? functions_find(hooks->functions) : -ENOMEM;
}

/*
 * What a call makes whose function cannot be hooked (perf_event_open() of kernels that leave
 * kernel/events out of ftrace) is told as it is installed.
 */
static void leave_to_install(struct fdtrace_bpf *bpf, const struct functions *functions)
{
	bool hooked[SYSCALLS_MAX] = {0};

	for (size_t i = 0; i < functions->count; i++)
		hooked[functions->of[i].nr] = true;
	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++)
		if (!hooked[nr])
			bpf->rodata->call_of_nr[nr] = 0;
}

int hook_kind_choose(enum hook_kind kind, const struct kernel_functions *function_hooks,
		     struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	struct bpf_program *const at_return[] = {
		bpf->progs.on_call,	      bpf->progs.on_call_whole,	  bpf->progs.on_far_call,
		bpf->progs.on_far_call_whole, bpf->progs.on_call_of_many,
	};
	int err;

	*hooks = (struct hooks){.kind = kind, .kernel_functions = *function_hooks};
	for (size_t i = 0; i < ARRAY_SIZE(at_return); i++)
		want(at_return[i], false);
	want(bpf->progs.on_sys_exit, kind == HOOKS_TP_BTF);
	want(bpf->progs.on_raw_sys_exit, kind == HOOKS_TRACEPOINT);
	want(bpf->progs.on_call_return, kind == HOOKS_KPROBE);
	want(bpf->progs.on_call_return_multi, kind == HOOKS_KPROBE_MULTI);
	kernel_function_choose(bpf, function_hooks, kinds[kind].function_hooks,
			       hooks->function_hooks);
	if (kind == HOOKS_TP_BTF || kind == HOOKS_TRACEPOINT)
		return 0;
	err = find_functions(hooks);
	if (!err)
		leave_to_install(bpf, hooks->functions);
	return err || kind != HOOKS_FEXIT ? err : want_fexit(bpf, hooks->functions);
}

/* Attaching */

static int keep_link(struct hooks *hooks, struct bpf_link *link)
{
	struct bpf_link **grown;

	if (!link)
		return -errno;
	grown = realloc(hooks->links, (hooks->link_count + 1) * sizeof(*grown));
	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	hooks->links = grown;
	grown[hooks->link_count++] = link;
	return 0;
}

static int keep_copy(struct hooks *hooks, int program, int link)
{
	struct program_copy *grown =
		realloc(hooks->copies, (hooks->copy_count + 1) * sizeof(*grown));

	if (!grown) {
		close(link);
		close(program);
		return -ENOMEM;
	}
	hooks->copies = grown;
	grown[hooks->copy_count++] = (struct program_copy){program, link};
	return 0;
}

static int attach_program(struct hooks *hooks, struct bpf_program *program)
{
	return keep_link(hooks, bpf_program__attach(program));
}

/* A copy of on_call at the end of another function. */
static int attach_copy(struct hooks *hooks, const struct bpf_program *program,
		       const struct function *function)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = function->btf_id);
	int fd, link;

	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "on_call", "GPL", bpf_program__insns(program),
			   bpf_program__insn_cnt(program), &opts);
	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link < 0) {
		close(fd);
		return link;
	}
	return keep_copy(hooks, fd, link);
}

static int set_whole(const struct bpf_map *map, const struct bpf_program *program)
{
	int fd = bpf_program__fd(program);
	uint32_t zero = 0;

	if (!bpf_program__autoload(program))
		return 0;
	return bpf_map__update_elem(map, &zero, sizeof(zero), &fd, sizeof(fd), BPF_ANY);
}

/*
 * Some kernels wait a tenth of a second for all processors each time that a hook goes, whoever else
 * lets one go (unregister_ftrace_direct(), and synchronize_rcu_tasks() in it, under one lock): this
 * one is let go to know.
 */
static int measure_detach(struct bpf_link *link, size_t count, struct hooks *hooks)
{
	uint64_t start;

	if (!link)
		return -errno;
	start = clock_boot_ns();
	bpf_link__destroy(link);
	hooks->detach_ns = (clock_boot_ns() - start) * count;
	return hooks->detach_ns > DETACH_LIMIT_NS ? -ETIME : 0;
}

/* The kernel has rested before the first, which may so be a fast one. */
static int measure_fexit(const struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	size_t count = hooks->functions->count + KERNEL_FUNCTIONS;
	int err = 0;

	for (int i = 0; !err && i < DETACH_SAMPLES; i++)
		err = measure_detach(bpf_program__attach(bpf->progs.on_call), count, hooks);
	return err;
}

static int attach_copies(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	const struct functions *functions = hooks->functions;
	int err = 0;

	for (size_t i = 0; !err && i < functions->count; i++) {
		const struct function *f = &functions->of[i];
		bool far = f->type != functions->of[0].type;

		err = attach_copy(hooks, far ? bpf->progs.on_far_call : bpf->progs.on_call, f);
	}
	return err;
}

static int attach_fexits(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	int err = set_whole(bpf->maps.whole_call, bpf->progs.on_call_whole);

	if (!err)
		err = set_whole(bpf->maps.whole_far_call, bpf->progs.on_far_call_whole);
	if (!err)
		err = measure_fexit(bpf, hooks);
	if (!err)
		err = attach_copies(bpf, hooks);
	snprintf(hooks->text, sizeof(hooks->text), "fexit on %zu calls", hooks->functions->count);
	return err;
}

static int attach_fexit_multi(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	const struct functions *functions = hooks->functions;
	uint32_t ids[SYSCALLS_MAX];
	const struct link_create_tracing_multi attr = {
		.prog_fd = bpf_program__fd(bpf->progs.on_call_of_many),
		.attach_type = FEXIT_MULTI,
		.ids = (uintptr_t)ids,
		.count = functions->count,
	};
	int link;

	for (size_t i = 0; i < functions->count; i++)
		ids[i] = functions->of[i].btf_id;
	link = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (link < 0)
		return -errno;
	snprintf(hooks->text, sizeof(hooks->text), "fexit.multi on %zu calls", functions->count);
	return keep_copy(hooks, fcntl(attr.prog_fd, F_DUPFD_CLOEXEC, 0), link);
}

static int attach_fexit(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	return bpf_program__autoload(bpf->progs.on_call_of_many) ? attach_fexit_multi(bpf, hooks)
								 : attach_fexits(bpf, hooks);
}

static int attach_kprobe_multi(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	const struct functions *functions = hooks->functions;
	_cleanup_free_ const char **names = calloc(functions->count, sizeof(*names));
	/* Linux 6.18 crashes when somebody reads the fdinfo of such a link that has no cookies. */
	_cleanup_free_ __u64 *cookies = calloc(functions->count, sizeof(*cookies));
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .retprobe = true);

	if (!names || !cookies)
		return -ENOMEM;
	for (size_t i = 0; i < functions->count; i++)
		names[i] = functions->of[i].name;
	opts.syms = names;
	opts.cookies = cookies;
	opts.cnt = functions->count;
	snprintf(hooks->text, sizeof(hooks->text), "kretprobe.multi on %zu calls",
		 functions->count);
	return keep_link(hooks, bpf_program__attach_kprobe_multi_opts(
					bpf->progs.on_call_return_multi, NULL, &opts));
}

static struct bpf_link *attach_kprobe(struct fdtrace_bpf *bpf, const struct function *function)
{
	return bpf_program__attach_kprobe(bpf->progs.on_call_return, true, function->name);
}

static int attach_kprobes(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	const struct functions *functions = hooks->functions;
	int err = 0;

	for (int i = 0; !err && i < DETACH_SAMPLES; i++)
		err = measure_detach(attach_kprobe(bpf, &functions->of[0]),
				     functions->count + KERNEL_FUNCTIONS, hooks);
	for (size_t i = 0; !err && i < functions->count; i++)
		err = keep_link(hooks, attach_kprobe(bpf, &functions->of[i]));
	snprintf(hooks->text, sizeof(hooks->text), "kretprobe on %zu calls", functions->count);
	return err;
}

static int attach_one_program(struct hooks *hooks, struct bpf_program *program, const char *text)
{
	snprintf(hooks->text, sizeof(hooks->text), "%s", text);
	return attach_program(hooks, program);
}

static int attach_hook_kind(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	switch (hooks->kind) {
	case HOOKS_FEXIT:
		return attach_fexit(bpf, hooks);
	case HOOKS_TP_BTF:
		return attach_one_program(hooks, bpf->progs.on_sys_exit, "tp_btf/sys_exit");
	case HOOKS_TRACEPOINT:
		return attach_one_program(hooks, bpf->progs.on_raw_sys_exit,
					  "tracepoint raw_syscalls/sys_exit");
	case HOOKS_KPROBE_MULTI:
		return attach_kprobe_multi(bpf, hooks);
	case HOOKS_KPROBE:
		return attach_kprobes(bpf, hooks);
	case HOOK_KINDS:
		break;
	}
	return -EINVAL;
}

static void detach_kernel_function(struct hooks *hooks, enum kernel_function which)
{
	bpf_link__destroy(TAKE_PTR(hooks->kernel_function_links[which]));
	hooks->function_hooks[which] = FUNCTION_HOOK_UNSEEN;
}

int hook_kind_attach(struct fdtrace_bpf *bpf, struct hooks *hooks)
{
	int err = attach_hook_kind(bpf, hooks);

	for (enum kernel_function which = 0; !err && which < KERNEL_FUNCTIONS; which++) {
		hooks->kernel_function_links[which] = kernel_function_attach(
			bpf, &hooks->kernel_functions, which, hooks->function_hooks[which]);
		if (hooks->kernel_function_links[which])
			continue;
		hooks->kprobes_refused |= hooks->function_hooks[which] == FUNCTION_HOOK_KPROBE &&
					  (errno == EACCES || errno == EPERM);
		detach_kernel_function(hooks, which);
	}
	return err;
}

/* "fexit on 148 calls, fd_install and file_close_fd_locked" */
static void name_kernel_function(struct hooks *hooks)
{
	size_t used;

	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++) {
		bool more = false;

		for (enum kernel_function later = which + 1; later < KERNEL_FUNCTIONS; later++)
			more |= hooks->function_hooks[later] != FUNCTION_HOOK_UNSEEN;
		used = strlen(hooks->text);
		if (hooks->function_hooks[which])
			snprintf(hooks->text + used, sizeof(hooks->text) - used, "%s%s",
				 more ? ", " : " and ", hooks->kernel_functions.of[which]);
	}
}

void hook_kind_try_kernel_functions(struct hooks *hooks, const bool seen[KERNEL_FUNCTIONS])
{
	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		if (!seen[which])
			detach_kernel_function(hooks, which);
	name_kernel_function(hooks);
}

size_t hook_kind_links_max(const struct hooks *hooks)
{
	return KERNEL_FUNCTIONS + hooks->link_count + hooks->copy_count;
}

size_t hook_kind_slow_links(const struct hooks *hooks, int *ret_fds)
{
	size_t count = 0;

	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		if (hooks->kernel_function_links[which])
			ret_fds[count++] = bpf_link__fd(hooks->kernel_function_links[which]);
	/* A raw tracepoint is let go at once. */
	for (size_t i = 0; hooks->kind != HOOKS_TP_BTF && i < hooks->link_count; i++)
		ret_fds[count++] = bpf_link__fd(hooks->links[i]);
	for (size_t i = 0; i < hooks->copy_count; i++)
		if (hooks->copies[i].link >= 0)
			ret_fds[count++] = hooks->copies[i].link;
	return count;
}

void hook_kind_detach(struct hooks *hooks)
{
	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		bpf_link__destroy(TAKE_PTR(hooks->kernel_function_links[which]));
	while (hooks->link_count)
		bpf_link__destroy(hooks->links[--hooks->link_count]);
	for (size_t i = 0; i < hooks->copy_count; i++)
		mem_close_fd(&hooks->copies[i].link);
}

void hook_kind_leave(struct hooks *hooks)
{
	hook_kind_detach(hooks);
	for (size_t i = 0; i < hooks->copy_count; i++)
		close(hooks->copies[i].program);
	free(TAKE_PTR(hooks->links));
	free(TAKE_PTR(hooks->copies));
	free(TAKE_PTR(hooks->functions));
	hooks->copy_count = 0;
}

/* What was skipped */

uint64_t program_skipped(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.recursion_misses;
}

uint64_t hook_kind_skipped(const struct hooks *hooks, const struct fdtrace_bpf *bpf)
{
	uint64_t skipped = 0;

	/* Without a word of what a close found no record is lost. */
	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		if (which != KERNEL_FUNCTION_CLOSE)
			skipped += program_skipped(
				kernel_function_program(bpf, &hooks->kernel_functions, which,
							hooks->function_hooks[which]));
	switch (hooks->kind) {
	case HOOKS_FEXIT:
		for (size_t i = 0; i < hooks->copy_count; i++)
			skipped += program_skipped(hooks->copies[i].program);
		break;
	case HOOKS_TP_BTF:
		skipped += program_skipped(bpf_program__fd(bpf->progs.on_sys_exit));
		break;
	case HOOKS_TRACEPOINT:
		skipped += program_skipped(bpf_program__fd(bpf->progs.on_raw_sys_exit));
		break;
	case HOOKS_KPROBE_MULTI:
		skipped += program_skipped(bpf_program__fd(bpf->progs.on_call_return_multi));
		break;
	case HOOKS_KPROBE:
		skipped += program_skipped(bpf_program__fd(bpf->progs.on_call_return));
		break;
	case HOOK_KINDS:
		break;
	}
	return skipped;
}
