/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "fd/table.h"

/* Generations of one number beyond its history, each of which waits for its close. */
#define AWAITED_MAX 16

_Static_assert(sizeof(struct generation) <= 200, "millions of them are kept");

/* Generations */

static struct generation *generation_new(struct store *store, const struct generation *from)
{
	struct generation *gen = malloc(sizeof(*gen));

	if (!gen)
		return NULL;
	*gen = *from;
	gen->refs = 1;
	store_count(store, sizeof(*gen));
	return gen;
}

/* It is in its number's history no more. slot: NULL: the number has no history any more. */
static void generation_leave(struct store *store, struct slot *slot, struct generation *gen)
{
	if (!custody_leave(store, slot, gen))
		generation_free(store, gen);
}

static void history_free(struct store *store, struct generation *gen)
{
	while (gen) {
		struct generation *older = gen->older;

		generation_leave(store, NULL, gen);
		gen = older;
	}
}

bool generation_was_seen(const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN && gen->ended.missing == SITE_SEEN &&
	       call_shape(gen->ended.call) == SHAPE_CLOSE;
}

/* Sixteen bits of a code object's name: of so many numbers nothing longer is kept. 0: no name. */
static uint16_t code_mark(uint64_t code)
{
	uint16_t mark = code ^ code >> 16 ^ code >> 32 ^ code >> 48;

	return code && !mark ? 1 : mark;
}

static void note_cut(struct slot *slot, const struct generation *gen)
{
	uint16_t mark = code_mark(gen->custody ? gen->custody->closer_code : 0);

	if (custody_alone(gen))
		return;
	slot->cut_closer = !slot->cut_shared || slot->cut_closer == mark ? mark : 0;
	slot->cut_shared = true;
}

bool slot_cut_by(const struct slot *slot, uint64_t closer_code)
{
	return !slot->cut_shared || (closer_code && slot->cut_closer == code_mark(closer_code));
}

/*
 * The newest generation is about to be followed by another: keep the limit's worth of generations.
 * One whose close is on its way stays beyond that, or its close would be taken for another's:
 * however many generations follow while a thread is kept from returning from it. So does one whose
 * object still has the number, though it is over: the object may close it at any time.
 */
static void history_trim(struct store *store, struct slot *slot)
{
	struct generation *gen = slot->newest, **link;
	unsigned int kept = 1, awaited = 0, stale = 0;

	for (; gen && kept < store->limits.history; gen = gen->older)
		kept++;
	if (!gen)
		return;
	for (link = &gen->older; *link;) {
		gen = *link;
		if ((gen->state == GENERATION_AWAITED && awaited++ < AWAITED_MAX) ||
		    (gen->owner.object && !gen->owner.given && stale++ < RECORD_CLAIMS_MAX)) {
			link = &gen->older;
			continue;
		}
		*link = gen->older;
		slot->doubts |= DOUBT_CUT | doubt_if(!generation_was_seen(gen), DOUBT_CUT_UNSEEN);
		note_cut(slot, gen);
		past_note(store, slot, gen);
		generation_leave(store, slot, gen);
	}
}

struct generation *generation_push(struct store *store, struct slot *slot)
{
	static const struct generation nothing = {
		.state = GENERATION_LIVE,
		.ended.missing = SITE_NOT_APPLICABLE,
	};
	struct generation *gen = generation_new(store, &nothing);

	if (!gen)
		return NULL;
	history_trim(store, slot);
	gen->id = ++store->generations;
	gen->owner.gaps = store->gaps;
	gen->older = slot->newest;
	slot->newest = gen;
	store->live++;
	return gen;
}

void slot_await_nothing(struct slot *slot)
{
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		if (gen->state == GENERATION_AWAITED)
			gen->state = GENERATION_OVER;
}

void slot_drop_newest(struct store *store, struct slot *slot)
{
	struct generation *gen = slot->newest;

	slot->newest = gen->older;
	store->live -= generation_live(gen);
	generation_leave(store, NULL, gen);
}

void slot_drop_older(struct store *store, struct slot *slot)
{
	history_free(store, slot->newest->older);
	slot->newest->older = NULL;
}

void generation_over(struct store *store, struct generation *gen, const struct fd_site *ended)
{
	store->live -= generation_live(gen);
	gen->state = GENERATION_OVER;
	gen->ended = *ended;
}

void generation_set_what(struct store *store, struct generation *gen, const struct fd_what *what,
			 struct text *text)
{
	struct text *old = text_of(gen);

	text_ref(text);
	gen->what = *what;
	if (what->type == FD_SOCKET)
		gen->what.socket = text ? (const void *)text->bytes : NULL;
	else
		gen->what.path = text ? text->bytes : NULL;
	text_unref(store, old);
}

void generation_unknown(struct store *store, struct generation *gen, enum site_missing missing)
{
	generation_set_what(store, gen, &(struct fd_what){.type = FD_UNKNOWN}, NULL);
	gen->opened = (struct fd_site){.missing = missing};
	gen->began = BEGAN_UNSEEN;
	gen->inherited = false;
	gen->doubts &= ~DOUBT_WHILE_OPEN;
}

/* Histories that several numbers have */

/* Where it was first, a generation keeps its id, and what waits for its owner. */
static void settle_in(struct store *store, const struct slot *slot, struct generation *gen)
{
	if (slot->sharing >= SHARE_BORROWED)
		gen->id = ++store->generations;
	if (slot->sharing == SHARE_INHERITED) {
		gen->inherited = gen->owner.lent = true;
		gen->opened.inherited = gen->ended.inherited = true;
	}
}

/* Where they were first they keep what refers to them: the copy stays there. */
static void change_places(struct generation *copy, struct generation *had)
{
	struct custody *custody = had->custody;

	copy->owner.waiting = had->owner.waiting;
	had->owner.waiting = NULL;
	if (!custody || !copy->custody)
		return;
	had->custody = copy->custody;
	copy->custody = custody;
	had->custody->gen = had;
	custody->gen = copy;
}

/* A copy of all its generations, for this number alone. NULL without memory. */
static struct generation *history_copy(struct store *store, const struct slot *slot)
{
	struct generation *copy = NULL, **link = &copy;

	for (struct generation *gen = slot->newest; gen; gen = gen->older) {
		*link = generation_new(store, gen);
		if (!*link) {
			history_free(store, copy);
			return NULL;
		}
		(*link)->older = NULL;
		(*link)->owner.waiting = NULL;
		(*link)->custody = gen->custody ? custody_copy(store, *link, gen->custody) : NULL;
		text_ref(text_of(gen));
		link = &(*link)->older;
	}
	return copy;
}

bool slot_own(struct slot *slot)
{
	struct store *store = slot->table->store;
	struct generation *had = slot->newest, *gen;

	if (slot->sharing == SHARE_NONE)
		return true;
	if (had->refs > 1) {
		struct generation *copy = history_copy(store, slot);

		if (!copy)
			return false;
		had->refs--;
		for (gen = copy; gen && slot->sharing == SHARE_LENT;
		     gen = gen->older, had = had->older)
			change_places(gen, had);
		slot->newest = copy;
	}
	for (gen = slot->newest; gen; gen = gen->older)
		settle_in(store, slot, gen);
	slot->sharing = SHARE_NONE;
	return true;
}

/* The number has no generations any more. */
static void leave_generations(struct store *store, struct slot *slot)
{
	struct generation *gen = slot->newest;

	if (!gen)
		return;
	store->live -= generation_live(gen);
	slot->newest = NULL;
	if (!--gen->refs)
		history_free(store, gen);
	else if (slot->sharing < SHARE_BORROWED)
		for (; gen; gen = gen->older)
			generation_drop_waiting(store, gen);
}

/* Numbers */

void slot_free(struct store *store, struct slot *slot)
{
	slot_index_remove(&slot->table->numbers, slot);
	DL_DELETE(store->numbers, slot);
	store->nnumbers--;
	leave_generations(store, slot);
	past_free(store, slot);
	free(slot);
	store_discount(store, sizeof(*slot));
}

static uint64_t later(uint64_t time_ns, const struct fd_site *site)
{
	return site->time_ns > time_ns ? site->time_ns : time_ns;
}

/* When what is known of the number had happened, all of it. */
static uint64_t last_known(const struct slot *slot)
{
	uint64_t time_ns = 0;

	for (const struct generation *gen = slot->newest; gen; gen = gen->older)
		time_ns = later(later(time_ns, &gen->opened), &gen->ended);
	return time_ns;
}

static void slot_forget(struct store *store, struct slot *slot)
{
	store->forget(store->forget_arg, slot);
	table_mark_cut(slot->table, slot->fd, slot->fd, last_known(slot));
	slot_free(store, slot);
	store->forgotten++;
}

void store_trim(struct store *store, size_t more)
{
	while (store->numbers && store->bytes + more > store->limits.bytes)
		slot_forget(store, store->numbers);
}

struct slot *slot_find(const struct table *table, int32_t fd)
{
	struct slot *slot = slot_index_find(&table->numbers, fd);

	if (!slot || slot_own(slot))
		return slot;
	slot_forget(table->store, slot);
	return NULL;
}

static bool add_slot(struct store *store, struct slot_index *index, struct slot *slot)
{
	size_t before = slot_index_bytes(index);
	bool added = slot_index_add(index, slot);

	store->bytes += slot_index_bytes(index) - before;
	return added;
}

static struct slot *slot_new(struct store *store, struct table *table, int32_t fd)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	slot->fd = fd;
	if (!add_slot(store, &table->numbers, slot)) {
		free(slot);
		return NULL;
	}
	slot->table = table;
	slot->gaps = store->gaps;
	slot->copied = table->source != NULL;
	slot->doubts = (table->doubts & DOUBT_COPY) | doubt_if(table_cut(table, fd), DOUBT_CUT);
	slot->cut_shared = table_cut(table, fd);
	DL_APPEND(store->numbers, slot);
	store->nnumbers++;
	store_count(store, sizeof(*slot));
	return slot;
}

struct slot *slot_get(struct store *store, struct table *table, int32_t fd)
{
	struct slot *slot = slot_find(table, fd);

	if (slot)
		return slot;
	if (store->nnumbers >= store->limits.numbers)
		slot_forget(store, store->numbers);
	return slot_new(store, table, fd);
}

bool slot_stale(const struct store *store, const struct slot *slot)
{
	return slot->gaps != store->gaps;
}

void slot_touch(struct store *store, struct slot *slot)
{
	slot->gaps = store->gaps;
	slot->copied = false;
	slot->doubts &= ~DOUBT_COPY;
	if (!slot->next)
		return;
	DL_DELETE(store->numbers, slot);
	DL_APPEND(store->numbers, slot);
}

bool slot_live(const struct slot *slot)
{
	return slot && slot->newest && generation_live(slot->newest);
}

struct generation *slot_generation(const struct slot *slot, uint64_t id)
{
	struct generation *gen = slot->newest;

	while (gen && gen->id != id)
		gen = gen->older;
	return gen;
}

void slot_make_room(struct store *store, size_t count)
{
	while (store->numbers && store->nnumbers + count > store->limits.numbers)
		slot_forget(store, store->numbers);
	/* With the slots; their generations are there already. */
	store_trim(store, count * (sizeof(struct slot) + 3 * sizeof(struct slot *)));
}

bool slot_copy(struct store *store, struct table *to, struct slot *from, bool inherited)
{
	struct slot *slot;

	if (store->nnumbers >= store->limits.numbers)
		return false;
	slot = slot_new(store, to, from->fd);
	if (!slot)
		return false;
	slot->gaps = from->gaps;
	slot->copied = from->copied;
	slot->doubts = from->doubts;
	slot->cut_shared = from->cut_shared;
	slot->cut_closer = from->cut_closer;
	slot->newest = from->newest;
	if (!slot->newest)
		return true;
	slot->newest->refs++;
	store->live += generation_live(slot->newest);
	if (from->sharing == SHARE_NONE)
		from->sharing = SHARE_LENT;
	slot->sharing =
		inherited || from->sharing == SHARE_INHERITED ? SHARE_INHERITED : SHARE_BORROWED;
	return true;
}
