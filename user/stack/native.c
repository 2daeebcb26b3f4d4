/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded.h"

#define NATIVES_DEFAULT 16384
#define BYTES_DEFAULT	(8u << 20)
/* What the heap adds to both blocks of a stack, at most. */
#define HEAP_HEADS	(2 * 24)

struct stored_native {
	struct bounded_item item;
	uint64_t id;
	uint64_t hash;
	struct record_native_stack *record;
};

struct native_store {
	struct bounded stacks;
	native_forget_fn forget;
	void *arg;
};

uint64_t native_store_forgotten(const struct native_store *store)
{
	return store->stacks.forgotten;
}

static void stored_native_free(struct bounded_item *item)
{
	struct stored_native *stored = (struct stored_native *)item;

	free(stored->record);
	free(stored);
}

static void forget_native(void *arg, const struct bounded_item *item)
{
	const struct native_store *store = arg;

	store->forget(store->arg, ((const struct stored_native *)item)->hash);
}

int native_store_new(size_t max, size_t bytes, native_forget_fn forget, void *arg,
		     struct native_store **ret_store)
{
	struct native_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->stacks = (struct bounded){
		.items_max = max ? max : NATIVES_DEFAULT,
		.bytes_max = bytes ? bytes : BYTES_DEFAULT,
		.item_free = stored_native_free,
		.forget = forget ? forget_native : NULL,
		.arg = store,
	};
	store->forget = forget;
	store->arg = arg;
	*ret_store = store;
	return 0;
}

void native_store_free(struct native_store *store)
{
	if (!store)
		return;
	bounded_drop_all(&store->stacks);
	free(store);
}

static const struct stored_native *find_native(const struct native_store *store, uint64_t id)
{
	return (const struct stored_native *)bounded_find(&store->stacks, &id, sizeof(id));
}

int native_store_add(struct native_store *store, const struct record_native_stack *record)
{
	struct stored_native *stored = calloc(1, sizeof(*stored));
	int err = -ENOMEM;

	if (!stored)
		return -ENOMEM;
	stored->item.bytes = sizeof(*stored) + record->h.size + HEAP_HEADS;
	stored->id = record_native_id(record->cpu, record->nr);
	stored->hash = record->hash;
	stored->record = malloc(record->h.size);
	if (stored->record) {
		memcpy(stored->record, record, record->h.size);
		err = bounded_add(&store->stacks, &stored->item, &stored->id, sizeof(stored->id));
	}
	if (err)
		stored_native_free(&stored->item);
	return err;
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
	const struct stored_native *stored = taken == NATIVE_TAKEN ? find_native(store, id) : NULL;
	struct native_stack *stack =
		stored ? copy(stored->record) : calloc(1, sizeof(struct native_stack));

	if (!stack)
		return NULL;
	stack->taken = taken;
	stack->lost = taken == NATIVE_TAKEN && !stored;
	return stack;
}
