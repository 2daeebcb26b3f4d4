/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/facts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/records.h"
#include "process/proc.h"

/* Paths of cgroups are PATH_MAX at most, one for each of the dozen hierarchies. */
#define CGROUP_SIZE    (16 * PATH_MAX)
/* Of a list that is kept until it is whole. */
#define LIST_BYTES_MAX (16u << 20)

/* A record under construction; its texts are put behind it one after the other. */
struct building {
	struct record_process *record;
	size_t used; /* bytes of data */
};

static uint16_t add_text(struct building *b, const char *text, size_t size)
{
	if (size > PATH_MAX)
		size = PATH_MAX;
	memcpy(b->record->data + b->used, text, size);
	b->used += size;
	return size;
}

static void add_comm(struct building *b)
{
	char text[32];
	ssize_t got = proc_read(b->record->h.tgid, "comm", text, sizeof(text));

	if (got < 0)
		return;
	if (got && text[got - 1] == '\n')
		got--;
	memcpy(b->record->comm, text, (size_t)got < 16 ? got : 15);
	b->record->facts |= PROCESS_COMM;
}

static void add_exe(struct building *b, pid_t tid)
{
	char text[PATH_MAX];
	ssize_t got = tid > 0 ? proc_read_link(tid, "exe", text, sizeof(text)) : -1;

	if (got <= 0)
		return;
	b->record->exe_size = add_text(b, text, got);
	b->record->facts |= PROCESS_EXE;
}

/* 0, and in *ret_same whether both paths lead to one file; -1: one of them cannot be looked at. */
static int are_same_file(const char *path, const char *other, bool *ret_same)
{
	struct stat a, b;

	if (stat(path, &a) || stat(other, &b))
		return -1;
	*ret_same = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	return 0;
}

static void add_root(struct building *b, pid_t tid)
{
	char ns[64], root[64];
	bool same_ns, same_dir;

	snprintf(ns, sizeof(ns), "/proc/%d/ns/mnt", tid);
	snprintf(root, sizeof(root), "/proc/%d/root", tid);
	if (tid <= 0 || are_same_file(ns, "/proc/self/ns/mnt", &same_ns) ||
	    are_same_file(root, "/", &same_dir))
		return;
	b->record->same_root = same_ns && same_dir;
	b->record->facts |= PROCESS_ROOT;
}

static void add_status(struct building *b)
{
	struct proc_status status;
	char text[8192];

	if (proc_read(b->record->h.tgid, "status", text, sizeof(text)) <= 0)
		return;
	proc_parse_status(text, &status);
	b->record->ns_pid = status.ns_pid;
	b->record->facts |= PROCESS_STATUS;
}

static void add_cgroup(struct building *b)
{
	_cleanup_free_ char *text = malloc(CGROUP_SIZE);
	char id[CONTAINER_ID_SIZE];
	char *path = NULL;

	if (!text || proc_read(b->record->h.tgid, "cgroup", text, CGROUP_SIZE) < 0)
		return;
	path = proc_parse_cgroup(text, id);
	if (path)
		b->record->cgroup_size = add_text(b, path, strlen(path));
	b->record->container_size = add_text(b, id, strlen(id));
	b->record->facts |= PROCESS_CGROUP;
}

int facts_read(pid_t pid, uint64_t start_ns, unsigned int wanted,
	       struct record_process **ret_record)
{
	_cleanup_free_ struct record_process *record =
		calloc(1, sizeof(*record) + 2 * PATH_MAX + CONTAINER_ID_SIZE);
	struct building b = {.record = record};
	uint64_t started_ns = 0;
	pid_t tid = 0;

	if (!record)
		return -ENOMEM;
	if ((start_ns && !proc_same_process(pid, start_ns)) || proc_start_ns(pid, &started_ns))
		return -ESRCH;
	record->start_ns = started_ns;
	record->h.tgid = pid;
	tid = proc_living_thread(pid);
	if (wanted & PROCESS_COMM)
		add_comm(&b);
	if (wanted & PROCESS_EXE)
		add_exe(&b, tid);
	if (wanted & PROCESS_STATUS)
		add_status(&b);
	if (wanted & PROCESS_ROOT)
		add_root(&b, tid);
	if (wanted & PROCESS_CGROUP)
		add_cgroup(&b);
	/* All of it is one process's, or it is nobody's. */
	if (!proc_same_process(pid, started_ns))
		return -ESRCH;
	record_own(&record->h, RECORD_PROCESS, sizeof(*record) + b.used, pid, clock_boot_ns());
	*ret_record = TAKE_PTR(record);
	return 0;
}

struct snapshot {
	pid_t pid;
	uint8_t ring_flags;
	record_fn fn;
	void *arg;
};

static int on_snapshot_fd(void *arg, int32_t fd, const char *link, bool cloexec)
{
	const struct snapshot *snapshot = arg;
	size_t size = link ? strnlen(link, RECORD_NAME_MAX) : 0;
	union {
		struct record_open_fd record;
		char room[sizeof(struct record_open_fd) + RECORD_NAME_MAX];
	} buf;

	memset(&buf.record, 0, sizeof(buf.record));
	record_own(&buf.record.h, RECORD_OPEN_FD, sizeof(buf.record) + size, snapshot->pid,
		   clock_boot_ns());
	buf.record.fd = fd;
	buf.record.cloexec = cloexec;
	buf.record.ring_flags = snapshot->ring_flags;
	buf.record.link_size = size;
	if (size)
		memcpy(buf.record.link, link, size);
	return snapshot->fn(snapshot->arg, &buf.record.h);
}

int facts_snapshot(pid_t pid, uint8_t ring_flags, record_fn fn, void *arg)
{
	struct snapshot snapshot = {pid, ring_flags, fn, arg};
	struct record_snapshot end = {0};
	int err;

	if (!proc_is_one_table(pid))
		return 0;
	err = proc_each_fd(pid, on_snapshot_fd, &snapshot);
	if (err)
		return err;
	proc_fd_size(pid, &end.max_fds, &end.threads);
	record_own(&end.h, RECORD_SNAPSHOT, sizeof(end), pid, clock_boot_ns());
	return fn(arg, &end.h);
}

struct list {
	char *bytes;
	size_t used, room;
};

static int list_record(void *arg, const struct record_header *record)
{
	struct list *list = arg;
	size_t size = record_aligned(record->size);

	if (list->used + size > LIST_BYTES_MAX)
		return -E2BIG;
	if (mem_grow(&list->bytes, &list->room, list->used + size, 1))
		return -ENOMEM;
	memcpy(list->bytes + list->used, record, record->size);
	list->used += size;
	return 0;
}

int facts_list(pid_t pid, uint8_t ring_flags, record_fn fn, void *arg)
{
	struct list list = {0};
	int err = facts_snapshot(pid, ring_flags, list_record, &list);

	for (size_t at = 0; !err && at < list.used;) {
		const struct record_header *record = (const void *)(list.bytes + at);

		at += record_aligned(record->size);
		err = fn(arg, record);
	}
	free(list.bytes);
	return err;
}
