/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "fd/copy.h"

/* Paths are as long as a hostile program likes: bytes of all texts together. */
#define TEXT_BYTES_MAX (64u << 20)
/* Lives of one number beyond its history, each of which waits for its close. */
#define AWAITED_MAX    16

struct text *text_new(struct store *store, const char *bytes, size_t size)
{
	struct text *text;

	if (size > RECORD_NAME_MAX)
		size = RECORD_NAME_MAX;
	if (store->text_bytes + size > TEXT_BYTES_MAX)
		return NULL;
	text = malloc(sizeof(*text) + size + 1);
	if (!text)
		return NULL;
	text->refs = 1;
	text->size = size;
	memcpy(text->bytes, bytes, size);
	text->bytes[size] = '\0';
	store->text_bytes += size;
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
	free(text);
}

void store_init(struct store *store, const struct fd_limits *limits)
{
	static const struct fd_limits defaults = {
		.history = 4,
		.tables = 65536,
		.numbers = 1 << 20,
		.sweep = 8,
		.settle_ns = 200000000,
	};
	struct fd_limits *l = &store->limits;

	*store = (struct store){.limits = limits ? *limits : defaults, .gaps = 1};
	l->history = l->history ?: defaults.history;
	l->tables = l->tables ?: defaults.tables;
	l->numbers = l->numbers ?: defaults.numbers;
	l->sweep = l->sweep ?: defaults.sweep;
	l->settle_ns = l->settle_ns ?: defaults.settle_ns;
}

/* Lives */

static void life_free(struct store *store, struct life *life)
{
	store->live -= life->live;
	text_unref(store, life->text);
	free(life->waiting);
	free(life);
}

static void history_free(struct store *store, struct life *life)
{
	while (life) {
		struct life *older = life->older;

		life_free(store, life);
		life = older;
	}
}

/*
 * The newest life is about to be followed by another: keep the limit's worth of lives. One whose
 * close is on its way stays beyond that, or its close would be taken for another's: however many
 * lives follow while a thread is kept from returning from it. So does one whose object still has
 * the number, though it is over: the object may close it at any time.
 */
static void history_trim(struct store *store, struct number *number)
{
	struct life *life = number->newest, **link;
	unsigned int kept = 1, awaited = 0, stale = 0;

	for (; life && kept < store->limits.history; life = life->older)
		kept++;
	if (!life)
		return;
	for (link = &life->older; *link;) {
		life = *link;
		if ((life->awaited && awaited++ < AWAITED_MAX) ||
		    (life->owner && !life->given && stale++ < RECORD_CLAIMS_MAX)) {
			link = &life->older;
			continue;
		}
		*link = life->older;
		life_free(store, life);
	}
}

struct life *life_push(struct store *store, struct number *number)
{
	struct life *life = calloc(1, sizeof(*life));

	if (!life)
		return NULL;
	history_trim(store, number);
	life->id = ++store->lives;
	life->live = true;
	life->owner_gaps = store->gaps;
	life->ended.missing = life->shown.missing = SITE_NOT_APPLICABLE;
	life->older = number->newest;
	number->newest = life;
	store->live++;
	return life;
}

void number_drop_newest(struct store *store, struct number *number)
{
	struct life *life = number->newest;

	number->newest = life->older;
	life_free(store, life);
}

void life_over(struct store *store, struct life *life, const struct fd_site *ended)
{
	store->live -= life->live;
	life->live = false;
	life->ended = *ended;
}

void life_set_what(struct store *store, struct life *life, const struct fd_what *what,
		   struct text *text)
{
	struct text *old = life->text;

	life->text = text_ref(text);
	life->what = *what;
	life->what.path = text ? text->bytes : NULL;
	text_unref(store, old);
}

void life_unknown(struct store *store, struct life *life, enum site_missing missing)
{
	life_set_what(store, life, &(struct fd_what){.type = FD_UNKNOWN}, NULL);
	life->opened = (struct fd_site){.missing = missing};
	life->listed = life->copied = life->inherited = life->raced = false;
}

/* Numbers */

struct number *number_find(const struct table *table, int32_t fd)
{
	struct number *number;

	HASH_FIND(hh, table->numbers, &fd, sizeof(fd), number);
	return number;
}

static void number_free(struct store *store, struct number *number)
{
	HASH_DEL(number->table->numbers, number);
	DL_DELETE(store->numbers, number);
	store->nnumbers--;
	history_free(store, number->newest);
	free(number);
}

static void mark_cut(struct table *table, int32_t min, int32_t max)
{
	if (!table->cut) {
		table->cut = true;
		table->cut_min = min;
		table->cut_max = max;
	}
	if (min < table->cut_min)
		table->cut_min = min;
	if (max > table->cut_max)
		table->cut_max = max;
}

static void number_forget(struct store *store, struct number *number)
{
	store->forget(store->forget_arg, number);
	mark_cut(number->table, number->fd, number->fd);
	number_free(store, number);
	store->forgotten++;
}

static struct number *number_new(struct store *store, struct table *table, int32_t fd)
{
	struct number *number = calloc(1, sizeof(*number));

	if (!number)
		return NULL;
	number->fd = fd;
	number->table = table;
	number->gaps = store->gaps;
	number->copied = table->source != NULL;
	number->unsure = table->unsure;
	HASH_ADD(hh, table->numbers, fd, sizeof(fd), number);
	DL_APPEND(store->numbers, number);
	store->nnumbers++;
	return number;
}

struct number *number_get(struct store *store, struct table *table, int32_t fd)
{
	struct number *number = number_find(table, fd);

	if (number)
		return number;
	if (store->nnumbers >= store->limits.numbers)
		number_forget(store, store->numbers);
	return number_new(store, table, fd);
}

bool number_stale(const struct store *store, const struct number *number)
{
	return number->gaps != store->gaps;
}

void number_touch(struct store *store, struct number *number)
{
	number->gaps = store->gaps;
	number->copied = number->unsure = false;
	if (!number->next)
		return;
	DL_DELETE(store->numbers, number);
	DL_APPEND(store->numbers, number);
}

bool number_live(const struct number *number)
{
	return number && number->newest && number->newest->live;
}

struct life *number_life(const struct number *number, uint64_t id)
{
	struct life *life = number->newest;

	while (life && life->id != id)
		life = life->older;
	return life;
}

/* Tables */

struct table *table_find(const struct store *store, uint64_t address)
{
	struct table *table;

	HASH_FIND(hh, store->tables, &address, sizeof(address), table);
	return table;
}

void table_place(struct store *store, struct table *table, uint64_t address)
{
	if (table->address)
		HASH_DEL(store->tables, table);
	table->address = address;
	if (address)
		HASH_ADD(hh, store->tables, address, sizeof(address), table);
}

struct table *table_new(struct store *store, uint64_t address)
{
	struct table *table;

	if (store->ntables >= store->limits.tables)
		return NULL;
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->gaps = store->gaps;
	table->swept = (struct span){0, -1};
	store->ntables++;
	table_place(store, table, address);
	return table;
}

void table_free(struct store *store, struct table *table)
{
	struct number *number, *next;

	HASH_ITER (hh, table->numbers, number, next)
		number_free(store, number);
	copy_forget(table);
	table_place(store, table, 0);
	store->ntables--;
	free(table);
}

static struct life *life_copy(struct store *store, const struct life *from, bool inherited)
{
	struct life *life = malloc(sizeof(*life));

	if (!life)
		return NULL;
	*life = *from;
	life->older = NULL;
	life->waiting = NULL;
	life->id = ++store->lives;
	text_ref(life->text);
	store->live += life->live;
	if (inherited) {
		life->inherited = life->lent = true;
		life->opened.inherited = life->ended.inherited = true;
	}
	return life;
}

/* Without memory a history may come out shorter: then the number is not kept at all. */
static bool number_copy(struct store *store, struct table *to, const struct number *from,
			bool inherited)
{
	struct number *number;
	struct life **link;

	if (store->nnumbers >= store->limits.numbers)
		return false;
	number = number_new(store, to, from->fd);
	if (!number)
		return false;
	number->gaps = from->gaps;
	number->copied = from->copied;
	number->unsure = from->unsure;
	link = &number->newest;
	for (const struct life *life = from->newest; life; life = life->older) {
		*link = life_copy(store, life, inherited);
		if (!*link) {
			number_free(store, number);
			return false;
		}
		link = &(*link)->older;
	}
	return true;
}

struct table *table_copy(struct store *store, const struct table *from, uint64_t address,
			 bool inherited)
{
	struct table *to = table_new(store, address);
	struct number *number, *next;

	if (!to)
		return NULL;
	while (store->numbers &&
	       store->nnumbers + HASH_COUNT(from->numbers) > store->limits.numbers)
		number_forget(store, store->numbers);
	to->unsure = from->unsure;
	to->strange_ns = from->strange_ns;
	to->snapshot_ns = from->snapshot_ns;
	to->max_fds = from->max_fds;
	to->gaps = from->gaps;
	to->traced = true;
	to->whole = from->whole;
	to->snapshot = from->snapshot;
	to->relisted = from->relisted;
	to->ring = from->ring;
	to->foreign = from->foreign;
	to->swept = from->swept;
	to->swept_early = from->swept_early;
	to->swept_ns = from->swept_ns;
	if (from->cut)
		mark_cut(to, from->cut_min, from->cut_max);
	HASH_ITER (hh, from->numbers, number, next) {
		if (number_copy(store, to, number, inherited))
			continue;
		mark_cut(to, number->fd, number->fd);
		store->forgotten++;
	}
	return to;
}

/* Of a life that began unseen, nobody knows whether exec ends it. */
static bool knows_cloexec(const struct life *life)
{
	return life->opened.missing != SITE_OTHER_WAY && life->opened.missing != SITE_LOST;
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
	struct number *number, *next;

	HASH_ITER (hh, table->numbers, number, next) {
		struct life *life = number->newest;
		bool doubted = is_in_doubt(store, number);

		table->foreign |= doubted;
		if (!life || !life->live || life->cloexec || !knows_cloexec(life)) {
			number_free(store, number);
			continue;
		}
		history_free(store, life->older);
		life->older = NULL;
		life->opened = (struct fd_site){.missing = SITE_BEFORE_EXEC};
		life->raced = life->uncertain = false;
		life->doubted = doubted; /* if it is there at all */
		life->owner = 0;	 /* so are its objects */
		life->crossed = false;
		life->swept |= table->ring; /* which may have closed it */
	}
	table->foreign |= table_gap(store, table) || table->cut || table->unsure ||
			  (!table->whole && !table->snapshot);
	table->whole = true;
	table->cut = table->ring = table->relisted = table->unsure = false;
	table->swept = (struct span){0, -1};
	table->swept_early = false;
	table->gaps = store->gaps;
}

void table_doubt(struct table *table)
{
	struct number *number, *next;

	HASH_ITER (hh, table->numbers, number, next)
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
	struct number *number, *next;

	HASH_ITER (hh, table->numbers, number, next)
		if (number_stale(store, number))
			number_gone(store, number);
	table->relisted = true;
	table->whole = false;
}

bool table_gap(const struct store *store, const struct table *table)
{
	return table->gaps != store->gaps;
}

bool table_cut(const struct table *table, int32_t fd)
{
	return table->cut && fd >= table->cut_min && fd <= table->cut_max;
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
	return table->ring || table->foreign;
}
