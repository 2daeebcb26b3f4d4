/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/mem.h"

struct entry {
	struct process process;
	UT_hash_handle hh;
	struct entry *prev, *next; /* in the list of the exited, oldest first */
};

struct process_table {
	struct entry *entries; /* by pid */
	struct entry *exited;
	unsigned int exited_count;
	size_t text_bytes; /* of all texts */
};

/* Texts: a forked child has its parent's, for as long as both are called so. */

/* Of all together: a path is as long as a hostile program likes. */
#define TEXT_BYTES_MAX (8u << 20)

struct shared_text {
	struct process_table *table;
	size_t size;
	unsigned int refs;
	char text[];
};

static struct shared_text *shared(char *text)
{
	return (struct shared_text *)(text - offsetof(struct shared_text, text));
}

static void text_drop(char **text)
{
	struct shared_text *held = *text ? shared(*text) : NULL;

	*text = NULL;
	if (!held || --held->refs)
		return;
	held->table->text_bytes -= held->size;
	free(held);
}

/* size bytes of a record; none, or no room: not known. */
static void set_bytes(struct process_table *table, char **text, const char *bytes, size_t size)
{
	size_t length = strnlen(bytes, size);
	struct shared_text *held;

	if (size && *text && strlen(*text) == length && !memcmp(*text, bytes, length))
		return;
	text_drop(text);
	if (!size || table->text_bytes + sizeof(*held) + length + 1 > TEXT_BYTES_MAX)
		return;
	held = malloc(sizeof(*held) + length + 1);
	if (!held)
		return;
	held->table = table;
	held->size = sizeof(*held) + length + 1;
	held->refs = 1;
	memcpy(held->text, bytes, length);
	held->text[length] = '\0';
	table->text_bytes += held->size;
	*text = held->text;
}

static void share_text(char **text, char *from)
{
	if (from)
		shared(from)->refs++;
	text_drop(text);
	*text = from;
}

/* comm is 15 bytes and a NUL, as the kernel has it; they may be anything. */
static void set_comm(struct process *process, const char *comm, size_t size)
{
	size_t length = strnlen(comm, size < sizeof(process->comm) ? size : 15);

	memset(process->comm, 0, sizeof(process->comm));
	memcpy(process->comm, comm, length);
}

static void process_entry_free(struct entry *entry)
{
	text_drop(&entry->process.exe);
	text_drop(&entry->process.cgroup);
	text_drop(&entry->process.container_id);
	text_drop(&entry->process.runtime);
	free(entry);
}

static void table_drop(struct process_table *table, struct entry *entry)
{
	HASH_DEL(table->entries, entry);
	if (entry->process.exited) {
		DL_DELETE(table->exited, entry);
		table->exited_count--;
	}
	process_entry_free(entry);
}

static struct entry *find_entry_of_pid(const struct process_table *table, uint32_t pid)
{
	struct entry *entry = NULL;

	HASH_FIND(hh, table->entries, &pid, sizeof(pid), entry);
	return entry;
}

/* An empty entry, in place of what had this number before. NULL, with errno: no room, no memory. */
static struct entry *table_add(struct process_table *table, uint32_t pid)
{
	struct entry *old = find_entry_of_pid(table, pid), *entry = NULL;

	if (old)
		table_drop(table, old);
	if (HASH_COUNT(table->entries) - table->exited_count >= PROCESS_LIVING_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	entry = calloc(1, sizeof(*entry));
	errno = ENOMEM;
	if (!entry)
		return NULL;
	entry->process.pid = pid;
	HASH_ADD(hh, table->entries, process.pid, sizeof(pid), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

int process_table_new(struct process_table **ret_table)
{
	*ret_table = calloc(1, sizeof(**ret_table));
	return *ret_table ? 0 : -ENOMEM;
}

void process_table_free(struct process_table *table)
{
	struct entry *entry = NULL, *next = NULL;

	if (!table)
		return;
	HASH_ITER (hh, table->entries, entry, next)
		table_drop(table, entry);
	free(table);
}

size_t process_living(const struct process_table *table, pid_t **ret)
{
	size_t count = HASH_COUNT(table->entries), n = 0;

	*ret = count ? calloc(count, sizeof(**ret)) : NULL;
	for (const struct entry *entry = table->entries; *ret && entry; entry = entry->hh.next)
		if (!entry->process.exited)
			(*ret)[n++] = entry->process.pid;
	if (!n)
		free(TAKE_PTR(*ret));
	return n;
}

struct process *process_find(const struct process_table *table, uint32_t pid)
{
	struct entry *entry = find_entry_of_pid(table, pid);

	return entry ? &entry->process : NULL;
}

void process_remove(struct process_table *table, uint32_t pid)
{
	struct entry *entry = find_entry_of_pid(table, pid);

	if (entry)
		table_drop(table, entry);
}

/* /proc gives start times in clock ticks, the kernel side's records in nanoseconds. */
#define START_SLACK_NS 20000000

bool process_started(const struct process *process, uint64_t start_ns)
{
	return process->start_ns + START_SLACK_NS > start_ns &&
	       process->start_ns < start_ns + START_SLACK_NS;
}

static void fill(struct process_table *table, struct process *process,
		 const struct record_process *record)
{
	const char *cgroup = record->data + record->exe_size;
	const char *container = cgroup + record->cgroup_size;

	if (record->facts & PROCESS_COMM)
		set_comm(process, record->comm, sizeof(record->comm));
	if (record->facts & PROCESS_EXE)
		set_bytes(table, &process->exe, record->data, record->exe_size);
	if (record->facts & PROCESS_STATUS)
		process->ns_pid = record->ns_pid;
	if (record->facts & PROCESS_ROOT)
		process->same_root = record->same_root;
	if (record->facts & PROCESS_CGROUP) {
		set_bytes(table, &process->cgroup, cgroup, record->cgroup_size);
		set_bytes(table, &process->container_id, container, record->container_size);
	}
}

struct process *process_learned(struct process_table *table, const struct record_process *record)
{
	struct entry *entry = find_entry_of_pid(table, record->h.tgid);
	bool same = entry && process_started(&entry->process, record->start_ns);

	if (record->since == PROCESS_KNOWN && !same) {
		errno = ESRCH;
		return NULL;
	}
	if (!same || (entry->process.exited && record->since != PROCESS_KNOWN)) {
		entry = table_add(table, record->h.tgid);
		if (!entry)
			return NULL;
		entry->process.start_ns = record->start_ns;
	}
	fill(table, &entry->process, record);
	return &entry->process;
}

struct process *process_runs(struct process_table *table, const struct record_runtime *record)
{
	struct process *process = process_find(table, record->h.tgid);

	if (process)
		set_bytes(table, &process->runtime, record->name, record->name_size);
	return process;
}

static void inherit_process(struct process *child, const struct process *parent)
{
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	share_text(&child->exe, parent->exe);
	share_text(&child->cgroup, parent->cgroup);
	share_text(&child->container_id, parent->container_id);
	share_text(&child->runtime, parent->runtime);
	child->same_root = parent->same_root;
}

struct process *process_forked(struct process_table *table, const struct record_fork *record)
{
	struct entry *entry = table_add(table, record->child_tgid);
	const struct process *parent = process_find(table, record->h.tgid);
	struct process *child = NULL;

	if (!entry)
		return NULL;
	child = &entry->process;
	child->start_ns = record->child_start_ns;
	if (parent == child)
		parent = NULL;
	if (parent)
		inherit_process(child, parent);
	return child;
}

/* The path given to exec, if it is absolute: what it was relative to is not known. */
static bool has_path(const struct record_exec *record)
{
	size_t size = record->h.size - sizeof(*record);

	return record->h.size >= sizeof(*record) && record->name_size <= size &&
	       record->name_size && record->name[0] == '/';
}

struct process *process_execed(struct process_table *table, const struct record_exec *record)
{
	struct process *process = process_find(table, record->h.tgid);

	if (!process)
		return NULL;
	if (record->start_ns)
		process->start_ns = record->start_ns;
	text_drop(&process->runtime);
	set_comm(process, record->comm, sizeof(record->comm));
	process->same_root = record->same_root;
	text_drop(&process->exe);
	if (has_path(record))
		set_bytes(table, &process->exe, record->name, record->name_size);
	return process;
}

struct process *process_exited(struct process_table *table, const struct record_exit *record)
{
	struct entry *entry = find_entry_of_pid(table, record->h.tgid);

	if (!entry)
		return NULL;
	if (!entry->process.comm[0])
		set_comm(&entry->process, record->comm, sizeof(record->comm));
	if (entry->process.exited)
		return &entry->process;
	entry->process.exited = true;
	DL_APPEND(table->exited, entry);
	if (++table->exited_count > PROCESS_EXITED_MAX)
		table_drop(table, table->exited);
	return &entry->process;
}

bool process_is_shell(const struct process *process)
{
	static const char *const shells[] = {"sh",  "dash",  "bash", "ash", "busybox",
					     "ksh", "ksh93", "mksh", "zsh"};
	const char *name = process->exe ? strrchr(process->exe, '/') : NULL;

	for (size_t i = 0; name && i < ARRAY_SIZE(shells); i++)
		if (!strcmp(name + 1, shells[i]))
			return true;
	return false;
}
