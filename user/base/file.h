/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Open files of our own, by their descriptors.
 *
 * Owns: what /proc/self/fd is good for, and reading all that was asked for. Never: opens a device,
 * or a FIFO, by a name that others have given.
 */
#ifndef FDTRACE_BASE_FILE_H
#define FDTRACE_BASE_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The path that the kernel has for an open file. 0 or negative errno. */
int file_path(int fd, char ret[PATH_MAX]);

/*
 * Opens a file for reading by a path that anybody may have made, once it has proved to be a regular
 * one: nothing else is ever opened, not for a moment. As below.
 */
int file_open_regular(const char *path);

/*
 * Opens for reading what is open by its name alone (O_PATH): a regular file, since to open others
 * may block, or do things. The descriptor or negative errno: -EACCES: it is another kind of file.
 */
int file_reopen_regular(int path_fd);

/* All of size bytes at offset. 0; -EINVAL: the file ends before; other negative errno. */
int file_read_exactly(int fd, void *buf, size_t size, uint64_t offset);

/* From where fd is, as much as there is up to size. The bytes read, or negative errno. */
ssize_t file_read_up_to(int fd, void *buf, size_t size);

#endif
