/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "fd/table.h"

/* Lives of one number beyond its history, each of which waits for its close. */
#define AWAITED_MAX 16

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

/* Lives */

static struct life *life_new(struct store *store, const struct life *from)
{
	struct life *life = malloc(sizeof(*life));

	if (!life)
		return NULL;
	*life = *from;
	life->refs = 1;
	store_count(store, sizeof(*life));
	return life;
}

void life_drop_waiting(struct store *store, struct life *life)
{
	if (!life->waiting)
		return;
	store_discount(store, sizeof(*life->waiting));
	free(TAKE_PTR(life->waiting));
}

static void life_free(struct store *store, struct life *life)
{
	text_unref(store, life->text);
	life_drop_waiting(store, life);
	free(life);
	store_discount(store, sizeof(*life));
}

static void history_free(struct store *store, struct life *life)
{
	while (life) {
		struct life *older = life->older;

		life_free(store, life);
		life = older;
	}
}

bool life_was_seen(const struct life *life)
{
	return life->opened.missing == SITE_SEEN && life->ended.missing == SITE_SEEN &&
	       call_shape(life->ended.call) == SHAPE_CLOSE;
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
		number->uneven |= !life_was_seen(life);
		life_free(store, life);
		number->cut = true;
	}
}

struct life *life_push(struct store *store, struct number *number)
{
	static const struct life nothing = {
		.live = true,
		.ended.missing = SITE_NOT_APPLICABLE,
	};
	struct life *life = life_new(store, &nothing);

	if (!life)
		return NULL;
	history_trim(store, number);
	life->id = ++store->lives;
	life->owner_gaps = store->gaps;
	life->older = number->newest;
	number->newest = life;
	store->live++;
	return life;
}

void number_drop_newest(struct store *store, struct number *number)
{
	struct life *life = number->newest;

	number->newest = life->older;
	store->live -= life->live;
	life_free(store, life);
}

void number_drop_older(struct store *store, struct number *number)
{
	history_free(store, number->newest->older);
	number->newest->older = NULL;
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
	life->listed = life->copied = life->inherited = life->raced = life->shown = false;
}

/* Histories that several numbers have */

/* Where it was first, a life keeps its id, and what waits for its owner. */
static void settle_in(struct store *store, const struct number *number, struct life *life)
{
	if (number->borrowed)
		life->id = ++store->lives;
	if (number->inherits) {
		life->inherited = life->lent = true;
		life->opened.inherited = life->ended.inherited = true;
	}
}

/* A copy of all its lives, for this number alone. NULL without memory. */
static struct life *history_copy(struct store *store, const struct number *number)
{
	struct life *copy = NULL, **link = &copy;

	for (struct life *life = number->newest; life; life = life->older) {
		*link = life_new(store, life);
		if (!*link) {
			history_free(store, copy);
			return NULL;
		}
		(*link)->older = NULL;
		(*link)->waiting = NULL;
		text_ref(life->text);
		link = &(*link)->older;
	}
	return copy;
}

bool number_own(struct number *number)
{
	struct store *store = number->table->store;
	struct life *had = number->newest, *life;

	if (!number->shared)
		return true;
	if (had->refs > 1) {
		struct life *copy = history_copy(store, number);

		if (!copy)
			return false;
		had->refs--;
		for (life = copy; life && !number->borrowed; life = life->older, had = had->older) {
			life->waiting = had->waiting;
			had->waiting = NULL;
		}
		number->newest = copy;
	}
	for (life = number->newest; life; life = life->older)
		settle_in(store, number, life);
	number->shared = number->borrowed = number->inherits = false;
	return true;
}

/* The number has no lives any more. */
static void leave_lives(struct store *store, struct number *number)
{
	struct life *life = number->newest;

	if (!life)
		return;
	store->live -= life->live;
	number->newest = NULL;
	if (!--life->refs)
		history_free(store, life);
	else if (!number->borrowed)
		for (; life; life = life->older)
			life_drop_waiting(store, life);
}

/* Numbers */

void number_free(struct store *store, struct number *number)
{
	slots_remove(&number->table->numbers, number);
	DL_DELETE(store->numbers, number);
	store->nnumbers--;
	leave_lives(store, number);
	free(number);
	store_discount(store, sizeof(*number));
}

static uint64_t later(uint64_t time_ns, const struct fd_site *site)
{
	return site->time_ns > time_ns ? site->time_ns : time_ns;
}

/* When what is known of the number had happened, all of it. */
static uint64_t last_known(const struct number *number)
{
	uint64_t time_ns = 0;

	for (const struct life *life = number->newest; life; life = life->older)
		time_ns = later(later(time_ns, &life->opened), &life->ended);
	return time_ns;
}

static void number_forget(struct store *store, struct number *number)
{
	store->forget(store->forget_arg, number);
	table_mark_cut(number->table, number->fd, number->fd, last_known(number));
	number_free(store, number);
	store->forgotten++;
}

void store_trim(struct store *store, size_t more)
{
	while (store->numbers && store->bytes + more > store->limits.bytes)
		number_forget(store, store->numbers);
}

struct number *number_find(const struct table *table, int32_t fd)
{
	struct number *number = slots_find(&table->numbers, fd);

	if (!number || number_own(number))
		return number;
	number_forget(table->store, number);
	return NULL;
}

static bool add_slot(struct store *store, struct slots *slots, struct number *number)
{
	size_t before = slots_bytes(slots);
	bool added = slots_add(slots, number);

	store->bytes += slots_bytes(slots) - before;
	return added;
}

static struct number *number_new(struct store *store, struct table *table, int32_t fd)
{
	struct number *number = calloc(1, sizeof(*number));

	if (!number)
		return NULL;
	number->fd = fd;
	if (!add_slot(store, &table->numbers, number)) {
		free(number);
		return NULL;
	}
	number->table = table;
	number->gaps = store->gaps;
	number->copied = table->source != NULL;
	number->unsure = table->unsure;
	number->cut = table_cut(table, fd);
	DL_APPEND(store->numbers, number);
	store->nnumbers++;
	store_count(store, sizeof(*number));
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

void number_make_room(struct store *store, size_t count)
{
	while (store->numbers && store->nnumbers + count > store->limits.numbers)
		number_forget(store, store->numbers);
	/* With the slots; their lives are there already. */
	store_trim(store, count * (sizeof(struct number) + 3 * sizeof(struct number *)));
}

bool number_copy(struct store *store, struct table *to, struct number *from, bool inherited)
{
	struct number *number;

	if (store->nnumbers >= store->limits.numbers)
		return false;
	number = number_new(store, to, from->fd);
	if (!number)
		return false;
	number->gaps = from->gaps;
	number->copied = from->copied;
	number->unsure = from->unsure;
	number->cut = from->cut;
	number->uneven = from->uneven;
	number->newest = from->newest;
	if (!number->newest)
		return true;
	number->newest->refs++;
	store->live += number->newest->live;
	from->shared = number->shared = number->borrowed = true;
	number->inherits = inherited || from->inherits;
	return true;
}
