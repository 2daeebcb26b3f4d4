/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `--record FILE`: a session's records, kept for `fdtrace replay`.
 *
 * Owns: the file, and that source lines get into it which a report may show. Tracing goes on
 * when it fails, which is said once.
 */
#ifndef FDTRACE_TRACER_RECORDER_H
#define FDTRACE_TRACER_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "recording/writer.h"
#include "source/source_record.h"
#include "session/session.h"

struct recorder {
	const char *path; /* lent; NULL: nothing is recorded */
	int fd;
	struct recording_writer *writer;
	uint64_t flushed_ns;
	int error; /* negative errno: nothing is recorded any more; -EFBIG: the limit */
	bool told; /* which has been said */
	struct source_recorder source;
};

/* Nothing is recorded. */
#define RECORDER_NONE ((struct recorder){.fd = -1})

/*
 * Opens the file: nobody else's, and no link. session: what it was made with; limit: bytes. lines:
 * for source lines, lent; NULL: none. Returns an exit status; what failed has been said.
 */
int recorder_open(struct recorder *recorder, const char *path, uint64_t limit,
		  const struct session_options *session, struct source_reader *lines);
void recorder_close(struct recorder *recorder);

/*
 * A sink that finds the source lines of every finding, to be added before any other. NULL without
 * memory.
 */
struct sink *recorder_sink(struct recorder *recorder);

/* Where a text report gets its source lines from, so that they are recorded; NULL: no recorder. */
struct source_reader *recorder_source(struct recorder *recorder);

/*
 * A record, once the session has had it: what it made others record comes before it. As whom a
 * process opens files is not kept.
 */
void recorder_write(struct recorder *recorder, const struct record_header *record);

/* Time passes: what is kept is written now and then, now_ns is CLOCK_BOOTTIME; UINT64_MAX: now. */
void recorder_tick(struct recorder *recorder, uint64_t now_ns);

/* It has stopped, and recorder_tell() has not said so yet. */
bool recorder_has_news(const struct recorder *recorder);
void recorder_tell(struct recorder *recorder);

/* Not all of it could be written; that the limit was reached is no failure. */
bool recorder_failed(const struct recorder *recorder);

#endif
