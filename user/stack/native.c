/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NATIVES_DEFAULT 16384
#define BYTES_DEFAULT	(8u << 20)
/* What the heap adds to both blocks of a stack, at most. */
#define HEAP_HEADS	(2 * 24)

struct stored {
	uint64_t id;
	uint64_t hash;
	UT_hash_handle hh;
	struct record_native_stack *record;
};

struct native_store {
	struct stored *stacks; /* oldest first */
	size_t max;
	size_t bytes, bytes_max;
	uint64_t forgotten;
	native_forget_fn forget;
	void *arg;
};

uint64_t native_store_forgotten(const struct native_store *store)
{
	return store->forgotten;
}

int native_store_new(size_t max, size_t bytes, native_forget_fn forget, void *arg,
		     struct native_store **ret_store)
{
	struct native_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->max = max ? max : NATIVES_DEFAULT;
	store->bytes_max = bytes ? bytes : BYTES_DEFAULT;
	store->forget = forget;
	store->arg = arg;
	*ret_store = store;
	return 0;
}

static size_t size_of(const struct record_native_stack *record)
{
	return sizeof(struct stored) + record->h.size + HEAP_HEADS;
}

static void drop(struct native_store *store, struct stored *stored)
{
	HASH_DEL(store->stacks, stored);
	store->bytes -= size_of(stored->record);
	free(stored->record);
	free(stored);
}

void native_store_free(struct native_store *store)
{
	if (!store)
		return;
	while (store->stacks)
		drop(store, store->stacks);
	free(store);
}

static struct stored *find(const struct native_store *store, uint64_t id)
{
	struct stored *stored;

	HASH_FIND(hh, store->stacks, &id, sizeof(id), stored);
	return stored;
}

static void make_room(struct native_store *store, size_t bytes)
{
	struct stored *oldest;

	while ((oldest = store->stacks) && (HASH_COUNT(store->stacks) >= store->max ||
					    store->bytes + bytes > store->bytes_max)) {
		if (store->forget)
			store->forget(store->arg, oldest->hash);
		drop(store, oldest);
		store->forgotten++;
	}
}

int native_store_add(struct native_store *store, const struct record_native_stack *record)
{
	uint64_t id = record_native_id(record->cpu, record->nr);
	struct stored *stored = find(store, id);

	if (stored)
		drop(store, stored);
	make_room(store, size_of(record));
	stored = calloc(1, sizeof(*stored));
	if (!stored)
		return -ENOMEM;
	stored->id = id;
	stored->hash = record->hash;
	stored->record = malloc(record->h.size);
	if (stored->record) {
		memcpy(stored->record, record, record->h.size);
		HASH_ADD(hh, store->stacks, id, sizeof(stored->id), stored);
	}
	if (stored->record && stored->hh.tbl) {
		store->bytes += size_of(record);
		return 0;
	}
	free(stored->record);
	free(stored);
	return -ENOMEM;
}

/* Frames, and behind them the text that they point into. */
static struct native_stack *copy(const struct record_native_stack *record)
{
	const char *from = (const char *)(record->frames + record->depth);
	struct native_stack *stack = calloc(
		1, sizeof(*stack) + record->depth * sizeof(stack->frames[0]) + record->text_size);
	char *text;

	if (!stack)
		return NULL;
	text = (char *)(stack->frames + record->depth);
	if (record->text_size)
		memcpy(text, from, record->text_size);
	stack->end = record->end;
	stack->count = record->depth;
	for (size_t i = 0; i < stack->count; i++) {
		const struct record_native_frame *frame = &record->frames[i];

		stack->frames[i] = (struct native_frame){
			.symbol = frame->symbol ? text + frame->symbol : NULL,
			.module = frame->module ? text + frame->module : NULL,
			.address = frame->address,
		};
	}
	return stack;
}

struct native_stack *native_resolve(const struct native_store *store, enum native_taken taken,
				    uint64_t id)
{
	const struct stored *stored = taken == NATIVE_TAKEN ? find(store, id) : NULL;
	struct native_stack *stack =
		stored ? copy(stored->record) : calloc(1, sizeof(struct native_stack));

	if (!stack)
		return NULL;
	stack->taken = taken;
	stack->lost = taken == NATIVE_TAKEN && !stored;
	return stack;
}
