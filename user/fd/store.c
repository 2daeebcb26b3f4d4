/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What numbers and tables rest on: no function here calls one of theirs. */
#include <limits.h>

#include "fd/table.h"

/* What the heap needs for a block beside its bytes, and in which steps it gives these. */
#define HEAP_HEAD 8
#define HEAP_STEP 16

static size_t heap_size(size_t size)
{
	return (size + HEAP_HEAD + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP;
}

void store_count(struct store *store, size_t size)
{
	store->bytes += heap_size(size);
}

void store_discount(struct store *store, size_t size)
{
	store->bytes -= heap_size(size);
}

void store_init(struct store *store, const struct fd_limits *limits)
{
	static const struct fd_limits defaults = {
		.history = 4,
		.tables = 65536,
		.numbers = UINT_MAX,
		.bytes = 96 << 20,
		.sweep = 8,
		.settle_ns = 200000000,
	};
	struct fd_limits *l = &store->limits;

	*store = (struct store){.limits = limits ? *limits : defaults, .gaps = 1};
	l->history = l->history ?: defaults.history;
	l->tables = l->tables ?: defaults.tables;
	l->numbers = l->numbers ?: defaults.numbers;
	l->bytes = l->bytes ?: defaults.bytes;
	l->sweep = l->sweep ?: defaults.sweep;
	l->settle_ns = l->settle_ns ?: defaults.settle_ns;
}

/* Tables */

struct table *table_find(const struct store *store, uint64_t address)
{
	struct table *table;

	HASH_FIND(hh, store->tables, &address, sizeof(address), table);
	return table;
}

bool span_has(const struct span *span, int32_t fd)
{
	return fd >= span->min && fd <= span->max;
}

void span_widen(struct span *span, int32_t min, int32_t max)
{
	if (span_empty(span))
		*span = (struct span){min, max};
	if (min < span->min)
		span->min = min;
	if (max > span->max)
		span->max = max;
}

bool table_cut(const struct table *table, int32_t fd)
{
	return span_has(&table->cut, fd);
}

void table_mark_cut(struct table *table, int32_t min, int32_t max, uint64_t time_ns)
{
	if (time_ns > table->cut_ns)
		table->cut_ns = time_ns;
	span_widen(&table->cut, min, max);
}

bool table_unsure(const struct table *table, const struct slot *slot)
{
	return (slot ? slot->doubts : table->doubts) & DOUBT_COPY;
}
