/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX       (4 << 20)
#define LINE_MAX_BYTES 400

#ifndef RESOLVE_CACHED /* Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

/* File systems whose server may be slow, gone or hostile: reading could block for ever. */
static const uint32_t remote_fs[] = {
	0x65735546 /* fuse */, NFS_SUPER_MAGIC,	 CIFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,
	SMB2_SUPER_MAGIC,      V9FS_MAGIC,	 AFS_SUPER_MAGIC,   AUTOFS_SUPER_MAGIC,
	CEPH_SUPER_MAGIC,      CODA_SUPER_MAGIC, OCFS2_SUPER_MAGIC,
};

static bool is_local(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(remote_fs); i++)
		if ((uint32_t)fs.f_type == remote_fs[i])
			return false;
	return true;
}

/*
 * Whether the /proc directory is the process that was traced: field 22 of proc_pid_stat(5)
 * is its start in clock ticks.
 */
static bool same_process(int proc_fd, const struct process *process)
{
	uint64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK), ticks;
	_cleanup_close_ int fd = openat(proc_fd, "stat", O_RDONLY | O_CLOEXEC);
	char text[1024], *p;
	ssize_t size;

	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size <= 0 || !process->start_ns)
		return false;
	text[size] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return false;
	ticks = strtoull(p, NULL, 10);
	return ticks + 1 >= process->start_ns / tick_ns && ticks <= process->start_ns / tick_ns + 1;
}

/* The root directory that the process sees; ours where it is gone and had the same. */
static int open_root(const struct process *process)
{
	_cleanup_close_ int proc_fd = -1;
	char path[32];
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%u", process->pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd >= 0 && same_process(proc_fd, process))
		fd = openat(proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && process->same_root)
		fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static int resolve(int root_fd, const char *file, uint64_t flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | flags,
	};

	return syscall(SYS_openat2, root_fd, file, &how, sizeof(how));
}

/*
 * A look into the kernel's name cache cannot block, and the program has looked at its source
 * before. Else only the root's own file system is searched, if it is a local one.
 */
static int open_path(int root_fd, const char *file)
{
	int fd = resolve(root_fd, file, RESOLVE_CACHED);

	if (fd < 0 && (errno == EAGAIN || errno == EINVAL) && is_local(root_fd))
		fd = resolve(root_fd, file, RESOLVE_NO_XDEV);
	return fd;
}

static int read_all(int fd, char *data, size_t size, size_t *ret_read)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	*ret_read = done;
	return 0;
}

/* Opening by name alone (O_PATH) has no effect on a FIFO or a device; only then is it read. */
static int read_file(struct source *source, const struct process *process, const char *file)
{
	_cleanup_close_ int root_fd = open_root(process), path_fd = -1, fd = -1;
	_cleanup_free_ char *data = NULL;
	struct stat st;
	char path[32];
	int err;

	path_fd = root_fd < 0 ? -1 : open_path(root_fd, file);
	if (path_fd < 0)
		return -ENOENT;
	if (fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX ||
	    !is_local(path_fd))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	data = malloc(FILE_MAX);
	if (fd < 0 || !data)
		return -ENOENT;
	err = read_all(fd, data, FILE_MAX, &source->size);
	if (!err)
		source->data = TAKE_PTR(data);
	return err;
}

/* Python's universal newlines: \n, \r\n and \r each end a line. */
static const char *next_line(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	if (p < end && *p++ == '\r' && p < end && *p == '\n')
		p++;
	return p;
}

static char *cut_line(const char *p, const char *end)
{
	size_t size;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\f'))
		p++;
	for (size = 0; p + size < end && size < LINE_MAX_BYTES; size++)
		if (p[size] == '\n' || p[size] == '\r')
			break;
	while (size && (p[size - 1] == ' ' || p[size - 1] == '\t'))
		size--;
	return size ? mem_dup_text(p, size) : NULL;
}

char *source_line(struct source *source, const struct process *process, const char *file, int line)
{
	const char *p, *end;

	if (!process || file[0] != '/' || strlen(file) >= PATH_MAX || line <= 0)
		return NULL;
	if (!source->path || strcmp(source->path, file)) {
		source_drop(source);
		source->path = strdup(file);
		if (source->path && read_file(source, process, file) < 0)
			source->data = NULL;
	}
	if (!source->data)
		return NULL;
	p = source->data;
	end = p + source->size;
	while (--line && p < end)
		p = next_line(p, end);
	return cut_line(p, end);
}

void source_drop(struct source *source)
{
	free(source->path);
	free(source->data);
	source->path = source->data = NULL;
	source->size = 0;
}

static char *files_line(struct source_reader *reader, const struct process *process,
			const char *file, int line)
{
	return source_line((struct source *)reader, process, file, line);
}

static void files_done(struct source_reader *reader)
{
	source_drop((struct source *)reader);
}

void source_files(struct source *source)
{
	*source = (struct source){.reader = {files_line, files_done}};
}
