/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The numbers of one table, found by their value.
 *
 * Owns: the array that finds them, eight bytes a slot, at most twice to four times as many slots
 * as numbers. Never: owns a number; is sized by one's value.
 */
#ifndef FDTRACE_FD_SLOT_INDEX_H
#define FDTRACE_FD_SLOT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot;

struct slot_index {
	struct slot **at; /* NULL: free; or taken, or left by one that has gone */
	uint32_t size;	  /* a power of two, or 0 */
	uint32_t used;	  /* not free */
	uint32_t count;	  /* numbers */
};

struct slot *slot_index_find(const struct slot_index *index, int32_t fd);

/* One that is not there yet. False: no memory. */
bool slot_index_add(struct slot_index *index, struct slot *slot);

/* One that is there. */
void slot_index_remove(struct slot_index *index, const struct slot *slot);

/* None of them is in it any more. */
void slot_index_free(struct slot_index *index);

/*
 * The numbers one by one, in an order that their values give: *at is 0 for the first. NULL: these
 * were all. The one that was returned last may be removed meanwhile, but none added.
 */
struct slot *slot_index_next(const struct slot_index *index, uint32_t *at);

/* What its array takes, in bytes. */
size_t slot_index_bytes(const struct slot_index *index);

#endif
