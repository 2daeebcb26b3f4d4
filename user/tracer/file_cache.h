/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Executable files that have been looked into, and what they hold.
 *
 * Owns: the memory of them, one for each version of a file, and the kernel side's answers. A file
 * that is written to, or whose inode another one gets, is another version, of which nothing is
 * known. Never: knows who runs them.
 */
#ifndef FDTRACE_TRACER_FILE_CACHE_H
#define FDTRACE_TRACER_FILE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "security/elf_helper.h"
#include "ebpf/ebpf.h"

struct files;

/* What an executable file was found to be. */
struct known_file {
	struct file_version version;
	bool settled; /* whoever writes to it after we had read it has made another version */
	bool walked;  /* a Python that we can walk */
	bool strange; /* one that we can't */
	bool proved;  /* a process of it was as the layout says */
	struct python_runtime runtime;
	int fd; /* of a Python that is walked; else -1 */
	UT_hash_handle hh;
};

/*
 * Whether all that is written from real_ns (CLOCK_REALTIME) on makes another version: the kernel's
 * clock for files stands still between its ticks, 10 ms at most, and some file systems keep whole
 * seconds, or every second one.
 */
bool files_is_settled(const struct file_version *version, uint64_t real_ns);

/* All lent. owners: the functions that make descriptor owners are looked for. 0 or -ENOMEM. */
int files_new(struct probe *probe, struct foreign *foreign, bool owners, struct files **ret_files);
void files_free(struct files *files);

/* What is known of a version: lent until the next files_learn(). NULL: nothing. */
struct known_file *files_find(struct files *files, const struct file_version *version);

/*
 * The same, once it has been looked into, which the kernel side is told of. version: what fd, lent,
 * was when it was opened. NULL: it cannot be read, or is not that any more.
 */
struct known_file *files_learn(struct files *files, const struct file_version *version, int fd);

/* The same of the file of a path. NULL also: there is none. */
struct known_file *files_learn_path(struct files *files, const char *path);

/* The kernel side has asked for what it had been told: once more. */
void files_tell(struct files *files, const struct known_file *file);

#endif
