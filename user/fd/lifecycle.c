/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/table_copy.h"
#include "fd/pending.h"
#include "fd/fd_install.h"
#include "fd/generation.h"
#include "fd/fd_kind.h"
#include "fd/owner_names.h"
#include "fd/ownership.h"
#include "fd/close_range.h"
#include "fd/reuse.h"
#include "fd/table.h"
#include "fd/threads.h"
#include "fd/table_users.h"
#include "fd/verdict.h"

struct fd_world {
	struct store store;
	struct hold hold;
	struct users users;
	struct threads threads;
	struct reuse reuse;
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
	hold_init(&world->hold, &world->store, emit, arg);
	users_init(&world->users, &world->store, &world->hold);
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
	world->hold.emit = discard;
	hold_settle(&world->hold, UINT64_MAX);
	users_free(&world->users);
	coverage_forget(&world->store);
	threads_free(&world->threads);
	reuse_free(&world->reuse);
	owner_names_free(&world->names);
	free(world);
}

/* Processes and their snapshots */

int fd_process_add(struct fd_world *world, uint32_t tgid, uint64_t address, enum fd_since since)
{
	struct user *user = users_add(&world->users, tgid);
	struct table *table;

	if (!user)
		return -ENOMEM;
	table = users_join(&world->users, user, address);
	if (!table) {
		users_remove(&world->users, user);
		return -ENOMEM;
	}
	if (!table->uses->table_next)
		table->whole = since == FD_FROM_START;
	return 0;
}

/* The table that /proc shows: the first thread's. */
static struct table *listed_table(struct fd_world *world, uint32_t tgid)
{
	struct user *user = users_find(&world->users, tgid);

	store_trim(&world->store, 0);
	return user ? users_home(user, tgid) : NULL;
}

/* Its life now, if the list is what tells of it. NULL without memory. */
static struct life *listed_life(struct store *store, struct table *table, struct number *number)
{
	bool again = table->whole || table->snapshot;
	bool lost = number->newest ? number_stale(store, number) : table_gap(store, table);
	struct life *life = number->newest;

	if (!number_live(number))
		life = life_push(store, number);
	if (!life)
		return NULL;
	life->uncertain = life->crossed = life->swept = life->covered = false;
	life->doubted = again; /* the list may be of another table by then, unseen */
	life_unknown(store, life, lost ? SITE_LOST : again ? SITE_OTHER_WAY : SITE_BEFORE_ATTACH);
	return life;
}

int fd_snapshot_fd(struct fd_world *world, uint32_t tgid, int32_t fd, const struct fd_what *what,
		   bool cloexec)
{
	struct table *table = listed_table(world, tgid);
	struct store *store = &world->store;
	struct number *number;
	struct text *text;
	struct life *life;

	if (!table)
		return -ESRCH;
	if (fd < 0)
		return -EINVAL;
	number = number_get(store, table, fd);
	if (!number)
		return -ENOMEM;
	if (number_live(number) && !number_stale(store, number))
		return 0; /* its record came first, and knows more */
	life = listed_life(store, table, number);
	if (!life)
		return -ENOMEM;
	number_touch(store, number);
	life->listed = true;
	life->cloexec = cloexec;
	text = what->path ? text_new(store, what->path, strlen(what->path)) : NULL;
	coverage_listed(table, what, store->now_ns);
	life_set_what(store, life, what, text);
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
		table_relisted(&world->store, table);
	table->snapshot = true;
	table->snapshot_ns = time_ns;
	table->max_fds = max_fds;
	table->alone = threads <= 1 && !table->uses->table_next;
	table->gaps = world->store.gaps;
	return 0;
}

/* Calls that succeeded */

/* What the call makes; the text is the caller's to drop. */
static struct making making_of(struct store *store, const struct record_call *call)
{
	struct making m = {
		.what.type = made_type(call->call),
		.what.call = call->call,
		.what.flags = call->flags,
		.what.arg = call->arg,
		.cloexec = made_cloexec(call),
	};

	if (call->call == CALL_INSTALLED)
		m.what = installed_what(call);
	if (call->name_size)
		m.text = text_new(store, call->name, call->name_size);
	return m;
}

/* A number that the call has made: its life begins, if the call was not seen to begin it before. */
static int begin(struct fd_world *world, struct table *table, int32_t fd,
		 const struct record_call *call, const struct making *making)
{
	struct life *life = installed_by(&world->store, table, fd, call);
	int err = life ? 0 : life_begin(&world->store, table, fd, call, making);

	if (life)
		life_named(&world->store, number_find(table, fd), life, call, making);
	else if (!err)
		hold_opened(&world->hold, number_find(table, fd), call);
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
		err = begin(world, table, call->fd, call, &m);
		err2 = begin(world, table, call->fd2, call, &m);
	}
	text_unref(&world->store, m.text);
	return err ? err : err2;
}

/* A copy is what the descriptor is that was copied, if that is certain. */
static struct making making_copy(struct store *store, const struct table *table,
				 const struct record_call *call)
{
	const struct number *number = number_find(table, call->fd);
	struct making m = {.cloexec = made_cloexec(call), .copied = true};

	if (number_live(number) && !number_stale(store, number)) {
		m.what = number->newest->what;
		m.text = text_ref(number->newest->text);
	}
	return m;
}

static int replace(struct fd_world *world, struct table *table, const struct record_call *call,
		   const struct making *making)
{
	int err = life_replace(&world->store, table, call->ret, call, making);
	struct number *number;
	struct life *life;

	if (err)
		return err;
	number = number_find(table, call->ret);
	life = number->newest;
	if (life->older && life->older->ended.time_ns == call->h.time_ns)
		owner_keeps(life->older, life);
	hold_opened(&world->hold, number, call);
	return 0;
}

static int begin_copy(struct fd_world *world, struct table *table, const struct record_call *call)
{
	bool onto = call_shape(call->call) == SHAPE_DUP_ONTO;
	struct making m;
	int err;

	if (call->ret == call->fd)
		return onto ? 0 : -EINVAL; /* dup2(N, N) only asks whether N is open */
	err = call->fd < 0 ? -EINVAL : life_seen(&world->store, table, call->fd, call);
	if (err)
		return err;
	m = making_copy(&world->store, table, call);
	err = onto ? replace(world, table, call, &m) : begin(world, table, call->ret, call, &m);
	text_unref(&world->store, m.text);
	return err;
}

static int set_cloexec(struct fd_world *world, struct table *table, const struct record_call *call)
{
	struct number *number;
	int err;

	if (call->fd < 0)
		return -EINVAL;
	err = life_seen(&world->store, table, call->fd, call);
	if (err)
		return err;
	number = number_find(table, call->fd);
	if (number_live(number))
		number->newest->cloexec = call->flags & FD_CLOEXEC;
	return 0;
}

/* Whose close it was, and whose life it ended. True: it is a finding that waits. */
static bool judge_close(struct fd_world *world, const struct scene *scene,
			const struct intent *intent, struct life *life, bool raced)
{
	bool waits;

	life->ended.origin = owner_origin(intent);
	life->proofs = reuse_proofs(&world->reuse, life, scene->call);
	waits = owner_closed(&world->hold, scene, intent, life, raced);
	reuse_note(&world->reuse, life, scene->call);
	return waits;
}

static int close_done(struct fd_world *world, const struct scene *scene)
{
	const struct record_call *call = scene->call;
	struct table *table = scene->table;
	struct intent intent = owner_intent(&world->store, &world->threads, table, call);
	struct life *life;
	bool raced;
	int err;

	if (call->fd < 0)
		return -EINVAL;
	err = life_close(&world->store, table, call->fd, call, intent.stale ? 0 : intent.life,
			 &life, &raced);
	if (err)
		return err;
	if (life)
		hold_explain(&world->hold, number_find(table, call->fd), call, life, raced);
	if (!life || !judge_close(world, scene, &intent, life, raced))
		hold_closed(&world->hold, call);
	return 0;
}

static int done(struct fd_world *world, const struct scene *scene)
{
	const struct record_call *call = scene->call;
	struct table *table = scene->table;

	switch (call_shape(call->call)) {
	case SHAPE_CLOSE:
		return close_done(world, scene);
	case SHAPE_CLOSE_RANGE:
		range_closed(&world->hold, table, call);
		return 0;
	case SHAPE_OPEN:
	case SHAPE_MAKE:
		return begin_new(world, table, call);
	case SHAPE_PAIR:
		return begin_pair(world, table, call);
	case SHAPE_DUP:
	case SHAPE_DUP_ONTO:
		return begin_copy(world, table, call);
	case SHAPE_SET_FD:
		return set_cloexec(world, table, call);
	case SHAPE_UNSHARE: /* the table is there already */
	case SHAPE_OTHER:
		break;
	}
	return 0;
}

/* Calls that failed with EBADF */

static int failed(struct fd_world *world, const struct scene *scene)
{
	struct intent intent =
		owner_intent(&world->store, &world->threads, scene->table, scene->call);
	bool closes = call_shape(scene->call->call) == SHAPE_CLOSE;
	struct verdict verdict;

	if (closes)
		verdict_close(scene, &verdict);
	else
		verdict_use(scene, &verdict);
	world->ebadf_closes += closes;
	owner_failed(&world->hold, scene, &intent, &verdict);
	return (closes ? hold_failed : hold_used)(&world->hold, scene->table, scene->call,
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
	hold_settle(&world->hold, record->time_ns);
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
		hold_strange(&world->hold, table, call->h.time_ns);
	world->silent += call->ret == -EBADF;
}

int fd_call(struct fd_world *world, const struct record_call *call)
{
	struct scene scene = {.store = &world->store,
			      .reuse = &world->reuse,
			      .names = &world->names,
			      .call = call};
	enum call_shape shape;
	uint64_t was_in;
	struct user *user;

	if (!record_call_is_sane(call))
		return -EINVAL;
	was_in = come_to(world, &call->h, call->table, call->thread_ns,
			 call->call == CALL_INSTALLED);
	if (world->store.after_ns < record_call_bound(call))
		world->store.after_ns = record_call_bound(call);
	user = users_find(&world->users, call->h.tgid);
	if (!user) {
		stranger(world, call);
		return 0;
	}
	shape = call_shape(call->call);
	scene.vfork = user->vfork;
	scene.table = users_table(&world->users, user, call->h.tid, call->table, was_in,
				  call_unshares(call));
	if (!scene.table)
		return users_give_up(&world->users, user);
	coverage_call(scene.table, call);
	copy_late(&world->hold, scene.table, call);
	if (shape != SHAPE_CLOSE)
		hold_break(&world->hold, call->h.tid);
	if (record_call_missed(call))
		return failed(world, &scene);
	/* close() frees the number whatever else goes wrong: EINTR, EIO, EBADF of a file system. */
	if (call->ret < 0 && shape != SHAPE_CLOSE)
		return 0;
	if (shape != SHAPE_CLOSE)
		owner_intent(&world->store, &world->threads, scene.table, call);
	return done(world, &scene);
}

int fd_owner(struct fd_world *world, const struct record_owner *record)
{
	struct user *user;
	struct table *table;

	if (record->h.size < sizeof(*record) || !record->table)
		return -EINVAL;
	store_trim(&world->store, 0);
	hold_settle(&world->hold, record->h.time_ns);
	user = users_find(&world->users, record->h.tgid);
	if (!user || user->vfork)
		return 0;
	table = users_table(&world->users, user, record->h.tid, record->table, 0, false);
	if (!table)
		return users_give_up(&world->users, user);
	return owner_says(&world->hold, table, record,
			  threads_intents(&world->threads, record->h.tid));
}

int fd_owner_type(struct fd_world *world, const struct record_owner_type *record)
{
	if (record->h.size < sizeof(*record))
		return -EINVAL;
	return record->type ? owner_names_add(&world->names, record) : 0;
}

static struct table *inherit(struct fd_world *world, struct user *child, struct table *from,
			     const struct record_fork *record)
{
	struct table *table = users_inherit(&world->users, child, from, record->child_table,
					    record->h.tid, record->users == FORK_TABLE_SHARED);

	if (table)
		installed_since_copy(&world->store, table, record->h.tid);
	return table;
}

int fd_fork(struct fd_world *world, const struct record_fork *record)
{
	struct user *parent, *child;
	struct table *from = NULL, *table;

	if (record->h.size < sizeof(*record) || !record->child_table ||
	    record->child_tgid == record->h.tgid)
		return -EINVAL;
	come_to(world, &record->h, record->parent_table, 0, false);
	users_find(&world->users, record->h.tgid); /* active: the child takes another's room */
	child = users_add(&world->users, record->child_tgid);
	if (!child)
		return -ENOMEM;
	child->vfork = record->vfork;
	parent = users_find(&world->users, record->h.tgid);
	if (parent && record->parent_table)
		from = users_table(&world->users, parent, record->h.tid, record->parent_table, 0,
				   false);
	if (record->child_table == record->parent_table)
		table = users_join(&world->users, child, record->child_table);
	else
		table = inherit(world, child, from, record);
	if (!table) {
		users_remove(&world->users, child);
		return -ENOMEM;
	}
	/* Whatever the child does comes after this. */
	threads_note(&world->threads, record->child_tid, record->h.time_ns, record->child_table);
	return 0;
}

int fd_exec(struct fd_world *world, const struct record_exec *record)
{
	struct user *user;
	struct table *table;

	if (record->h.size < sizeof(*record) || !record->table)
		return -EINVAL;
	come_to(world, &record->h, record->table, 0, false);
	user = users_find(&world->users, record->h.tgid);
	if (!user)
		return 0;
	hold_process_over(&world->hold, user->tgid);
	table = users_exec(&world->users, user, record->h.tid, record->table);
	if (!table)
		return users_give_up(&world->users, user);
	copy_over(&world->hold, table);
	hold_table_over(&world->hold, table);
	table_exec(&world->store, table);
	user->vfork = false;
	return 0;
}

int fd_unseen(struct fd_world *world, const struct record_unseen *record)
{
	return coverage_told(&world->store, record);
}

int fd_exit(struct fd_world *world, const struct record_exit *record)
{
	struct user *user;

	if (record->h.size < sizeof(*record))
		return -EINVAL;
	hold_settle(&world->hold, record->h.time_ns);
	user = users_find(&world->users, record->h.tgid);
	if (user)
		users_remove(&world->users, user);
	return 0;
}

void fd_gap(struct fd_world *world, uint64_t time_ns)
{
	hold_gap(&world->hold); /* at any time since the last record */
	hold_settle(&world->hold, time_ns);
	world->store.gaps++;
	world->store.gap_ns = time_ns;
}

void fd_settle(struct fd_world *world, uint64_t now_ns)
{
	hold_settle(&world->hold, now_ns);
}

void fd_world_counts(const struct fd_world *world, struct fd_counts *ret_counts)
{
	*ret_counts = (struct fd_counts){
		.live = world->store.live,
		.tables = world->store.ntables,
		.ebadf_closes = world->ebadf_closes,
		.sweep_closes = world->hold.sweep_closes,
		.silent = world->silent + world->hold.silent,
		.forgotten = world->store.forgotten,
		.bytes = world->store.bytes,
	};
}
