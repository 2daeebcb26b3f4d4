/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `--record FILE`: a session's records, kept for `fdtrace replay`.
 *
 * Owns: the file, and that source lines get into it which a report may show. Tracing goes on
 * when it fails, of which there is one sentence. Never: prints it.
 */
#ifndef FDTRACE_TRACER_RECORDER_H
#define FDTRACE_TRACER_RECORDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "recording/writer.h"
#include "source/source_record.h"
#include "session/session.h"

struct recorder {
	struct session *session; /* lent: the next stage */
	const char *path;	 /* lent; NULL: nothing is recorded */
	int fd;
	struct recording_writer *writer;
	uint64_t flushed_ns;
	int error; /* negative errno: nothing is recorded any more; -EFBIG: the limit */
	bool told; /* which has been said */
	char text[PATH_MAX + 128];
	struct source_recorder source;
};

/* Nothing is recorded, and nothing is handed on yet. */
#define RECORDER_NONE ((struct recorder){.fd = -1})

struct recorder_options {
	const char *path;	 /* lent; NULL: nothing is recorded, records are handed on alone */
	uint64_t limit;		 /* bytes of the file */
	struct session *session; /* lent: where records go on to */
	const struct session_options *made_with;
	struct source_reader *lines; /* for source lines, lent; NULL: none */
};

/*
 * Opens the file: nobody else's, and no link. Gives the session a sink of its own, which finds the
 * source lines of every finding, and must be the first. 0 or negative errno: see
 * output_file_error().
 */
int recorder_open(struct recorder *recorder, const struct recorder_options *options);
void recorder_close(struct recorder *recorder);

/* Where a text report gets its source lines from, so that they are recorded; NULL: no recorder. */
struct source_reader *recorder_source(struct recorder *recorder);

/*
 * A record: handed on to the session, then kept, so that what it made others record comes before
 * it. As whom a process opens files is not kept. What the session returned.
 */
int recorder_feed(struct recorder *recorder, const struct record_header *record);

/* Time passes: what is kept is written now and then, now_ns is CLOCK_BOOTTIME; UINT64_MAX: now. */
void recorder_tick(struct recorder *recorder, uint64_t now_ns);

/*
 * Nothing is recorded any more, a sentence, once: for the limit was reached, or for it could not be
 * written. NULL: nothing new. Lent.
 */
const char *recorder_full(struct recorder *recorder);
const char *recorder_failure(struct recorder *recorder);

#endif
