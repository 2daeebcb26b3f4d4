/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What waits to be delivered to one receiver: rows that are put in at one end, and taken, in the
 * same order, at the other. Whoever keeps them (memory, a file) fills in the functions.
 *
 * Owns: nothing. Never: blocks; forgets a row that is not settled without counting it as dropped.
 */
#ifndef FDTRACE_AGENT_OUTBOX_H
#define FDTRACE_AGENT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox_row {
	int64_t id;	     /* greater than those of the rows before it */
	const uint8_t *data; /* lent, till the row is settled */
	size_t length;	     /* bytes */
};

enum outbox_end {
	OUTBOX_DELIVERED,
	OUTBOX_REFUSED, /* the receiver will never take it: it is set aside, and counted */
	OUTBOX_RETURNED /* not now: it is taken again later */
};

struct outbox {
	/* Of what waits and is not taken yet, at most max rows of max_bytes together, and at least
	 * one if there is one. How many. */
	size_t (*take)(struct outbox *outbox, struct outbox_row *ret, size_t max, size_t max_bytes);
	void (*settle)(struct outbox *outbox, const int64_t *ids, size_t count,
		       enum outbox_end end);
	/* Readable when rows may wait; -1: take() is asked at each step. Lent. */
	int fd;
};

#endif
