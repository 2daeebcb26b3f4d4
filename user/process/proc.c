/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/heed.h"
#include "base/mem.h"

#define _cleanup_closedir_ __attribute__((cleanup(closedir_ptr)))

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* A process that has gone shows as either. */
static int proc_error(int err)
{
	return err == ENOENT ? -ESRCH : -err;
}

/* "/proc/PID/name" */
static void proc_path(char ret[PATH_MAX], pid_t pid, const char *name)
{
	snprintf(ret, PATH_MAX, "/proc/%d/%s", pid, name);
}

/* A number that is a whole file name: a thread, a descriptor. -1: no such number. */
static int32_t parse_number(const char *name)
{
	char *end = NULL;
	unsigned long value = 0;

	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	value = strtoul(name, &end, 10);
	return errno || *end || value > INT32_MAX ? -1 : (int32_t)value;
}

static ssize_t read_fd(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t got = read(fd, buf + used, size - 1 - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return proc_error(errno);
		if (got == 0)
			break;
		used += got;
	}
	buf[used] = '\0';
	return used;
}

static ssize_t read_at(int dir_fd, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? proc_error(errno) : read_fd(fd, buf, size);
}

static ssize_t read_link_at(int dir_fd, const char *name, char *buf, size_t size)
{
	ssize_t got = readlinkat(dir_fd, name, buf, size);

	if (got < 0)
		return proc_error(errno);
	if ((size_t)got == size)
		return -ENAMETOOLONG;
	buf[got] = '\0';
	return got;
}

ssize_t proc_read(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];

	proc_path(path, pid, name);
	return read_at(AT_FDCWD, path, buf, size);
}

ssize_t proc_read_link(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];

	proc_path(path, pid, name);
	return read_link_at(AT_FDCWD, path, buf, size);
}

static int read_stat(pid_t pid, struct proc_stat *ret)
{
	char text[1024];
	ssize_t got = proc_read(pid, "stat", text, sizeof(text));

	return got < 0 ? got : proc_parse_stat(text, ret);
}

static int read_status(pid_t pid, struct proc_status *ret)
{
	char text[8192];
	ssize_t got = proc_read(pid, "status", text, sizeof(text));

	if (got < 0)
		return got;
	proc_parse_status(text, ret);
	return 0;
}

/* A thread that has ended, or is about to, has let go of its descriptors: FDSize is 0. */
static bool thread_lives(pid_t tid)
{
	struct proc_status status;

	return !read_status(tid, &status) && status.fd_size;
}

static int open_dir(pid_t pid, const char *name, DIR **ret)
{
	char path[PATH_MAX];

	proc_path(path, pid, name);
	*ret = opendir(path);
	return *ret ? 0 : proc_error(errno);
}

/* The number that is the next entry's name; -1: the end. errno tells an error from it. */
static int32_t next_number(DIR *dir)
{
	const struct dirent *entry = NULL;

	if (heed()) {
		errno = EINTR;
		return -1;
	}
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		int32_t number = parse_number(entry->d_name);

		if (number >= 0)
			return number;
	}
	return -1;
}

pid_t proc_living_thread(pid_t pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	pid_t tid = 0;
	int err = 0;

	if (thread_lives(pid))
		return pid;
	err = open_dir(pid, "task", &dir);
	if (err)
		return err;
	while ((tid = next_number(dir)) >= 0) {
		if (thread_lives(tid))
			return tid;
	}
	return -ESRCH;
}

bool proc_exists(pid_t pid)
{
	struct proc_status status;

	/* /proc/TID is there for every thread. */
	return !read_status(pid, &status) && status.tgid == (uint32_t)pid &&
	       proc_living_thread(pid) > 0;
}

bool proc_is_program(pid_t pid)
{
	char path[PATH_MAX], exe[1];

	proc_path(path, pid, "exe");
	return readlink(path, exe, sizeof(exe)) >= 0 || errno != ENOENT;
}

pid_t proc_parent(pid_t pid)
{
	struct proc_stat stat;

	return read_stat(pid, &stat) ? 0 : (pid_t)stat.parent;
}

static uint64_t ns_per_tick(void)
{
	return 1000000000u / sysconf(_SC_CLK_TCK);
}

int proc_start_ns(pid_t pid, uint64_t *ret_ns)
{
	struct proc_stat stat;
	int err = read_stat(pid, &stat);

	if (!err)
		*ret_ns = stat.start_ticks * ns_per_tick();
	return err;
}

bool proc_same_process(pid_t pid, uint64_t start_ns)
{
	struct proc_stat stat;

	return !read_stat(pid, &stat) && stat.start_ticks == start_ns / ns_per_tick();
}

/* The directories fd and fdinfo of one thread. */
struct fd_dirs {
	DIR *links;
	int info_fd;
};

static int read_cloexec(int info_dir, const char *name, bool *ret)
{
	char text[512]; /* flags come second, before what a process can make long */
	ssize_t got = read_at(info_dir, name, text, sizeof(text));

	return got < 0 ? got : proc_parse_fdinfo(text, ret);
}

static int one_fd(const struct fd_dirs *dirs, int32_t fd, proc_fd_fn fn, void *arg)
{
	char link[PATH_MAX], name[16];
	bool cloexec = false, readable = false;
	int err = 0;

	snprintf(name, sizeof(name), "%d", fd);
	err = read_cloexec(dirs->info_fd, name, &cloexec);
	if (err)
		return err == -ESRCH ? 0 : err; /* closed meanwhile */
	readable = read_link_at(dirfd(dirs->links), name, link, sizeof(link)) >= 0;
	return fn(arg, fd, readable ? link : NULL, cloexec);
}

int proc_each_fd(pid_t pid, proc_fd_fn fn, void *arg)
{
	_cleanup_closedir_ DIR *links = NULL;
	_cleanup_close_ int info_fd = -1;
	pid_t tid = proc_living_thread(pid);
	char path[PATH_MAX];
	int32_t fd = -1;
	int err = tid < 0 ? tid : open_dir(tid, "fd", &links);

	if (err)
		return err;
	proc_path(path, tid, "fdinfo");
	info_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (info_fd < 0)
		return proc_error(errno);
	for (int count = 0; (fd = next_number(links)) >= 0; count++) {
		if (count == PROC_FDS_MAX)
			return -E2BIG;
		err = one_fd(&(struct fd_dirs){links, info_fd}, fd, fn, arg);
		if (err)
			return err;
	}
	if (errno)
		return proc_error(errno);
	/* Had the thread ended in between, its table would have looked empty from there on. */
	return tid == proc_living_thread(pid) ? 0 : -ESRCH;
}

bool proc_is_one_table(pid_t pid)
{
	_cleanup_closedir_ DIR *tasks = NULL;
	pid_t first = proc_living_thread(pid), tid;

	if (first < 0 || open_dir(pid, "task", &tasks))
		return true;
	while ((tid = next_number(tasks)) >= 0)
		if (tid != first && syscall(SYS_kcmp, first, tid, KCMP_FILES, 0, 0) > 0)
			return false;
	return true;
}

int proc_fd_size(pid_t pid, uint32_t *ret_size, uint32_t *ret_threads)
{
	struct proc_status status;
	pid_t tid = proc_living_thread(pid);
	int err = tid < 0 ? tid : read_status(tid, &status);

	if (err)
		return err;
	*ret_size = status.fd_size;
	*ret_threads = status.threads;
	return 0;
}

/* Each mapping that parse() takes. */
static int each_mapping(pid_t pid, int (*parse)(char *line, struct proc_mapping *ret),
			proc_mapping_fn fn, void *arg)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	pid_t tid = proc_living_thread(pid);
	char path[PATH_MAX];
	size_t size = 0;

	if (tid < 0)
		return tid;
	proc_path(path, tid, "maps");
	file = fopen(path, "re");
	if (!file)
		return proc_error(errno);
	for (int count = 0; getline(&line, &size, file) > 0; count++) {
		struct proc_mapping mapping;
		int err = 0;

		if (count == PROC_MAPPINGS_MAX)
			return -E2BIG;
		if (heed())
			return -EINTR;
		err = parse(line, &mapping);
		mapping.tid = tid;
		err = err ? 0 : fn(arg, &mapping);
		if (err)
			return err;
	}
	return feof(file) ? 0 : proc_error(errno);
}

int proc_each_exec_mapping(pid_t pid, proc_mapping_fn fn, void *arg)
{
	return each_mapping(pid, proc_parse_mapping, fn, arg);
}

int proc_each_data_mapping(pid_t pid, proc_mapping_fn fn, void *arg)
{
	return each_mapping(pid, proc_parse_data_mapping, fn, arg);
}

int proc_each_mount(proc_mount_fn fn, void *arg)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	struct proc_mount mount;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	for (int i = 0; !err && i < PROC_MOUNTS_MAX && getline(&line, &size, file) > 0; i++)
		err = proc_parse_mount(line, &mount) ? 0 : fn(arg, &mount);
	return err;
}

static int open_map_file(pid_t tid, const struct proc_mapping *mapping)
{
	_cleanup_close_ int path_fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%jx-%jx", tid, (uintmax_t)mapping->start,
		 (uintmax_t)mapping->end);
	path_fd = open(path, O_PATH | O_CLOEXEC);
	return path_fd < 0 ? -errno : file_reopen_regular(path_fd);
}

/* As /proc/self/maps numbers what is mapped here. */
static bool is_mapped_as(const void *here, const struct proc_mapping *mapping)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *file = fopen("/proc/self/maps", "re");
	struct proc_mapping own;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		proc_parse_mapping(line, &own);
		if (own.start == (uintptr_t)here)
			return own.inode == mapping->inode && own.dev_major == mapping->dev_major &&
			       own.dev_minor == mapping->dev_minor;
	}
	return false;
}

/*
 * stat's numbers are not those of /proc/PID/maps in every file system: to older kernels what a
 * process maps of an overlay are the files below. So it is mapped here to compare.
 */
static bool maps_alike(int fd, const struct proc_mapping *mapping)
{
	void *here = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	bool same;

	if (here == MAP_FAILED)
		return false;
	same = is_mapped_as(here, mapping);
	munmap(here, 1);
	return same;
}

/* The process's own symbolic links must not lead out of its root. */
static int open_in_root(pid_t tid, const struct proc_mapping *mapping)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	_cleanup_close_ int root_fd = -1, path_fd = -1, fd = -1;
	char root[PATH_MAX];
	struct stat st;

	proc_path(root, tid, "root");
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return proc_error(errno);
	path_fd = syscall(SYS_openat2, root_fd, mapping->path, &how, sizeof(how));
	if (path_fd < 0 || fstat(path_fd, &st))
		return -errno;
	fd = file_reopen_regular(path_fd);
	if (st.st_ino == mapping->inode && major(st.st_dev) == mapping->dev_major &&
	    minor(st.st_dev) == mapping->dev_minor)
		return TAKE_FD(fd);
	return fd >= 0 && maps_alike(fd, mapping) ? TAKE_FD(fd) : -ESTALE;
}

int proc_open_mapping(pid_t pid, const struct proc_mapping *mapping)
{
	/* To look for a living thread costs more than all else: the last one mostly lives still. */
	int fd = mapping->tid ? open_map_file(mapping->tid, mapping) : -ESRCH;
	pid_t tid = 0;

	if (fd >= 0)
		return fd;
	tid = proc_living_thread(pid);
	fd = tid < 0 ? tid : open_map_file(tid, mapping);
	if (tid < 0 || fd >= 0 || !mapping->path)
		return fd;
	return open_in_root(tid, mapping);
}

struct pid_list {
	pid_t *pids;
	size_t count;
};

static int pid_list_add(struct pid_list *list, pid_t pid)
{
	pid_t *pids = reallocarray(list->pids, list->count + 1, sizeof(*pids));

	if (!pids)
		return -ENOMEM;
	pids[list->count++] = pid;
	list->pids = pids;
	return 0;
}

/* A thread's children; none of a thread that has gone. */
static int thread_children(pid_t pid, pid_t tid, struct pid_list *list)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	pid_t child = 0;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
	file = fopen(path, "re");
	while (file && !err && fscanf(file, "%d", &child) == 1)
		err = pid_list_add(list, child);
	return err;
}

static int children_by_thread(pid_t pid, struct pid_list *list)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int err = open_dir(pid, "task", &dir);
	pid_t tid = 0;

	while (!err && (tid = next_number(dir)) >= 0)
		err = thread_children(pid, tid, list);
	return err;
}

/* parent: 0: anybody's. */
static int list_processes(pid_t parent, struct pid_list *list)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	int err = dir ? 0 : -errno;
	pid_t pid = 0;

	while (!err && (pid = next_number(dir)) >= 0) {
		if (!parent || proc_parent(pid) == parent)
			err = pid_list_add(list, pid);
	}
	return err;
}

/* Listed before, so that a callback that walks on downwards holds no file open. */
static int each_living(struct pid_list *list, int err, proc_child_fn fn, void *arg)
{
	for (size_t i = 0; !err && i < list->count; i++) {
		if (heed())
			err = -EINTR;
		else if (proc_living_thread(list->pids[i]) > 0)
			err = fn(arg, list->pids[i]);
	}
	free(list->pids);
	return err;
}

int proc_each_child(pid_t pid, proc_child_fn fn, void *arg)
{
	/* A kernel without CONFIG_PROC_CHILDREN has us look at every process. */
	bool by_thread = !access("/proc/thread-self/children", R_OK);
	struct pid_list list = {0};
	int err = by_thread ? children_by_thread(pid, &list) : list_processes(pid, &list);

	return each_living(&list, err, fn, arg);
}

struct descent {
	struct pid_list family; /* those whose children are looked for */
	proc_child_fn fn;
	void *arg;
};

static int descend(void *arg, pid_t pid)
{
	struct descent *descent = arg;
	int err = descent->fn(descent->arg, pid);

	if (err)
		return err == PROC_CHILDLESS ? 0 : err;
	return pid_list_add(&descent->family, pid);
}

int proc_each_descendant(pid_t pid, proc_child_fn fn, void *arg)
{
	struct descent descent = {.fn = fn, .arg = arg};
	int err = pid_list_add(&descent.family, pid);

	for (size_t i = 0; !err && i < descent.family.count; i++)
		err = proc_each_child(descent.family.pids[i], descend, &descent);
	free(descent.family.pids);
	return err;
}

int proc_each_process(proc_child_fn fn, void *arg)
{
	struct pid_list list = {0};

	return each_living(&list, list_processes(0, &list), fn, arg);
}
