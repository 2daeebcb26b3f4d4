/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/table_sharers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Threads begin and end while they are counted: then once more. */
#define ATTEMPTS 4

struct tables {
	struct task_table *tasks;
	size_t count, room;
};

static int keep_sharer(void *arg, const void *item)
{
	const struct task_table *task = item;
	struct tables *tables = arg;

	if (tables->count == tables->room) {
		size_t room = 2 * tables->room + 64;
		struct task_table *grown = realloc(tables->tasks, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		tables->tasks = grown;
		tables->room = room;
	}
	tables->tasks[tables->count++] = *task;
	return 0;
}

/*
 * How a table may be used unseen. Each task that was met told how many have it: if those are not as
 * many as were met, there are others, or it is not known.
 */
static uint32_t ways_of(const struct tables *tables, uint64_t table)
{
	uint32_t met = 0, ways = 0;

	for (size_t i = 0; i < tables->count; i++)
		met += tables->tasks[i].table == table;
	for (size_t i = 0; i < tables->count; i++) {
		const struct task_table *task = &tables->tasks[i];

		if (task->table != table)
			continue;
		if (task->users != met)
			ways |= UNSEEN_SHARER;
		if (task->ring)
			ways |= UNSEEN_RING;
	}
	return ways;
}

/* The first of the process's threads to have this table. */
static bool is_first(const struct tables *tables, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (tables->tasks[i].tgid == tables->tasks[at].tgid &&
		    tables->tasks[i].table == tables->tasks[at].table)
			return false;
	return true;
}

static bool has_sharer(const struct tables *tables, pid_t pid)
{
	for (size_t i = 0; i < tables->count; i++)
		if (tables->tasks[i].tgid == (uint32_t)pid &&
		    ways_of(tables, tables->tasks[i].table) & UNSEEN_SHARER)
			return true;
	return false;
}

static int feed_sharers(const struct tables *tables, pid_t pid, uint64_t time_ns, record_fn feed,
			void *arg)
{
	struct record_unseen record = {.all = 1};
	int err = 0;

	for (size_t i = 0; !err && i < tables->count; i++) {
		if (tables->tasks[i].tgid != (uint32_t)pid || !is_first(tables, i))
			continue;
		record_own(&record.h, RECORD_UNSEEN, sizeof(record), pid, time_ns);
		record.table = tables->tasks[i].table;
		record.ways = ways_of(tables, record.table);
		err = feed(arg, &record.h);
	}
	return err;
}

/* From Linux 5.8 on there is no kernel that cannot tell, and none older is supported. */
int table_sharers_look(const struct ebpf *ebpf, pid_t pid, record_fn feed, void *arg)
{
	struct tables tables = {0};
	uint64_t time_ns = 0;
	int err = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		tables.count = 0;
		err = ebpf_each_task(ebpf, keep_sharer, &tables);
		time_ns = clock_boot_ns();
		if (err || !has_sharer(&tables, pid))
			break;
	}
	if (!err)
		err = feed_sharers(&tables, pid, time_ns, feed, arg);
	else if (err != -ENOMEM)
		err = 0;
	free(tables.tasks);
	return err;
}
