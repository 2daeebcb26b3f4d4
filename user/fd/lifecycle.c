/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/lifecycle.h"

#include <errno.h>
#include <stdlib.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/attribution.h"
#include "fd/table_copy.h"
#include "fd/pending.h"
#include "fd/fd_install.h"
#include "fd/generation.h"
#include "fd/making.h"
#include "fd/owner_names.h"
#include "fd/misdirected.h"
#include "fd/opener.h"
#include "fd/other_ends.h"
#include "fd/ownership.h"
#include "fd/close_range.h"
#include "fd/reuse.h"
#include "fd/sockets.h"
#include "fd/suspects.h"
#include "fd/table.h"
#include "fd/threads.h"
#include "fd/table_users.h"
#include "fd/verdict.h"

struct fd_world {
	struct store store;
	struct pending pending;
	struct fd_processes processes;
	struct threads threads;
	struct reuse reuse;
	struct meaning_facts facts;
	struct owner_names names;
	uint64_t ebadf_closes;
	uint64_t silent;
};

int fd_world_new(const struct fd_limits *limits, finding_fn emit, void *arg,
		 struct fd_world **ret_world)
{
	struct fd_world *world = calloc(1, sizeof(*world));

	if (!world)
		return -ENOMEM;
	store_init(&world->store, limits);
	pending_init(&world->pending, &world->store, emit, arg);
	fd_processes_init(&world->processes, &world->store, &world->pending, &world->facts.holders);
	*ret_world = world;
	return 0;
}

static void discard(void *arg, const struct finding *finding)
{
}

void fd_world_free(struct fd_world *world)
{
	if (!world)
		return;
	world->pending.emit = discard;
	pending_settle(&world->pending, UINT64_MAX);
	fd_processes_free(&world->processes);
	coverage_forget(&world->store);
	threads_free(&world->threads);
	reuse_free(&world->reuse);
	meaning_free(&world->facts);
	owner_names_free(&world->names);
	free(world);
}

/* Processes and their snapshots */

int fd_process_add(struct fd_world *world, uint32_t tgid, uint64_t address, enum fd_since since)
{
	struct fd_process *process = fd_processes_add(&world->processes, tgid);
	struct table *table;

	if (!process)
		return -ENOMEM;
	table = fd_processes_join(&world->processes, process, address);
	if (!table) {
		fd_processes_remove(&world->processes, process);
		return -ENOMEM;
	}
	if (!table->uses->table_next)
		table->whole = since == FD_FROM_START;
	return 0;
}

/* The table that /proc shows: the first thread's. */
static struct table *listed_table(struct fd_world *world, uint32_t tgid)
{
	struct fd_process *process = fd_processes_find(&world->processes, tgid);

	store_trim(&world->store, 0);
	return process ? fd_process_table_of(process, tgid) : NULL;
}

/* Its generation now, if the list is what tells of it. NULL without memory. */
static struct generation *listed_generation(struct store *store, struct table *table,
					    struct slot *slot)
{
	bool again = table->whole || table->snapshot;
	bool lost = slot->newest ? slot_stale(store, slot) : table_gap(store, table);
	struct generation *gen = slot->newest;

	if (!slot_live(slot))
		gen = generation_push(store, slot);
	if (!gen)
		return NULL;
	gen->doubts &= ~(DOUBTS_ABOUT_ORDER | DOUBT_RANGE | DOUBT_COVERED | DOUBT_CLOSE_MISSED);
	/* The list may be of another table by then, unseen. */
	gen->doubts |= doubt_if(again, DOUBT_CLOSE_MISSED);
	generation_unknown(store, gen,
			   lost	   ? SITE_LOST
			   : again ? SITE_OTHER_WAY
				   : SITE_BEFORE_ATTACH);
	return gen;
}

int fd_snapshot_fd(struct fd_world *world, uint32_t tgid, int32_t fd, const struct fd_what *what,
		   bool cloexec)
{
	struct table *table = listed_table(world, tgid);
	struct store *store = &world->store;
	struct slot *slot;
	struct text *text;
	struct generation *gen;

	if (!table)
		return -ESRCH;
	if (fd < 0)
		return -EINVAL;
	slot = slot_get(store, table, fd);
	if (!slot)
		return -ENOMEM;
	if (slot_live(slot) && !slot_stale(store, slot))
		return 0; /* its record came first, and knows more */
	gen = listed_generation(store, table, slot);
	if (!gen)
		return -ENOMEM;
	slot_touch(store, slot);
	gen->began = BEGAN_LISTED;
	gen->cloexec = cloexec;
	text = text_of_what(store, what);
	coverage_listed(table, what, store->now_ns);
	generation_set_what(store, gen, what, text);
	text_unref(store, text);
	return 0;
}

int fd_snapshot_end(struct fd_world *world, uint32_t tgid, uint32_t max_fds, uint32_t threads,
		    uint64_t time_ns)
{
	struct table *table = listed_table(world, tgid);

	if (!table)
		return -ESRCH;
	if (table->whole || table->snapshot)
		table_read_anew(&world->store, table);
	table->snapshot = true;
	table->snapshot_ns = time_ns;
	table->max_fds = max_fds;
	table->alone = threads <= 1 && !table->uses->table_next;
	table->gaps = world->store.gaps;
	return 0;
}

/* Calls that succeeded */

/* A number that the call has made: its generation begins, if the call was not seen to begin it
 * before. */
static int begin(struct fd_world *world, struct table *table, int32_t fd,
		 const struct record_call *call, const struct making *making)
{
	struct generation *gen = installed_by(&world->store, table, fd, call);
	int err = gen ? 0 : generation_begin(&world->store, table, fd, call, making);

	if (gen)
		generation_named(&world->store, slot_find(table, fd), gen, call, making);
	else if (!err)
		pending_opened(&world->pending, slot_find(table, fd), call);
	return err;
}

static int begin_new(struct fd_world *world, struct table *table, const struct record_call *call)
{
	struct making m;
	int err;

	/* signalfd() of a descriptor that it was given changes that one. */
	if ((call->call == CALL_SIGNALFD || call->call == CALL_SIGNALFD4) && call->ret == call->fd)
		return 0;
	m = making_of(&world->store, call);
	err = begin(world, table, call->ret, call, &m);
	text_unref(&world->store, m.text);
	return err;
}

static int begin_pair(struct fd_world *world, struct table *table, const struct record_call *call)
{
	struct making m = making_of(&world->store, call);
	int err, err2;

	if (call->fd < 0 || call->fd2 < 0 || call->fd == call->fd2)
		err = err2 = -EINVAL;
	else {
		m.what.other = call->fd2;
		err = begin(world, table, call->fd, call, &m);
		m.what.other = call->fd;
		err2 = begin(world, table, call->fd2, call, &m);
	}
	text_unref(&world->store, m.text);
	return err ? err : err2;
}

static int replace(struct fd_world *world, struct table *table, const struct record_call *call,
		   const struct making *making)
{
	int err = generation_replace(&world->store, table, call->ret, call, making);
	struct slot *slot;
	struct generation *gen;

	if (err)
		return err;
	slot = slot_find(table, call->ret);
	gen = slot->newest;
	if (gen->older && gen->older->ended.time_ns == call->h.time_ns)
		owner_keeps(gen->older, gen);
	pending_opened(&world->pending, slot, call);
	return 0;
}

static int begin_copy(struct fd_world *world, const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;
	bool onto = call_shape(call->call) == SHAPE_DUP_ONTO;
	struct table *table = ctx->table;
	struct making m;
	int err;

	if (call->ret == call->fd)
		return onto ? 0 : -EINVAL; /* dup2(N, N) only asks whether N is open */
	err = call->fd < 0 ? -EINVAL : generation_seen(&world->store, table, call->fd, call);
	if (err)
		return err;
	if (onto)
		end_by_dup(&world->pending, ctx);
	m = making_copy(&world->store, table, call);
	err = onto ? replace(world, table, call, &m) : begin(world, table, call->ret, call, &m);
	text_unref(&world->store, m.text);
	return err;
}

/* Whose close it was, and whose generation it ended. True: it is a finding that waits. */
static bool judge_close(struct fd_world *world, const struct call_context *ctx,
			const struct intent *intent, struct generation *gen, bool raced)
{
	struct slot *slot = slot_find(ctx->table, ctx->call->fd);
	bool waits;

	if (call_shape(ctx->call->call) == SHAPE_CLOSE)
		gen->ended.origin = owner_origin(intent);
	gen->closer.proofs = reuse_proofs(&world->reuse, gen, ctx->call);
	attribution_closed(ctx, intent, gen, raced);
	suspects_note_closed(&world->threads, ctx, gen);
	pending_explain(&world->pending, slot, ctx->call, gen, raced);
	waits = owner_closed(&world->pending, ctx, intent, gen, raced);
	reuse_note(&world->reuse, gen, ctx->call);
	return waits;
}

static int close_done(struct fd_world *world, const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;
	struct table *table = ctx->table;
	struct intent intent = owner_intent(&world->store, &world->threads, table, call);
	struct generation *gen;
	bool raced;
	int err;

	if (call->fd < 0)
		return -EINVAL;
	err = generation_close(&world->store, table, call->fd, call, intent.stale ? 0 : intent.gen,
			       &gen, &raced);
	if (err)
		return err;
	if (!gen || !judge_close(world, ctx, &intent, gen, raced))
		pending_closed(&world->pending, call);
	return 0;
}

static void range_done(struct fd_world *world, const struct call_context *ctx)
{
	struct intent intent = {.point = OWNER_OS_CLOSE, .fd = ctx->call->fd};
	struct generation *gen;

	range_closed(&world->pending, ctx->table, ctx->call);
	gen = ended_by_range(ctx);
	if (gen)
		judge_close(world, ctx, &intent, gen, false);
}

static int done(struct fd_world *world, const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;
	struct table *table = ctx->table;

	switch (call_shape(call->call)) {
	case SHAPE_CLOSE:
		return close_done(world, ctx);
	case SHAPE_CLOSE_RANGE:
		range_done(world, ctx);
		return 0;
	case SHAPE_OPEN:
	case SHAPE_MAKE:
		return begin_new(world, table, call);
	case SHAPE_PAIR:
		return begin_pair(world, table, call);
	case SHAPE_DUP:
	case SHAPE_DUP_ONTO:
		return begin_copy(world, ctx);
	case SHAPE_SET_FD:
		return generation_set_cloexec(&world->store, table, call);
	case SHAPE_UNSHARE: /* the table is there already */
	case SHAPE_OTHER:
	case SHAPE_ADDRESS:
	case SHAPE_TRANSFER:
		break;
	}
	return 0;
}

/* Calls that failed with EBADF */

static int failed(struct fd_world *world, const struct call_context *ctx)
{
	struct intent intent = owner_intent(&world->store, &world->threads, ctx->table, ctx->call);
	bool closes = call_shape(ctx->call->call) == SHAPE_CLOSE;
	struct verdict verdict;

	(closes ? verdict_close : verdict_use)(ctx, &verdict);
	world->ebadf_closes += closes;
	suspects_note_failed(&world->threads, ctx, &verdict);
	owner_failed(&world->pending, ctx, &intent, &verdict);
	return (closes ? pending_failed : pending_used)(&world->pending, ctx->table, ctx->call,
							&verdict);
}

/* Records */

/*
 * Time has come to this record. By what its thread did before, its call was entered after that;
 * returned is the address of the table that it was in then, 0: not known. installed: the call goes
 * on.
 */
static uint64_t come_to(struct fd_world *world, const struct record_header *record, uint64_t table,
			uint64_t born_ns, bool installed)
{
	struct thread_past past =
		installed ? threads_note_installed(&world->threads, record->tid, record->time_ns)
			  : threads_note(&world->threads, record->tid, record->time_ns, table);
	struct store *store = &world->store;

	store_trim(store, 0);
	store->now_ns = record->time_ns;
	store->traced_ns = past.time_ns > born_ns ? past.time_ns : 0;
	store->after_ns = store->traced_ns ? store->traced_ns : born_ns;
	store->installed_ns = past.installed_ns > born_ns ? past.installed_ns : 0;
	pending_settle(&world->pending, record->time_ns);
	return past.time_ns < born_ns ? 0 : past.table;
}

/*
 * Of a process that nobody added nothing is known; to judge it would be to guess. It may share a
 * table with one that is known.
 */
static void stranger(struct fd_world *world, const struct record_call *call)
{
	struct table *table = table_find(&world->store, call->table);

	if (table)
		pending_sharer(&world->pending, table, call->h.time_ns);
	world->silent += call->ret == -EBADF;
}

int fd_call(struct fd_world *world, const struct record_call *call, const struct caller *caller)
{
	struct call_context ctx = {.store = &world->store,
				   .reuse = &world->reuse,
				   .names = &world->names,
				   .facts = &world->facts,
				   .call = call,
				   .caller = caller};
	struct fd_process *process;
	enum call_shape shape;
	uint64_t was_in;
	int err;

	if (!record_call_is_sane(call))
		return -EINVAL;
	was_in = come_to(world, &call->h, call->table, call->thread_ns,
			 call->call == CALL_INSTALLED);
	if (world->store.after_ns < record_call_bound(call))
		world->store.after_ns = record_call_bound(call);
	process = fd_processes_find(&world->processes, call->h.tgid);
	if (!process) {
		stranger(world, call);
		return 0;
	}
	shape = call_shape(call->call);
	ctx.vfork = process->vfork;
	ctx.program = process->program;
	if (ctx.program && call_unshares(call))
		ctx.program->unshared = true;
	ctx.table = fd_processes_table(&world->processes, process, call->h.tid, call->table, was_in,
				       call_unshares(call));
	if (!ctx.table)
		return fd_processes_give_up(&world->processes, process);
	coverage_call(ctx.table, call);
	/* It does nothing to the table, and may have failed so far. */
	if (shape == SHAPE_ADDRESS) {
		socket_addressed(ctx.table, call);
		return 0;
	}
	copy_late(&world->pending, ctx.table, call);
	if (shape != SHAPE_CLOSE)
		pending_break(&world->pending, call->h.tid);
	if (shape == SHAPE_TRANSFER)
		return transfer_done(&world->pending, &ctx);
	if (record_call_missed(call))
		return failed(world, &ctx);
	/* close() frees the number whatever else goes wrong: EINTR, EIO, EBADF of a file system. */
	if (call->ret < 0 && shape != SHAPE_CLOSE)
		return 0;
	if (shape != SHAPE_CLOSE)
		owner_intent(&world->store, &world->threads, ctx.table, call);
	suspects_note_done(&world->threads, call);
	err = done(world, &ctx);
	opener_note(&ctx);
	return err;
}

int fd_owner(struct fd_world *world, const struct record_owner *record)
{
	struct fd_process *process;
	struct table *table;

	if (record->h.size < sizeof(*record) || !record->table)
		return -EINVAL;
	store_trim(&world->store, 0);
	pending_settle(&world->pending, record->h.time_ns);
	process = fd_processes_find(&world->processes, record->h.tgid);
	if (!process || process->vfork)
		return 0;
	table = fd_processes_table(&world->processes, process, record->h.tid, record->table, 0,
				   false);
	if (!table)
		return fd_processes_give_up(&world->processes, process);
	return owner_says(&world->pending, table, record,
			  threads_intents(&world->threads, record->h.tid));
}

int fd_owner_type(struct fd_world *world, const struct record_owner_type *record)
{
	if (record->h.size < sizeof(*record))
		return -EINVAL;
	return record->type ? owner_names_add(&world->names, record) : 0;
}

static struct table *inherit(struct fd_world *world, struct fd_process *child, struct table *from,
			     const struct record_fork *record)
{
	struct table *table =
		fd_processes_inherit(&world->processes, child, from, record->child_table,
				     record->h.tid, record->users == FORK_TABLE_SHARED);

	if (table)
		installed_since_copy(&world->store, table, record->h.tid);
	return table;
}

int fd_fork(struct fd_world *world, const struct record_fork *record)
{
	struct fd_process *parent, *child;
	struct table *from = NULL, *table;

	if (record->h.size < sizeof(*record) || !record->child_table ||
	    record->child_tgid == record->h.tgid)
		return -EINVAL;
	come_to(world, &record->h, record->parent_table, 0, false);
	fd_processes_find(&world->processes,
			  record->h.tgid); /* active: the child takes another's room */
	child = fd_processes_add(&world->processes, record->child_tgid);
	if (!child)
		return -ENOMEM;
	child->vfork = record->vfork;
	parent = fd_processes_find(&world->processes, record->h.tgid);
	if (parent && record->parent_table)
		from = fd_processes_table(&world->processes, parent, record->h.tid,
					  record->parent_table, 0, false);
	if (record->child_table == record->parent_table)
		table = fd_processes_join(&world->processes, child, record->child_table);
	else
		table = inherit(world, child, from, record);
	if (!table) {
		fd_processes_remove(&world->processes, child);
		return -ENOMEM;
	}
	program_inherit(child->program, parent && !child->vfork ? parent->program : NULL);
	/* Whatever the child does comes after this. */
	threads_note(&world->threads, record->child_tid, record->h.time_ns, record->child_table);
	return 0;
}

int fd_exec(struct fd_world *world, const struct record_exec *record)
{
	struct fd_process *process;
	struct table *table;

	if (record->h.size < sizeof(*record) || !record->table)
		return -EINVAL;
	come_to(world, &record->h, record->table, 0, false);
	process = fd_processes_find(&world->processes, record->h.tgid);
	if (!process)
		return 0;
	pending_process_over(&world->pending, process->tgid);
	program_anew(process->program);
	table = fd_processes_exec(&world->processes, process, record->h.tid, record->table);
	if (!table)
		return fd_processes_give_up(&world->processes, process);
	copy_over(&world->pending, table);
	pending_table_over(&world->pending, table);
	table_exec(&world->store, table);
	process->vfork = false;
	return 0;
}

int fd_unseen(struct fd_world *world, const struct record_unseen *record)
{
	return coverage_told(&world->store, record);
}

int fd_exit(struct fd_world *world, const struct record_exit *record)
{
	struct fd_process *process;

	if (record->h.size < sizeof(*record))
		return -EINVAL;
	pending_settle(&world->pending, record->h.time_ns);
	process = fd_processes_find(&world->processes, record->h.tgid);
	if (process)
		fd_processes_remove(&world->processes, process);
	return 0;
}

void fd_gap(struct fd_world *world, uint64_t time_ns)
{
	pending_gap(&world->pending); /* at any time since the last record */
	pending_settle(&world->pending, time_ns);
	world->store.gaps++;
	world->store.gap_ns = time_ns;
}

void fd_settle(struct fd_world *world, uint64_t now_ns)
{
	pending_settle(&world->pending, now_ns);
}

void fd_world_counts(const struct fd_world *world, struct fd_counts *ret_counts)
{
	*ret_counts = (struct fd_counts){
		.live = world->store.live,
		.tables = world->store.ntables,
		.ebadf_closes = world->ebadf_closes,
		.sweep_closes = world->pending.sweep_closes,
		.silent = world->silent + world->pending.silent,
		.forgotten = world->store.forgotten,
		.bytes = world->store.bytes,
	};
}
