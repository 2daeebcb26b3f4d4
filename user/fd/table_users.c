/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table_users.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "fd/table_copy.h"

/* Threads of one process that are remembered to be in a table of their own. */
#define HOMES_MAX 1024

void users_init(struct users *users, struct store *store, struct hold *hold)
{
	*users = (struct users){.store = store, .hold = hold};
}

void users_free(struct users *users)
{
	while (users->list)
		users_remove(users, users->list);
}

static void touch(struct users *users, struct user *user)
{
	if (!user->next)
		return;
	DL_DELETE(users->list, user);
	DL_APPEND(users->list, user);
}

struct user *users_find(struct users *users, uint32_t tgid)
{
	struct user *user;

	HASH_FIND(hh, users->index, &tgid, sizeof(tgid), user);
	if (user)
		touch(users, user);
	return user;
}

/* Homes */

static void home_free(struct user *user, struct home *home)
{
	HASH_DEL(user->homes, home);
	free(home);
}

struct table *users_home(const struct user *user, uint32_t tid)
{
	struct home *home;

	HASH_FIND(hh, user->homes, &tid, sizeof(tid), home);
	return home ? home->table : user->main;
}

/* Without memory the thread is taken to be in the main table. */
static void set_home(struct user *user, uint32_t tid, struct table *table)
{
	struct home *home;

	if (users_home(user, tid) == table)
		return;
	HASH_FIND(hh, user->homes, &tid, sizeof(tid), home);
	if (home && table == user->main) {
		home_free(user, home);
		return;
	}
	if (!home) {
		if (HASH_COUNT(user->homes) >= HOMES_MAX)
			home_free(user, user->homes);
		home = calloc(1, sizeof(*home));
		if (!home)
			return;
		home->tid = tid;
		HASH_ADD(hh, user->homes, tid, sizeof(tid), home);
	}
	home->table = table;
}

static void forget_homes(struct user *user, const struct table *table)
{
	struct home *home, *next;

	HASH_ITER (hh, user->homes, home, next)
		if (home->table == table)
			home_free(user, home);
}

/* Uses */

static bool uses(const struct user *user, const struct table *table)
{
	const struct use *use;

	DL_FOREACH (user->uses, use)
		if (use->table == table)
			return true;
	return false;
}

static bool tie(struct user *user, struct table *table)
{
	struct use *use = calloc(1, sizeof(*use));

	if (!use)
		return false;
	use->user = user;
	use->table = table;
	DL_APPEND(user->uses, use);
	DL_APPEND2(table->uses, use, table_prev, table_next);
	if (!user->main)
		user->main = table;
	return true;
}

/* The table goes with its last user. */
static void untie(struct users *users, struct use *use)
{
	struct table *table = use->table;
	struct user *user = use->user;

	DL_DELETE(user->uses, use);
	DL_DELETE2(table->uses, use, table_prev, table_next);
	free(use);
	forget_homes(user, table);
	if (user->main == table)
		user->main = user->uses ? user->uses->table : NULL;
	if (table->uses)
		return;
	copy_over(users->hold, table);
	hold_table_over(users->hold, table);
	table_free(users->store, table);
}

static void untie_all(struct users *users, struct user *user, const struct table *but)
{
	struct use *use, *next;

	DL_FOREACH_SAFE (user->uses, use, next)
		if (use->table != but)
			untie(users, use);
}

/* Nobody that we thought to be in the table is (but one): its address is in use again. */
static void evict_users(struct users *users, struct table *table, const struct user *but)
{
	struct use *use = table->uses;

	while (use) {
		/* The last one frees the table, and there is none after it. */
		struct use *next = use->table_next;

		if (use->user != but) {
			use->user->evicted = true;
			untie(users, use);
		}
		use = next;
	}
}

static void evict_address(struct users *users, uint64_t address)
{
	struct table *table = address ? table_find(users->store, address) : NULL;

	if (table)
		evict_users(users, table, NULL);
}

/*
 * What does not fit is forgotten, and counted. Its calls go on: what they would have told of a
 * table that others are in, too, or of one that was copied from its own, nobody hears.
 */
static void forget(struct users *users, struct user *user)
{
	const struct use *use;

	DL_FOREACH (user->uses, use)
		for (struct table *table = use->table; table; table = table->copy)
			hold_strange(users->hold, table, users->store->now_ns);
	users->store->forgotten += user->main ? user->main->numbers.count : 0;
	users_remove(users, user);
}

static void forget_oldest(struct users *users)
{
	forget(users, users->list);
}

int users_give_up(struct users *users, struct user *user)
{
	forget(users, user);
	return -ENOMEM;
}

/* A table more: the least recently active process makes room, though not `user`. */
static void make_room(struct users *users, const struct user *user)
{
	const struct store *store = users->store;

	while (store->ntables >= store->limits.tables && users->list != user)
		forget_oldest(users);
}

static struct table *new_table(struct users *users, struct user *user, uint64_t address)
{
	struct table *table;

	make_room(users, user);
	table = table_new(users->store, address);
	if (table && !tie(user, table)) {
		table_free(users->store, table);
		return NULL;
	}
	return table;
}

static struct table *new_copy(struct users *users, struct user *user, const struct table *from,
			      uint64_t address, bool inherited)
{
	struct table *table = table_copy(users->store, from, address, inherited);

	if (table && !tie(user, table)) {
		table_free(users->store, table);
		return NULL;
	}
	return table;
}

/* Processes */

struct user *users_add(struct users *users, uint32_t tgid)
{
	struct user *user = users_find(users, tgid);

	if (user)
		users_remove(users, user);
	if (HASH_COUNT(users->index) >= users->store->limits.tables)
		forget_oldest(users);
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->tgid = tgid;
	HASH_ADD(hh, users->index, tgid, sizeof(tgid), user);
	DL_APPEND(users->list, user);
	return user;
}

void users_remove(struct users *users, struct user *user)
{
	hold_process_over(users->hold, user->tgid);
	untie_all(users, user, NULL);
	HASH_DEL(users->index, user);
	DL_DELETE(users->list, user);
	free(user);
}

struct table *users_join(struct users *users, struct user *user, uint64_t address)
{
	struct table *table = address ? table_find(users->store, address) : NULL;

	if (table)
		return tie(user, table) ? table : NULL;
	return new_table(users, user, address);
}

/* The first call of a process whose table was not known shows it. */
static struct table *learn(struct users *users, struct user *user, uint64_t address)
{
	struct table *there = table_find(users->store, address);

	if (user->main && !there) {
		table_place(users->store, user->main, address);
		return user->main;
	}
	if (there)
		untie_all(users, user, NULL);
	return users_join(users, user, address);
}

/* That it has left its table before may be among what was lost since its last call. */
static bool may_have_left(const struct store *store)
{
	return store->gap_ns && store->traced_ns < store->gap_ns;
}

/* A thread in a table that is new to us: a copy of the one that it was in. */
static struct table *leave_for(struct users *users, struct user *user, uint32_t tid,
			       uint64_t address, uint64_t was_in, bool unshared)
{
	bool many = !user->main || !user->main->address || user->uses->next || user->evicted ||
		    !(user->main->whole || user->main->snapshot);
	struct table *from, *table;

	evict_address(users, address);
	make_room(users, user);
	from = users_home(user, tid);
	if (!from)
		return new_table(users, user, address);
	table = new_copy(users, user, from, address, false);
	if (table)
		copy_began(users->store, from, table, tid, true);
	/* What has been listed meanwhile is what the first thread has left for. */
	if (tid == user->tgid && users->store->now_ns <= from->snapshot_ns)
		table_doubt(from);
	/* Of a thread that was not seen before, it is not known which of several it was in. */
	if (table &&
	    (!unshared || (was_in ? was_in != from->address : many) || may_have_left(users->store)))
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

struct table *users_table(struct users *users, struct user *user, uint32_t tid, uint64_t address,
			  uint64_t was_in, bool unshared)
{
	struct table *table;

	if (user->main && user->main->address == address && !user->homes && !unshared)
		return user->main;
	table = table_find(users->store, address);
	if (!table || !uses(user, table) || (unshared && is_new(table, was_in))) {
		if (!user->main || (!user->main->address && !unshared))
			table = learn(users, user, address);
		else
			table = leave_for(users, user, tid, address, was_in, unshared);
	}
	if (table)
		set_home(user, tid, table);
	return table;
}

struct table *users_inherit(struct users *users, struct user *child, struct table *parent,
			    uint64_t address, uint32_t tid, bool shared)
{
	struct table *table;

	evict_address(users, address);
	if (!parent) {
		table = new_table(users, child, address);
		if (table)
			table->relisted = true; /* what its parent did was seen, or lost */
		return table;
	}
	table = new_copy(users, child, parent, address, true);
	if (table)
		copy_began(users->store, parent, table, tid, shared);
	return table;
}

/* exec's copy of a table that others use. Without a table that is known, a new one. */
static struct table *exec_copy(struct users *users, struct user *user, uint32_t tid,
			       uint64_t address)
{
	struct table *table;

	if (!user->main)
		return new_table(users, user, address);
	table = new_copy(users, user, user->main, address, false);
	if (table)
		copy_began(users->store, user->main, table, tid, true);
	return table;
}

struct table *users_exec(struct users *users, struct user *user, uint32_t tid, uint64_t address)
{
	struct table *table = table_find(users->store, address);
	bool many = user->uses && user->uses->next;

	if (!user->main || !user->main->address) {
		table = learn(users, user, address);
		many = false;
	} else if (!table || !uses(user, table)) {
		evict_address(users, address);
		table = exec_copy(users, user, tid, address);
	}
	if (!table)
		return NULL;
	/* Which thread called exec is not known, nor whether a table is gone, and its address used.
	 */
	if (many)
		table_doubt(table);
	untie_all(users, user, table);
	evict_users(users, table, user);
	return table;
}
