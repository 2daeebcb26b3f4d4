/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What waits to be delivered, and what is known of bugs, kept on disk: delivered at least once,
 * whatever ends the agent, the machine, or its power.
 *
 * Owns: the thread that alone waits for the disk; the rows on their way there; an outbox for each
 * receiver. While the disk does not take anything, rows are delivered from memory, of which there
 * is a bounded amount. Never: lets the agent's loop wait; forgets a row without counting it.
 */
#ifndef FDTRACE_AGENT_SPOOL_H
#define FDTRACE_AGENT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/known.h"
#include "agent/outbox.h"

#define SPOOL_SINKS_MAX	  8
/* A longer row is dropped. */
#define SPOOL_ROW_MAX	  (1u << 20)
/* Of rows that are not on the disk yet, in memory; beyond, the oldest goes. */
#define SPOOL_PENDING_MAX (4u << 20)

struct spool;

struct spool_options {
	const char *path; /* NULL: in memory alone */
	uint64_t bytes;	  /* the file grows to so many */
	size_t sinks;	  /* receivers; each is a number from 0, which stays its own for ever */
};

/*
 * Opens the file; where that fails it is tried again later, and spool_notice() tells. 0 or -ENOMEM.
 */
int spool_new(const struct spool_options *options, struct spool **ret_spool);

/*
 * Before spool_start(): what is known of bugs, those met last at the end. A file that is damaged
 * there is replaced. 0 or negative errno.
 */
int spool_load_bugs(struct spool *spool, void (*fn)(void *arg, const struct known_record *record),
		    void *arg);

/* Starts the thread, with the privileges that the caller has now. 0 or negative errno. */
int spool_start(struct spool *spool);

/*
 * A row for these receivers (a bit each). Within 200 ms, or with 100 others, it is on the disk;
 * then, and not before, it waits in their outboxes. length: not 0.
 */
void spool_put(struct spool *spool, const uint8_t *data, size_t length, uint32_t sinks);

/* At the end: what has been put in waits in the outboxes, if that can be within wait_ns. */
void spool_hurry(struct spool *spool, uint64_t wait_ns);

/* Lent, till spool_close(). NULL: there is no such receiver. For one thread, as all of this is. */
struct outbox *spool_outbox(struct spool *spool, size_t sink);

/* What is known of a bug by now. False: not now, there is too much to write. */
bool spool_takes_bug(struct spool *spool);
bool spool_keep_bug(struct spool *spool, const struct known_record *record);

struct spool_stats {
	struct spool_sink_stats {
		uint64_t waiting; /* rows now, taken ones too */
		uint64_t dropped; /* rows that it never got */
		uint64_t refused; /* rows that it will never take */
	} sinks[SPOOL_SINKS_MAX];
	size_t sink_count;
	uint64_t bytes; /* on the disk, and of rows on their way there */
	uint64_t too_long;
	uint64_t commits;
	uint64_t failures;  /* how often the disk has begun to fail */
	uint64_t set_aside; /* damaged files */
	bool has_file, works;
};

void spool_stats(struct spool *spool, struct spool_stats *ret);

/* Something to tell a person, once each; a sentence. NULL: nothing. Lent till the next call. */
const char *spool_notice(struct spool *spool);

/* Writes what it has, for so long at most: then it is left to itself. spool may be NULL. */
void spool_close(struct spool *spool, uint64_t wait_ns);

#endif
