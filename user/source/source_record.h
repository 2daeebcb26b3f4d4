/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Source lines as records: into a recording, and out of it again.
 *
 * Owns: both readers, and the lines that a recording has told so far (bounded).
 * Never: reads a file itself.
 */
#ifndef FDTRACE_SOURCE_SOURCE_RECORD_H
#define FDTRACE_SOURCE_SOURCE_RECORD_H

#include "base/bounded.h"
#include "base/records.h"
#include "source/source.h"

/* Reads from another reader, and hands each line asked for to fn as a RECORD_SOURCE. */
struct source_recorder {
	struct source_reader reader;
	struct source_reader *from;
	record_fn fn;
	void *arg;
};

/* from is lent; NULL: there are no lines. */
void source_recorder_init(struct source_recorder *recorder, struct source_reader *from,
			  record_fn fn, void *arg);

/* Lines kept at once: the oldest goes first. */
#define SOURCE_LINES_MAX 65536

/* Gives the lines that records told last. */
struct source_player {
	struct source_reader reader;
	struct bounded lines;
};

void source_player_init(struct source_player *player);
void source_player_free(struct source_player *player);

/* A RECORD_SOURCE. 0, -EINVAL, -ENOMEM. */
int source_player_record(struct source_player *player, const struct record_header *record);

#endif
