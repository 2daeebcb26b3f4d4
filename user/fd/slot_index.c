/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/slot_index.h"

#include <stdlib.h>

#include "fd/table.h"

#define SIZE_MIN 8

/* Left by a number that has gone: those behind it are still found. */
static struct number gone;

/* Numbers that are spread by a program's will are no worse than others (Fibonacci hashing). */
static uint32_t home(const struct slots *slots, int32_t fd)
{
	return ((uint64_t)((uint32_t)fd * 0x9e3779b1u) * slots->size) >> 32;
}

static uint32_t after(const struct slots *slots, uint32_t i)
{
	return (i + 1) & (slots->size - 1);
}

struct number *slots_find(const struct slots *slots, int32_t fd)
{
	if (!slots->count)
		return NULL;
	for (uint32_t i = home(slots, fd); slots->at[i]; i = after(slots, i))
		if (slots->at[i] != &gone && slots->at[i]->fd == fd)
			return slots->at[i];
	return NULL;
}

static void put(struct slots *slots, struct number *number)
{
	uint32_t i = home(slots, number->fd);

	while (slots->at[i])
		i = after(slots, i);
	slots->at[i] = number;
	slots->used++;
	slots->count++;
}

/* Room for one more than there are, in an array without what has gone. */
static bool resize(struct slots *slots)
{
	struct slots fresh = {.size = SIZE_MIN};
	uint32_t at = 0;

	while (fresh.size < 2 * (slots->count + 1))
		fresh.size *= 2;
	fresh.at = calloc(fresh.size, sizeof(struct number *));
	if (!fresh.at)
		return false;
	for (struct number *number; (number = slots_next(slots, &at));)
		put(&fresh, number);
	free(slots->at);
	*slots = fresh;
	return true;
}

bool slots_add(struct slots *slots, struct number *number)
{
	if (slots->used + 1 > slots->size / 4 * 3 && !resize(slots))
		return false;
	put(slots, number);
	return true;
}

void slots_remove(struct slots *slots, const struct number *number)
{
	uint32_t i = home(slots, number->fd);

	while (slots->at[i] != number)
		i = after(slots, i);
	slots->at[i] = &gone;
	slots->count--;
}

void slots_free(struct slots *slots)
{
	free(slots->at);
	*slots = (struct slots){0};
}

struct number *slots_next(const struct slots *slots, uint32_t *at)
{
	while (*at < slots->size) {
		struct number *number = slots->at[(*at)++];

		if (number && number != &gone)
			return number;
	}
	return NULL;
}

size_t slots_bytes(const struct slots *slots)
{
	return slots->size * sizeof(struct number *);
}
