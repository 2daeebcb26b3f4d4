/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "process/proc.h"
#include "process/process.h"
#include "stack/stack.h"

#define SINKS_MAX 8

struct session {
	struct fd_world *world;
	struct stack_store *stacks;
	struct process_table *processes;
	struct sink *sinks[SINKS_MAX]; /* NULL: broken and gone */
	size_t sink_count;
	uint64_t *next_seq; /* by CPU */
	size_t cpus;
	uint64_t records;
	uint64_t findings[FINDING_KINDS];
	uint64_t suspected;
	uint64_t processes_seen;
	uint64_t stacks_missing;
	size_t alive;
	uint64_t started_ns;
	int64_t wall_offset_ns;
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
static const struct process *process_or_bare(struct session *session, uint32_t pid,
					     struct process *bare)
{
	const struct process *process = process_find(session->processes, pid);

	if (process)
		return process;
	memset(bare, 0, sizeof(*bare));
	bare->pid = pid;
	return bare;
}

static struct stack *site_stack(struct session *session, const struct fd_site *site)
{
	struct stack *stack;

	if (site->missing != SITE_SEEN)
		return NULL;
	stack = stack_resolve(session->stacks, site->stack_id, site->python);
	if (stack && stack->lost)
		session->stacks_missing++;
	return stack;
}

static void on_finding(void *arg, const struct finding *finding)
{
	struct session *session = arg;
	struct stack *bad = site_stack(session, &finding->bad);
	struct stack *closed = site_stack(session, &finding->closed);
	struct stack *opened = site_stack(session, &finding->opened);
	struct process bare;
	struct finding_view view = {
		.finding = finding,
		.process = process_or_bare(session, finding->tgid, &bare),
		.bad = bad,
		.closed = closed,
		.opened = opened,
		.wall_offset_ns = session->wall_offset_ns,
	};

	session->findings[finding->kind]++;
	session->suspected += finding->certainty == CERTAINTY_SUSPECTED;
	EACH_SINK(session, finding, &view);
	stack_free(bad);
	stack_free(closed);
	stack_free(opened);
}

int session_new(const struct session_options *options, struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	int err = -ENOMEM;

	if (!session)
		return err;
	err = fd_world_new(&options->fd, on_finding, session, &session->world);
	if (!err)
		err = stack_store_new(options->max_stacks, options->forget_stack,
				      options->forget_arg, &session->stacks);
	if (!err)
		err = process_table_new(&session->processes);
	if (err) {
		session_free(session);
		return err;
	}
	session->started_ns = clock_boot_ns();
	session->wall_offset_ns = clock_wall_offset_ns();
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
	free(session->next_seq);
	free(session);
}

int session_add_sink(struct session *session, struct sink *sink)
{
	if (session->sink_count == SINKS_MAX)
		return -ENOSPC;
	session->sinks[session->sink_count++] = sink;
	return 0;
}

struct snapshot {
	struct session *session;
	uint32_t pid;
};

static int on_open_fd(void *arg, int32_t fd, const struct fd_what *what, bool cloexec)
{
	struct snapshot *snapshot = arg;

	return fd_snapshot_fd(snapshot->session->world, snapshot->pid, fd, what, cloexec);
}

int session_snapshot(struct session *session, pid_t pid)
{
	struct snapshot snapshot = {session, pid};
	uint32_t max_fds = 0;
	int err = proc_each_fd(pid, on_open_fd, &snapshot);

	if (err)
		return err;
	proc_fd_size(pid, &max_fds);
	return fd_snapshot_end(session->world, pid, max_fds, clock_boot_ns());
}

void session_remove_process(struct session *session, pid_t pid)
{
	process_remove(session->processes, pid);
	session->alive--;
	session->processes_seen--;
}

bool session_has_process(const struct session *session, pid_t pid)
{
	const struct process *process = process_find(session->processes, pid);

	return process && !process->exited;
}

int session_add_process(struct session *session, pid_t pid, enum fd_since since)
{
	if (!process_add(session->processes, pid))
		return -ESRCH;
	session->alive++;
	session->processes_seen++;
	return fd_process_add(session->world, pid, 0, since);
}

void session_set_runtime(struct session *session, pid_t pid, const char *runtime)
{
	struct process *process = process_find(session->processes, pid);

	if (!process)
		return;
	free(process->runtime);
	process->runtime = strdup(runtime);
}

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

/* Every record tried draws a number on its CPU: a jump means that some did not arrive. */
static int check_sequence(struct session *session, const struct record_header *record)
{
	if (record->cpu == RECORD_NO_CPU)
		return 0;
	if (record->cpu >= session->cpus) {
		int err = grow_cpus(session, record->cpu);

		if (err)
			return err;
	}
	if (record->seq > session->next_seq[record->cpu])
		fd_gap(session->world, record->time_ns);
	session->next_seq[record->cpu] = record->seq + 1;
	return 0;
}

static int on_call(struct session *session, const struct record_call *call)
{
	struct process bare;
	struct call_view view = {
		.call = call,
		.process = process_or_bare(session, call->h.tgid, &bare),
		.wall_offset_ns = session->wall_offset_ns,
	};
	bool wanted = false;

	for (size_t i = 0; i < session->sink_count; i++)
		wanted |= session->sinks[i] && session->sinks[i]->call;
	if (wanted) {
		struct stack *stack = stack_resolve(session->stacks, call->stack_id, call->python);

		view.stack = stack;
		EACH_SINK(session, call, &view);
		stack_free(stack);
	}
	return fd_call(session->world, call);
}

/* /proc gives start times in clock ticks, the record in nanoseconds. */
#define START_SLACK_NS 20000000

static bool same_process(const struct process *known, const struct record_fork *record)
{
	return known && !known->exited &&
	       known->start_ns + START_SLACK_NS > record->child_start_ns &&
	       known->start_ns < record->child_start_ns + START_SLACK_NS;
}

static int on_fork(struct session *session, const struct record_fork *record)
{
	if (same_process(process_find(session->processes, record->child_tgid), record))
		return 0; /* attached to on its own before this record was read */
	if (!process_forked(session->processes, record))
		return -ENOMEM;
	session->alive++;
	session->processes_seen++;
	return fd_fork(session->world, record);
}

static int on_exec(struct session *session, const struct record_exec *record)
{
	/* What waited is the program's that was: it is decided while that is still known. */
	int err = fd_exec(session->world, record);

	process_execed(session->processes, record);
	return err;
}

static int on_process_exit(struct session *session, const struct record_exit *record)
{
	struct process *process = process_find(session->processes, record->h.tgid);

	if (process && !process->exited)
		session->alive--;
	process_exited(session->processes, record);
	return fd_exit(session->world, record);
}

#define CHECKED(type, record, handler) \
	((record)->size < sizeof(type) ? -EINVAL : handler(session, (const type *)(record)))

static int dispatch(struct session *session, const struct record_header *record)
{
	switch (record->type) {
	case RECORD_CALL:
		return CHECKED(struct record_call, record, on_call);
	case RECORD_STACK:
	case RECORD_CODE:
	case RECORD_CODE_TABLE:
		return stack_store_record(session->stacks, record);
	case RECORD_FORK:
		return CHECKED(struct record_fork, record, on_fork);
	case RECORD_EXEC:
		return CHECKED(struct record_exec, record, on_exec);
	case RECORD_EXIT:
		return CHECKED(struct record_exit, record, on_process_exit);
	case RECORD_LOST:
		fd_gap(session->world, record->time_ns);
		return 0;
	case RECORD_MAP:
		return 0; /* the owner's: which Python a process runs */
	}
	return -EINVAL;
}

int session_record(struct session *session, const struct record_header *record)
{
	int err = check_sequence(session, record);

	if (err)
		return err;
	session->error = 0;
	session->records++;
	err = dispatch(session, record);
	return session->error ? session->error : err;
}

int session_tick(struct session *session, uint64_t now_ns)
{
	session->error = 0;
	fd_settle(session->world, now_ns);
	EACH_SINK(session, flush);
	return session->error;
}

uint64_t session_stats_findings(const struct session_stats *stats)
{
	uint64_t n = 0;

	for (int kind = 0; kind < FINDING_KINDS; kind++)
		if (kind != FINDING_BAD_FD && kind != FINDING_CLOSE_SWEEP)
			n += stats->findings[kind];
	return n;
}

size_t session_alive(const struct session *session)
{
	return session->alive;
}

void session_stats(const struct session *session, struct session_stats *ret_stats)
{
	struct fd_counts counts;

	memset(ret_stats, 0, sizeof(*ret_stats));
	fd_world_counts(session->world, &counts);
	memcpy(ret_stats->findings, session->findings, sizeof(session->findings));
	ret_stats->suspected = session->suspected;
	ret_stats->records = session->records;
	ret_stats->processes = session->alive;
	ret_stats->processes_seen = session->processes_seen;
	ret_stats->descriptors = counts.live;
	ret_stats->sweep_closes = counts.sweep_closes;
	ret_stats->silent = counts.silent;
	ret_stats->stacks_missing = session->stacks_missing;
	ret_stats->duration_ns = clock_boot_ns() - session->started_ns;
}

int session_end(struct session *session, const struct session_stats *stats)
{
	session->error = 0;
	EACH_SINK(session, end, stats);
	EACH_SINK(session, flush);
	return session->error;
}
