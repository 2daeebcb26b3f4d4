/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/kernel_function_hooks.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/mem.h"
#include "fdtrace.skel.h"

#define INSTALL	    "fd_install"
/* (files, fd) and (fd), with the table's lock held. */
#define REMOVE	    "file_close_fd_locked"
#define PICK	    "__close_fd_get_file"
/* (fd), (fd) and (files, fd); the first returns what it has found. */
#define CLOSE	    "file_close_fd"
#define CLOSE_WHOLE "close_fd"
#define CLOSE_TABLE "__close_fd"
/* There where the kernel lets perf_event_open() make kprobes. */
#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"

static const char *const costs[KERNEL_FUNCTIONS][FUNCTION_HOOK_HOOKS] = {
	[KERNEL_FUNCTION_INSTALL] =
		{
			[FUNCTION_HOOK_FEXIT] =
				"about 10 ns more in each call that makes a descriptor "
				"(fd_install)",
			[FUNCTION_HOOK_KPROBE] =
				"about 50 ns more in each call that makes a descriptor "
				"(fd_install)",
		},
	[KERNEL_FUNCTION_REMOVE] =
		{
			[FUNCTION_HOOK_FEXIT] = "about 10 ns more in what io_uring closes",
			[FUNCTION_HOOK_KPROBE] = "about 50 ns more in what io_uring closes",
		},
	[KERNEL_FUNCTION_CLOSE] =
		{
			[FUNCTION_HOOK_FEXIT] = "about 10 ns more in each close",
			[FUNCTION_HOOK_KPROBE] = "about 50 ns more in each close",
		},
};

static int try_fexit(const struct btf *btf)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id = btf__find_by_name_kind(btf, INSTALL, BTF_KIND_FUNC), fd;

	if (id < 0)
		return id;
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, ARRAY_SIZE(nothing),
			   &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Whether it has a function of this name with so many parameters: 5.10's takes two. */
static bool has_function(const struct btf *btf, const char *name, unsigned int parameters)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const struct btf_type *proto = type ? btf__type_by_id(btf, type->type) : NULL;

	return proto && btf_is_func_proto(proto) && btf_vlen(proto) == parameters;
}

void kernel_function_find(const struct btf *btf, struct kernel_functions *ret)
{
	static const struct {
		enum kernel_function which;
		const char *name;
		unsigned int parameters;
	} candidates[] = {
		/* Of each kind the newest first. */
		{KERNEL_FUNCTION_REMOVE, REMOVE, 2},	 {KERNEL_FUNCTION_REMOVE, PICK, 1},
		{KERNEL_FUNCTION_CLOSE, CLOSE, 1},	 {KERNEL_FUNCTION_CLOSE, CLOSE_WHOLE, 1},
		{KERNEL_FUNCTION_CLOSE, CLOSE_TABLE, 2},
	};

	*ret = (struct kernel_functions){.of[KERNEL_FUNCTION_INSTALL] = INSTALL,
					 .fexit_err = try_fexit(btf)};
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (!ret->of[candidates[i].which] &&
		    has_function(btf, candidates[i].name, candidates[i].parameters))
			ret->of[candidates[i].which] = candidates[i].name;
}

/* A kernel function with a program for it; some programs are for several. */
struct hooking {
	const char *function;
	enum function_hook how;
	struct bpf_program *program;
};

#define HOOKINGS 12

static void list_hookings(const struct fdtrace_bpf *bpf, struct hooking ret[HOOKINGS])
{
	const struct hooking all[HOOKINGS] = {
		{INSTALL, FUNCTION_HOOK_FEXIT, bpf->progs.on_fd_install},
		{INSTALL, FUNCTION_HOOK_KPROBE, bpf->progs.on_fd_install_entry},
		{REMOVE, FUNCTION_HOOK_FEXIT, bpf->progs.on_fd_remove},
		{REMOVE, FUNCTION_HOOK_KPROBE, bpf->progs.on_fd_remove_entry},
		{PICK, FUNCTION_HOOK_FEXIT, bpf->progs.on_fd_pick},
		{PICK, FUNCTION_HOOK_KPROBE, bpf->progs.on_fd_pick_entry},
		{CLOSE, FUNCTION_HOOK_FEXIT, bpf->progs.on_fd_close},
		{CLOSE, FUNCTION_HOOK_KPROBE, bpf->progs.on_fd_close_entry},
		{CLOSE_WHOLE, FUNCTION_HOOK_FEXIT, bpf->progs.on_fd_close_begin},
		{CLOSE_WHOLE, FUNCTION_HOOK_KPROBE, bpf->progs.on_fd_close_entry},
		{CLOSE_TABLE, FUNCTION_HOOK_FEXIT, bpf->progs.on_table_close_begin},
		{CLOSE_TABLE, FUNCTION_HOOK_KPROBE, bpf->progs.on_table_close_entry},
	};

	memcpy(ret, all, sizeof(all));
}

static struct bpf_program *hook_program(const struct fdtrace_bpf *bpf, const char *function,
					enum function_hook how)
{
	struct hooking hookings[HOOKINGS];

	list_hookings(bpf, hookings);
	for (size_t i = 0; function && i < HOOKINGS; i++)
		if (!strcmp(hookings[i].function, function) && hookings[i].how == how)
			return hookings[i].program;
	return NULL;
}

static void leave_out_all(const struct fdtrace_bpf *bpf)
{
	struct hooking hookings[HOOKINGS];

	list_hookings(bpf, hookings);
	for (size_t i = 0; i < HOOKINGS; i++) {
		bpf_program__set_autoload(hookings[i].program, false);
		bpf_program__set_autoattach(hookings[i].program, false);
	}
}

static enum function_hook choose_one(const struct fdtrace_bpf *bpf,
				     const struct kernel_functions *functions,
				     enum kernel_function which, enum function_hook how)
{
	struct bpf_program *program;

	if (how == FUNCTION_HOOK_UNSEEN && !functions->fexit_err)
		how = FUNCTION_HOOK_FEXIT;
	if (how == FUNCTION_HOOK_UNSEEN && !access(KPROBE_TYPE, R_OK))
		how = FUNCTION_HOOK_KPROBE;
	program = hook_program(bpf, functions->of[which], how);
	if (!program || (how == FUNCTION_HOOK_FEXIT &&
			 bpf_program__set_attach_target(program, 0, functions->of[which])))
		return FUNCTION_HOOK_UNSEEN;
	bpf_program__set_autoload(program, true);
	return how;
}

void kernel_function_choose(struct fdtrace_bpf *bpf, const struct kernel_functions *functions,
			    enum function_hook alike, enum function_hook ret[KERNEL_FUNCTIONS])
{
	leave_out_all(bpf);
	for (enum kernel_function which = 0; which < KERNEL_FUNCTIONS; which++)
		ret[which] = choose_one(bpf, functions, which, alike);
}

struct bpf_link *kernel_function_attach(const struct fdtrace_bpf *bpf,
					const struct kernel_functions *functions,
					enum kernel_function which, enum function_hook how)
{
	const struct bpf_program *program = hook_program(bpf, functions->of[which], how);

	if (!program)
		return NULL;
	return how == FUNCTION_HOOK_KPROBE
		       ? bpf_program__attach_kprobe(program, false, functions->of[which])
		       : bpf_program__attach(program);
}

int kernel_function_program(const struct fdtrace_bpf *bpf, const struct kernel_functions *functions,
			    enum kernel_function which, enum function_hook how)
{
	const struct bpf_program *program = hook_program(bpf, functions->of[which], how);

	return program ? bpf_program__fd(program) : -1;
}

const char *kernel_function_cost(enum kernel_function which, enum function_hook how)
{
	return costs[which][how];
}

enum table_state kernel_function_table(const struct kernel_functions *functions,
				       enum function_hook how, bool skips)
{
	if (how == FUNCTION_HOOK_UNSEEN)
		return TABLE_UNKNOWN;
	if (strcmp(functions->of[KERNEL_FUNCTION_CLOSE], CLOSE) || how == FUNCTION_HOOK_KPROBE)
		return TABLE_MISSED;
	return skips ? TABLE_MAY_HOLD : TABLE_HELD;
}
