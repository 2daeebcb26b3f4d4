/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/seen.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#include <uthash.h>

struct seen_key {
	uint64_t start, end, offset, inode;
	uint32_t dev_major, dev_minor;
};

struct seen {
	struct seen_key key;
	UT_hash_handle hh;
};

static struct seen_key key_of(const struct proc_mapping *mapping)
{
	return (struct seen_key){
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
		.inode = mapping->inode,
		.dev_major = mapping->dev_major,
		.dev_minor = mapping->dev_minor,
	};
}

void seen_add(struct seen **seen, const struct proc_mapping *mapping)
{
	struct seen *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return;
	entry->key = key_of(mapping);
	HASH_ADD(hh, *seen, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl)
		free(entry);
}

bool seen_has(struct seen *seen, const struct proc_mapping *mapping)
{
	struct seen_key key = key_of(mapping);
	struct seen *found;

	HASH_FIND(hh, seen, &key, sizeof(key), found);
	return found;
}

void seen_free(struct seen **seen)
{
	struct seen *entry, *next;

	HASH_ITER (hh, *seen, entry, next) {
		HASH_DEL(*seen, entry);
		free(entry);
	}
}
