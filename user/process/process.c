/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/mem.h"
#include "process/proc.h"

struct entry {
	struct process process;
	UT_hash_handle hh;
	struct entry *prev, *next; /* in the list of the exited, oldest first */
};

struct process_table {
	struct entry *entries; /* by pid */
	struct entry *exited;
	unsigned int exited_count;
};

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = value ? strdup(value) : NULL; /* without memory: not known */
}

/* comm is 15 bytes and a NUL, as the kernel has it; they may be anything. */
static void set_comm(struct process *process, const char *comm, size_t size)
{
	size_t length = strnlen(comm, size < sizeof(process->comm) ? size : 15);

	memset(process->comm, 0, sizeof(process->comm));
	memcpy(process->comm, comm, length);
}

static void entry_free(struct entry *entry)
{
	free(entry->process.exe);
	free(entry->process.cgroup);
	free(entry->process.container_id);
	free(entry->process.runtime);
	free(entry);
}

static void table_drop(struct process_table *table, struct entry *entry)
{
	HASH_DEL(table->entries, entry);
	if (entry->process.exited) {
		DL_DELETE(table->exited, entry);
		table->exited_count--;
	}
	entry_free(entry);
}

static struct entry *table_find(const struct process_table *table, uint32_t pid)
{
	struct entry *entry = NULL;

	HASH_FIND(hh, table->entries, &pid, sizeof(pid), entry);
	return entry;
}

/* An empty entry, in place of what had this number before. NULL: no memory. */
static struct entry *table_add(struct process_table *table, uint32_t pid)
{
	struct entry *old = table_find(table, pid);
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	if (old)
		table_drop(table, old);
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

struct process *process_find(const struct process_table *table, uint32_t pid)
{
	struct entry *entry = table_find(table, pid);

	return entry ? &entry->process : NULL;
}

void process_remove(struct process_table *table, uint32_t pid)
{
	struct entry *entry = table_find(table, pid);

	if (entry)
		table_drop(table, entry);
}

/* The name as /proc has it; size is at least 17, for its newline. 0 or negative errno. */
static int read_comm(uint32_t pid, char *buf, size_t size)
{
	ssize_t got = proc_read(pid, "comm", buf, size);

	if (got < 0)
		return got;
	if (got && buf[got - 1] == '\n')
		buf[got - 1] = '\0';
	return 0;
}

static void fill_program(struct process *process)
{
	pid_t tid = proc_living_thread(process->pid);
	char text[PATH_MAX], comm[32];

	if (!read_comm(process->pid, comm, sizeof(comm)))
		set_comm(process, comm, sizeof(comm));
	if (tid > 0 && proc_read_link(tid, "exe", text, sizeof(text)) > 0)
		set_text(&process->exe, text);
}

/* Paths of cgroups are PATH_MAX at most, one for each of the dozen hierarchies. */
static void fill_cgroup(struct process *process)
{
	const size_t size = 16 * PATH_MAX;
	_cleanup_free_ char *text = malloc(size);
	char id[CONTAINER_ID_SIZE];
	char *path = NULL;

	if (!text || proc_read(process->pid, "cgroup", text, size) < 0)
		return;
	path = proc_parse_cgroup(text, id);
	set_text(&process->cgroup, path);
	set_text(&process->container_id, *id ? id : NULL);
}

static bool same_file(const char *path, const char *other)
{
	struct stat a, b;

	return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool has_our_root(pid_t tid)
{
	char ns[64], root[64];

	snprintf(ns, sizeof(ns), "/proc/%d/ns/mnt", tid);
	snprintf(root, sizeof(root), "/proc/%d/root", tid);
	return same_file(ns, "/proc/self/ns/mnt") && same_file(root, "/");
}

static void fill_place(struct process *process)
{
	pid_t tid = proc_living_thread(process->pid);
	struct proc_status status;
	char text[8192];

	if (proc_read(process->pid, "status", text, sizeof(text)) > 0) {
		proc_parse_status(text, &status);
		process->ns_pid = status.ns_pid;
	}
	if (tid > 0)
		process->same_root = has_our_root(tid);
	fill_cgroup(process);
}

struct process *process_add(struct process_table *table, uint32_t pid)
{
	struct entry *entry = table_find(table, pid);
	uint64_t start_ns = 0;

	if (proc_start_ns(pid, &start_ns)) {
		errno = ESRCH;
		return NULL;
	}
	if (!entry || entry->process.exited || !proc_same_process(pid, entry->process.start_ns)) {
		entry = table_add(table, pid);
		if (!entry) {
			errno = ENOMEM;
			return NULL;
		}
		entry->process.start_ns = start_ns;
	}
	fill_program(&entry->process);
	fill_place(&entry->process);
	/* All of it is one process's, or it is nobody's. */
	if (!proc_same_process(pid, start_ns)) {
		table_drop(table, entry);
		errno = ESRCH;
		return NULL;
	}
	return &entry->process;
}

static void inherit(struct process *child, const struct process *parent)
{
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	set_text(&child->exe, parent->exe);
	set_text(&child->cgroup, parent->cgroup);
	set_text(&child->container_id, parent->container_id);
	set_text(&child->runtime, parent->runtime);
	child->same_root = parent->same_root;
}

struct process *process_forked(struct process_table *table, const struct record_fork *record)
{
	struct entry *entry = table_add(table, record->child_tgid);
	const struct process *parent = process_find(table, record->h.tgid);
	struct process *child = NULL;

	if (!entry) {
		errno = ENOMEM;
		return NULL;
	}
	child = &entry->process;
	child->start_ns = record->child_start_ns;
	if (parent == child)
		parent = NULL;
	if (parent)
		inherit(child, parent);
	/* By now it may run another program, for which a record will come: not its name. */
	if (proc_same_process(child->pid, child->start_ns)) {
		fill_place(child);
		if (!parent)
			fill_program(child);
	}
	return child;
}

/* Runs the process what the record says, or has it gone on to the next program? */
static bool still_runs(const struct process *process)
{
	char comm[32];

	return !read_comm(process->pid, comm, sizeof(comm)) && !strcmp(comm, process->comm);
}

/* The path given to exec; NULL unless it is absolute: what it was relative to is not known. */
static char *record_path(const struct record_exec *record)
{
	size_t size = record->h.size - sizeof(*record);

	if (record->h.size < sizeof(*record) || record->name_size > size || !record->name_size ||
	    record->name[0] != '/')
		return NULL;
	return mem_dup_text(record->name, record->name_size);
}

struct process *process_execed(struct process_table *table, const struct record_exec *record)
{
	struct process *process = process_find(table, record->h.tgid);

	if (!process)
		return NULL;
	if (record->start_ns)
		process->start_ns = record->start_ns;
	set_text(&process->runtime, NULL);
	set_comm(process, record->comm, sizeof(record->comm));
	free(process->exe);
	process->exe = record_path(record);
	if (proc_same_process(process->pid, process->start_ns)) {
		fill_place(process);
		if (still_runs(process))
			fill_program(process);
	}
	return process;
}

struct process *process_exited(struct process_table *table, const struct record_exit *record)
{
	struct entry *entry = table_find(table, record->h.tgid);

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
