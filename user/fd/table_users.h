/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who uses which table.
 *
 * A process uses one table; several share one after clone(CLONE_FILES); a thread that calls
 * unshare() leaves for a copy. A table lives as long as a process uses it. The records name
 * a table by its address in the kernel, which is used again as soon as the table is gone, as
 * pids are: whatever contradicts what is known here begins afresh rather than carry over the
 * history of another.
 *
 * Owns: processes and their ties to tables. Never: looks into a table.
 */
#ifndef FDTRACE_FD_TABLE_USERS_H
#define FDTRACE_FD_TABLE_USERS_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "fd/holder.h"
#include "fd/pending.h"
#include "fd/table.h"

/* One process uses one table. */
struct use {
	struct use *prev, *next;	     /* of the process */
	struct use *table_prev, *table_next; /* of the table */
	struct fd_process *process;
	struct table *table;
};

/* A thread that is not in its process's main table. */
struct own_table {
	UT_hash_handle hh;
	uint32_t tid;
	struct table *table;
};

struct fd_process {
	UT_hash_handle hh;
	struct fd_process *prev, *next; /* least recently active first */
	uint32_t tgid;
	bool evicted; /* from a table whose address was in use again: its threads left it unseen */
	bool vfork;   /* a vfork child that has not called exec yet */
	struct use *uses;
	struct table *main; /* NULL: it was lost; the next call shows another */
	struct own_table *own_tables;
	struct program *program; /* NULL: without memory */
};

struct fd_processes {
	struct store *store;
	struct pending *pending;
	struct holders *holders;
	struct fd_process *index; /* by tgid */
	struct fd_process *list;
};

void fd_processes_init(struct fd_processes *processes, struct store *store, struct pending *pending,
		       struct holders *holders);
void fd_processes_free(struct fd_processes *processes);

/* Marks it as active. */
struct fd_process *fd_processes_find(struct fd_processes *processes, uint32_t tgid);

/*
 * A new process; one of the same number is gone. It has no table yet. Beyond fd_limits.tables
 * the least recently active process is forgotten. NULL without memory.
 */
struct fd_process *fd_processes_add(struct fd_processes *processes, uint32_t tgid);
void fd_processes_remove(struct fd_processes *processes, struct fd_process *process);
/*
 * There is no table for what it does: rather than take what is known of another for that, the
 * process is forgotten. -ENOMEM.
 */
int fd_processes_give_up(struct fd_processes *processes, struct fd_process *process);

/* The table that a thread of it is in, as far as is known. NULL: not known. */
struct table *fd_process_table_of(const struct fd_process *process, uint32_t tid);

/* The process's table is at address (0: not known yet), shared with whoever is there. */
struct table *fd_processes_join(struct fd_processes *processes, struct fd_process *process,
				uint64_t address);

/*
 * The table that a thread's call names. was_in: where its call before was, 0: not known.
 * unshared: the call gave the thread a table of its own, unless it was alone in the one that it
 * was in. NULL without memory.
 */
struct table *fd_processes_table(struct fd_processes *processes, struct fd_process *process,
				 uint32_t tid, uint64_t address, uint64_t was_in, bool unshared);

/*
 * fork: the child gets a copy of the parent's table (NULL: not known) at address. tid: who forked;
 * shared: others use the parent's table.
 */
struct table *fd_processes_inherit(struct fd_processes *processes, struct fd_process *child,
				   struct table *parent, uint64_t address, uint32_t tid,
				   bool shared);

/* exec: the process is alone in the table at address, a copy of its own unless the same. */
struct table *fd_processes_exec(struct fd_processes *processes, struct fd_process *process,
				uint32_t tid, uint64_t address);

#endif
