/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/bounded.h"

#include <errno.h>

struct bounded_item *bounded_find(const struct bounded *table, const void *key, size_t key_size)
{
	struct bounded_item *item = NULL;

	HASH_FIND(hh, table->oldest, key, key_size, item);
	return item;
}

void bounded_drop(struct bounded *table, struct bounded_item *item)
{
	HASH_DEL(table->oldest, item);
	table->bytes -= item->bytes;
	table->item_free(item);
}

void bounded_drop_all(struct bounded *table)
{
	while (table->oldest)
		bounded_drop(table, table->oldest);
}

/* As bounded_shrink(), but keep stays, and so does what is younger. */
static void shrink_to(struct bounded *table, const struct bounded_item *keep, size_t items,
		      size_t bytes)
{
	struct bounded_item *oldest;

	while ((oldest = table->oldest) && oldest != keep &&
	       (HASH_COUNT(oldest) > items || table->bytes > bytes)) {
		if (table->forget)
			table->forget(table->arg, oldest);
		bounded_drop(table, oldest);
		table->forgotten++;
	}
}

static size_t bytes_max(const struct bounded *table)
{
	return table->bytes_max ? table->bytes_max : SIZE_MAX;
}

int bounded_add(struct bounded *table, struct bounded_item *item, const void *key, size_t key_size)
{
	struct bounded_item *old = bounded_find(table, key, key_size);
	size_t most = bytes_max(table);

	if (old)
		bounded_drop(table, old);
	shrink_to(table, NULL, table->items_max - 1, most > item->bytes ? most - item->bytes : 0);
	HASH_ADD_KEYPTR(hh, table->oldest, key, key_size, item);
	if (!item->hh.tbl)
		return -ENOMEM;
	table->bytes += item->bytes;
	return 0;
}

void bounded_resize(struct bounded *table, struct bounded_item *item, size_t bytes)
{
	table->bytes += bytes - item->bytes;
	item->bytes = bytes;
	shrink_to(table, item, table->items_max, bytes_max(table));
}

void bounded_shrink(struct bounded *table, size_t items, size_t bytes)
{
	shrink_to(table, NULL, items, bytes);
}
