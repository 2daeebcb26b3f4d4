/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Rows that were taken from an outbox, and how they are put into requests.
 *
 * Owns: which rows go into the next request: all, or where the receiver cannot take them, one half
 * and then the other, till the one that it cannot take stands alone; and the body of a request. A
 * row is what otlp_encode() made of a record; those of one encoding alone go together. Pure.
 */
#ifndef FDTRACE_AGENT_OTLP_BATCH_H
#define FDTRACE_AGENT_OTLP_BATCH_H

#include "agent/outbox.h"

/* Bytes of a request, before it is compressed; and rows that are taken at once. */
#define OTLP_REQUEST_MAX (1u << 20)
#define OTLP_BATCH_ROWS	 256
/* Of these rows together: each needs some more bytes in the request. */
#define OTLP_BATCH_BYTES (OTLP_REQUEST_MAX - OTLP_BATCH_ROWS * 8 - 64)

/* Each time that it is halved one more waits: 2^10 rows would fit. */
#define OTLP_RANGES_MAX 12

struct otlp_range {
	size_t first, count; /* of the rows */
};

struct otlp_batch {
	struct outbox_row rows[OTLP_BATCH_ROWS];
	struct otlp_range ranges[OTLP_RANGES_MAX]; /* the last goes next */
	size_t range_count;			   /* 0: it is done */
};

/* count of rows have been filled in. */
void otlp_batch_begin(struct otlp_batch *batch, size_t count);

/* The rows of the next request, all of one encoding. Lent; NULL: all is settled. */
const struct otlp_range *otlp_batch_next(struct otlp_batch *batch);

/* They are settled. */
void otlp_batch_done(struct otlp_batch *batch);

/* They are to go in two requests. False: it is one row. */
bool otlp_batch_split(struct otlp_batch *batch);

/* Whether the next request is JSON. */
bool otlp_batch_is_json(const struct otlp_batch *batch);

/* Its body, from the heap. 0; -EFBIG: one row that is too large; -ENOMEM. */
int otlp_batch_body(const struct otlp_batch *batch, uint8_t **ret_body, size_t *ret_length);

#endif
