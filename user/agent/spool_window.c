/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/spool_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct spool_row *spool_row_new(int64_t id, const uint8_t *data, size_t length)
{
	struct spool_row *row = calloc(1, sizeof(*row) + length);

	if (!row)
		return NULL;
	row->id = id;
	row->refs = 1;
	row->length = length;
	if (data)
		memcpy(row->data, data, length);
	return row;
}

void spool_row_drop(struct spool_row *row)
{
	if (!--row->refs)
		free(row);
}

void spool_window_free(struct spool_window *window)
{
	for (size_t i = 0; i < window->count; i++)
		spool_row_drop(window->items[i].row);
	free(window->items);
	*window = (struct spool_window){0};
}

/* The place of the first whose id is not below. */
static size_t window_place(const struct spool_window *window, int64_t id)
{
	size_t low = 0, high = window->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (window->items[middle].row->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct window_item *spool_window_find(struct spool_window *window, int64_t id)
{
	size_t at = window_place(window, id);

	return at < window->count && window->items[at].row->id == id ? &window->items[at] : NULL;
}

bool spool_window_full(const struct spool_window *window, size_t bytes)
{
	return window->bytes >= bytes || window->count >= SPOOL_WINDOW_ROWS;
}

int spool_window_add(struct spool_window *window, struct spool_row *row)
{
	size_t at = window_place(window, row->id);

	if (at < window->count && window->items[at].row->id == row->id)
		return -EEXIST;
	if (mem_grow(&window->items, &window->room, window->count + 1, sizeof(*window->items)))
		return -ENOMEM;
	memmove(&window->items[at + 1], &window->items[at],
		(window->count - at) * sizeof(*window->items));
	window->items[at] = (struct window_item){.row = row};
	row->refs++;
	window->count++;
	window->waiting++;
	window->bytes += row->length;
	return 0;
}

size_t spool_window_take(struct spool_window *window, struct outbox_row *ret, size_t max,
			 size_t max_bytes)
{
	size_t count = 0, bytes = 0;

	for (size_t i = 0; i < window->count && count < max && window->waiting; i++) {
		struct window_item *item = &window->items[i];

		if (item->taken)
			continue;
		if (count && bytes + item->row->length > max_bytes)
			break;
		bytes += item->row->length;
		item->taken = true;
		window->waiting--;
		ret[count++] =
			(struct outbox_row){item->row->id, item->row->data, item->row->length};
	}
	return count;
}

void spool_window_return(struct spool_window *window, struct window_item *item)
{
	window->waiting += item->taken;
	item->taken = false;
}

struct spool_row *spool_window_remove(struct spool_window *window, struct window_item *item)
{
	struct spool_row *row = item->row;
	size_t at = item - window->items;

	window->waiting -= !item->taken;
	window->bytes -= row->length;
	window->count--;
	memmove(item, item + 1, (window->count - at) * sizeof(*item));
	return row;
}
