/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What has been learned of executable files, in a file of our own, for the next trace on this host:
 * it need not look into them again, and knows their Pythons from the first instruction on.
 *
 * Owns: that file, and whether it is still true: it holds for one boot of the kernel (the numbers
 * of devices are given anew) and for this very build of fdtrace. Whatever else is in it, or is
 * damaged, is passed over and written over. Never: fails a trace.
 */
#ifndef FDTRACE_TRACER_FILE_STORE_H
#define FDTRACE_TRACER_FILE_STORE_H

#include "tracer/file_cache.h"

/* Whoever wrote it, and when: anything else in the file, and the rest of it means nothing. */
struct file_store_origin {
	uint64_t magic;
	char boot_id[40];
	/* Of the program's own file. */
	uint64_t device, inode, size, changed_ns;
};

struct file_store {
	int fd; /* ours; -1: none */
	struct file_store_origin origin;
	uint64_t changes;  /* file_cache_changes(), as the file has them */
	uint64_t saved_ns; /* CLOCK_BOOTTIME */
};

#define FILE_STORE_NONE ((struct file_store){.fd = -1})

/*
 * Opens the file, making it if there is none, and hands what it holds to file_cache. Before
 * privileges are given up. 0 or negative errno: it cannot be opened (output_file_error()).
 */
int file_store_open(struct file_store *store, const char *path, struct file_cache *file_cache);

/*
 * Writes what has been learned since, but no more often than every few seconds, unless at_end.
 * now_ns: CLOCK_BOOTTIME. What cannot be written is learned anew by the next trace.
 */
void file_store_save(struct file_store *store, const struct file_cache *file_cache, uint64_t now_ns,
		     bool at_end);

void file_store_close(struct file_store *store);

#endif
