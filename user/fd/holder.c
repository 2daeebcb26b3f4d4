/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/holder.h"

#include <stdlib.h>
#include <utlist.h>

#include "fd/table.h"

/* Of one program, of which a child gets some. */
#define HOLDERS_MAX    1024
#define HOLDERS_COPIED 256
/* All holders, and what they keep from being freed, take at most this part of the store's limit. */
#define HOLDERS_SHARE  4
/* Functions that only help are looked through as far as this. */
#define HELPERS_MAX    2

void holders_init(struct holders *holders, struct store *store)
{
	*holders = (struct holders){.store = store};
}

static void holder_free(struct holder *holder)
{
	struct holders *holders = holder->program->holders;

	HASH_DEL(holder->program->index, holder);
	DL_DELETE(holders->list, holder);
	holders->count--;
	for (unsigned int i = 0; i < HOLDER_OPENS; i++)
		custody_unref(holders->store, holder->opens[i]);
	custody_unref(holders->store, holder->closed);
	store_discount(holders->store, sizeof(*holder));
	free(holder);
}

struct program *program_new(struct holders *holders)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return NULL;
	program->holders = holders;
	program->id = ++holders->programs;
	return program;
}

static void forget_all(struct program *program)
{
	while (program->index)
		holder_free(program->index);
}

void program_free(struct program *program)
{
	if (!program)
		return;
	forget_all(program);
	free(program);
}

void program_anew(struct program *program)
{
	if (!program)
		return;
	forget_all(program);
	program->id = ++program->holders->programs;
	program->unshared = false;
}

static bool is_full(const struct holders *holders)
{
	uint64_t bytes =
		holders->count * sizeof(struct holder) +
		holders->store->dropped * (sizeof(struct generation) + sizeof(struct custody));

	return bytes > holders->store->limits.bytes / HOLDERS_SHARE;
}

/* Makes room for one more. */
static void trim(struct program *program)
{
	struct holders *holders = program->holders;

	if (HASH_COUNT(program->index) >= HOLDERS_MAX)
		holder_free(program->index);
	while (holders->list && is_full(holders))
		holder_free(holders->list);
}

static struct holder *add_holder(struct program *program, const struct holder_key *key)
{
	struct holders *holders = program->holders;
	struct holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return NULL;
	holder->program = program;
	holder->key = *key;
	HASH_ADD(hh, program->index, key, sizeof(holder->key), holder);
	DL_APPEND(holders->list, holder);
	holders->count++;
	store_count(holders->store, sizeof(*holder));
	return holder;
}

struct holder *holder_find(struct program *program, const struct holder_key *key)
{
	struct holder *holder;

	if (!program || !key->address)
		return NULL;
	HASH_FIND(hh, program->index, key, sizeof(*key), holder);
	if (!holder)
		return NULL;
	HASH_DEL(program->index, holder);
	HASH_ADD(hh, program->index, key, sizeof(holder->key), holder);
	DL_DELETE(program->holders->list, holder);
	DL_APPEND(program->holders->list, holder);
	return holder;
}

static struct holder *get_holder(struct program *program, const struct holder_key *key)
{
	struct holder *holder = holder_find(program, key);

	if (holder || !program || !key->address)
		return holder;
	trim(program);
	return add_holder(program, key);
}

static void copy_holder(struct program *to, const struct holder *from)
{
	struct holder *holder = add_holder(to, &from->key);

	if (!holder)
		return;
	for (unsigned int i = 0; i < HOLDER_OPENS; i++)
		holder->opens[i] = custody_ref(from->opens[i]);
	holder->closed = custody_ref(from->closed);
	holder->ended = from->ended;
	holder->shared = from->shared;
}

void program_inherit(struct program *child, const struct program *parent)
{
	unsigned int count = parent ? HASH_COUNT(parent->index) : 0, skipped = 0;
	const struct holder *holder;

	if (!child || !parent)
		return;
	child->id = parent->id;
	for (holder = parent->index; holder; holder = holder->hh.next) {
		if (skipped++ + HOLDERS_COPIED < count)
			continue;
		if (is_full(child->holders))
			return;
		copy_holder(child, holder);
	}
}

int holder_frame(const struct caller *caller)
{
	for (unsigned int i = 0; i < caller->count && i <= HELPERS_MAX; i++)
		if (caller->frames[i].kind != LOCAL_PLAIN)
			return i;
	return -1;
}

enum code_role holder_role(const struct caller *caller)
{
	int frame = holder_frame(caller);
	enum code_role role = frame < 0 ? ROLE_UNKNOWN : caller->frames[frame].role;

	if (role == ROLE_FUNCTION && (unsigned int)frame + 1 < caller->count &&
	    caller->frames[frame + 1].role != ROLE_FUNCTION)
		return ROLE_UNKNOWN;
	return role;
}

struct holder_key holder_receiver(const struct caller *caller, int frame)
{
	const struct caller_frame *f = &caller->frames[frame];

	if (frame < 0 || frame >= CALLER_LOCALS || f->kind != LOCAL_OBJECT || !f->type)
		return (struct holder_key){0};
	return (struct holder_key){f->local, f->local ? f->type : 0};
}

struct holder_key holder_of(const struct caller *caller, int frame)
{
	struct holder_key key = holder_receiver(caller, frame);

	if (key.address || frame < 0 || !caller->frames[frame].address ||
	    !caller->frames[frame].code)
		return key;
	return (struct holder_key){caller->frames[frame].address, caller->frames[frame].code};
}

/* Before which of its opens that one stands: the newest is the first. */
static unsigned int place_among(const struct holder *holder, const struct custody *custody)
{
	unsigned int i = 0;

	while (i < HOLDER_OPENS && holder->opens[i] &&
	       holder->opens[i]->gen->opened.time_ns > custody->gen->opened.time_ns)
		i++;
	return i;
}

void holder_opens(struct program *program, const struct holder_key *key, struct custody *custody)
{
	struct holder *holder = get_holder(program, key);
	unsigned int place, below;

	if (!holder)
		return;
	holder->shared |=
		holder->opens[0] && holder->opens[0]->gen->opened.tid != custody->gen->opened.tid;
	place = place_among(holder, custody);
	if (place == HOLDER_OPENS)
		return;
	custody_unref(program->holders->store, holder->opens[HOLDER_OPENS - 1]);
	for (unsigned int i = HOLDER_OPENS - 1; i > place; i--)
		holder->opens[i] = holder->opens[i - 1];
	holder->opens[place] = custody_ref(custody);
	below = (1u << place) - 1;
	holder->ended = (uint8_t)((holder->ended & below) | (holder->ended & ~below) << 1) &
			((1u << HOLDER_OPENS) - 1);
}

void holder_closes(struct program *program, const struct holder_key *key, struct custody *custody)
{
	struct holder *holder = get_holder(program, key);

	if (!holder)
		return;
	for (unsigned int i = 0; i < HOLDER_OPENS; i++)
		if (holder->opens[i] && holder->opens[i]->open_id == custody->open_id)
			holder->ended |= 1u << i;
	custody_ref(custody);
	custody_unref(program->holders->store, holder->closed);
	holder->closed = custody;
}
