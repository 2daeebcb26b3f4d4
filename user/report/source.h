/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Source lines of a traced process, as its files are now.
 *
 * Owns: reading a file whose name a traced process chose: through that process's own root,
 * regular files on local file systems only, bounded. Never: opens a FIFO or a device, follows
 * a link out of that root, or shows a file of a process that only has the same number.
 */
#ifndef FDTRACE_REPORT_SOURCE_H
#define FDTRACE_REPORT_SOURCE_H

#include <stddef.h>

#include "process/process.h"

/* Where reports get source lines from. */
struct source_reader {
	/* As source_line() below. */
	char *(*line)(struct source_reader *reader, const struct process *process, const char *file,
		      int line);
	/* A finding has been told: files may be others at the next one. */
	void (*done)(struct source_reader *reader);
};

/* The file read last, so that the frames of one finding read it once. All zero: none. */
struct source {
	struct source_reader reader; /* set by source_files() */
	char *path;
	char *data; /* NULL: not readable */
	size_t size;
};

/* A reader of the processes' files; source_drop() frees what it holds. */
void source_files(struct source *source);

/*
 * Line number line (from 1) of file, without the white space around it, raw bytes, 400 at
 * most; NULL if it cannot be read. The caller frees it.
 */
char *source_line(struct source *source, const struct process *process, const char *file, int line);

/* Forgets what was read: the next look reads afresh. */
void source_drop(struct source *source);

#endif
