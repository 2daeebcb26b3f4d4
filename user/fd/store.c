/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What generations, slots and tables all need: limits, the count of what is kept in memory, texts,
 * sets of numbers. They call these functions, which call none of theirs.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

/* Texts */

struct text *text_new(struct store *store, const char *bytes, size_t size)
{
	struct text *text;

	if (size > RECORD_NAME_MAX)
		size = RECORD_NAME_MAX;
	if (store->text_bytes + size > store->limits.bytes / 4)
		return NULL;
	text = malloc(sizeof(*text) + size + 1);
	if (!text)
		return NULL;
	text->refs = 1;
	text->size = size;
	memcpy(text->bytes, bytes, size);
	text->bytes[size] = '\0';
	store->text_bytes += size;
	store_count(store, sizeof(*text) + size + 1);
	return text;
}

struct text *text_ref(struct text *text)
{
	if (text)
		text->refs++;
	return text;
}

void text_unref(struct store *store, struct text *text)
{
	if (!text || --text->refs)
		return;
	store->text_bytes -= text->size;
	store_discount(store, sizeof(*text) + text->size + 1);
	free(text);
}

struct text *text_of(const struct generation *gen)
{
	const char *path = gen->what.path;

	return path ? (struct text *)(uintptr_t)(path - offsetof(struct text, bytes)) : NULL;
}

/* Generations */

void generation_drop_waiting(struct store *store, struct generation *gen)
{
	if (!gen->owner.waiting)
		return;
	store_discount(store, sizeof(*gen->owner.waiting));
	free(TAKE_PTR(gen->owner.waiting));
}

void generation_free(struct store *store, struct generation *gen)
{
	text_unref(store, text_of(gen));
	generation_drop_waiting(store, gen);
	free(gen);
	store_discount(store, sizeof(*gen));
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
