/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/slot_index.h"

#include <stdlib.h>

#include "fd/table.h"

#define SIZE_MIN 8

/* Left by a number that has gone: those behind it are still found. */
static struct slot gone;

/* Numbers that are spread by a program's will are no worse than others (Fibonacci hashing). */
static uint32_t own(const struct slot_index *index, int32_t fd)
{
	return ((uint64_t)((uint32_t)fd * 0x9e3779b1u) * index->size) >> 32;
}

static uint32_t after(const struct slot_index *index, uint32_t i)
{
	return (i + 1) & (index->size - 1);
}

struct slot *slot_index_find(const struct slot_index *index, int32_t fd)
{
	if (!index->count)
		return NULL;
	for (uint32_t i = own(index, fd); index->at[i]; i = after(index, i))
		if (index->at[i] != &gone && index->at[i]->fd == fd)
			return index->at[i];
	return NULL;
}

static void put(struct slot_index *index, struct slot *slot)
{
	uint32_t i = own(index, slot->fd);

	while (index->at[i])
		i = after(index, i);
	index->at[i] = slot;
	index->used++;
	index->count++;
}

/* Room for one more than there are, in an array without what has gone. */
static bool resize(struct slot_index *index)
{
	struct slot_index fresh = {.size = SIZE_MIN};
	uint32_t at = 0;

	while (fresh.size < 2 * (index->count + 1))
		fresh.size *= 2;
	fresh.at = calloc(fresh.size, sizeof(struct slot *));
	if (!fresh.at)
		return false;
	for (struct slot *slot; (slot = slot_index_next(index, &at));)
		put(&fresh, slot);
	free(index->at);
	*index = fresh;
	return true;
}

bool slot_index_add(struct slot_index *index, struct slot *slot)
{
	if (index->used + 1 > index->size / 4 * 3 && !resize(index))
		return false;
	put(index, slot);
	return true;
}

void slot_index_remove(struct slot_index *index, const struct slot *slot)
{
	uint32_t i = own(index, slot->fd);

	while (index->at[i] != slot)
		i = after(index, i);
	index->at[i] = &gone;
	index->count--;
}

void slot_index_free(struct slot_index *index)
{
	free(index->at);
	*index = (struct slot_index){0};
}

struct slot *slot_index_next(const struct slot_index *index, uint32_t *at)
{
	while (*at < index->size) {
		struct slot *slot = index->at[(*at)++];

		if (slot && slot != &gone)
			return slot;
	}
	return NULL;
}

size_t slot_index_bytes(const struct slot_index *index)
{
	return index->size * sizeof(struct slot *);
}
