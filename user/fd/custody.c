/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/custody.h"

#include <stdlib.h>

#include "fd/table.h"

/* What left a number's history since the first that is referred to still. */
struct past {
	UT_hash_handle hh;
	const struct slot *slot;
	uint64_t id;
	uint64_t unclear_ns; /* all that was not wholly seen had begun by then; 0: all was */
	uint64_t unowned_ns; /* the same of what no object owned */
	uint64_t shared_ns;  /* and of what no function had to itself, either */
};

struct custody *custody_of(struct store *store, struct generation *gen)
{
	struct custody *custody = gen->custody;

	if (custody)
		return custody;
	custody = calloc(1, sizeof(*custody));
	if (!custody)
		return NULL;
	store_count(store, sizeof(*custody));
	custody->refs = 1;
	custody->gen = gen;
	custody->open_id = gen->id;
	gen->custody = custody;
	return custody;
}

struct custody *custody_ref(struct custody *custody)
{
	if (custody)
		custody->refs++;
	return custody;
}

static void custody_free(struct store *store, struct custody *custody)
{
	struct custody *meant = custody->meant, *root = custody->root;

	store_discount(store, sizeof(*custody));
	free(custody);
	/* What was meant was nobody's booty, and a root followed from nothing: so this ends. */
	custody_unref(store, meant);
	custody_unref(store, root);
}

void custody_unref(struct store *store, struct custody *custody)
{
	if (!custody || --custody->refs)
		return;
	if (custody->dropped) {
		store->dropped--;
		generation_free(store, custody->gen);
	}
	custody_free(store, custody);
}

bool custody_stolen(const struct custody *custody)
{
	return custody && custody->elsewhere && custody->strength >= STRENGTH_FAIR;
}

bool custody_owned(const struct generation *gen)
{
	if (gen->closer.stolen || gen->closer.unsure || gen->closer.supposed ||
	    gen->ended.missing != SITE_SEEN)
		return false;
	return gen->closer.behind || gen->ended.origin == ORIGIN_METHOD ||
	       gen->ended.origin == ORIGIN_FINALIZER;
}

bool custody_within(const struct generation *gen)
{
	const struct custody *custody = gen->custody;

	if (!custody || !custody->count)
		return gen->opened.missing == SITE_SEEN && !gen->opened.stack_id;
	return custody->closer_code && custody->closer_code == custody->frames[0].code;
}

bool custody_alone(const struct generation *gen)
{
	return custody_owned(gen) || gen->closer.supposed || custody_within(gen);
}

struct custody *custody_copy(struct store *store, struct generation *gen,
			     const struct custody *from)
{
	struct custody *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	store_count(store, sizeof(*copy));
	*copy = *from;
	copy->refs = 1;
	copy->gen = gen;
	custody_ref(copy->meant);
	custody_ref(copy->root);
	return copy;
}

static struct past *find_past(const struct slot *slot)
{
	struct past *past;

	if (!slot || !slot->has_past)
		return NULL;
	HASH_FIND_PTR(slot->table->store->pasts, &slot, past);
	return past;
}

/* NULL without memory. */
static struct past *get_past(struct store *store, struct slot *slot)
{
	struct past *past = find_past(slot);

	if (past)
		return past;
	past = calloc(1, sizeof(*past));
	if (!past)
		return NULL;
	past->slot = slot;
	past->id = ++store->generations;
	HASH_ADD_PTR(store->pasts, slot, past);
	slot->has_past = true;
	store_count(store, sizeof(*past));
	return past;
}

void past_free(struct store *store, struct slot *slot)
{
	struct past *past = find_past(slot);

	if (!past)
		return;
	HASH_DEL(store->pasts, past);
	slot->has_past = false;
	store_discount(store, sizeof(*past));
	free(past);
}

bool custody_leave(struct store *store, struct slot *slot, struct generation *gen)
{
	struct custody *custody = gen->custody;
	struct past *past = NULL;

	if (!custody)
		return false;
	if (custody->refs == 1) {
		custody_free(store, custody);
		gen->custody = NULL;
		return false;
	}
	if (slot)
		past = get_past(store, slot);
	custody->refs--;
	custody->dropped = true;
	custody->past_id = past ? past->id : 0;
	store->dropped++;
	custody->disputed |= gen->owner.waiting != NULL;
	generation_drop_waiting(store, gen);
	gen->older = NULL;
	gen->state = GENERATION_OVER;
	return true;
}

bool custody_is_past(const struct slot *slot, const struct custody *custody)
{
	const struct past *past = custody->dropped ? find_past(slot) : NULL;

	return past && past->id == custody->past_id;
}

void past_note(struct store *store, struct slot *slot, const struct generation *gen)
{
	bool seen = gen->opened.missing == SITE_SEEN && gen->ended.missing == SITE_SEEN;
	struct past *past = find_past(slot);

	if (!past)
		return;
	if (!seen || gen->doubts)
		past->unclear_ns = store->now_ns;
	if (custody_owned(gen))
		return;
	past->unowned_ns = seen ? gen->opened.time_ns : store->now_ns;
	if (!custody_alone(gen))
		past->shared_ns = past->unowned_ns;
}

/* When it was over; what is not known counts as long ago. */
static uint64_t end_of(const struct custody *custody)
{
	const struct fd_site *ended = &custody->gen->ended;

	return ended->missing == SITE_SEEN ? ended->time_ns : 0;
}

bool past_unclear_since(const struct slot *slot, const struct custody *custody)
{
	const struct past *past = find_past(slot);

	return !past || past->unclear_ns >= end_of(custody);
}

bool past_unowned_since(const struct slot *slot, const struct custody *custody)
{
	const struct past *past = find_past(slot);

	return !past || past->unowned_ns >= end_of(custody);
}

bool past_shared_since(const struct slot *slot, const struct custody *custody)
{
	const struct past *past = find_past(slot);

	return !past || past->shared_ns >= end_of(custody);
}
