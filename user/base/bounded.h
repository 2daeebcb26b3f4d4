/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A table that holds so many items, of so many bytes, and no more: the oldest go first.
 *
 * Owns: finding by key, the order, the bounds. Pure. Never: knows what an item is: its user
 * begins it with a struct bounded_item, allocates it, and says how it is freed.
 */
#ifndef FDTRACE_BASE_BOUNDED_H
#define FDTRACE_BASE_BOUNDED_H

#include <stddef.h>
#include <stdint.h>

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#endif
#include <uthash.h>

struct bounded_item {
	size_t bytes; /* that it takes, with all that belongs to it */
	UT_hash_handle hh;
};

/* Its user fills in the first part, and leaves the rest all zero. */
struct bounded {
	size_t items_max;
	size_t bytes_max; /* 0: bytes are not bounded */
	void (*item_free)(struct bounded_item *item);
	/* Told of each item that goes for want of room, before it does; or NULL. */
	void (*forget)(void *arg, const struct bounded_item *item);
	void *arg;

	struct bounded_item *oldest;
	size_t bytes;
	uint64_t forgotten; /* items that have gone for want of room */
};

/* Lent, until the table changes; NULL: there is none of this key. */
struct bounded_item *bounded_find(const struct bounded *table, const void *key, size_t key_size);

/*
 * Adds an item, whose bytes are filled in, as the youngest; it takes the place of one of the same
 * key. key must stay where it is for as long as the item does: it lies in it. 0: the item is the
 * table's; -ENOMEM: it is still the caller's.
 */
int bounded_add(struct bounded *table, struct bounded_item *item, const void *key, size_t key_size);

/* An item that takes so many bytes from now on. It stays, whatever its age. */
void bounded_resize(struct bounded *table, struct bounded_item *item, size_t bytes);

/* The oldest go until there are at most so many items, of at most so many bytes. */
void bounded_shrink(struct bounded *table, size_t items, size_t bytes);

/* Takes an item out and frees it. */
void bounded_drop(struct bounded *table, struct bounded_item *item);
void bounded_drop_all(struct bounded *table);

#endif
