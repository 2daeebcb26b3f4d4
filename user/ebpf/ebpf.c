/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/ebpf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/mem.h"
#include "fdtrace.skel.h"
#include "ebpf/diagnose.h"
#include "ebpf/choose_hooks.h"
#include "ebpf/release.h"
#include "ebpf/uprobes.h"

_Static_assert(sizeof(struct record_header) == 32, "records are a contract");
_Static_assert(sizeof(struct record_call) == 104, "records are a contract");
_Static_assert(sizeof(struct record_frame) == 24, "records are a contract");
_Static_assert(sizeof(struct record_stack) == 56, "records are a contract");
_Static_assert(sizeof(struct record_code) == 88, "records are a contract");
_Static_assert(sizeof(struct record_code_table) == 56, "records are a contract");
_Static_assert(sizeof(struct record_unseen) == 48, "records are a contract");
_Static_assert(sizeof(struct record_fork) == 72, "records are a contract");
_Static_assert(sizeof(struct record_exec) == 80, "records are a contract");
_Static_assert(sizeof(struct record_exit) == 80, "records are a contract");
_Static_assert(sizeof(struct record_map) == 96, "records are a contract");
_Static_assert(sizeof(struct record_owner) == 56, "records are a contract");
_Static_assert(sizeof(struct record_native) == 328, "records are a contract");
_Static_assert(sizeof(struct record_module) == 80, "records are a contract");

struct ebpf {
	struct loaded_object loaded;
	struct fdtrace_bpf *bpf; /* of the loaded object */
	struct ring_buffer *ring;
	struct py_layout layouts[LAYOUTS_MAX]; /* as the kernel side has them */
	const char *unseen[UNSEEN_MAX];	       /* static texts */
	int cpus;
	ebpf_record_fn fn; /* during ebpf_consume */
	void *arg;
	int failed;   /* fn's result that stopped it */
	int consumed; /* records */
	struct uprobes uprobes;
};

static int log_to_stderr(enum libbpf_print_level level, const char *format, va_list args)
{
	return vfprintf(stderr, format, args);
}

static int log_nowhere(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

void ebpf_log(bool verbose)
{
	libbpf_set_print(verbose ? log_to_stderr : log_nowhere);
}

static int on_ring_record(void *context, void *data, size_t size)
{
	struct ebpf *ebpf = context;
	const struct record_header *record = data;

	if (size < sizeof(*record) || record->size > size || record->size < sizeof(*record))
		return 0; /* not one of ours: nothing that we could say about it */
	ebpf->failed = ebpf->fn(ebpf->arg, record, record->size);
	if (ebpf->failed < 0)
		return ebpf->failed;
	return ++ebpf->consumed < EBPF_BATCH ? 0 : -EAGAIN;
}

static int load_probe(struct ebpf *ebpf, const struct ebpf_options *options,
		      struct ebpf_error *error)
{
	int err = choose_hooks_climb(options, &ebpf->loaded, error);

	if (err)
		return err;
	ebpf->bpf = ebpf->loaded.bpf;
	ebpf->bpf->bss->drop_every = options->drop;
	ebpf->ring =
		ring_buffer__new(bpf_map__fd(ebpf->bpf->maps.ring), on_ring_record, ebpf, NULL);
	if (!ebpf->ring)
		return diagnose(-errno, "map the ring buffer", error);
	return 0;
}

int ebpf_open(const struct ebpf_options *options, struct ebpf **ret_ebpf, struct ebpf_error *error)
{
	struct ebpf *ebpf = calloc(1, sizeof(*ebpf));
	int err;

	if (!ebpf)
		return diagnose(-ENOMEM, "start", error);
	ebpf_log(options->verbose);
	ebpf->cpus = libbpf_num_possible_cpus();
	err = ebpf->cpus > 0 ? load_probe(ebpf, options, error)
			     : diagnose(ebpf->cpus, "count the processors", error);
	if (err) {
		ebpf_close(ebpf);
		return err;
	}
	*ret_ebpf = ebpf;
	return 0;
}

/* Others share what takes long to be let go; the descriptor to close after our own, or -errno. */
static int share_links(const struct ebpf *ebpf)
{
	const struct hooks *hooks = &ebpf->loaded.hooks;
	size_t most = hook_kind_links_max(hooks) + ebpf->uprobes.count, count;
	_cleanup_free_ int *fds = calloc(most, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	count = hook_kind_slow_links(hooks, fds);
	count += uprobes_links(&ebpf->uprobes, fds + count);
	return count ? release_share(fds, count) : -ENOENT;
}

/* The first hooks to go are those that tell of new processes. */
static void ebpf_let_go(struct ebpf *ebpf)
{
	_cleanup_close_ int shared __attribute__((unused)) = share_links(ebpf);

	fdtrace_bpf__detach(ebpf->bpf);
	hook_kind_detach(&ebpf->loaded.hooks);
	uprobes_release(&ebpf->uprobes);
}

void ebpf_detach(struct ebpf *ebpf)
{
	uint32_t tgid;

	ebpf_let_go(ebpf);
	/* What runs until its hook has gone has nobody to tell of. */
	while (!bpf_map__get_next_key(ebpf->bpf->maps.targets, NULL, &tgid, sizeof(tgid)))
		ebpf_remove_target(ebpf, tgid);
}

void ebpf_close(struct ebpf *ebpf)
{
	if (!ebpf)
		return;
	if (ebpf->bpf)
		ebpf_let_go(ebpf);
	ring_buffer__free(ebpf->ring);
	choose_hooks_leave(&ebpf->loaded);
	free(ebpf);
}

int ebpf_add_target(struct ebpf *ebpf, pid_t pid, uint64_t program)
{
	struct target target = {.program = program};
	uint32_t tgid = pid;

	return bpf_map__update_elem(ebpf->bpf->maps.targets, &tgid, sizeof(tgid), &target,
				    sizeof(target), BPF_NOEXIST);
}

void ebpf_remove_target(struct ebpf *ebpf, pid_t pid)
{
	uint32_t tgid = pid;

	bpf_map__delete_elem(ebpf->bpf->maps.targets, &tgid, sizeof(tgid), 0);
}

bool ebpf_has_targets(const struct ebpf *ebpf)
{
	uint32_t first;

	return !bpf_map__get_next_key(ebpf->bpf->maps.targets, NULL, &first, sizeof(first));
}

pid_t ebpf_next_target(const struct ebpf *ebpf, pid_t pid)
{
	uint32_t before = pid, next;

	return bpf_map__get_next_key(ebpf->bpf->maps.targets, pid ? &before : NULL, &next,
				     sizeof(next))
		       ? 0
		       : (pid_t)next;
}

static bool find_target(const struct ebpf *ebpf, pid_t pid, struct target *ret)
{
	uint32_t tgid = pid;

	return !bpf_map__lookup_elem(ebpf->bpf->maps.targets, &tgid, sizeof(tgid), ret,
				     sizeof(*ret), 0);
}

uint64_t ebpf_program(const struct ebpf *ebpf, pid_t pid)
{
	struct target target;

	return find_target(ebpf, pid, &target) ? target.program : 0;
}

bool ebpf_cost(const struct ebpf *ebpf, pid_t pid, uint64_t *ret_program, uint64_t *ret_ns)
{
	struct target target;

	if (!find_target(ebpf, pid, &target))
		return false;
	*ret_program = target.program;
	*ret_ns = target.cost_ns;
	return true;
}

/* Where this version's objects keep their numbers. */
static int set_owner_layout(struct ebpf *ebpf, uint32_t slot, const struct owner_layout *owners)
{
	if (!owners)
		return 0;
	ebpf->bpf->bss->sockets_late |= owners->sockets_late;
	return bpf_map__update_elem(ebpf->bpf->maps.owner_layouts, &slot, sizeof(slot), owners,
				    sizeof(*owners), BPF_ANY);
}

/* The slot of a layout on the kernel side, filled at its first use. */
static int layout_slot(struct ebpf *ebpf, const struct ebpf_layout *layout)
{
	const struct py_layout *python = layout->python;

	for (uint32_t i = 0; i < LAYOUTS_MAX; i++) {
		if (!ebpf->layouts[i].version) {
			int err = bpf_map__update_elem(ebpf->bpf->maps.layouts, &i, sizeof(i),
						       python, sizeof(*python), BPF_ANY);

			if (!err)
				err = set_owner_layout(ebpf, i, layout->owners);
			if (err)
				return err;
			ebpf->layouts[i] = *python;
			return i;
		}
		if (!memcmp(&ebpf->layouts[i], python, sizeof(*python)))
			return i;
	}
	return -ENOSPC;
}

/* After a change: what the kernel side has kept of the map is looked up once more. */
static void pythons_changed(const struct ebpf *ebpf)
{
	__atomic_fetch_add(&ebpf->bpf->bss->pythons_changed, 1, __ATOMIC_SEQ_CST);
}

static bool find_python_process(const struct ebpf *ebpf, const struct program_key *key,
				struct python_process *ret)
{
	return !bpf_map__lookup_elem(ebpf->bpf->maps.pythons, key, sizeof(*key), ret, sizeof(*ret),
				     0);
}

int ebpf_set_python(struct ebpf *ebpf, pid_t pid, uint64_t program,
		    const struct ebpf_layout *layout, const struct python_process *python)
{
	const struct program_key key = {.program = program, .tgid = pid};
	struct python_process known, told = *python;
	int slot = layout_slot(ebpf, layout), err;

	if (slot < 0)
		return slot;
	told.layout = slot;
	if (find_python_process(ebpf, &key, &known) && known.runtime == told.runtime &&
	    known.layout == told.layout)
		return 0;
	err = bpf_map__update_elem(ebpf->bpf->maps.pythons, &key, sizeof(key), &told, sizeof(told),
				   BPF_ANY);
	pythons_changed(ebpf);
	return err;
}

bool ebpf_has_python(const struct ebpf *ebpf, pid_t pid, uint64_t program)
{
	const struct program_key key = {.program = program, .tgid = pid};
	struct python_process python;

	return find_python_process(ebpf, &key, &python);
}

void ebpf_forget_python(struct ebpf *ebpf, pid_t pid, uint64_t program)
{
	const struct program_key key = {.program = program, .tgid = pid};

	bpf_map__delete_elem(ebpf->bpf->maps.pythons, &key, sizeof(key), 0);
	pythons_changed(ebpf);
}

bool ebpf_code_is_sent(const struct ebpf *ebpf, pid_t pid, uint64_t code, uint64_t ident,
		       struct code_parts *ret_parts, uint64_t *ret_code_type)
{
	const struct program_key program = {.program = ebpf_program(ebpf, pid), .tgid = pid};
	const struct code_key key = {
		.code = code,
		.program = program.program,
		.tgid = pid,
		.resend = ebpf->bpf->bss->resend,
	};
	struct python_process python;
	struct code_sent sent;

	if (!program.program || !find_python_process(ebpf, &program, &python) ||
	    bpf_map__lookup_elem(ebpf->bpf->maps.codes_sent, &key, sizeof(key), &sent, sizeof(sent),
				 0))
		return false;
	*ret_parts = sent.parts;
	*ret_code_type = python.code_type;
	return sent.ident == ident;
}

/* What of a program's was known by the old identity has new ids from now on. */
static int set_identity(struct ebpf *ebpf, pid_t pid, enum code_identity identity)
{
	const struct program_key key = {.program = ebpf_program(ebpf, pid), .tgid = pid};
	struct python_process python;
	int err;

	if (!find_python_process(ebpf, &key, &python))
		return -ESTALE;
	python.identity = identity;
	python.epoch += 1ull << 32; /* none that the kernel side counted up to meanwhile */
	err = bpf_map__update_elem(ebpf->bpf->maps.pythons, &key, sizeof(key), &python,
				   sizeof(python), BPF_EXIST);
	pythons_changed(ebpf);
	return err;
}

int ebpf_watch_frees(struct ebpf *ebpf, pid_t pid, int fd, uint64_t offset)
{
	int err = uprobes_add(&ebpf->uprobes, ebpf->bpf->progs.on_code_dealloc, pid, fd, offset);

	if (err)
		return err;
	err = set_identity(ebpf, pid, IDENTITY_FREED);
	if (err)
		uprobes_remove(&ebpf->uprobes, pid);
	return err;
}

void ebpf_unwatch_frees(struct ebpf *ebpf, pid_t pid)
{
	set_identity(ebpf, pid, IDENTITY_CONTENT);
	uprobes_remove(&ebpf->uprobes, pid);
}

/* The first free place; -EEXIST: it is known; -ENOSPC: there is none. */
static int place_claim(struct claims *claims, const struct claim *claim)
{
	struct claim *place = NULL;

	for (size_t i = 0; i < RECORD_CLAIMS_MAX; i++) {
		if (claims->of[i].object == claim->object)
			return -EEXIST;
		if (!claims->of[i].object && !place)
			place = &claims->of[i];
	}
	if (!place)
		return -ENOSPC;
	*place = *claim;
	return 0;
}

int ebpf_add_claim(struct ebpf *ebpf, pid_t pid, uint64_t program, int32_t fd,
		   const struct claim *claim)
{
	const struct claimed_key key = {.program = program, .tgid = pid, .fd = fd};
	struct claims claims = {.of[0] = *claim};
	int err = bpf_map__update_elem(ebpf->bpf->maps.claimed, &key, sizeof(key), &claims,
				       sizeof(claims), BPF_NOEXIST);

	if (err != -EEXIST)
		return err;
	err = bpf_map__lookup_elem(ebpf->bpf->maps.claimed, &key, sizeof(key), &claims,
				   sizeof(claims), 0);
	if (!err)
		err = place_claim(&claims, claim);
	if (err)
		return err == -EEXIST ? 0 : err;
	return bpf_map__update_elem(ebpf->bpf->maps.claimed, &key, sizeof(key), &claims,
				    sizeof(claims), BPF_EXIST);
}

int ebpf_identify_file(struct ebpf *ebpf, int fd, struct file_version *ret)
{
	uint64_t args[1] = {fd};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(ebpf->bpf->progs.on_identify), &run);
	uint32_t zero = 0;

	if (err || run.retval)
		return err ? err : -EBADF;
	return bpf_map__lookup_elem(ebpf->bpf->maps.identified, &zero, sizeof(zero), ret,
				    sizeof(*ret), 0);
}

bool ebpf_file_is(struct ebpf *ebpf, int fd, const struct file_version *version)
{
	struct file_version now;

	return !ebpf_identify_file(ebpf, fd, &now) && !memcmp(&now, version, sizeof(now));
}

int ebpf_learn_file(struct ebpf *ebpf, const struct file_version *version,
		    const struct ebpf_layout *layout, struct python_file *file)
{
	int slot = layout ? layout_slot(ebpf, layout) : 0;

	if (slot < 0)
		return slot;
	file->layout = slot;
	file->known = layout ? FILE_PYTHON : FILE_NOTHING;
	return bpf_map__update_elem(ebpf->bpf->maps.python_files, version, sizeof(*version), file,
				    sizeof(*file), BPF_ANY);
}

void ebpf_forget_stack(struct ebpf *ebpf, uint64_t stack_id)
{
	if (!stack_id) {
		ebpf->bpf->bss->resend++;
		return;
	}
	/* A Python stack's id, or a native one's hash: which of them does not matter. */
	bpf_map__delete_elem(ebpf->bpf->maps.stacks_sent, &stack_id, sizeof(stack_id), 0);
	bpf_map__delete_elem(ebpf->bpf->maps.natives_sent, &stack_id, sizeof(stack_id), 0);
	__atomic_fetch_add(&ebpf->bpf->bss->stacks_forgotten, 1, __ATOMIC_SEQ_CST);
}

int ebpf_fd(const struct ebpf *ebpf)
{
	return ring_buffer__epoll_fd(ebpf->ring);
}

int ebpf_consume(struct ebpf *ebpf, ebpf_record_fn fn, void *arg)
{
	int n;

	ebpf->fn = fn;
	ebpf->arg = arg;
	ebpf->failed = 0;
	ebpf->consumed = 0;
	n = ring_buffer__consume(ebpf->ring);
	if (ebpf->failed < 0)
		return ebpf->failed;
	return n < 0 && n != -EAGAIN ? n : ebpf->consumed;
}

/*
 * Runs that the kernel skipped: where tracepoints can be preempted (Linux 7), a program that was
 * interrupted keeps that of another task from running on its CPU. Before 5.12: not told, and not
 * possible. They may have been calls of processes that are not traced.
 */
static uint64_t skipped_runs(const struct bpf_program *program)
{
	return program_skipped(bpf_program__fd(program));
}

uint64_t ebpf_lost(struct ebpf *ebpf)
{
	uint64_t lost = __atomic_load_n(&ebpf->bpf->bss->lost_records, __ATOMIC_RELAXED);

	if (lost == __atomic_load_n(&ebpf->bpf->bss->told_records, __ATOMIC_RELAXED))
		return 0;
	/* Should the kernel side have told of more at this moment, it does so once more. */
	__atomic_store_n(&ebpf->bpf->bss->told_records, lost, __ATOMIC_RELAXED);
	return lost;
}

void ebpf_losses(struct ebpf *ebpf, uint64_t lost[LOSS_CAUSES], uint64_t *ret_compat)
{
	_cleanup_free_ struct cpu_counts *counts = calloc(ebpf->cpus, sizeof(*counts));
	uint32_t zero = 0;

	memset(lost, 0, LOSS_CAUSES * sizeof(*lost));
	*ret_compat = 0;
	if (!counts || bpf_map__lookup_elem(ebpf->bpf->maps.counts, &zero, sizeof(zero), counts,
					    ebpf->cpus * sizeof(*counts), 0))
		return;
	lost[LOSS_CALL] += hook_kind_skipped(&ebpf->loaded.hooks, ebpf->bpf);
	lost[LOSS_PROCESS] += skipped_runs(ebpf->bpf->progs.on_fork) +
			      skipped_runs(ebpf->bpf->progs.on_exec) +
			      skipped_runs(ebpf->bpf->progs.on_exit);
	for (int cpu = 0; cpu < ebpf->cpus; cpu++) {
		for (int cause = 0; cause < LOSS_CAUSES; cause++)
			lost[cause] += counts[cpu].lost[cause];
		*ret_compat += counts[cpu].compat;
	}
}

const char *const *ebpf_unseen(struct ebpf *ebpf)
{
	const struct hooks *hooks = &ebpf->loaded.hooks;

	hook_kind_unseen(hooks->kind, hooks->preempted, hooks->function_hooks, ebpf->unseen);
	return ebpf->unseen;
}

bool ebpf_kprobes_refused(const struct ebpf *ebpf)
{
	return ebpf->loaded.hooks.kprobes_refused;
}

int ebpf_each_task(const struct ebpf *ebpf, int (*fn)(void *arg, const void *task), void *arg)
{
	return watch_each_task(ebpf->bpf, fn, arg);
}

int ebpf_each_socket(struct ebpf *ebpf, pid_t pid, int (*fn)(void *arg, const void *socket),
		     void *arg)
{
	return watch_each_socket(ebpf->bpf, pid, fn, arg);
}

uint8_t ebpf_ring_flags(const struct ebpf *ebpf)
{
	return ebpf->bpf->bss->ring_flags;
}

const char *ebpf_hook_kind(const struct ebpf *ebpf)
{
	return ebpf->loaded.hooks.text;
}
