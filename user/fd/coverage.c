/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "fd/table.h"

#define RING_LINK "anon_inode:[io_uring]" /* what /proc shows of one */

/* What was told of a table before it was known. */
struct unmet {
	UT_hash_handle hh;
	uint64_t address;
	uint32_t ways;
	uint64_t time_ns, from_ns;
};

static void way_ends(struct coverage *c, uint32_t ways, uint64_t time_ns)
{
	ways &= c->ways;
	if (!ways)
		return;
	c->ways &= ~ways;
	c->past |= ways;
	if (time_ns > c->until_ns)
		c->until_ns = time_ns;
}

/* from_ns: no earlier than that was one of them there; 0: not known. */
static void way_begins(struct coverage *c, uint32_t ways, uint64_t time_ns, uint64_t from_ns)
{
	if (!ways)
		return;
	if ((!c->ways && !c->past) || from_ns < c->from_ns)
		c->from_ns = from_ns;
	c->ways |= ways & UNSEEN_WAYS;
	if (time_ns > c->told_ns)
		c->told_ns = time_ns;
}

/* Who looks finds what has been there for long; else it begins. */
static uint64_t from_of(const struct record_unseen *record)
{
	return record->all ? 0 : record->h.time_ns;
}

static struct unmet *find_unmet(const struct store *store, uint64_t address)
{
	struct unmet *unmet;

	HASH_FIND(hh, store->unmet, &address, sizeof(address), unmet);
	return unmet;
}

static void drop_unmet(struct store *store, struct unmet *unmet)
{
	HASH_DEL(store->unmet, unmet);
	free(unmet);
}

static int keep_unmet(struct store *store, const struct record_unseen *record)
{
	struct unmet *unmet = find_unmet(store, record->table);

	if (unmet && record->all)
		drop_unmet(store, unmet);
	if (!record->ways)
		return 0;
	unmet = find_unmet(store, record->table);
	if (!unmet) {
		/* For want of room it is held against all that come. */
		if (HASH_COUNT(store->unmet) >= store->limits.tables) {
			store->unmet_ways |= record->ways;
			return 0;
		}
		unmet = calloc(1, sizeof(*unmet));
		if (!unmet)
			return -ENOMEM;
		unmet->address = record->table;
		unmet->from_ns = from_of(record);
		HASH_ADD(hh, store->unmet, address, sizeof(unmet->address), unmet);
	}
	unmet->ways |= record->ways;
	unmet->time_ns = record->h.time_ns;
	return 0;
}

int coverage_told(struct store *store, const struct record_unseen *record)
{
	struct table *table = table_find(store, record->table);

	if (!table)
		return keep_unmet(store, record);
	if (record->all)
		way_ends(&table->coverage, ~record->ways, record->h.time_ns);
	way_begins(&table->coverage, record->ways, record->h.time_ns, from_of(record));
	return 0;
}

void coverage_placed(struct store *store, struct table *table)
{
	struct unmet *unmet = find_unmet(store, table->address);

	way_begins(&table->coverage, store->unmet_ways, store->now_ns, 0);
	if (!unmet)
		return;
	way_begins(&table->coverage, unmet->ways, unmet->time_ns, unmet->from_ns);
	drop_unmet(store, unmet);
}

void coverage_forget(struct store *store)
{
	while (store->unmet)
		drop_unmet(store, store->unmet);
}

void coverage_lacks(struct table *table, enum unseen_way way, uint64_t time_ns)
{
	way_begins(&table->coverage, way, time_ns, 0);
}

void coverage_call(struct table *table, const struct record_call *call)
{
	struct coverage *c = &table->coverage;

	if (call->still_open & CALL_RING || (call->call == CALL_IO_URING_SETUP && call->ret >= 0 &&
					     !(call->arg & (RING_TOLD | RING_WATCHED))))
		way_begins(c, UNSEEN_RING, call->h.time_ns, 0);
	if (call->still_open & CALL_ALONE && call->h.time_ns > c->told_ns)
		way_ends(c, UNSEEN_SHARER, call->h.time_ns);
}

void coverage_listed(struct table *table, const struct fd_what *what, uint64_t time_ns)
{
	if (what_path(what) && !strcmp(what->path, RING_LINK) &&
	    !(what->arg & (RING_TOLD | RING_WATCHED)))
		way_begins(&table->coverage, UNSEEN_RING, time_ns, 0);
}

void coverage_copied(struct table *to, const struct table *from, bool inherited, uint64_t time_ns)
{
	struct coverage was = from->coverage;

	/* Who shares the one does not share the other; a ring goes with its thread. */
	way_ends(&was, inherited ? UNSEEN_WAYS : UNSEEN_SHARER, time_ns);
	way_begins(&was, to->coverage.ways, to->coverage.told_ns, to->coverage.from_ns);
	to->coverage = was;
}

void coverage_anew(struct table *table)
{
	table->coverage = (struct coverage){0};
}

bool coverage_hides(const struct table *table)
{
	return table->coverage.ways;
}

bool coverage_has_hidden(const struct table *table)
{
	return table->coverage.ways || table->coverage.past;
}

static uint32_t doubts_of(uint32_t ways)
{
	return doubt_if(ways & UNSEEN_SHARER, DOUBT_SHARER) |
	       doubt_if(ways & UNSEEN_RING, DOUBT_RING) |
	       doubt_if(ways & UNSEEN_COMPAT, DOUBT_COMPAT);
}

uint32_t coverage_doubts_since(const struct table *table, const struct fd_site *site)
{
	const struct coverage *c = &table->coverage;
	bool before = site->missing != SITE_SEEN || site->time_ns <= c->until_ns;

	return doubts_of(c->ways | (before ? c->past : 0));
}

void coverage_weigh(const struct table *table, struct finding *finding)
{
	/* What its number alone shows, what is no more than counted, and what was before. */
	if (finding->fd < 0 || finding->kind == FINDING_CLOSE_SWEEP ||
	    finding->bad.time_ns < table->coverage.from_ns)
		return;
	/* Its other sites come later than that one, or are those of the generation before. */
	finding_doubt(finding, coverage_doubts_since(table, &finding->opened));
	if (finding->closed.missing == SITE_SEEN)
		finding_doubt(finding, coverage_doubts_since(table, &finding->closed));
	if (finding->victim.known)
		finding_doubt(finding, coverage_doubts_since(table, &finding->victim.opened));
}
