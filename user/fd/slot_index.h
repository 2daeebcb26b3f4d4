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

struct number;

struct slots {
	struct number **at; /* NULL: free; or taken, or left by one that has gone */
	uint32_t size;	    /* a power of two, or 0 */
	uint32_t used;	    /* not free */
	uint32_t count;	    /* numbers */
};

struct number *slots_find(const struct slots *slots, int32_t fd);

/* One that is not there yet. False: no memory. */
bool slots_add(struct slots *slots, struct number *number);

/* One that is there. */
void slots_remove(struct slots *slots, const struct number *number);

/* None of them is in it any more. */
void slots_free(struct slots *slots);

/*
 * The numbers one by one, in an order that their values give: *at is 0 for the first. NULL: these
 * were all. The one that was returned last may be removed meanwhile, but none added.
 */
struct number *slots_next(const struct slots *slots, uint32_t *at);

/* What its array takes, in bytes. */
size_t slots_bytes(const struct slots *slots);

#endif
