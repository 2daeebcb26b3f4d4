/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded.h"
#include "base/mem.h"

/* Processes whose modules are known: of others they are looked for when they are needed. */
#define PROCESSES_MAX 4096

struct process_modules {
	struct bounded_item item;
	uint32_t pid;
	size_t count;
	size_t room;
	struct message_module *modules;
};

struct module_table {
	struct bounded processes;
};

static void process_modules_free(struct bounded_item *item)
{
	struct process_modules *process = (struct process_modules *)item;

	free(process->modules);
	free(process);
}

struct module_table *modules_new(void)
{
	struct module_table *table = calloc(1, sizeof(*table));

	if (table)
		table->processes = (struct bounded){.items_max = PROCESSES_MAX,
						    .item_free = process_modules_free};
	return table;
}

static struct process_modules *find_process(const struct module_table *table, uint32_t pid)
{
	return (struct process_modules *)bounded_find(&table->processes, &pid, sizeof(pid));
}

void modules_drop(struct module_table *table, uint32_t pid)
{
	struct process_modules *process = find_process(table, pid);

	if (process)
		bounded_drop(&table->processes, &process->item);
}

void modules_drop_all(struct module_table *table)
{
	bounded_drop_all(&table->processes);
}

void modules_free(struct module_table *table)
{
	if (!table)
		return;
	modules_drop_all(table);
	free(table);
}

static struct process_modules *find_or_add_process(struct module_table *table, uint32_t pid)
{
	struct process_modules *process = find_process(table, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	if (bounded_add(&table->processes, &process->item, &process->pid, sizeof(process->pid))) {
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

int modules_add(struct module_table *table, uint32_t pid, const struct message_module *module)
{
	struct process_modules *process = find_or_add_process(table, pid);
	int err;

	if (!process)
		return -ENOMEM;
	remove_overlaps(process, module);
	if (process->count == MESSAGE_MODULES_MAX)
		return -ENOSPC;
	err = mem_grow(&process->modules, &process->room, process->count + 1,
		       sizeof(*process->modules));
	if (!err)
		process->modules[process->count++] = *module;
	return err;
}

const struct message_module *modules_of(const struct module_table *table, uint32_t pid,
					size_t *ret_count)
{
	const struct process_modules *process = find_process(table, pid);

	*ret_count = process ? process->count : 0;
	return process ? process->modules : NULL;
}

int modules_copy(struct module_table *table, uint32_t parent, uint32_t child)
{
	const struct process_modules *from = find_process(table, parent);
	struct process_modules *to;
	int err;

	modules_drop(table, child);
	if (!from || !from->count)
		return 0;
	to = find_or_add_process(table, child);
	from = find_process(table, parent); /* room for the child may have been the parent's */
	if (!to || !from)
		return to ? 0 : -ENOMEM;
	err = mem_grow(&to->modules, &to->room, from->count, sizeof(*to->modules));
	if (err)
		return err;
	memcpy(to->modules, from->modules, from->count * sizeof(*to->modules));
	to->count = from->count;
	return 0;
}
