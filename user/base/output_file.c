/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sudo.h"

/* As the kernel's MAXSYMLINKS. */
#define LINKS_MAX 40
/* Somebody who makes and removes the file all the time does not keep us for ever. */
#define TRIES_MAX 8

/* On whose behalf we write. */
struct writer {
	uid_t uid;
	gid_t gid;
	bool sudo; /* uid and gid are the user's behind it */
};

static struct writer find_writer(void)
{
	struct writer writer = {geteuid(), getegid(), false};
	uid_t uid;
	gid_t gid;

	if (!sudo_user(&uid, &gid))
		writer = (struct writer){uid, gid, true};
	return writer;
}

static bool is_own(const struct writer *writer, const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == writer->uid;
}

static bool is_trusted(const struct writer *writer, const struct stat *st)
{
	return is_own(writer, st) || st->st_uid == 0;
}

static int walk(const struct writer *writer, int from, const char *path, int *links);

/* Goes where a link at fd leads to, seen from the directory that it lies in. */
static int follow_link(const struct writer *writer, int dir, int fd, const struct stat *st,
		       int *links)
{
	char target[PATH_MAX];
	ssize_t size;

	if (!is_trusted(writer, st) || ++*links > LINKS_MAX)
		return -ELOOP;
	size = readlinkat(fd, "", target, sizeof(target) - 1);
	if (size <= 0)
		return size ? -errno : -ENOENT;
	target[size] = '\0';
	return walk(writer, dir, target, links);
}

/* One name of a path. The descriptor (O_PATH) or negative errno. */
static int walk_name(const struct writer *writer, int dir, const char *name, int *links)
{
	_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	return S_ISLNK(st.st_mode) ? follow_link(writer, dir, fd, &st, links) : TAKE_FD(fd);
}

/* A directory by its path, name by name. from is lent. The descriptor or negative errno. */
static int walk(const struct writer *writer, int from, const char *path, int *links)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int at = -1;
	char *next = copy, *name;

	if (!copy)
		return -ENOMEM;
	at = openat(from, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (at >= 0 && (name = strsep(&next, "/"))) {
		int fd = *name ? walk_name(writer, at, name, links) : 0;

		if (!*name)
			continue;
		close_fd(at);
		at = fd;
		if (fd < 0)
			return fd;
	}
	return at < 0 ? -errno : TAKE_FD(at);
}

/* The directory that path's last name lies in; *ret_name: that name, in path. */
static int open_directory(const struct writer *writer, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;
	int links = 0;

	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name)
		return *path ? -EISDIR : -ENOENT;
	directory = slash ? strndup(path, slash - path + 1) : strdup(".");
	return directory ? walk(writer, AT_FDCWD, directory, &links) : -ENOMEM;
}

/* How it is opened. */
struct way {
	bool any;    /* a device or a FIFO, too */
	bool append; /* what is there stays, and can be read */
};

static int way_flags(const struct way *way)
{
	return O_CLOEXEC | O_NOCTTY | (way->append ? O_RDWR | O_APPEND : O_WRONLY);
}

/* It was not there: now it is, and nobody else's. */
static int make(const struct writer *writer, int dir, const char *name, const struct way *way)
{
	_cleanup_close_ int fd =
		openat(dir, name, way_flags(way) | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (writer->sudo && !way->append && fchown(fd, writer->uid, writer->gid))
		return -errno;
	return TAKE_FD(fd);
}

static bool may_write(const struct writer *writer, const struct stat *st, bool any)
{
	if (S_ISREG(st->st_mode))
		return is_own(writer, st) && st->st_nlink == 1;
	return any && (S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode)) && is_trusted(writer, st);
}

/* What is there: looked at before it is opened, which alone can begin something. */
static int use(const struct writer *writer, int dir, const char *name, const struct way *way)
{
	_cleanup_close_ int seen = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	struct stat st;
	char link[32];

	if (seen < 0 || fstat(seen, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!may_write(writer, &st, way->any))
		return -EEXIST;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", seen);
	fd = open(link, way_flags(way));
	if (fd < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && !way->append && (fchmod(fd, 0600) || ftruncate(fd, 0)))
		return -errno;
	return TAKE_FD(fd);
}

/* The number of a name for one of our own descriptors; -1: it is none. */
static int own_descriptor(const char *path)
{
	static const char fds[] = "/dev/fd/";
	unsigned long number;
	char *end;

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	if (strncmp(path, fds, strlen(fds)) || path[strlen(fds)] < '0' || path[strlen(fds)] > '9')
		return -1;
	number = strtoul(path + strlen(fds), &end, 10);
	return *end || number > INT_MAX ? -1 : (int)number;
}

static int open_by(const char *path, const struct way *way)
{
	const struct writer writer = find_writer();
	_cleanup_close_ int dir = -1;
	const char *name;
	int fd = way->any ? own_descriptor(path) : -1;

	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	dir = open_directory(&writer, path, &name);
	if (dir < 0)
		return dir;
	for (int i = 0; i < TRIES_MAX; i++) {
		fd = use(&writer, dir, name, way);
		if (fd == -ENOENT)
			fd = make(&writer, dir, name, way);
		else
			return fd;
		/* Somebody has made it in between: that is looked at. */
		if (fd != -EEXIST)
			return fd;
	}
	return -EEXIST;
}

int output_file_open(const char *path, bool any)
{
	return open_by(path, &(struct way){.any = any});
}

int output_file_append(const char *path)
{
	return open_by(path, &(struct way){.any = true, .append = true});
}

/* Whether nobody but the writer and root can change what lies in it; sticky: what is theirs in it.
 */
static bool is_private(const struct writer *writer, const struct stat *st, bool sticky)
{
	return is_trusted(writer, st) &&
	       (!(st->st_mode & (S_IWGRP | S_IWOTH)) || (sticky && st->st_mode & S_ISVTX));
}

/* A directory, and each above it. 0 or negative errno. */
static int check_private(const struct writer *writer, int dir)
{
	_cleanup_close_ int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	struct stat below, st;

	if (at < 0 || fstat(at, &st))
		return -errno;
	if (!is_private(writer, &st, false))
		return -EXDEV;
	do {
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		below = st;
		close_fd(at);
		at = up;
		if (at < 0 || fstat(at, &st))
			return -errno;
		if (!is_private(writer, &st, true))
			return -EXDEV;
	} while (st.st_dev != below.st_dev || st.st_ino != below.st_ino);
	return 0;
}

/* Of a directory, and a name in it. From the heap; NULL: errno says why. */
static char *real_path(int dir, const char *name)
{
	char link[32], target[PATH_MAX], *path;
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	size = readlink(link, target, sizeof(target));
	if (size < 0)
		return NULL;
	if (asprintf(&path, "%.*s/%s", (int)size, target, name) >= 0)
		return path;
	errno = ENOMEM;
	return NULL;
}

int output_file_private(const char *path, char **ret_path)
{
	const struct way way = {.append = true};
	const struct writer writer = find_writer();
	_cleanup_close_ int dir = -1, fd = -1;
	const char *name;
	int err;

	dir = open_directory(&writer, path, &name);
	if (dir < 0)
		return dir;
	err = check_private(&writer, dir);
	if (err)
		return err;
	fd = use(&writer, dir, name, &way);
	if (fd == -ENOENT)
		fd = make(&writer, dir, name, &way);
	if (fd < 0)
		return fd;
	*ret_path = real_path(dir, name);
	return *ret_path ? 0 : -errno;
}

const char *output_file_error(int err)
{
	switch (err) {
	case -EEXIST:
		return "it is there, and no plain file of yours with this one name; remove it, or "
		       "give another name";
	case -EXDEV:
		return "others may change its directory, or one above it; give one that is yours "
		       "or root's alone";
	case -ELOOP:
		return "a directory on the way there is a symbolic link that another user has "
		       "made; name the directory itself";
	default:
		return strerror(-err);
	}
}
