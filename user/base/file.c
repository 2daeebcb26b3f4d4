/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define LINK_SIZE 32

static void link_of(int fd, char link[LINK_SIZE])
{
	snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
}

int file_path(int fd, char ret[PATH_MAX])
{
	char link[LINK_SIZE];
	ssize_t size;

	link_of(fd, link);
	size = readlink(link, ret, PATH_MAX - 1);
	if (size < 0)
		return -errno;
	ret[size] = '\0';
	return 0;
}

int file_reopen_regular(int path_fd)
{
	char link[LINK_SIZE];
	struct stat st;
	int fd = -1;

	if (fstat(path_fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	link_of(path_fd, link);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int file_open_regular(const char *path)
{
	_cleanup_close_ int path_fd = open(path, O_PATH | O_CLOEXEC);

	return path_fd < 0 ? -errno : file_reopen_regular(path_fd);
}

int file_read_exactly(int fd, void *buf, size_t size, uint64_t offset)
{
	ssize_t got;

	if (offset > INT64_MAX - size)
		return -EINVAL;
	got = pread(fd, buf, size, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == size ? 0 : -EINVAL;
}

ssize_t file_read_up_to(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, (char *)buf + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}
