/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"

void table_place(struct store *store, struct table *table, uint64_t address)
{
	if (table->address)
		HASH_DEL(store->tables, table);
	table->address = address;
	if (!address)
		return;
	HASH_ADD(hh, store->tables, address, sizeof(address), table);
	coverage_placed(store, table);
}

struct table *table_new(struct store *store, uint64_t address)
{
	struct table *table;

	if (store->ntables >= store->limits.tables)
		return NULL;
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	store_count(store, sizeof(*table));
	table->store = store;
	table->gaps = store->gaps;
	table->swept = (struct span){0, -1};
	store->ntables++;
	table_place(store, table, address);
	return table;
}

/* A copy of it is then one of what it was copied from itself, and as old. */
static void leave_copies(struct table *table)
{
	struct table *source = table->source, *copy = table->copy;

	if (source)
		source->copy = copy;
	if (copy)
		copy->source = source;
	if (source && copy)
		copy->copied_ns = table->copied_ns;
	table->source = table->copy = NULL;
}

void table_free(struct store *store, struct table *table)
{
	struct number *number;

	EACH_NUMBER(table, at, number)
	number_free(store, number);
	store->bytes -= slots_bytes(&table->numbers);
	slots_free(&table->numbers);
	leave_copies(table);
	table_place(store, table, 0);
	store->ntables--;
	free(table);
	store_discount(store, sizeof(*table));
}

struct table *table_copy(struct store *store, const struct table *from, uint64_t address,
			 bool inherited)
{
	struct table *to = table_new(store, address);
	struct number *number;

	if (!to)
		return NULL;
	number_make_room(store, from->numbers.count);
	to->unsure = from->unsure;
	coverage_copied(to, from, inherited, store->now_ns);
	to->snapshot_ns = from->snapshot_ns;
	to->max_fds = from->max_fds;
	to->gaps = from->gaps;
	to->traced = true;
	to->whole = from->whole;
	to->snapshot = from->snapshot;
	to->relisted = from->relisted;
	to->foreign = from->foreign;
	to->swept = from->swept;
	to->swept_early = from->swept_early;
	to->swept_ns = from->swept_ns;
	if (from->cut)
		table_mark_cut(to, from->cut_min, from->cut_max, from->cut_ns);
	EACH_NUMBER(from, at, number)
	{
		if (number_copy(store, to, number, inherited))
			continue;
		table_mark_cut(to, number->fd, number->fd, store->now_ns);
		store->forgotten++;
	}
	return to;
}

/* Of a life that began unseen, nobody knows whether exec ends it. */
static bool knows_cloexec(const struct life *life)
{
	return life->opened.missing != SITE_OTHER_WAY && life->opened.missing != SITE_LOST &&
	       life->opened.missing != SITE_HISTORY_CUT;
}

/* Whether exec leaves the number open is not known for sure. */
static bool is_in_doubt(const struct store *store, const struct number *number)
{
	const struct life *life = number->newest;

	if (number->unsure || number_stale(store, number))
		return true;
	if (!life)
		return false;
	return life->uncertain || life->crossed || life->doubted || life->swept ||
	       (life->live && !knows_cloexec(life));
}

/*
 * What was closed before exec, or by it, was closed by another program: in this one the
 * number was never open, and nothing that is over can matter to it. What stays open was
 * opened by the program before, whose stacks are gone.
 */
void table_exec(struct store *store, struct table *table)
{
	struct number *number;

	EACH_NUMBER(table, at, number)
	{
		struct life *life = number->newest;
		bool doubted = is_in_doubt(store, number);

		table->foreign |= doubted;
		if (!life || !life->live || life->cloexec || !knows_cloexec(life) ||
		    !number_own(number)) {
			number_free(store, number);
			continue;
		}
		number_drop_older(store, number);
		number->cut = number->uneven = false;
		life = number->newest;
		life->hidden |= coverage_ways_since(table, &life->opened);
		life->opened = (struct fd_site){.missing = SITE_BEFORE_EXEC};
		life->shown = false;
		life->raced = life->uncertain = false;
		life->doubted = doubted; /* if it is there at all */
		life->owner = 0;	 /* so are its objects */
		life->crossed = false;
	}
	table->foreign |= table_gap(store, table) || table->cut || table->unsure ||
			  (!table->whole && !table->snapshot);
	table->whole = true;
	table->cut = table->relisted = table->unsure = false;
	coverage_anew(table);
	table->swept = (struct span){0, -1};
	table->swept_early = false;
	table->gaps = store->gaps;
}

void table_doubt(struct table *table)
{
	struct number *number;

	EACH_NUMBER(table, at, number)
	number->gaps = 0;
	table->gaps = 0;
}

static void number_gone(struct store *store, struct number *number)
{
	struct life *life = number->newest;

	/* One that was over may have begun again, and ended. */
	if (life)
		life_over(store, life, &(struct fd_site){.missing = SITE_LOST});
	for (; life; life = life->older)
		life->awaited = false;
	number_touch(store, number);
}

void table_relisted(struct store *store, struct table *table)
{
	struct number *number;

	EACH_NUMBER(table, at, number)
	if (number_stale(store, number) && number_own(number))
		number_gone(store, number);
	table->relisted = true;
	table->whole = false;
}

bool table_gap(const struct store *store, const struct table *table)
{
	return table->gaps != store->gaps;
}

void table_sweep(struct table *table, int32_t min, int32_t max, uint64_t time_ns)
{
	struct span *swept = &table->swept;

	if (time_ns > table->swept_ns)
		table->swept_ns = time_ns;
	if (swept->max < swept->min)
		*swept = (struct span){min, max};
	if (min < swept->min)
		swept->min = min;
	if (max > swept->max)
		swept->max = max;
}

bool table_swept(const struct table *table, int32_t fd)
{
	return fd >= table->swept.min && fd <= table->swept.max;
}

bool table_hides(const struct table *table)
{
	return coverage_has_hidden(table) || table->foreign;
}
