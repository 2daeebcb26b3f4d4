/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Source lines of a traced process, as its files are now.
 *
 * Owns: the helper process that reads them (helper.h), and which root directory it looks in: that
 * of the call, ours if that was the same, else the living process's. Never: opens a file itself;
 * waits for long; shows a file of a process that only has the same number.
 */
#ifndef FDTRACE_SOURCE_SOURCE_H
#define FDTRACE_SOURCE_SOURCE_H

#include "process/process.h"

/* Where reports get source lines from. */
struct source_reader {
	/*
	 * Line number line (from 1) of file, without the white space around it, raw bytes, 400 at
	 * most; NULL: it cannot be read, or rights, of the thread that named the file, do not allow
	 * it. rights NULL: not known. The caller frees it.
	 */
	char *(*line)(struct source_reader *reader, const struct process *process,
		      const struct record_rights *rights, const char *file, int line);
	/* A finding has been told: files may be others at the next one. */
	void (*done)(struct source_reader *reader);
};

struct source;

/*
 * Starts the helper: call it while this process still has the privileges that it has begun with,
 * and nothing open that the helper should not have. 0; -ENOTSUP: in this user namespace users have
 * other numbers than the kernel tells; other negative errno.
 */
int source_new(struct source **ret_source);
void source_free(struct source *source);

/* The processes' files. Lent; NULL of NULL: no lines. */
struct source_reader *source_files(struct source *source);

#endif
