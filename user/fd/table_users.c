/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table_users.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "fd/table_copy.h"

/* Threads of one process that are remembered to be in a table of their own. */
#define OWN_TABLES_MAX 1024

void fd_processes_init(struct fd_processes *processes, struct store *store, struct pending *pending,
		       struct holders *holders)
{
	holders_init(holders, store);
	*processes = (struct fd_processes){
		.store = store,
		.pending = pending,
		.holders = holders,
	};
}

void fd_processes_free(struct fd_processes *processes)
{
	while (processes->list)
		fd_processes_remove(processes, processes->list);
}

static void touch(struct fd_processes *processes, struct fd_process *process)
{
	if (!process->next)
		return;
	DL_DELETE(processes->list, process);
	DL_APPEND(processes->list, process);
}

struct fd_process *fd_processes_find(struct fd_processes *processes, uint32_t tgid)
{
	struct fd_process *process;

	HASH_FIND(hh, processes->index, &tgid, sizeof(tgid), process);
	if (process)
		touch(processes, process);
	return process;
}

/* Homes */

static void own_table_free(struct fd_process *process, struct own_table *own)
{
	HASH_DEL(process->own_tables, own);
	free(own);
}

struct table *fd_process_table_of(const struct fd_process *process, uint32_t tid)
{
	struct own_table *own;

	HASH_FIND(hh, process->own_tables, &tid, sizeof(tid), own);
	return own ? own->table : process->main;
}

/* Without memory the thread is taken to be in the main table. */
static void set_own_table(struct fd_process *process, uint32_t tid, struct table *table)
{
	struct own_table *own;

	if (fd_process_table_of(process, tid) == table)
		return;
	HASH_FIND(hh, process->own_tables, &tid, sizeof(tid), own);
	if (own && table == process->main) {
		own_table_free(process, own);
		return;
	}
	if (!own) {
		if (HASH_COUNT(process->own_tables) >= OWN_TABLES_MAX)
			own_table_free(process, process->own_tables);
		own = calloc(1, sizeof(*own));
		if (!own)
			return;
		own->tid = tid;
		HASH_ADD(hh, process->own_tables, tid, sizeof(tid), own);
	}
	own->table = table;
}

static void forget_own_tables(struct fd_process *process, const struct table *table)
{
	struct own_table *own, *next;

	HASH_ITER (hh, process->own_tables, own, next)
		if (own->table == table)
			own_table_free(process, own);
}

/* Uses */

static bool uses(const struct fd_process *process, const struct table *table)
{
	const struct use *use;

	DL_FOREACH (process->uses, use)
		if (use->table == table)
			return true;
	return false;
}

static bool tie(struct fd_process *process, struct table *table)
{
	struct use *use = calloc(1, sizeof(*use));

	if (!use)
		return false;
	use->process = process;
	use->table = table;
	DL_APPEND(process->uses, use);
	DL_APPEND2(table->uses, use, table_prev, table_next);
	if (!process->main)
		process->main = table;
	return true;
}

/* The table goes with its last user. */
static void untie(struct fd_processes *processes, struct use *use)
{
	struct table *table = use->table;
	struct fd_process *process = use->process;

	DL_DELETE(process->uses, use);
	DL_DELETE2(table->uses, use, table_prev, table_next);
	free(use);
	forget_own_tables(process, table);
	if (process->main == table)
		process->main = process->uses ? process->uses->table : NULL;
	if (table->uses)
		return;
	copy_over(processes->pending, table);
	pending_table_over(processes->pending, table);
	table_free(processes->store, table);
}

static void untie_all(struct fd_processes *processes, struct fd_process *process,
		      const struct table *but)
{
	struct use *use, *next;

	DL_FOREACH_SAFE (process->uses, use, next)
		if (use->table != but)
			untie(processes, use);
}

/* Nobody that we thought to be in the table is (but one): its address is in use again. */
static void evict_processes(struct fd_processes *processes, struct table *table,
			    const struct fd_process *but)
{
	struct use *use = table->uses;

	while (use) {
		/* The last one frees the table, and there is none after it. */
		struct use *next = use->table_next;

		if (use->process != but) {
			use->process->evicted = true;
			untie(processes, use);
		}
		use = next;
	}
}

static void evict_address(struct fd_processes *processes, uint64_t address)
{
	struct table *table = address ? table_find(processes->store, address) : NULL;

	if (table)
		evict_processes(processes, table, NULL);
}

/*
 * What does not fit is forgotten, and counted. Its calls go on: what they would have told of a
 * table that others are in, too, or of one that was copied from its own, nobody hears.
 */
static void forget_process(struct fd_processes *processes, struct fd_process *process)
{
	const struct use *use;

	DL_FOREACH (process->uses, use)
		for (struct table *table = use->table; table; table = table->copy)
			pending_sharer(processes->pending, table, processes->store->now_ns);
	processes->store->forgotten += process->main ? process->main->numbers.count : 0;
	fd_processes_remove(processes, process);
}

static void forget_oldest(struct fd_processes *processes)
{
	forget_process(processes, processes->list);
}

int fd_processes_give_up(struct fd_processes *processes, struct fd_process *process)
{
	forget_process(processes, process);
	return -ENOMEM;
}

/* A table more: the least recently active process makes room, though not this one. */
static void make_room_for_table(struct fd_processes *processes, const struct fd_process *process)
{
	const struct store *store = processes->store;

	while (store->ntables >= store->limits.tables && processes->list != process)
		forget_oldest(processes);
}

static struct table *new_table(struct fd_processes *processes, struct fd_process *process,
			       uint64_t address)
{
	struct table *table;

	make_room_for_table(processes, process);
	table = table_new(processes->store, address);
	if (table && !tie(process, table)) {
		table_free(processes->store, table);
		return NULL;
	}
	return table;
}

static struct table *new_copy(struct fd_processes *processes, struct fd_process *process,
			      const struct table *from, uint64_t address, bool inherited)
{
	struct table *table = table_copy(processes->store, from, address, inherited);

	if (table && !tie(process, table)) {
		table_free(processes->store, table);
		return NULL;
	}
	return table;
}

/* Processes */

struct fd_process *fd_processes_add(struct fd_processes *processes, uint32_t tgid)
{
	struct fd_process *process = fd_processes_find(processes, tgid);

	if (process)
		fd_processes_remove(processes, process);
	if (HASH_COUNT(processes->index) >= processes->store->limits.tables)
		forget_oldest(processes);
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->tgid = tgid;
	process->program = program_new(processes->holders);
	HASH_ADD(hh, processes->index, tgid, sizeof(tgid), process);
	DL_APPEND(processes->list, process);
	return process;
}

void fd_processes_remove(struct fd_processes *processes, struct fd_process *process)
{
	pending_process_over(processes->pending, process->tgid);
	untie_all(processes, process, NULL);
	HASH_DEL(processes->index, process);
	DL_DELETE(processes->list, process);
	program_free(process->program);
	free(process);
}

struct table *fd_processes_join(struct fd_processes *processes, struct fd_process *process,
				uint64_t address)
{
	struct table *table = address ? table_find(processes->store, address) : NULL;

	if (table)
		return tie(process, table) ? table : NULL;
	return new_table(processes, process, address);
}

/* The first call of a process whose table was not known shows it. */
static struct table *learn(struct fd_processes *processes, struct fd_process *process,
			   uint64_t address)
{
	struct table *there = table_find(processes->store, address);

	if (process->main && !there) {
		table_place(processes->store, process->main, address);
		return process->main;
	}
	if (there)
		untie_all(processes, process, NULL);
	return fd_processes_join(processes, process, address);
}

/* That it has left its table before may be among what was lost since its last call. */
static bool may_have_left(const struct store *store)
{
	return store->gap_ns && store->traced_ns < store->gap_ns;
}

/* A thread in a table that is new to us: a copy of the one that it was in. */
static struct table *leave_for(struct fd_processes *processes, struct fd_process *process,
			       uint32_t tid, uint64_t address, uint64_t was_in, bool unshared)
{
	bool many = !process->main || !process->main->address || process->uses->next ||
		    process->evicted || !(process->main->whole || process->main->snapshot);
	struct table *from, *table;

	evict_address(processes, address);
	make_room_for_table(processes, process);
	from = fd_process_table_of(process, tid);
	if (!from)
		return new_table(processes, process, address);
	table = new_copy(processes, process, from, address, false);
	if (table)
		copy_began(processes->store, from, table, tid, true);
	/* What has been listed meanwhile is what the first thread has left for. */
	if (tid == process->tgid && processes->store->now_ns <= from->snapshot_ns)
		table_doubt(from);
	/* Of a thread that was not seen before, it is not known which of several it was in. */
	if (table && (!unshared || (was_in ? was_in != from->address : many) ||
		      may_have_left(processes->store)))
		table_doubt(table);
	return table;
}

/*
 * A thread has unshared its table, and a table of ours has the address that it is in now. If it
 * was in another one, that table is gone, and this one new. If it is not known where it was,
 * nothing is.
 */
static bool is_new(struct table *table, uint64_t was_in)
{
	if (was_in)
		return was_in != table->address;
	table_doubt(table);
	return false;
}

struct table *fd_processes_table(struct fd_processes *processes, struct fd_process *process,
				 uint32_t tid, uint64_t address, uint64_t was_in, bool unshared)
{
	struct table *table;

	if (process->main && process->main->address == address && !process->own_tables && !unshared)
		return process->main;
	table = table_find(processes->store, address);
	if (!table || !uses(process, table) || (unshared && is_new(table, was_in))) {
		if (!process->main || (!process->main->address && !unshared))
			table = learn(processes, process, address);
		else
			table = leave_for(processes, process, tid, address, was_in, unshared);
	}
	if (table)
		set_own_table(process, tid, table);
	return table;
}

struct table *fd_processes_inherit(struct fd_processes *processes, struct fd_process *child,
				   struct table *parent, uint64_t address, uint32_t tid,
				   bool shared)
{
	struct table *table;

	evict_address(processes, address);
	if (!parent) {
		table = new_table(processes, child, address);
		if (table)
			table->read_anew = true; /* what its parent did was seen, or lost */
		return table;
	}
	table = new_copy(processes, child, parent, address, true);
	if (table)
		copy_began(processes->store, parent, table, tid, shared);
	return table;
}

/* exec's copy of a table that others use. Without a table that is known, a new one. */
static struct table *exec_copy(struct fd_processes *processes, struct fd_process *process,
			       uint32_t tid, uint64_t address)
{
	struct table *table;

	if (!process->main)
		return new_table(processes, process, address);
	table = new_copy(processes, process, process->main, address, false);
	if (table)
		copy_began(processes->store, process->main, table, tid, true);
	return table;
}

struct table *fd_processes_exec(struct fd_processes *processes, struct fd_process *process,
				uint32_t tid, uint64_t address)
{
	struct table *table = table_find(processes->store, address);
	bool many = process->uses && process->uses->next;

	if (!process->main || !process->main->address) {
		table = learn(processes, process, address);
		many = false;
	} else if (!table || !uses(process, table)) {
		evict_address(processes, address);
		table = exec_copy(processes, process, tid, address);
	}
	if (!table)
		return NULL;
	/* Which thread called exec is not known, nor whether a table is gone, and its address used.
	 */
	if (many)
		table_doubt(table);
	untie_all(processes, process, table);
	evict_processes(processes, table, process);
	return table;
}
