/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/records.h"
#include "base/socket_record.h"
#include "process/parse.h"
#include "process/process.h"
#include "session/roots.h"
#include "session/view.h"
#include "stack/stack.h"

#define SINKS_MAX 8

/* Nothing waits for a racing call, or for the end of a run, nearly so long. */
#define QUIET_NS 10000000000ull

struct session {
	struct fd_world *world;
	struct stack_store *stacks;
	struct process_table *processes;
	struct roots *roots;
	struct sink *sinks[SINKS_MAX]; /* NULL: broken and gone */
	size_t sink_count;
	uint64_t *next_seq; /* by CPU */
	size_t cpus;
	uint64_t records;
	uint64_t findings[FINDING_KINDS];
	uint64_t suspected, info;
	uint64_t gaps;
	uint64_t lost_told;   /* records lost, by the last word of it */
	uint64_t lost_jumped; /* by what the sequences have shown */
	uint64_t processes_seen;
	uint64_t stacks_missing;
	size_t alive;
	uint64_t started_ns;
	uint64_t last_ns;    /* the latest time in a record */
	uint64_t arrived_ns; /* the same, of the kernel side's */
	uint64_t quiet_ns;   /* when a tick cannot matter any more, unless a record comes */
	int64_t wall_offset_ns;
	struct ending {
		uint64_t lost[LOSS_CAUSES];
		uint64_t compat_calls;
		const char **unseen; /* into text; ended by NULL */
		const char *hooks;   /* likewise; NULL: not told */
		char *text;
	} ending;  /* RECORD_END's */
	int error; /* of a sink, during a record or tick */
};

/* A sink that fails gets nothing more; the first error is told to the owner. */
#define EACH_SINK(session, method, ...)                         \
	for (size_t _i = 0; _i < (session)->sink_count; _i++) { \
		struct sink *_sink = (session)->sinks[_i];      \
		int _err;                                       \
                                                                \
		if (!_sink || !_sink->method)                   \
			continue;                               \
		_err = _sink->method(_sink, ##__VA_ARGS__);     \
		if (_err)                                       \
			drop_sink(session, _i, _err);           \
	}

static void free_sink(struct sink *sink)
{
	if (sink && sink->free)
		sink->free(sink);
}

static void drop_sink(struct session *session, size_t i, int err)
{
	free_sink(session->sinks[i]);
	session->sinks[i] = NULL;
	if (!session->error)
		session->error = err;
}

/* A process that is not known any more: its pid is all that can be said. */
static struct process *process_or_bare(struct session *session, uint32_t pid, struct process *bare)
{
	struct process *process = process_find(session->processes, pid);

	if (process)
		return process;
	memset(bare, 0, sizeof(*bare));
	bare->pid = pid;
	return bare;
}

/*
 * dash and bash close a pipeline's pipes twice in its children, which have one thread and exec
 * soon.
 */
static void weigh(struct finding *finding, const struct process *process)
{
	const struct finding_kind_row *kind = finding_kind_row(finding->kind);

	if (kind->in_shell != kind->severity && process_is_shell(process)) {
		finding->severity = kind->in_shell;
		finding->notes |= NOTE_SHELL;
	}
}

static void pass_finding(struct session *session, struct finding *finding,
			 const struct process *process)
{
	struct finding_view view = {
		.finding = finding,
		.process = process,
		.wall_offset_ns = session->wall_offset_ns,
	};
	struct root root;

	session->stacks_missing += view_resolve(session->stacks, &view);
	roots_trace(session->roots, &view, &root);
	/* Who is to blame, the finding says that this one follows from. */
	if (root.cleared)
		finding->culprit = CULPRIT_UNKNOWN;
	EACH_SINK(session, finding, &view);
	view_free_stacks(&view);
}

static void on_finding(void *arg, const struct finding *finding)
{
	struct session *session = arg;
	struct process bare;
	const struct process *process = process_or_bare(session, finding->tgid, &bare);
	struct finding weighed = *finding;

	weigh(&weighed, process);
	session->findings[finding->kind]++;
	session->suspected += finding->certainty == CERTAINTY_SUSPECTED;
	session->info += weighed.severity == SEVERITY_INFO;
	pass_finding(session, &weighed, process);
}

int session_new(const struct session_options *options, struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	size_t memory = options->memory ? options->memory : SESSION_MEMORY;
	struct fd_limits fd = options->fd;
	struct stack_limits stack = {
		.stacks = options->max_stacks,
		.stack_bytes = memory / 10,
		.native_bytes = memory / 20,
		.code_bytes = memory / 4,
	};
	int err = -ENOMEM;

	if (!session)
		return err;
	fd.bytes = memory / 10 * 6;
	err = fd_world_new(&fd, on_finding, session, &session->world);
	if (!err)
		err = stack_store_new(&stack, options->forget_stack, options->forget_arg,
				      &session->stacks);
	if (!err)
		err = process_table_new(&session->processes);
	if (!err)
		err = roots_new(&session->roots);
	if (err) {
		session_free(session);
		return err;
	}
	session->started_ns = session->last_ns = options->started_ns;
	session->wall_offset_ns = options->wall_offset_ns;
	*ret_session = session;
	return 0;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	for (size_t i = 0; i < session->sink_count; i++)
		free_sink(session->sinks[i]);
	fd_world_free(session->world);
	stack_store_free(session->stacks);
	process_table_free(session->processes);
	roots_free(session->roots);
	free(session->next_seq);
	free(session->ending.unseen);
	free(session->ending.text);
	free(session);
}

int session_add_sink(struct session *session, struct sink *sink)
{
	if (session->sink_count == SINKS_MAX)
		return -ENOSPC;
	session->sinks[session->sink_count++] = sink;
	return 0;
}

bool session_has_process(const struct session *session, pid_t pid)
{
	const struct process *process = process_find(session->processes, pid);

	return process && !process->exited;
}

static void pass_change(struct session *session, const struct process *process,
			enum process_change change, uint32_t parent)
{
	const struct process_view view = {process, change, parent};

	EACH_SINK(session, process, &view);
}

/* What the user side learned */

static int on_process_record(struct session *session, const struct record_process *record)
{
	bool known = session_has_process(session, record->h.tgid);
	const struct process *process = process_learned(session->processes, record);

	if (!process)
		return -errno;
	known |= record->since == PROCESS_KNOWN;
	if (!known || record->facts & PROCESS_EXE)
		pass_change(session, process, known ? CHANGE_PROGRAM : CHANGE_NEW, 0);
	if (known)
		return 0;
	session->alive++;
	session->processes_seen++;
	return fd_process_add(session->world, record->h.tgid, 0,
			      record->since == PROCESS_FROM_START ? FD_FROM_START : FD_FROM_ATTACH);
}

static int on_runtime(struct session *session, const struct record_runtime *record)
{
	return process_runs(session->processes, record) ? 0 : -ESRCH;
}

static int on_open_fd(struct session *session, const struct record_open_fd *record)
{
	struct fd_what what = {.type = FD_UNKNOWN};
	struct record_socket socket;
	char link[RECORD_NAME_MAX + 1];

	memcpy(link, record->link, record->link_size);
	link[record->link_size] = '\0';
	if (record->link_size)
		proc_parse_fd_link(link, &what);
	if (what.type == FD_SOCKET && socket_of_open_fd(record, &socket))
		what.socket = &socket;
	what.arg = record->ring_flags;
	return fd_snapshot_fd(session->world, record->h.tgid, record->fd, &what, record->cloexec);
}

static int on_snapshot(struct session *session, const struct record_snapshot *record)
{
	return fd_snapshot_end(session->world, record->h.tgid, record->max_fds, record->threads,
			       record->h.time_ns);
}

static int on_forget(struct session *session, const struct record_header *record)
{
	const struct process *process = process_find(session->processes, record->tgid);

	if (!process)
		return -ESRCH;
	session->alive -= !process->exited;
	session->processes_seen--;
	pass_change(session, process, CHANGE_FORGET, 0);
	process_remove(session->processes, record->tgid);
	return 0;
}

static int on_tick(struct session *session, const struct record_header *record)
{
	fd_settle(session->world, record->time_ns);
	return 0;
}

/* The sentences, each with a NUL behind it; what has none is left out. */
static int keep_unseen(struct ending *ending, const char *text, const struct record_end *record)
{
	size_t at = 0, count = 0;

	ending->unseen = calloc(record->unseen + 1, sizeof(*ending->unseen));
	ending->text = mem_dup_text(text, record->unseen_size);
	if (!ending->unseen || !ending->text)
		return -ENOMEM;
	while (count < record->unseen && at < record->unseen_size) {
		ending->unseen[count++] = ending->text + at;
		at += strlen(ending->text + at) + 1;
	}
	if (at < record->unseen_size)
		ending->hooks = ending->text + at;
	return 0;
}

static int on_end(struct session *session, const struct record_end *record)
{
	struct ending *ending = &session->ending;
	size_t causes = record->causes < LOSS_CAUSES ? record->causes : LOSS_CAUSES;
	size_t skipped = record->causes * sizeof(*ending->lost);

	if (ending->text)
		return -EINVAL;
	fd_settle(session->world, UINT64_MAX);
	memcpy(ending->lost, record->data, causes * sizeof(*ending->lost));
	ending->compat_calls = record->compat_calls;
	return keep_unseen(ending, (const char *)record->data + skipped, record);
}

/* What the kernel side saw */

/* Room for the sequence of a CPU that has not been seen yet. */
static int grow_cpus(struct session *session, size_t cpu)
{
	uint64_t *grown = realloc(session->next_seq, (cpu + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memset(grown + session->cpus, 0, (cpu + 1 - session->cpus) * sizeof(*grown));
	session->next_seq = grown;
	session->cpus = cpu + 1;
	return 0;
}

static void lost_some(struct session *session, uint64_t time_ns)
{
	session->gaps++;
	fd_gap(session->world, time_ns);
}

/*
 * Every record tried draws a number on its CPU: a jump means that some did not arrive. The word of
 * it comes before: then it is nothing new.
 */
static int check_sequence(struct session *session, const struct record_header *record)
{
	if (record->cpu == RECORD_NO_CPU)
		return 0;
	if (record->cpu >= session->cpus) {
		int err = grow_cpus(session, record->cpu);

		if (err)
			return err;
	}
	if (record->seq > session->next_seq[record->cpu]) {
		session->lost_jumped += record->seq - session->next_seq[record->cpu];
		if (session->lost_jumped > session->lost_told)
			lost_some(session, record->time_ns);
	}
	session->next_seq[record->cpu] = record->seq + 1;
	return 0;
}

static int on_call(struct session *session, const struct record_call *call)
{
	struct process bare, *process = process_or_bare(session, call->h.tgid, &bare);
	struct call_view view = {
		.call = call,
		.process = process,
		.wall_offset_ns = session->wall_offset_ns,
	};
	struct caller caller;
	bool wanted = false;

	process->calls++;
	for (size_t i = 0; i < session->sink_count; i++)
		wanted |= session->sinks[i] && session->sinks[i]->call;
	if (wanted) {
		struct stack *stack = view_stack(session->stacks, call->stack_id, call->python,
						 call->native, record_call_native(call));

		if (stack)
			stack_add_receivers(session->stacks, call, stack);
		view.stack = stack;
		EACH_SINK(session, call, &view);
		stack_free(stack);
	}
	stack_caller(session->stacks, call, &caller);
	return fd_call(session->world, call, &caller);
}

static bool same_process(const struct process *known, const struct record_fork *record)
{
	return known && !known->exited && process_started(known, record->child_start_ns);
}

static int on_fork(struct session *session, const struct record_fork *record)
{
	const struct process *child = process_find(session->processes, record->child_tgid);

	if (same_process(child, record))
		return 0; /* attached to on its own before this record was read */
	child = process_forked(session->processes, record);
	if (!child && errno != ENOSPC)
		return -errno;
	session->alive += !!child;
	session->processes_seen++;
	if (child)
		pass_change(session, child, CHANGE_FORK, record->h.tgid);
	return fd_fork(session->world, record);
}

static int on_exec(struct session *session, const struct record_exec *record)
{
	/* What waited is the program's that was: it is decided while that is still known. */
	int err = fd_exec(session->world, record);
	const struct process *process = process_execed(session->processes, record);

	if (process)
		pass_change(session, process, CHANGE_EXEC, 0);
	return err;
}

static int on_process_exit(struct session *session, const struct record_exit *record)
{
	struct process *process = process_find(session->processes, record->h.tgid);

	if (process && !process->exited) {
		session->alive--;
		pass_change(session, process, CHANGE_EXIT, 0);
	}
	process_exited(session->processes, record);
	return fd_exit(session->world, record);
}

static int dispatch(struct session *session, const struct record_header *record)
{
	const void *r = record;

	switch (record->type) {
	case RECORD_CALL:
		return on_call(session, r);
	case RECORD_STACK:
	case RECORD_CODE:
	case RECORD_CODE_TABLE:
	case RECORD_NATIVE_STACK:
	case RECORD_RIGHTS:
		return stack_store_record(session->stacks, record);
	case RECORD_OWNER:
		return fd_owner(session->world, r);
	case RECORD_OWNER_TYPE:
		return fd_owner_type(session->world, r);
	case RECORD_FORK:
		return on_fork(session, r);
	case RECORD_UNSEEN:
		return fd_unseen(session->world, r);
	case RECORD_EXEC:
		return on_exec(session, r);
	case RECORD_EXIT:
		return on_process_exit(session, r);
	case RECORD_LOST:
		if (record->seq > session->lost_told)
			session->lost_told = record->seq;
		lost_some(session, record->time_ns);
		return 0;
	case RECORD_PROCESS:
		return on_process_record(session, r);
	case RECORD_RUNTIME:
		return on_runtime(session, r);
	case RECORD_OPEN_FD:
		return on_open_fd(session, r);
	case RECORD_SNAPSHOT:
		return on_snapshot(session, r);
	case RECORD_FORGET:
		return on_forget(session, record);
	case RECORD_TICK:
		return on_tick(session, record);
	case RECORD_END:
		return on_end(session, r);
	case RECORD_MAP:    /* the owner's: which Python a process runs */
	case RECORD_MODULE: /* and these two: what its native stacks are made of */
	case RECORD_NATIVE:
	case RECORD_SOURCE: /* the reports' */
		return 0;
	}
	return -EINVAL;
}

/* One of the kernel side's: counted, and its sequence looked at. */
static int arrived(struct session *session, const struct record_header *record)
{
	int err = check_sequence(session, record);

	if (!err)
		session->records += record->cpu != RECORD_NO_CPU;
	if (record->cpu != RECORD_NO_CPU && record->time_ns > session->arrived_ns)
		session->arrived_ns = record->time_ns;
	session->quiet_ns = session->last_ns + QUIET_NS;
	return err;
}

int session_record(struct session *session, const struct record_header *record)
{
	int err = 0;

	if (!record_valid(record))
		return -EINVAL;
	session->error = 0;
	if (record->time_ns > session->last_ns)
		session->last_ns = record->time_ns;
	if (record->type < RECORD_OWN)
		err = arrived(session, record);
	if (!err)
		err = dispatch(session, record);
	return session->error ? session->error : err;
}

bool session_wants_tick(const struct session *session, uint64_t now_ns)
{
	return now_ns < session->quiet_ns;
}

int session_flush(struct session *session)
{
	session->error = 0;
	EACH_SINK(session, flush);
	return session->error;
}

uint64_t session_stats_findings(const struct session_stats *stats)
{
	return counts_sum(stats->findings, FINDING_KINDS) - stats->info;
}

uint64_t session_gaps(const struct session *session)
{
	return session->gaps;
}

size_t session_living(const struct session *session, pid_t **ret)
{
	return process_living(session->processes, ret);
}

uint64_t session_arrived_ns(const struct session *session)
{
	return session->arrived_ns;
}

const struct process *session_process(const struct session *session, pid_t pid)
{
	return process_find(session->processes, pid);
}

bool session_process_started(const struct session *session, pid_t pid, uint64_t start_ns)
{
	const struct process *process = process_find(session->processes, pid);

	return process && process_started(process, start_ns);
}

void session_stats(const struct session *session, struct session_stats *ret_stats)
{
	struct stack_counts stacks;
	struct fd_counts counts;

	memset(ret_stats, 0, sizeof(*ret_stats));
	fd_world_counts(session->world, &counts);
	memcpy(ret_stats->findings, session->findings, sizeof(session->findings));
	ret_stats->suspected = session->suspected;
	ret_stats->info = session->info;
	stack_store_forgotten(session->stacks, &stacks);
	ret_stats->forgotten = counts.forgotten;
	ret_stats->forgotten_stacks = stacks.stacks;
	ret_stats->forgotten_codes = stacks.codes;
	ret_stats->records = session->records;
	ret_stats->processes = session->alive;
	ret_stats->processes_seen = session->processes_seen;
	ret_stats->descriptors = counts.live;
	ret_stats->sweep_closes = counts.sweep_closes;
	ret_stats->silent = counts.silent;
	ret_stats->stacks_missing = session->stacks_missing;
	memcpy(ret_stats->lost, session->ending.lost, sizeof(session->ending.lost));
	ret_stats->compat_calls = session->ending.compat_calls;
	ret_stats->unseen = session->ending.unseen;
	ret_stats->hooks = session->ending.hooks;
	ret_stats->duration_ns = session->last_ns - session->started_ns;
}

int session_end(struct session *session, bool summary)
{
	struct session_stats stats;

	session->error = 0;
	fd_settle(session->world, UINT64_MAX);
	session_stats(session, &stats);
	if (summary)
		EACH_SINK(session, end, &stats);
	EACH_SINK(session, flush);
	return session->error;
}
