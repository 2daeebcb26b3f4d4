/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/records.h"
#include "python/code.h"

#define STACKS_DEFAULT 65536
#define BYTES_DEFAULT  (16u << 20)
/* What the heap adds to both blocks of a stack, at most. */
#define HEAP_HEADS     (2 * 24)

struct stored {
	uint64_t id;
	uint32_t tgid;
	uint16_t depth;
	uint8_t python;
	struct record_rights *rights; /* NULL: not known */
	UT_hash_handle hh;
	struct record_frame frames[];
};

struct stack_store {
	struct stored *stacks; /* oldest first */
	struct code_cache *codes;
	struct native_store *natives;
	size_t max;
	size_t bytes, bytes_max;
	uint64_t forgotten;
	stack_forget_fn forget;
	void *arg;
};

int stack_store_new(const struct stack_limits *limits, stack_forget_fn forget, void *arg,
		    struct stack_store **ret_store)
{
	struct stack_store *store = calloc(1, sizeof(*store));
	int err;

	if (!store)
		return -ENOMEM;
	err = code_cache_new(0, limits->code_bytes, &store->codes);
	if (!err)
		err = native_store_new(0, limits->native_bytes, forget, arg, &store->natives);
	if (err) {
		code_cache_free(store->codes);
		free(store);
		return err;
	}
	store->max = limits->stacks ? limits->stacks : STACKS_DEFAULT;
	store->bytes_max = limits->stack_bytes ? limits->stack_bytes : BYTES_DEFAULT;
	store->forget = forget;
	store->arg = arg;
	*ret_store = store;
	return 0;
}

void stack_store_forgotten(const struct stack_store *store, struct stack_counts *ret)
{
	ret->stacks = store->forgotten + native_store_forgotten(store->natives);
	ret->codes = code_cache_forgotten(store->codes);
}

static size_t size_of(size_t depth)
{
	return sizeof(struct stored) + depth * sizeof(struct record_frame) + HEAP_HEADS;
}

static void drop(struct stack_store *store, struct stored *stored)
{
	HASH_DEL(store->stacks, stored);
	store->bytes -= size_of(stored->depth) + (stored->rights ? stored->rights->h.size : 0);
	free(stored->rights);
	free(stored);
}

void stack_store_free(struct stack_store *store)
{
	struct stored *stored, *next;

	if (!store)
		return;
	HASH_ITER (hh, store->stacks, stored, next)
		drop(store, stored);
	code_cache_free(store->codes);
	native_store_free(store->natives);
	free(store);
}

static struct stored *find(struct stack_store *store, uint64_t id)
{
	struct stored *stored;

	HASH_FIND(hh, store->stacks, &id, sizeof(id), stored);
	return stored;
}

/* The oldest go, and the kernel side is told to send them again when they next occur. */
static void make_room(struct stack_store *store, size_t bytes)
{
	struct stored *oldest;

	while ((oldest = store->stacks) && (HASH_COUNT(store->stacks) >= store->max ||
					    store->bytes + bytes > store->bytes_max)) {
		if (store->forget)
			store->forget(store->arg, oldest->id);
		drop(store, oldest);
		store->forgotten++;
	}
}

static int add_stack(struct stack_store *store, const struct record_stack *record)
{
	size_t bytes = record->depth * sizeof(record->frames[0]);
	struct stored *stored;

	if (record->h.size < sizeof(*record) + bytes || record->depth > RECORD_FRAMES_MAX)
		return -EINVAL;
	stored = find(store, record->stack_id);
	if (stored)
		drop(store, stored); /* sent again: the newest identities count */
	make_room(store, size_of(record->depth));
	stored = malloc(sizeof(*stored) + bytes);
	if (!stored)
		return -ENOMEM;
	stored->id = record->stack_id;
	stored->tgid = record->h.tgid;
	stored->depth = record->depth;
	stored->python = record->python;
	stored->rights = NULL;
	memcpy(stored->frames, record->frames, bytes);
	store->bytes += size_of(stored->depth);
	HASH_ADD(hh, store->stacks, id, sizeof(stored->id), stored);
	return 0;
}

/* Those of a stack that has just come; of one that is not there, they are of no use. */
static int add_rights(struct stack_store *store, const struct record_rights *record)
{
	struct stored *stored = find(store, record->stack_id);

	if (!stored)
		return 0;
	store->bytes -= stored->rights ? stored->rights->h.size : 0;
	free(stored->rights);
	stored->rights = malloc(record->h.size);
	if (!stored->rights)
		return -ENOMEM;
	store->bytes += record->h.size;
	memcpy(stored->rights, record, record->h.size);
	return 0;
}

static int add_record(struct stack_store *store, const struct record_header *record)
{
	switch (record->type) {
	case RECORD_STACK:
		if (record->size < sizeof(struct record_stack))
			return -EINVAL;
		return add_stack(store, (const struct record_stack *)record);
	case RECORD_RIGHTS:
		if (!record_valid(record))
			return -EINVAL;
		return add_rights(store, (const struct record_rights *)record);
	case RECORD_CODE:
		if (record->size < sizeof(struct record_code))
			return -EINVAL;
		return code_cache_add(store->codes, (const struct record_code *)record);
	case RECORD_CODE_TABLE:
		if (record->size < sizeof(struct record_code_table))
			return -EINVAL;
		return code_cache_add_table(store->codes, (const struct record_code_table *)record);
	case RECORD_NATIVE_STACK:
		return native_store_add(store->natives, (const struct record_native_stack *)record);
	}
	return -EINVAL;
}

int stack_store_record(struct stack_store *store, const struct record_header *record)
{
	int err = add_record(store, record);

	if (code_cache_relieve(store->codes) && store->forget)
		store->forget(store->arg, 0);
	return err;
}

static struct stack *stack_new(size_t frames, enum python_status status)
{
	struct stack *stack = calloc(1, sizeof(*stack) + frames * sizeof(stack->frames[0]));

	if (!stack)
		return NULL;
	stack->status = status;
	stack->loop_of = frames ? calloc(frames, sizeof(*stack->loop_of)) : NULL;
	if (frames && !stack->loop_of) {
		free(stack);
		return NULL;
	}
	return stack;
}

static char *copy_or_unknown(const char *text)
{
	return strdup(text ? text : "?");
}

/* Whether what was sent for a frame is a code object, as far as it was sent. */
static bool is_sound(struct stack_store *store, const struct stored *stored,
		     const struct record_frame *frame)
{
	const struct code_info *code =
		code_cache_find(store->codes, stored->tgid, frame->code, frame->ident);

	return !code || code->sound;
}

/* Appends one frame of the loop that is reached, unless a traceback would not show it. 0 or
 * -ENOMEM. */
static int resolve_frame(struct stack_store *store, const struct stored *stored,
			 const struct record_frame *frame, struct stack *stack)
{
	const struct code_info *code =
		code_cache_find(store->codes, stored->tgid, frame->code, frame->ident);
	struct stack_frame *out = &stack->frames[stack->count];
	bool compiled = frame->owner == FRAME_COMPILED;
	char *function, *file;

	if (code && !compiled && code_frame_incomplete(code, frame->owner, frame->lasti))
		return 0;
	function = copy_or_unknown(code ? code->function : NULL);
	file = copy_or_unknown(code ? code->file : NULL);
	if (!function || !file) {
		free(function);
		free(file);
		return -ENOMEM;
	}
	out->function = function;
	out->file = file;
	out->firstlineno = code ? code->firstlineno : 0;
	out->compiled = compiled;
	out->line = compiled ? frame->lasti
			     : code_cache_line(store->codes, stored->tgid, frame->code,
					       frame->ident, frame->lasti);
	stack->loop_of[stack->count++] = stack->loops;
	return 0;
}

struct stack *stack_resolve(struct stack_store *store, uint64_t stack_id, enum python_status status)
{
	const struct stored *stored = stack_id ? find(store, stack_id) : NULL;
	struct stack *stack = stack_new(stored ? stored->depth : 0, status);

	if (!stack || !stack_id)
		return stack;
	if (!stored) {
		stack->lost = true;
		return stack;
	}
	stack->rights = stored->rights;
	for (size_t i = 0; i < stored->depth; i++) {
		if (!is_sound(store, stored, &stored->frames[i])) {
			stack->status = PYTHON_UNSOUND;
			break;
		}
		if (resolve_frame(store, stored, &stored->frames[i], stack)) {
			stack_free(stack);
			return NULL;
		}
		stack->loops += stored->frames[i].entry != 0;
	}
	if (stored->depth && !stored->frames[stored->depth - 1].entry)
		stack->loops++; /* of a loop that began further out */
	return stack;
}

int stack_add_native(struct stack_store *store, struct stack *stack, enum native_taken taken,
		     uint64_t native_id)
{
	if (taken == NATIVE_NOT_ASKED)
		return 0;
	stack->native = native_resolve(store->natives, taken, native_id);
	return stack->native ? 0 : -ENOMEM;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	for (size_t i = 0; i < stack->count; i++) {
		free((char *)stack->frames[i].function);
		free((char *)stack->frames[i].file);
	}
	free(stack->loop_of);
	free(stack->native);
	free(stack);
}
