/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * An output descriptor that is written to without waiting.
 *
 * Owns: what has been printed and not yet taken; a reader that stalls costs memory up to a
 * bound, and only then time. Never: changes the descriptor's flags (it may be shared with a
 * traced program); raises SIGPIPE (the owner ignores it).
 */
#ifndef FDTRACE_BASE_WRITER_H
#define FDTRACE_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct output {
	int fd;	      /* lent */
	FILE *stream; /* print here */
	char *data;
	size_t size, room;
	int error; /* negative errno of the first write that failed */
};

/* Bytes that may wait for a reader that does not read. */
#define OUTPUT_PENDING_MAX (16u << 20)

/* 0 or negative errno. */
int output_open(struct output *output, int fd);
void output_close(struct output *output);

/*
 * Writes what waits, as far as the reader takes it; all of it if all is set or too much waits.
 * 0, or the negative errno of the first write that failed.
 */
int output_flush(struct output *output, bool all);

/* Whether anything waits. */
bool output_waits(struct output *output);

#endif
