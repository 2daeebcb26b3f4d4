/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/memory_outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct row {
	struct row *next;
	int64_t id;
	size_t length;
	bool taken;
	uint8_t data[];
};

struct memory_outbox {
	struct outbox outbox;
	struct row *first, **end; /* in the order of their ids */
	int64_t last_id;
	size_t max_bytes;
	struct memory_outbox_stats stats;
};

static void remove_row(struct memory_outbox *memory, struct row **at)
{
	struct row *row = *at;

	*at = row->next;
	if (memory->end == &row->next)
		memory->end = at;
	memory->stats.waiting--;
	memory->stats.bytes -= row->length;
	free(row);
}

static size_t take_rows(struct outbox *outbox, struct outbox_row *ret, size_t max, size_t max_bytes)
{
	struct memory_outbox *memory = (struct memory_outbox *)outbox;
	size_t count = 0, bytes = 0;

	for (struct row *row = memory->first; row && count < max; row = row->next) {
		if (row->taken)
			continue;
		if (count && row->length > max_bytes - bytes)
			break;
		row->taken = true;
		ret[count++] = (struct outbox_row){row->id, row->data, row->length};
		if (row->length >= max_bytes - bytes)
			break;
		bytes += row->length;
	}
	return count;
}

static void settle_rows(struct outbox *outbox, const int64_t *ids, size_t count,
			enum outbox_end end)
{
	struct memory_outbox *memory = (struct memory_outbox *)outbox;

	for (size_t i = 0; i < count; i++) {
		struct row **at = &memory->first;

		while (*at && (*at)->id != ids[i])
			at = &(*at)->next;
		if (!*at)
			continue;
		(*at)->taken = false;
		if (end == OUTBOX_RETURNED)
			continue;
		memory->stats.refused += end == OUTBOX_REFUSED;
		remove_row(memory, at);
	}
}

int memory_outbox_new(size_t max_bytes, struct memory_outbox **ret)
{
	struct memory_outbox *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->outbox = (struct outbox){take_rows, settle_rows, -1};
	memory->end = &memory->first;
	memory->max_bytes = max_bytes;
	*ret = memory;
	return 0;
}

void memory_outbox_free(struct memory_outbox *memory)
{
	if (!memory)
		return;
	while (memory->first)
		remove_row(memory, &memory->first);
	free(memory);
}

/* The oldest go till there is room for so many bytes; those that are taken stay. */
static bool make_room(struct memory_outbox *memory, size_t length)
{
	struct row **at = &memory->first;

	if (length > memory->max_bytes)
		return false;
	while (*at && memory->stats.bytes > memory->max_bytes - length) {
		if ((*at)->taken) {
			at = &(*at)->next;
			continue;
		}
		remove_row(memory, at);
		memory->stats.dropped++;
	}
	return memory->stats.bytes <= memory->max_bytes - length;
}

void memory_outbox_put(struct memory_outbox *memory, const uint8_t *data, size_t length)
{
	struct row *row = make_room(memory, length) ? malloc(sizeof(*row) + length) : NULL;

	if (!row) {
		memory->stats.dropped++;
		return;
	}
	*row = (struct row){.id = ++memory->last_id, .length = length};
	memcpy(row->data, data, length);
	*memory->end = row;
	memory->end = &row->next;
	memory->stats.waiting++;
	memory->stats.bytes += length;
}

struct outbox *memory_outbox_rows(struct memory_outbox *memory)
{
	return &memory->outbox;
}

void memory_outbox_stats(const struct memory_outbox *memory, struct memory_outbox_stats *ret)
{
	*ret = memory->stats;
}
