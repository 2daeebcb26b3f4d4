/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Executable files that traced processes run or map, and what is known of each: what Python it
 * holds, and by which number the native helper has it.
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

struct file_cache;

/* No file of the native helper's. */
#define FILE_NO_NUMBER UINT32_MAX

/* What is known of an executable file. */
struct known_file {
	struct file_version version;
	bool looked;	/* into, for Python: the following holds */
	bool settled;	/* whoever writes to it after we had read it has made another version */
	bool walked;	/* a Python that we can walk */
	bool strange;	/* one that we can't */
	bool validated; /* a process of it was as the layout says */
	struct python_runtime runtime;
	int fd;		 /* of a Python that is walked; else -1 */
	uint32_t native; /* the native helper's number of it; FILE_NO_NUMBER: it has not got it */
	UT_hash_handle hh, by_key;
};

/* What holds of a version of a file for as long as the kernel runs. No pointer in it. */
struct learned_file {
	struct file_version version;
	bool walked; /* a Python that we can walk: runtime holds */
	struct python_runtime runtime;
};

/*
 * Whether all that is written from real_ns (CLOCK_REALTIME) on makes another version: the kernel's
 * clock for files stands still between its ticks, 10 ms at most, and some file systems keep whole
 * seconds, or every second one.
 */
bool file_cache_is_settled(const struct file_version *version, uint64_t real_ns);

/* All lent. owners: the functions that make descriptor owners are looked for. 0 or -ENOMEM. */
int file_cache_new(struct ebpf *ebpf, struct elf_helper *elf_helper, bool owners,
		   struct file_cache **ret_file_cache);
void file_cache_free(struct file_cache *file_cache);

/*
 * What is known of a version that has been looked into: lent until the next file_cache_learn().
 * NULL: it has not been.
 */
struct known_file *file_cache_find(struct file_cache *file_cache,
				   const struct file_version *version);

/*
 * The same, once it has been looked into, which the kernel side is told of. version: what fd, lent,
 * was when it was opened. NULL: it cannot be read, or is not that any more.
 */
struct known_file *file_cache_learn(struct file_cache *file_cache,
				    const struct file_version *version, int fd);

/* The same of the file of a path. NULL also: there is none. */
struct known_file *file_cache_learn_path(struct file_cache *file_cache, const char *path);

/*
 * An open file of ours, lent, whether it has been looked into or not: lent until the next
 * file_cache_meet() or file_cache_learn(). NULL: the kernel side does not know it, or no memory.
 */
struct known_file *file_cache_meet(struct file_cache *file_cache, int fd);

/* The version of a file that was met last: lent likewise. NULL: it has not been met. */
struct known_file *file_cache_latest(struct file_cache *file_cache, const struct file_key *key);

/* Takes what has been learned before, and tells the kernel side of it. Without memory: nothing. */
void file_cache_add(struct file_cache *file_cache, const struct learned_file *learned);

/* Calls fn for each version of which something is known for good. */
void file_cache_each(const struct file_cache *file_cache,
		     void (*fn)(void *arg, const struct learned_file *learned), void *arg);

/* So often has something been learned. */
uint64_t file_cache_changes(const struct file_cache *file_cache);

/* The native helper has ended: it has no file any more. */
void file_cache_forget_natives(struct file_cache *file_cache);

/* The kernel side has asked for what it had been told: once more. */
void file_cache_send(struct file_cache *file_cache, const struct known_file *file);

#endif
