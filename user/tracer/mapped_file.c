/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/mapped_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "process/proc.h"

#ifndef RESOLVE_CACHED /* Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

/* "/usr/lib/libx.so" of "libx.so", "lib", "usr". False: none was sent, or it is too long. */
static bool path_of_names(const struct record_module *record, char path[PATH_MAX])
{
	size_t at = PATH_MAX - 1, end = record->names_size;
	char out[PATH_MAX];

	out[at] = '\0';
	for (size_t i = 0; i < end;) {
		size_t size = strnlen(record->names + i, end - i);

		if (!size || i + size == end || size + 2 > at)
			return false;
		/* Backwards: what comes later lies further out. */
		if (i)
			out[--at] = '/';
		i += size + 1;
		at -= size;
		memcpy(out + at, record->names + i - size - 1, size);
	}
	if (!end || !at)
		return false;
	out[--at] = '/';
	memcpy(path, out + at, PATH_MAX - at);
	return true;
}

struct search {
	struct ebpf *ebpf;
	struct file_key wanted;
	const char *path; /* from the root of its file system */
	int fd;		  /* -1: not found */
};

/*
 * From the kernel's cache of names alone, which cannot block. Whether it is that file its number
 * tells. -1: it is not.
 */
static int open_wanted(const struct search *search, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct file_version found;

	path_fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (path_fd < 0)
		return -1;
	fd = file_reopen_regular(path_fd);
	if (fd < 0 || ebpf_identify_file(search->ebpf, fd, &found) ||
	    memcmp(&found.file, &search->wanted, sizeof(search->wanted)))
		return -1;
	return TAKE_FD(fd);
}

/* 1: found. */
static int look_below(void *arg, const struct proc_mount *mount)
{
	struct search *search = arg;
	size_t root = strcmp(mount->root, "/") ? strlen(mount->root) : 0;
	size_t point = strcmp(mount->point, "/") ? strlen(mount->point) : 0;
	char path[2 * PATH_MAX];

	if (((uint64_t)mount->dev_major << 20 | mount->dev_minor) != search->wanted.device ||
	    strncmp(search->path, mount->root, root) || search->path[root] != '/')
		return 0;
	snprintf(path, sizeof(path), "%.*s%s", (int)point, mount->point, search->path + root);
	search->fd = open_wanted(search, path);
	return search->fd >= 0;
}

/*
 * A file that its process, gone by now, had mapped: by its name, which leads from the root of its
 * file system. That is mostly ours; it may be mounted elsewhere, or a part of it be our root (as
 * with btrfs). -1: not found.
 */
static int open_by_names(struct ebpf *ebpf, const struct record_module *record)
{
	struct search search = {.ebpf = ebpf, .wanted = {record->device, record->inode}};
	char path[PATH_MAX];

	if (!path_of_names(record, path))
		return -1;
	search.path = path;
	search.fd = open_wanted(&search, path);
	if (search.fd < 0)
		proc_each_mount(look_below, &search);
	return search.fd;
}

/* What a mapping of a living process is of; -1: it is not there any more. */
static int open_module(const struct record_module *record)
{
	struct proc_mapping mapping = {
		.start = record->start,
		.end = record->start + ((record->length + 4095) & ~UINT64_C(4095)),
	};
	char path[32];

	if (!record->exec)
		return proc_open_mapping(record->h.tgid, &mapping);
	snprintf(path, sizeof(path), "/proc/%u/exe", record->h.tgid);
	return file_open_regular(path);
}

int mapped_file_open(struct ebpf *ebpf, const struct record_module *record)
{
	int fd = open_module(record);

	return fd >= 0 ? fd : open_by_names(ebpf, record);
}
