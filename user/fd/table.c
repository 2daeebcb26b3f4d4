/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"

static const struct span no_numbers = {0, -1};

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
	table->swept = table->cut = no_numbers;
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
	struct slot *slot;

	EACH_SLOT(table, at, slot)
	slot_free(store, slot);
	store->bytes -= slot_index_bytes(&table->numbers);
	slot_index_free(&table->numbers);
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
	struct slot *slot;

	if (!to)
		return NULL;
	slot_make_room(store, from->numbers.count);
	to->doubts = from->doubts;
	coverage_copied(to, from, inherited, store->now_ns);
	to->snapshot_ns = from->snapshot_ns;
	to->max_fds = from->max_fds;
	to->gaps = from->gaps;
	to->traced = true;
	to->whole = from->whole;
	to->snapshot = from->snapshot;
	to->read_anew = from->read_anew;
	to->swept = from->swept;
	to->swept_ns = from->swept_ns;
	if (!span_empty(&from->cut))
		table_mark_cut(to, from->cut.min, from->cut.max, from->cut_ns);
	EACH_SLOT(from, at, slot)
	{
		if (slot_copy(store, to, slot, inherited))
			continue;
		table_mark_cut(to, slot->fd, slot->fd, store->now_ns);
		store->forgotten++;
	}
	return to;
}

/* Of a generation that began unseen, nobody knows whether exec ends it, unless a list tells. */
static bool knows_cloexec(const struct generation *gen)
{
	return gen->began != BEGAN_BEFORE_USE && gen->opened.missing != SITE_OTHER_WAY &&
	       gen->opened.missing != SITE_LOST && gen->opened.missing != SITE_HISTORY_CUT;
}

/* Whether exec leaves the number open is not known for sure. */
static bool is_in_doubt(const struct store *store, const struct slot *slot)
{
	const struct generation *gen = slot->newest;

	if (slot->doubts & DOUBT_COPY || slot_stale(store, slot))
		return true;
	if (!gen)
		return false;
	return gen->doubts & (DOUBTS_ABOUT_ORDER | DOUBT_CLOSE_MISSED | DOUBT_RANGE) ||
	       (generation_live(gen) && !knows_cloexec(gen));
}

/*
 * What was closed before exec, or by it, was closed by another program: in this one the
 * number was never open, and nothing that is over can matter to it. What stays open was
 * opened by the program before, whose stacks are gone.
 */
void table_exec(struct store *store, struct table *table)
{
	struct slot *slot;
	bool unseen;

	EACH_SLOT(table, at, slot)
	{
		struct generation *gen = slot->newest;
		bool doubted = is_in_doubt(store, slot);

		table->doubts |= doubt_if(doubted, DOUBT_UNSEEN);
		if (!gen || !generation_live(gen) || gen->cloexec || !knows_cloexec(gen) ||
		    !slot_own(slot)) {
			slot_free(store, slot);
			continue;
		}
		slot_drop_older(store, slot);
		slot->doubts &= ~(DOUBT_CUT | DOUBT_CUT_UNSEEN);
		slot->cut_shared = false;
		gen = slot->newest;
		gen->doubts |= coverage_doubts_since(table, &gen->opened);
		gen->opened = (struct fd_site){.missing = SITE_BEFORE_EXEC};
		if (gen->began == BEGAN_BEFORE_USE)
			gen->began = BEGAN_UNSEEN;
		gen->owner.object = 0; /* so are its objects */
		gen->doubts &= ~(DOUBTS_ABOUT_ORDER | DOUBT_WHILE_OPEN | DOUBT_CLOSE_MISSED);
		/* It may not be there at all. */
		gen->doubts |= doubt_if(doubted, DOUBT_CLOSE_MISSED);
	}
	unseen = table_gap(store, table) || !span_empty(&table->cut) ||
		 table->doubts & (DOUBT_COPY | DOUBT_UNSEEN) || (!table->whole && !table->snapshot);
	table->whole = true;
	table->doubts = doubt_if(unseen, DOUBT_UNSEEN);
	table->read_anew = false;
	coverage_anew(table);
	table->swept = table->cut = no_numbers;
	table->gaps = store->gaps;
}

void table_doubt(struct table *table)
{
	struct slot *slot;

	EACH_SLOT(table, at, slot)
	slot->gaps = 0;
	table->gaps = 0;
}

static void slot_gone(struct store *store, struct slot *slot)
{
	struct generation *gen = slot->newest;

	/*
	 * Even where the newest generation was over already: the lost records may have opened the
	 * number anew and closed it.
	 */
	if (gen)
		generation_over(store, gen, &(struct fd_site){.missing = SITE_LOST});
	slot_await_nothing(slot);
	slot_touch(store, slot);
}

void table_read_anew(struct store *store, struct table *table)
{
	struct slot *slot;

	EACH_SLOT(table, at, slot)
	if (slot_stale(store, slot) && slot_own(slot))
		slot_gone(store, slot);
	table->read_anew = true;
	table->whole = false;
}

bool table_gap(const struct store *store, const struct table *table)
{
	return table->gaps != store->gaps;
}

void table_sweep(struct table *table, int32_t min, int32_t max, uint64_t time_ns)
{

	if (time_ns > table->swept_ns)
		table->swept_ns = time_ns;
	span_widen(&table->swept, min, max);
}

bool table_swept(const struct table *table, int32_t fd)
{
	return span_has(&table->swept, fd);
}

bool table_hides(const struct table *table)
{
	return coverage_has_hidden(table) || table->doubts & DOUBT_UNSEEN;
}
