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

#include "fd/pending.h"
#include "fd/table.h"

/* One process uses one table. */
struct use {
	struct use *prev, *next;	     /* of the process */
	struct use *table_prev, *table_next; /* of the table */
	struct user *user;
	struct table *table;
};

/* A thread that is not in its process's main table. */
struct home {
	UT_hash_handle hh;
	uint32_t tid;
	struct table *table;
};

struct user {
	UT_hash_handle hh;
	struct user *prev, *next; /* least recently active first */
	uint32_t tgid;
	bool evicted; /* from a table whose address was in use again: its threads left it unseen */
	bool vfork;   /* a vfork child that has not called exec yet */
	struct use *uses;
	struct table *main; /* NULL: it was lost; the next call shows another */
	struct home *homes;
};

struct users {
	struct store *store;
	struct hold *hold;
	struct user *index; /* by tgid */
	struct user *list;
};

void users_init(struct users *users, struct store *store, struct hold *hold);
void users_free(struct users *users);

/* Marks it as active. */
struct user *users_find(struct users *users, uint32_t tgid);

/*
 * A new process; one of the same number is gone. It has no table yet. Beyond fd_limits.tables
 * the least recently active process is forgotten. NULL without memory.
 */
struct user *users_add(struct users *users, uint32_t tgid);
void users_remove(struct users *users, struct user *user);
/*
 * There is no table for what it does: rather than take what is known of another for that, the
 * process is forgotten. -ENOMEM.
 */
int users_give_up(struct users *users, struct user *user);

/* The table that a thread of it is in, as far as is known. NULL: not known. */
struct table *users_home(const struct user *user, uint32_t tid);

/* The process's table is at address (0: not known yet), shared with whoever is there. */
struct table *users_join(struct users *users, struct user *user, uint64_t address);

/*
 * The table that a thread's call names. was_in: where its call before was, 0: not known.
 * unshared: the call gave the thread a table of its own, unless it was alone in the one that it
 * was in. NULL without memory.
 */
struct table *users_table(struct users *users, struct user *user, uint32_t tid, uint64_t address,
			  uint64_t was_in, bool unshared);

/*
 * fork: the child gets a copy of the parent's table (NULL: not known) at address. tid: who forked;
 * shared: others use the parent's table.
 */
struct table *users_inherit(struct users *users, struct user *child, struct table *parent,
			    uint64_t address, uint32_t tid, bool shared);

/* exec: the process is alone in the table at address, a copy of its own unless the same. */
struct table *users_exec(struct users *users, struct user *user, uint32_t tid, uint64_t address);

#endif
