/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/owner_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 4096

struct type_key {
	uint64_t type;
	uint32_t tgid;
	uint32_t unused;
};

struct owner_type_name {
	UT_hash_handle hh;
	struct type_key key;
	char name[RECORD_TYPE_NAME_MAX];
};

static struct owner_type_name *find_name(const struct owner_names *names,
					 const struct type_key *key)
{
	struct owner_type_name *found;

	HASH_FIND(hh, names->index, key, sizeof(*key), found);
	return found;
}

static void drop_name(struct owner_names *names, struct owner_type_name *name)
{
	HASH_DEL(names->index, name);
	free(name);
}

int owner_names_add(struct owner_names *names, const struct record_owner_type *record)
{
	const struct type_key key = {.type = record->type, .tgid = record->h.tgid};
	struct owner_type_name *name = find_name(names, &key);
	size_t size = record->name_size;

	if (name)
		drop_name(names, name);
	if (HASH_COUNT(names->index) >= NAMES_MAX)
		drop_name(names, names->index);
	name = calloc(1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	name->key = key;
	if (size >= sizeof(name->name))
		size = sizeof(name->name) - 1;
	memcpy(name->name, record->name, size);
	HASH_ADD(hh, names->index, key, sizeof(name->key), name);
	return 0;
}

const char *owner_names_find(const struct owner_names *names, uint32_t tgid, uint64_t type)
{
	const struct type_key key = {.type = type, .tgid = tgid};
	const struct owner_type_name *name = find_name(names, &key);

	return name ? name->name : "";
}

void owner_names_free(struct owner_names *names)
{
	while (names->index)
		drop_name(names, names->index);
}
