/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Of what waits for one receiver, the part that is in memory.
 *
 * Owns: a bounded number of rows, ordered by id, each with whether it is taken; who holds a row.
 * Never: locks, blocks, or counts: the spool does.
 */
#ifndef FDTRACE_AGENT_SPOOL_WINDOW_H
#define FDTRACE_AGENT_SPOOL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/outbox.h"

/* Bytes after which no more is read ahead, and below which it is again. */
#define SPOOL_WINDOW_FULL (2u << 20)
#define SPOOL_WINDOW_LOW  (1u << 20)
/* The same of rows, however small. */
#define SPOOL_WINDOW_ROWS 1024

/* A row in memory. */
struct spool_row {
	int64_t id;
	uint32_t sinks;	  /* bits of those that it waits for, if it is not on the disk yet */
	uint32_t refused; /* those that have refused it, likewise */
	unsigned int refs;
	bool pending;		       /* it is not on the disk yet */
	bool storing;		       /* a transaction has it: nothing of it changes */
	bool tried;		       /* one has failed */
	struct spool_row *prev, *next; /* of those that are pending */
	size_t length;
	uint8_t data[];
};

/* data is copied; NULL: room for it. One reference, the caller's. NULL: no memory. */
struct spool_row *spool_row_new(int64_t id, const uint8_t *data, size_t length);
void spool_row_drop(struct spool_row *row);

struct spool_window {
	struct window_item {
		struct spool_row *row;
		bool taken;
		bool orphan; /* it has gone from the disk meanwhile */
	} * items;	     /* ids rise */
	size_t count, room;
	size_t bytes;
	size_t waiting; /* not taken */
};

void spool_window_free(struct spool_window *window);

/* No row is added to one of so many bytes, or of SPOOL_WINDOW_ROWS. */
bool spool_window_full(const struct spool_window *window, size_t bytes);

/* Takes a reference of its own. 0, -EEXIST: it is there, or -ENOMEM. */
int spool_window_add(struct spool_window *window, struct spool_row *row);

/* As struct outbox has it. */
size_t spool_window_take(struct spool_window *window, struct outbox_row *ret, size_t max,
			 size_t max_bytes);

/* The row of that id, taken or not; NULL: it is not here. */
struct window_item *spool_window_find(struct spool_window *window, int64_t id);

/* It is to be taken again. */
void spool_window_return(struct spool_window *window, struct window_item *item);

/* It goes. The window's reference is the caller's. */
struct spool_row *spool_window_remove(struct spool_window *window, struct window_item *item);

#endif
