/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int peek_open(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool peek_read(int fd, uint64_t address, void *buf, size_t size)
{
	return address <= INT64_MAX - size && pread(fd, buf, size, (off_t)address) == (ssize_t)size;
}

void peek_text(int fd, uint64_t address, char *buf, size_t size)
{
	ssize_t got = address <= INT64_MAX ? pread(fd, buf, size - 1, (off_t)address) : 0;

	buf[got > 0 ? got : 0] = '\0';
}
