/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * An outbox (outbox.h) in memory.
 *
 * Owns: its rows, up to a number of bytes: beyond it the oldest goes, and is counted. One that is
 * taken does not go before it is settled. Never: outlives the agent.
 */
#ifndef FDTRACE_AGENT_MEMORY_OUTBOX_H
#define FDTRACE_AGENT_MEMORY_OUTBOX_H

#include "agent/outbox.h"

struct memory_outbox;

struct memory_outbox_stats {
	uint64_t waiting; /* rows, those that are taken among them */
	uint64_t bytes;	  /* of them */
	uint64_t dropped; /* rows that went for want of room */
	uint64_t refused; /* rows that the receiver will never take */
};

/* max_bytes: of all rows together. 0 or -ENOMEM. */
int memory_outbox_new(size_t max_bytes, struct memory_outbox **ret);
void memory_outbox_free(struct memory_outbox *memory);

/* At its end. Copies the row. One that has no room, or no memory, is counted as dropped. */
void memory_outbox_put(struct memory_outbox *memory, const uint8_t *data, size_t length);

/* What is taken from it: lent. */
struct outbox *memory_outbox_rows(struct memory_outbox *memory);
void memory_outbox_stats(const struct memory_outbox *memory, struct memory_outbox_stats *ret);

#endif
