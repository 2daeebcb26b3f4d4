/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The spool on disk: a SQLite database of rows that wait for receivers, and of bugs that are known.
 *
 * Owns: the database, its bound in bytes, and that each transaction is on the disk when it is said
 * to be. Blocks for as long as the disk does: one thread at a time, and never the agent's loop.
 * Never: opens what others could have put in its place; deletes a damaged file.
 */
#ifndef FDTRACE_AGENT_SPOOL_FILE_H
#define FDTRACE_AGENT_SPOOL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "agent/known.h"

/* Of the rows that a receiver will never take, the last so many are kept for people to look at. */
#define SPOOL_REFUSED_KEPT 100

struct spool_file;

/*
 * Opens path, or makes it; it grows to so many bytes, and a write-ahead log of about 1 MiB beside
 * it. 0; -EBADMSG: it is damaged, or of another version; -EBUSY: another process has it;
 * output_file_private()'s; other negative errno.
 */
int spool_file_open(const char *path, uint64_t bytes, struct spool_file **ret_file);
void spool_file_close(struct spool_file *file);

/* A damaged one, closed, becomes path.damaged, in place of one from before. 0 or negative errno. */
int spool_file_set_aside(const char *path);

/* A row to be put in. Bits of receivers: those that it waits for, and that have refused it. */
struct spool_file_row {
	int64_t id;
	uint32_t sinks, refused;
	const uint8_t *data;
	size_t length;
};

/* A receiver, one bit, has taken or refused a row. */
struct spool_settled {
	int64_t id;
	uint32_t sink;
	bool refused;
};

/* One that went for want of room, and which receivers it waited for. */
struct spool_dropped {
	int64_t id;
	uint32_t sinks;
};

/* What one transaction does. A row may be put in and settled at once. Lent. */
struct spool_batch {
	const struct spool_file_row *rows; /* ids rise */
	size_t row_count;
	const struct spool_settled *settled; /* of rows that there are, or are no more */
	size_t settled_count;
	const struct known_record *bugs;
	size_t bug_count;
};

/*
 * All of the batch, or nothing. Where there is no room for it, the oldest rows go: *ret_dropped
 * (from the heap, the caller's; NULL: none) of *ret_count. 0; -EBADMSG: the file is damaged;
 * -ENOSPC: the disk is full; other negative errno.
 */
int spool_file_store(struct spool_file *file, const struct spool_batch *batch,
		     struct spool_dropped **ret_dropped, size_t *ret_count);

/* data is lent for the call; NULL: it is not what was put in. 0 or negative errno: then it ends. */
typedef int (*spool_row_fn)(void *arg, int64_t id, const uint8_t *data, size_t length);

/*
 * Rows that wait for sink (a bit), with ids above after and up to last, in their order: at most
 * max, and no more after max_bytes have been reached. How many, or negative errno.
 */
int spool_file_read(struct spool_file *file, uint32_t sink, int64_t after, int64_t last, size_t max,
		    size_t max_bytes, spool_row_fn fn, void *arg);

/* How many wait for sink. 0 or negative errno. */
int spool_file_count(struct spool_file *file, uint32_t sink, uint64_t *ret);

/* The greatest id that was ever put in. 0 or negative errno. */
int spool_file_last(struct spool_file *file, int64_t *ret);

/* What the database has on the disk, without its log. */
uint64_t spool_file_bytes(struct spool_file *file);

/* The bugs, KNOWN_BUGS_MAX at most, those met last at the end. 0 or negative errno. */
int spool_file_each_bug(struct spool_file *file, void (*fn)(void *arg, const struct known_record *),
			void *arg);

#endif
