/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Processes whose modules are known: of others they are looked for when they are needed. */
#define PROCESSES_MAX 4096

struct process_modules {
	uint32_t pid;
	size_t count;
	size_t room;
	struct message_module *modules;
	UT_hash_handle hh;
};

struct module_table {
	struct process_modules *processes; /* oldest first */
};

struct module_table *modules_new(void)
{
	return calloc(1, sizeof(struct module_table));
}

static struct process_modules *find(const struct module_table *table, uint32_t pid)
{
	struct process_modules *process;

	HASH_FIND(hh, table->processes, &pid, sizeof(pid), process);
	return process;
}

static void drop(struct module_table *table, struct process_modules *process)
{
	HASH_DEL(table->processes, process);
	free(process->modules);
	free(process);
}

void modules_drop(struct module_table *table, uint32_t pid)
{
	struct process_modules *process = find(table, pid);

	if (process)
		drop(table, process);
}

void modules_drop_all(struct module_table *table)
{
	while (table->processes)
		drop(table, table->processes);
}

void modules_free(struct module_table *table)
{
	if (!table)
		return;
	modules_drop_all(table);
	free(table);
}

static struct process_modules *find_or_add(struct module_table *table, uint32_t pid)
{
	struct process_modules *process = find(table, pid);

	if (process)
		return process;
	if (HASH_COUNT(table->processes) >= PROCESSES_MAX)
		drop(table, table->processes);
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	HASH_ADD(hh, table->processes, pid, sizeof(process->pid), process);
	if (!process->hh.tbl) {
		free(process);
		return NULL;
	}
	return process;
}

/* Of a program's own file the end is not known: one address of it. */
static bool overlaps(const struct message_module *a, const struct message_module *b)
{
	uint64_t a_end = a->end ? a->end : a->start + 1, b_end = b->end ? b->end : b->start + 1;

	return a->start < b_end && b->start < a_end;
}

static void remove_overlaps(struct process_modules *process, const struct message_module *module)
{
	size_t kept = 0;

	for (size_t i = 0; i < process->count; i++)
		if (!overlaps(&process->modules[i], module))
			process->modules[kept++] = process->modules[i];
	process->count = kept;
}

static int make_room(struct process_modules *process, size_t count)
{
	struct message_module *grown;

	if (count <= process->room)
		return 0;
	grown = reallocarray(process->modules, 2 * count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	process->modules = grown;
	process->room = 2 * count;
	return 0;
}

int modules_add(struct module_table *table, uint32_t pid, const struct message_module *module)
{
	struct process_modules *process = find_or_add(table, pid);
	int err;

	if (!process)
		return -ENOMEM;
	remove_overlaps(process, module);
	if (process->count == MESSAGE_MODULES_MAX)
		return -ENOSPC;
	err = make_room(process, process->count + 1);
	if (!err)
		process->modules[process->count++] = *module;
	return err;
}

const struct message_module *modules_of(const struct module_table *table, uint32_t pid,
					size_t *ret_count)
{
	const struct process_modules *process = find(table, pid);

	*ret_count = process ? process->count : 0;
	return process ? process->modules : NULL;
}

int modules_copy(struct module_table *table, uint32_t parent, uint32_t child)
{
	const struct process_modules *from = find(table, parent);
	struct process_modules *to;
	int err;

	modules_drop(table, child);
	if (!from || !from->count)
		return 0;
	to = find_or_add(table, child);
	from = find(table, parent); /* room for the child may have been the parent's */
	if (!to || !from)
		return to ? 0 : -ENOMEM;
	err = make_room(to, from->count);
	if (err)
		return err;
	memcpy(to->modules, from->modules, from->count * sizeof(*to->modules));
	to->count = from->count;
	return 0;
}
