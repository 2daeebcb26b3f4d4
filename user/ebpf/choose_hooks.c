/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/choose_hooks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/compat_calls.h"
#include "base/syscalls.h"
#include "fdtrace.skel.h"
#include "ebpf/diagnose.h"
#include "ebpf/bpf_object.h"
#include "ebpf/selftest.h"

_Static_assert(SYSCALLS_KNOWN == SYSCALLS_MAX, "both sides know the same system calls");

/* BPF_LOG_STATS of the kernel's bpf_verifier.h, since 5.2. */
#define LOG_REASON 4

/* Native stacks, and places that they come from, that the kernel side knows again. */
#define NATIVES_KNOWN 16384

/* Of the initial pid namespace (PROC_PID_INIT_INO, linux/proc_ns.h). */
#define INITIAL_NAMESPACE 0xeffffffcu

/* The pid namespace that we are in, and that /proc shows. 0: the initial one. */
static int own_namespace(uint32_t *ret)
{
	char self[16], expected[16];
	ssize_t size = readlink("/proc/self", self, sizeof(self) - 1);
	struct stat st;

	if (size < 0 || stat("/proc/self/ns/pid", &st))
		return -errno;
	self[size] = '\0';
	snprintf(expected, sizeof(expected), "%d", getpid());
	*ret = st.st_ino == INITIAL_NAMESPACE ? 0 : st.st_ino;
	return strcmp(self, expected) ? -EXDEV : 0;
}

/*
 * Below the initial pid namespace the kernel side needs to know how deep. What else it learns then,
 * where our root is, it can do without.
 */
static int know_self(struct fdtrace_bpf *bpf)
{
	uint64_t args[1] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.on_self), &run);

	bpf->bss->pid_namespace_level = run.retval;
	return bpf->rodata->pid_namespace ? err : 0;
}

/* What the kernel side is to know of a 32-bit call. */
static uint16_t compat_call(unsigned int nr)
{
	int native = syscall_of_compat(nr);

	if (native < 0)
		return nr && nr == COMPAT_SOCKETCALL ? COMPAT_CONCERNS : 0;
	if (syscall_changes_fds(native))
		return (native + 1) | COMPAT_CONCERNS;
	return native + 1;
}

static void set_options(struct fdtrace_bpf *bpf, const struct ebpf_options *options)
{
	bpf->rodata->follow_forks = options->follow;
	bpf->rodata->tell_starts = options->starts;
	bpf->rodata->count_costs = options->costs;
	bpf->rodata->read_owners = options->owners;
	bpf->rodata->native_calls = options->natives;
	bpf->rodata->wake_bytes = options->ring_bytes / 8;
	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
		bpf->rodata->call_of_nr[nr] = syscall_call(nr);
		bpf->rodata->fd_args_of_nr[nr] = syscall_fd_args(nr);
		bpf->rodata->compat_calls[nr] = compat_call(nr);
		if (options->owners)
			bpf->rodata->owner_call_of_nr[nr] = syscall_owner_call(nr);
	}
}

/* Native stacks need room: a buffer for each CPU, and to know again what has been sent. */
static int size_maps(struct fdtrace_bpf *bpf, const struct ebpf_options *options)
{
	int err = bpf_map__set_max_entries(bpf->maps.ring, options->ring_bytes);

	if (err || options->natives == NATIVES_NONE)
		return err;
	err = bpf_map__set_max_entries(bpf->maps.native_buffers, libbpf_num_possible_cpus());
	if (!err)
		err = bpf_map__set_max_entries(bpf->maps.natives_sent, NATIVES_KNOWN);
	return err ? err : bpf_map__set_max_entries(bpf->maps.native_places, NATIVES_KNOWN);
}

/*
 * libbpf loads a program that was refused once more, for the verifier's log of every step, which
 * takes several times as long as the verifier itself: the reason alone (BPF_LOG_STATS and what is
 * said of an error) is written at once.
 */
static void log_reason_only(struct fdtrace_bpf *bpf)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
		bpf_program__set_log_level(program, LOG_REASON);
}

static int trial_failed(struct trial *trial, const char *step, int err)
{
	trial->step = step;
	trial->err = err;
	if (!trial->text[0])
		snprintf(trial->text, sizeof(trial->text), "cannot %s: %s", step, strerror(-err));
	return err;
}

static int load_attempt(const struct attempt *attempt, bool hold_cpu,
			const struct ebpf_options *options, struct loaded_object *loaded,
			struct trial *trial)
{
	int err;

	loaded->bpf = object_open(hold_cpu);
	if (!loaded->bpf)
		return trial_failed(trial, "read the built-in programs", -errno);
	set_options(loaded->bpf, options);
	loaded->bpf->rodata->may_hold_cpu = hold_cpu;
	if (!options->verbose)
		log_reason_only(loaded->bpf);
	err = own_namespace(&loaded->bpf->rodata->pid_namespace);
	if (err)
		return trial_failed(trial, "find its own process in /proc", err);
	err = size_maps(loaded->bpf, options);
	if (!err && hook_kind_choose(attempt->kind, &attempt->kernel_functions, loaded->bpf,
				     &loaded->hooks)) {
		snprintf(trial->text, sizeof(trial->text),
			 "this kernel's BTF has no functions to attach to");
		err = -ENOENT;
	}
	watch_choose(&attempt->watch, loaded->bpf);
	if (!err)
		err = fdtrace_bpf__load(loaded->bpf);
	if (!err)
		err = know_self(loaded->bpf);
	return err ? trial_failed(trial, "load the kernel programs", err) : 0;
}

static void test_kernel_functions(const struct preemption *preemption, struct loaded_object *loaded)
{
	struct fdtrace_bpf *bpf = loaded->bpf;
	struct hooks *hooks = &loaded->hooks;
	bool seen[KERNEL_FUNCTIONS] = {0};

	if (hooks->function_hooks[KERNEL_FUNCTION_INSTALL])
		seen[KERNEL_FUNCTION_INSTALL] = selftest_sees_installed(bpf);
	if (hooks->function_hooks[KERNEL_FUNCTION_REMOVE])
		seen[KERNEL_FUNCTION_REMOVE] = selftest_sees_removed(bpf);
	if (hooks->function_hooks[KERNEL_FUNCTION_CLOSE])
		seen[KERNEL_FUNCTION_CLOSE] = selftest_sees_missed(bpf);
	hook_kind_try_kernel_functions(hooks, seen);
	bpf->bss->ring_flags = hooks->function_hooks[KERNEL_FUNCTION_REMOVE] ? RING_TOLD : 0;
	bpf->bss->made_told =
		hooks->function_hooks[KERNEL_FUNCTION_INSTALL] != FUNCTION_HOOK_UNSEEN;
	bpf->bss->table_found = kernel_function_table(&hooks->kernel_functions,
						      hooks->function_hooks[KERNEL_FUNCTION_CLOSE],
						      preemption->functions);
}

static int attach(const struct attempt *attempt, struct loaded_object *loaded, struct trial *trial)
{
	int err = hook_kind_attach(loaded->bpf, &loaded->hooks);

	if (err == -ETIME)
		snprintf(trial->text, sizeof(trial->text),
			 "this kernel takes %.1f s to let its hooks go, which others would pay for",
			 loaded->hooks.detach_ns / 1e9);
	if (err == -ENOENT && loaded->hooks.kind == HOOKS_TRACEPOINT)
		snprintf(trial->text, sizeof(trial->text),
			 "cannot attach: no tracefs at /sys/kernel/tracing: mount it there");
	if (err)
		return trial_failed(trial, "attach", err);
	err = fdtrace_bpf__attach(loaded->bpf);
	if (err)
		return trial_failed(trial, "attach to the starts and ends of processes", err);
	err = selftest_run(loaded->bpf, trial->text, sizeof(trial->text));
	if (err)
		return trial_failed(trial, "see its own calls", err);
	test_kernel_functions(&attempt->preemption, loaded);
	loaded->bpf->bss->ring_flags |= watch_attach(&attempt->watch, loaded->bpf);
	memcpy(trial->function_hooks, loaded->hooks.function_hooks, sizeof(trial->function_hooks));
	return selftest_end(loaded->bpf);
}

bool choose_hooks_includes(enum hook_kind kind, const struct ebpf_options *options)
{
	return !options->kind || !strcmp(options->kind, hook_kind_name(kind));
}

static struct trial new_trial(const struct attempt *attempt)
{
	return (struct trial){
		.kind = attempt->kind,
		.preempted = hook_kind_is_preempted(attempt->kind, &attempt->preemption),
	};
}

int choose_hooks_try(const struct attempt *attempt, const struct ebpf_options *options,
		     struct loaded_object *ret, struct trial *trial)
{
	int err;

	*trial = new_trial(attempt);
	*ret = (struct loaded_object){0};
	if (attempt->kind == HOOKS_FEXIT && attempt->kernel_functions.fexit_err)
		return trial_failed(trial, "load the kernel programs",
				    attempt->kernel_functions.fexit_err);
	err = load_attempt(attempt, attempt->hold_cpu, options, ret, trial);
	if (err && attempt->hold_cpu && err != -EPERM && err != -ENOENT) {
		/* An older kernel, which has not that to offer, nor the need. */
		choose_hooks_leave(ret);
		*trial = new_trial(attempt);
		err = load_attempt(attempt, false, options, ret, trial);
	}
	if (!err)
		err = attach(attempt, ret, trial);
	ret->hooks.preempted = trial->preempted;
	if (err)
		choose_hooks_leave(ret);
	else
		snprintf(trial->text, sizeof(trial->text), "%s", ret->hooks.text);
	return err;
}

static void find_order(const struct preemption *preemption, enum hook_kind ret[HOOK_KINDS])
{
	size_t count = 0;

	for (int preempted = 0; preempted <= 1; preempted++) {
		if (!preempted && preemption->functions)
			ret[count++] = HOOKS_KPROBE_MULTI; /* then the least costly */
		for (enum hook_kind kind = 0; kind < HOOK_KINDS; kind++)
			if (hook_kind_is_preempted(kind, preemption) == preempted &&
			    (kind != HOOKS_KPROBE_MULTI || !preemption->functions))
				ret[count++] = kind;
	}
}

/* The kernel's description of itself is long: it is looked through once. */
struct attempt choose_hooks_first(const struct ebpf_options *options)
{
	struct attempt first = {.kernel_functions.fexit_err = -ENOENT};
	struct btf *btf = btf__load_vmlinux_btf();

	if (btf)
		first.preemption = preemption_find(btf);
	find_order(&first.preemption, first.order);
	if (!btf)
		return first;
	first.hold_cpu = btf__find_by_name_kind(btf, "bpf_preempt_disable", BTF_KIND_FUNC) > 0;
	kernel_function_find(btf, &first.kernel_functions);
	first.watch = watch_find(btf);
	btf__free(btf);
	return first;
}

bool ebpf_hooks_named(const char *text, const char **ret)
{
	*ret = NULL;
	if (!strcmp(text, "auto"))
		return true;
	for (int kind = 0; kind < HOOK_KINDS && !*ret; kind++)
		if (!strcmp(text, hook_kind_name(kind)))
			*ret = hook_kind_name(kind);
	return *ret;
}

void choose_hooks_learn(struct attempt *attempt, const struct trial *trial)
{
	if (trial->kind == HOOKS_FEXIT && trial->err != -ETIME)
		attempt->kernel_functions.fexit_err = trial->err;
}

int choose_hooks_climb(const struct ebpf_options *options, struct loaded_object *ret,
		       struct ebpf_error *error)
{
	struct attempt attempt = choose_hooks_first(options);
	struct trial trials[HOOK_KINDS];
	size_t count = 0;

	for (size_t i = 0; i < HOOK_KINDS; i++) {
		attempt.kind = attempt.order[i];
		if (!choose_hooks_includes(attempt.kind, options))
			continue;
		if (!choose_hooks_try(&attempt, options, ret, &trials[count]))
			return 0;
		choose_hooks_learn(&attempt, &trials[count]);
		count++;
	}
	return choose_hooks_diagnose(trials, count, error);
}

static bool is_event(enum hook_kind kind)
{
	return kind == HOOKS_TRACEPOINT || kind == HOOKS_KPROBE;
}

int choose_hooks_diagnose(const struct trial *trials, size_t count, struct ebpf_error *error)
{
	const struct trial *telling = &trials[0], *last = &trials[count - 1];

	/* That of the kind that the most kernels have; else one that has come further than others.
	 */
	for (size_t i = 0; i < count; i++)
		if (trials[i].kind == HOOKS_TP_BTF ||
		    (trials[i].err == -ETIME && telling->kind != HOOKS_TP_BTF))
			telling = &trials[i];
	if (telling->kind != HOOKS_TP_BTF && telling->err != -ETIME && is_event(last->kind))
		return diagnose_events(last->err, last->step, error);
	return diagnose(telling->err, telling->step, error);
}

void choose_hooks_leave(struct loaded_object *loaded)
{
	hook_kind_leave(&loaded->hooks);
	fdtrace_bpf__destroy(loaded->bpf);
	*loaded = (struct loaded_object){0};
}
