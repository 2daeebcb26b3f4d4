/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Files to write to, by names that our user has given.
 *
 * Owns: that nothing of anybody else's is written over, on whatever way the name leads there: every
 * output is opened here. Never: follows a symbolic link that the name ends in, or one on the way
 * that somebody else could have made; writes.
 */
#ifndef FDTRACE_BASE_OUTPUT_FILE_H
#define FDTRACE_BASE_OUTPUT_FILE_H

#include <stdbool.h>

/*
 * Opens path for writing. A file that is not there is made, with mode 0600, for the user behind
 * sudo, or else for us. One that is there is emptied and gets that mode, if it is a plain file of
 * ours (or of that user) with this one name. any: a device or a FIFO of these users or of root will
 * do as well, and /dev/stdout, /dev/stderr and /dev/fd/N mean what is open here.
 *
 * The descriptor, the caller's; -EEXIST: something else is there; -ELOOP: a directory on the way is
 * somebody else's symbolic link; other negative errno.
 */
int output_file_open(const char *path, bool any);

/*
 * The same, any of them, for one that runs as a service: what is there stays, with its mode, and
 * what is written goes behind it; a new file is our own, not of the user behind sudo. It can be
 * read, too.
 */
int output_file_append(const char *path);

/*
 * For a library that opens a file by its name, and makes others beside it: they must lie where
 * nobody but us and root can change names. The file is made, with mode 0600, if it is not there; a
 * plain file of ours, with this one name, stays as it is. *ret_path: its path without links, from
 * the heap. 0; -EXDEV: others can change names on the way; else as above.
 */
int output_file_private(const char *path, char **ret_path);

/* Why it failed, for a sentence that begins with "cannot write to FILE: ". */
const char *output_file_error(int err);

#endif
