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

struct probe {
	struct standing standing;
	struct fdtrace_bpf *bpf; /* of standing */
	struct ring_buffer *ring;
	struct py_layout layouts[LAYOUTS_MAX]; /* as the kernel side has them */
	const char *unseen[UNSEEN_MAX];	       /* static texts */
	int cpus;
	probe_record_fn fn; /* during probe_consume */
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

void probe_log(bool verbose)
{
	libbpf_set_print(verbose ? log_to_stderr : log_nowhere);
}

static int on_ring_record(void *context, void *data, size_t size)
{
	struct probe *probe = context;
	const struct record_header *record = data;

	if (size < sizeof(*record) || record->size > size || record->size < sizeof(*record))
		return 0; /* not one of ours: nothing that we could say about it */
	probe->failed = probe->fn(probe->arg, record, record->size);
	if (probe->failed < 0)
		return probe->failed;
	return ++probe->consumed < PROBE_BATCH ? 0 : -EAGAIN;
}

static int load_probe(struct probe *probe, const struct probe_options *options,
		      struct probe_error *error)
{
	int err = ladder_climb(options, &probe->standing, error);

	if (err)
		return err;
	probe->bpf = probe->standing.bpf;
	probe->bpf->bss->drop_every = options->drop;
	probe->ring =
		ring_buffer__new(bpf_map__fd(probe->bpf->maps.ring), on_ring_record, probe, NULL);
	if (!probe->ring)
		return diagnose(-errno, "map the ring buffer", error);
	return 0;
}

int probe_open(const struct probe_options *options, struct probe **ret_probe,
	       struct probe_error *error)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe)
		return diagnose(-ENOMEM, "start", error);
	probe_log(options->verbose);
	probe->cpus = libbpf_num_possible_cpus();
	err = probe->cpus > 0 ? load_probe(probe, options, error)
			      : diagnose(probe->cpus, "count the processors", error);
	if (err) {
		probe_close(probe);
		return err;
	}
	*ret_probe = probe;
	return 0;
}

/* Others share what takes long to be let go; the descriptor to close after our own, or -errno. */
static int share_links(const struct probe *probe)
{
	const struct hooks *hooks = &probe->standing.hooks;
	size_t most = rung_links_max(hooks) + probe->uprobes.count, count;
	_cleanup_free_ int *fds = calloc(most, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	count = rung_slow_links(hooks, fds);
	count += uprobes_links(&probe->uprobes, fds + count);
	return count ? release_share(fds, count) : -ENOENT;
}

/* The first hooks to go are those that tell of new processes. */
static void probe_let_go(struct probe *probe)
{
	_cleanup_close_ int shared __attribute__((unused)) = share_links(probe);

	fdtrace_bpf__detach(probe->bpf);
	rung_detach(&probe->standing.hooks);
	uprobes_release(&probe->uprobes);
}

void probe_detach(struct probe *probe)
{
	uint32_t tgid;

	probe_let_go(probe);
	/* What runs until its hook has gone has nobody to tell of. */
	while (!bpf_map__get_next_key(probe->bpf->maps.targets, NULL, &tgid, sizeof(tgid)))
		probe_remove_target(probe, tgid);
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	if (probe->bpf)
		probe_let_go(probe);
	ring_buffer__free(probe->ring);
	ladder_leave(&probe->standing);
	free(probe);
}

int probe_add_target(struct probe *probe, pid_t pid, uint64_t program)
{
	struct target target = {.program = program};
	uint32_t tgid = pid;

	return bpf_map__update_elem(probe->bpf->maps.targets, &tgid, sizeof(tgid), &target,
				    sizeof(target), BPF_NOEXIST);
}

void probe_remove_target(struct probe *probe, pid_t pid)
{
	uint32_t tgid = pid;

	bpf_map__delete_elem(probe->bpf->maps.targets, &tgid, sizeof(tgid), 0);
}

bool probe_has_targets(const struct probe *probe)
{
	uint32_t first;

	return !bpf_map__get_next_key(probe->bpf->maps.targets, NULL, &first, sizeof(first));
}

pid_t probe_next_target(const struct probe *probe, pid_t pid)
{
	uint32_t before = pid, next;

	return bpf_map__get_next_key(probe->bpf->maps.targets, pid ? &before : NULL, &next,
				     sizeof(next))
		       ? 0
		       : (pid_t)next;
}

uint64_t probe_program(const struct probe *probe, pid_t pid)
{
	struct target target;
	uint32_t tgid = pid;

	if (bpf_map__lookup_elem(probe->bpf->maps.targets, &tgid, sizeof(tgid), &target,
				 sizeof(target), 0))
		return 0;
	return target.program;
}

/* Where this version's objects keep their numbers. */
static int set_owner_layout(struct probe *probe, uint32_t slot, const struct owner_layout *owners)
{
	if (!owners)
		return 0;
	probe->bpf->bss->sockets_late |= owners->sockets_late;
	return bpf_map__update_elem(probe->bpf->maps.owner_layouts, &slot, sizeof(slot), owners,
				    sizeof(*owners), BPF_ANY);
}

/* The slot of a layout on the kernel side, filled at its first use. */
static int layout_slot(struct probe *probe, const struct probe_layout *layout)
{
	const struct py_layout *python = layout->python;

	for (uint32_t i = 0; i < LAYOUTS_MAX; i++) {
		if (!probe->layouts[i].version) {
			int err = bpf_map__update_elem(probe->bpf->maps.layouts, &i, sizeof(i),
						       python, sizeof(*python), BPF_ANY);

			if (!err)
				err = set_owner_layout(probe, i, layout->owners);
			if (err)
				return err;
			probe->layouts[i] = *python;
			return i;
		}
		if (!memcmp(&probe->layouts[i], python, sizeof(*python)))
			return i;
	}
	return -ENOSPC;
}

/* After a change: what the kernel side has kept of the map is looked up once more. */
static void pythons_changed(const struct probe *probe)
{
	__atomic_fetch_add(&probe->bpf->bss->pythons_changed, 1, __ATOMIC_SEQ_CST);
}

static bool find_python_process(const struct probe *probe, const struct program_key *key,
				struct python_process *ret)
{
	return !bpf_map__lookup_elem(probe->bpf->maps.pythons, key, sizeof(*key), ret, sizeof(*ret),
				     0);
}

int probe_set_python(struct probe *probe, pid_t pid, uint64_t program,
		     const struct probe_layout *layout, const struct python_process *python)
{
	const struct program_key key = {.program = program, .tgid = pid};
	struct python_process known, told = *python;
	int slot = layout_slot(probe, layout), err;

	if (slot < 0)
		return slot;
	told.layout = slot;
	if (find_python_process(probe, &key, &known) && known.runtime == told.runtime &&
	    known.layout == told.layout)
		return 0;
	err = bpf_map__update_elem(probe->bpf->maps.pythons, &key, sizeof(key), &told, sizeof(told),
				   BPF_ANY);
	pythons_changed(probe);
	return err;
}

bool probe_has_python(const struct probe *probe, pid_t pid, uint64_t program)
{
	const struct program_key key = {.program = program, .tgid = pid};
	struct python_process python;

	return find_python_process(probe, &key, &python);
}

void probe_forget_python(struct probe *probe, pid_t pid, uint64_t program)
{
	const struct program_key key = {.program = program, .tgid = pid};

	bpf_map__delete_elem(probe->bpf->maps.pythons, &key, sizeof(key), 0);
	pythons_changed(probe);
}

bool probe_code_is_sent(const struct probe *probe, pid_t pid, uint64_t code, uint64_t ident,
			struct code_parts *ret_parts, uint64_t *ret_code_type)
{
	const struct program_key program = {.program = probe_program(probe, pid), .tgid = pid};
	const struct code_key key = {
		.code = code,
		.program = program.program,
		.tgid = pid,
		.resend = probe->bpf->bss->resend,
	};
	struct python_process python;
	struct code_sent sent;

	if (!program.program || !find_python_process(probe, &program, &python) ||
	    bpf_map__lookup_elem(probe->bpf->maps.codes_sent, &key, sizeof(key), &sent,
				 sizeof(sent), 0))
		return false;
	*ret_parts = sent.parts;
	*ret_code_type = python.code_type;
	return sent.ident == ident;
}

/* What of a program's was known by the old identity has new ids from now on. */
static int set_identity(struct probe *probe, pid_t pid, enum code_identity identity)
{
	const struct program_key key = {.program = probe_program(probe, pid), .tgid = pid};
	struct python_process python;
	int err;

	if (!find_python_process(probe, &key, &python))
		return -ESTALE;
	python.identity = identity;
	python.epoch += 1ull << 32; /* none that the kernel side counted up to meanwhile */
	err = bpf_map__update_elem(probe->bpf->maps.pythons, &key, sizeof(key), &python,
				   sizeof(python), BPF_EXIST);
	pythons_changed(probe);
	return err;
}

int probe_watch_frees(struct probe *probe, pid_t pid, int fd, uint64_t offset)
{
	int err = uprobes_add(&probe->uprobes, probe->bpf->progs.on_code_dealloc, pid, fd, offset);

	if (err)
		return err;
	err = set_identity(probe, pid, IDENTITY_FREED);
	if (err)
		uprobes_remove(&probe->uprobes, pid);
	return err;
}

void probe_unwatch_frees(struct probe *probe, pid_t pid)
{
	set_identity(probe, pid, IDENTITY_CONTENT);
	uprobes_remove(&probe->uprobes, pid);
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

int probe_add_claim(struct probe *probe, pid_t pid, uint64_t program, int32_t fd,
		    const struct claim *claim)
{
	const struct held_key key = {.program = program, .tgid = pid, .fd = fd};
	struct claims claims = {.of[0] = *claim};
	int err = bpf_map__update_elem(probe->bpf->maps.held, &key, sizeof(key), &claims,
				       sizeof(claims), BPF_NOEXIST);

	if (err != -EEXIST)
		return err;
	err = bpf_map__lookup_elem(probe->bpf->maps.held, &key, sizeof(key), &claims,
				   sizeof(claims), 0);
	if (!err)
		err = place_claim(&claims, claim);
	if (err)
		return err == -EEXIST ? 0 : err;
	return bpf_map__update_elem(probe->bpf->maps.held, &key, sizeof(key), &claims,
				    sizeof(claims), BPF_EXIST);
}

int probe_identify_file(struct probe *probe, int fd, struct file_version *ret)
{
	uint64_t args[1] = {fd};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(probe->bpf->progs.on_identify), &run);
	uint32_t zero = 0;

	if (err || run.retval)
		return err ? err : -EBADF;
	return bpf_map__lookup_elem(probe->bpf->maps.identified, &zero, sizeof(zero), ret,
				    sizeof(*ret), 0);
}

bool probe_file_is(struct probe *probe, int fd, const struct file_version *version)
{
	struct file_version now;

	return !probe_identify_file(probe, fd, &now) && !memcmp(&now, version, sizeof(now));
}

int probe_learn_file(struct probe *probe, const struct file_version *version,
		     const struct probe_layout *layout, struct python_file *file)
{
	int slot = layout ? layout_slot(probe, layout) : 0;

	if (slot < 0)
		return slot;
	file->layout = slot;
	file->known = layout ? FILE_PYTHON : FILE_NOTHING;
	return bpf_map__update_elem(probe->bpf->maps.python_files, version, sizeof(*version), file,
				    sizeof(*file), BPF_ANY);
}

void probe_forget_stack(struct probe *probe, uint64_t stack_id)
{
	if (!stack_id) {
		probe->bpf->bss->resend++;
		return;
	}
	/* A Python stack's id, or a native one's hash: which of them does not matter. */
	bpf_map__delete_elem(probe->bpf->maps.stacks_sent, &stack_id, sizeof(stack_id), 0);
	bpf_map__delete_elem(probe->bpf->maps.natives_sent, &stack_id, sizeof(stack_id), 0);
	__atomic_fetch_add(&probe->bpf->bss->stacks_forgotten, 1, __ATOMIC_SEQ_CST);
}

int probe_fd(const struct probe *probe)
{
	return ring_buffer__epoll_fd(probe->ring);
}

int probe_consume(struct probe *probe, probe_record_fn fn, void *arg)
{
	int n;

	probe->fn = fn;
	probe->arg = arg;
	probe->failed = 0;
	probe->consumed = 0;
	n = ring_buffer__consume(probe->ring);
	if (probe->failed < 0)
		return probe->failed;
	return n < 0 && n != -EAGAIN ? n : probe->consumed;
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

uint64_t probe_lost(struct probe *probe)
{
	uint64_t lost = __atomic_load_n(&probe->bpf->bss->lost_records, __ATOMIC_RELAXED);

	if (lost == __atomic_load_n(&probe->bpf->bss->told_records, __ATOMIC_RELAXED))
		return 0;
	/* Should the kernel side have told of more at this moment, it does so once more. */
	__atomic_store_n(&probe->bpf->bss->told_records, lost, __ATOMIC_RELAXED);
	return lost;
}

void probe_losses(struct probe *probe, uint64_t lost[LOSS_CAUSES], uint64_t *ret_compat)
{
	_cleanup_free_ struct cpu_counts *counts = calloc(probe->cpus, sizeof(*counts));
	uint32_t zero = 0;

	memset(lost, 0, LOSS_CAUSES * sizeof(*lost));
	*ret_compat = 0;
	if (!counts || bpf_map__lookup_elem(probe->bpf->maps.counts, &zero, sizeof(zero), counts,
					    probe->cpus * sizeof(*counts), 0))
		return;
	lost[LOSS_CALL] += rung_skipped(&probe->standing.hooks, probe->bpf);
	lost[LOSS_PROCESS] += skipped_runs(probe->bpf->progs.on_fork) +
			      skipped_runs(probe->bpf->progs.on_exec) +
			      skipped_runs(probe->bpf->progs.on_exit);
	for (int cpu = 0; cpu < probe->cpus; cpu++) {
		for (int cause = 0; cause < LOSS_CAUSES; cause++)
			lost[cause] += counts[cpu].lost[cause];
		*ret_compat += counts[cpu].compat;
	}
}

const char *const *probe_unseen(struct probe *probe)
{
	const struct hooks *hooks = &probe->standing.hooks;

	rung_unseen(hooks->rung, hooks->preempted, hooks->inner, probe->unseen);
	return probe->unseen;
}

bool probe_kprobes_refused(const struct probe *probe)
{
	return probe->standing.hooks.kprobes_refused;
}

int probe_each_task(const struct probe *probe, int (*fn)(void *arg, const struct task_table *task),
		    void *arg)
{
	return watch_each_task(probe->bpf, fn, arg);
}

uint8_t probe_ring_flags(const struct probe *probe)
{
	return probe->bpf->bss->ring_flags;
}

const char *probe_rung(const struct probe *probe)
{
	return probe->standing.hooks.text;
}
