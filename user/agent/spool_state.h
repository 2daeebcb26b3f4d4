/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the agent's loop and the spool's thread share: for spool.c and spool_thread.c alone.
 *
 * Owns: which of the two may touch what, and when. Never: blocks, but for the lock.
 */
#ifndef FDTRACE_AGENT_SPOOL_STATE_H
#define FDTRACE_AGENT_SPOOL_STATE_H

#include <pthread.h>

#include "agent/spool.h"
#include "agent/spool_file.h"
#include "agent/spool_window.h"

/* So many rows make a transaction, and so long it waits for them. */
#define SPOOL_BATCH    100
#define SPOOL_BATCH_NS UINT64_C(200000000)
#define SPOOL_BUGS     64

struct spool_sink {
	struct outbox outbox; /* first: its functions get its address */
	struct spool *spool;
	uint32_t bit;
	struct spool_window window;
	bool readable; /* its eventfd is */
	/* Rows on the disk that were there when it was opened: read up to old, of old_last. */
	int64_t old, old_last;
	int64_t ahead; /* rows put in since: read up to here */
	bool more;     /* there may be some beyond */
	struct spool_sink_stats stats;
};

struct spool_kept_bug {
	struct known_record record; /* its texts lie here */
	char service[KNOWN_TEXT], version[KNOWN_TEXT], bug[KNOWN_TEXT];
};

/* Set before the thread starts and read by both: path, bytes, sink_count. The thread's: file. */
struct spool {
	char *path; /* NULL: none */
	uint64_t bytes;
	size_t sink_count;
	struct spool_file *file; /* NULL: it could not be opened */

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;  /* there is some */
	pthread_cond_t end;   /* the thread has ended, or need not hurry any more */
	bool stop, ended;
	bool hurry; /* till what has been put in waits in the outboxes */
	struct spool_sink sinks[SPOOL_SINKS_MAX];
	int64_t next_id;
	struct spool_row *pending; /* the oldest first */
	size_t pending_count, pending_bytes;
	int64_t tried; /* pending rows up to this id wait in memory alone */
	struct spool_settled *settled;
	size_t settled_count, settled_room;
	struct spool_kept_bug bugs[SPOOL_BUGS]; /* those of a transaction do not move */
	size_t bug_count;
	uint64_t work_ns;  /* since when something is to be written; 0: nothing */
	int err;	   /* why nothing can be; 0: it can */
	bool told;	   /* that has been */
	uint64_t retry_ns; /* CLOCK_MONOTONIC, as all of these */
	uint64_t file_bytes;
	uint64_t too_long, commits, failures, set_aside, set_aside_told;
	char notice[512];
};

/* All of these with the lock. */

/* Whether rows are delivered from memory. */
bool spool_in_memory(const struct spool *spool);

/* Since now there is something to write. */
void spool_has_work(struct spool *spool);

/* A row goes before these receivers, a bit each, had it. */
void spool_drop(struct spool *spool, int64_t id, uint32_t sinks);

/* A receiver does not wait for a row any more. item: where it is; NULL: on the disk alone. */
void spool_forget_item(struct spool_sink *sink, struct window_item *item);

/* A pending row goes: it is on the disk, or nobody waits for it. */
void spool_unlink_pending(struct spool *spool, struct spool_row *row);

/* Its eventfd tells whether rows wait. */
void spool_sink_signal(struct spool_sink *sink);

/* Whether rows of the file may be read ahead; whether some wait in memory alone. */
bool spool_wants_read(const struct spool_sink *sink);
bool spool_wants_pending(const struct spool_sink *sink);

/* Whether there is room for them, and there are some. */
bool spool_sink_wants(const struct spool_sink *sink);

#endif
